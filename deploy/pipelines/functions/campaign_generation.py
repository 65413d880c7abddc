#!/usr/bin/python3
"""menu.campaigns: the best campaigns that follow from the sales, the guests and the market.

input:  {"campaigns": 1..50, default 6}
results used: bcg_analysis, and sentiment_analysis and competitive_intel where they are there
result: {"campaigns": [{"dish","angle","channel","tone","headline","text","goal","score",
  "reasons"}], "considered", "method"}"""
from campaign_ideas import facts, ideas, spread, write
from marathon_function import method, run


def campaigns(call):
    count = call.whole("campaigns", 6, 1, 50)
    call.result("bcg_analysis")
    found, known = ideas(call.results), facts(call.results)
    made = []
    for number, idea in enumerate(spread(found, count)):
        made.append(write(idea, known[idea["dish"]], number))
        call.progress((number + 1) / count, idea["dish"])
    return {"campaigns": made, "considered": len(found), "method": method("ranked-templates-v1")}


if __name__ == "__main__":
    run(campaigns)
