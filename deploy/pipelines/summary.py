#!/usr/bin/python3
"""Reads the results of a finished full_analysis on stdin (marathon result ID, or GET
/api/v1/marathon/result/ID) and prints
them for people. A whole status ({"accumulated_results": ...}) or task_complete's data ({"results":
...}) will do as well."""
import json
import sys

CLASSES = [
    ("star", "Stars"),
    ("cash_cow", "Cash cows"),
    ("question_mark", "Question marks"),
    ("dog", "Dogs"),
]
WIDTH = 78


def results_of(document):
    for key in ("results", "accumulated_results"):
        if isinstance(document.get(key), dict) and "menu_extraction" not in document:
            return document[key]
    return document


def heading(title):
    print(f"\n{title}\n{'-' * len(title)}")


def names(items):
    """Names in lines of bearable width."""
    line = "   "
    for number, item in enumerate(items):
        word = item + ("," if number + 1 < len(items) else "")
        if len(line) + len(word) + 1 > WIDTH:
            print(line)
            line = "   "
        line += " " + word
    print(line)


def show_menu(result):
    heading(
        f"Menu: {result['dish_count']} dishes found, read with {result['confidence']:.0%} confidence"
    )
    for section in result["sections"]:
        dishes = [
            f"{d['name']} {d['price']:.2f}" for d in result["dishes"] if d["section"] == section
        ]
        print(f"  {section}")
        names(dishes)


def show_bcg(result):
    growth = result["menu"]["growth"]
    heading(
        f"Sales of {result['window']['days']} days: {result['menu']['revenue']:,.2f}"
        + (
            f" ({growth:+.1%} against the {result['window']['days']} before)"
            if growth is not None
            else ""
        )
    )
    for kind, title in CLASSES:
        dishes = [d for d in result["dishes"] if d["class"] == kind]
        print(f"  {title} ({len(dishes)})")
        names(
            [
                d["dish"] + (f" {d['growth']:+.0%}" if d["growth"] is not None else " new")
                for d in dishes
            ]
            or ["none"]
        )


def show_market(result):
    if not result["competitors"]:
        heading("Market: not analysed")
        return
    index = result["price_index"]
    place = (
        f"our prices are at {index:.0%} of the market's ({result['position']})"
        if index is not None
        else "no price compares"
    )
    heading(f"Market: {len(result['competitors'])} competitors compared, {place}")
    for line in result["opportunities"][:5]:
        print(f"  - {line}")


def show_guests(result):
    if not result["reviews_analysed"]:
        heading("Guests: no reviews analysed")
        return
    kinds = result["distribution"]
    heading(
        f"Guests: {result['reviews_analysed']} reviews, {kinds['positive']} positive, {kinds['neutral']} neutral, "
        f"{kinds['negative']} negative"
    )
    aspects = sorted(result["aspects"].items(), key=lambda a: -a[1]["score"])
    print("  " + ", ".join(f"{name} {value['score']:+.2f}" for name, value in aspects))
    dishes = [(n, d) for n, d in result["dishes"].items() if d["mentions"] >= 5]
    dishes.sort(key=lambda d: -d[1]["score"])
    if dishes:
        print(
            "  loved: "
            + ", ".join(n for n, _ in dishes[:3])
            + "; not loved: "
            + ", ".join(n for n, _ in dishes[-3:])
        )


def show_campaigns(result):
    heading(f"Campaigns: the best {len(result['campaigns'])} of {result['considered']} ideas")
    for campaign in result["campaigns"]:
        print(f"  {campaign['variant']}. {campaign['headline']}  [{campaign['channel']}]")
        print(f"     {', '.join(campaign['reasons'])}")


SHOWN = [
    ("menu_extraction", show_menu),
    ("bcg_analysis", show_bcg),
    ("competitive_intel", show_market),
    ("sentiment_analysis", show_guests),
    ("campaign_generation", show_campaigns),
]


def main():
    try:
        results = results_of(json.load(sys.stdin))
        for step, show in SHOWN:
            if step in results:
                show(results[step])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        sys.exit(f"summary: not the result of a full_analysis ({type(error).__name__}: {error})")
    if not any(step in results for step, _ in SHOWN):
        sys.exit("summary: not the result of a full_analysis (none of its steps is there)")


if __name__ == "__main__":
    main()
