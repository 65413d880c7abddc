"""What a soak looks at: memory, descriptors and threads of each process, its metrics, and what Redis holds; and whether it grows or is left over."""

import collections
import math
import os
import re

from cluster import PARTITIONS, page
from dump import keys_of
from resp import Redis

INDEXES = {"live": "SCARD", "list": "ZCARD", "dead": "ZCARD"}
FOR_EVER = ("owner", "fence", "secret", "pipelines", "pipeline", "versions")

# Gauges, and what each must be once no task is left; the sum over all processes of the role.
AT_REST = {
    "coordinator": {"tasks_live": 0, "steps": 0, "limit_lanes": 0, "limit_holds": 0, "steps_unplaced": 0, "watches": 0, "tasks": 0, "partitions_owned": PARTITIONS,
                    "admission_closed": 0, "store_batches_in_flight": 0, "queue_length": 0},
    "worker": {"slots_busy": 0, "orders_waiting": 0, "outcomes_held": 0, "outcomes_held_bytes": 0},
    "gateway": {"websockets_open": 0, "wire_waiting": 0, "answers_waiting_bytes": 0, "watchers": 0, "feeds": 0}}
NEVER = {"coordinator": ("audit_findings_total", "store_rollbacks_total", 'outcomes_refused_total{verdict="rejected"}'),
         "worker": ("outcomes_rejected_total",), "gateway": ("frames_bad_total",)}

# What processes warn of where others are killed, and tasks fail as they were asked to.
EXPECTED = {
    "coordinator": ("dead_letter", "drain_cut_short", "function_without_worker", "lease_expired", "partition_dropped", "store_awaited", "store_down", "store_lost",
                    "store_note", "worker_lost"),
    "worker": ("attempt_silent", "attempt_timeout", "coordinator_awaited", "coordinator_lost", "coordinator_silent"),
    "gateway": ("coordinator_awaited", "coordinator_lost", "coordinator_silent")}


def kind(key):
    """marathon:idem:p07:ab -> idem"""
    return key.split(":")[1] if key.startswith("marathon:") else key.split(":")[0]


def usage(pid):
    """Resident KiB, of these anonymous, descriptors, threads, children; None where the process is gone."""
    try:
        with open(f"/proc/{pid}/status") as f:
            status = dict(line.rstrip("\n").split(":", 1) for line in f)
        with open(f"/proc/{pid}/task/{pid}/children") as f:
            children = len(f.read().split())
        return {"rss": int(status["VmRSS"].split()[0]), "anon": int(status["RssAnon"].split()[0]), "fds": len(os.listdir(f"/proc/{pid}/fd")),
                "threads": int(status["Threads"]), "children": children}
    except (OSError, KeyError, ValueError):
        return None


def metrics(port, role):
    """name with labels -> value"""
    try:
        status, text = page(port, "/metrics")
    except OSError:
        return {}
    found = re.findall(rf"^marathon_{role}_(\S+) (\S+)$", text, re.M) if status == 200 else []
    return {name: float(value) for name, value in found if "_bucket" not in name}


def store_look(path):
    redis = Redis(path, 60)
    info = dict(line.split(":", 1) for line in redis.call("INFO", "memory").split("\r\n") if ":" in line)
    kinds = collections.Counter(kind(k) for k in keys_of(redis, "*"))
    members = {name: sum(redis.pipeline([(command, f"marathon:{name}:p{p:02}") for p in range(PARTITIONS)])) for name, command in INDEXES.items()}
    return {"keys": redis.call("DBSIZE"), "used": int(info["used_memory"]), "kinds": dict(kinds), "members": members}


def slope(points):
    """Least squares over (x, y): the slope and its standard error; None of fewer than three points."""
    n = len(points)
    if n < 3:
        return None
    mx, my = sum(x for x, _ in points) / n, sum(y for _, y in points) / n
    sxx = sum((x - mx) ** 2 for x, _ in points)
    if sxx == 0:
        return None
    b = sum((x - mx) * (y - my) for x, y in points) / sxx
    rest = sum((y - my - b * (x - mx)) ** 2 for x, y in points)
    return b, math.sqrt(rest / (n - 2) / sxx)


def unexplained_keys(path):
    """Keys that may not be there once all tasks have ended and their TTLs have passed, and counts of those that may."""
    redis, left, kept = Redis(path, 60), [], collections.Counter()
    for key in keys_of(redis, "*"):
        k, ttl = kind(key), redis.call("TTL", key)
        if (k in FOR_EVER and ttl == -1) or (k in ("idem", "usage") and ttl > 0):
            kept[k] += 1
        else:
            left.append(f"{key} ({redis.call('TYPE', key)}, TTL {ttl})")
    return left, dict(kept)


def unrest(roles):
    """roles: role -> the metrics of each of its processes. Gauges that are not at rest, and counts that must be 0."""
    bad = []
    for role, names in AT_REST.items():
        for name, expected in names.items():
            seen = [sum(v for n, v in m.items() if n == name or n.startswith(name + "{")) for m in roles[role]]
            if sum(seen) != expected:
                bad.append(f"{role} {name} is {seen}, not {expected}")
    return bad + nevers(roles)


def nevers(roles):
    return [f"{role} {n} is {v:g}" for role, names in NEVER.items() for m in roles[role] for n, v in m.items() if n.startswith(names) and v]


def log_events(text):
    """(level, event) -> how often, of what is no matter of course"""
    return collections.Counter((level, event) for level, event in re.findall(r"^\S+ (warn|error) \S+ (\S+)", text, re.M))
