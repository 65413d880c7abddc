#!/usr/bin/python3
"""Writes the definitions that are lists of alike steps: ./generate.py [FOLDER]. FOLDER is this
folder where it is not named.

They are written out because a pipeline has no fan-out yet; the committed files are this program's
output."""
import json
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
SAMPLES = HERE.parent / "samples"

CHANNELS = ["instagram", "email", "table card", "maps post"]
TONES = ["warm", "playful", "plain"]


def chains(steps, count):
    """Lets the steps run as `count` chains side by side: each needs the one `count` before it."""
    for number, step in enumerate(steps):
        step["needs"] = [steps[number - count]["name"]] if number >= count else []
    return steps


def photos_100():
    photos = json.loads((SAMPLES / "photos" / "manifest.json").read_text())
    steps = [
        {
            "name": f"photo_{i:03d}",
            "function": "photo.quality",
            "timeout": 60,
            "input": {"photo": p["file"], "dish": p["dish"]},
        }
        for i, p in enumerate(photos, 1)
    ]
    return {
        "name": "photos_100",
        "description": "The quality of 100 photos of dishes, in four chains of 25. Needs no input_data.",
        "steps": chains(steps, 4),
    }


def competitive_50():
    steps = [
        {
            "name": f"competitor_{i:02d}",
            "function": "competitor.deep_dive",
            "timeout": 60,
            "input": {
                "competitor": f"c{i:02d}",
                "competitors": "competitors/competitors.csv",
                "restaurant": "restaurant.json",
            },
        }
        for i in range(1, 51)
    ]
    return {
        "name": "competitive_50",
        "description": "A deep dive into 50 competitors, in two chains of 25. Needs no input_data.",
        "steps": chains(steps, 2),
    }


def campaign_generation():
    analyses = ["bcg_analysis", "sentiment_analysis", "competitive_intel"]
    steps = [
        {"name": "bcg_analysis", "function": "menu.bcg", "timeout": 180, "needs": []},
        {
            "name": "sentiment_analysis",
            "function": "menu.sentiment",
            "timeout": 180,
            "needs": ["bcg_analysis"],
        },
        {"name": "competitive_intel", "function": "menu.competitors", "timeout": 300, "needs": []},
    ]
    variants = [
        {
            "name": f"variant_{i:02d}",
            "function": "campaigns.variant",
            "timeout": 60,
            "needs": analyses,
            "input": {"variant": i, "channel": CHANNELS[i % 4], "tone": TONES[i % 3]},
        }
        for i in range(1, 21)
    ]
    rank = {
        "name": "rank_campaigns",
        "function": "campaigns.rank",
        "timeout": 60,
        "needs": [v["name"] for v in variants],
        "input": {"keep": 5},
    }
    return {
        "name": "campaign_generation",
        "description": "20 variants of campaigns from sales, guests and market, and the best of them. "
        "input_data: deploy/samples/inputs/campaign_generation.json",
        "steps": steps + variants + [rank],
    }


def text(definition):
    """One step a line: easy to read, and small differences stay small."""
    steps = ",\n".join("  " + json.dumps(step) for step in definition["steps"])
    return (
        f'{{"name": {json.dumps(definition["name"])},\n "description": {json.dumps(definition["description"])},\n'
        f' "steps": [\n{steps}]}}\n'
    )


def main():
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else HERE
    for definition in (photos_100(), competitive_50(), campaign_generation()):
        (folder / f"{definition['name']}.json").write_text(text(definition))


if __name__ == "__main__":
    main()
