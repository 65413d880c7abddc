"""What people do to running tasks: pause and resume, by API and by command line, over kills of everything."""

import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from cluster import BIN, ClusterCase, until  # noqa: E402


class Control(ClusterCase):
    def setUp(self):
        super().setUp()
        self.cluster.start(workers=1)

    def runs(self, task_id):
        return [line.split()[1] for line in self.cluster.effects_lines() if line.split()[0] == task_id]

    def status(self, task_id):
        return self.cluster.call("GET", f"/status/{task_id}")[2]

    def cli(self, *args):
        return subprocess.run([f"{BIN}/marathon", *args, "--server", f"http://127.0.0.1:{self.cluster.port}"],
                              capture_output=True, text=True, timeout=60)

    def test_a_pause_lets_what_runs_finish_and_survives_kills_of_everything(self):
        c = self.cluster
        gate = os.path.join(c.dir, "gate")
        c.begin(steps=[{"name": "a", "function": "effect", "input": {"until": gate}}, {"name": "b", "function": "effect"}], task_id="p")
        until("a runs", lambda: self.status("p")["steps"][0]["status"] == "running")
        code, _, answer = c.call("POST", "/pause/p", {"actor": "ann", "reason": "lunch"})
        self.assertEqual((code, answer), (200, {"task_id": "p", "status": "paused"}))
        open(gate, "w").close()
        until("a has completed", lambda: self.status("p")["steps"][0]["status"] == "completed")
        for p in [p for p in c.processes if p.name.startswith(("coordinator", "worker", "gateway"))]:
            p.kill()
            p.start()
        until("all is back", c.ready)
        self.assertEqual(until("the task is served again", lambda: c.get("/status/p"))["status"], "paused")
        listed = until("all tasks can be listed", lambda: c.get("/tasks?status=paused"))
        self.assertEqual([t["task_id"] for t in listed["items"]], ["p"])
        self.assertEqual(self.runs("p"), ["step_0"])
        until("it can be resumed", lambda: c.call("POST", "/resume/p")[0] in (200, 409))
        done = c.wait("p")
        self.assertEqual(done["status"], "completed")
        self.assertEqual(self.runs("p"), ["step_0", "step_1"])

    def test_the_command_line_pauses_and_resumes(self):
        c = self.cluster
        c.begin(steps=[{"name": "a", "function": "nobody.has.it"}], task_id="q")
        r = self.cli("pause", "q", "--reason", "not yet")
        self.assertEqual((r.returncode, r.stdout), (0, "q paused\n"), r.stderr)
        r = self.cli("resume", "q")
        self.assertEqual((r.returncode, r.stdout), (0, "q pending\n"), r.stderr)
        r = self.cli("resume", "q")
        self.assertEqual(r.returncode, 1, r.stdout + r.stderr)
        self.assertIn("only a paused one can be resumed", r.stderr)
        self.assertEqual(self.cli("cancel", "q").returncode, 0)

    def test_a_fork_repeated_by_its_key_is_the_same_fork_though_its_source_has_gone_on(self):
        c = self.cluster
        gate = os.path.join(c.dir, "gate")
        c.begin(steps=[{"name": "a", "function": "effect"}, {"name": "b", "function": "effect", "input": {"until": gate}}], task_id="src")
        until("b runs", lambda: self.status("src")["steps"][1]["status"] == "running")

        def fork(key, **body):
            code, _, answer = c.call("POST", "/fork/src", body, {"Idempotency-Key": key})
            return code, answer.get("code"), answer["task_id"] if code == 202 else None

        code, _, forked = first = fork("k1")
        self.assertEqual(code, 202)
        open(gate, "w").close()
        c.wait("src")
        c.wait(forked)
        self.assertEqual(fork("k1"), first)
        self.assertEqual(fork("k1", reason="another body")[:2], (422, "IDEMPOTENCY_MISMATCH"))
        self.assertEqual(fork("k2")[:2], (422, "INVALID_FIELD"))
        c.redis("DEL", "marathon:task:src", "checkpoint:src")  # as its TTL does
        self.assertEqual(fork("k1"), first)
        self.assertEqual(fork("k2")[:2], (404, "TASK_NOT_FOUND"))
        self.assertEqual(len(self.runs(forked)), 1)

    def test_a_wait_survives_kills_of_everything_and_takes_its_signal(self):
        c = self.cluster
        c.begin(steps=[{"name": "a", "function": "effect"},
                       {"name": "ok", "wait": {"signal": "approve", "timeout": 600}},
                       {"name": "early", "wait": {"signal": "early"}},
                       {"name": "soon", "wait": {"seconds": 3}, "needs": ["a"]},
                       {"name": "b", "function": "effect", "needs": ["early", "soon"]}], task_id="w")
        until("it waits", lambda: c.get("/status/w")["status"] == "waiting")
        code, _, answer = c.call("POST", "/signal/w", {"name": "early", "data": [1]})
        self.assertEqual((code, answer["kept"], answer["step"]), (200, True, "early"))
        code, _, answer = c.call("POST", "/signal/w", {"name": "early", "data": [2]})
        self.assertEqual((code, answer["code"], answer["task_status"]), (409, "SIGNAL_TAKEN", "waiting"))
        for p in [p for p in c.processes if p.name.startswith(("coordinator", "worker", "gateway"))]:
            p.kill()
            p.start()
        until("all is back", c.ready)
        step = until("the task is served again", lambda: c.get("/status/w"))["steps"][1]
        self.assertEqual((step["waiting_for"], step["function"]), ("the signal approve", None))
        self.assertIn("waiting_until", step)
        r = self.cli("signal", "w", "approve", "--data", '{"ok":true}', "--by", "ann")
        self.assertEqual((r.returncode, r.stdout), (0, "w has it, the step ok is completed\n"), r.stderr)
        done = c.wait("w")
        self.assertEqual(done["status"], "completed")
        results = done["accumulated_results"]
        self.assertEqual((results["ok"], results["early"], results["soon"]), ({"ok": True}, [1], None))
        self.assertGreaterEqual(done["steps"][3]["duration_ms"], 2990)
        self.assertEqual(self.runs("w"), ["step_0", "step_4"])

    def test_a_recover_with_another_input_is_in_the_history(self):
        c = self.cluster
        c.begin(steps=[{"name": "a", "function": "echo"}, {"name": "b", "function": "fail", "input": {}, "max_retries": 0},
                       {"name": "c", "function": "echo"}], task_id="h", input_data={"n": 1})
        self.assertEqual(c.wait("h")["status"], "failed")
        body = {"from_step": "a", "input_data": {"n": 2}, "actor": "ann", "reason": "a typo"}
        self.assertEqual(c.call("POST", "/recover/h", body)[0], 202)
        failed = c.wait("h")
        self.assertEqual((failed["status"], failed["accumulated_results"]), ("failed", {"a": {"n": 2}}))
        events, cursor = [], ""
        while cursor is not None:
            page = c.get(f"/history/h?limit=2&cursor={cursor}" if cursor else "/history/h?limit=2")
            self.assertLessEqual(len(page["items"]), 2)
            self.assertEqual(page["missing"], 0)
            events += page["items"]
            cursor = page["next_cursor"]
        self.assertEqual([e["seq"] for e in events], list(range(1, len(events) + 1)))
        recovered = [e for e in events if e["type"] == "task_recovering"]
        self.assertEqual(len(recovered), 1)
        data = recovered[0]["data"]
        self.assertEqual((data["actor"], data["reason"], data["input_data"]), ("ann", "a typo", {"n": 2}))
        self.assertEqual(data["from_step"], "a")
        self.assertNotIn("only_failed", data)
        r = self.cli("history", "h")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertRegex(r.stdout, r"(?m)task_recovering +recovering +a +ann +a typo$")
        brief = self.cli("history", "h", "--brief").stdout
        self.assertNotIn("progress_update", brief)
        self.assertEqual(len(brief.splitlines()) - 1, sum(e["type"] != "progress_update" for e in c.get("/history/h")["items"]))
        self.assertEqual(self.cli("history", "h", "--brief", "-o", "json").returncode, 2)
        self.assertEqual(c.call("GET", "/history/none")[0], 404)
        for query in ("cursor=x", "limit=0", "limits=3"):
            code, _, answer = c.call("GET", f"/history/h?{query}")
            self.assertEqual((code, answer["errors"][0]["parameter"]), (422, query.partition("=")[0]), answer)
        self.assertEqual(c.call("POST", "/dead-letters/requeue", {"limit": 3})[0], 422)
        answer = c.call("GET", "/result/h")[2]
        self.assertEqual(answer["code"], "RESULT_NOT_READY")
        self.assertIn(f"the task is failed: {failed['error']}; POST /api/v1/marathon/recover/", answer["detail"])

    def test_a_fork_starts_from_another_tasks_checkpoint(self):
        c = self.cluster
        c.begin(steps=[{"name": "a", "function": "effect"}, {"name": "b", "function": "echo"}, {"name": "c", "function": "echo"}],
                task_id="src", input_data={"n": 1})
        first = c.wait("src")["accumulated_results"]
        code, headers, answer = c.call("POST", "/fork/src", {"from_step": "b", "input_data": {"n": 2}, "task_id": "dst", "reason": "what if"})
        self.assertEqual((code, answer), (202, {"task_id": "dst", "status": "started", "forked_from": "src"}))
        self.assertEqual(headers["Location"], "/api/v1/marathon/status/dst")
        done = c.wait("dst")
        self.assertEqual(done["accumulated_results"], {"a": first["a"], "b": {"n": 2}, "c": {"n": 2}})
        self.assertEqual((self.runs("src"), self.runs("dst")), (["step_0"], []))
        event = c.get("/history/dst?limit=1")["items"][0]
        self.assertEqual((event["type"], event["data"]["forked_from"], event["data"]["reason"]), ("task_forked", "src", "what if"))
        r = self.cli("fork", "src", "--from-step", "c", "--input", '{"n":3}', "--id", "third")
        self.assertEqual((r.returncode, r.stdout), (0, "third\n"), r.stderr)
        self.assertEqual(c.wait("third")["accumulated_results"], {"a": first["a"], "b": {"n": 1}, "c": {"n": 3}})
        twice = [c.call("POST", "/fork/src", {"from_step": "c"}, headers={"Idempotency-Key": "k"}) for _ in range(2)]
        self.assertEqual(len({answer["task_id"] for _, _, answer in twice}), 1)
        self.assertEqual([headers.get("Idempotent-Replayed") for _, headers, _ in twice], [None, "true"])
        for path, body, want in [("/fork/none", {}, 404), ("/fork/src", {}, 422), ("/fork/src", {"from_step": "x"}, 422),
                                 ("/fork/src", {"from_step": "b", "task_id": "src"}, 422), ("/fork/src", {"form_step": "b"}, 422)]:
            self.assertEqual(c.call("POST", path, body)[0], want, (path, body))

    def test_the_same_key_is_the_same_signal(self):
        c = self.cluster
        c.begin(steps=[{"name": "one", "wait": {"signal": "go"}}, {"name": "two", "wait": {"signal": "go"}}], task_id="k")
        for _ in range(2):
            code, _, answer = c.call("POST", "/signal/k", {"name": "go", "data": 1}, headers={"Idempotency-Key": "a"})
            self.assertEqual((code, answer["step"]), (200, "one"))
        code, _, answer = c.call("POST", "/signal/k", {"name": "go", "data": 2})
        self.assertEqual((code, answer["step"]), (200, "two"))
        self.assertEqual(c.wait("k")["accumulated_results"], {"one": 1, "two": 2})
        code, _, answer = c.call("POST", "/signal/k", {"name": "go", "data": 1}, headers={"Idempotency-Key": "a"})
        self.assertEqual((code, answer["step"], answer["status"]), (200, "one", "completed"))
        code, _, answer = c.call("POST", "/signal/k", {"name": "go", "data": 3}, headers={"Idempotency-Key": "a"})
        self.assertEqual((code, answer["code"]), (422, "IDEMPOTENCY_MISMATCH"))
        code, _, answer = c.call("POST", "/signal/k", {"name": "go", "data": 1})
        self.assertEqual((code, answer["code"]), (409, "TASK_ENDED"))

    def test_the_same_key_is_the_same_recover_though_the_task_has_failed_again(self):
        c = self.cluster
        c.begin(steps=[{"name": "a", "function": "echo"}, {"name": "b", "function": "fail", "max_retries": 0}], task_id="r")
        self.assertEqual(c.wait("r")["status"], "failed")

        def recover(key, body=None):
            code, _, answer = c.call("POST", "/recover/r", body, {"Idempotency-Key": key})
            return code, answer.get("status") if code == 202 else answer["code"]

        def failures():
            return sum(e["type"] == "task_error" for e in c.get("/history/r")["items"])

        self.assertEqual(recover("k"), (202, "recovering"))
        until("it has failed again", lambda: failures() == 2)
        self.assertEqual(recover("k"), (202, "recovering"))
        self.assertEqual(recover("k", {"from_step": "a"}), (422, "IDEMPOTENCY_MISMATCH"))
        self.assertEqual((self.status("r")["status"], failures()), ("failed", 2))
        r = self.cli("recover", "r", "--key", "other")
        self.assertEqual((r.returncode, r.stdout), (0, "r recovering\n"), r.stderr)
        until("it has failed a third time", lambda: failures() == 3)

    def test_bad_requests_say_what_is_wrong(self):
        c = self.cluster
        for path, body, code, word in [("/pause/none", None, 404, "TASK_NOT_FOUND"), ("/resume/none", None, 404, "TASK_NOT_FOUND"),
                                       ("/pause/x", {"why": "?"}, 422, "INVALID_FIELD"), ("/pause/x", {"reason": 5}, 422, "INVALID_FIELD"),
                                       ("/resume/x", {"actor": "a" * 300}, 422, "INVALID_FIELD"),
                                       ("/signal/none", {"name": "go"}, 404, "TASK_NOT_FOUND"), ("/signal/x", {}, 422, "INVALID_FIELD"),
                                       ("/signal/x", {"name": "a b"}, 422, "INVALID_FIELD"),
                                       ("/signal/x", {"name": "a", "data": "x" * 70000}, 413, "TOO_LARGE")]:
            status, _, answer = c.call("POST", path, body)
            self.assertEqual((status, answer["code"]), (code, word), path)


if __name__ == "__main__":
    unittest.main()
