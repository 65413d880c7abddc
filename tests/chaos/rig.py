"""The cluster that faults are injected into: tests/support/cluster.py with ports of its own (so that proxies and garbage reach them),
many of each role, a watch over what must hold while it runs, and what was seen of effects.

All times are CLOCK_BOOTTIME in seconds: the functions' own log uses the same clock.
"""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support"))
import cluster  # noqa: E402
from cluster import BIN, Cluster, free_port  # noqa: E402
from resp import ClusterClient, Redis  # noqa: E402
from stalls import stalled  # noqa: E402

HERE = os.path.dirname(os.path.realpath(__file__))
TESTS = os.path.join(os.path.dirname(BIN), "tests")

# A factor on the limits of time, where a machine is shared with others (the tests): there, what the machine itself stood still for is
# measured too, and no fault of the engine. The table's own limits are kept without.
SLACK = float(os.environ.get("CHAOS_SLACK", "1"))


def until(what, condition, seconds=10, every=0.01):
    return cluster.until(what, condition, seconds * SLACK, every)


def now():
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Log:
    """Lines of JSON, each with its time, from many threads."""

    def __init__(self, path):
        self.file = open(path, "a", buffering=1)
        self.lock = threading.Lock()

    def put(self, event, **fields):
        line = json.dumps({"t": round(now(), 6), "ev": event, **fields})
        with self.lock:
            if not self.file.closed:
                self.file.write(line + "\n")


class Effects:
    """What the functions wrote so far; `read` goes on from where it stopped."""

    def __init__(self, path):
        self.path, self.at, self.rest = path, 0, b""
        self.begun, self.ended = [], {}
        self.lock = threading.Lock()

    def read(self):
        with self.lock:
            try:
                with open(self.path, "rb") as f:
                    f.seek(self.at)
                    data = f.read()
            except FileNotFoundError:
                return self
            self.at += len(data)
            lines = (self.rest + data).split(b"\n")
            self.rest = lines.pop()
            for line in lines:
                if not line.endswith(b" ."):
                    continue  # nothing, or what a killed process left of a record
                w = line.decode().split()
                if w[0] == "B":
                    self.begun.append({"t": int(w[1]) / 1e9, "task": w[2], "step": w[3], "attempt": int(w[5]), "nonce": w[7],
                                       "worker": int(w[8]), "saw": [s.split("=")[1] for s in w[10].split(",") if "=" in s]})
                else:
                    self.ended[w[4]] = int(w[1]) / 1e9
        return self

    def running(self, at, worker=None):
        """Executions that had begun and not ended at that moment."""
        return [b for b in self.begun if b["t"] <= at < self.ended.get(b["nonce"], 1e18)
                and (worker is None or b["worker"] == worker)]

    def caused_after(self, at, asked):
        """The first execution that somebody had to order after that moment: its needs ended, or its task was asked for, later."""
        for b in self.begun:
            if b["t"] <= at:
                continue
            if b["saw"] and max(self.ended.get(n, 0) for n in b["saw"]) > at:
                return b
            if not b["saw"] and asked.get(b["task"], 0) > at:
                return b
        return None


