#!/usr/bin/python3
"""competitors.menus: reads the menus of the competitors and finds our dishes on them.

input:  {"restaurant": file}, where no step has read our menu from pictures
results used: enrich_competitors, the items of a step with for_each
result: {"menus": [{"id","dishes","sections","price_median","matches"}], "own_menu", "missing_here",
  "method"}"""
import statistics

from dish_names import best_match
from market import load_menu, match_menu, own_menu
from marathon_function import Permanent, method, run

MISSING_MAX = 15
COMMON_SHARE = 0.08  # a dish that this share of the competitors offers counts as common


def summary(competitor, menu, own):
    prices = [dish["price"] for dish in menu]
    sections = {}
    for dish in menu:
        sections[dish["section"] or "Other"] = sections.get(dish["section"] or "Other", 0) + 1
    matches = match_menu(own, menu)
    return {
        "id": competitor["id"],
        "name": competitor["name"],
        "dish_count": len(menu),
        "sections": sections,
        "price_low": min(prices),
        "price_median": round(statistics.median(prices), 2),
        "price_high": max(prices),
        "overlap": round(len(matches) / len(own), 4),
        "matches": matches,
    }


def missing_dishes(menus, own):
    """What several competitors offer and we do not: [{"dish","competitors","price_median"}]."""
    ours, groups = [d["name"] for d in own], {}
    for menu in menus:
        for dish in menu:
            if best_match(dish["name"], ours)[0] is None:
                known, _ = best_match(dish["name"], groups)
                groups.setdefault(known or dish["name"], []).append(dish["price"])
    common = [
        {
            "dish": name,
            "competitors": len(prices),
            "price_median": round(statistics.median(prices), 2),
        }
        for name, prices in groups.items()
        if len(prices) >= max(2, COMMON_SHARE * len(menus))
    ]
    return sorted(common, key=lambda d: (-d["competitors"], d["dish"]))[:MISSING_MAX]


def analyze(call):
    competitors = call.items("enrich_competitors")
    if not competitors:
        raise Permanent("the steps before found no competitors")
    own = own_menu(call)
    summaries, menus = [], []
    for number, competitor in enumerate(competitors, 1):
        menus.append(load_menu(competitor["menu"]))
        summaries.append(summary(competitor, menus[-1], own))
        call.progress(number / len(competitors), competitor["name"])
    return {
        "menus": summaries,
        "own_menu": own,
        "missing_here": missing_dishes(menus, own),
        "method": method("name-similarity-v1"),
    }


if __name__ == "__main__":
    run(analyze)
