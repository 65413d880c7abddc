#!/usr/bin/python3
"""How the machine itself stood still: writes a line to DIR/stalls.log for each time that a small write with fsync, or a sleep, in that
folder took far longer than it should. A process of its own, which has nothing else to do: what holds it up holds up everybody.

    stalls.py DIR                as long as its parent lives
"""

import json
import os
import sys
import time

EVERY = 0.05
LEAST = 0.1  # seconds; less is no stall


def now():
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def watch(folder):
    parent = os.getppid()
    with open(os.path.join(folder, "stalls.log"), "a", buffering=1) as log, open(os.path.join(folder, "stalls.probe"), "wb", 0) as probe:
        while os.getppid() == parent:
            began = now()
            os.pwrite(probe.fileno(), b"x" * 512, 0)
            os.fsync(probe.fileno())
            written = now()
            time.sleep(EVERY)
            for what, since, took in (("fsync", began, written - began), ("sleep", written, now() - written - EVERY)):
                if took >= LEAST:
                    log.write(json.dumps({"t": round(since, 6), "what": what, "seconds": round(took, 6)}) + "\n")


def stalled(folder):
    """Seconds of stalls on record, in all."""
    try:
        with open(os.path.join(folder, "stalls.log")) as f:
            return sum(json.loads(line)["seconds"] for line in f if line.endswith("\n"))
    except FileNotFoundError:
        return 0.0


if __name__ == "__main__":
    watch(sys.argv[1])
