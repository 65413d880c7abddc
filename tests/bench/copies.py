"""How often a process copies a payload that passes through it, by bench_copies.so preloaded into each of ours. A build with sanitizers
has memcpy of its own, and is not measured."""

import os
import struct

from engine import TOOLS, Engine, chain, until
from rows import Row

PAYLOAD = 192 << 10  # an input may have 256 KiB
SPARE = 0.3  # of a payload: what of the next frame came with the one before moves to the front, as what came of a reply before its length
SHIM = os.path.join(TOOLS, "bench_copies.so")
# What is started, with what; and how often its payload passes through each process: in by one way, out by another.
WAYS = {"an input, from client to step": ("takes_input", {"bytes": 8, "pad": "x" * PAYLOAD}, {"gateway": 1, "coordinator": 2, "worker": 1}),
        "a result, from step to Redis": ("gives_result", {}, {"worker": 1, "coordinator": 1}),
        "a result, to Redis and the next step": ("hands_on", {"bytes": 8}, {"worker": 2, "coordinator": 2})}
READ = ("a result, from Redis to client", {"coordinator": 1, "gateway": 1})

NOTES = {2: "passes twice"}


class CopyEngine(Engine):
    def __init__(self):
        super().__init__("everysec", PAYLOAD)
        self.write_pipeline("takes_input", [{"name": "a", "function": "stamp"}])
        self.write_pipeline("gives_result", chain(1, PAYLOAD))
        self.write_pipeline("hands_on", [*chain(1, PAYLOAD), {"name": "b", "function": "stamp", "needs": ["s0"]}])
        self.copies_dir = os.path.join(self.dir, "copies")
        os.mkdir(self.copies_dir)

    def begin_counted(self):
        shim = {"LD_PRELOAD": SHIM, "COPIES_DIR": self.copies_dir}
        self.start_redis()
        self.start_coordinator(**shim)
        self.start_worker(4, **shim)
        self.start_gateway(**shim)

    def run(self, task_type, data):
        """Its id, once it has ended; told by Redis, since a status would be one more way of its payloads."""
        task = self.begin(task_type=task_type, input_data=data)
        until("it has ended", lambda: self.redis("HEXISTS", f"marathon:task:{task}", "end") == "1", 10)
        return task

    def copied(self):
        """Bytes, by role."""
        found = {}
        for p in self.ours():
            with open(os.path.join(self.copies_dir, str(p.popen.pid)), "rb") as f:
                found[p.name.rstrip("0123456789")] = struct.unpack("Q", f.read(8))[0]
        return found


def way_rows(e, way, passes, count, act):
    before = e.copied()
    for i in range(count):
        act(i)
    after = e.copied()
    return [Row(f"copies, {way}: {role}", "x payload", [(after[role] - before[role]) / count / PAYLOAD], times + SPARE, False,
                NOTES.get(times, "")) for role, times in passes.items()]


def copies(o):
    if not os.path.exists(SHIM):
        return []
    rows = []
    count = 4 if o.short else 40
    with CopyEngine() as e:
        e.begin_counted()
        done = []
        for way, (task_type, data, passes) in WAYS.items():
            rows += way_rows(e, way, passes, count, lambda i, t=task_type, d=data: done.append(e.run(t, d)))
        way, passes = READ
        rows += way_rows(e, way, passes, count, lambda i: e.get(f"/result/{done[count + i]}"))
    return rows
