"""One master, replicas and sentinels for a Cluster: real ones, each a process of its own, with passwords of their own."""

import os
import random
import signal
import socket
import subprocess

from cluster import until

NAME, PASSWORD, SENTINEL_PASSWORD = "the-master", "of-redis", "of-sentinels"


def steady_port(rng=random.SystemRandom()):
    """Out of the range of outgoing connections, so that a process finds it free again after its restart."""
    while True:
        port = rng.randrange(10000, 30000)
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


def cli(port, *args, password=PASSWORD):
    r = subprocess.run(["redis-cli", "-p", str(port), *args], capture_output=True, text=True, timeout=10,
                       env={**os.environ, "REDISCLI_AUTH": password})
    return r.stdout.rstrip("\n")


class Sentinels:
    """servers[0] is the master at first. `way(n)` may give the port by which server n reaches the master (a proxy's)."""

    def __init__(self, cluster, replicas=2, sentinels=3, way=None, extra=()):
        self.cluster = cluster
        self.ports = [steady_port() for _ in range(1 + replicas)]
        self.sockets = [os.path.join(cluster.dir, f"redis{n}.sock") for n in range(1 + replicas)]
        self.servers = [self.start_server(n, way, extra) for n in range(1 + replicas)]
        for port in self.ports:
            until(f"redis at {port} answers", lambda: cli(port, "PING") == "PONG")
        self.sentinel_ports = [steady_port() for _ in range(sentinels)]
        self.sentinels = [self.start_sentinel(n) for n in range(sentinels)]
        until("replicas are in step", lambda: cli(self.ports[0], "INFO", "replication").count("state=online") == replicas, 20)
        for port in self.sentinel_ports:
            until("the sentinels know each other and the replicas", lambda: self.knows(port, replicas, sentinels), 20)

    def start_server(self, n, way, extra):
        conf = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "deploy", "redis.conf"))
        folder = os.path.join(self.cluster.dir, f"redis{n}")
        os.mkdir(folder)
        path = os.path.join(folder, "redis.conf")
        with open(path, "w") as f:  # of its own: a failover is written into it
            f.write(f"include {conf}\nport {self.ports[n]}\nbind 127.0.0.1\nunixsocket {self.sockets[n]}\ndir {folder}\n"
                    f"requirepass {PASSWORD}\nmasterauth {PASSWORD}\nrepl-diskless-sync-delay 0\nrepl-ping-replica-period 1\n")
            f.write("".join(f"{line}\n" for line in extra))
            if n > 0:
                f.write(f"replicaof 127.0.0.1 {way(n) if way else self.ports[0]}\nreplica-announce-port {self.ports[n]}\n")
        return self.cluster.spawn("redis", ["redis-server", path])

    def start_sentinel(self, n):
        folder = os.path.join(self.cluster.dir, f"sentinel{n}")
        os.mkdir(folder)
        path = os.path.join(folder, "sentinel.conf")
        with open(path, "w") as f:
            f.write(f"port {self.sentinel_ports[n]}\nbind 127.0.0.1\ndir {folder}\nrequirepass {SENTINEL_PASSWORD}\n"
                    f"sentinel monitor {NAME} 127.0.0.1 {self.ports[0]} 2\nsentinel auth-pass {NAME} {PASSWORD}\n"
                    f"sentinel down-after-milliseconds {NAME} 500\nsentinel failover-timeout {NAME} 3000\n"
                    f"sentinel parallel-syncs {NAME} 2\n")
        return self.cluster.spawn("sentinel", ["redis-server", path, "--sentinel"])

    def ask(self, *args, n=0):
        return cli(self.sentinel_ports[n], "SENTINEL", *args, password=SENTINEL_PASSWORD)

    def knows(self, port, replicas, sentinels):
        lines = cli(port, "SENTINEL", "MASTER", NAME, password=SENTINEL_PASSWORD).split("\n")
        said = dict(zip(lines[::2], lines[1::2]))
        return said.get("num-slaves") == str(replicas) and said.get("num-other-sentinels") == str(sentinels - 1)

    def master(self):
        """Which server the first sentinel names."""
        lines = self.ask("GET-MASTER-ADDR-BY-NAME", NAME).split("\n")
        return self.ports.index(int(lines[1])) if len(lines) == 2 and int(lines[1]) in self.ports else None

    def url(self, *more):
        hosts = ",".join([*more, *(f"127.0.0.1:{p}" for p in self.sentinel_ports)])
        return f"redis+sentinel://:{PASSWORD}@{hosts}/{NAME}"

    def env(self, *more):
        return {"REDIS_URL": self.url(*more), "MARATHON_REDIS_SENTINEL_PASSWORD": SENTINEL_PASSWORD}

    def new_master(self, before, seconds=20):
        def changed():
            now = self.master()
            return now is not None and now != before and cli(self.ports[now], "ROLE").startswith("master")
        until("a replica is made the master", changed, seconds)
        return self.master()

    def kill_master(self):
        """kill -9; returns who it was."""
        before = self.master()
        self.servers[before].kill(signal.SIGKILL)
        return before

    def in_step(self, count, seconds=20):
        """Until the master has so many replicas."""
        until(f"{count} replicas are in step",
              lambda: cli(self.ports[self.master()], "INFO", "replication").count("state=online") >= count, seconds)
