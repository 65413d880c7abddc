"""The cluster that is measured: tests/support/cluster.py's, with both policies of fsync, and what its processes use.

Redis, one coordinator, `workers` workers and one gateway, over unix sockets but for HTTP, as `marathon dev` runs them.
"""

import json
import os
import resource
import subprocess
import sys

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
from cluster import BIN, Cluster, free_port, until  # noqa: E402

TOOLS = os.path.join(os.path.dirname(BIN), "tests")
TICKS = os.sysconf("SC_CLK_TCK")


class BenchError(Exception):
    pass


def raise_limits():
    """Ten thousand WebSockets need as many descriptors, in the gateway and in the client."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def tool(name, *args, timeout=180):
    """Runs one of the bench's own programs; its last line is JSON."""
    r = subprocess.run([os.path.join(TOOLS, name), *map(str, args)], capture_output=True, text=True, timeout=timeout)
    if r.returncode != 0:
        raise BenchError(f"{name} {args[0]}: {r.stderr[-2000:]} {r.stdout[-500:]}")
    return json.loads(r.stdout.splitlines()[-1])


def megabytes(kib):
    return kib * 1024 / 1e6


def memory_kb(pid, field="VmRSS"):
    with open(f"/proc/{pid}/status") as f:
        for line in f:
            if line.startswith(field + ":"):
                return int(line.split()[1])
    return 0


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def chain(count, payload):
    return [{"name": f"s{i}", "function": "stamp", "input": {"bytes": payload}} for i in range(count)]


def fan(count, payload):
    """So many parallel steps and a join. A step needs at most 64 others, so that the join has two storeys."""
    wide = [f"s{i}" for i in range(count)]
    steps = [{"name": name, "function": "stamp", "needs": [], "input": {"bytes": payload}} for name in wide]
    joins = []
    for at in range(0, count, 64):
        joins.append(f"j{at // 64}")
        steps.append({"name": joins[-1], "function": "stamp", "needs": wide[at:at + 64]})
    return steps + [{"name": "join", "function": "stamp", "needs": joins}]


class Engine(Cluster):
    def __init__(self, fsync, payload):
        super().__init__(pipelines={"bench5": chain(5, payload), "bench200": chain(200, 0), "bench200kib": chain(200, payload),
                                    "fan1000": fan(1000, 0)})
        self.fsync = fsync
        self.runs = 0

    def start_redis(self, *extra):
        return super().start_redis("--appendfsync", self.fsync, *extra)

    def start_coordinator(self, n=1, **env):
        relaxed = {} if self.fsync == "always" else {"MARATHON_DURABILITY": "relaxed"}
        return super().start_coordinator(n, MARATHON_STORE="redis", **{**relaxed, **env})

    def start_worker(self, slots=4, coordinators=1, **env):
        return super().start_worker(slots, coordinators, MARATHON_DRAIN_SECONDS=1, **env)

    def start_gateway_process(self):
        """Without waiting for it."""
        self.port = free_port()
        return self.spawn("gateway", [f"{BIN}/marathon-gateway"], MARATHON_COORDINATORS=self.coordinator_url(),
                          MARATHON_LISTEN=f"127.0.0.1:{self.port}")

    def begin_all(self, workers, slots, gateway=None):
        self.start_redis()
        self.start_coordinator()
        for _ in range(workers):
            self.start_worker(slots)
        self.start_gateway(**(gateway or {}))
        until("all workers have joined", lambda: len(self.get("/workers")["items"]) == workers, 15)
        return self

    def ours(self):
        return [p for p in self.processes if not p.name.startswith("redis")]

    def memory(self):
        """RSS and its peak of each process, in KiB."""
        return {p.name: (memory_kb(p.popen.pid), memory_kb(p.popen.pid, "VmHWM")) for p in self.processes}

    def cpu(self):
        return {p.name: cpu_seconds(p.popen.pid) for p in self.processes}

    def load(self, tasks, task_type="bench5", batch=0, conns=64, body=None):
        """Starts so many tasks and waits for all; seconds from the first byte of the first start to the last task's end."""
        self.runs += 1
        more = ["--batch", batch] if batch else []
        r = tool("bench_load", "start", "--port", self.port, "--tasks", tasks, "--conns", conns, *more, "--prefix",
                 f"r{self.runs}-", "--body", json.dumps(body or {"task_type": task_type}))
        r["seconds"] = max(r["watched_s"], r["said_s"])
        return r

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        faults = self.close()
        if kind is not None or faults:
            self.dump_logs()
        self.remove()
        if kind is None and faults:
            raise BenchError(f"processes ended badly: {faults}")