class Rig(Cluster):
    def __init__(self, seed, row):
        effect = os.path.join(TESTS, "chaos_effect.so")
        super().__init__(functions={"chaos.step": {"plugin": effect}, **row.functions})
        self.rng = random.Random(f"{row.name}/{seed}")
        self.log_lines = Log(os.path.join(self.dir, "events.jsonl"))
        self.seen = Effects(self.effects)
        self.coordinator_ports = [free_port() for _ in range(4)]
        self.roles = {"redis": [], "coordinator": [], "worker": [], "gateway": []}
        self.keepers, self.keeping = [], True
        self.redis_url = f"unix://{self.redis_socket}"
        self.nodes = None  # a RedisCluster, where that is the store
        self.more_env = row.env
        self.sampler = None
        self.probe = subprocess.Popen([sys.executable, "-B", os.path.join(HERE, "stalls.py"), self.dir]) if SLACK > 1 else None

    # ---- processes ----

    def coordinator_url(self, n=1):
        return f"tcp://127.0.0.1:{self.coordinator_ports[n - 1]}"

    def add(self, role, process):
        self.roles[role].append(process)
        return process

    def start_redis(self, *extra, folder=None):
        folder = folder or self.dir
        p = self.spawn("redis", ["redis-server", "--port", "0", "--unixsocket", self.redis_socket, "--dir", folder,
                                 "--appendonly", "yes", "--appendfsync", "always", "--save", "",
                                 "--maxmemory-policy", "noeviction", *extra], **self.more_env.get("redis", {}))
        until("redis answers", self.redis_up)
        return self.add("redis", p)

    def store(self, timeout=5):
        """Whatever holds the data, for commands with one key."""
        return ClusterClient(self.nodes.ports, timeout) if self.nodes else Redis(self.redis_socket, timeout)

    def store_address(self):
        """As check.py dump takes it."""
        return "cluster:" + ",".join(map(str, self.nodes.ports)) if self.nodes else self.redis_socket

    def owner_key(self, p):
        return f"marathon:owner:{{p{p:02}}}" if self.nodes else f"marathon:owner:p{p:02}"

    def redis_up(self):
        try:
            return Redis(self.redis_socket, 1).call("PING") == "PONG"
        except (OSError, ValueError, EOFError):
            return False

    def start_coordinator(self, n, **env):
        return self.add("coordinator", self.spawn("coordinator", [f"{BIN}/marathon-coordinator"], **{
            "MARATHON_STORE": "redis", "MARATHON_COORDINATOR_LISTEN": self.coordinator_url(n), "REDIS_URL": self.redis_url,
            "MARATHON_PIPELINES": self.pipelines_dir, "MARATHON_CHECKPOINT_TTL": 86400,
            "MARATHON_ADVERTISE": "none",  # the rows that put a proxy between want no way around it
            **self.more_env.get("coordinator", {}), **env}))

    def urls(self):
        return ",".join(self.coordinator_url(i + 1) for i in range(self.coordinators))

    def start_worker(self, slots=8, prefix=(), **env):
        """prefix: the command that runs it."""
        return self.add("worker", self.spawn("worker", [*prefix, f"{BIN}/marathon-worker"], **{
            "MARATHON_COORDINATORS": self.urls(), "MARATHON_SLOTS": slots, "MARATHON_FUNCTIONS": ",".join(self.functions),
            **self.more_env.get("worker", {}), **env}))

    def start_gateway(self, **env):
        port = free_port()
        p = self.spawn("gateway", [f"{BIN}/marathon-gateway"], **{
            "MARATHON_COORDINATORS": self.urls(), "MARATHON_LISTEN": f"127.0.0.1:{port}",
            **self.more_env.get("gateway", {}), **env})
        p.port = port
        self.port = self.port or port
        return self.add("gateway", p)

    def start(self, coordinators=1, workers=3, gateways=1, slots=8, redis=()):
        self.coordinators = coordinators
        self.start_redis(*redis)
        for n in range(coordinators):
            self.start_coordinator(n + 1)
        for _ in range(workers):
            self.start_worker(slots)
        for _ in range(gateways):
            self.start_gateway()
        for g in self.roles["gateway"]:
            until(f"{g.name} is ready", lambda: self.ready(g.port), 15)
        self.await_workers(workers)
        return self

    def workers_ready(self):
        """Ids of the workers that the cluster counts as ready, one entry each."""
        try:
            code, _, body = self.call("GET", "/workers", timeout=3)
        except OSError:
            return []
        return sorted({w["worker_id"] for w in body["items"] if w["state"] == "ready"}) if code == 200 else []

    def await_workers(self, count, seconds=15):
        until(f"{count} workers have joined", lambda: len(self.workers_ready()) >= count, seconds)

    def owner(self):
        """The coordinator that owns the most partitions, by the pid in the owner records' names; None where nobody does."""
        count = {}
        for record in self.store().pipeline([("HGET", self.owner_key(p), "owner") for p in range(64)]):
            count[record] = count.get(record, 0) + 1
        name = max((n for n in count if n), key=count.get, default=None)
        pid = int(name.rsplit(":", 1)[1]) if name else -1
        return next((c for c in self.roles["coordinator"] if c.popen.pid == pid), None)

    def keep(self, process, delay=0.05):
        """A supervisor: starts the process again whenever it has ended."""
        def run():
            while self.keeping:
                if not process.alive():
                    time.sleep(delay)
                    if self.keeping and not process.alive():
                        process.start()
                time.sleep(0.01)
        t = threading.Thread(target=run, daemon=True)
        t.start()
        self.keepers.append(t)

    def stop_keeping(self):
        self.keeping = False
        for t in self.keepers:
            t.join(5)

    def signal(self, process, signo):
        """At once, without waiting for the end."""
        self.log_lines.put("signal", process=process.name, signal=signal.Signals(signo).name)
        at = now()
        try:
            process.popen.send_signal(signo)
        except ProcessLookupError:
            pass
        if signo == signal.SIGKILL:
            process.popen.wait(10)
        return at

    def stalled(self):
        """Seconds for which the machine stood still so far, where that is measured."""
        return stalled(self.dir)

    def wait(self, task_id, seconds=60, **more):
        return super().wait(task_id, seconds=seconds * SLACK, **more)

    def close(self):
        self.stop_keeping()
        if self.probe:
            self.probe.kill()
            self.probe.wait()
            self.probe = None
        faults = super().close()
        if faults:
            self.log_lines.put("process_faults", faults=faults)
        return faults
