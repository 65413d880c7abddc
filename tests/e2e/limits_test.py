"""Concurrency and rate limits hold over workers and coordinators, and over the death of a coordinator."""

import os
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from cluster import Cluster, ClusterCase, until  # noqa: E402

WINDOW = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support", "functions", "window.py")


def most_at_once(windows):
    edges = sorted([(begin, 1) for begin, _ in windows] + [(end, -1) for _, end in windows])
    most = now = 0
    for _, change in edges:
        now += change
        most = max(most, now)
    return most


class Limits(ClusterCase):
    def setUp(self):
        super().setUp()
        self.addCleanup(self.cluster.remove)  # of which only the folder is used
        self.log = os.path.join(self.cluster.dir, "windows.log")
        self.cluster = Cluster({"window": {"exec": [WINDOW], "env": {"WINDOWS_LOG": self.log}}}, {
            "two": [{"name": "ask", "function": "window", "input": {"sleep": 0.25, "until": "${input.until}"},
                     "concurrency": {"key": "model-${input.model}", "limit": 2}}],
            "five": [{"name": "post", "function": "window", "input": {},
                      "rate_limit": {"key": "posts", "per_second": 5}}]})
        c = self.cluster
        c.start_redis()
        self.coordinators = [c.start_coordinator(n) for n in (1, 2)]
        for _ in range(2):
            c.start_worker(slots=8, coordinators=2)
        c.start_gateway(coordinators=2)
        until("the two share", lambda: c.shares() == [32, 32])
        until("all workers have joined", lambda: len(c.get("/workers")["items"]) == 2)

    def windows(self):
        """(task, begin, end) of each run that is over"""
        if not os.path.exists(self.log):
            return []
        with open(self.log) as f:
            return [(task, float(begin), float(end)) for task, begin, end in (line.split() for line in f)]

    def test_no_more_than_the_limit_run_though_a_coordinator_is_killed(self):
        c = self.cluster
        gate = os.path.join(c.dir, "gate")
        tasks = [c.begin(task_type="two", task_id=f"t{i}", input_data={"model": "x", "until": gate}) for i in range(12)]
        other = c.begin(task_type="two", task_id="other", input_data={"model": "y", "until": c.dir})
        self.assertEqual(c.wait(other)["status"], "completed")
        self.assertEqual([w[0] for w in self.windows()], [other], "another key is in nobody's way")

        def steps():
            return [c.get(f"/status/{t}")["steps"][0] for t in tasks]
        until("two run", lambda: [s["status"] for s in steps()].count("running") == 2)
        until("the others wait", lambda: [s.get("waiting_for") for s in steps()].count("the concurrency limit model-x, 2 at once") == 10)
        open(gate, "w").close()
        until("some have run", lambda: len(self.windows()) >= 4)
        self.coordinators[0].kill()
        for t in tasks:
            self.assertEqual(c.wait(t)["status"], "completed")
        windows = self.windows()
        self.assertEqual(sorted(w[0] for w in windows), sorted(tasks + [other]), "nothing ran twice")
        self.assertLessEqual(most_at_once([w[1:] for w in windows if w[0] != other]), 2)

    def test_a_rate_is_kept_by_all_together(self):
        c = self.cluster
        began = time.monotonic()
        tasks = [c.begin(task_type="five", task_id=f"r{i}") for i in range(11)]
        for t in tasks:
            self.assertEqual(c.wait(t)["status"], "completed")
        took = max(end for _, _, end in self.windows()) - began
        self.assertGreaterEqual(took, 2.0, "11 at 5 a second: the last one begins 2 s after the first")


if __name__ == "__main__":
    unittest.main(verbosity=2)
