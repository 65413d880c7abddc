"""The same workloads on other systems, against a Redis of the same kind, where they can be installed: BullMQ by npm, Celery from Debian's
packages. Both are put into a folder outside the repository ($MARATHON_BENCH_PEERS, else ~/.cache/marathon-bench) and kept there."""

import glob
import json
import os
import shutil
import subprocess
import sys

from engine import HERE, Engine
from rows import Row

FOLDER = os.environ.get("MARATHON_BENCH_PEERS") or os.path.expanduser("~/.cache/marathon-bench")
# Not more than a peer can do in some seconds; its rate does not depend on it much.
CELERY_TASKS = 400


class Missing(Exception):
    pass


def attempt(argv, **kw):
    r = subprocess.run(argv, capture_output=True, text=True, timeout=180, **kw)
    if r.returncode != 0:
        raise Missing(f"{os.path.basename(argv[0])}: {(r.stderr or r.stdout).strip().splitlines()[-1:]}")
    return r.stdout


def bullmq():
    """The command in front of the script's arguments, and its environment."""
    if not shutil.which("node") or not shutil.which("npm"):
        raise Missing("node and npm are not installed")
    folder = os.path.join(FOLDER, "bullmq")
    if not os.path.isdir(f"{folder}/node_modules/bullmq"):
        os.makedirs(folder, exist_ok=True)
        attempt(["npm", "install", "--no-audit", "--no-fund", "--silent", "--prefix", folder, "bullmq@5"])
    return ["node", os.path.join(HERE, "peers", "bullmq.js")], {**os.environ, "NODE_PATH": f"{folder}/node_modules"}


def celery():
    folder = os.path.join(FOLDER, "celery")
    packages = f"{folder}/root/usr/lib/python3/dist-packages"
    if not os.path.isdir(f"{packages}/celery"):
        if not shutil.which("apt-get"):
            raise Missing("no apt-get")
        os.makedirs(f"{folder}/debs/partial", exist_ok=True)
        attempt(["apt-get", "-o", f"Dir::Cache::archives={folder}/debs", "-o", "Debug::NoLocking=1", "-qq", "-y", "--download-only",
                 "--no-install-recommends", "install", "python3-celery", "python3-redis"])
        for deb in glob.glob(f"{folder}/debs/*.deb"):
            attempt(["dpkg", "-x", deb, f"{folder}/root"])
    env = {**os.environ, "PYTHONPATH": packages, "PYTHONDONTWRITEBYTECODE": "1"}
    attempt(["/usr/bin/python3", "-c", "import celery, redis"], env=env)
    return ["/usr/bin/python3", os.path.join(HERE, "peers", "celery_app.py")], env


def measure(o, name, command, env, tasks):
    """Rows of one peer: W1 (and W1L, where tasks says so), W2."""
    rows, lone = [], []
    for workload, count in tasks.items():
        rates = []
        for _ in range(o.runs):
            with Engine("everysec", o.payload) as e:
                e.start_redis()
                env = {**env, "BENCH_SOCKET": e.redis_socket}
                argv = [*command, e.redis_socket, str(count), "5", str(o.payload), str(o.workers)]
                rates.append(count * 5 / json.loads(attempt(argv, env=env).splitlines()[-1])["seconds"])
                if workload == "W1":
                    argv = [*command, e.redis_socket, "1", "200", "16", str(o.workers)]
                    lone.append(json.loads(attempt(argv, env=env).splitlines()[-1]))
        rows.append(Row(f"{name}, {workload}", "steps/s", rates, None, True, f"{count:,} tasks, everysec"))
    rows.append(Row(f"{name}, W2 p50", "us/step", [r["p50_us"] for r in lone], None, False))
    rows.append(Row(f"{name}, W2 p99", "us/step", [r["p99_us"] for r in lone], None, False))
    return rows


def peers(o):
    rows = []
    for name, prepare, tasks in (("BullMQ", bullmq, {"W1": 2000, "W1L": 10000}), ("Celery chain", celery, {"W1": CELERY_TASKS})):
        try:
            rows += measure(o, name, *prepare(), tasks)
        except (Missing, OSError, subprocess.SubprocessError, ValueError) as e:
            print(f"# {name} is left out: {e}", file=sys.stderr)
    return rows
