"""The contract that existing clients rely on, by outside means: HTTP, a WebSocket client not of ours, redis-cli."""

import json
import os
import socket
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import websocket  # noqa: E402  (python3-websocket)
from cluster import ClusterCase, until  # noqa: E402

# This client's list of close codes is older than 1013 (try again later).
websocket._abnf.VALID_CLOSE_STATUS = (*websocket._abnf.VALID_CLOSE_STATUS, 1013)


def steps(n, **more):
    return [{"name": f"s{i}", "function": "effect", "input": more} for i in range(n)]


def socket_backlog(port):
    """Bytes that this port has sent and nobody has taken."""
    waiting = 0
    with open("/proc/net/tcp") as f:
        for line in f.readlines()[1:]:
            words = line.split()
            if int(words[1].split(":")[1], 16) == port:
                waiting += int(words[4].split(":")[0], 16)
    return waiting


class Contract(ClusterCase):
    pipelines = {"five": steps(5, sleep=0.15), "one": steps(1, sleep=0.5)}

    def setUp(self):
        super().setUp()
        self.cluster.start(workers=2)

    def messages(self, task_id, query="", port=None):
        """All messages of a watcher until the server closes; (messages, close code)"""
        ws = websocket.create_connection(
            f"ws://127.0.0.1:{port or self.cluster.port}/api/v1/ws/marathon/{task_id}{query}", timeout=30)
        got = []
        while True:
            opcode, data = ws.recv_data()
            if opcode == websocket.ABNF.OPCODE_CLOSE:
                return got, int.from_bytes(data[:2], "big")
            got.append(json.loads(data))

    def test_start_runs_to_completed_and_status_has_every_field_of_the_contract(self):
        c = self.cluster
        code, headers, answer = c.call("POST", "/start", {"task_type": "five", "session_id": "sess",
                                                          "input_data": {"a": [1, 2.5, "x"]}})
        self.assertEqual((code, answer["status"], answer["task_id"]), (202, "started", "sess"))
        self.assertTrue(headers["Location"].endswith("/api/v1/marathon/status/sess"))
        done = c.wait("sess")
        self.assertEqual(done["status"], "completed")
        self.assertEqual(sorted(done), sorted(set(done) | {
            "task_id", "task_type", "session_id", "status", "progress", "current_step", "total_steps", "current_step_name",
            "created_at", "started_at", "completed_at", "estimated_completion", "steps", "checkpoints",
            "accumulated_results", "error", "can_recover", "seq"}))
        self.assertEqual((done["progress"], done["current_step"], done["total_steps"]), (1, 5, 5))
        self.assertEqual(list(done["accumulated_results"]), ["s0", "s1", "s2", "s3", "s4"])
        self.assertEqual([s["step_id"] for s in done["steps"]], [f"step_{i}" for i in range(5)])
        self.assertEqual(done["steps"][2]["result"], {"step": "s2", "attempt": 1, "seen": ["s0", "s1"]})
        self.assertTrue(all(140 <= s["duration_ms"] < 60000 for s in done["steps"]), done["steps"])
        checkpoints = c.get("/checkpoints/sess")
        self.assertEqual([x["checkpoint_id"] for x in checkpoints], [f"sess_cp_{i}" for i in range(5)])
        self.assertEqual([len(x["accumulated_results"]) for x in checkpoints], [1, 2, 3, 4, 5])
        self.assertEqual(done["checkpoints"], checkpoints)
        self.assertEqual(c.get("/result/sess"), done["accumulated_results"])
        light = c.get("/status/sess?results=false")
        self.assertNotIn("accumulated_results", light)

    def test_two_watchers_see_the_same_and_a_late_one_misses_nothing(self):
        c = self.cluster
        c.begin(task_type="five", task_id="w")
        got = {}

        def watch(name):
            got[name] = self.messages("w")

        threads = [threading.Thread(target=watch, args=(n,)) for n in ("a", "b")]
        for t in threads:
            t.start()
        until("two steps are done", lambda: c.get("/status/w")["current_step"] >= 3)
        got["late"] = self.messages("w")
        for t in threads:
            t.join(60)
        for name in ("a", "b", "late"):
            messages, code = got[name]
            self.assertEqual(code, 1000)
            self.assertEqual(messages[0]["type"], "initial_state")
            self.assertEqual(messages[-1]["type"], "task_complete")
            seqs = [m["seq"] for m in messages]
            self.assertEqual(seqs, list(range(seqs[0], seqs[0] + len(seqs))), f"{name}: a hole or a repetition")
            progress = [m["data"]["progress"] for m in messages if m["type"] == "progress_update"]
            self.assertEqual(progress, sorted(progress))
            self.assertEqual(list(messages[-1]["data"]["results"]), ["s0", "s1", "s2", "s3", "s4"])
        first = max(got[n][0][0]["seq"] for n in got)
        tails = [[m for m in got[n][0] if m["seq"] > first] for n in got]
        self.assertEqual(tails[0], tails[1])
        self.assertEqual(tails[0], tails[2])
        after_end, code = self.messages("w")
        self.assertEqual([m["type"] for m in after_end], ["initial_state", "task_complete"])
        self.assertEqual(code, 1000)
        replay, _ = self.messages("w", "?after=0")
        self.assertEqual([m["seq"] for m in replay if m["type"] != "initial_state"][0], 1)

    def test_a_last_message_under_way_is_not_mixed_with_a_fresh_run(self):
        c = self.cluster
        one = {"task_id": "again", "input_data": {"x": "y" * 250000}, "steps": [{"name": "first", "function": "sleep", "input": {"seconds": 1}}, *(
            {"name": f"b{i}", "function": "echo", "needs": ["first"]} for i in range(24))]}
        self.assertEqual(c.call("POST", "/start", one)[0], 202)
        ws = websocket.create_connection(f"ws://127.0.0.1:{c.port}/api/v1/ws/marathon/again", timeout=30,
                                         sockopt=((socket.SOL_SOCKET, socket.SO_RCVBUF, 4096),))
        json.loads(ws.recv())
        until("it has completed", lambda: c.get("/status/again?results=false")["status"] == "completed")
        until("its last message is under way", lambda: socket_backlog(c.port) > 100000)
        self.assertEqual(c.call("POST", "/start", one)[0], 202)
        while True:  # the client ends by an exception where a message begins within another one
            opcode, data = ws.recv_data()
            if opcode == websocket.ABNF.OPCODE_CLOSE:
                break
            json.loads(data)
        self.assertIn(int.from_bytes(data[:2], "big"), (1000, 1013))
        self.assertEqual(c.wait("again")["status"], "completed")

    def test_ping_is_answered_and_an_unknown_task_is_closed_with_4404(self):
        c = self.cluster
        c.begin(steps=[{"name": "h", "function": "effect", "input": {"hang": True}}], task_id="p")
        ws = websocket.create_connection(f"ws://127.0.0.1:{c.port}/api/v1/ws/marathon/p", timeout=30)
        ws.send("ping")
        texts = []
        while "pong" not in texts:
            texts.append(ws.recv())
        ws.close()
        self.assertEqual(c.call("POST", "/cancel/p")[0], 200)
        self.assertEqual(self.messages("nobody"), ([], 4404))

    def test_the_stream_resumes_behind_the_last_event_id(self):
        c = self.cluster
        c.begin(task_type="five", task_id="sse")
        c.wait("sse")
        code, _, raw = c.call("GET", "/stream/sse", headers={"Last-Event-ID": "2"})
        self.assertEqual(code, 200)
        ids = [int(line[4:]) for line in raw.decode().splitlines() if line.startswith("id:")]
        self.assertEqual(ids, list(range(3, ids[-1] + 1)))
        self.assertIn('"type":"task_complete"', raw.decode().replace('": "', '":"'))
        for query in ("", "?after=0"):  # a browser comes back to the address with which it began
            code, _, _ = c.call("GET", f"/stream/sse{query}", headers={"Last-Event-ID": str(ids[-1])})
            self.assertEqual(code, 204)

    def test_cancel_stops_a_running_function_and_a_second_cancel_is_refused(self):
        c = self.cluster
        c.begin(steps=[{"name": "h", "function": "effect", "input": {"hang": True}}], task_id="c")
        until("it runs", c.effects_lines)
        code, _, answer = c.call("POST", "/cancel/c")
        self.assertEqual((code, answer["status"]), (200, "cancelled"))
        self.assertEqual(c.get("/status/c")["status"], "cancelled")
        until("the slot is free", lambda: all(w["busy"] == 0 for w in c.get("/workers")["items"]))
        code, headers, problem = c.call("POST", "/cancel/c")
        self.assertEqual((code, problem["code"]), (409, "TASK_ENDED"))
        self.assertIn("application/problem+json", headers["Content-Type"])
        messages, _ = self.messages("c")
        self.assertEqual([m["type"] for m in messages], ["initial_state", "task_cancelled"])

    def test_the_checkpoint_is_valid_json_at_every_moment_and_grows(self):
        c = self.cluster
        gates = [os.path.join(c.dir, f"gate{i}") for i in range(5)]  # step i ends when the checkpoint of i steps was seen
        c.begin(steps=[{"name": f"s{i}", "function": "effect", "input": {"until": gate}} for i, gate in enumerate(gates)], task_id="cp")
        counts = []
        while True:
            ttl = c.redis("TTL", "checkpoint:cp")
            text = c.redis("GET", "checkpoint:cp")
            doc = json.loads(text)
            counts.append(doc["step"])
            self.assertEqual(doc["task_id"], "cp")
            self.assertEqual(doc["step"], len(doc["results"]))
            if doc["step"] == 5:
                break
            self.assertEqual(ttl, "-1")
            open(gates[doc["step"]], "w").close()
        self.assertEqual(counts, sorted(counts))
        self.assertEqual(set(counts), set(range(6)))
        self.assertEqual(doc["state_snapshot"], {"storage_backend": "redis", "checkpoint_interval": 60, "max_retries": 3,
                                                 "enable_recovery": True})
        self.assertEqual(c.wait("cp")["status"], "completed")
        self.assertTrue(3500 <= int(c.redis("TTL", "checkpoint:cp")) <= 3600)
        self.assertIn("checkpoint:cp", c.redis("KEYS", "checkpoint:*").splitlines())

    def test_an_idempotency_key_replays_and_refuses_another_body(self):
        c = self.cluster
        key = {"Idempotency-Key": "k-1"}
        first = c.call("POST", "/start", {"task_type": "one"}, key)
        second = c.call("POST", "/start", {"task_type": "one"}, key)
        self.assertEqual((first[0], second[0]), (202, 202))
        self.assertEqual(first[2], second[2])
        self.assertEqual([x[1].get("Idempotent-Replayed") for x in (first, second)], [None, "true"])
        other = c.call("POST", "/start", {"task_type": "five"}, key)
        self.assertEqual((other[0], other[2]["code"]), (422, "IDEMPOTENCY_MISMATCH"))
        for i in range(16):  # a key is of the id that its request names, wherever the two ids lie
            for body, wanted in (({"task_type": "one"}, 202), ({"task_type": "one"}, 202), ({"task_type": "five"}, 422)):
                self.assertEqual(c.call("POST", "/start", {**body, "task_id": f"named{i}"}, key)[0], wanted)

    def test_two_gateways_serve_the_same_tasks(self):
        c = self.cluster
        second = c.start_gateway()
        c.begin(task_type="five", task_id="g")
        a = self.messages("g", port=second.port)[0]
        self.assertEqual(a[-1]["type"], "task_complete")
        self.assertEqual(c.get("/result/g"), c.get("/result/g", port=second.port))

    def test_tasks_are_listed_newest_first_in_pages(self):
        c = self.cluster
        for i in range(5):
            c.begin(task_type="one", task_id=f"l{i}")
            time.sleep(0.002)  # creation times are milliseconds: equal ones would be ordered by id
        ids, cursor = [], ""
        while cursor is not None:
            page = c.get("/tasks?limit=2" + (f"&cursor={cursor}" if cursor else ""))
            self.assertLessEqual(len(page["items"]), 2)
            ids += [x["task_id"] for x in page["items"]]
            cursor = page["next_cursor"]
        self.assertEqual(ids, ["l4", "l3", "l2", "l1", "l0"])
        for i in range(5):
            c.wait(f"l{i}")
        self.assertEqual(len(c.get("/tasks?status=completed")["items"]), 5)
        self.assertEqual(c.get("/tasks?status=failed")["items"], [])
        self.assertEqual([p["name"] for p in c.get("/pipelines")["items"]], ["five", "one"])
        self.assertEqual(c.get("/pipelines/one")["steps"][0]["function"], "effect")

    def test_a_step_whose_function_nobody_offers_waits_and_says_why(self):
        c = self.cluster
        c.begin(steps=[{"name": "x", "function": "nobody.has.this"}], task_id="wait")
        step = until("the reason shows", lambda: [s for s in c.get("/status/wait")["steps"] if s.get("waiting_for")])[0]
        self.assertEqual(step["status"], "pending")
        self.assertIn("nobody.has.this", step["waiting_for"])
        coordinator = next(p for p in c.processes if p.name == "coordinator1")
        until("the log says it too", lambda: "nobody.has.this" in coordinator.log())
        self.assertEqual(c.call("POST", "/cancel/wait")[0], 200)


if __name__ == "__main__":
    unittest.main(verbosity=2)
