#!/usr/bin/python3
"""Counts to input.to, one every input.every seconds, and saves each number as its progress checkpoint; before the last it waits until the
file input.until is there. COUNTER_LOG gets a line for each start (`start <from>`) and each save (`save <n>`), by which tests see where an
attempt began."""
import json
import os
import sys
import time

envelope = json.load(sys.stdin)
log = os.open(os.environ["COUNTER_LOG"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


def note(text):
    os.write(log, (text + "\n").encode())


saved = envelope["progress_checkpoint"]
n = saved["n"] if saved else 0
note(f"start {n}")
while n < envelope["input"]["to"]:
    time.sleep(envelope["input"]["every"])
    while n + 1 == envelope["input"]["to"] and not os.path.exists(envelope["input"]["until"]):
        time.sleep(0.05)
    n += 1
    note(f"save {n}")
    os.write(3, (json.dumps({"checkpoint": {"n": n}, "progress": n / envelope["input"]["to"]}) + "\n").encode())
print(json.dumps({"counted": n}))
