"""A Redis Cluster under real processes: slots that are moved while their tasks run, a master that is lost."""

import json
import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from cluster import BIN, ClusterCase, until  # noqa: E402
from redis_cluster import RedisCluster  # noqa: E402
from resp import slot_of  # noqa: E402

STEPS = [{"name": "a", "function": "sleep", "input": {"seconds": 0.3}}, {"name": "b", "function": "effect"},
         {"name": "c", "function": "sleep", "input": {"seconds": 0.3}}, {"name": "d", "function": "effect"}]


class OnACluster(ClusterCase):
    def start(self, replicas=0):
        c = self.cluster
        # Without replicas nobody takes over: a node that stood still for a moment is not to be given up.
        self.nodes = RedisCluster(c, masters=3, replicas=replicas, node_timeout_ms=1500 if replicas else 5000)
        self.coordinator = c.start_coordinator(REDIS_URL=self.nodes.url)
        c.start_worker(slots=12)
        c.start_gateway()
        until("the worker has joined", lambda: len(c.get("/workers")["items"]) == 1)

    def key(self, task_id):
        """As an operator finds it."""
        cli = subprocess.run([f"{BIN}/marathon", "status", "--key", task_id, "-o", "json"], capture_output=True, check=True, timeout=30)
        return json.loads(cli.stdout)["cluster"]["checkpoint"]

    def slot(self, task_id):
        return slot_of(self.key(task_id))

    def assert_run_once(self, ids):
        for task in ids:
            done = self.cluster.wait(task, seconds=60)
            self.assertEqual(done["status"], "completed", done)
            self.assertEqual([s["retry_count"] for s in done["steps"]], [0] * 4)
        self.assertEqual(len(self.cluster.effects_lines()), 2 * len(ids))

    def test_slots_are_moved_under_running_tasks(self):
        c = self.cluster
        self.start()
        ids = [f"t{n}" for n in range(12)]
        for task in ids:
            c.begin(task_id=task, steps=STEPS)
        until("they run", lambda: len(c.effects_lines()) > 0)
        moved = 0
        for slot in sorted({self.slot(t) for t in ids}):
            moved += self.nodes.move(slot, (self.nodes.master_of(slot) + 1) % 3)
        self.assertGreater(moved, 30)
        self.assert_run_once(ids)
        for task in ids:
            self.assertIn(f'"task_id":"{task}"', self.nodes.client.call("GET", self.key(task)).replace(" ", ""))
        self.assertEqual(len(c.get("/tasks?limit=100")["items"]), len(ids))
        self.assertNotIn("store_lost", self.coordinator.log())
        self.assertNotIn("store_rolled_back", self.coordinator.log())

    def test_a_lost_master_stops_its_partitions_until_its_replica_takes_over(self):
        c = self.cluster
        self.start(replicas=3)
        ids = [f"t{n}" for n in range(12)]
        for task in ids:
            c.begin(task_id=task, steps=STEPS)
        until("they run", lambda: len(c.effects_lines()) > 0)
        victim = self.nodes.master_of(self.slot("t0"))
        other = next(n for n in range(100) if self.nodes.master_of(self.slot(f"u{n}")) != victim)
        self.nodes.servers[victim].kill()
        until("the loss is noticed", lambda: f":{self.nodes.ports[victim]} is away" in self.coordinator.log())
        self.assertEqual(c.call("POST", "/start", {"task_id": f"u{other}", "steps": STEPS[:1]})[0], 202)
        self.assertEqual(c.wait(f"u{other}")["status"], "completed")
        self.assert_run_once(ids)
        self.assertNotIn("store_lost", self.coordinator.log())  # the others were there all the time
        self.assertEqual(len(c.get("/tasks?limit=100")["items"]), len(ids) + 1)


if __name__ == "__main__":
    unittest.main()
