"""Each example of deploy/pipelines/examples runs for real, as its file stands; what its end must look like is in the table."""

import json
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from cluster import ClusterCase, until  # noqa: E402

EXAMPLES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "deploy", "pipelines", "examples")


def statuses(status):
    return {s["name"]: s["status"] for s in status["steps"]}


def check_failure(case, status):
    case.assertEqual(status["status"], "completed")
    case.assertEqual(statuses(status), {"weather": "completed", "photos": "failed", "album": "skipped", "menu": "completed",
                                        "clean_up": "completed"})
    case.assertEqual(status["accumulated_results"]["weather"], {"forecast": None})
    case.assertIn("no weather today", status["steps"][0]["error_message"])


def check_retry(case, status):
    case.assertEqual((status["status"], status["steps"][0]["retry_count"]), ("completed", 2))


def approve(case, task_id):
    until("it waits for the approval", lambda: case.cluster.get(f"/status/{task_id}")["status"] == "waiting")
    code, _, answer = case.cluster.call("POST", f"/signal/{task_id}", {"name": "approve", "data": {"approved": True}, "actor": "ann"})
    case.assertEqual((code, answer["step"], answer["kept"]), (200, "ok", False))


def check_approval(case, status):
    case.assertEqual(status["status"], "completed")
    case.assertEqual(status["accumulated_results"]["ok"], {"approved": True})
    case.assertIsNone(status["accumulated_results"]["cool_off"])
    case.assertGreaterEqual(status["steps"][2]["duration_ms"], 990)


def check_expressions(case, status):
    case.assertEqual(status["status"], "completed")
    case.assertEqual(statuses(status), {"menu": "completed", "discount": "completed", "candles": "skipped", "bill": "completed"})
    case.assertIsNone(status["steps"][2]["result"])
    case.assertEqual(status["accumulated_results"]["bill"], {
        "dishes": [{"name": "soup", "price": 7}, {"name": "cake", "price": 5}], "sum": 144, "percent_off": 10,
        "text": "12 x soup, a price list has ${price}"})


def check_nested(case, status):
    case.assertEqual(status["status"], "completed")
    case.assertEqual([s["name"] for s in status["steps"]],
                     ["order", "soup/cook", "soup/taste", "soup", "cake/cook", "cake/taste", "cake", "serve"])
    case.assertEqual(status["accumulated_results"]["soup"], {"taste": {"was": {"dish": "soup", "for": 4}}})
    case.assertEqual(status["steps"][4]["status"], "skipped")
    case.assertEqual(status["accumulated_results"]["serve"], {"soup": {"dish": "soup", "for": 4}, "cake": None})


def check_fan_out(case, status):
    case.assertEqual(status["status"], "completed")
    dishes = ["soup", "pasta", "cake", "tea"]
    case.assertEqual(status["accumulated_results"]["describe"],
                     [{"dish": dish, "number": n + 1, "guests": 4} for n, dish in enumerate(dishes)])
    case.assertEqual(status["accumulated_results"]["menu"], {"first": "soup", "dishes": 4})
    case.assertEqual(status["steps"][1]["items"], {"total": 4, "completed": 4, "failed": 0, "running": 0})


def add_labelled_worker(case, task_id):
    wants = [{"function": "echo", "requires": {"gpu": "true", "region": "eu"}, "steps": 1}]
    until("the step with labels waits", lambda: case.cluster.get("/workers")["waiting"] == wants)
    step = case.cluster.get(f"/status/{task_id}")["steps"][1]
    case.assertEqual((step["status"], step["waiting_for"]),
                     ("pending", "no worker that offers the function echo has the labels gpu=true,region=eu"))
    ready = case.cluster.call("GET", "/readyz?verbose", prefix="")[2]
    case.assertEqual(ready["coordinators"][0]["detail"], "no worker offers echo and has the labels gpu=true,region=eu (steps ready: 1)")
    case.cluster.start_worker(MARATHON_LABELS="region=eu,gpu=true,owner=kitchen")


def check_labels(case, status):
    case.assertEqual(status["status"], "completed")
    case.assertEqual(status["accumulated_results"]["album"], {"price": 7, "photos": 3})
    workers = case.cluster.get("/workers")
    case.assertEqual(workers["waiting"], [])
    case.assertIn({"region": "eu", "gpu": "true", "owner": "kitchen"}, [w["labels"] for w in workers["items"]])


def check_priority(case, status):
    case.assertEqual(status["accumulated_results"]["alarm"], {"priority": 5, "dish": "soup"})
    case.assertEqual(case.cluster.get("/pipelines/priority")["priority"], 5)


# name of the file: what is to be done while it runs
ACTS = {"approval": approve, "labels": add_labelled_worker}

# name of the file: (input_data, what is to be checked of the status at its end)
CASES = {
    "fan_out": ({"guests": 4}, check_fan_out),
    "failure": ({"dish": "soup"}, check_failure),
    "retry": ({}, check_retry),
    "approval": ({"dish": "soup"}, check_approval),
    "expressions": ({"guests": 12}, check_expressions),
    "labels": ({"dish": "soup"}, check_labels),
    "priority": ({"dish": "soup"}, check_priority),
    "nested": ({"guests": 4, "dessert": False}, check_nested),
}


class Examples(ClusterCase):
    def setUp(self):
        super().setUp()
        for name in os.listdir(EXAMPLES):
            if name.endswith(".json"):
                with open(os.path.join(EXAMPLES, name)) as f:
                    definition = json.load(f)
                self.cluster.write_pipeline(**definition)
        self.cluster.start(workers=2)

    def test_each_example_runs(self):
        for name, (input_data, check) in CASES.items():
            with self.subTest(name):
                task_id = self.cluster.begin(task_type=name, input_data=input_data)
                ACTS.get(name, lambda case, task_id: None)(self, task_id)
                check(self, self.cluster.wait(task_id))


if __name__ == "__main__":
    unittest.main(verbosity=2)
