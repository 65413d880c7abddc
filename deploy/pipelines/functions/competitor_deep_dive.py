#!/usr/bin/python3
"""competitor.deep_dive: one competitor against us and against the whole market.

input:  {"competitor": id, "competitors": file, "restaurant": file}
result: {"id","name","profile","against_us","against_market","closest_rivals","specialities",
  "verdict","method"}"""
import posixpath
import statistics

from dish_names import best_match, similarity
from enrich_competitors import enrich
from identify_competitors import rank
from market import (
    distance_km,
    load_index,
    load_menu,
    load_restaurant,
    match_menu,
    own_menu,
    position,
    price_index,
    price_table,
)
from marathon_function import Permanent, method, read_json, run

ANYWHERE_KM = 1000
RIVALS = 5


def against_market(menu, others):
    """How each of its prices stands, and which dishes hardly anybody else has."""
    placed, special = [], []
    for dish in menu:
        prices = []
        for other in others:
            name, _ = best_match(dish["name"], [d["name"] for d in other])
            if name is not None:
                prices.append(next(d["price"] for d in other if d["name"] == name))
        if len(prices) < 3:
            special.append(dish["name"])
            continue
        median = statistics.median(prices)
        gap, word = position(dish["price"], median)
        placed.append(
            {
                "dish": dish["name"],
                "price": dish["price"],
                "market_median": round(median, 2),
                "gap": gap,
                "position": word,
                "offered_by": len(prices),
            }
        )
    return placed, special


def closest_rivals(competitor, menu, others):
    """Who is most like it: the menu counts for most, then the distance. others: [(competitor,
    menu)]."""
    rows = []
    for other, its in others:
        best = [max(similarity(d["name"], o["name"]) for o in its) for d in menu]
        away = distance_km(competitor, other)
        rows.append(
            {
                "id": other["id"],
                "name": other["name"],
                "distance_km": round(away, 2),
                "likeness": round(0.7 * sum(best) / len(best) + 0.3 / (1 + away), 4),
            }
        )
    return sorted(rows, key=lambda r: (-r["likeness"], r["id"]))[:RIVALS]


def verdict(competitor, placed, ours):
    mean = sum(p["gap"] for p in placed) / len(placed) if placed else 0.0
    level = "cheap" if mean < -0.05 else "dear" if mean > 0.05 else "average"
    liked = (
        "loved"
        if competitor["rating"] >= 4.3
        else "liked"
        if competitor["rating"] >= 3.6
        else "disliked"
    )
    danger = (
        "high"
        if competitor["threat"] > 0.72
        else "medium"
        if competitor["threat"] > 0.55
        else "low"
    )
    return {
        "price_level": level,
        "guests": liked,
        "danger": danger,
        "mean_gap": round(mean, 4),
        "our_price_index": ours,
    }


def deep_dive(call):
    ident, index_file = call.text("competitor"), call.text("competitors")
    place = load_restaurant(call.text("restaurant"))
    everyone = rank(place, load_index(index_file), ANYWHERE_KM)
    competitor = next((c for c in everyone if c["id"] == ident), None)
    if competitor is None:
        raise Permanent(f"input.competitor: no {ident!r} in {index_file}")
    profile = read_json(
        posixpath.join(posixpath.dirname(index_file), "profiles.json"),
        "profiles of the competitors",
    ).get(ident)
    competitor = (
        enrich(competitor, profile)
        if profile
        else {**competitor, "threat": competitor["score"], "profile": None}
    )
    call.progress(0.1, competitor["name"])
    menu = load_menu(competitor["menu"])
    others = [(c, load_menu(c["menu"])) for c in everyone if c["id"] != ident]
    call.progress(0.4, f"{len(others)} other menus read")
    placed, special = against_market(menu, [its for _, its in others])
    call.progress(0.8, "prices placed in the market")
    own = own_menu(call)
    table = price_table(
        own, {dish: [(ident, m["price"])] for dish, m in match_menu(own, menu).items()}
    )
    ours = price_index(table)
    return {
        "id": ident,
        "name": competitor["name"],
        "cuisine": competitor["cuisine"],
        "distance_km": competitor["distance_km"],
        "rating": competitor["rating"],
        "threat": competitor["threat"],
        "profile": competitor["profile"],
        "against_us": [r for r in table if r["competitors"]],
        "against_market": placed,
        "specialities": special,
        "closest_rivals": closest_rivals(competitor, menu, others),
        "verdict": verdict(competitor, placed, ours),
        "method": method("market-deep-dive-v1"),
    }


if __name__ == "__main__":
    run(deep_dive)
