#!/usr/bin/python3
"""competitors.strategy: what to do, most valuable first, each with the evidence behind it.

results used: identify_competitors, enrich_competitors, analyze_menus, price_intelligence
result: {"recommendations": [{"kind","priority","title","action","evidence"}], "summary",
  "method"}"""
from marathon_function import method, run

THREATS = 3
PRICE_MOVES = 5


def price_moves(prices):
    moves = [d for d in prices["dishes"] if d.get("suggested_price", d["price"]) != d["price"]]
    moves.sort(key=lambda d: (-abs(d["gap"]), d["dish"]))
    for dish in moves[:PRICE_MOVES]:
        verb = "Raise" if dish["suggested_price"] > dish["price"] else "Lower"
        yield {
            "kind": "price",
            "priority": round(min(1.0, abs(dish["gap"]) * 3), 3),
            "title": f"{verb} {dish['dish']} from {dish['price']:.2f} to {dish['suggested_price']:.2f}",
            "action": f"{verb} the price by {abs(dish['suggested_price'] / dish['price'] - 1):.0%} and watch the sales for two weeks.",
            "evidence": {
                "market_median": dish["market_median"],
                "gap": dish["gap"],
                "competitors": dish["competitors"],
            },
        }


def new_dishes(menus):
    for dish in menus["missing_here"][:3]:
        share = dish["competitors"] / max(1, len(menus["menus"]))
        yield {
            "kind": "menu",
            "priority": round(min(1.0, 0.3 + share), 3),
            "title": f"Try {dish['dish']} on the menu",
            "action": f"Offer it as a weekly special at about {dish['price_median']:.2f} before it gets a place.",
            "evidence": {"competitors": dish["competitors"], "price_median": dish["price_median"]},
        }


def answers(enriched):
    """To the strongest competitors: go where they are weak."""
    advice = {
        "service": "train and staff for attentive service",
        "speed": "promise a fast lunch",
        "price": "show the value of set menus",
        "food": "put the best rated dishes forward",
        "ambience": "make the room the reason to come",
        "cleanliness": "keep tables and floor spotless, and show it",
    }
    for competitor in enriched[:THREATS]:
        guests = (competitor.get("profile") or {}).get("guests", {})
        weak = [w for w in guests.get("weaknesses", []) if w in advice]
        action = (
            "; ".join(advice[w] for w in weak)
            if weak
            else "match its hours and watch its menu each month"
        )
        yield {
            "kind": "rival",
            "priority": round(competitor["threat"], 3),
            "title": f"Answer {competitor['name']}",
            "action": action[0].upper() + action[1:] + ".",
            "evidence": {
                "distance_km": competitor["distance_km"],
                "rating": competitor["rating"],
                "weaknesses": weak,
            },
        }


def delivery(enriched):
    known = [c["profile"] for c in enriched if c.get("profile")]
    share = sum(p["delivery"] for p in known) / len(known) if known else 0.0
    if share >= 0.4:
        yield {
            "kind": "channel",
            "priority": round(0.4 + share / 3, 3),
            "title": "Offer delivery for the dishes that travel well",
            "action": "Start with pizza and pasta on two evenings a week.",
            "evidence": {"share_with_delivery": round(share, 3)},
        }


def strategy(call):
    found = call.result("identify_competitors")
    enriched = sorted(call.items("enrich_competitors"), key=lambda c: (-c["threat"], c["id"]))
    menus, prices = call.result("analyze_menus"), call.result("price_intelligence")
    advice = [*price_moves(prices), *new_dishes(menus), *answers(enriched), *delivery(enriched)]
    advice.sort(key=lambda a: (-a["priority"], a["title"]))
    index = prices["price_index"]
    where = (
        "without comparison"
        if index is None
        else f"{abs(index - 1):.1%} {'above' if index > 1 else 'below'} the market"
    )
    call.progress(1.0, f"{len(advice)} recommendations")
    return {
        "recommendations": advice,
        "summary": f"{found['within_radius']} competitors within {found['radius_km']} km; our prices are {where}; {len(advice)} recommendations.",
        "method": method("rules-v1"),
    }


if __name__ == "__main__":
    run(strategy)
