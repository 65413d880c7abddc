"""What Redis and nng could do at best, measured in the same run: the limits that the engine is held against."""

import subprocess

from engine import Engine, tool
from rows import Row


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
    nng = [tool("bench_nng", "--bytes", o.payload) for _ in range(o.runs)]
    rows.append(Row(f"limit, nng round trip of {o.payload} B, ipc", "us", [r["p50_us"] for r in nng], None, False))
    rows.append(Row(f"limit, nng {o.payload} B both ways, 64 under way", "messages/s", [r["per_second"] for r in nng]))
    return rows
