"""Bad input: each case has the right status, a stable code, and a pointer to the field at fault; bad functions are typed errors of their
step and leave the worker unharmed."""

import os
import resource
import socket
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from cluster import ClusterCase, until  # noqa: E402

STRANGERS_MAX = 1024  # of coordinator/main/daemon.c
ONE = [{"name": "a", "function": "echo"}]

# body of POST /start, status, code, pointer
STARTS = [
    ({"task_type": "no_such_pipeline"}, 422, "UNKNOWN_PIPELINE", "/task_type"),
    ({}, 422, "INVALID_FIELD", "/task_type"),
    ({"task_type": 7}, 422, "INVALID_FIELD", "/task_type"),
    ({"steps": {}}, 422, "INVALID_FIELD", "/steps"),
    ({"steps": ONE, "colour": "red"}, 422, "INVALID_FIELD", "/colour"),
    ({"steps": ONE, "priority": 11}, 422, "INVALID_FIELD", "/priority"),
    ({"steps": ONE, "priority": "high"}, 422, "INVALID_FIELD", "/priority"),
    ({"steps": ONE, "max_retries_per_step": 101}, 422, "INVALID_FIELD", "/max_retries_per_step"),
    ({"steps": ONE, "max_retries_per_step": 1.5}, 422, "INVALID_FIELD", "/max_retries_per_step"),
    ({"steps": ONE, "max_task_duration_seconds": 0}, 422, "INVALID_FIELD", "/max_task_duration_seconds"),
    ({"steps": ONE, "enable_checkpoints": "yes"}, 422, "INVALID_FIELD", "/enable_checkpoints"),
    ({"steps": ONE, "task_id": "x" * 129}, 422, "INVALID_FIELD", "/task_id"),
    ({"steps": ONE, "task_id": "a/b"}, 422, "INVALID_FIELD", "/task_id"),
    ({"steps": ONE, "input_data": [1]}, 422, "INVALID_FIELD", "/input_data"),
    ({"steps": [{"name": "a", "function": "echo", "needs": ["ghost"]}]}, 422, "INVALID_PIPELINE", "/steps/0/needs/0"),
    ({"steps": [{"name": "a", "function": "echo", "needs": ["b"]}, {"name": "b", "function": "echo", "needs": ["a"]}]},
     422, "INVALID_PIPELINE", None),
    ({"steps": ONE + ONE}, 422, "INVALID_PIPELINE", "/steps/1/name"),
    ({"steps": [{"name": "a"}]}, 422, "INVALID_PIPELINE", None),
    ({"steps": [{"name": "a", "function": "echo", "colour": 1}]}, 422, "INVALID_PIPELINE", "/steps/0/colour"),
    ({"steps": [{"name": "a", "function": "e c h o"}]}, 422, "INVALID_PIPELINE", "/steps/0/function"),
    ({"steps": [{"name": "a", "function": "echo", "timeout": -1}]}, 422, "INVALID_PIPELINE", "/steps/0/timeout"),
    ({"steps": ONE, "input_data": {"big": "x" * (300 << 10)}}, 413, "TOO_LARGE", "/input_data"),
]

RAW = [
    (b"{", 400, "INVALID_JSON"),
    (b"[]", 422, None),
    (b'{"steps":[{"name":"a","function":"echo"}],"task_id":"\xff"}', 400, "INVALID_JSON"),
    (b'{"task_type":"a"} x', 400, "INVALID_JSON"),
    (b"", 400, None),
    (b" " * (2 << 20), 413, "TOO_LARGE"),
]

SH = ["/bin/sh", "-c"]
NAP = f"sleep 1000.{os.getpid()}"  # as no other test naps
FUNCTIONS = {
    "nothing": (["/bin/true"], "FUNCTION_BAD_OUTPUT"),
    "text": (SH + ["echo hello"], "FUNCTION_BAD_OUTPUT"),
    "two": (SH + ["echo 1 2"], "FUNCTION_BAD_OUTPUT"),
    "not_utf8": (SH + ["printf '\"\\377\"'"], "FUNCTION_BAD_OUTPUT"),
    "endless": (SH + ["exec cat /dev/zero"], "RESULT_TOO_LARGE"),
    "hundred_mb": (SH + ["head -c 100000000 /dev/zero | tr '\\0' 1"], "RESULT_TOO_LARGE"),
    "exit_3": (SH + ["echo the reason >&2; exit 3"], "FUNCTION_FAILED"),
    "exit_65": (SH + ["echo bad data >&2; exit 65"], "FUNCTION_REJECTED"),
    "segv": (SH + ["kill -SEGV $$"], "FUNCTION_CRASHED"),
    "hangs": (SH + [f"{NAP} & {NAP}"], "STEP_TIMEOUT"),
    "missing": (["/no/such/program"], "FUNCTION_UNAVAILABLE"),
}


