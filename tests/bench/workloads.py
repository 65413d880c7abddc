"""The workloads of the engine itself: W1 to W5 of README.md, through the public REST API."""

import json
import re
import signal
import time

from engine import Engine, megabytes, until
from rows import Row

STEPS = 5
UNWATCHED_S = 0.4  # longer than a lone task takes
QUIET_S = 1.5


def boot_us():
    return time.clock_gettime(time.CLOCK_BOOTTIME) * 1e6


def percentile(values, part):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


def throughput(o, name, tasks, targets):
    """Steps a second, each way of starting, for both policies of fsync; the memory at the end. Each run has a Redis and daemons of its
    own, as each of the peers has: in one that holds the runs before, the append-only file would be rewritten amid some of them."""
    rows = []
    for fsync in o.fsync:
        for way, batch, conns in (("REST", 0, o.conns), ("bulk", 250, 4)):
            rates, memory = [], []
            for run in range(o.runs):
                with Engine(fsync, o.payload) as e:
                    e.begin_all(o.workers, o.slots)
                    e.load(min(tasks, 500))
                    rates.append(tasks * STEPS / e.load(tasks, batch=batch, conns=conns)["seconds"])
                    if name == "W1L" and run == o.runs - 1:
                        memory = memory_rows(e, fsync, way)
            rows += [Row(f"{name} {fsync}, {way}", "steps/s", rates, targets.get(fsync) if way == "REST" else None), *memory]
    return rows


def sustained(o):
    """What is left of it where the append-only file grows past its bounds, and is rewritten beside the work: ten times as many tasks."""
    with Engine("everysec", o.payload) as e:
        e.begin_all(o.workers, o.slots)
        e.load(500)
        tasks = (o.tasks or 10000) * 10
        rate = tasks * STEPS / e.load(tasks)["seconds"]
        rewrites = re.search(r"^aof_rewrites:(\d+)", e.redis("INFO", "persistence"), re.M).group(1)
    return [Row("W1L ten times, everysec, REST", "steps/s", [rate], None, True, f"{tasks:,} tasks; the file was rewritten {rewrites} times")]


def memory_rows(e, fsync, way):
    """Once they are quiet: what a burst leaves is given back within a second of its end."""
    time.sleep(QUIET_S)
    memory = e.memory()
    ours = sum(rss for name, (rss, _) in memory.items() if not name.startswith("redis"))
    each = ", ".join(f"{name} {megabytes(rss):.1f} (peak {megabytes(most):.1f})" for name, (rss, most) in memory.items())
    return [Row(f"W5 {fsync}, memory after W1L by {way}", "MB", [megabytes(ours)], 40 if way == "REST" else None, False, each)]


def w1(o):
    return throughput(o, "W1", o.tasks or 2000, {})


def w1l(o):
    rows = throughput(o, "W1L", o.tasks or 10000, {"everysec": 90000, "always": 60000})
    return rows + (sustained(o) if "everysec" in o.fsync else [])


def run_unwatched(e, task_type):
    """Begins a lone task and waits for it; nobody looks while it runs. A long poll would be answered at each step, with the state
    of all steps, and so be what is measured."""
    task = e.begin(task_type=task_type)
    time.sleep(UNWATCHED_S)
    e.wait(task)
    return task


def step_gaps(e, task_type):
    """Microseconds from each step's start to the next one's, one lone task."""
    task = run_unwatched(e, task_type)
    results = e.get(f"/result/{task}")
    at = sorted(r["at_us"] for r in results["results"].values()) if "results" in results else \
        sorted(r["at_us"] for r in results.values())
    return [b - a for a, b in zip(at, at[1:])]


def w2(o):
    rows = []
    for fsync in o.fsync:
        with Engine(fsync, o.payload) as e:
            e.begin_all(o.workers, o.slots)
            step_gaps(e, "bench5")
            for task_type, what, target in (("bench200", "", 180), ("bench200kib", f", {o.payload} B results", None)):
                runs = [step_gaps(e, task_type) for _ in range(o.runs)]
                rows.append(Row(f"W2 {fsync}{what}, p50", "us/step", [percentile(r, 0.5) for r in runs],
                                target if fsync == "everysec" else None, False))
                rows.append(Row(f"W2 {fsync}{what}, p99", "us/step", [percentile(r, 0.99) for r in runs], None, False))
    return rows


