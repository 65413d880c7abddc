"""kill -9 of one role, again and again, at random phases under load; a supervisor starts it again. Measured: from each kill to the next
effect that the killed process had a part in."""

import signal

from rig import until
from trial import Row, Trial

ROLES = ("worker", "coordinator", "gateway", "redis")
TOPOLOGY = {"worker": {"workers": 4}, "coordinator": {"coordinators": 2}, "gateway": {}, "redis": {"coordinators": 2}}
MEASURE = {"worker": "until the last of its steps is begun elsewhere", "coordinator": "the longest that a task in flight had nothing running",
           "gateway": "until a request is answered again", "redis": "the longest that a task in flight had nothing running"}


def effect_after(t, role, victim, pid, at):
    """Seconds, or None where the kill met nothing that could be seen. Before the next kill everything in flight has ended."""
    if role == "worker":
        return t.rerun(t.seen.read().running(at, pid), at)
    if role == "gateway":
        return until("an answer", lambda: t.load.answered_after(at), 30) - at
    return t.silence(at)


def run_kills(t):
    role, took = t.role_to_kill, []
    for p in t.role(role):
        t.rig.keep(p, 0.2)
    for number in range(t.options.times):
        t.sleep(0.02, 0.7)
        victim = t.rng.choice(t.role(role))
        until(f"{victim.name} runs", victim.alive, 15)
        pid, at = victim.popen.pid, t.signal(victim, signal.SIGKILL)
        seconds = effect_after(t, role, victim, pid, at)
        if seconds is not None:
            took.append(seconds)
        if role == "worker":
            until("all workers are back", lambda: len(t.rig.workers_ready()) >= 3, 15)
        if (number + 1) % 20 == 0:
            print(f"    {number + 1} of {t.options.times}", flush=True)
    t.took = sorted(took)


def percentile(values, share):
    return values[min(len(values) - 1, int(len(values) * share))]


def kill_campaign(options):
    row = Row(f"kill {options.role}", f"kill -9 {options.role}, {options.times} times", None, run_kills,
              topology=TOPOLOGY[options.role], settle=40, load={"fail": 0.0})
    t = Trial(row, options.seed, options)
    t.role_to_kill, t.took = options.role, []
    r = t.run()
    print(f"{row.fault}, seed {options.seed}, {r['seconds']:.0f} s: checker {r.get('verdict', 'not run')}")
    print(f"    tasks accepted {r.get('accepted')}, lost {r.get('lost')}; results changed {r.get('results_changed')}, "
          f"applied twice {r.get('applied_twice')}; executions {r.get('executions')} of {r.get('steps')} steps, "
          f"duplicates {r.get('duplicates')}; starts refused or broken {r.get('refused')}, then told")
    if t.took:
        print(f"    kill to next effect ({MEASURE[options.role]}), {len(t.took)} measured: p50 {percentile(t.took, 0.5):.3f} s, "
              f"p99 {percentile(t.took, 0.99):.3f} s, max {t.took[-1]:.3f} s")
    for text in [*r["failures"], *r.get("violations", [])]:
        print(f"    FAILED: {text}")
    if not r["good"]:
        print(f"    see {r['dir']}")
    return 0 if r["good"] else 1
