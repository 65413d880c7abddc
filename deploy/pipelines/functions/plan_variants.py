#!/usr/bin/python3
"""campaigns.plan: which variants of a campaign are to be written: each with a channel and a tone.

input:  {"count": 1..200, default 20}
result: {"variants": [{"variant": from 1,"channel","tone"}], "method"}"""
from campaign_ideas import CHANNELS, TONES
from marathon_function import method, run


def plan(call):
    count = call.whole("count", 20, 1, 200)
    return {
        "variants": [
            {
                "variant": number,
                "channel": CHANNELS[number % len(CHANNELS)],
                "tone": TONES[number % len(TONES)],
            }
            for number in range(1, count + 1)
        ],
        "method": method("turns-v1"),
    }


if __name__ == "__main__":
    run(plan)
