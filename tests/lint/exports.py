#!/usr/bin/python3
"""Checks which of libuv's functions programs put in the place of libuv's own: the gateway those of common/loop/foreign.c, which
libwebsockets is to call; all others none, since a plugin's own loop would call them. Usage: exports.py PROGRAM..."""
import os
import re
import subprocess
import sys

OURS = {"marathon-gateway": {"uv_poll_start", "uv_poll_stop"}}


def exported(program):
    listing = subprocess.run(["nm", "-D", "--defined-only", program], check=True, capture_output=True, text=True).stdout
    return set(re.findall(r" [TW] (uv_\w+)$", listing, re.M))


def fault(name, found):
    wanted = OURS.get(name, set())
    return None if found == wanted else f"{name}: exports {sorted(found) or 'nothing'} of libuv's names, not {sorted(wanted) or 'nothing'}"


def main(programs):
    faults = [f for p in programs if (f := fault(os.path.basename(p), exported(p)))]
    print("\n".join(faults) or f"{len(programs)} programs export what they should of libuv's names")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
