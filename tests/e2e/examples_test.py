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


# name of the file: what is to be done while it runs
ACTS = {"approval": approve}

# name of the file: (input_data, what is to be checked of the status at its end)
CASES = {
    "fan_out": ({"guests": 4}, check_fan_out),
    "failure": ({"dish": "soup"}, check_failure),
    "retry": ({}, check_retry),
    "approval": ({"dish": "soup"}, check_approval),
    "expressions": ({"guests": 12}, check_expressions),
    "nested": ({"guests": 4, "dessert": False}, check_nested),
}


class Examples(ClusterCase):
    def setUp(self):
        super().setUp()
        for name in os.listdir(EXAMPLES):
            if name.endswith(".json"):
                with open(os.path.join(EXAMPLES, name)) as f:
                    definition = json.load(f)
                self.cluster.write_pipeline(definition["name"], definition["steps"])
        self.cluster.start(workers=2)

    def test_each_example_runs(self):
        for name, (input_data, check) in CASES.items():
            with self.subTest(name):
                task_id = self.cluster.begin(task_type=name, input_data=input_data)
                ACTS.get(name, lambda case, task_id: None)(self, task_id)
                check(self, self.cluster.wait(task_id))


if __name__ == "__main__":
    unittest.main(verbosity=2)
