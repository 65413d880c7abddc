"""Many coordinators: they share the partitions evenly, move them without a pause that a client would notice, and hand them over at SIGTERM."""

import os
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from cluster import BIN, ClusterCase, until  # noqa: E402

RELEASE = os.environ.get("MARATHON_SANITIZED") != "1"


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

    def test_those_that_join_get_their_share_and_no_step_runs_twice(self):
        c = self.cluster
        tasks = [c.begin(task_type="five", task_id=f"t{i}") for i in range(20)]
        c.start_coordinator(2)
        until("two share", lambda: c.shares() == [32, 32])
        c.start_coordinator(3)
        until("three share", lambda: c.shares() == [21, 21, 22])
        for task in tasks:
            self.assertEqual(c.wait(task)["status"], "completed")
        runs = [tuple(line.split()[:2]) for line in c.effects_lines()]
        self.assertEqual((len(runs), len(set(runs))), (100, 100))
        self.assertEqual(len(c.get("/tasks?limit=50")["items"]), 20, "lists are merged over all coordinators")

    def test_a_rolling_restart_under_load_fails_no_request_and_runs_nothing_twice(self):
        c = self.cluster
        coordinators = [self.first, c.start_coordinator(2)]
        until("two share", lambda: c.shares() == [32, 32])
        gateways = [p for p in c.processes if p.name.startswith("gateway")]
        tasks, took = [], []
        for p in coordinators:
            for i in range(10):
                tasks.append(c.begin(task_type="five", task_id=f"r{len(tasks)}"))
            took.append(self.hand_over(p))
            for g in gateways:
                self.assertEqual(c.call("GET", f"/status/{tasks[0]}", port=g.port)[0], 200)
            p.start()
            until("they share again", lambda: c.shares() == [32, 32])
        for task in tasks:
            self.assertEqual(c.wait(task)["status"], "completed")
        runs = [tuple(line.split()[:2]) for line in c.effects_lines()]
        self.assertEqual((len(runs), len(set(runs))), (100, 100))
        # 0.1 to 0.2 s where the machine is its own, 2 s where it ends without: one of eight finds the machine free.
        while RELEASE and min(took) >= 0.5 and len(took) < 8:
            for _ in range(10):
                c.begin(task_type="five")
            took.append(self.hand_over(p))
            p.start()
            until("they share again", lambda: c.shares() == [32, 32])
        if RELEASE:
            self.assertLess(min(took), 0.5, "a hand-over takes less than half a second")

    def hand_over(self, coordinator):
        """How long it took from SIGTERM to its end."""
        began = time.monotonic()
        coordinator.popen.terminate()
        coordinator.popen.wait(40)
        took = time.monotonic() - began
        print(f"{coordinator.name}: ended {took:.3f} s after SIGTERM")
        self.assertEqual(coordinator.popen.returncode, 0)
        return took


class Members(ClusterCase):
    pipelines = Sharing.pipelines

    def test_who_knows_one_coordinator_learns_all_and_follows_them(self):
        c = self.cluster
        c.start_redis()
        first = c.start_coordinator(1)  # each advertises what it listens on
        c.start_worker(slots=16)  # both know the first one only
        c.start_gateway()
        c.start_coordinator(2)
        c.start_coordinator(3)
        until("three share", lambda: c.shares() == [21, 21, 22])
        worker = next(p for p in c.processes if p.name == "worker1")
        until("the worker knows all", lambda: worker.log().count("coordinator_joined") >= 3)
        tasks = [c.begin(task_type="five", task_id=f"m{i}") for i in range(20)]
        for task in tasks:
            self.assertEqual(c.wait(task)["status"], "completed")
        first.kill()
        until("two share what three had", lambda: c.shares() == [32, 32])
        tasks = [c.begin(task_type="five", task_id=f"n{i}") for i in range(20)]
        for task in tasks:
            self.assertEqual(c.wait(task)["status"], "completed")
        runs = [tuple(line.split()[:2]) for line in c.effects_lines()]
        self.assertEqual((len(runs), len(set(runs))), (200, 200))

    def test_two_addresses_of_one_coordinator_are_one_connection(self):
        c = self.cluster
        c.start_redis()
        urls = f"{c.coordinator_url(1)},{c.coordinator_url(2)}"
        coordinator = c.spawn("coordinator", [f"{BIN}/marathon-coordinator"], MARATHON_STORE="redis",
                              MARATHON_COORDINATOR_LISTEN=urls, MARATHON_PIPELINES=c.pipelines_dir)
        c.start_worker(slots=4, coordinators=2)
        c.start_gateway(coordinators=2)
        tasks = [c.begin(task_type="five", task_id=f"d{i}") for i in range(4)]
        for task in tasks:
            self.assertEqual(c.wait(task)["status"], "completed")
        self.assertEqual(sorted(t["task_id"] for t in c.get("/tasks")["items"]), tasks)
        self.assertEqual(len(c.get("/workers")["items"]), 1)
        self.assertLessEqual(coordinator.log().count("connected anew"), 3, "they do not drive each other out")
        coordinator.kill()
        coordinator.start()
        until("it is back", c.ready)
        until("all partitions are served", c.served)
        c.begin(task_type="five", task_id="after")
        self.assertEqual(c.wait("after")["status"], "completed")


if __name__ == "__main__":
    unittest.main(verbosity=2)
