"""Rows of the fault table about the network: partitions, loss, delay, and messages that no peer of ours would send."""

import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

import namespace
from cluster import free_port
from rig import now, until
from sampler import cpu_seconds, usage
from trial import row

HERE = os.path.dirname(os.path.realpath(__file__))


class Proxy:
    def __init__(self, target, seed):
        self.port = free_port()
        self.process = subprocess.Popen([sys.executable, "-B", os.path.join(HERE, "proxy.py"), str(self.port), target, str(seed)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.process.stdout.readline()

    def tell(self, command):
        """Returns the moment at which it holds."""
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "ok\n", f"the proxy did not take: {command}"
        return now()

    def close(self):
        self.process.stdin.close()
        self.process.wait(5)
        self.process.stdout.close()


def close_proxies(t):
    for p in t.proxies:
        p.close()


def proxied_worker(t):
    """One more worker, whose way to coordinator 1 leads through the proxy."""
    proxy = Proxy(f"127.0.0.1:{t.rig.coordinator_ports[0]}", t.seed)
    t.proxies = [proxy]
    return proxy


def through_proxy(t, proxy):
    worker = t.rig.start_worker(MARATHON_COORDINATORS=f"tcp://127.0.0.1:{proxy.port}")
    t.rig.await_workers(len(t.role("worker")))
    return worker


def worker_behind_a_line(t):
    """Even seeds: one more worker in a network namespace, whose packets the kernel drops. Odd ones, and where that cannot be: behind the
    proxy, which holds what it should carry."""
    why = namespace.missing() if t.seed % 2 == 0 else None
    if t.seed % 2 != 0 or why is not None:
        proxied_worker(t)
        if why is not None:
            t.note(f"no network namespace ({why}): a proxy in its place")
        return
    place = namespace.Namespace()
    t.proxies = [place]
    port, start = t.rig.coordinator_ports[0], t.rig.start_coordinator

    def start_one(n, **env):
        return start(n, MARATHON_COORDINATOR_LISTEN=f"tcp://0.0.0.0:{port}", MARATHON_INSECURE_LISTEN="true", **env)

    t.rig.start_coordinator = start_one


def behind_it(t, line):
    if not isinstance(line, namespace.Namespace):
        return through_proxy(t, line)
    url = f"tcp://{line.host}:{t.rig.coordinator_ports[0]}"
    worker = t.rig.start_worker(prefix=line.prefix, MARATHON_COORDINATORS=url)
    t.rig.await_workers(len(t.role("worker")))
    t.note("in a network namespace")
    return worker


@row("F10", "partition worker-coordinator, each direction", 3, before=worker_behind_a_line, after=close_proxies, topology={"workers": 2},
     load={"fail": 0.0})
def partition_worker(t):
    proxy = t.proxies[0]
    worker = behind_it(t, proxy)
    for way in t.rng.sample(("hold up", "hold down", "hold both", "refuse"), 4):
        t.await_busy(2, worker.popen.pid)
        at = proxy.tell(way)
        running = t.seen.read().running(at, worker.popen.pid)
        took = t.silence(at)
        t.recovered(took)
        t.sleep(0.1, 0.5)
        at = proxy.tell("heal")
        until("it takes work again", lambda: any(b["t"] > at and b["worker"] == worker.popen.pid for b in t.seen.read().begun), 10)
        back = next(b["t"] for b in t.seen.begun if b["t"] > at and b["worker"] == worker.popen.pid) - at
        t.note(f"{way}: {len(running)} running, longest silence of a task {took:.2f} s; back {back:.2f} s after the heal")
        t.sleep(0.5)


def redis_through_proxy(t):
    """Even seeds: with a standby that reaches Redis directly. What the partition held back of the old owner's writes then arrives after
    the takeover, with a fence that is no longer in force."""
    proxy = Proxy(f"unix:{t.rig.redis_socket}", t.seed)
    t.proxies = [proxy]
    t.standby = t.seed % 2 == 0
    t.topology["coordinators"] = 2 if t.standby else 1
    start, urls = t.rig.start_coordinator, [f"redis://127.0.0.1:{proxy.port}", t.rig.redis_url]

    def start_one(n, **env):
        process = start(n, REDIS_URL=urls[n - 1], **env)
        until("it is up", lambda: "store_up" in process.log(), 10)
        return process
    t.rig.start_coordinator = start_one


@row("F11", "partition coordinator-redis", 2, limit_text="heal + 2 s", before=redis_through_proxy, after=close_proxies,
     load={"fail": 0.0})
def partition_redis(t):
    proxy = t.proxies[0]
    for way in t.rng.sample(("hold both", "hold down", "hold up", "refuse"), 2):
        t.sleep(0.3, 1)
        at = proxy.tell(way)
        t.sleep(3.5, 5)
        told = [e for e in t.load.told_times if at + 0.1 < e < now()]
        t.require(t.standby or not told, f"{len(told)} starts were acknowledged without a store")
        at = proxy.tell("heal")
        took = t.silence(at)
        t.recovered(took)
        t.note(f"{way}{', with a standby' if t.standby else ''}: {took:.2f} s after the heal")


def victim_through_proxy(t):
    """Coordinator 1 reaches Redis through the proxy, coordinator 2 directly; both have metrics."""
    proxy = Proxy(f"unix:{t.rig.redis_socket}", t.seed)
    t.proxies = [proxy]
    start, urls = t.rig.start_coordinator, [f"redis://127.0.0.1:{proxy.port}", t.rig.redis_url]

    def start_one(n, **env):
        port = free_port()
        process = start(n, REDIS_URL=urls[n - 1], MARATHON_METRICS_LISTEN=f"127.0.0.1:{port}", **env)
        process.metrics_port = port
        until("it is up", lambda: "store_up" in process.log(), 10)
        return process
    t.rig.start_coordinator = start_one


def fenced(t, coordinator):
    text = t.rig.call("GET", "/metrics", prefix="", port=coordinator.metrics_port)[2].decode()
    return next(int(line.split()[1]) for line in text.splitlines() if line.startswith("marathon_coordinator_fenced_total "))


@row("S3", "writes of a stopped owner arrive after its takeover", 4, topology={"coordinators": 2}, before=victim_through_proxy,
     after=close_proxies, load={"fail": 0.0})
def stale_writes(t):
    victim, proxy = t.role("coordinator")[0], t.proxies[0]
    t.sleep(0.5, 1.5)
    before = fenced(t, victim)
    proxy.tell("hold up")
    t.sleep(0.2, 0.6)  # its writes and renewals gather in front of Redis; its deadline is 1 s
    at = t.signal(victim, signal.SIGSTOP)
    t.recovered(t.silence(at))
    t.sleep(max(0.0, at + 4.5 - now()))
    proxy.tell("heal")  # now they arrive, under a fence that is no longer in force
    t.sleep(0.3)
    t.signal(victim, signal.SIGCONT)
    until("it hears that its writes were fenced", lambda: fenced(t, victim) > before, 5)
    t.note(f"{fenced(t, victim) - before} writes FENCED by Redis, as its counter shows; none applied")
    t.sleep(2)


@row("F13", "5 % loss, 200 ms delay", None, before=proxied_worker, after=close_proxies, topology={"workers": 1}, settle=60,
     load={"fail": 0.0})
def bad_line(t):
    proxy = t.proxies[0]
    worker = through_proxy(t, proxy)
    direct = t.role("worker")[0]
    proxy.tell("delay 200")
    proxy.tell("stall 0.05 400")
    t.signal(direct, 15)  # all goes over the bad line
    at = now()
    t.sleep(10)
    ran = [b for b in t.seen.read().begun if b["worker"] == worker.popen.pid and b["t"] > at]
    t.require(len(ran) >= 10, f"only {len(ran)} steps in 10 s")
    log = t.role("coordinator")[0].log().splitlines()
    deaths = [line for line in log if "worker_lost" in line and f"pid={worker.popen.pid} " in line]
    t.require(not deaths, f"{len(deaths)} false deaths")
    t.note(f"{len(ran)} steps in 10 s, no false death")
    proxy.tell("heal")


# ---- what no peer of ours would send ----

def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def frame(kind, body, magic=0x4D52, version=1, crc=None):
    head = struct.pack(">HBBQI", magic, version, kind, 0, 0)
    return struct.pack(">I", len(head) + 4 + len(body)) + head + struct.pack(">I", crc32c(head + body) if crc is None else crc) + body


def bad_frames(rng):
    """name -> bytes for the coordinator's port."""
    noise = bytes(rng.randrange(256) for _ in range(rng.randrange(1, 5000)))
    return {
        "noise": noise, "huge length": struct.pack(">I", 0xFFFFFFF0) + noise, "zero length": b"\0\0\0\0" + noise,
        "over 4 MiB": struct.pack(">I", (4 << 20) + 1) + noise, "half a frame": frame(1, noise)[:-1 - rng.randrange(20)],
        "wrong magic": frame(1, b"\x90", magic=0x1234), "wrong version": frame(1, b"\x90", version=99),
        "wrong checksum": frame(1, b"\x90", crc=1), "empty HELLO": frame(1, b"\x90"), "HELLO of noise": frame(1, noise),
        "2^32 elements": frame(1, b"\xdd\xff\xff\xff\xff"), "2 GiB string": frame(1, b"\x91\xc6\x7f\xff\xff\xff"),
        "deep nesting": frame(1, b"\x91" * 5000 + b"\x90"), "work before HELLO": frame(7, b"\x90"), "HTTP": b"GET / HTTP/1.1\r\n\r\n"}


def bad_requests(rng):
    """name -> bytes for the gateway's port."""
    noise = bytes(rng.randrange(256) for _ in range(rng.randrange(1, 5000)))
    path = b"POST /api/v1/marathon/start HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    return {
        "noise": noise, "half a request": path, "long line": b"GET /" + b"a" * 100000 + b" HTTP/1.1\r\n\r\n",
        "many headers": b"GET / HTTP/1.1\r\n" + b"".join(b"X-%d: y\r\n" % i for i in range(2000)) + b"\r\n",
        "negative length": path + b"Content-Length: -1\r\n\r\n{}", "huge length": path + b"Content-Length: 99999999999999\r\n\r\n{}",
        "short body": path + b"Content-Length: 500\r\n\r\n{}", "chunked": path + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        "bytes behind the body": path + b"Content-Length: 2\r\n\r\n{}" + noise, "no body type": b"POST /api/v1/marathon/start HTTP/1.1\r\n"
        b"Host: x\r\nContent-Length: 2\r\n\r\n{}", "deep JSON": path + b"Content-Length: 200000\r\n\r\n" + b"[" * 200000,
        "WebSocket of noise": b"GET /api/v1/ws/marathon/x HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n" + noise}


def throw(port, data, linger):
    """Sends it and hangs up, or stays to see whether the other side does."""
    try:
        with socket.create_connection(("127.0.0.1", port), 5) as s:
            s.settimeout(linger)
            s.sendall(data)
            while s.recv(65536):
                pass
    except OSError:
        pass


@row("F28", "duplicated, truncated, garbage, huge messages", None, limit_text="at once", before=proxied_worker, after=close_proxies,
     topology={"workers": 2})
def garbage(t):
    proxy = t.proxies[0]
    through_proxy(t, proxy)
    coordinator, gateway = t.role("coordinator")[0], t.role("gateway")[0]
    before = {p.name: usage(p.popen.pid)[0] for p in (coordinator, gateway)}
    began = {p.name: (cpu_seconds(p.popen.pid), now()) for p in (coordinator, gateway)}
    throwers = []
    for port, kinds in ((t.rig.coordinator_ports[0], bad_frames(t.rng)), (gateway.port, bad_requests(t.rng))):
        for data in kinds.values():
            for linger in (0.01, 1.0):
                throwers.append(threading.Thread(target=throw, args=(port, data, linger), daemon=True))
    t.rng.shuffle(throwers)
    for thread in throwers:
        thread.start()
        time.sleep(0.01)
    for weather in ("double 0.3", "flip 0.02", "truncate 0.05"):
        proxy.tell(weather)
        t.sleep(1, 1.5)
        proxy.tell("heal")
        proxy.tell("cut")
    for thread in throwers:
        thread.join(5)
    for p in (coordinator, gateway):
        t.require(p.alive(), f"{p.name} ended: {p.popen.poll()}")
        grown = usage(p.popen.pid)[0] - before[p.name]
        t.require(grown < 64 * 1024, f"{p.name} grew by {grown} KiB")
        share = (cpu_seconds(p.popen.pid) - began[p.name][0]) / (now() - began[p.name][1])
        t.note(f"{p.name}: {grown} KiB more, {share:.0%} of a core")
    rejected = coordinator.log().count("peer_rejected")
    t.note(f"{len(throwers)} bad peers; {rejected} rejected by name")
    t.require(rejected > 0, "no bad peer was told of")
    t.rig.await_workers(3, 10)
    t.recovered(t.next_effect(now(), 5))
