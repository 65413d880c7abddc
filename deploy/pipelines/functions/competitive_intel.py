#!/usr/bin/python3
"""menu.competitors: the market around us in one step: who is near, how our prices stand, what we
lack.

input:  {"competitors": file, "restaurant": file, "radius_km": 3, "limit": 20}; without competitors
  the result is empty and says so
results used: menu_extraction, for our dishes (else the restaurant's file)
result: {"price_index","position","dishes","competitors","missing_here","opportunities","method"}"""
from analyze_menus import missing_dishes
from identify_competitors import rank
from market import (
    AT_MARKET,
    load_index,
    load_menu,
    load_restaurant,
    match_menu,
    own_menu,
    price_index,
    price_table,
)
from marathon_function import Permanent, method, run


def compare(call, own, near):
    """(price table, menus, summaries) over the nearest competitors."""
    priced, menus, rows = {}, [], []
    for number, competitor in enumerate(near, 1):
        menu = load_menu(competitor["menu"])
        matches = match_menu(own, menu)
        for dish, match in matches.items():
            priced.setdefault(dish, []).append((competitor["id"], match["price"]))
        ours = sum(d["price"] for d in own if d["name"] in matches)
        theirs = sum(m["price"] for m in matches.values())
        menus.append(menu)
        rows.append(
            {
                "id": competitor["id"],
                "name": competitor["name"],
                "cuisine": competitor["cuisine"],
                "rating": competitor["rating"],
                "distance_km": competitor["distance_km"],
                "score": competitor["score"],
                "dishes": len(menu),
                "same_dishes": len(matches),
                "price_against_ours": round(theirs / ours, 4) if matches else None,
            }
        )
        call.progress(number / len(near), competitor["name"])
    return price_table(own, priced), menus, rows


def opportunities(table, missing):
    cheap = [r for r in table if r.get("position") == "below" and r["competitors"] >= 3]
    dear = [r for r in table if r.get("position") == "above" and r["competitors"] >= 3]
    found = [
        f"{r['dish']} costs {-r['gap']:.0%} less than the market: advertise it or raise its price"
        for r in sorted(cheap, key=lambda r: (r["gap"], r["dish"]))[:4]
    ]
    found += [
        f"{r['dish']} costs {r['gap']:.0%} more than the market: justify it or lower its price"
        for r in sorted(dear, key=lambda r: (-r["gap"], r["dish"]))[:4]
    ]
    return found + [
        f"{m['dish']} is on {m['competitors']} menus near us, not on ours" for m in missing[:3]
    ]


def intel(call):
    index_file = call.text("competitors", "-")
    if index_file == "-":
        return {
            "price_index": None,
            "position": None,
            "dishes": [],
            "competitors": [],
            "missing_here": [],
            "opportunities": [],
            "note": "input names no competitors",
            "method": method("market-comparison-v1"),
        }
    place = load_restaurant(call.text("restaurant"))
    near = rank(place, load_index(index_file), call.number("radius_km", 3, 0.1, 100))[
        : call.whole("limit", 20, 1, 200)
    ]
    if not near:
        raise Permanent(f"{index_file}: no competitor within the radius")
    own = own_menu(call)
    table, menus, rows = compare(call, own, near)
    index, missing = price_index(table), missing_dishes(menus, own)
    word = (
        None
        if index is None
        else "below"
        if index < 1 - AT_MARKET
        else "above"
        if index > 1 + AT_MARKET
        else "at market"
    )
    return {
        "price_index": index,
        "position": word,
        "dishes": table,
        "competitors": rows,
        "missing_here": missing,
        "opportunities": opportunities(table, missing),
        "method": method("market-comparison-v1"),
    }


if __name__ == "__main__":
    run(intel)
