"""A test case with a real marathon-gateway between the test (an outside client) and one or two scripted coordinators."""

import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "support"))
import websocket  # noqa: E402  (python3-websocket)
import cluster  # noqa: E402
from cluster import free_port  # noqa: E402

# This client's list of close codes is older than 1013 (try again later).
websocket._abnf.VALID_CLOSE_STATUS = (*websocket._abnf.VALID_CLOSE_STATUS, 1013)
BUILD = os.environ["MARATHON_BUILD"]
BIN = os.environ["MARATHON_BIN"]
PREFIX = "/api/v1/marathon"
PATIENCE = 60  # seconds: only against hanging, on however busy a machine
# As over a network: the kernel takes little for such a client.
FAR = ((socket.SOL_SOCKET, socket.SO_RCVBUF, 4096), (socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536))
PROGRESS, STEP_COMPLETED, STEP_RETRY, COMPLETE, ERROR, CANCELLED, RECOVERING = range(7)


def until(what, condition, seconds=PATIENCE, every=0.01):
    return cluster.until(what, condition, seconds, every)


def whole(got):
    """Is that one whole answer, or more? Of requests that are no HEAD, behind a 100 if there is one."""
    head, end, body = got.partition(b"\r\n\r\n")
    if head.startswith(b"HTTP/1.1 100 "):
        return whole(body)
    length = re.search(rb"\r\ncontent-length: *(\d+)", head, re.IGNORECASE)
    return end != b"" and len(body) >= (int(length.group(1)) if length else 0)


class Fake:
    """A scripted coordinator (fake_coordinator.c)."""

    def __init__(self, directory, name):
        self.url = f"ipc://{directory}/{name}.sock"
        self.got, self.keys, self.inputs, self.acks = [], [], [], 0
        self.popen = subprocess.Popen([f"{BUILD}/tests/fake_coordinator", self.url], stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, text=True)
        self.changed = threading.Condition()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        self._await_acks(1)

    def _read(self):
        for line in self.popen.stdout:
            with self.changed:
                word, _, rest = line.strip().partition(" ")
                if word == "got":
                    self.got.append(rest)
                elif word == "key":
                    self.keys.append(rest)
                elif word == "input":
                    self.inputs.append(tuple(int(n) for n in rest.split()))  # its length, and adler32 of it
                else:
                    self.acks += 1
                self.changed.notify_all()

    def _await_acks(self, n):
        with self.changed:
            if not self.changed.wait_for(lambda: self.acks >= n, PATIENCE):
                raise AssertionError("the scripted coordinator does not answer")

    def say(self, *words):
        wanted = self.acks + 1
        self.popen.stdin.write(" ".join(str(w) for w in words) + "\n")
        self.popen.stdin.flush()
        self._await_acks(wanted)

    def await_got(self, name, count=1):
        with self.changed:
            if not self.changed.wait_for(lambda: self.got.count(name) >= count, PATIENCE):
                raise AssertionError(f"{name} was not asked {count} times: {self.got}")

    def close(self):
        self.popen.stdin.close()
        code = self.popen.wait(PATIENCE)
        self.reader.join(PATIENCE)
        self.popen.stdout.close()
        return code


