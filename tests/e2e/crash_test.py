"""kill -9 of each role in the middle of work: nothing is lost, no completed step runs twice."""

import json
import os
import signal
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from cluster import ClusterCase, until  # noqa: E402


class Crash(ClusterCase):
    pipelines = {"ten": [{"name": f"s{i}", "function": "effect", "input": {"sleep": 0.2}} for i in range(10)],
                 "long": [{"name": "l", "function": "effect", "input": {"sleep": 6}}]}

    def process(self, name):
        return next(p for p in self.cluster.processes if p.name == name)

    def lines(self, task_id):
        return [line.split() for line in self.cluster.effects_lines() if line.split()[0] == task_id]

    def test_a_killed_coordinator_goes_on_from_the_checkpoint(self):
        c = self.cluster.start(workers=2)
        c.begin(task_type="ten", task_id="t")
        until("three steps are done", lambda: len(self.lines("t")) >= 4)
        coordinator = self.process("coordinator1")
        coordinator.kill()
        killed = time.monotonic()
        coordinator.start()
        done = c.wait("t")
        self.assertEqual(done["status"], "completed")
        counts = {}
        for line in self.lines("t"):
            counts[line[1]] = counts.get(line[1], 0) + 1
        self.assertEqual(counts, {f"step_{i}": 1 for i in range(10)}, "no step ran twice, the running one was claimed")
        print(f"coordinator killed: completed {time.monotonic() - killed:.1f} s later")

    def test_a_running_function_survives_its_coordinator(self):
        c = self.cluster.start(workers=1)
        c.begin(task_type="long", task_id="l")
        until("it runs", lambda: self.lines("l"))
        coordinator = self.process("coordinator1")
        coordinator.kill()
        coordinator.start()
        self.assertEqual(c.wait("l")["status"], "completed")
        self.assertEqual(len(self.lines("l")), 1)

    def test_a_killed_worker_has_its_step_run_elsewhere_at_once(self):
        c = self.cluster.start(workers=2)
        c.begin(steps=[{"name": "k", "function": "effect", "input": {"kill_worker": 1}}], task_id="w")
        until("the first run", lambda: len(self.lines("w")) == 1)
        first = time.monotonic()
        until("the second run", lambda: len(self.lines("w")) == 2)
        print(f"worker killed: its step ran again after {time.monotonic() - first:.2f} s")
        before, lost, _ = self.process("coordinator1").log().partition("worker_lost")
        self.assertTrue(lost)
        self.assertNotIn("peer_silent", before, "its end was seen, no silence was waited for")
        done = c.wait("w")
        self.assertEqual((done["status"], done["steps"][0]["retry_count"]), ("completed", 0))
        runs = self.lines("w")
        self.assertEqual([r[2] for r in runs], ["1", "1"], "a death is no attempt")
        self.assertEqual(runs[0][3], runs[1][3])
        self.assertNotEqual(runs[0][4], runs[1][4])

    def test_a_step_that_kills_three_workers_is_set_aside(self):
        c = self.cluster.start(workers=4)
        c.begin(steps=[{"name": "k", "function": "effect", "input": {"kill_worker": 9}}], task_id="d")
        done = c.wait("d")
        self.assertEqual((done["status"], done["can_recover"]), ("failed", True))
        self.assertEqual(len(self.lines("d")), 3)
        c.begin(steps=[{"name": "a", "function": "effect"}], task_id="rest")
        self.assertEqual(c.wait("rest")["status"], "completed")

    def test_redis_killed_and_restarted_loses_nothing_acknowledged(self):
        c = self.cluster.start(workers=2)
        c.begin(task_type="ten", task_id="r")
        until("three steps are done", lambda: len(self.lines("r")) >= 4)
        redis = self.process("redis1")
        before = c.get("/status/r")["current_step"]
        redis.kill()
        code, headers, _ = c.call("POST", "/start", {"task_type": "ten", "task_id": "refused"})
        self.assertEqual(code, 503)
        self.assertIn("Retry-After", headers)
        redis.start()
        done = c.wait("r")
        self.assertEqual(done["status"], "completed")
        self.assertGreaterEqual(before, 3)
        counts = {}
        for line in self.lines("r"):
            counts[line[1]] = counts.get(line[1], 0) + 1
        self.assertEqual(counts, {f"step_{i}": 1 for i in range(10)})

    def test_everything_killed_resumes_from_redis_alone(self):
        c = self.cluster.start(workers=2)
        c.begin(task_type="ten", task_id="e")
        until("three steps are done", lambda: len(self.lines("e")) >= 4)
        for p in c.processes:
            p.popen.send_signal(signal.SIGKILL)
        for p in c.processes:
            p.popen.wait(30)
        for p in c.processes:
            p.start()
        until("the gateway is back", c.ready)
        done = c.wait("e")
        self.assertEqual(done["status"], "completed")
        counts = {}
        for line in self.lines("e"):
            counts[line[1]] = counts.get(line[1], 0) + 1
        self.assertEqual(sorted(counts), sorted(f"step_{i}" for i in range(10)))
        self.assertLessEqual(sum(counts.values()), 11, "at most the step that was running ran again")

    def gated(self):
        """Steps of which the second waits for a file: what it is, and the file."""
        gate = os.path.join(self.cluster.dir, "gate")
        return [{"name": "a", "function": "effect"}, {"name": "b", "function": "effect", "input": {"until": gate}},
                {"name": "c", "function": "effect"}], gate

    def count(self, task_id, step):
        return sum(line[1] == step for line in self.lines(task_id))

    def restart(self, name):
        self.process(name).kill()
        self.process(name).start()

    def test_without_checkpoints_a_killed_coordinator_s_task_begins_again(self):
        c = self.cluster.start(workers=1)
        steps, gate = self.gated()
        c.begin(steps=steps, task_id="n", enable_checkpoints=False)
        until("b runs", lambda: self.count("n", "step_1") == 1)
        seen = c.get("/status/n")
        self.assertEqual((seen["enable_checkpoints"], seen["enable_recovery"], seen["current_step"]), (False, True, 2))
        self.restart("coordinator1")
        until("b runs again, behind a", lambda: self.count("n", "step_1") == 2)
        open(gate, "w").close()
        done = c.wait("n")
        self.assertEqual((done["status"], done["enable_checkpoints"]), ("completed", False))
        self.assertEqual([line[1] for line in self.lines("n")], ["step_0", "step_1", "step_0", "step_1", "step_2"])
        self.assertEqual([s["retry_count"] for s in done["steps"]], [0, 0, 0])
        self.assertEqual(c.get("/result/n")["c"]["seen"], ["a", "b"])

    def test_without_recovery_a_killed_coordinator_s_task_has_failed(self):
        c = self.cluster
        c.start_redis()
        c.start_coordinator(MARATHON_ENABLE_RECOVERY="false")
        c.start_worker()
        c.start_gateway()
        steps, gate = self.gated()
        c.begin(steps=steps, task_id="f")
        c.begin(steps=[{"name": "w", "function": "nobody.has.it"}], task_id="waits")
        until("b runs", lambda: self.count("f", "step_1") == 1)
        self.assertEqual([c.get("/status/f")[k] for k in ("enable_checkpoints", "enable_recovery")], [True, False])
        self.restart("coordinator1")
        done = c.wait("f")
        self.assertEqual((done["status"], done["can_recover"], done["enable_recovery"]), ("failed", False, False))
        self.assertEqual(done["error_code"], "RECOVERY_DISABLED")
        self.assertEqual(done["accumulated_results"]["a"]["step"], "a", "what it had done is shown")
        self.assertIn("recovery is switched off", json.loads(c.redis("GET", "error:f"))["error"])
        code, _, problem = c.call("POST", "/recover/f", {})
        self.assertEqual((code, problem["code"]), (409, "NOTHING_TO_RECOVER"))
        self.assertIn("MARATHON_ENABLE_RECOVERY=false", problem["detail"])
        self.assertEqual(c.get("/status/waits")["status"], "pending", "what had not begun goes on")
        open(gate, "w").close()
        c.begin(steps=steps, task_id="f")
        self.assertEqual(c.wait("f")["status"], "completed")
        self.assertEqual([self.count("f", f"step_{i}") for i in range(3)], [2, 2, 1])

    def test_a_standby_coordinator_takes_over(self):
        c = self.cluster
        c.start_redis()
        c.start_coordinator(1)
        c.start_coordinator(2)
        c.start_worker(coordinators=2)
        c.start_gateway(coordinators=2)
        c.begin(task_type="ten", task_id="s")
        until("three steps are done", lambda: len(self.lines("s")) >= 4)
        owner = max((self.process(f"coordinator{n}") for n in (1, 2)), key=lambda p: "partitions_owned" in p.log())
        owner.kill()
        done = c.wait("s")
        self.assertEqual(done["status"], "completed")
        self.assertEqual(len(self.lines("s")), 10)


if __name__ == "__main__":
    unittest.main(verbosity=2)
