"""Steps that kill their workers: set aside, listed with the last of their stderr, requeued when the function is mended."""

import json
import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from cluster import BIN, ClusterCase, until  # noqa: E402


class DeadLetters(ClusterCase):
    functions = {"quota": {"exec": ["/bin/sh", "-c", "echo '{\"error\":{\"code\":\"QUOTA\",\"message\":\"all is spent\"}}' >&3; exit 65"]}}

    def start(self, workers):
        """Two coordinators, so that the list is merged from both."""
        c = self.cluster
        c.start_redis()
        for n in (1, 2):
            c.start_coordinator(n)
        self.workers = []
        for _ in range(workers):
            self.add_worker()
        c.start_gateway(coordinators=2)
        until("both coordinators own a share", self.shared)

    def shared(self):
        body = self.cluster.call("GET", "/readyz?verbose", prefix="")[2]
        return [d.get("partitions") for d in body.get("coordinators", [])] == [32, 32]

    def add_worker(self):
        self.workers.append(self.cluster.start_worker(slots=1, coordinators=2))

    def keep_alive(self, task_id):
        """Until the task ends, workers that were killed are replaced: nobody else would be there to be killed."""
        def replace():
            for w in [w for w in self.workers if not w.alive()]:
                self.workers.remove(w)
                self.add_worker()

        def ended():
            replace()
            return self.cluster.get(f"/status/{task_id}")["status"] in ("failed", "completed")
        until(f"{task_id} has ended", ended, 60)
        replace()  # the last one may have died behind the look at it

    def dead(self, task_id, **want):
        c = self.cluster
        c.begin(task_id=task_id, steps=[{"name": "first", "function": "echo"},
                                        {"name": "killer", "function": "effect", "input": {"kill_worker": 3, **want}}])
        self.keep_alive(task_id)
        status = c.get(f"/status/{task_id}")
        self.assertEqual(status["error_code"], "WORKER_DEATHS", status["error"])

    def cli(self, *args):
        return subprocess.run([f"{BIN}/marathon", "dead-letters", *args, "--server", f"http://127.0.0.1:{self.cluster.port}"],
                              capture_output=True, text=True, timeout=60)

    def test_the_dead_letter_tells_what_the_function_said_and_requeue_finishes_the_task(self):
        self.start(workers=2)
        c = self.cluster
        self.assertEqual(c.get("/dead-letters"), {"items": [], "next_cursor": None})
        self.dead("d", say="the oven is on fire")
        page = c.get("/dead-letters")
        self.assertEqual(len(page["items"]), 1)
        letter = page["items"][0]
        self.assertEqual({k: letter[k] for k in ("task_id", "step_id", "name", "function", "deaths")},
                         {"task_id": "d", "step_id": "step_1", "name": "killer", "function": "effect", "deaths": 3})
        self.assertEqual(letter["dead_at"], c.get("/status/d")["completed_at"])
        self.assertIn("the oven is on fire", letter["error_message"])
        self.assertIn("died while it ran this step", letter["error_message"])
        self.assertEqual(c.get("/status/d")["error"], letter["error_message"])
        shown = self.cli()
        self.assertEqual(shown.returncode, 0, shown.stderr)
        self.assertRegex(shown.stdout, r"d +step_1 +killer +effect +3 ")

        code, headers, body = c.call("POST", "/dead-letters/d/killer/requeue")
        self.assertEqual((code, body), (202, {"task_id": "d", "status": "recovering"}))
        self.assertEqual(headers["Location"], "/api/v1/marathon/status/d")
        done = c.wait("d")  # the fourth delivery does not kill
        self.assertEqual((done["status"], done["steps"][1]["deaths"], done["steps"][0]["retry_count"]), ("completed", 0, 0))
        self.assertEqual(c.get("/dead-letters")["items"], [])
        self.assertEqual(c.redis("KEYS", "marathon:dead:*"), "")

    def test_it_has_the_functions_own_code(self):
        self.start(workers=1)
        c = self.cluster
        c.begin(task_id="q", steps=[{"name": "a", "function": "quota", "on_exhausted": "dead_letter"}])
        c.wait("q")
        letter = c.get("/dead-letters")["items"][0]
        self.assertEqual((letter["error_code"], letter["function_code"]), ("FUNCTION_REJECTED", "QUOTA"))
        self.assertRegex(self.cli().stdout, r"q +step_0 +a +quota +0 +FUNCTION_REJECTED +\d+s +QUOTA: all is spent")

    def test_what_is_no_dead_letter_gets_a_problem(self):
        self.start(workers=2)
        c = self.cluster
        c.begin(task_id="fine", steps=[{"name": "a", "function": "echo"}])
        c.wait("fine")
        for path, status, code in (("/dead-letters/nobody/step_0/requeue", 404, "TASK_NOT_FOUND"),
                                   ("/dead-letters/fine/a/requeue", 409, "NOT_A_DEAD_LETTER"),
                                   ("/dead-letters/fine/step_7/requeue", 404, "STEP_NOT_FOUND"),
                                   ("/dead-letters/fine/a%20b/requeue", 404, "INVALID_ID"),
                                   ("/dead-letters/requeue?cursor=!", 422, "INVALID_FIELD"),
                                   ("/dead-letters/requeue?limit=51", 422, "INVALID_FIELD")):
            answer = c.call("POST", path)
            self.assertEqual((answer[0], answer[2]["code"]), (status, code), answer)
        self.assertEqual(c.call("GET", "/dead-letters/requeue")[0], 405)
        self.assertEqual(c.call("GET", "/dead-letters?limit=0")[2]["code"], "INVALID_FIELD")
        refused = self.cli("requeue", "fine", "a")
        self.assertEqual(refused.returncode, 1)
        self.assertIn("NOT_A_DEAD_LETTER", refused.stderr)
        self.assertEqual(self.cli("requeue").returncode, 2)
        self.assertEqual(self.cli("bury").returncode, 2)

    def test_all_are_requeued_page_by_page(self):
        self.start(workers=1)
        c = self.cluster
        for i in range(3):
            self.dead(f"d{i}")
        pages, cursor = [], ""
        while cursor is not None:
            page = c.get(f"/dead-letters?limit=2&cursor={cursor}")
            pages.append([d["task_id"] for d in page["items"]])
            cursor = page["next_cursor"]
        self.assertEqual(pages, [["d2", "d1"], ["d0"]])
        code, _, first = c.call("POST", "/dead-letters/requeue?limit=2")
        self.assertEqual((code, first["requeued"], first["failed"]), (200, 2, []))
        self.assertIsNotNone(first["next_cursor"])
        rest = self.cli("requeue", "--all")
        self.assertEqual((rest.returncode, rest.stdout), (0, "1 requeued, 0 failed\n"), rest.stderr)
        for i in range(3):
            self.assertEqual(c.wait(f"d{i}")["status"], "completed")
        self.assertEqual(json.loads(self.cli("-o", "json").stdout), {"items": [], "next_cursor": None})

    def test_a_coordinator_out_of_reach_is_503_and_no_short_list(self):
        self.start(workers=1)
        self.dead("d")
        next(p for p in self.cluster.processes if p.name == "coordinator2").kill()

        def listed():
            code, headers, body = self.cluster.call("GET", "/dead-letters")
            if code == 200:
                self.assertEqual(list(self.cluster.owners().values()), [64], "all partitions are somebody's again")
                self.assertEqual([d["task_id"] for d in body["items"]], ["d"])
                return True
            self.assertEqual((code, body["code"]), (503, "UNAVAILABLE"))
            self.assertIn("Retry-After", headers)
            return False

        until("its partitions are taken over", listed)


if __name__ == "__main__":
    unittest.main(verbosity=2)
