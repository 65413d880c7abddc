"""Rows of the fault table whose faults are signals to our own processes, and functions that misbehave."""

import os
import signal
import time

from rig import now, until
from sampler import usage
from trial import in_background, row

KILL, STOP, CONT, TERM = signal.SIGKILL, signal.SIGSTOP, signal.SIGCONT, signal.SIGTERM
STANDBY = {"coordinators": 2}


def same_attempt(a, b):
    return (a["task"], a["step"], a["attempt"]) == (b["task"], b["step"], b["attempt"])


@row("F1", "kill -9 worker", 0.4, topology={"workers": 4})
def kill_worker(t):
    for _ in range(3):
        t.sleep(0.1, 0.6)
        victim = t.rng.choice(t.role("worker"))
        t.await_busy(1, victim.popen.pid)
        pid, at = victim.popen.pid, t.signal(victim, KILL)
        died = t.seen.read().running(at, pid)
        # One that dies a second time waits 2 s by design: it must run again, and is not timed.
        first = [b for b in died if not any(same_attempt(b, x) and x["t"] < b["t"] for x in t.seen.begun)]
        t.rerun(died, at)
        t.recovered(t.rerun(first, at) or 0)
        victim.start()
        t.rig.await_workers(4)


# A task may have six steps of 5 s.
@row("F2", "kill -9 coordinator", 4, topology=STANDBY, load={"ms": (20, 100, 1000, 5000), "fail": 0.0}, settle=60)
def kill_coordinator(t):
    t.sleep(0.3, 1.5)
    running = t.await_busy(3)
    victim = t.rig.owner()
    at = t.signal(victim, KILL)
    t.sleep(0.5)
    victim.start()
    t.recovered(t.silence(at, 60))
    again = [b for b in t.seen.read().begun if b["t"] > at and any(same_attempt(b, r) for r in running)]
    t.note(f"{len(running)} running at the kill, {len(again)} run again")
    t.require(not again, f"run again though their worker lives: {[(b['task'], b['step']) for b in again[:5]]}")


@row("F3", "kill -9 gateway", 1, limit_text="1 s after restart")
def kill_gateway(t):
    for _ in range(3):
        t.sleep(0.1, 0.8)
        gateway = t.role("gateway")[0]
        t.signal(gateway, KILL)
        t.sleep(0.05, 0.5)
        gateway.start()
        at = now()
        t.recovered(until("an answer", lambda: t.load.answered_after(at), 15) - at)


@row("F5", "everything kill -9", 5, limit_text="5 s + load", topology={"coordinators": 2, "gateways": 2},
     load={"fail": 0.0})
def kill_everything(t):
    t.sleep(0.3, 1.5)
    for p in t.rig.processes:
        p.popen.send_signal(KILL)
    for p in t.rig.processes:
        p.popen.wait(10)
    t.sleep(0.1, 0.5)
    at = now()
    t.load.put("everything_killed")
    for p in t.rig.processes:
        p.start()
    until("redis answers", t.rig.redis_up, 20)
    loaded = now() - at
    t.recovered(t.silence(at) - loaded)
    t.note(f"load {loaded:.2f} s")


@row("F6", "worker stopped past its lease, continued", 3, topology={"workers": 3})
def stop_worker(t):
    t.sleep(0.2, 1)
    victim = t.rng.choice(t.role("worker"))
    t.await_busy(1, victim.popen.pid)
    at = t.signal(victim, STOP)
    running = t.seen.read().running(at, victim.popen.pid)
    t.recovered(t.rerun(running, at) or 0)
    t.sleep(max(0.0, at + 3.5 - now()))
    t.signal(victim, CONT)
    t.rig.await_workers(3, 5)
    t.note(f"{len(running)} steps run again elsewhere")
    t.sleep(1)


@row("F7", "coordinator stopped past its lease, continued", 4, topology=STANDBY, load={"fail": 0.0})
def stop_coordinator(t):
    t.sleep(0.3, 1.5)
    victim = t.rig.owner()
    at = t.signal(victim, STOP)
    t.recovered(t.silence(at))
    t.sleep(max(0.0, at + 5 - now()))
    t.signal(victim, CONT)
    until("the old owner drops its partitions", lambda: "partition_dropped" in victim.log(), 5)
    t.note(f'{victim.log().count("why=fenced")} fenced, {victim.log().count("lease ran out")} dropped by its own clock')
    t.sleep(2)
    # It must have joined again: when the other is killed, it is the one to take over.
    other = next(c for c in t.role("coordinator") if c is not victim)
    at = t.signal(other, KILL)
    t.recovered(t.silence(at))
    other.start()


@row("F9", "hung function, grandchildren too", 3, limit_text="limit (2 s) + 1 s", topology={"workers": 1},
     functions={"chaos.hang": {"exec": ["/bin/sh", "-c", "sleep 76543 & setsid sleep 76543 & (sleep 76543 &); sleep 76543"]}})
def hung_function(t):
    def sleepers():
        mark = f"MARATHON_EFFECTS_LOG={t.rig.effects}".encode()
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as c, open(f"/proc/{pid}/environ", "rb") as e:
                    if b"76543" in c.read() and mark in e.read():
                        found.append(int(pid))
            except OSError:
                pass
        return found
    t.begin(task_id="hang", steps=[{"name": "h", "function": "chaos.hang", "timeout": 2, "retryable": False}])
    until("it hangs", lambda: len(sleepers()) >= 4, 5, 0.05)
    at = now()
    until("its processes are gone", lambda: not sleepers(), 15, 0.05)
    t.recovered(now() - at)
    done = t.rig.wait("hang", seconds=5)
    t.require(done["status"] == "failed", f"it is {done['status']}")
    t.note(str(done["error"])[:60])
    t.next_effect(now(), 3)  # the slot is free


