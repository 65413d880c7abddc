#!/usr/bin/python3
"""Faults against real processes and a real Redis, under load, judged by a checker that shares no code with the engine.

  chaos F7 --seed 3            one row of the fault table (chaos list): the fault, the measured recovery, the verdict
  chaos all --seeds 20         each row with seeds 1 to 20, one table
  chaos fast --seeds 2         the rows that take a few seconds each
  chaos all --seeds 20 --jobs 3
                               three trials at a time, each with processes of its own; the large ones (F31, F32) alone, at the end
  chaos kill --role worker --times 200
                               kill -9 of a role at random phases; role: worker, coordinator, gateway, redis
  chaos sentinel --times 20 --cut 1
                               a Redis with two replicas behind three sentinels, its master lost under load: what is lost without WAIT and
                               with it (--wait 0,1), and how long it takes; --planned: SENTINEL FAILOVER instead of kill -9; --stop: SIGSTOP,
                               and SIGCONT once another one is the master
  chaos S1, S2, S3             a long function over three deaths of its coordinator; 100,000 waiting tasks change hands (--scale 0.1 is
                               quicker); an owner's writes that arrive after its takeover
  chaos S4, S5                 on a Redis Cluster: slots of live partitions moved to and fro; a master killed, its replica takes over
  chaos soak --minutes 10 --seed 1
                               a cluster under all kinds of calls and steps (--rate, requests a second), a process killed each --kill-every
                               seconds: what is left at the end (keys, gauges), what grew, what was never to be told; tasks' keys last --ttl
                               seconds, and the soak as much longer
  chaos list                   the rows

The programs are taken from the folder that chaos is called in (build/<preset>/bin) or $MARATHON_BIN. What a failed run left (logs of all
processes, events.jsonl, effects.log, dump.json) stays in its directory, which is printed; `check.py judge DIR` judges it again.
"""

import argparse
import concurrent.futures
import itertools
import json
import os
import signal
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
os.environ.setdefault("MARATHON_BIN", os.path.dirname(os.path.abspath(sys.argv[0])))

import rows_process  # noqa: E402,F401  (each module registers its rows)
import rows_cluster  # noqa: E402,F401
import rows_limits  # noqa: E402,F401
import rows_net  # noqa: E402,F401
import rows_redis  # noqa: E402,F401
import rows_shown  # noqa: E402,F401
from kill import ROLES, kill_campaign  # noqa: E402
from sentinel import sentinel_campaign  # noqa: E402
from soak import Soak  # noqa: E402
from trial import ROWS, Trial  # noqa: E402

ALONE = ("F31", "F32")  # thousands of tasks and clients: their limits are for a machine of their own
FAST = ("F1", "F3", "F6", "F15", "F17", "F28", "F29")


def order(name):
    return name[0], int(name[1:])


def show(result):
    head = f"{result['row']} seed {result['seed']}: "
    if "skipped" in result:
        print(f"{head}SKIPPED, {result['skipped']}")
        return
    took = f"{result['recovery']:.2f} s" if result["recovery"] is not None else "-"
    row = ROWS[result["row"]]
    print(f"{head}{'ok' if result['good'] else 'FAILED'}: {row.fault}; recovery {took} (limit {row.limit_text}); "
          f"{result.get('accepted', 0)} tasks accepted, {result.get('lost', '?')} lost, {result.get('executions', 0)} executions, "
          f"{result.get('duplicates', '?')} beyond the needed; checker: {result.get('verdict', 'not run')}; {result['seconds']:.0f} s")
    for note in result["notes"]:
        print(f"    {note}")
    for failure in result["failures"]:
        print(f"    FAILED: {failure}")
    for violation in result.get("violations", []):
        print(f"    VIOLATED {violation}")
    if not result["good"]:
        print(f"    see {result['dir']}")
    sys.stdout.flush()


def run_row(run):
    name, seed, options = run
    return Trial(ROWS[name], seed, options).run()


def as_they_end(runs, jobs):
    if jobs == 1:
        yield from map(run_row, runs)
        return
    with concurrent.futures.ProcessPoolExecutor(jobs) as pool:
        for done in concurrent.futures.as_completed([pool.submit(run_row, run) for run in runs]):
            yield done.result()


def run_all(names, seeds, options):
    runs = [(name, seed, options) for seed in seeds for name in names if options.jobs == 1 or name not in ALONE]
    alone = [(name, seed, options) for name in names for seed in seeds if options.jobs > 1 and name in ALONE]
    results = []
    for result in itertools.chain(as_they_end(runs, options.jobs), map(run_row, alone)):
        if options.json:
            print(json.dumps(result), flush=True)
        else:
            show(result)
        results.append(result)
    return results


