"""A Redis Cluster for a Cluster: real masters and replicas, each a process of its own.

    nodes = RedisCluster(cluster, masters=3, replicas=1)     cluster.env(REDIS_URL=nodes.url) is how coordinators find it
    nodes.move(slot, 2)                                      as redis-cli --cluster reshard moves a slot, key by key
"""

import os
import time

from cluster import free_port, until
from resp import SLOTS, ClusterClient, Redis


class RedisCluster:
    """servers[n] and ports[n]: first the masters, then the replicas; replica n is of master n modulo masters."""

    def __init__(self, cluster, masters=3, replicas=0, extra=(), env=None, folder=None, node_timeout_ms=1500):
        self.cluster, self.folder, self.node_timeout_ms = cluster, folder or cluster.dir, node_timeout_ms
        self.ports = [free_port() for _ in range(masters + replicas)]
        self.buses = [free_port() for _ in self.ports]
        self.servers = [self.start_server(n, extra, env or {}) for n in range(len(self.ports))]
        for port in self.ports:
            until(f"redis at {port} answers", lambda: self.answers(port))
        self.ids = [self.node(n).call("CLUSTER", "MYID") for n in range(len(self.ports))]
        for n in range(masters):
            self.node(n).call("CLUSTER", "SET-CONFIG-EPOCH", n + 1)
            self.node(n).call("CLUSTER", "ADDSLOTSRANGE", SLOTS * n // masters, SLOTS * (n + 1) // masters - 1)
        for n in range(1, len(self.ports)):
            self.node(n).call("CLUSTER", "MEET", "127.0.0.1", self.ports[0], self.buses[0])
        self.await_state(len(self.ports), masters)
        for n in range(masters, masters + replicas):
            self.node(n).call("CLUSTER", "REPLICATE", self.ids[n % masters])
            until("the replica is in step", lambda: "master_link_status:up" in self.node(n).call("INFO", "replication"))
        for n in range(masters if replicas else 0):
            until("the masters know the replicas", lambda: self.node(n).call("CLUSTER", "NODES").count("slave") == replicas)
        self.url = "redis+cluster://" + ",".join(f"127.0.0.1:{p}" for p in self.ports[:2])
        self.client = ClusterClient(self.ports)

    def start_server(self, n, extra, env):
        folder = os.path.join(self.folder, f"redis{n}")
        os.makedirs(folder, exist_ok=True)
        return self.cluster.spawn("redis", [
            "redis-server", "--port", str(self.ports[n]), "--bind", "127.0.0.1", "--dir", folder, "--cluster-enabled", "yes",
            "--cluster-port", str(self.buses[n]), "--cluster-node-timeout", str(self.node_timeout_ms), "--cluster-require-full-coverage", "no",
            "--appendonly", "yes", "--appendfsync", "always", "--save", "", "--maxmemory-policy", "noeviction",
            "--repl-diskless-sync-delay", "0", *extra], **env)

    def answers(self, port):
        try:
            return Redis(("127.0.0.1", port), 1).call("PING") == "PONG"
        except (OSError, ValueError, EOFError):
            return False

    def node(self, n):
        return Redis(("127.0.0.1", self.ports[n]), 10)

    def await_state(self, known, size):
        marks = ("cluster_state:ok", f"cluster_known_nodes:{known}", f"cluster_size:{size}")
        for n in range(len(self.ports)):
            until("the cluster is well", lambda: all(m in self.node(n).call("CLUSTER", "INFO") for m in marks), 30)

    def says(self, n, slot):
        """Who has it, as this node has heard."""
        return next((r[2][1] for r in self.node(n).call("CLUSTER", "SLOTS") if r[0] <= slot <= r[1]), None)

    def master_of(self, slot):
        """Its number, once all nodes say the same: after a move one hears of it later than another."""
        def agreed():
            ports = {self.says(n, slot) for n in range(len(self.ports)) if self.servers[n].alive()}
            return ports if len(ports) == 1 and None not in ports else None
        self.client.map = {}
        return self.ports.index(until(f"the nodes agree who has slot {slot}", agreed).pop())

    def move(self, slot, to, pause=0.0):
        """Moves a slot with all its keys; pause: between two keys. Returns how many keys went over."""
        source = self.master_of(slot)
        if source == to:
            return 0
        a, b = self.node(source), self.node(to)
        b.call("CLUSTER", "SETSLOT", slot, "IMPORTING", self.ids[source])
        a.call("CLUSTER", "SETSLOT", slot, "MIGRATING", self.ids[to])
        moved = 0
        while True:
            keys = a.call("CLUSTER", "GETKEYSINSLOT", slot, 20)
            for key in keys:
                a.call("MIGRATE", "127.0.0.1", self.ports[to], key, 0, 5000)
                time.sleep(pause)
            moved += len(keys)
            if not keys:
                break
        for n in (to, source, *(n for n in range(len(self.ports)) if n not in (to, source))):
            if self.servers[n].alive() and "role:master" in self.node(n).call("INFO", "replication"):
                self.node(n).call("CLUSTER", "SETSLOT", slot, "NODE", self.ids[to])
        return moved
