"""What more Redis nodes give: our own fenced steps against a Redis Cluster of one, two and three masters, nothing else around.

A Redis is one thread that executes, syncs its file, answers. On this machine all nodes share two cores and one disk, so that they
would show the machine and not the nodes. What they do not share is waiting: their files are in memory, and each sync takes 10 ms by a
preloaded shim (network disks take 1 to 10), which each node waits for by itself, all at the same time. What is in the way then is what
one node may have under way, two batches of 128 rows for a sync or two; further nodes add to that, until the cores are busy.
"""

import os
import tempfile

from engine import Engine, TOOLS, tool
from redis_cluster import RedisCluster
from rows import Row

SYNC_US = 10000


def steps(o, masters):
    env = {"LD_PRELOAD": os.path.join(TOOLS, "bench_slow_disk.so"), "SLOW_DISK_US": SYNC_US}
    found = []
    for _ in range(o.runs):
        with Engine("always", o.payload) as e, tempfile.TemporaryDirectory(dir="/dev/shm") as memory:
            nodes = RedisCluster(e, masters=masters, env=env, folder=memory)
            found.append(tool("bench_store", "--redis", nodes.url, "--payload", o.payload, "--tasks", o.tasks or 4000,
                              "--spread", 1)["rows_per_second"])
    return found


def cluster(o):
    return [Row(f"cluster of {n}, {SYNC_US // 1000} ms a sync, fenced steps", "steps/s", steps(o, n)) for n in (1, 2, 3)]
