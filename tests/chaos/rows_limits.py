"""Rows of the fault table about limits of the machine: descriptors, clocks, many tasks, many watchers."""

import concurrent.futures
import http.client
import json
import os
import resource
import signal
import socket
import struct
import subprocess
import sys
import time

from rig import TESTS, now, until
from sampler import cpu_seconds, usage
from trial import Skip, row

HERE = os.path.dirname(os.path.realpath(__file__))


# ---- F25 ----

def with_limit(t, process, descriptors):
    """Starts it again with so few descriptors."""
    t.signal(process, signal.SIGTERM)
    process.popen.wait(20)
    full = process.argv
    process.argv = ["prlimit", f"--nofile={descriptors}:{descriptors}", *full]
    process.start()
    process.argv = full


@row("F25", "out of file descriptors", 1, limit_text="at once", topology={"gateways": 2})
def no_descriptors(t):
    gateway, coordinator = t.role("gateway")[0], t.role("coordinator")[0]
    for victim, port in ((gateway, gateway.port), (coordinator, t.rig.coordinator_ports[0])):
        few = t.rng.randrange(150, 200)
        with_limit(t, victim, few)
        # All who belong to it are in before the crowd: whoever comes behind it waits until it has gone.
        until("it serves", lambda: all(t.rig.ready(g.port) for g in t.role("gateway")) and len(t.rig.workers_ready()) == 3, 10)
        pid, crowd = victim.popen.pid, []
        for _ in range(few + 100):
            s = socket.socket()
            s.setblocking(False)
            s.connect_ex(("127.0.0.1", port))
            crowd.append(s)
        t.sleep(0.5)
        before, at = cpu_seconds(pid), now()
        done = len(t.load.finals)
        t.sleep(2)
        share = (cpu_seconds(pid) - before) / (now() - at)
        t.require(share < 0.5, f"{victim.name} spins: {share:.0%} of a core")
        t.require(victim.alive(), f"{victim.name} ended: {victim.popen.poll()}")
        t.require(len(t.load.finals) > done, "no task ended meanwhile")
        t.note(f"{victim.name} with {few} descriptors and {len(crowd)} more connections: {share:.0%} of a core, "
               f"{len(t.load.finals) - done} tasks ended in 2 s")
        for s in crowd:
            s.close()
        at = now()
        until("it answers again", lambda: t.rig.ready(gateway.port), 10, 0.02)
        t.recovered(now() - at)
        t.sleep(0.5)


# ---- F27 ----

HOUR, TEN_YEARS = 3600, 315576000


def shimmed_clocks(t):
    shim = os.path.join(TESTS, "chaos_clock_shim.so")
    if os.environ.get("MARATHON_SANITIZED") == "1":
        raise Skip("a preloaded clock and a sanitizer do not go together")
    t.clocks = {}
    for role in ("coordinator", "worker", "gateway", "redis"):
        t.clocks[role] = os.path.join(t.rig.dir, f"clock-{role}")
        set_clock(t, role, 0)
        t.rig.more_env = {**t.rig.more_env, role: {"LD_PRELOAD": shim, "CHAOS_CLOCK": t.clocks[role]}}


def set_clock(t, role, seconds):
    with open(t.clocks[role], "r+b" if os.path.exists(t.clocks[role]) else "wb") as f:
        f.write(struct.pack("=q", seconds))


def retry_waits(t):
    """Seconds between the end of a failed attempt and the beginning of the next, of steps that fail once."""
    last, waits = {}, []
    for b in t.seen.read().begun:
        key = (b["task"], b["step"])
        if b["attempt"] == 2 and key in last:
            waits.append(b["t"] - last[key])
        last[key] = t.seen.ended.get(b["nonce"], b["t"])
    return waits


@row("F27", "clock +-1 h, +10 years", None, before=shimmed_clocks, topology={"coordinators": 2, "workers": 2}, load={"fail": 0.3})
def jumping_clocks(t):
    from rows_redis import owners, shared_owners
    before = shared_owners(t)
    for _ in range(5):
        for role in ("coordinator", "worker", "gateway"):
            set_clock(t, role, t.rng.choice((0, HOUR, -HOUR, TEN_YEARS)))
        set_clock(t, "redis", t.rng.choice((0, HOUR, -HOUR)))  # what has ended may expire in ten years, and is still looked at here
        t.sleep(0.8, 1.6)
    seen_by_shim = t.rig.get("/workers")["items"]
    t.require(seen_by_shim, "no workers")
    moved = [f"p{p:02} from {a} to {b}" for p, (a, b) in enumerate(zip(before, owners(t))) if a != b]
    t.require(not moved, f"partitions moved: {moved}")
    expired = sum(c.log().count("lease_expired") for c in t.role("coordinator"))
    lost = sum(c.log().count("worker_lost") for c in t.role("coordinator"))
    t.require(expired == 0 and lost == 0, f"{expired} leases expired, {lost} workers lost")
    for role in t.clocks:
        set_clock(t, role, 0)
    t.sleep(3)
    waits = retry_waits(t)
    t.require(len(waits) >= 3, f"only {len(waits)} retries to look at")
    t.require(all(1.7 < w < 3.2 for w in waits), f"retries after {min(waits, default=0):.2f} to {max(waits, default=0):.2f} s, 2 s wanted")
    t.note(f"{len(waits)} retries, each {min(waits, default=0):.2f} to {max(waits, default=0):.2f} s after its failure")


# ---- F31 ----

BATCH = 500  # of the 1,000 tasks that one request may start


