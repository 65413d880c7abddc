#!/usr/bin/python3
"""competitors.prices: how each of our prices stands in the market, and what it could be.

results used: analyze_menus
result: {"price_index","dishes":[{"dish","price","market_median","gap","position",
  "suggested_price"}],"sections","dearest","cheapest","method"}"""
from market import price_index, price_table
from marathon_function import Permanent, method, run

STEP_UP_MAX = 0.08  # guests accept a rise of so much at once
STEP_DOWN_MAX = 0.10
COMPARABLE_MIN = 3  # fewer prices say little


def suggested(row):
    """Half the way to the market's median, within what guests accept, on a price that ends in 0
    cents."""
    if row["competitors"] < COMPARABLE_MIN or row["position"] == "at market":
        return row["price"]
    wanted = row["price"] + (row["market_median"] - row["price"]) / 2
    bounded = min(row["price"] * (1 + STEP_UP_MAX), max(row["price"] * (1 - STEP_DOWN_MAX), wanted))
    return round(round(bounded * 10) / 10, 2)


def by_section(table):
    sections = {}
    for row in table:
        if row["competitors"]:
            sections.setdefault(row["section"] or "Other", []).append(row)
    return {
        name: {"dishes": len(rows), "price_index": price_index(rows)}
        for name, rows in sections.items()
    }


def prices(call):
    analysis = call.result("analyze_menus")
    own, menus = analysis.get("own_menu"), analysis.get("menus")
    if not own or not isinstance(menus, list):
        raise Permanent("results.analyze_menus: has no own_menu and menus")
    priced = {}
    for menu in menus:
        for dish, match in menu["matches"].items():
            priced.setdefault(dish, []).append((menu["id"], match["price"]))
    table = price_table(own, priced)
    for row in table:
        if row["competitors"]:
            row["suggested_price"] = suggested(row)
    call.progress(
        1.0, f"{sum(1 for r in table if r['competitors'])} of {len(table)} dishes compared"
    )
    clear = sorted(
        (r for r in table if r["competitors"] >= COMPARABLE_MIN),
        key=lambda r: (r["gap"], r["dish"]),
    )
    return {
        "price_index": price_index(table),
        "dishes": table,
        "sections": by_section(table),
        "not_compared": [r["dish"] for r in table if not r["competitors"]],
        "cheapest": [r["dish"] for r in clear[:3] if r["gap"] < 0],
        "dearest": [r["dish"] for r in clear[::-1][:3] if r["gap"] > 0],
        "method": method("median-gap-v1"),
    }


if __name__ == "__main__":
    run(prices)