class GatewayCase(unittest.TestCase):
    coordinators = 1
    settings = {}

    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="marathon-gateway-")
        self.fakes = [Fake(self.dir, f"c{n}") for n in range(self.coordinators)]
        self.fake = self.fakes[0]
        self.port = free_port()
        self.script()
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("MARATHON_")}
        self.env.update(MARATHON_COORDINATORS=",".join(f.url for f in self.fakes), MARATHON_LISTEN=f"127.0.0.1:{self.port}",
                        **{k: str(v) for k, v in self.settings.items()})
        self.log = open(os.path.join(self.dir, "gateway.log"), "w+b")
        self.gateway = subprocess.Popen([f"{BIN}/marathon-gateway"], env=self.env, stderr=self.log, stdout=self.log)
        until("the gateway is ready", self.ready)

    def script(self):
        """Said before the gateway starts."""

    def ready(self):
        try:
            return self.connected()
        except OSError:
            return False

    def connected(self):
        text = self.call("GET", "/metrics", prefix="")[2].decode()
        return f"marathon_gateway_coordinators_connected {self.coordinators}\n" in text and \
            "marathon_gateway_partitions_covered 64\n" in text

    def await_metric(self, line):
        until(f"the gateway says {line}", lambda: f"marathon_gateway_{line}\n".encode() in self.call("GET", "/metrics", prefix="")[2])

    def tearDown(self):
        self.gateway.send_signal(signal.SIGTERM)
        code = self.gateway.wait(PATIENCE)
        codes = [f.close() for f in self.fakes]
        self.log.seek(0)
        text = self.log.read().decode(errors="replace")
        self.log.close()
        shutil.rmtree(self.dir, ignore_errors=True)
        self.assertEqual((code, codes), (0, [0] * len(codes)), text)
        self.assertNotIn("ERROR: ", text)
        self.assertNotIn("runtime error", text)

    # ---- clients ----

    def call(self, method, path, body=None, headers=None, prefix=PREFIX, timeout=PATIENCE):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            h = {"Content-Type": "application/json"} if body is not None else {}
            h.update(headers or {})
            c.request(method, prefix + path, json.dumps(body).encode() if body is not None else None, h)
            r = c.getresponse()
            raw = r.read()
            return r.status, r.headers, json.loads(raw) if raw and "json" in (r.getheader("Content-Type") or "") else raw
        finally:
            c.close()

    def results_file(self, results):
        path = os.path.join(self.dir, f"results{time.monotonic_ns()}")
        with open(path, "w") as f:
            f.write(results if isinstance(results, str) else json.dumps(results, separators=(",", ":")))
        return path

    def watch(self, task_id, query="", timeout=PATIENCE, **options):
        return Watcher(websocket.create_connection(
            f"ws://127.0.0.1:{self.port}/api/v1/ws/marathon/{task_id}{query}", timeout=timeout, **options))

    def stream(self, task_id, query="", headers=None, timeout=PATIENCE):
        """Status and an iterator over the lines of an event stream."""
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        c.request("GET", f"{PREFIX}/stream/{task_id}{query}", headers=headers or {})
        self.addCleanup(c.close)
        r = c.getresponse()
        return r.status, r

    def talk(self, data, wait=PATIENCE, enough=lambda got: False):
        """Sends raw bytes; returns all that comes until it is enough, or the close, or nothing for as long as that; and whether it was
        closed. Where something is awaited the wait is not to be a brief one: a busy machine takes its time."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as s:
            got = b""
            try:
                s.sendall(data)
            except ConnectionError:
                pass  # what was said before the reset is there to be read
            s.settimeout(wait)
            try:
                while not enough(got):
                    part = s.recv(65536)
                    if not part:
                        return got, True
                    got += part
            except socket.timeout:
                return got, False
            except ConnectionError:
                return got, True
        return got, False

    def queues(self, client):
        """Bytes of the gateway's socket to this client: those the client has no room for, and those the gateway has not read."""
        here, there = f":{client.getsockname()[1]:04X}", f":{self.port:04X}"
        with open(f"/proc/{self.gateway.pid}/net/tcp") as f:
            row = next((r for r in map(str.split, f) if r[1].endswith(there) and r[2].endswith(here)), None)
        return tuple(int(n, 16) for n in row[4].split(":")) if row else (0, 0)

    def await_full(self, client):
        """There is no room any more for what it is sent."""
        seen = [0]

        def same():
            seen.append(self.queues(client)[0])
            return seen[-1] == seen[-2] > 0
        until("its socket is full", same, every=0.05)

    def say_in_parts(self, client, parts):
        """Each is read by itself."""
        for part in parts:
            client.sendall(part)
            until("it was read", lambda: self.queues(client)[1] == 0, every=0.0005)

    def answer(self, data):
        """Sends raw bytes; returns the answer, as raw."""
        return self.talk(data, enough=whole)[0]


class Measured(GatewayCase):
    def cpu_seconds(self):
        with open(f"/proc/{self.gateway.pid}/stat") as f:
            user, system = f.read().rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.gateway.pid}/fd"))

    def clients(self):
        """The gateway's open sockets but for the one that listens."""
        with open(f"/proc/{self.gateway.pid}/net/tcp") as f:
            sockets = [line.split() for line in f][1:]
        return sum(s[1].endswith(f":{self.port:04X}") and s[3] != "0A" and s[9] != "0" for s in sockets)

    def quiet_descriptors(self):
        """Those that it has by itself: without the clients of before, whose ends it may not have seen yet."""
        until("nobody is connected", lambda: self.clients() == 0)
        return self.descriptors()


class Room(GatewayCase):
    settings = {"MARATHON_STALL_TIMEOUT": 600}

    def metric(self, name):
        text = self.call("GET", "/metrics", prefix="")[2].decode()
        return int(re.search(rf"^marathon_gateway_{name} (\d+)$", text, re.MULTILINE).group(1))

    def ask(self, stack, path):
        s = stack.enter_context(socket.socket())
        for option in FAR:
            s.setsockopt(*option)
        s.settimeout(PATIENCE)
        s.connect(("127.0.0.1", self.port))
        s.sendall(f"GET {PREFIX}/{path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        return s


class Watcher:
    def __init__(self, ws):
        self.ws = ws

    def next(self):
        """The next message, or ("closed", code, reason)."""
        opcode, data = self.ws.recv_data()
        if opcode == websocket.ABNF.OPCODE_CLOSE:
            self.ws.close()
            return "closed", int.from_bytes(data[:2], "big"), data[2:].decode()
        text = data.decode()
        return text if text == "pong" else json.loads(text)

    def all(self):
        got = []
        while True:
            m = self.next()
            if isinstance(m, tuple):
                return got, m[1]
            got.append(m)

    def close(self):
        self.ws.close()


def brief(messages):
    return [(m["type"], m.get("seq")) for m in messages]


def main():
    unittest.main(failfast=False)