class BadInput(ClusterCase):
    functions = {name: {"exec": argv} for name, (argv, _) in FUNCTIONS.items()}

    def setUp(self):
        super().setUp()
        self.cluster.start(workers=1)

    def problem(self, answer, status, code, pointer=None):
        got, headers, body = answer
        self.assertEqual(got, status, body)
        self.assertIn("application/problem+json", headers["Content-Type"])
        for field in ("type", "title", "status", "detail", "code"):
            self.assertIn(field, body)
        if code:
            self.assertEqual(body["code"], code, body)
        if pointer:
            self.assertEqual(body["errors"][0]["pointer"], pointer, body)

    def test_starts(self):
        for body, status, code, pointer in STARTS:
            with self.subTest(body=str(body)[:90]):
                self.problem(self.cluster.call("POST", "/start", body), status, code, pointer)

    def test_bodies_that_are_no_start_at_all(self):
        for raw, status, code in RAW:
            with self.subTest(raw=raw[:40]):
                self.problem(self.cluster.call("POST", "/start", raw), status, code)

    def test_unknown_things(self):
        c = self.cluster
        for method, path in (("GET", "/status/nobody"), ("POST", "/cancel/nobody"), ("POST", "/recover/nobody"),
                             ("GET", "/checkpoints/nobody"), ("GET", "/result/nobody"), ("GET", "/stream/nobody")):
            with self.subTest(path=path):
                self.problem(c.call(method, path), 404, "TASK_NOT_FOUND")
        self.problem(c.call("GET", "/status/" + "x" * 129), 404, None)
        self.problem(c.call("GET", "/status/a%2Fb"), 404, None)
        self.problem(c.call("GET", "/pipelines/nobody"), 404, "PIPELINE_NOT_FOUND")
        self.problem(c.call("GET", "/nothing"), 404, "NOT_FOUND")
        self.problem(c.call("DELETE", "/start"), 405, "METHOD_NOT_ALLOWED")
        self.problem(c.call("POST", "/start", {"steps": ONE}, {"Content-Type": "text/plain"}), 415, "UNSUPPORTED_TYPE")
        self.problem(c.call("GET", "/tasks?limit=0"), 422, None)
        self.problem(c.call("GET", "/tasks?cursor=%21"), 422, None)

    def test_bad_functions_are_typed_errors_and_the_worker_is_unharmed(self):
        c = self.cluster
        worker = c.get("/workers")["items"][0]
        for name, (_, code) in FUNCTIONS.items():
            with self.subTest(function=name):
                c.begin(steps=[{"name": "x", "function": name, "timeout": 1 if name == "hangs" else 60, "max_retries": 0}],
                        task_id=name)
                failed = c.wait(name, seconds=90)
                self.assertEqual(failed["status"], "failed")
                self.assertEqual(failed["steps"][0]["error_code"], code, failed["steps"][0])
                if name == "exit_3":
                    self.assertIn("the reason", failed["error"])
        until("no slot is busy", lambda: [w["busy"] for w in c.get("/workers")["items"]] == [0])
        self.assertEqual(c.get("/workers")["items"][0]["pid"], worker["pid"])
        c.begin(steps=ONE, task_id="after", input_data={"x": 1})
        self.assertEqual(c.wait("after")["accumulated_results"], {"a": {"x": 1}})
        until("the grandchildren of the function that hung are dead", lambda: not os.popen(f"pgrep -fx '{NAP}'").read())

    def test_a_crowd_of_strangers_is_bounded_and_goes_and_the_pool_works_on(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        crowd = []

        def join(count):
            for _ in range(count):
                s = socket.socket(socket.AF_UNIX)
                self.addCleanup(s.close)
                s.connect(self.cluster.coordinator_url(1)[len("ipc://"):])
                s.settimeout(60)
                crowd.append(s)

        join(STRANGERS_MAX + 40)
        log = next(p for p in self.cluster.processes if p.name == "coordinator1").log

        def turned_away():
            """Where their coming took so long that the first ones have gone already, others come."""
            missing = 40 - log().count("too many connections")
            if missing > 0 and len(crowd) < 2 * STRANGERS_MAX:
                join(missing)
            return missing <= 0

        until("those beyond the bound are turned away", turned_away, every=0.2)
        self.cluster.begin(steps=[{"name": "a", "function": "echo"}], task_id="beside")
        self.assertEqual(self.cluster.wait("beside")["status"], "completed")
        for s in crowd:  # the others have said nothing for 5 s
            self.assertEqual(s.recv(1), b"")

    def test_a_result_before_the_end_is_a_conflict_that_names_the_state(self):
        c = self.cluster
        c.begin(steps=[{"name": "s", "function": "sleep"}], task_id="early", input_data={"seconds": 300})
        got = c.call("GET", "/result/early")
        self.problem(got, 409, "RESULT_NOT_READY")
        self.assertEqual(c.call("POST", "/cancel/early")[0], 200)


if __name__ == "__main__":
    unittest.main(verbosity=2)
