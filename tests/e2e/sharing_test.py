"""Many coordinators: they share the partitions evenly, move them without a pause that a client would notice, and hand them over at SIGTERM."""

import os
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from cluster import ClusterCase, until  # noqa: E402


class Sharing(ClusterCase):
    pipelines = {"five": [{"name": f"s{i}", "function": "effect", "input": {"sleep": 0.15}} for i in range(5)]}

    def setUp(self):
        super().setUp()
        c = self.cluster
        c.start_redis()
        self.first = c.start_coordinator(1)
        c.start_worker(slots=16, coordinators=3)
        c.start_gateway(coordinators=3)
        c.start_gateway(coordinators=3)

    def owners(self):
        """coordinator -> partitions, as Redis has them"""
        c = self.cluster
        names = [c.redis("HGET", f"marathon:owner:p{p:02d}", "owner") for p in range(64)]
        return {name: names.count(name) for name in set(names)}

    def test_those_that_join_get_their_share_and_no_step_runs_twice(self):
        c = self.cluster
        tasks = [c.begin(task_type="five", task_id=f"t{i}") for i in range(20)]
        c.start_coordinator(2)
        until("two share", lambda: sorted(self.owners().values()) == [32, 32], 10)
        c.start_coordinator(3)
        until("three share", lambda: sorted(self.owners().values()) in ([21, 21, 22], [21, 22, 21]), 10)
        for task in tasks:
            self.assertEqual(c.wait(task)["status"], "completed")
        runs = [tuple(line.split()[:2]) for line in c.effects_lines()]
        self.assertEqual((len(runs), len(set(runs))), (100, 100))
        self.assertEqual(len(c.get("/tasks?limit=50")["items"]), 20, "lists are merged over all coordinators")

    def test_a_rolling_restart_under_load_fails_no_request_and_runs_nothing_twice(self):
        c = self.cluster
        coordinators = [self.first, c.start_coordinator(2)]
        until("two share", lambda: sorted(self.owners().values()) == [32, 32], 10)
        gateways = [p for p in c.processes if p.name.startswith("gateway")]
        tasks = []
        for p in coordinators:
            for i in range(10):
                tasks.append(c.begin(task_type="five", task_id=f"r{len(tasks)}"))
            began = time.monotonic()
            p.popen.terminate()
            p.popen.wait(10)
            print(f"{p.name}: ended {time.monotonic() - began:.3f} s after SIGTERM")
            self.assertEqual(p.popen.returncode, 0)
            for g in gateways:
                self.assertEqual(c.call("GET", f"/status/{tasks[0]}", port=g.port)[0], 200)
            p.start()
            until("they share again", lambda: sorted(self.owners().values()) == [32, 32], 10)
        for task in tasks:
            self.assertEqual(c.wait(task)["status"], "completed")
        runs = [tuple(line.split()[:2]) for line in c.effects_lines()]
        self.assertEqual((len(runs), len(set(runs))), (100, 100))


if __name__ == "__main__":
    unittest.main(verbosity=2)
