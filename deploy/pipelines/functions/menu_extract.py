#!/usr/bin/python3
"""menu.extract: pictures of a menu to its dishes and prices, by OCR (Debian's tesseract).

input:  {"menu_images": [file, ...]}
result: {"dishes": [{"name","section","price","description","page","confidence"}], "sections",
  "pages", "currency", "confidence", "method"}
Each finished page is a progress checkpoint, so that another attempt goes on behind it."""
import collections
import os
import subprocess

from marathon_function import Permanent, TryAgain, data_path, method, run
from menu_text import clean_name, is_section, split_price

IMAGES_MAX = 50
PAGE_SECONDS_MAX = 100  # tesseract needs about one; a picture that takes longer is no menu

Line = collections.namedtuple("Line", "text confidence height")


def read_lines(image, shown):
    """The lines of a picture, top to bottom."""
    # One thread: steps run side by side, tesseract's own threads would only fight over the cores.
    # Page mode 6, one block of
    # text, keeps a name and the price at the other end of the line together.
    environment = {**os.environ, "OMP_THREAD_LIMIT": "1", "LC_ALL": "C.UTF-8"}
    command = ["tesseract", str(image), "stdout", "-l", "eng", "--psm", "6", "tsv"]
    try:
        done = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PAGE_SECONDS_MAX,
            check=False,
        )
    except FileNotFoundError as error:
        raise TryAgain(
            "tesseract is not installed on this worker (apt-get install tesseract-ocr)"
        ) from error
    except subprocess.TimeoutExpired as error:
        raise TryAgain(f"{shown}: tesseract took longer than {PAGE_SECONDS_MAX} s") from error
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        kind = TryAgain if done.returncode < 0 else Permanent
        raise kind(f"{shown}: tesseract cannot read it: {said[-1] if said else done.returncode}")
    return _lines_of_tsv(done.stdout.decode("utf-8", "replace"))


def _lines_of_tsv(tsv):
    rows = collections.OrderedDict()
    for row in tsv.splitlines()[1:]:
        cell = row.split("\t")
        if len(cell) == 12 and cell[0] == "5" and cell[11].strip():
            rows.setdefault(tuple(cell[2:5]), []).append(cell)
    lines = []
    for cells in rows.values():
        heights = sorted(int(c[9]) for c in cells)
        lines.append(
            Line(" ".join(c[11] for c in cells), _confidence(cells), heights[len(heights) // 2])
        )
    return lines


def _confidence(cells):
    """0 to 1. What OCR makes of leader dots is noise: only the words before them and the last one,
    the price, count."""
    leader = next((i for i, c in enumerate(cells) if ".." in c[11]), None)
    counted = cells if leader is None else cells[:leader] + cells[-1:]
    return sum(max(0.0, float(c[10])) for c in counted) / len(counted) / 100


def parse_page(lines, page, section):
    """(dishes, section at the end, title). A line without a price under a dish describes it, if it
    is no heading."""
    dishes, title = [], None
    for number, line in enumerate(lines):
        name, price = split_price(line.text)
        if price is not None:
            dishes.append(
                {
                    "name": name,
                    "section": section,
                    "price": price,
                    "description": "",
                    "page": page,
                    "confidence": round(line.confidence, 3),
                }
            )
        elif is_section(line.text):
            section = clean_name(line.text)
        elif number == 0 and line.height >= 24:
            title = clean_name(line.text)
        elif (
            dishes and dishes[-1]["description"] == "" and not line.text.lower().startswith("page ")
        ):
            dishes[-1]["description"] = line.text.strip()
    return dishes, section, title


def currency_of(text):
    counts = {
        code: text.count(sign) + text.count(code)
        for sign, code in (("€", "EUR"), ("$", "USD"), ("£", "GBP"))
    }
    best = max(counts, key=lambda code: (counts[code], code))
    return best if counts[best] else None


def _done_before(call, images):
    """The pages that an earlier attempt has saved, if they are the first of these pictures."""
    saved = call.progress_checkpoint
    pages = saved.get("pages") if isinstance(saved, dict) else None
    if not isinstance(pages, list) or [p.get("image") for p in pages] != images[: len(pages)]:
        return []
    return pages


def extract(call):
    images = call.input.get("menu_images")
    if not isinstance(images, list) or not 1 <= len(images) <= IMAGES_MAX:
        raise Permanent(
            f"input.menu_images: expected a list of 1 to {IMAGES_MAX} names of pictures"
        )
    paths = [data_path(image, f"input.menu_images[{i}]") for i, image in enumerate(images)]
    pages = _done_before(call, images)
    section = pages[-1]["last_section"] if pages else None
    for number in range(len(pages), len(images)):
        call.progress(number / len(images), f"reading {images[number]}")
        lines = read_lines(paths[number], images[number])
        dishes, section, title = parse_page(lines, number + 1, section)
        pages.append(
            {
                "image": images[number],
                "lines": len(lines),
                "title": title,
                "last_section": section,
                "dishes": dishes,
                "currency": currency_of("\n".join(line.text for line in lines)),
            }
        )
        call.checkpoint({"pages": pages})
    dishes = [dish for page in pages for dish in page["dishes"]]
    if not dishes:
        raise Permanent("no dish with a price was found in " + ", ".join(images))
    call.progress(1.0, f"{len(dishes)} dishes")
    sections = list(dict.fromkeys(d["section"] for d in dishes if d["section"]))
    return {
        "restaurant": next((p["title"] for p in pages if p["title"]), None),
        "dishes": dishes,
        "dish_count": len(dishes),
        "sections": sections,
        "currency": next((p["currency"] for p in pages if p["currency"]), None),
        "confidence": round(sum(d["confidence"] for d in dishes) / len(dishes), 3),
        "pages": [
            {"image": p["image"], "lines": p["lines"], "dishes": len(p["dishes"])} for p in pages
        ],
        "method": method("tesseract-ocr+line-rules-v1"),
    }


if __name__ == "__main__":
    run(extract)