def fill(port, first, count):
    """Starts tasks of a function that nobody offers; the answers' statuses, counted."""
    c = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    answers = {}
    for at in range(first, first + count, BATCH):
        tasks = [{"task_id": f"wait-{n}", "steps": [{"name": "w", "function": "chaos.nobody"}]} for n in range(at, min(at + BATCH, first + count))]
        c.request("POST", "/api/v1/marathon/start/batch", json.dumps({"tasks": tasks}), {"Content-Type": "application/json"})
        r = c.getresponse()
        answer = json.loads(r.read())
        for one in answer if r.status == 200 else [{"status": r.status}] * len(tasks):
            status = 202 if one["status"] == "started" else one["status"]
            answers[status] = answers.get(status, 0) + 1
    c.close()
    return answers


def dispatch_delays(t, since):
    """From the end of a step's last need to its own beginning: the result's write, the next order, the process."""
    seen = t.seen.read()
    return sorted(b["t"] - max(seen.ended.get(n, 1e18) for n in b["saw"]) for b in seen.begun
                  if b["t"] > since and b["saw"] and b["attempt"] == 1)


def cap_tasks(t):
    t.waiting = int(100000 * t.options.scale)
    t.rig.more_env = {"coordinator": {"MARATHON_TASKS_MAX": t.waiting}}


@row("F31", "100,000 tasks waiting", None, before=cap_tasks, limit_text="p99 < 50 ms", topology={"workers": 1},
     load={"clients": 3, "fail": 0.0, "ms": (5, 20)}, settle=60)
def many_waiting(t):
    coordinator = t.role("coordinator")[0]
    before, at = usage(coordinator.popen.pid)[0], now()
    room = t.waiting - 200  # the load's own tasks find room
    with concurrent.futures.ProcessPoolExecutor(4) as pool:
        jobs = [pool.submit(fill, t.rig.port, i * (room // 4), room // 4) for i in range(4)]
        answers = [j.result() for j in jobs]
    accepted = sum(a.get(202, 0) for a in answers)
    t.require(accepted == room // 4 * 4, f"{answers}")
    grown = usage(coordinator.popen.pid)[0] - before
    t.note(f"{accepted} accepted in {now() - at:.0f} s; the coordinator grew by {grown * 1024 / max(1, accepted):.0f} bytes a task")
    since = now()
    t.sleep(5)
    delays = dispatch_delays(t, since)
    p99 = delays[int(len(delays) * 0.99)] if delays else 9
    t.note(f"dispatch with {accepted} waiting: {len(delays)} measured, p50 {delays[len(delays) // 2] * 1000:.1f} ms, p99 {p99 * 1000:.1f} ms")
    t.require(p99 < 0.05, f"dispatch p99 {p99 * 1000:.0f} ms")
    more = fill(t.rig.port, accepted, 400)
    t.note(f"beyond the cap: {more}")
    t.require(set(more) <= {202, 429} and more.get(429, 0) > 0, "no 429 at the cap")
    for n in range(accepted + 400):  # what waits is left waiting: nobody offers its function
        t.load.put("ask", key=f"wait-{n}", task=f"wait-{n}", row=True, waits=True)


# ---- F32 ----

def room_for_crowd(t):
    t.crowd = int(10000 * t.options.scale)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < t.crowd + 500:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (t.crowd + 2000, t.crowd + 2000))
        except (ValueError, OSError) as e:
            raise Skip(f"{t.crowd} descriptors are not allowed here: {e}") from e
    elif soft < t.crowd + 500:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, t.crowd + 2000), hard))


def stalled(t, gateway):
    """How many the gateway says that it closed for that."""
    text = t.rig.call("GET", "/metrics", prefix="", port=gateway.port)[2].decode()
    return next(int(line.split()[1]) for line in text.splitlines() if line.startswith("marathon_gateway_stalled_closed_total "))


@row("F32", "10,000 WebSocket clients, 10 % never read", 10, before=room_for_crowd, load={"clients": 2}, topology={"gateways": 2}, settle=40)
def deaf_crowd(t):
    steps = [{"name": f"big{i}", "function": "chaos.step", "needs": [], "input": {"ms": 1, "pad": 190000}} for i in range(2)]
    ticks = [{"name": f"tick{i}", "function": "chaos.step", "needs": [f"tick{i - 1}" if i else "big0", "big1"], "timeout": 60,
              "input": {"ms": 4000}} for i in range(30)]
    t.begin(task_id="crowd", steps=steps + ticks)
    until("the results are large", lambda: t.rig.get("/status/crowd?results=false")["current_step"] > 2, 10)
    gateway = t.role("gateway")[0]
    before = usage(gateway.popen.pid)[0]
    crowd = subprocess.Popen([sys.executable, "-B", os.path.join(HERE, "crowd.py"), str(gateway.port), "crowd", str(t.crowd), "0.1"],
                             stdout=subprocess.PIPE, text=True)
    t.require(crowd.stdout.readline() == "complete\n", "the crowd did not get in")
    complete, grown, closed = now(), 0, None
    while crowd.poll() is None:
        grown = max(grown, usage(gateway.popen.pid)[0] - before)
        if closed is None and stalled(t, gateway) >= t.crowd // 10:
            closed = now() - complete
        time.sleep(0.2)
    report = json.loads(crowd.stdout.read())
    t.note(f"{report}; the gateway grew by {grown // 1024} MiB at most")
    readers = t.crowd - t.crowd // 10  # an event each two seconds: more than that for ten thousand is beyond a crowd in Python
    t.require(report["deaf"] == 0, f"{report['deaf']} deaf watchers have not seen their connection end")
    t.require(report["healthy"] == readers and report["whole"] == readers, "a healthy watcher missed messages, or was closed")
    if t.require(closed is not None, f"{stalled(t, gateway)} of {t.crowd // 10} deaf watchers were closed"):
        t.recovered(closed)
    t.rig.call("POST", "/cancel/crowd")
    t.rig.wait("crowd", seconds=10)
