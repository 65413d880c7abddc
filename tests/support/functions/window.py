#!/usr/bin/python3
"""A function for tests: appends the moments between which it ran to $WINDOWS_LOG, one line "task begin end" on the host's own clock.
It takes input.sleep seconds, once the file input.until is there."""

import json
import os
import sys
import time

begin = time.monotonic()
envelope = json.load(sys.stdin)
while "until" in envelope["input"] and not os.path.exists(envelope["input"]["until"]):
    time.sleep(0.02)
time.sleep(envelope["input"].get("sleep", 0))
fd = os.open(os.environ["WINDOWS_LOG"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
os.write(fd, f"{envelope['task_id']} {begin} {time.monotonic()}\n".encode())
json.dump({"ran": True}, sys.stdout)
