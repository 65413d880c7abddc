"""Rows of the fault table about Redis: killed, stalled, full, its disk full."""

import os
import signal
import subprocess

from resp import Redis
from rig import TESTS, now, until
from trial import Skip, row

KILL, STOP, CONT = signal.SIGKILL, signal.SIGSTOP, signal.SIGCONT


def owners(t):
    return Redis(t.rig.redis_socket).pipeline([("HGET", f"marathon:owner:p{p:02}", "owner") for p in range(64)])


def shared_owners(t):
    """The owners, once every coordinator has its even share: the first one up had all of them for a moment."""
    def shared():
        names = owners(t)
        count, even = len(t.role("coordinator")), 64 // len(t.role("coordinator"))
        return names if all(names) and len(set(names)) == count and all(names.count(n) >= even for n in set(names)) else None
    return until("the partitions are shared", shared, 10)


def await_503(t, seconds, code=None):
    """Until a start is refused by 503 with Retry-After; seconds since the call."""
    at = now()
    name = f"refused{len(t.notes)}"  # one that has ended may be started anew

    def refused():
        status, headers, body = t.rig.call("POST", "/start", {"steps": [{"name": "x", "function": "chaos.step"}], "task_id": name})
        if status == 202:
            t.load.put("ask", key=name, task=name, row=True)
            t.load.put("told", key=name, task=name)
        if status == 503:
            t.require("Retry-After" in headers, "503 without Retry-After")
            t.note(f"503 {body['code']}: {body['detail'][:70]}")
            t.require_in_time(code is None or body["code"] == code, f"503 says {body['code']}")
        return status == 503
    until("starts get 503", refused, seconds, 0.02)
    return now() - at


@row("F4", "kill -9 redis, restart from AOF", 2, limit_text="load + 2 s", topology={"coordinators": 2}, load={"fail": 0.0})
def kill_redis(t):
    for _ in range(2):
        t.sleep(0.2, 1.5)
        redis = t.role("redis")[0]
        t.signal(redis, KILL)
        await_503(t, 3)
        t.sleep(0.2, 1.5)
        redis.start()
        at = now()
        until("redis answers", t.rig.redis_up, 20)
        loaded = now()
        t.recovered(t.silence(at) - (loaded - at))


@row("F15", "redis stalls 5 s", 2, limit_text="stall + 2 s", topology={"coordinators": 2}, load={"fail": 0.0})
def stall_redis(t):
    t.sleep(0.3, 1.5)
    before = shared_owners(t)
    t.signal(t.role("redis")[0], STOP)
    t.sleep(5)
    at = t.signal(t.role("redis")[0], CONT)
    t.recovered(t.silence(at))
    t.sleep(4)
    moved = sum(1 for a, b in zip(before, owners(t)) if a != b)
    t.require_in_time(moved == 0, f"{moved} partitions were taken over")


@row("F17", "redis at maxmemory", 1, limit_text="at once")
def full_redis(t):
    t.sleep(0.3, 1)
    redis = Redis(t.rig.redis_socket)
    redis.call("CONFIG", "SET", "maxmemory", "1mb")
    t.recovered(await_503(t, 3, "STORE_FULL"))
    until("all that was accepted completes at maxmemory", lambda: sum(
        redis.pipeline([("SCARD", f"marathon:live:p{p:02}") for p in range(64)])) == 0, 20, 0.1)
    redis.call("CONFIG", "SET", "maxmemory", "0")
    t.recovered(t.next_effect(now()))


def mount_small_disk(t):
    t.small = os.path.join(t.rig.dir, "small")
    os.mkdir(t.small)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "chaos", t.small], capture_output=True, text=True)
    if done.returncode != 0:
        raise Skip(f"no tmpfs can be mounted here: {done.stderr.strip()}")
    start = t.rig.start_redis
    t.rig.start_redis = lambda *extra: start(*extra, folder=t.small)
    t.failing = os.path.join(t.rig.dir, "disk_fails")
    t.rig.more_env = {**t.rig.more_env, "redis": {"LD_PRELOAD": os.path.join(TESTS, "chaos_failing_disk.so"),
                                                  "FAILING_DISK": t.failing}}


def unmount_small_disk(t):
    subprocess.run(["umount", "-l", t.small], check=False, capture_output=True)


def outlive(t, mend):
    """Nothing can be stored until `mend` is called. With appendfsync always Redis ends itself rather than go on; a supervisor starts it
    again, and it fails until it can."""
    redis = t.role("redis")[0]
    await_503(t, 10)
    until("/readyz?verbose names the cause", lambda: "the store does not answer" in str(t.rig.call("GET", "/readyz?verbose", prefix="")[2]), 5)
    t.sleep(1)
    mend()
    at = now()
    if not redis.alive():
        t.note("redis ended itself")
        redis.start()
    until("redis answers", t.rig.redis_up, 20)
    t.recovered(t.silence(at))


@row("F18", "disk full, then fsync errors", 2, limit_text="fix + 2 s", before=mount_small_disk, after=unmount_small_disk,
     load={"fail": 0.0})
def failing_disk(t):
    t.sleep(0.3, 1)
    filler = os.path.join(t.small, "filler")
    with open(filler, "wb", 0) as f:
        try:
            while True:
                f.write(b"x" * 65536)
        except OSError:
            pass
    outlive(t, lambda: os.unlink(filler))
    t.sleep(0.3, 1)
    with open(t.failing, "w"):
        pass
    outlive(t, lambda: os.unlink(t.failing))
