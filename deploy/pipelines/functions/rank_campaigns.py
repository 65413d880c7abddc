#!/usr/bin/python3
"""campaigns.rank: gathers the variants of the steps before and puts them in order, best first.

input:  {"keep": 1..200, default 5}
results used: variants, the items of a step with for_each
result: {"ranking": [{"variant","score",...}], "best": [campaigns], "variants", "channels",
  "method"}"""
from marathon_function import Permanent, method, run

SAME_DISH_COSTS = 0.12  # a second campaign for a dish is worth less


def rank(call):
    keep = call.whole("keep", 5, 1, 200)
    made = [
        (number, r["campaign"])
        for number, r in enumerate(call.items("variants"), 1)
        if isinstance(r, dict) and isinstance(r.get("campaign"), dict)
    ]
    if not made:
        raise Permanent("results.variants: there is no campaign among them")
    seen, rows = {}, []
    for number, campaign in sorted(made, key=lambda m: (-m[1]["score"], m[0])):
        repeated = seen.get(campaign["dish"], 0)
        seen[campaign["dish"]] = repeated + 1
        rows.append((round(campaign["score"] - SAME_DISH_COSTS * repeated, 4), number, campaign))
    rows.sort(key=lambda r: (-r[0], r[1]))
    channels = {}
    for _, _, campaign in rows:
        channels[campaign["channel"]] = channels.get(campaign["channel"], 0) + 1
    call.progress(1.0, f"{len(rows)} variants")
    return {
        "ranking": [
            {"variant": n, "score": v, "dish": c["dish"], "angle": c["angle"], "channel": c["channel"]}
            for v, n, c in rows
        ],
        "best": [c for _, _, c in rows[:keep]],
        "variants": len(rows),
        "channels": channels,
        "method": method("ranked-templates-v1"),
    }


if __name__ == "__main__":
    run(rank)
