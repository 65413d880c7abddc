"""A real cluster for tests: redis-server, coordinators, workers, gateways, each a process of its own in one private directory.

Everything is awaited, nothing is slept for: `until` polls a condition to a deadline and says what it waited for. `close` stops all by
SIGTERM, and fails where a process did not end by itself or a sanitizer has spoken.
"""

import http.client
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest

from resp import Redis

BIN = os.environ["MARATHON_BIN"]
PREFIX = "/api/v1/marathon"


PARTITIONS = 64


class Unavailable(AssertionError):
    """A 503 or 504: an answer of a cluster that has lost something, or is about to find it."""


def until(what, condition, seconds=30, every=0.01):
    """Returns the condition's first true value. seconds are a guard against hanging and no promise of the product: the condition is looked
    at once more behind their end, so that a test that did not run for so long itself is no failure. Unavailable is not true yet."""
    end = time.monotonic() + seconds
    while True:
        late = time.monotonic() > end
        try:
            value, why = condition(), ""
        except Unavailable as e:
            value, why = None, f": {e}"
        if value:
            return value
        if late:
            raise AssertionError(f"not within {seconds} s: {what}{why}")
        time.sleep(every)


reserved = []  # sockets; they last as long as this process


def free_port(rng=random.SystemRandom()):
    """A TCP port that is ours until we end: no other test gets the same one (an abstract socket's name is the lock, and lives in the
    network's name space as ports do), and no outgoing connection does (it lies below their range), however long a program takes to
    bind it, or to come back to it."""
    while True:
        port = rng.randrange(10000, 30000)
        lock = socket.socket(socket.AF_UNIX)
        with socket.socket() as s:
            try:
                lock.bind(f"\0marathon-test-port-{port}")
                s.bind(("127.0.0.1", port))
            except OSError:
                lock.close()
                continue
        reserved.append(lock)
        return port


def page(port, path):
    c = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        c.request("GET", path)
        r = c.getresponse()
        return r.status, r.read().decode()
    finally:
        c.close()


def value(text, name):
    """Of a metric, its labels as they stand; None where it is not there."""
    found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.M)
    return float(found.group(1)) if found else None


