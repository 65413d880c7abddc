"""Rows about a Redis Cluster: its slots on the move, a master lost. Three masters; the checker reads all of them."""

import signal

from resp import partition_slot
from rig import now, until
from trial import row
from redis_cluster import RedisCluster

KILL = signal.SIGKILL


def on_cluster(replicas):
    def before(t):
        def start(*extra, folder=None):
            t.nodes = t.rig.nodes = RedisCluster(t.rig, 3, replicas, extra)
            t.rig.redis_url = t.nodes.url
            for server in t.nodes.servers:
                t.rig.add("redis", server)
        t.rig.start_redis = start
    return before


@row("S4", "slots of a Redis Cluster moved to and fro", 4, topology={"coordinators": 2}, before=on_cluster(0), load={"fail": 0.0})
def moving_slots(t):
    began, moves, keys = now(), 0, 0
    busy = [p for p in range(64)]
    while now() < began + 12:
        slot = partition_slot(t.rng.choice(busy))
        keys += t.nodes.move(slot, (t.nodes.master_of(slot) + t.rng.randrange(1, 3)) % 3, pause=0.002)
        moves += 1
        if t.rng.random() < 0.2:  # and back at once
            keys += t.nodes.move(slot, (t.nodes.master_of(slot) + 1) % 3)
            moves += 1
    t.note(f"{moves} moves of a slot, {keys} keys went over")
    t.require(keys > 100, f"only {keys} keys were moved")
    t.recovered(t.next_effect(now()))
    for c in t.role("coordinator"):
        t.require("store_lost" not in c.log(), f"{c.name} lost the store")
        t.require("store_rolled_back" not in c.log(), f"{c.name} saw it go back")


def failover(t):
    victim = t.rng.randrange(3)
    at = t.signal(t.nodes.servers[victim], KILL)
    heir = t.nodes.node(victim + 3)
    until("its replica is a master", lambda: "role:master" in heir.call("INFO", "replication"), 20)
    t.note(f"redis promoted the replica after {now() - at:.1f} s")
    return victim, at


@row("S5", "a master of a Redis Cluster killed, its replica takes over", 10, topology={"coordinators": 2}, before=on_cluster(3),
     load={"fail": 0.0}, settle=30, env={"coordinator": {"MARATHON_REDIS_WAIT": 1}})
def lost_master(t):
    t.sleep(0.5, 1.5)
    victim, at = failover(t)
    t.nodes.servers[victim].start()  # comes back as a replica: WAIT has somebody to wait for again
    t.recovered(t.silence(at, 40))
    for c in t.role("coordinator"):
        t.require("store_rolled_back" not in c.log(), f"{c.name} saw it go back")
