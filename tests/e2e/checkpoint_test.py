"""A step that saves as it goes: killed in the middle, it goes on from what it has saved, and what was saved is durable within
checkpoint_interval_seconds."""

import os
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from cluster import ClusterCase, until  # noqa: E402

COUNTER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support", "functions", "counter.py")
INTERVAL = 1


class Checkpoint(ClusterCase):
    def setUp(self):
        super().setUp()
        self.log_path = os.path.join(self.cluster.dir, "counter.log")
        functions = os.path.join(self.cluster.dir, "counter.json")
        with open(functions, "w") as f:
            f.write('{"functions":{"counter":{"exec":["%s"],"env":{"COUNTER_LOG":"%s"}}}}' % (COUNTER, self.log_path))
        self.cluster.functions.append(functions)

    def lines(self, kind):
        try:
            with open(self.log_path) as f:
                return [[int(x) for x in line.split()[1:]] for line in f if line.startswith(kind + " ") and line.endswith("\n")]
        except FileNotFoundError:
            return []

    def begin(self):
        self.cluster.begin(steps=[{"name": "count", "function": "counter", "input": {"to": 10, "every": 0.5}}], task_id="t",
                           checkpoint_interval_seconds=INTERVAL)
        until("it has saved five times", lambda: len(self.lines("save")) >= 5, 30)

    def check_seen(self):
        """What is durable of it stands in the status and comes to watchers."""
        step = self.cluster.get("/status/t")["steps"][0]
        self.assertIn(step["progress_checkpoint"]["n"], [n for n, _ in self.lines("save")])
        self.assertGreater(step["progress_checkpoint_bytes"], 0)
        events = [e for e in self.cluster.get("/history/t")["items"] if e["type"] == "step_checkpoint"]
        self.assertGreaterEqual(len(events), 1)
        self.assertIn("n", events[0]["data"]["progress_checkpoint"])
        self.assertEqual((events[0]["data"]["step"], events[0]["data"]["attempt"]), ("count", 1))

    def check_second_start(self, killed_ms):
        """It began from a save that was at most the interval, and the way to the store, older than the kill."""
        done = self.cluster.wait("t", seconds=60)
        self.assertEqual((done["status"], done["steps"][0]["result"]), ("completed", {"counted": 10}))
        starts = [s[0] for s in self.lines("start")]
        self.assertEqual((len(starts), starts[0]), (2, 0), starts)
        before = [(n, at) for n, at in self.lines("save") if at <= killed_ms]
        old = [n for n, at in before if at <= killed_ms - INTERVAL * 1000 - 1000]
        self.assertGreaterEqual(starts[1], max(old), "older than the interval allows")
        self.assertLessEqual(starts[1], before[-1][0])
        self.assertEqual(done["steps"][0]["retry_count"], 0, "a death is no attempt")

    def test_a_killed_worker_s_step_goes_on_from_what_it_saved(self):
        c = self.cluster
        c.start(workers=1)
        self.begin()
        self.check_seen()
        worker = next(p for p in c.processes if p.name.startswith("worker"))
        killed_ms = int(time.monotonic() * 1000)
        worker.kill()
        c.start_worker()
        self.check_second_start(killed_ms)

    def test_with_the_coordinator_killed_too_what_was_durable_is_what_counts(self):
        c = self.cluster
        c.start(workers=1)
        self.begin()
        worker = next(p for p in c.processes if p.name.startswith("worker"))
        coordinator = next(p for p in c.processes if p.name.startswith("coordinator"))
        killed_ms = int(time.monotonic() * 1000)
        coordinator.kill()
        worker.kill()
        coordinator.start()
        c.start_worker()
        self.check_second_start(killed_ms)


if __name__ == "__main__":
    unittest.main(verbosity=2)