class Process:
    """One process of the cluster, its log in a file."""

    def __init__(self, cluster, name, argv, env):
        self.name = name
        self.log_path = os.path.join(cluster.dir, f"{name}.log")
        self.argv, self.env = argv, env
        self.popen = None
        self.start()

    def start(self):
        with open(self.log_path, "ab") as log:
            self.popen = subprocess.Popen(self.argv, env=self.env, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        return self

    def kill(self, signo=signal.SIGKILL):
        self.popen.send_signal(signo)
        if signo not in (signal.SIGSTOP, signal.SIGCONT):
            self.popen.wait(30)

    def alive(self):
        return self.popen.poll() is None

    def log(self):
        with open(self.log_path, errors="replace") as f:
            return f.read()


class Cluster:
    def __init__(self, functions=None, pipelines=None):
        self.dir = tempfile.mkdtemp(prefix="marathon-test-")
        self.effects = os.path.join(self.dir, "effects.log")
        self.processes = []
        self.redis_socket = os.path.join(self.dir, "redis.sock")
        self.port = None
        self.counts = {}
        self.functions = []
        self.pipelines_dir = os.path.join(self.dir, "pipelines")
        os.mkdir(self.pipelines_dir)
        for name, steps in (pipelines or {}).items():
            self.write_pipeline(name, steps)
        effect = os.path.join(os.path.dirname(os.path.abspath(__file__)), "functions", "effect.py")
        functions = {"effect": {"exec": [effect], "env": {"EFFECTS_LOG": self.effects}}, **(functions or {})}
        path = os.path.join(self.dir, "functions.json")
        with open(path, "w") as f:
            json.dump({"functions": functions}, f)
        self.functions.append(path)

    # ---- processes ----

    def write_pipeline(self, name, steps, **more):
        with open(os.path.join(self.pipelines_dir, f"{name}.json"), "w") as f:
            json.dump({"name": name, "steps": steps, **more}, f)

    def env(self, **more):
        env = {k: v for k, v in os.environ.items() if not k.startswith("MARATHON_") and k != "REDIS_URL"}
        env["MARATHON_EFFECTS_LOG"] = self.effects
        env["REDIS_URL"] = f"unix://{self.redis_socket}"
        env.update({k: str(v) for k, v in more.items()})
        return env

    def spawn(self, kind, argv, **env):
        n = self.counts[kind] = self.counts.get(kind, 0) + 1
        p = Process(self, f"{kind}{n}", argv, self.env(**env))
        self.processes.append(p)
        return p

    def start_redis(self, *extra):
        conf = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "deploy", "redis.conf")
        p = self.spawn("redis", ["redis-server", os.path.realpath(conf), "--port", "0", "--unixsocket", self.redis_socket,
                                 "--dir", self.dir, *extra])
        until("redis answers", lambda: self.redis("PING", check=False) == "PONG")
        return p

    def coordinator_url(self, n=1):
        return f"ipc://{self.dir}/coordinator{n}.sock"

    def start_coordinator(self, n=1, **env):
        return self.spawn("coordinator", [f"{BIN}/marathon-coordinator"], MARATHON_STORE=env.pop("MARATHON_STORE", "redis"),
                          MARATHON_COORDINATOR_LISTEN=self.coordinator_url(n), MARATHON_PIPELINES=self.pipelines_dir, **env)

    def start_worker(self, slots=4, coordinators=1, **env):
        urls = ",".join(self.coordinator_url(n + 1) for n in range(coordinators))
        return self.spawn("worker", [f"{BIN}/marathon-worker"], MARATHON_COORDINATORS=urls, MARATHON_SLOTS=slots,
                          MARATHON_FUNCTIONS=",".join(self.functions), **env)

    def start_gateway(self, coordinators=1, **env):
        port = free_port()
        self.port = self.port or port
        urls = ",".join(self.coordinator_url(n + 1) for n in range(coordinators))
        p = self.spawn("gateway", [f"{BIN}/marathon-gateway"], MARATHON_COORDINATORS=urls,
                       MARATHON_LISTEN=f"127.0.0.1:{port}", **env)
        p.port = port
        until("the gateway is ready", lambda: self.ready(port))
        return p

    def ready(self, port=None):
        try:
            return self.call("GET", "/readyz", prefix="", port=port)[0] == 200
        except OSError:
            return False

    def start(self, workers=1, slots=4):
        self.start_redis()
        self.start_coordinator()
        for _ in range(workers):
            self.start_worker(slots)
        self.start_gateway()
        until("all workers have joined",
              lambda: len(self.get("/workers")["items"]) == workers)
        return self

    def close(self):
        """Stops everything; returns a list of what went wrong."""
        faults = []
        for p in reversed(self.processes):
            if p.alive():
                p.popen.send_signal(signal.SIGCONT)
                p.popen.terminate()
                try:
                    p.popen.wait(40)
                except subprocess.TimeoutExpired:
                    p.kill()
                    faults.append(f"{p.name} did not end on SIGTERM")
            text = p.log()
            for mark in ("AddressSanitizer", "LeakSanitizer", "runtime error:", "ThreadSanitizer", "Assertion", "fatal:"):
                if mark in text:
                    faults.append(f"{p.name}: {mark}")
        self.faults = faults
        return faults

    def remove(self):
        shutil.rmtree(self.dir, ignore_errors=True)

    def dump_logs(self):
        for p in self.processes:
            print(f"---- {p.name} (exit {p.popen.poll()})")
            print(p.log()[-6000:], flush=True)  # before the failure's own words, not behind them

    # ---- outside clients ----

    def redis(self, *args, check=True):
        r = subprocess.run(["redis-cli", "-s", self.redis_socket, *args], capture_output=True, text=True)
        if check and r.returncode != 0:
            raise AssertionError(f"redis-cli {args}: {r.stderr}")
        return r.stdout.rstrip("\n")

    def owners(self):
        """coordinator -> how many partitions, as Redis has them in one moment; those of nobody are not counted."""
        owners = Redis(self.redis_socket, 20).pipeline([("HGET", f"marathon:owner:p{p:02d}", "owner") for p in range(PARTITIONS)])
        return {name: owners.count(name) for name in set(owners) if name}

    def shares(self):
        """The sizes of the coordinators' shares, the smallest first; none while some partition is nobody's."""
        shares = sorted(self.owners().values())
        return shares if sum(shares) == PARTITIONS else []

    def served(self):
        """Is every partition one of a coordinator that lives, as they say themselves? A gateway is ready before, and holds requests for 5 s."""
        status, _, body = self.call("GET", "/readyz?verbose", prefix="")
        return status == 200 and sum(c.get("partitions", 0) for c in body["coordinators"]) == PARTITIONS

    def call(self, method, path, body=None, headers=None, prefix=PREFIX, port=None, timeout=70):
        """status, headers, decoded body (None where there is none)"""
        c = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=timeout)
        try:
            data = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
            h = {"Content-Type": "application/json"} if data is not None else {}
            h.update(headers or {})
            c.request(method, prefix + path, data, h)
            r = c.getresponse()
            raw = r.read()
            is_json = "json" in (r.getheader("Content-Type") or "")
            return r.status, r.headers, json.loads(raw) if raw and is_json else raw
        finally:
            c.close()

    def get(self, path, **kw):
        status, _, body = self.call("GET", path, **kw)
        if status in (503, 504):
            raise Unavailable((path, status, body))
        assert status == 200, (path, status, body)
        return body

    def begin(self, **body):
        status, _, answer = self.call("POST", "/start", body)
        assert status == 202, (status, answer)
        return answer["task_id"]

    def wait(self, task_id, states=("completed", "failed", "cancelled"), seconds=60):
        """The status once it is one of states, by long polls."""
        end = time.monotonic() + seconds
        tag = None
        while True:
            headers = {"If-None-Match": tag} if tag else {}
            code, h, body = self.call("GET", f"/status/{task_id}?wait=5s", headers=headers)
            if code == 200:
                tag = h.get("ETag")
                if body["status"] in states:
                    return body
            assert code in (200, 304, 503, 504), (code, body)
            if code >= 500:
                time.sleep(0.05)
            assert time.monotonic() < end, f"{task_id} is not {states} within {seconds} s: {body}"

    def effects_lines(self):
        try:
            with open(self.effects) as f:
                return f.read().splitlines()
        except FileNotFoundError:
            return []


class ClusterCase(unittest.TestCase):
    """A test case with a cluster that is closed, checked and removed at its end."""

    functions = None
    pipelines = None

    def setUp(self):
        self.faults_before = self.fault_count()
        self.cluster = Cluster(self.functions, self.pipelines)

    def fault_count(self):
        result = self._outcome.result
        return len(result.failures) + len(result.errors)

    def tearDown(self):
        faults = self.cluster.close()
        if faults or self.fault_count() > self.faults_before:
            self.cluster.dump_logs()
        self.cluster.remove()
        self.assertEqual(faults, [])