@row("F29", "a step that kills its worker", 6, limit_text="backoff (2 s)", topology={"workers": 4})
def poison(t):
    for w in t.role("worker"):
        t.rig.keep(w)
    at = now()
    t.begin(task_id="poison", steps=[{"name": "p", "function": "chaos.step", "input": {"kill": 1}}])
    done = t.rig.wait("poison", seconds=20)
    t.recovered(now() - at)
    runs = t.executions_of("poison")
    t.require(done["status"] == "failed" and done["can_recover"], f"it is {done['status']}")
    t.require(len(runs) <= 3, f"it killed {len(runs)} workers")
    t.note(f"{len(runs)} workers lost")
    t.next_effect(now())


FLOODS = {
    "endless": "yes", "huge": "head -c 100000000 /dev/zero | tr '\\0' x",
    "stderr": "head -c 100000000 /dev/zero | tr '\\0' e >&2; echo 1",
    "news": "yes '{\"progress\":0.5,\"message\":\"m\"}' | head -c 20000000 >&3; echo 1"}


@row("F30", "100 MB or endless output", None, limit_text="at once",
     functions={f"chaos.{n}": {"exec": ["/bin/sh", "-c", c]} for n, c in FLOODS.items()})
def floods(t):
    before = {w.name: usage(w.popen.pid)[0] for w in t.role("worker")}
    at = now()
    for name in FLOODS:
        t.begin(task_id=name, steps=[{"name": "f", "function": f"chaos.{name}", "timeout": 30, "retryable": False}])
    peak = 0
    end = now() + 30
    left = set(FLOODS)
    while left and now() < end:
        for w in t.role("worker"):
            peak = max(peak, usage(w.popen.pid)[0] - before[w.name])
        left = {n for n in left if t.rig.get(f"/status/{n}")["status"] not in ("completed", "failed")}
        time.sleep(0.02)
    t.recovered(now() - at)
    for name, want in (("endless", "failed"), ("huge", "failed"), ("stderr", "completed"), ("news", "completed")):
        done = t.rig.get(f"/status/{name}")
        t.require(done["status"] == want, f"{name} is {done['status']}: {done['error']}")
    t.require(peak < 32 * 1024, f"a worker grew by {peak} KiB")
    t.note(f"a worker grew by {peak} KiB at most")


@row("F33", "SIGTERM rolling restart of each role", None, limit_text="drain", settle=30,
     topology={"coordinators": 2, "workers": 3, "gateways": 2})
def rolling_restart(t):
    def restart(process):
        at = t.signal(process, TERM)
        until(f"{process.name} ends on SIGTERM", lambda: not process.alive(), 30)
        t.require(process.popen.returncode == 0, f"{process.name} ended with {process.popen.returncode}")
        t.recovered(now() - at)
        process.start()
    before, cut_before = len(t.load.answers), len(t.load.cut)
    for role in ("coordinator", "worker", "gateway"):
        for process in t.role(role):
            restart(process)
            if role == "gateway":
                until("it is ready", lambda: t.rig.ready(process.port), 15)
            else:
                t.rig.await_workers(3)
            t.sleep(1)
    failed = [s for _, s in t.load.answers[before:] if s >= 500]
    # One that meets the close of a connection that was kept for it is HTTP's own race, which every client has to bear.
    cut = t.load.cut[cut_before:]
    t.note(f"{len(t.load.answers) - before} requests, {len(failed) + len(cut)} failed")
    t.require(not failed, f"{len(failed)} requests were answered {sorted(set(failed))}")
    t.require(not cut, f"{len(cut)} requests got no answer: {cut[:3]}")


@row("F34", "a function that nobody offers", None)
def unknown_function(t):
    t.note("version skew: there is one version of the wire yet, others are refused by the unit tests")
    t.begin(task_id="nobody", steps=[{"name": "n", "function": "chaos.later"}])
    t.sleep(1, 2)
    status = t.rig.get("/status/nobody")
    t.require(status["status"] in ("pending", "running"), f"it is {status['status']}")
    t.require("chaos.later" in str(status["steps"][0]), "status does not say what the step waits for")
    t.require("function_without_worker" in t.role("coordinator")[0].log(), "no log line tells of it")
    path = os.path.join(t.rig.dir, "later.json")
    with open(path, "w") as f:
        f.write('{"functions": {"chaos.later": {"exec": ["/bin/echo", "1"]}}}')
    at = now()
    t.rig.functions.append(path)
    t.rig.start_worker(1)
    t.require(t.rig.wait("nobody", seconds=10)["status"] == "completed", "it did not complete")
    t.recovered(now() - at)


@row("F36", "flapping, random", 5, limit_text="5 s after", settle=30, topology={"coordinators": 2, "workers": 4, "gateways": 2})
def flapping(t):
    processes = [p for p in t.rig.processes if not p.name.startswith("redis")]
    redis = t.role("redis")[0]
    for p in [*processes, redis]:
        t.rig.keep(p, 0.1)
    end, count, last = now() + t.options.seconds, 0, 0
    while now() < end:
        victim = redis if t.rng.random() < 0.1 else t.rng.choice(processes)
        if t.rng.random() < 0.6:
            t.signal(victim, KILL)
        else:
            t.signal(victim, STOP)
            pause = t.rng.choice((0.05, 0.5, 3.5)) if victim is not redis else 0.5
            in_background(lambda p=victim, s=pause: (time.sleep(s), t.signal(p, CONT)))
            last = max(last, now() + pause)
        count += 1
        last = max(last, now())
        t.sleep(0.05, 1.5)
    t.recovered(t.next_effect(last))
    t.note(f"{count} faults in {t.options.seconds} s")
