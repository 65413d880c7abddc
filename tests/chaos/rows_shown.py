"""What the fault table has no row for, and is to be shown all the same."""

import concurrent.futures
import signal
import time

from resp import Redis
from rig import now, until
from rows_limits import fill
from sampler import usage
from trial import row

KILL = signal.SIGKILL


@row("S1", "a 10-minute function, its coordinator killed 3 times", None, topology={"coordinators": 2}, load={"clients": 4}, settle=60)
def long_function(t):
    seconds = 600 * t.options.scale
    t.begin(task_id="long", steps=[{"name": "l", "function": "chaos.step", "input": {"ms": int(seconds * 1000)}, "timeout": 3600}])
    until("it runs", lambda: t.executions_of("long"), 5)
    end = now() + seconds
    for _ in range(3):
        t.sleep(0.1 * seconds, 0.15 * seconds)
        victim = t.rig.owner()
        at = t.signal(victim, KILL)
        t.sleep(0.5)
        victim.start()
        t.recovered(t.next_effect(at))
    done = t.rig.wait("long", seconds=end - now() + 20)
    runs = len(t.executions_of("long"))
    t.require(done["status"] == "completed" and runs == 1, f"it is {done['status']} after {runs} executions")
    t.note(f"{seconds:.0f} s, 3 coordinators killed, {runs} execution")


def owners(redis):
    return redis.pipeline([("HGET", f"marathon:owner:p{p:02}", "owner") for p in range(64)])


@row("S2", "100,000 tasks waiting, 3 coordinators, 1 killed", 5, topology={"coordinators": 3, "workers": 1}, settle=60,
     load={"clients": 2, "fail": 0.0, "ms": (5, 20)})
def waiting_change_hands(t):
    count = int(100000 * t.options.scale) // 4 * 4
    before = {c.name: usage(c.popen.pid)[0] for c in t.role("coordinator")}
    with concurrent.futures.ProcessPoolExecutor(4) as pool:
        jobs = [pool.submit(fill, t.rig.port, i * (count // 4), count // 4) for i in range(4)]
        answers = [j.result() for j in jobs]
    for n in range(count):
        t.load.put("ask", key=f"wait-{n}", task=f"wait-{n}", row=True, waits=True)
    t.require(sum(a.get(202, 0) for a in answers) == count, f"{answers}")
    grown = sum(usage(c.popen.pid)[0] - before[c.name] for c in t.role("coordinator"))
    t.note(f"{count} waiting; the coordinators grew by {grown * 1024 / count:.0f} bytes a task")
    redis = Redis(t.rig.redis_socket)
    victim = t.rig.owner()
    dead = next(o for o in owners(redis) if o.endswith(f":{victim.popen.pid}"))
    held = owners(redis).count(dead)
    at = t.signal(victim, KILL)
    until("the others own its partitions", lambda: dead not in owners(redis), 20, 0.02)
    owned = now() - at
    sample = [f"wait-{t.rng.randrange(count)}" for _ in range(100)]
    until("each of a hundred tasks is known to somebody",
          lambda: all(t.rig.call("GET", f"/status/{task}", timeout=20)[0] == 200 for task in sample), 20)
    t.recovered(now() - at)
    t.note(f"{held} partitions changed hands after {owned:.2f} s")
    victim.start()
    time.sleep(1)
