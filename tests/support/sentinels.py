"""One master, replicas and sentinels for a Cluster: real ones, each a process of its own, with passwords of their own."""

import os
import signal
import subprocess

from cluster import free_port, until

NAME, PASSWORD, SENTINEL_PASSWORD = "the-master", "of-redis", "of-sentinels"


def cli(port, *args, password=PASSWORD, more=()):
    r = subprocess.run(["redis-cli", "-p", str(port), *more, *args], capture_output=True, text=True, timeout=10,
                       env={**os.environ, **({"REDISCLI_AUTH": password} if password else {})})
    return r.stdout.rstrip("\n")


class Sentinels:
    """servers[0] is the master at first. Without a password nobody has one, the sentinels neither. tls: a folder of deploy/certs, with the
    role redis of 127.0.0.1; all of them speak TLS then, and nothing else."""

    def __init__(self, cluster, replicas=2, sentinels=3, password=PASSWORD, down_after_ms=500, failover_timeout_ms=3000, tls=None):
        self.tls = tls
        self.cluster, self.password = cluster, password
        self.sentinel_password = SENTINEL_PASSWORD if password else ""
        self.down_after_ms, self.failover_timeout_ms = down_after_ms, failover_timeout_ms
        self.ports = [free_port() for _ in range(1 + replicas)]
        self.sockets = [os.path.join(cluster.dir, f"redis{n}.sock") for n in range(1 + replicas)]
        self.servers = [self.start_server(n) for n in range(1 + replicas)]
        for port in self.ports:
            until(f"redis at {port} answers", lambda: self.cli(port, "PING") == "PONG")
        self.sentinel_ports = [free_port() for _ in range(sentinels)]
        self.sentinels = [self.start_sentinel(n) for n in range(sentinels)]
        until("replicas are in step", lambda: self.cli(self.ports[0], "INFO", "replication").count("state=online") == replicas)
        for port in self.sentinel_ports:
            until("the sentinels know each other and the replicas", lambda: self.knows(port, replicas, sentinels))

    def cli(self, port, *args):
        return self.call(port, *args, password=self.password)

    def call(self, port, *args, password):
        more = ("--tls", "--cacert", f"{self.tls}/ca.pem", "--cert", f"{self.tls}/redis.pem", "--key", f"{self.tls}/redis.key", "-h", "127.0.0.1") if self.tls else ()
        return cli(port, *args, password=password, more=more)

    def listen(self, port):
        if not self.tls:
            return f"port {port}\nbind 127.0.0.1\n"
        return (f"port 0\ntls-port {port}\nbind 127.0.0.1\ntls-replication yes\ntls-ca-cert-file {self.tls}/ca.pem\n"
                f"tls-cert-file {self.tls}/redis.pem\ntls-key-file {self.tls}/redis.key\n")

    def master_login(self):
        return f"masterauth {self.password}\n" if self.password else ""

    def conf_path(self, n):
        return os.path.join(self.cluster.dir, f"redis{n}", "redis.conf")

    def start_server(self, n):
        conf = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "deploy", "redis.conf"))
        folder = os.path.join(self.cluster.dir, f"redis{n}")
        os.mkdir(folder)
        with open(self.conf_path(n), "w") as f:  # of its own: a failover is written into it
            f.write(f"include {conf}\n{self.listen(self.ports[n])}unixsocket {self.sockets[n]}\ndir {folder}\n"
                    "repl-diskless-sync-delay 0\nrepl-ping-replica-period 1\n")
            if self.password:
                f.write(f"requirepass {self.password}\n")
            f.write(self.master_login())
            if n > 0:
                f.write(f"replicaof 127.0.0.1 {self.ports[0]}\n")
        return self.cluster.spawn("redis", ["redis-server", self.conf_path(n)])

    def rejoin(self, n, master):
        """A server that has ended comes back as a replica, at once: sentinels would make it one after some ten seconds."""
        with open(self.conf_path(n)) as f:
            lines = [line for line in f if not line.startswith(("replicaof", "masterauth"))]
        with open(self.conf_path(n), "w") as f:
            f.write("".join(lines) + f"replicaof 127.0.0.1 {self.ports[master]}\n" + self.master_login())
        self.servers[n].start()

    def start_sentinel(self, n):
        folder = os.path.join(self.cluster.dir, f"sentinel{n}")
        os.mkdir(folder)
        path = os.path.join(folder, "sentinel.conf")
        with open(path, "w") as f:
            f.write(f"{self.listen(self.sentinel_ports[n])}dir {folder}\n"
                    f"sentinel monitor {NAME} 127.0.0.1 {self.ports[0]} 2\n"
                    f"sentinel down-after-milliseconds {NAME} {self.down_after_ms}\n"
                    f"sentinel failover-timeout {NAME} {self.failover_timeout_ms}\nsentinel parallel-syncs {NAME} 2\n")
            if self.password:
                f.write(f"requirepass {self.sentinel_password}\nsentinel auth-pass {NAME} {self.password}\n")
        return self.cluster.spawn("sentinel", ["redis-server", path, "--sentinel"])

    def ask(self, *args, n=0):
        return self.call(self.sentinel_ports[n], "SENTINEL", *args, password=self.sentinel_password)

    def knows(self, port, replicas, sentinels):
        lines = self.call(port, "SENTINEL", "MASTER", NAME, password=self.sentinel_password).split("\n")
        said = dict(zip(lines[::2], lines[1::2]))
        return said.get("num-slaves") == str(replicas) and said.get("num-other-sentinels") == str(sentinels - 1)

    def master(self):
        """Which server the first sentinel names."""
        lines = self.ask("GET-MASTER-ADDR-BY-NAME", NAME).split("\n")
        return self.ports.index(int(lines[1])) if len(lines) == 2 and int(lines[1]) in self.ports else None

    def url(self, *more):
        hosts = ",".join([*more, *(f"127.0.0.1:{p}" for p in self.sentinel_ports)])
        login = f":{self.password}@" if self.password else ""
        return f"{'rediss' if self.tls else 'redis'}+sentinel://{login}{hosts}/{NAME}"

    def env(self, *more):
        files = {"CA": "ca.pem", "CERT": "redis.pem", "KEY": "redis.key"} if self.tls else {}
        tls = {f"MARATHON_REDIS_TLS_{name}_FILE": f"{self.tls}/{file}" for name, file in files.items()}
        return {"REDIS_URL": self.url(*more), "MARATHON_REDIS_SENTINEL_PASSWORD": self.sentinel_password, **tls}

    def new_master(self, before, seconds=30):
        def changed():
            now = self.master()
            return now is not None and now != before and self.cli(self.ports[now], "ROLE").startswith("master")
        until("a replica is made the master", changed, seconds)
        return self.master()

    def kill_master(self):
        """kill -9; returns who it was."""
        before = self.master()
        self.servers[before].kill(signal.SIGKILL)
        return before

    def fail_over(self):
        """By order: the old master goes on for seconds. A sentinel refuses while it has not heard lately of a replica that it may promote."""
        until("the sentinels take the order", lambda: self.ask("FAILOVER", NAME) == "OK", every=0.2)

    def in_step(self, count, seconds=30):
        """Until the master has so many replicas."""
        def all_of_them():
            now = self.master()
            return now is not None and self.cli(self.ports[now], "INFO", "replication").count("state=online") >= count
        until(f"{count} replicas are in step", all_of_them, seconds)
