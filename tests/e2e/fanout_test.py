"""A step with many items: what is done stays done while coordinator and worker are killed with -9, and nothing of it runs again.

FANOUT_ITEMS says how many items there are: 300 in the suite, 10000 for the full size (about a minute).
"""

import http.server
import json
import os
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from cluster import BIN, ClusterCase, until  # noqa: E402

ITEMS = int(os.environ.get("FANOUT_ITEMS", "300"))


class Squares:
    """The function, over HTTP: the square of its item. Remembers every execution."""

    def __init__(self):
        self.runs = []  # (index, idempotency key), in the order of their ends
        self.lock = threading.Lock()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                envelope = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with outer.lock:
                    outer.runs.append((envelope["index"], envelope["idempotency_key"]))
                item = envelope["input"]["item"]
                body = json.dumps(item * item).encode() if item >= 0 else b'{"error":"it is negative"}'
                self.send_response(200 if item >= 0 else 400)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/"

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def rss_kib(process):
    with open(f"/proc/{process.popen.pid}/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))


class Fanout(ClusterCase):
    def setUp(self):
        self.squares = Squares()
        self.addCleanup(self.squares.close)
        self.functions = {"square": {"http": self.squares.url}}
        super().setUp()

    def begin(self, items, **step):
        step = {"name": "each", "function": "square", "for_each": "${input.list}", **step}
        after = {"name": "after", "function": "echo", "input": {"last": "${steps.each.result[size(steps.each.result) - 1]}"}}
        return self.cluster.begin(steps=[step, after], input_data={"list": items})

    def items(self, task_id, **query):
        """All pages of the items."""
        found, cursor = [], ""
        while cursor is not None:
            args = "&".join(f"{k}={v}" for k, v in {**query, "limit": 200, "cursor": cursor}.items())
            page = self.cluster.get(f"/tasks/{task_id}/steps/each/items?{args}")
            found += page["items"]
            cursor = page["next_cursor"]
        return found

    def done(self, task_id):
        code, _, status = self.cluster.call("GET", f"/status/{task_id}?results=false")
        return status["steps"][0].get("items", {}).get("completed", 0) if code == 200 else 0

    def test_no_result_is_lost_and_nothing_done_runs_again(self):
        c = self.cluster.start(workers=2, slots=16)
        coordinator = next(p for p in c.processes if p.name.startswith("coordinator"))
        worker = next(p for p in c.processes if p.name.startswith("worker"))
        before = rss_kib(coordinator)
        began = time.monotonic()
        task_id = self.begin(list(range(ITEMS)), max_parallel=64)

        until("a third is done", lambda: self.done(task_id) > ITEMS // 3, 300)
        at_work = rss_kib(coordinator)
        coordinator.kill()
        done = {i["index"] for i in self.stored(task_id)}
        runs = len(self.squares.runs)
        self.assertGreater(len(done), ITEMS // 3)
        coordinator.start()

        until("two thirds are done", lambda: self.done(task_id) > 2 * ITEMS // 3, 300)
        again = done & {index for index, _ in self.squares.runs[runs:]}
        self.assertEqual(again, set(), "items that were done ran again")
        done = {i["index"] for i in self.items(task_id, status="completed")}
        worker.kill()
        runs = len(self.squares.runs)
        worker.start()

        status = c.wait(task_id, seconds=300)
        self.assertEqual(status["status"], "completed", status["error"])
        self.assertEqual(status["accumulated_results"]["each"], [i * i for i in range(ITEMS)])
        self.assertEqual(status["accumulated_results"]["after"], {"last": (ITEMS - 1) ** 2})
        again = done & {index for index, _ in self.squares.runs[runs:]}
        self.assertEqual(again, set(), "items that were done ran again")
        keys = {}
        for index, key in self.squares.runs:
            self.assertEqual(keys.setdefault(index, key), key, "one idempotency key for all attempts of an item")
        self.assertEqual(status["steps"][0]["items"], {"total": ITEMS, "completed": ITEMS, "failed": 0, "running": 0})
        self.assertEqual(len(self.items(task_id)), ITEMS)
        self.assertLess(status["seq"], 50 + 10 * (time.monotonic() - began), "events are coalesced: no more than ten a second")
        at_end = rss_kib(coordinator)
        print(f"\n{ITEMS} items: coordinator's RSS {before} KiB before, {at_work} KiB at work, {at_end} KiB (a new process) at "
              f"the end; {len(self.squares.runs)} executions, {status['seq']} events")

    def stored(self, task_id):
        """The done items as Redis has them, with the coordinator dead."""
        fields = self.cluster.redis("HKEYS", f"marathon:items:{task_id}").split("\n")
        return [{"index": int(name[2:]) - 1} for name in fields if name.startswith("0r")]

    def cli(self, *args):
        return subprocess.run([f"{BIN}/marathon", *args, "--server", f"http://127.0.0.1:{self.cluster.port}"],
                              capture_output=True, text=True, timeout=60)

    def test_the_command_line_lists_items_and_finds_those_that_failed(self):
        self.cluster.start()
        task = self.begin([3, -1, 5], tolerate=1)
        self.cluster.wait(task)
        self.assertRegex(self.cli("items", task, "each").stdout,
                         r"\AITEM [^\n]*\n0 +completed +100% [^\n]*\n1 +failed [^\n]*\n2 +completed [^\n]*\n\Z")
        self.assertRegex(self.cli("items", task, "each", "--status", "failed").stdout,
                         r"\AITEM [^\n]*\n1 +failed +0% +- +1 [^\n]*it is negative[^\n]*\n\Z")
        more = self.cli("items", task, "each", "--status", "completed", "-n", "1").stderr
        self.assertRegex(more, rf"there are more: marathon items {task} each --status completed --cursor \d ")
        self.assertIn(f"which items failed: marathon items {task} each --status failed", self.cli("status", task).stderr)
        self.assertIn("none of its 3 items is running", self.cli("items", task, "each", "--status", "running").stderr)
        self.assertEqual(json.loads(self.cli("items", task, "each", "-o", "json").stdout)["total"], 3)
        self.assertEqual(self.cli("items", task, "nosuch").returncode, 3)
        self.assertEqual(self.cli("items", task, "each", "--status", "odd").returncode, 2)

    def test_tolerated_failures_and_only_failed(self):
        c = self.cluster.start()
        task_id = self.begin([3, -1, 5], tolerate=1)
        status = c.wait(task_id)
        self.assertEqual(status["accumulated_results"]["each"], [9, None, 25])
        failed = self.items(task_id, status="failed")
        self.assertEqual([(i["index"], i["error_code"]) for i in failed], [(1, "FUNCTION_REJECTED")])
        self.assertEqual([i["result"] for i in self.items(task_id, status="completed")], [9, 25])
        runs = len(self.squares.runs)
        code, _, _ = c.call("POST", f"/recover/{task_id}", {"from_step": "each", "only_failed": True})
        self.assertEqual(code, 202, "of a completed task too")
        self.assertEqual(c.wait(task_id)["accumulated_results"]["each"], [9, None, 25])
        self.assertEqual({index for index, _ in self.squares.runs[runs:]}, {1})
        code, _, fork = c.call("POST", f"/fork/{task_id}", {"from_step": "after"})
        self.assertEqual(code, 202)
        self.assertEqual(c.wait(fork["task_id"])["accumulated_results"]["each"], [9, None, 25])
        code, _, problem = c.call("GET", f"/tasks/{fork['task_id']}/steps/each/items")
        self.assertEqual(code, 404)
        self.assertIn("a fork", problem["detail"])

        task_id = self.begin([3, -1, 5], max_parallel=1)
        status = c.wait(task_id)
        self.assertEqual(status["status"], "failed")
        self.assertIn("item 1: ", status["error"])
        runs = len(self.squares.runs)
        code, _, _ = c.call("POST", f"/recover/{task_id}", {"from_step": "each", "only_failed": True})
        self.assertEqual(code, 202)
        self.assertEqual(c.wait(task_id)["status"], "failed")
        self.assertNotIn(0, {index for index, _ in self.squares.runs[runs:]})
        code, _, problem = c.call("POST", f"/recover/{task_id}", {"only_failed": True})
        self.assertEqual((code, problem["errors"][0]["pointer"]), (422, "/only_failed"))

    def test_questions_about_items_that_cannot_be_answered(self):
        c = self.cluster.start()
        task_id = self.begin([1])
        c.wait(task_id)
        for path, code, text in [(f"/tasks/{task_id}/steps/after/items", 404, "no for_each"),
                                 (f"/tasks/{task_id}/steps/nosuch/items", 404, "no step of this name"),
                                 ("/tasks/nosuch/steps/each/items", 404, "no such task"),
                                 (f"/tasks/{task_id}/steps/each/items?status=odd", 422, "status"),
                                 (f"/tasks/{task_id}/steps/each/items?cursor=x", 422, "cursor"),
                                 (f"/tasks/{task_id}/steps/each/items?limit=0", 422, "limit")]:
            got, _, problem = c.call("GET", path)
            self.assertEqual(got, code, path)
            self.assertIn(text, problem["detail"], path)


if __name__ == "__main__":
    unittest.main(verbosity=2)
