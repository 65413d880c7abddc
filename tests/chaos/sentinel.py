"""A master behind sentinels dies under load, again and again: how long work stands still, and what was acknowledged and is gone, without
WAIT (MARATHON_REDIS_WAIT=0) and with it.

Replication is asynchronous: a master that is killed while its replicas are in step loses what was under way, a few writes at most. To
show the loss for certain the replicas are cut off for a while before (--cut SECONDS): with WAIT nothing is acknowledged meanwhile.
--planned asks for the failover (SENTINEL FAILOVER) instead: the old master lives on and takes writes until it is made a replica, and
the replica that was not promoted confirms them: only WAIT for all replicas keeps those. --stop stops the master (SIGSTOP) instead, and
lets it go on once another one is followed: for some ten seconds it takes itself for the master, and nobody may go back to it.
"""

import collections
import json
import signal
import time

from rig import Rig, now, until
from sentinels import Sentinels, cli
from trial import Row, Trial

SETTLE = 60
REPLICAS = 2
# Sentinels begin no second failover within twice this time. Much less, and one that has not yet heard of a failover makes another one
# of the living master.
FAILOVER_TIMEOUT = 3


class SentinelRig(Rig):
    def start_redis(self, *extra, folder=None):
        self.redis = Sentinels(self, replicas=REPLICAS, password="", down_after_ms=500, failover_timeout_ms=FAILOVER_TIMEOUT * 1000)
        self.redis_url = self.redis.url()
        self.roles["redis"] = list(self.redis.servers)
        self.follow()
        return None

    def follow(self):
        """What the tests themselves read is the master's."""
        self.redis_socket = self.redis.sockets[self.redis.master()]


def cut_replicas(t, master):
    """They lose the master and are not let in again."""
    redis = t.rig.redis
    for n in range(1 + REPLICAS):
        if n != master:
            cli(redis.ports[n], "CONFIG", "SET", "masterauth", "wrong", password="")
    cli(redis.ports[master], "CLIENT", "KILL", "TYPE", "replica", password="")
    return now()


def heal_replicas(t, master):
    for n in range(1 + REPLICAS):
        if n != master:
            cli(t.rig.redis.ports[n], "CONFIG", "SET", "masterauth", "", password="")


def fail_over(t):
    redis = t.rig.redis
    before = redis.master()
    cut_at = cut_replicas(t, before) if t.options.cut > 0 else None
    if cut_at:
        time.sleep(t.options.cut)
    if t.options.planned:
        at = now()
        redis.fail_over()
    else:
        at = t.signal(redis.servers[before], signal.SIGSTOP if t.options.stop else signal.SIGKILL)
    if cut_at:
        heal_replicas(t, before)
        t.told_while_cut += sum(1 for e in t.load.told_times if cut_at + 0.1 < e < at)
    after = redis.new_master(before, 30)
    t.promoted.append(now() - at)
    t.rig.follow()
    t.took.append(until("a start is acknowledged by the new one", lambda: next((e for e in t.load.told_times if e > at + 0.1), None), 40) - at
                  if not t.options.planned else t.next_effect(at + t.promoted[-1]) + t.promoted[-1])
    if t.options.stop:
        t.signal(redis.servers[before], signal.SIGCONT)
    elif not t.options.planned:
        redis.rejoin(before, after)
    redis.in_step(REPLICAS, 40)


def run_failovers(t):
    next_at = now()
    for number in range(t.options.times):
        t.sleep(max(0.0, next_at - now()))
        t.sleep(0.5, 2)
        next_at = now() + 2 * FAILOVER_TIMEOUT + 0.5
        fail_over(t)
        if (number + 1) % 5 == 0:
            print(f"    {number + 1} of {t.options.times}", flush=True)
    t.rollbacks = sum(c.log().count("store_rolled_back") for c in t.role("coordinator"))


class SentinelTrial(Trial):
    def __init__(self, wait, options):
        row = Row(f"sentinel wait {wait}", "the master is lost", None, run_failovers, topology={"coordinators": 2}, settle=SETTLE,
                  load={"fail": 0.0, "clients": 24}, env={"coordinator": {"MARATHON_REDIS_WAIT": wait}}, rig=SentinelRig)
        super().__init__(row, options.seed, options)
        self.covered = wait >= (REPLICAS if options.planned else 1)
        self.load.may_lose = not self.covered
        self.took, self.promoted, self.told_while_cut, self.rollbacks = [], [], 0, 0


def show(wait, t, r):
    took, promoted = sorted(t.took), sorted(t.promoted)
    print(f"WAIT {wait}: {len(took)} failovers{' (planned)' if t.options.planned else ' (stopped)' if t.options.stop else ''}, replicas cut off {t.options.cut} s before each, "
          f"seed {t.options.seed}, {r['seconds']:.0f} s: checker {r.get('verdict', 'not run')}")
    print(f"    tasks accepted {r.get('accepted')}, of these acknowledged and lost {r.get('lost')}; results changed "
          f"{r.get('results_changed')}; {r.get('violation_count')} violations; rollbacks of partitions told by coordinators {t.rollbacks}; "
          f"{t.told_while_cut} starts acknowledged while replicas were cut off")
    if took:
        print(f"    promoted after p50 {promoted[len(promoted) // 2]:.2f} s, max {promoted[-1]:.2f} s; a start acknowledged again after p50 "
              f"{took[len(took) // 2]:.2f} s, max {took[-1]:.2f} s")


def failures(t, r):
    """Where WAIT does not cover it a loss is outside the promise, but it must have been told."""
    out = list(r["failures"])
    if t.covered or r.get("verdict") == "ok":
        out += r.get("violations", [])
    elif r.get("violation_count") and not t.rollbacks:
        out.append("what is lost was not told by store_rolled_back")
    return out


def sentinel_campaign(options):
    good = True
    results = collections.OrderedDict()
    for wait in (int(w) for w in options.wait.split(",")):
        t = SentinelTrial(wait, options)
        r = t.run()
        results[wait] = r
        show(wait, t, r)
        faults = failures(t, r)
        for text in faults:
            print(f"    FAILED: {text}")
        if faults or "verdict" not in r:
            print(f"    see {r['dir']}")
            good = False
        elif not options.keep:
            t.rig.remove()
    if options.json:
        print(json.dumps({w: {k: r.get(k) for k in ("verdict", "accepted", "lost", "violation_count")} for w, r in results.items()}))
    print("acknowledged and lost: " + ", ".join(f"{r.get('lost')} of {r.get('accepted')} with WAIT {w}" for w, r in results.items()))
    return 0 if good else 1
