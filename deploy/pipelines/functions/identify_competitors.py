#!/usr/bin/python3
"""competitors.identify: who competes with us: by distance, cuisine, price level and how much they
are noticed.

input:  {"restaurant": file, "competitors": file, "radius_km": 3, "limit": 20}
result: {"competitors": [{"id","name","distance_km","score","reasons",...}], "considered",
  "method"}"""
import math

from market import distance_km, load_index, load_restaurant
from marathon_function import Permanent, method, run

# How near one kitchen is to another in a guest's choice; same: 1, not listed: 0.2.
NEAR_KITCHENS = {
    frozenset(("italian", "pizzeria")): 0.9,
    frozenset(("italian", "mediterranean")): 0.7,
    frozenset(("pizzeria", "mediterranean")): 0.6,
    frozenset(("italian", "french")): 0.4,
    frozenset(("mediterranean", "french")): 0.5,
    frozenset(("pizzeria", "burger")): 0.5,
}
WEIGHTS = {"distance": 0.40, "cuisine": 0.30, "price": 0.15, "attention": 0.15}


def rank(own, others, radius):
    """The competitors within the radius, strongest first."""
    near = []
    for other in others:
        away = distance_km(own, other)
        if away > radius or other["id"] == own.get("id"):
            continue
        kitchens = frozenset((own["cuisine"], other["cuisine"]))
        part = {
            "distance": 1.0 - away / radius,
            "cuisine": 1.0 if len(kitchens) == 1 else NEAR_KITCHENS.get(kitchens, 0.2),
            "price": 1.0 - abs(own["price_level"] - other["price_level"]) / 3.0,
            "attention": min(1.0, math.log10(1 + other["review_count"]) / 3.3)
            * other["rating"]
            / 5.0,
        }
        score = sum(WEIGHTS[k] * v for k, v in part.items())
        best = sorted(part, key=lambda k: -WEIGHTS[k] * part[k])[:2]
        near.append(
            {
                **other,
                "distance_km": round(away, 2),
                "score": round(score, 4),
                "parts": {k: round(v, 3) for k, v in part.items()},
                "reasons": best,
            }
        )
    return sorted(near, key=lambda c: (-c["score"], c["id"]))


def identify(call):
    own = load_restaurant(call.text("restaurant"))
    others = load_index(call.text("competitors"))
    radius = call.number("radius_km", 3, 0.1, 100)
    limit = call.whole("limit", 20, 1, 200)
    call.progress(0.3, f"{len(others)} restaurants in the index")
    near = rank(own, others, radius)
    if not near:
        raise Permanent(f"no competitor within {radius} km among {len(others)}")
    call.progress(1.0, f"{len(near)} within {radius} km")
    return {
        "restaurant": own["name"],
        "radius_km": radius,
        "considered": len(others),
        "within_radius": len(near),
        "competitors": near[:limit],
        "method": method("weighted-proximity-v1"),
    }


if __name__ == "__main__":
    run(identify)
