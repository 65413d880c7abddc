#!/usr/bin/python3
"""A function for tests. It appends one line per execution to $EFFECTS_LOG, and behaves as the step's input says:

{"fail_times": n}  the first n attempts exit 1      {"exit": code}   always exits so
{"sleep": s}       takes s seconds, with progress   {"hang": true}   never ends
{"until": path}    works, with progress, until this file is there
{"kill_worker": n} kills its worker in the first n deliveries (counted in $EFFECTS_LOG)
{"say": text}      writes it to stderr before it does so, and gives it a second and a half to be heard
"""

import json
import os
import signal
import sys
import time

envelope = json.load(sys.stdin)
want = envelope["input"]
path = os.environ["EFFECTS_LOG"]
before = 0
if os.path.exists(path):
    with open(path) as f:
        before = sum(1 for line in f if line.split()[:2] == [envelope["task_id"], envelope["step_id"]])
fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
os.write(fd, f"{envelope['task_id']} {envelope['step_id']} {envelope['attempt']} {envelope['idempotency_key']} {os.getppid()}\n".encode())
os.fsync(fd)
if want.get("hang"):
    signal.pause()
if before < want.get("kill_worker", 0):
    if "say" in want:
        print(f"delivery {before}: {want['say']}", file=sys.stderr, flush=True)
        time.sleep(1.5)
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(60)
while "until" in want and not os.path.exists(want["until"]):
    os.write(3, b'{"progress":0.5}\n')
    time.sleep(0.05)
end = time.monotonic() + want.get("sleep", 0)
while time.monotonic() < end:
    left = max(0.0, end - time.monotonic())
    os.write(3, (json.dumps({"progress": 1 - left / want["sleep"], "message": "working"}) + "\n").encode())
    time.sleep(min(0.05, left))
if envelope["attempt"] <= want.get("fail_times", 0):
    print(f"attempt {envelope['attempt']} fails on purpose", file=sys.stderr)
    sys.exit(1)
if "exit" in want:
    print("exits on purpose", file=sys.stderr)
    sys.exit(want["exit"])
json.dump({"step": envelope["name"], "attempt": envelope["attempt"], "seen": sorted(envelope["results"])}, sys.stdout)