def table(results):
    print(f"\n{'row':4} {'fault':48} {'limit':20} {'runs':>4} {'median':>8} {'worst':>8} {'dup':>5} {'lost':>4}  verdict")
    for name in sorted({r["row"] for r in results}, key=order):
        runs = [r for r in results if r["row"] == name]
        row = ROWS[name]
        skipped = [r for r in runs if "skipped" in r]
        if skipped:
            print(f"{name:4} {row.fault:48} {row.limit_text:20} skipped: {skipped[0]['skipped']}")
            continue
        took = sorted(r["recovery"] for r in runs if r["recovery"] is not None)
        median, worst = (f"{took[len(took) // 2]:.2f}", f"{took[-1]:.2f}") if took else ("-", "-")
        bad = sum(1 for r in runs if not r["good"])
        print(f"{name:4} {row.fault:48} {row.limit_text:20} {len(runs):4} {median:>8} {worst:>8} "
              f"{sum(r.get('duplicates', 0) for r in runs):5} {sum(r.get('lost', 0) for r in runs):4}  "
              f"{'ok' if not bad else f'{bad} FAILED'}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", help="a row (F1 ...), all, fast, kill, sentinel, soak, or list")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seeds", type=int, help="seeds 1 to N (with all and fast, or a row)")
    parser.add_argument("--without", default="", metavar="ROWS", help="with all and fast: not these (F31,F32)")
    parser.add_argument("--jobs", type=int, default=1, help="trials at a time")
    parser.add_argument("--role", choices=ROLES, help="with kill")
    parser.add_argument("--times", type=int, default=200, help="with kill and sentinel")
    parser.add_argument("--wait", default="0,1", help="with sentinel: MARATHON_REDIS_WAIT of each run, one after the other (0,1,2 with --planned)")
    parser.add_argument("--cut", type=float, default=0, help="with sentinel: seconds for which replicas get nothing before the master is lost")
    parser.add_argument("--planned", action="store_true", help="with sentinel: SENTINEL FAILOVER, the old master lives on")
    parser.add_argument("--stop", action="store_true", help="with sentinel: SIGSTOP, and SIGCONT later")
    parser.add_argument("--seconds", type=int, default=20, help="how long F36 goes on")
    parser.add_argument("--scale", type=float, default=1, help="a part of the sizes of F31, F32, S1 and S2: 0.1 is a tenth")
    parser.add_argument("--minutes", type=float, default=10, help="with soak: how long the load goes on")
    parser.add_argument("--rate", type=float, default=40, help="with soak: requests a second, at most")
    parser.add_argument("--kill-every", type=float, default=30, help="with soak: seconds, more or less")
    parser.add_argument("--ttl", type=int, default=60, help="with soak: MARATHON_CHECKPOINT_TTL")
    parser.add_argument("--keep", action="store_true", help="leave the directory of a good run too")
    parser.add_argument("--json", action="store_true", help="one JSON document per run")
    options = parser.parse_args()
    if not os.access(os.path.join(os.environ["MARATHON_BIN"], "marathon-coordinator"), os.X_OK):
        parser.error(f"no marathon-coordinator in {os.environ['MARATHON_BIN']}: build first, call build/<preset>/bin/chaos")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if options.what == "list":
        for name in sorted(ROWS, key=order):
            print(f"{name:4} {ROWS[name].fault:48} within {ROWS[name].limit_text}")
        return 0
    if options.what == "kill":
        if not options.role:
            parser.error("kill needs --role")
        return kill_campaign(options)
    if options.what == "sentinel":
        return sentinel_campaign(options)
    if options.what == "soak":
        return Soak(options).run()
    if options.what in ROWS:
        names = [options.what]
    elif options.what in ("all", "fast"):
        names = [n for n in sorted(ROWS, key=order) if (options.what == "all" and n[0] == "F") or n in FAST]
        names = [n for n in names if n not in options.without.split(",")]
    else:
        parser.error(f"no such row: {options.what} (chaos list)")
    seeds = range(1, options.seeds + 1) if options.seeds else [options.seed]
    results = run_all(names, seeds, options)
    if len(results) > 1 and not options.json:
        table(results)
    return 0 if all(r["good"] for r in results) else 1


if __name__ == "__main__":
    sys.exit(main())
