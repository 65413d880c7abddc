"""Workers from outside: descriptors and memory over many steps, none left at all, and SIGTERM under load."""

import collections
import os
import re
import resource
import signal
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from cluster import BIN, ClusterCase, free_port, until  # noqa: E402

STEPS = 300


class Worker(ClusterCase):
    functions = {"one": {"exec": ["/bin/echo", "1"]},
                 "away": {"exec": ["/bin/sh", "-c", "setsid sleep 1000 & exec 1>&- 2>&- 3>&-; exit 75"]}}

    def process(self, name):
        return next(p for p in self.cluster.processes if p.name == name)

    def descriptors(self, name):
        return len(os.listdir(f"/proc/{self.process(name).popen.pid}/fd"))

    def children(self, name):
        """Without the guardian."""
        pid = self.process(name).popen.pid
        with open(f"/proc/{pid}/task/{pid}/children") as f:
            return len(f.read().split()) - 1

    def run_many(self, function, count, **more):
        steps = [{"name": f"s{i}", "function": function, "needs": [], **more} for i in range(count)]
        return self.cluster.wait(self.cluster.begin(steps=steps))

    def test_who_is_given_no_coordinator_does_not_wait_for_ever(self):
        for program in (["marathon-worker"], ["marathon-gateway", "--listen", f"127.0.0.1:{free_port()}"]):
            done = subprocess.run([f"{BIN}/{program[0]}", *program[1:], "--coordinators", ","], env=self.cluster.env(), capture_output=True,
                                  text=True, timeout=30)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn("MARATHON_COORDINATORS", done.stderr)

    def test_many_steps_leave_no_descriptor_and_no_process_behind(self):
        self.cluster.start(workers=1, slots=8)
        self.assertEqual(self.run_many("one", 20)["status"], "completed")
        before = {name: self.descriptors(name) for name in ("worker1", "coordinator1")}
        for _ in range(2):
            self.assertEqual(self.run_many("one", STEPS // 2)["status"], "completed")
        self.assertEqual(self.run_many("away", 20, max_retries=0)["status"], "failed")
        until("nothing of them is left", lambda: self.children("worker1") == 0)
        for name, count in before.items():
            # a watcher of the gateway's or a connection to Redis may come and go
            until(f"{name} has no more than {count} descriptors", lambda: self.descriptors(name) <= count)

    def test_a_worker_without_a_descriptor_left_spends_no_attempt_and_comes_back(self):
        c = self.cluster.start(workers=1, slots=4)
        pid = self.process("worker1").popen.pid
        soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (self.descriptors("worker1"), hard))
        task = c.begin(steps=[{"name": "s", "function": "one", "max_retries": 0}])
        until("it was handed back", lambda: re.search(
            f"attempt_not_begun task={task} .*Too many open files", self.process("worker1").log()))
        self.assertEqual(self.run_many("echo", 4)["status"], "completed")
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (soft, hard))
        done = c.wait(task)
        self.assertEqual((done["status"], done["steps"][0]["retry_count"]), ("completed", 0))

    def test_sigterm_under_load_loses_no_attempt_and_runs_nothing_twice(self):
        c = self.cluster.start(workers=3)
        tasks = [c.begin(steps=[{"name": f"s{i}", "function": "effect", "needs": [], "input": {"sleep": 0.1}}
                                for i in range(40)]) for _ in range(3)]
        for n, name in enumerate(("worker1", "worker2")):
            until("much is done", lambda: len(c.effects_lines()) > 25 * (n + 1))
            worker = self.process(name)
            worker.kill(signal.SIGTERM)
            self.assertEqual(worker.popen.poll(), 0)
            worker.start()
        for task in tasks:
            done = c.wait(task)
            self.assertEqual(done["status"], "completed")
            self.assertEqual([s["name"] for s in done["steps"] if s["retry_count"] > 0], [])
        runs = collections.Counter(tuple(line.split()[:2]) for line in c.effects_lines())
        self.assertEqual((len(runs), max(runs.values())), (120, 1))


if __name__ == "__main__":
    unittest.main(verbosity=2)
