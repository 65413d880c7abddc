"""What a step costs the core, by what else there is: it must not grow. Times are of bench_core's own CPU; the instructions are counted
where valgrind is installed, and do not depend on what else the machine does."""

import os
import re
import shutil
import subprocess

from engine import TOOLS, tool
from rows import Row

SWEEPS = {"waiting tasks": ("--waiting", (1, 1000, 100000, 1000000)),
          "steps of the task, each handed all before it": ("--length", (5, 50, 500, 5000)),
          "steps of the task, each naming what it needs": ("--length --named", (5, 50, 500, 5000)),
          "workers": ("--workers", (1, 10, 100, 500)),
          "watchers of other tasks": ("--watchers", (0, 1000, 10000, 60000))}


def run_args(option, value, short):
    option, *more = option.split()
    args = [option, value, *more]
    if option == "--watchers":
        args += ["--waiting", 60000 if not short else 1000]
    steps = 1000 if short else 20000 if option == "--length" and value > 50 else 100000
    return [*args, "--steps", steps]


def instructions():
    """Per step, with 1,000 waiting tasks, two workers and tasks of 5 steps."""
    if shutil.which("valgrind") is None:
        return None
    steps = 5000
    r = subprocess.run(["valgrind", "--tool=callgrind", "--toggle-collect=measured*", "--callgrind-out-file=/dev/null",
                        os.path.join(TOOLS, "bench_core"), "--waiting", "1000", "--steps", str(steps)], capture_output=True, text=True)
    found = re.search(r"Collected : (\d+)", r.stderr)
    return int(found.group(1)) / steps if found and r.returncode == 0 else None


def costs(o):
    rows = []
    for what, (option, values) in SWEEPS.items():
        for value in values if not o.short else values[:2]:
            runs = [tool("bench_core", *run_args(option, value, o.short))["ns_per_step"] for _ in range(o.runs)]
            rows.append(Row(f"core, {value:,} {what}", "ns/step", runs, None, False))
    counted = None if o.short else instructions()
    if counted is not None:
        rows.append(Row("core, instructions", "per step", [counted], None, False, "1,000 waiting tasks of 5 steps"))
    return rows
