"""The gateway alone: requests, idle WebSockets, many watchers of one task."""

import json
import os
import socket
import subprocess

from engine import TOOLS, BenchError, Engine, megabytes, memory_kb, tool
from rows import Row

IDLE = 10000
KEPT = 4000
WATCHERS = 1000


def requests(e, o):
    e.begin(steps=[{"name": "hold", "function": "sleep", "input": {"seconds": 600}}], task_id="held")
    name = next(p.name for p in e.processes if p.name.startswith("gateway"))
    rates, cores = [], []
    for _ in range(o.runs):
        before = e.cpu()[name]
        r = tool("bench_load", "get", "--port", e.port, "--path", "/api/v1/marathon/status/held", "--conns", 32, "--depth", 8,
                 "--seconds", o.seconds)
        rates.append(r["per_second"])
        cores.append(r["answers"] / max(e.cpu()[name] - before, 0.01))
    live = tool("bench_load", "get", "--port", e.port, "--path", "/livez", "--conns", 32, "--depth", 8, "--seconds", o.seconds)
    return [Row("gateway, status requests", "req/s", rates, None, True, "keep-alive, 32 connections, 8 on the wire each"),
            Row("gateway, status requests a CPU-second", "req/s", cores, 30000, True, "what one core of the gateway's own would do"),
            Row("gateway, /livez", "req/s", [live["per_second"]])]


class Crowd:
    """So many WebSockets on one path, held open by a process of its own."""

    def __init__(self, e, count, task):
        self.popen = subprocess.Popen([os.path.join(TOOLS, "bench_load"), "sockets", "--port", str(e.port), "--conns", str(count),
                                       "--path", f"/api/v1/ws/marathon/{task}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        line = self.popen.stdout.readline()
        if not line or json.loads(line)["open"] != count:
            raise BenchError(f"{count} WebSockets: {line or 'the client ended'}")

    def end(self):
        out, _ = self.popen.communicate(timeout=60)
        return json.loads(out.splitlines()[-1])


def kept(e, count):
    """So many connections, each of which has had an answer."""
    held = []
    for _ in range(count):
        s = socket.create_connection(("127.0.0.1", e.port))
        s.sendall(b"GET /livez HTTP/1.1\r\nHost: bench\r\n\r\n")
        if not s.recv(4096).startswith(b"HTTP/1.1 200 "):
            raise BenchError("/livez of a new connection")
        held.append(s)
    return held


def idle_connections(e, count):
    gateway = next(p for p in e.processes if p.name.startswith("gateway"))
    held = kept(e, 100)  # the first ones' tables are no part of what one costs
    before = memory_kb(gateway.popen.pid)
    held += kept(e, count)
    after = memory_kb(gateway.popen.pid)
    for s in held:
        s.close()
    return [Row(f"gateway, memory of one of {count:,} idle connections", "KiB", [(after - before) / count], 3.5, False,
                "kept alive, and have had an answer")]


def idle_sockets(e, count):
    gateway = next(p for p in e.processes if p.name.startswith("gateway"))
    before = memory_kb(gateway.popen.pid)
    crowd = Crowd(e, count, "held")
    after = memory_kb(gateway.popen.pid)
    crowd.end()
    return [Row(f"gateway, memory with {count:,} idle WebSockets", "MB", [megabytes(after)], 60, False,
                f"{(after - before) * 1024 / count:.0f} B each")]


def watchers(e, count):
    e.begin(task_id="watched", steps=[{"name": f"s{i}", "function": "sleep", "input": {"seconds": 0.3 if i else 3}} for i in range(10)])
    crowd = Crowd(e, count, "watched")
    e.wait("watched")
    r = crowd.end()
    if r["incomplete"] > 1:  # one may have been on its way when the last of them joined
        raise BenchError(f"messages that not all watchers had: {r}")
    return [Row(f"gateway, a message at {count:,} watchers, p50", "ms", [r["spread_p50_ms"]], None, False, f"{r['events']} messages"),
            Row(f"gateway, a message at {count:,} watchers, max", "ms", [r["spread_max_ms"]], 20, False, "from the first watcher to the last"),
            Row(f"gateway, from an event to the last of {count:,} watchers", "ms", [r["since_p50_ms"]], None, False,
                f"from its timestamp, which the coordinator gives before it writes; max {r['since_max_ms']:.1f} ms")]


def gateway(o):
    rows = []
    with Engine("everysec", o.payload) as e:
        e.begin_all(1, 16)
        rows += requests(e, o)
        rows += watchers(e, WATCHERS if not o.short else 50)
    with Engine("everysec", o.payload) as e:
        e.begin_all(1, 16, gateway={"MARATHON_MAX_CONNECTIONS": 2 * IDLE})
        e.begin(steps=[{"name": "hold", "function": "sleep", "input": {"seconds": 600}}], task_id="held")
        rows += idle_sockets(e, IDLE if not o.short else 200)
    with Engine("everysec", o.payload) as e:
        e.begin_all(1, 16, gateway={"MARATHON_MAX_CONNECTIONS": 2 * KEPT})
        rows += idle_connections(e, KEPT if not o.short else 1000)
    return rows
