"""What Redis holds, read by the checker's own few lines and decoded by its own knowledge of the format (coordinator/store/README.md and
coordinator/core/record.h say what it should be). Nothing of the engine is used."""

import json
import re

from resp import ClusterClient, Redis

TASK_STATES = ("pending", "running", "recovering", "completed", "failed", "cancelled", "paused", "waiting", "budget_exceeded")
STEP_STATES = ("pending", "running", "completed", "failed", "skipped", "cancelled")
EVENTS = ("progress_update", "step_completed", "step_retry", "task_complete", "task_error", "task_cancelled", "task_recovering")


class Blob:
    """LEB128 numbers, zigzag numbers, 8-byte doubles, byte strings with their length."""

    def __init__(self, data):
        self.data, self.at = data, 0
        version = self.uint()
        if version != 1:
            raise ValueError(f"a blob of version {version}")

    def uint(self):
        value = shift = 0
        while True:
            byte = self.data[self.at]
            self.at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    def int(self):
        v = self.uint()
        return -(v >> 1) - 1 if v & 1 else v >> 1

    def skip_double(self):
        self.at += 8

    def text(self):
        n = self.uint()
        self.at += n
        return self.data[self.at - n:self.at].decode(errors="replace")


def step_of(data):
    b = Blob(data)
    names = ("state", "generation", "failures", "deaths", "deliveries", "order", "duration", "offset", "len")
    step = {n: b.uint() for n in names}
    step["state"] = STEP_STATES[step["state"]]
    return step


def head_of(data):
    b = Blob(data)
    return {"state": TASK_STATES[b.uint()], "seq": b.uint(), "completed": b.uint()}


def event_of(data):
    b = Blob(data)
    e = {"seq": b.uint(), "type": EVENTS[b.uint()]}
    b.int()
    e["state"] = TASK_STATES[b.uint()]
    b.skip_double()
    e["step"] = b.uint()
    return e


def events_of(entry):
    """Of one row: seq, length, event of each."""
    numbers, events = Blob(b"\x01" + entry), []
    while numbers.at < len(numbers.data):
        seq, n = numbers.uint(), numbers.uint()
        numbers.at += n
        events.append({"entry": f"{seq}-0", **event_of(numbers.data[numbers.at - n:numbers.at])})
    return events


def task_of(redis, name, problems):
    task, part = bare(name)[len("marathon:task:"):], name[len("marathon:task:"):]
    fields = redis.call("HGETALL", name, raw=True)
    record = dict(zip((f.decode() for f in fields[::2]), fields[1::2]))
    version, seq, _, head = record["v"].split(b":", 3)
    out = {"ended": "end" in record, "run": int(record["run"]), "version": int(version), "seq": int(seq), "steps": {}, "events": []}
    try:
        out["head"] = head_of(head)
        out["steps"] = {f"step_{f[1:]}": step_of(v) for f, v in record.items() if f[:1] == "s" and f[1:].isdigit()}
        for first in sorted(int(f[1:]) for f in record if f[:1] == "h" and f != "h0"):
            out["events"] += events_of(record[f"h{first}"])
    except (ValueError, IndexError) as e:
        problems.append(f"{task}: its record cannot be decoded: {e}")
    keys = {"task": name, "doc": f"checkpoint:{part}", "error": f"error:{part}"}
    out["ttl"] = {name: redis.call("PTTL", key) for name, key in keys.items()}
    out["doc"] = redis.call("GET", keys["doc"])
    out["error"] = redis.call("GET", keys["error"])
    return out


def bare(name):
    """Without a cluster's tag: marathon:task:{p07}:t1 -> marathon:task:t1, marathon:idem:{p07}:ab -> marathon:idem:p07:ab."""
    if name.startswith("marathon:idem:"):
        return re.sub(r"\{(p\d\d)\}", r"\1", name, count=1)
    return re.sub(r"^([^{]*)\{p\d\d\}:", r"\1", name)


def keys_of(redis, pattern):
    if isinstance(redis, ClusterClient):
        return redis.keys(pattern)
    cursor, found = "0", set()
    while True:
        cursor, page = redis.call("SCAN", cursor, "MATCH", pattern, "COUNT", 1000)
        found.update(page)
        if cursor == "0":
            return sorted(found)


def dump(address, out_path):
    """address: a socket's path, or cluster:PORT,PORT,... of its nodes."""
    nodes = address.removeprefix("cluster:") if address.startswith("cluster:") else None
    redis = ClusterClient([int(p) for p in nodes.split(",")], 60) if nodes else Redis(address, 60)
    tag = "{{p{:02}}}" if nodes else "p{:02}"
    problems = []
    tasks = {bare(k)[len("marathon:task:"):]: task_of(redis, k, problems) for k in keys_of(redis, "marathon:task:*")}
    state = {"tasks": tasks, "problems": problems,
             "live": {f"p{p:02}": redis.call("SMEMBERS", "marathon:live:" + tag.format(p)) for p in range(64)},
             "docs": [bare(k)[len("checkpoint:"):] for k in keys_of(redis, "checkpoint:*")],
             "idem": {bare(k): redis.call("GET", k) for k in keys_of(redis, "marathon:idem:*")}}
    with open(out_path, "w") as f:
        json.dump(state, f)