def fan_seconds(e):
    began = boot_us()
    task = run_unwatched(e, "fan1000")
    results = e.get(f"/result/{task}")
    return (results.get("results", results)["join"]["at_us"] - began) / 1e6


def w3(o):
    rows = []
    for fsync in o.fsync:
        with Engine(fsync, o.payload) as e:
            e.begin_all(o.workers, o.slots)
            fan_seconds(e)
            rows.append(Row(f"W3 {fsync}, 1,000 steps and a join", "s", [fan_seconds(e) for _ in range(o.runs)], 0.03, False))
    return rows


def wall(text):
    """Seconds of an RFC 3339 time."""
    whole, _, rest = text.partition(".")
    return time.mktime(time.strptime(whole + "UTC", "%Y-%m-%dT%H:%M:%S%Z")) - time.timezone + float("0." + rest.rstrip("Z"))


def death_ms(e, round_):
    """Kills a worker that holds steps: milliseconds until each of them runs elsewhere."""
    tasks = [e.begin(steps=[{"name": "hold", "function": "sleep", "input": {"seconds": 600}}], task_id=f"w4-{round_}-{i}")
             for i in range(8)]

    def step(task):
        return e.get(f"/status/{task}?results=false")["steps"][0]

    until("all steps run", lambda: all(step(t)["status"] == "running" for t in tasks))
    victim = next(p for p in e.processes if p.name.startswith("worker") and p.alive())
    before = {t: step(t)["started_at"] for t in tasks}
    killed = time.time()
    victim.popen.send_signal(signal.SIGKILL)
    victim.popen.wait(10)
    moved = {}

    def all_back():
        for t in tasks:
            s = step(t)
            if t not in moved and s["status"] == "running" and s["started_at"] != before[t]:
                moved[t] = (wall(s["started_at"]) - killed) * 1000
        return moved and all(step(t)["status"] == "running" for t in tasks) and time.time() - killed > 1
    until("the steps run again", all_back, 20)
    for t in tasks:
        e.call("POST", f"/cancel/{t}")
    victim.start()
    until("the worker is back", lambda: sum(w["state"] == "ready" for w in e.get("/workers")["items"]) == 2)
    return list(moved.values())


def w4(o):
    with Engine("always", o.payload) as e:
        e.begin_all(2, 8)
        taken = [ms for n in range(4 * o.runs) for ms in death_ms(e, n)]
    return [Row("W4 worker killed, step runs again, p50", "ms", [percentile(taken, 0.5)], 250, False, f"{len(taken)} steps"),
            Row("W4 worker killed, step runs again, p99", "ms", [percentile(taken, 0.99)], 400, False)]


def w5(o):
    """What a task of 5 steps costs that waits for a worker: so many more of them, once as many are there already. What does not
    grow with them (the store's cache of 8 MiB, buffers) is full by then."""
    count = o.tasks or 50000
    with Engine("everysec", o.payload) as e:
        e.start_redis()
        coordinator = e.start_coordinator()
        e.start_gateway()

        def start_more(wave):
            for at in range(0, count, 1000):
                tasks = [{"task_type": "bench5", "task_id": f"wait-{wave}-{at + i}"} for i in range(min(1000, count - at))]
                status, _, answer = e.call("POST", "/start/batch", {"tasks": tasks})
                assert status == 200 and all(a.get("status") == "started" for a in answer), answer[:300]
            time.sleep(QUIET_S)
            return e.memory()[coordinator.name][0]
        before, after = start_more("first"), start_more("then")
    return [Row(f"W5 coordinator, a waiting task of {count:,}", "B", [(after - before) * 1024 / count], 1024, False,
                f"coordinator at {after / 1024:.0f} MiB")]


def startup_ms(o):
    with Engine("always", o.payload) as e:
        e.start_redis()
        body = json.dumps({"task_type": "bench5", "task_id": "first"}).encode()
        began = boot_us()
        e.start_coordinator()
        e.start_worker(o.slots)
        e.start_gateway_process()

        def begun():
            try:
                return e.call("POST", "/start", body)[0] in (202, 409)
            except OSError:
                return False
        until("a start is taken", begun, 10, every=0.001)
        e.wait("first")
        results = e.get("/result/first")
        return (results.get("results", results)["s0"]["at_us"] - began) / 1000


def startup(o):
    return [Row("start-up to the first step at a function", "ms", [startup_ms(o) for _ in range(o.runs)], 100, False,
                "coordinator, worker and gateway started at once, Redis running and empty")]
