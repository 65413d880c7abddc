#!/usr/bin/python3
"""What the engine does a second, against what the machine can do and against others, through the public REST API.

  bench w1           2,000 tasks of 5 steps in a row, each with a result of --payload bytes: first start to last end
  bench w1l          the same with 10,000 tasks; the memory of all processes at its end
  bench w2           one task of 200 steps alone: from one step's start to the next one's
  bench w3           one task of 1,000 parallel steps and a join
  bench w4           a worker that holds steps is killed -9: until they run again
  bench w5           what a waiting task costs the coordinator
  bench gateway      status requests, idle WebSockets, a message at 1,000 watchers
  bench startup      from nothing to the first step at a function
  bench copies       how often each process copies a payload that passes through it
  bench costs        the core alone: a step's cost by waiting tasks, task length, workers, watchers
  bench limits       Redis and nng alone
  bench cluster      our rows against a Redis Cluster of one, two and three nodes
  bench peers        BullMQ and Celery, where they can be installed
  bench all          all of them, one table
  bench short        each once with tiny sizes: does it work? (the test suite's)
  bench compare A B  w1 and w2 of two builds (their bin folders), one after the other in turns

The programs are taken from the folder that bench is called in (build/<preset>/bin) or $MARATHON_BIN.
"""

import argparse
import json
import os
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
os.environ.setdefault("MARATHON_BIN", os.path.dirname(os.path.abspath(sys.argv[0])))

import copies  # noqa: E402
import costs  # noqa: E402
import gateway_rows  # noqa: E402
import limits  # noqa: E402
import nodes  # noqa: E402
import peers  # noqa: E402
import workloads  # noqa: E402
from engine import BIN, raise_limits  # noqa: E402
from rows import Row, table  # noqa: E402

WORK = {"limits": limits.limits, "w1": workloads.w1, "w1l": workloads.w1l, "w2": workloads.w2, "w3": workloads.w3, "w4": workloads.w4,
        "w5": workloads.w5, "gateway": gateway_rows.gateway, "startup": workloads.startup, "costs": costs.costs, "copies": copies.copies, "cluster": nodes.cluster, "peers": peers.peers}


def ratios():
    """Which rows of a run each row is held against."""
    out = {}
    for fsync in ("everysec", "always"):
        for name in ("W1", "W1L"):
            for way in ("REST", "bulk"):
                out[f"{name} {fsync}, {way}"] = [f"limit {fsync}, our fenced steps, Redis alone", f"BullMQ, {name}", f"Celery chain, {name}"]
        out[f"W2 {fsync}, p50"] = [f"limit {fsync}, one fenced step at a time", "BullMQ, W2 p50", "Celery chain, W2 p50"]
    for way in ("REST", "bulk"):
        out[f"W1L always, {way}"].append(f"W1L everysec, {way}")
    return out


def version():
    out = subprocess.run([f"{BIN}/marathon-coordinator", "--version"], capture_output=True, text=True, check=True)
    return out.stdout.strip()


def machine():
    with open("/proc/cpuinfo") as f:
        model = next((line.split(":", 1)[1].strip() for line in f if line.startswith("model name")), "?")
    redis = subprocess.run(["redis-server", "--version"], capture_output=True, text=True).stdout.split()[2]
    return f"{os.cpu_count()} x {model}, Redis {redis}, load {os.getloadavg()[0]:.2f} at the start"


def run(names, o):
    rows = []
    for name in names:
        began = time.monotonic()
        found = WORK[name](o)
        rows += found
        print(f"# {name}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
        for r in found:
            print(f"#   {r.name}: {r.median:.6g} {r.unit}", file=sys.stderr, flush=True)
    return rows


def compare(a, b, o):
    """Interleaved, so that what else the machine does meets both alike."""
    found = {}
    for turn in range(o.runs):
        for path in (a, b):
            argv = [sys.executable, os.path.realpath(__file__), o.workload, "--runs", "1", "--json", "-"]
            argv += ["--fsync", o.fsync[0]] if len(o.fsync) == 1 else []
            argv += ["--tasks", str(o.tasks)] if o.tasks else []
            out = subprocess.run(argv, env={**os.environ, "MARATHON_BIN": os.path.abspath(path)}, stdout=subprocess.PIPE, text=True,
                                 check=True)
            for r in json.loads(out.stdout)["rows"]:
                found.setdefault(r["name"], {}).setdefault(path, []).extend(r["values"])
                found[r["name"]]["row"] = r
    print(f"A {a}\nB {b}\n{'row':42} {'A median':>10} {'A min-max':>19} {'B median':>10} {'B min-max':>19} {'B is':>12}")
    for name, f in found.items():
        x, y = (Row(name, f["row"]["unit"], f[p]) for p in (a, b))
        better = y.median / x.median if f["row"]["more_is_better"] else x.median / y.median
        print(f"{name:42} {x.median:>10.5g} {min(x.values):>9.5g}-{max(x.values):<9.5g} {y.median:>10.5g} "
              f"{min(y.values):>9.5g}-{max(y.values):<9.5g} {better:>7.2f} x as good")


def options():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("what", choices=[*WORK, "all", "short", "compare"], metavar="what")
    p.add_argument("builds", nargs="*", help="with compare: two bin folders")
    p.add_argument("--fsync", choices=("always", "everysec"), help="both, without it; always is the engine's default")
    p.add_argument("--workers", type=int, default=2)
    p.add_argument("--slots", type=int, default=64, help="of each worker")
    p.add_argument("--payload", type=int, default=1024, help="bytes of a step's result")
    p.add_argument("--runs", type=int, default=3)
    p.add_argument("--tasks", type=int, help="instead of the workload's own number")
    p.add_argument("--conns", type=int, default=64, help="connections that start tasks")
    p.add_argument("--seconds", type=float, default=3, help="how long the gateway is asked")
    p.add_argument("--workload", default="w1", choices=list(WORK), help="with compare")
    p.add_argument("--json", metavar="FILE", help="all values, too; - is stdout, without the table")
    o = p.parse_args()
    o.fsync = [o.fsync] if o.fsync else ["everysec", "always"]
    o.short = o.what == "short"
    if (o.what == "compare") != (len(o.builds) == 2):
        p.error("compare wants two bin folders, and only compare does")
    return o


def main():
    o = options()
    raise_limits()
    if o.what == "compare":
        compare(*o.builds, o)
        return 0
    head = f"{version()}; {machine()}; {o.workers} workers of {o.slots} slots, {o.payload} B results"
    if o.short:
        o.runs, o.tasks, o.seconds, o.fsync = 1, 100, 0.2, ["everysec"]
    rows = run([o.what] if o.what in WORK else [n for n in WORK if not (o.short and n == "peers")], o)
    if o.json:
        text = json.dumps({"head": head, "rows": [r.as_dict() for r in rows]})
        if o.json == "-":
            print(text)
            return 0
        with open(o.json, "w") as f:
            f.write(text)
    print(head)
    print(table(rows, ratios()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
