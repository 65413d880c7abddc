#!/usr/bin/python3
"""campaigns.variant: one of many variants of a campaign: the idea of that rank, in a channel and
tone.

input:  {"variant": 1..200, "channel"?, "tone"?}
results used: as menu.campaigns, which an input hands over by name: an item of a fan-out has no others
result: {"campaign": {...}, "method"}"""
from campaign_ideas import CHANNELS, TONES, facts, ideas, spread, write
from marathon_function import Permanent, method, run


def variant(call):
    number = call.whole("variant", 0, 1, 200)
    channel, tone = call.input.get("channel"), call.input.get("tone")
    for field, value, known in (("channel", channel, CHANNELS), ("tone", tone, TONES)):
        if value is not None and value not in known:
            raise Permanent(
                f"input.{field}: expected one of {', '.join(known)}, got {str(value)[:80]!r}"
            )
    analyses = {"bcg_analysis": call.result("bcg_analysis")}
    for step in ("sentiment_analysis", "competitive_intel"):
        analyses[step] = call.result(step, needed=False)
    found, known = spread(ideas(analyses), 200), facts(analyses)
    if not found:
        raise Permanent("results.bcg_analysis: has no dishes")
    idea = found[(number - 1) % len(found)]
    call.progress(1.0, f"{idea['dish']}: {idea['angle']}")
    return {
        "campaign": write(idea, known[idea["dish"]], number - 1, channel, tone),
        "method": method("ranked-templates-v1"),
    }


if __name__ == "__main__":
    run(variant)
