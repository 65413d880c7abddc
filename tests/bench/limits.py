"""What Redis and nng could do at best, measured in the same run: the limits that the engine is held against."""

import os
import subprocess
import tempfile

from engine import Engine, tool  # first: it says where cluster.py is
from cluster import free_port
from rows import Row

CERTS = os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "..", "deploy", "certs")


def redis_rate(e, *args):
    """Requests a second of redis-benchmark, pipelined by 64 over 8 connections."""
    r = subprocess.run(["redis-benchmark", "-s", e.redis_socket, "-n", "200000", "-c", "8", "-P", "64", "-r", "10000", "--csv", *args],
                       capture_output=True, text=True, check=True)
    return float(r.stdout.splitlines()[-1].split(",")[1].strip('"'))


def limits(o):
    rows = []
    payload = "x" * o.payload
    for fsync in o.fsync:
        with Engine(fsync, o.payload) as e:
            e.start_redis()
            rows.append(Row(f"limit {fsync}, Redis SET of {o.payload} B", "writes/s",
                            [redis_rate(e, "SET", "bench:__rand_int__", payload) for _ in range(o.runs)]))
            rows.append(Row(f"limit {fsync}, Redis SETRANGE of {o.payload} B", "writes/s",
                            [redis_rate(e, "SETRANGE", "bench:__rand_int__", "2048", payload) for _ in range(o.runs)]))
        with Engine(fsync, o.payload) as e:
            e.start_redis()
            runs = [tool("bench_store", "--redis", f"unix://{e.redis_socket}", "--payload", o.payload, "--tasks", 4000,
                         "--run", n, *([] if fsync == "always" else ["--relaxed", 1])) for n in range(o.runs)]
            rows.append(Row(f"limit {fsync}, our fenced steps, Redis alone", "steps/s", [r["rows_per_second"] for r in runs]))
            rows.append(Row(f"limit {fsync}, one fenced step at a time", "us", [r["lone_us"] for r in runs], None, False))
    return rows + wire_limits(o)


def wire_limits(o):
    """Frames and connections between two processes: what TLS costs stands beside what is plain."""
    rows = []
    with tempfile.TemporaryDirectory() as certs:
        subprocess.run([CERTS, "--coordinator", "127.0.0.1", certs], check=True, stdout=subprocess.DEVNULL)
        for name, scheme in (("ipc", None), ("tcp", "tcp"), ("TLS", "tls+tcp")):
            def echo(*more, scheme=scheme):
                where = ["--url", f"{scheme}://127.0.0.1:{free_port()}", "--certs", certs] if scheme else []
                return tool("bench_nng", "--bytes", o.payload, *where, *more)
            nng = [echo() for _ in range(o.runs)]
            rows.append(Row(f"limit, nng round trip of {o.payload} B, {name}", "us", [r["p50_us"] for r in nng], None, False))
            rows.append(Row(f"limit, nng {o.payload} B both ways, 64 under way, {name}", "messages/s", [r["per_second"] for r in nng]))
            rows.append(Row(f"limit, connect, a frame there and back, {name}", "us", [echo("--connects")["connect_us"] for _ in range(o.runs)],
                            None, False))
    return rows
