#!/usr/bin/python3
"""Makes the sample data anew, the same bytes each time: ./generate.py [--without-pictures]
[FOLDER].

FOLDER is deploy/samples where it is not named. The menu pictures need libcairo2 and
fonts-dejavu-core (see cairo_canvas.py);
their bytes may differ with another version of these, which is why the made files are committed."""
import argparse
import json
import pathlib

from competitors import competitor_files
from own_menu import RESTAURANT, menu_json
from photos import photo_files
from reviews import reviews_jsonl
from sales import sales_csv

INPUTS = {
    "full_analysis": {
        "sales_csv": "sales.csv",
        "menu_images": ["menu/menu_1.png", "menu/menu_2.png", "menu/menu_3.png"],
        "restaurant": "restaurant.json",
        "competitors": "competitors/competitors.csv",
        "reviews": "reviews.jsonl",
        "campaigns": 6,
    },
    "competitive_intel": {
        "restaurant": "restaurant.json",
        "competitors": "competitors/competitors.csv",
        "radius_km": 3,
        "limit": 20,
    },
    "campaign_generation": {
        "sales_csv": "sales.csv",
        "restaurant": "restaurant.json",
        "reviews": "reviews.jsonl",
        "competitors": "competitors/competitors.csv",
    },
}


def text_files():
    """Pairs of name and text: everything but the pictures."""
    yield "sales.csv", sales_csv()
    yield "reviews.jsonl", reviews_jsonl()
    yield "restaurant.json", json.dumps({**RESTAURANT, "menu": menu_json()}, indent=1) + "\n"
    for pipeline, value in INPUTS.items():
        yield f"inputs/{pipeline}.json", json.dumps(value, indent=1) + "\n"
    yield from competitor_files()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "folder",
        nargs="?",
        type=pathlib.Path,
        default=pathlib.Path(__file__).resolve().parent.parent,
    )
    parser.add_argument("--without-pictures", action="store_true", help="only the text files")
    options = parser.parse_args()
    files = [(name, text.encode()) for name, text in text_files()]
    if not options.without_pictures:
        from menu_pictures import menu_pictures  # needs libcairo

        files += menu_pictures()
        files += [(n, c.encode() if isinstance(c, str) else c) for n, c in photo_files()]
    for name, content in files:
        path = options.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


if __name__ == "__main__":
    main()
