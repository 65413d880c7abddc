"""Redis goes away, stands still, or comes back with older data: what is refused, what goes on, what is told."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from cluster import BIN, PARTITIONS, ClusterCase, free_port, page, until, value  # noqa: E402
from resp import Redis  # noqa: E402


class StoreAway(ClusterCase):
    def setUp(self):
        super().setUp()
        c = self.cluster
        self.port = free_port()
        self.redis = c.start_redis()
        self.coordinator = c.start_coordinator(MARATHON_METRICS_LISTEN=f"127.0.0.1:{self.port}")
        c.start_worker()
        c.start_gateway()
        until("the worker has joined", lambda: len(c.get("/workers")["items"]) == 1)

    def counted(self, name):
        return value(page(self.port, "/metrics")[1], f"marathon_coordinator_{name}")

    def start_answer(self, task_id):
        status, headers, body = self.cluster.call("POST", "/start", {"task_id": task_id, "steps": [{"name": "a", "function": "echo"}]})
        return status, headers, body

    def beats(self):
        return sum(int(hb) for hb in Redis(self.cluster.redis_socket, 20).pipeline(
            [("HGET", f"marathon:owner:p{p:02d}", "hb") for p in range(PARTITIONS)]))

    def run_through(self, task_id):
        until(f"{task_id} is accepted", lambda: self.start_answer(task_id)[0] in (202, 409), 30)
        self.assertEqual(self.cluster.wait(task_id)["status"], "completed")

    def known(self, task_id):
        """200 or 404, once its partition is somebody's."""
        return until("it is known whether there is such a task", lambda: next(
            (code for code in [self.cluster.call("GET", f"/status/{task_id}")[0]] if code < 500), None))

    def test_a_redis_that_stands_still_refuses_starts_and_loses_no_work(self):
        c = self.cluster
        c.begin(task_id="busy", steps=[{"name": "a", "function": "sleep", "input": {"seconds": 3}}, {"name": "b", "function": "effect"}])
        until("it runs", lambda: c.get("/status/busy")["status"] == "running")
        self.redis.kill(signal.SIGSTOP)
        until("the loss is noticed", lambda: self.counted('store_up{backend="redis"}') == 0)
        status, headers, body = self.start_answer("refused")
        self.assertEqual((status, body["status"]), (503, 503))
        self.assertGreaterEqual(int(headers["Retry-After"]), 1)
        self.redis.kill(signal.SIGCONT)
        done = c.wait("busy", seconds=60)
        self.assertEqual(done["status"], "completed")
        self.assertEqual([s["retry_count"] for s in done["steps"]], [0, 0])
        self.assertEqual(len(c.effects_lines()), 1)
        self.assertEqual(self.counted("redeliveries_total"), 0)
        self.assertEqual(self.counted("takeovers_total"), 0)
        self.assertEqual(self.counted("store_rollbacks_total"), 0)
        self.run_through("after")

    def test_a_killed_redis_comes_back_with_all_and_the_work_goes_on(self):
        c = self.cluster
        c.begin(task_id="busy", steps=[{"name": "a", "function": "sleep", "input": {"seconds": 2}}, {"name": "b", "function": "effect"}])
        until("it runs", lambda: c.get("/status/busy")["status"] == "running")
        self.redis.kill()
        until("the loss is noticed", lambda: self.counted('store_up{backend="redis"}') == 0)
        self.assertEqual(self.start_answer("refused")[0], 503)
        self.redis.start()
        self.assertEqual(c.wait("busy", seconds=60)["status"], "completed")
        self.assertEqual(len(c.effects_lines()), 1)
        self.assertEqual(self.counted("store_rollbacks_total"), 0)
        self.assertGreater(self.counted("store_connects_total"), 1)

    def test_the_gate_is_asked_again_and_names_what_is_wrong(self):
        c = self.cluster
        c.begin(task_id="busy", steps=[{"name": "a", "function": "sleep", "input": {"seconds": 1}}])
        c.redis("CONFIG", "SET", "appendfsync", "everysec")
        until("admission is closed", lambda: self.counted("admission_open") == 0, 30, 0.1)
        status, headers, body = self.start_answer("refused")
        self.assertEqual(status, 503)
        self.assertIn("appendfsync", body["detail"])
        self.assertGreaterEqual(int(headers["Retry-After"]), 1)
        self.assertEqual(c.wait("busy")["status"], "completed")  # what runs goes on
        c.redis("CONFIG", "SET", "appendfsync", "always")
        until("admission is open", lambda: self.counted("admission_open") == 1, 30, 0.1)
        self.run_through("after")

    def examined(self):
        """What the doctor finds wrong, and whether it says so by its exit code."""
        done = subprocess.run([f"{BIN}/marathon", "doctor", "-o", "json", "--server", f"http://127.0.0.1:{self.cluster.port}"],
                              capture_output=True, text=True, timeout=60)
        return done.returncode, [f["detail"] for f in json.loads(done.stdout)["findings"] if f["level"] == "fault"]

    def test_a_full_redis_is_told_and_so_is_its_end(self):
        c = self.cluster
        c.redis("CONFIG", "SET", "maxmemory", "1")
        status, _, body = self.start_answer("refused")
        self.assertEqual((status, body["code"]), (503, "STORE_FULL"))
        self.assertEqual(self.counted("admission_open"), 0)
        status, _, ready = c.call("GET", "/readyz?verbose", prefix="")
        self.assertEqual(status, 200, "what runs goes on, and may be cancelled")
        self.assertIn("maxmemory", ready["coordinators"][0]["starts_refused"])
        code, faults = self.examined()
        self.assertEqual((code, len(faults)), (1, 1), faults)
        self.assertIn("maxmemory", faults[0])
        c.redis("CONFIG", "SET", "maxmemory", "0")
        until("admission is open, although nobody starts anything", lambda: self.counted("admission_open") == 1)
        self.assertEqual(self.examined(), (0, []))
        self.run_through("after")

    def test_why_the_store_is_away_is_told(self):
        self.redis.kill()
        until("the loss is noticed", lambda: self.counted('store_up{backend="redis"}') == 0)
        until("the doctor knows why", lambda: any("does not answer: cannot connect to" in fault for fault in self.examined()[1]))

    def test_an_older_file_that_is_restored_is_told_and_survived(self):
        c = self.cluster
        aof, kept = os.path.join(c.dir, "appendonlydir"), os.path.join(c.dir, "kept")
        self.run_through("before")
        shutil.copytree(aof, kept)
        beat = self.beats()
        self.run_through("lost")
        until("the owner's heartbeat goes on", lambda: self.beats() >= beat + 2 * PARTITIONS)
        self.redis.kill()
        shutil.rmtree(aof)
        shutil.move(kept, aof)
        self.redis.start()
        until("the rollback is counted", lambda: (self.counted("store_rollbacks_total") or 0) >= 60, 30)
        told = r"error coordinator store_rolled_back partition=\d+ what=\"an older (heartbeat|owner)"
        until("it is told", lambda: re.search(told, self.coordinator.log()))
        self.run_through("after")
        self.assertEqual(c.wait("before")["status"], "completed")
        self.assertEqual(self.known("lost"), 404)

    def test_a_backup_that_was_copied_while_it_ran_is_restored_as_the_runbook_says(self):
        c = self.cluster
        aof, kept = os.path.join(c.dir, "appendonlydir"), os.path.join(c.dir, "kept")
        self.run_through("done")
        c.begin(task_id="live", steps=[{"name": "a", "function": "effect"}, {"name": "b", "wait": {"signal": "go"}}, {"name": "c", "function": "effect"}])
        until("its first step is done", lambda: c.get("/status/live")["steps"][0]["status"] == "completed")
        c.redis("CONFIG", "SET", "auto-aof-rewrite-percentage", "0")
        shutil.copytree(aof, kept)
        later = {"task_id": "later", "steps": [{"name": "a", "function": "effect"}]}
        self.assertEqual(c.call("POST", "/start", later, {"Idempotency-Key": "later-1"})[0], 202)
        self.assertEqual(c.wait("later")["status"], "completed")

        self.coordinator.popen.terminate()
        self.coordinator.popen.wait(40)
        self.redis.kill()
        shutil.rmtree(aof)
        shutil.move(kept, aof)
        self.redis.start()
        self.coordinator.start()
        until("the gateway is ready again", c.ready)
        until("all partitions are served", c.served)
        self.assertEqual(c.wait("done")["status"], "completed")
        self.assertEqual(self.known("later"), 404)
        self.assertEqual(c.call("POST", "/start", later, {"Idempotency-Key": "later-1"})[0], 202)
        self.assertEqual(c.wait("later")["status"], "completed")
        self.assertEqual(self.known("live"), 200)
        self.assertEqual(c.call("POST", "/signal/live", {"name": "go"})[0], 200)
        self.assertEqual(c.wait("live")["status"], "completed")
        steps = sorted(tuple(line.split()[:2]) for line in c.effects_lines())
        self.assertEqual(steps, [("later", "step_0")] * 2 + [("live", "step_0"), ("live", "step_2")])  # "later" ran in both histories


if __name__ == "__main__":
    unittest.main()
