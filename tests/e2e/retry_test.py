"""Retries, final failure, recovery: waits by the book, completed steps never run again (the functions' own log proves it)."""

import os
import sys
import unittest
from datetime import datetime

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from cluster import ClusterCase, until  # noqa: E402


def seconds_between(a, b):
    return (datetime.fromisoformat(b.replace("Z", "+00:00")) - datetime.fromisoformat(a.replace("Z", "+00:00"))).total_seconds()


class Retry(ClusterCase):
    def setUp(self):
        super().setUp()
        self.cluster.start(workers=2)

    def runs(self, task_id):
        return [line.split()[1] for line in self.cluster.effects_lines() if line.split()[0] == task_id]

    def test_two_failures_wait_2_s_and_4_s_and_then_it_succeeds(self):
        c = self.cluster
        c.begin(steps=[{"name": "f", "function": "effect", "input": {"fail_times": 2}}], task_id="t")
        done = c.wait("t")
        self.assertEqual((done["status"], done["steps"][0]["retry_count"]), ("completed", 2))
        retries = []
        raw = c.call("GET", "/stream/t?after=0")[2].decode()
        import json
        for line in raw.splitlines():
            if line.startswith("data:"):
                message = json.loads(line[5:])
                if message["type"] == "step_retry":
                    retries.append(seconds_between(message["timestamp"], message["data"]["retry_at"]))
        self.assertEqual(len(retries), 2)
        self.assertTrue(1.8 <= retries[0] <= 2.2 and 3.6 <= retries[1] <= 4.4, retries)
        attempts = [line.split() for line in c.effects_lines()]
        self.assertEqual([a[2] for a in attempts], ["1", "2", "3"])
        self.assertEqual(len({a[3] for a in attempts}), 1, "the idempotency key is the same for all attempts")

    def test_the_fourth_failure_is_final_and_recover_runs_on_from_that_step(self):
        c = self.cluster
        flag = os.path.join(c.dir, "mended")
        steps = [{"name": "a", "function": "effect"}, {"name": "b", "function": "effect", "max_retries": 0, "input": {"exit": 1}},
                 {"name": "c", "function": "effect"}]
        c.begin(steps=steps, task_id="r")
        failed = c.wait("r")
        self.assertEqual((failed["status"], failed["can_recover"]), ("failed", True))
        self.assertIn("exits on purpose", failed["error"])
        self.assertEqual([s["status"] for s in failed["steps"]], ["completed", "failed", "cancelled"])
        self.assertIn("exits on purpose", c.redis("GET", "error:r"))
        self.assertTrue(0 < int(c.redis("TTL", "error:r")) <= 3600)
        code, _, answer = c.call("POST", "/recover/r")
        self.assertEqual((code, answer["status"]), (202, "recovering"))
        again = c.wait("r")
        self.assertEqual(again["status"], "failed")
        self.assertEqual(self.runs("r"), ["step_0", "step_1", "step_1"])
        self.assertFalse(os.path.exists(flag))

    def test_a_step_that_always_fails_ends_the_task_after_its_fourth_failure(self):
        c = self.cluster
        c.begin(steps=[{"name": "a", "function": "effect"}, {"name": "f", "function": "fail", "input": {"error": "no luck"}}],
                task_id="f4")
        failed = c.wait("f4", seconds=60)  # it waits 2, 4 and 8 s in between
        self.assertEqual((failed["status"], failed["can_recover"]), ("failed", True))
        self.assertEqual([s["retry_count"] for s in failed["steps"]], [0, 4])
        self.assertIn("no luck", failed["error"])

    def test_recover_from_a_step_runs_it_and_what_follows_and_nothing_else(self):
        c = self.cluster
        steps = [{"name": n, "function": "effect"} for n in ("a", "b")] + \
                [{"name": "z", "function": "effect", "max_retries": 0, "input": {"exit": 65}}]
        c.begin(steps=steps, task_id="fs")
        self.assertEqual(c.wait("fs")["status"], "failed")
        self.assertEqual(c.call("POST", "/recover/fs", {"from_step": "b"})[0], 202)
        self.assertEqual(c.wait("fs")["status"], "failed")
        self.assertEqual(self.runs("fs"), ["step_0", "step_1", "step_2", "step_1", "step_2"])
        self.assertEqual(list(c.get("/status/fs")["accumulated_results"]), ["a", "b"])

    def test_recover_of_what_needs_none_is_refused(self):
        c = self.cluster
        c.begin(steps=[{"name": "a", "function": "effect"}], task_id="ok")
        self.assertEqual(c.wait("ok")["status"], "completed")
        code, _, problem = c.call("POST", "/recover/ok")
        self.assertEqual((code, problem["code"]), (409, "NOTHING_TO_RECOVER"))
        c.begin(steps=[{"name": "a", "function": "effect", "input": {"hang": True}}], task_id="live")
        until("it runs", lambda: self.runs("live"))
        self.assertEqual(c.call("POST", "/recover/live")[0], 409)
        self.assertEqual(c.call("POST", "/start", {"steps": [{"name": "a", "function": "effect"}], "task_id": "live"})[0], 409)
        self.assertEqual(c.call("POST", "/cancel/live")[0], 200)

    def test_a_start_of_an_ended_id_is_a_fresh_run(self):
        c = self.cluster
        for _ in range(2):
            c.begin(steps=[{"name": "a", "function": "effect"}], task_id="again")
            self.assertEqual(c.wait("again")["status"], "completed")
        keys = {line.split()[3] for line in c.effects_lines()}
        self.assertEqual((len(self.runs("again")), len(keys)), (2, 2))


if __name__ == "__main__":
    unittest.main(verbosity=2)
