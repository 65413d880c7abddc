#!/usr/bin/python3
"""demo.count: counts, and saves where it is, so that another attempt goes on from there: what any
long step should do.

input:  {"to": 1..1000000, "every": seconds, 0..60, default 1}
result: {"counted", "began_at": [the number that each attempt began at], "method"}"""
import time

from marathon_function import method, run


def count(call):
    to, every = call.whole("to", 10, 1, 1000000), call.number("every", 1, 0, 60)
    saved = call.progress_checkpoint or {"n": 0, "began_at": []}
    n, began_at = saved["n"], [*saved["began_at"], saved["n"]]
    while n < to:
        time.sleep(every)
        n += 1
        call.checkpoint({"n": n, "began_at": began_at})
        call.progress(n / to, f"{n} of {to}")
    return {"counted": n, "began_at": began_at, "method": method("slow-v1")}


if __name__ == "__main__":
    run(count)
