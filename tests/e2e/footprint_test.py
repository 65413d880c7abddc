"""Sizes and start-up: each daemon idle under 12 MB, a first step dispatched soon after the processes start. Meaningful for the release
build only: sanitizers multiply both."""

import os
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from cluster import ClusterCase, until  # noqa: E402

RELEASE = os.environ.get("MARATHON_SANITIZED") != "1"


def rss_kb(pid):
    with open(f"/proc/{pid}/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))


@unittest.skipUnless(RELEASE, "a sanitizer build has another size")
class Footprint(ClusterCase):
    def test_each_daemon_is_small_when_idle(self):
        c = self.cluster.start(workers=1)
        c.begin(steps=[{"name": "a", "function": "echo"}], task_id="warm")
        c.wait("warm")
        sizes = {p.name: rss_kb(p.popen.pid) for p in c.processes if not p.name.startswith("redis")}
        print("resident KB:", sizes)
        for name, kb in sizes.items():
            self.assertLess(kb, 12 * 1024, name)

    def test_a_step_runs_soon_after_the_start_of_all_processes(self):
        c = self.cluster
        c.start_redis()
        began = time.monotonic()
        c.start_coordinator()
        c.start_worker()
        c.start_gateway()
        c.begin(steps=[{"name": "a", "function": "effect"}], task_id="first")
        until("the first step runs", c.effects_lines, every=0.002)
        print(f"start of the processes to the first step running: {time.monotonic() - began:.3f} s")


if __name__ == "__main__":
    unittest.main(verbosity=2)
