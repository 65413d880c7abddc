"""Each example of deploy/pipelines/examples runs for real, as its file stands; what its end must look like is in the table."""

import json
import os
import subprocess
import sys
import unittest
from datetime import datetime

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from cluster import BIN, ClusterCase, until  # noqa: E402

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
    c, task_id = case.cluster, status["task_id"]
    code, _, answer = c.call("POST", f"/fork/{task_id}", {"from_step": "soup/taste", "task_id": "fork_of_nested"})
    case.assertEqual(code, 202, answer)
    case.assertEqual(c.wait("fork_of_nested")["accumulated_results"], status["accumulated_results"])
    code, _, answer = c.call("POST", f"/recover/{task_id}", {"from_step": "soup/nosuch"})
    case.assertEqual((code, answer["code"]), (409, "NOTHING_TO_RECOVER"))
    code, _, answer = c.call("GET", f"/tasks/{task_id}/steps/soup%2Fcook/items")
    case.assertNotEqual(answer["code"], "INVALID_ID")
    code, _, answer = c.call("POST", f"/dead-letters/{task_id}/soup%2Fcook/requeue")
    case.assertEqual((code, answer["code"]), (409, "NOT_A_DEAD_LETTER"))


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


def check_graph(case, status):
    case.assertEqual(status["status"], "completed")
    case.assertEqual(status["accumulated_results"]["serve"], {"dishes": ["soup", "cake"], "music": True})
    c, steps = case.cluster, {s["name"]: s for s in status["steps"]}

    def overlap():
        """In one run at least: that each takes half a second does not say that a busy machine has begun both by then."""
        _, a, b, *_ = c.wait(c.begin(task_type="graph"))["steps"]
        return a["started_at"] < b["completed_at"] and b["started_at"] < a["completed_at"]
    until("soup and cake are cooked side by side", overlap)
    case.assertGreaterEqual(steps["serve"]["started_at"], max(steps["soup"]["completed_at"], steps["cake"]["completed_at"]))


def check_when(case, status):
    case.assertEqual(statuses(status), {"order": "completed", "hall": "completed", "corner": "skipped", "seat": "completed"})
    case.assertEqual(status["accumulated_results"]["seat"], {"table": "the long one"})


def check_finally(case, status):
    case.assertEqual((status["status"], statuses(status)), ("failed", {"rent": "completed", "party": "failed", "return_tables": "completed"}))
    case.assertEqual(status["accumulated_results"]["return_tables"], {"tables": 12, "party": "failed", "why": "it rained"})


def check_wait(case, status):
    case.assertEqual(status["accumulated_results"], {"knead": {}, "rest": None, "not_before": None, "bake": {"rested": "completed"}})
    case.assertGreaterEqual(status["steps"][1]["duration_ms"], 990)


def check_limits(case, status):
    case.assertEqual(status["accumulated_results"]["bill"], {"served": False, "why": "STEP_TIMEOUT"})
    case.assertEqual((status["steps"][0]["status"], status["steps"][0]["retry_count"]), ("completed", 2))


def kill_its_worker(case, task_id):
    """It has begun, and saved: then the worker dies, long before the end."""
    c = case.cluster
    until("it is on its way", lambda: c.get(f"/status/{task_id}")["steps"][0]["progress"] >= 0.1)
    until("what it saved is stored", lambda: "began_at" in c.redis("--no-raw", "HGET", f"marathon:task:{task_id}", "s0"))
    pid = next(w["pid"] for w in c.get("/workers")["items"] if w["busy"] == 1)
    next(p for p in c.processes if p.popen.pid == pid).kill()


def check_checkpoint(case, status):
    result = status["accumulated_results"]["count"]
    case.assertEqual((status["status"], result["counted"], len(result["began_at"])), ("completed", 30, 2))
    case.assertGreater(result["began_at"][1], 0, "the second attempt went on from what the first had saved")


def second_chance(case, task_id):
    """Paused, it starts nothing; its failure is mended by another input; what had been done stays. And a fork of it."""
    c = case.cluster
    until("it waits", lambda: c.get(f"/status/{task_id}")["status"] == "waiting")
    case.assertEqual(c.call("POST", f"/pause/{task_id}", {"actor": "ann", "reason": "the cook is late"})[0], 200)
    case.assertEqual(c.call("POST", f"/signal/{task_id}", {"name": "open"})[0], 200)
    until("the signal has come", lambda: statuses(c.get(f"/status/{task_id}"))["open"] == "completed")
    case.assertEqual(statuses(c.get(f"/status/{task_id}"))["cook"], "pending")
    case.assertEqual(c.call("POST", f"/resume/{task_id}")[0], 200)
    case.assertEqual(c.wait(task_id)["error"], "the oven is broken")
    code, _, answer = c.call("POST", f"/recover/{task_id}", {"from_step": "cook", "input_data": {"broken": False}, "actor": "ann"})
    case.assertEqual((code, answer["status"]), (202, "recovering"))
    c.wait(task_id)
    code, _, answer = c.call("POST", f"/fork/{task_id}", {"from_step": "serve", "task_id": "what_if", "input_data": {"broken": True}})
    case.assertEqual((code, answer["task_id"]), (202, "what_if"))
    fork = c.wait("what_if")
    case.assertEqual((fork["status"], fork["accumulated_results"]["serve"]), ("completed", {"dishes": 3, "oven": "broken"}))
    by_ann = [e for e in c.get(f"/history/{task_id}")["items"] if e["data"].get("actor") == "ann"]
    case.assertEqual([e["data"].get("reason") for e in by_ann][:1], ["the cook is late"])
    case.assertEqual(len(by_ann), 2)


def check_second_chance(case, status):
    case.assertEqual((status["status"], status["accumulated_results"]["serve"]), ("completed", {"dishes": 3, "oven": "mended"}))


def check_from_yaml(case, status):
    case.assertEqual([c["text"] for c in status["accumulated_results"]["card"]],
                     ["Welcome!\nToday there is:\n1. soup", "Welcome!\nToday there is:\n2. cake"])


def raise_budget(case, task_id):
    until("it has spent its budget", lambda: case.cluster.get(f"/status/{task_id}")["status"] == "budget_exceeded")
    status = case.cluster.get(f"/status/{task_id}")
    case.assertEqual(status["budget"], {"cost_usd": 0.5, "tokens": 1000000, "steps": 1000,
                                        "spent": {"cost_usd": 0.5, "tokens": 50000, "steps": 50}})
    case.assertEqual(status["steps"][0]["items"], {"total": 100, "completed": 50, "failed": 0, "running": 0})
    code, _, problem = case.cluster.call("POST", f"/resume/{task_id}")
    case.assertEqual((code, problem["code"]), (409, "BUDGET_EXCEEDED"))
    code, _, answer = case.cluster.call("POST", f"/resume/{task_id}", {"budget": {"cost_usd": 2}, "actor": "ann", "reason": "worth it"})
    case.assertEqual((code, answer["status"]), (200, "running"))


def check_budget(case, status):
    case.assertEqual((status["status"], status["accumulated_results"]["menu"]), ("completed", {"dishes": 100}))
    used = {"input_tokens": 90000, "output_tokens": 10000, "cost_usd": 1}
    case.assertEqual(status["usage"], {**used, "models": [{"model": "small", **used}]})
    events = [e for e in case.cluster.get(f"/history/{status['task_id']}?limit=512")["items"] if e["type"].startswith("budget_")]
    case.assertEqual([e["type"] for e in events], ["budget_warning", "budget_exceeded", "budget_changed"])
    case.assertAlmostEqual(events[0]["data"]["usage"]["cost_usd"], 0.4)
    case.assertEqual((events[2]["data"]["actor"], events[2]["data"]["reason"]), ("ann", "worth it"))
    _, headers, _ = case.cluster.call("GET", f"/result/{status['task_id']}")
    case.assertEqual(json.loads(headers["marathon-usage"]), used)
    rows = case.cluster.get("/usage?group_by=model,task_type")["items"]
    case.assertEqual(rows, [{"task_type": "budget", "model": "small", **used}])


def check_shared_limits(case, status):
    case.assertEqual(status["status"], "completed")
    case.assertEqual(status["accumulated_results"]["sum"], {"asked": 6})
    items = case.cluster.get(f"/tasks/{status['task_id']}/steps/ask/items")["items"]
    edges = []
    for item in items:  # of each a millisecond less on both sides: times are rounded
        began = datetime.fromisoformat(item["started_at"].replace("Z", "+00:00")).timestamp() * 1000
        edges += [(began + 1, 1), (began + item["duration_ms"] - 1, -1)]
    at_once = [sum(change for _, change in sorted(edges)[:n + 1]) for n in range(len(edges))]
    case.assertLessEqual(max(at_once), 2)
    ask, post = (datetime.fromisoformat(s["completed_at"].replace("Z", "+00:00")) for s in status["steps"][:2])
    case.assertGreaterEqual((post - ask).total_seconds(), 0.45)  # six at ten a second


# name of the file: what is to be done while it runs
ACTS = {"approval": approve, "budget": raise_budget, "labels": add_labelled_worker, "second_chance": second_chance, "checkpoint": kill_its_worker}

# name of the file: more of its start
STARTS = {"checkpoint": {"checkpoint_interval_seconds": 1}}

# name of the file: (input_data, what is to be checked of the status at its end)
CASES = {
    "budget": ({"dishes": list(range(100))}, check_budget),
    "fan_out": ({"guests": 4}, check_fan_out),
    "failure": ({"dish": "soup"}, check_failure),
    "retry": ({}, check_retry),
    "approval": ({"dish": "soup"}, check_approval),
    "expressions": ({"guests": 12}, check_expressions),
    "shared_limits": ({"model": "x", "questions": ["a", "b", "c", "d", "e", "f"]}, check_shared_limits),
    "labels": ({"dish": "soup"}, check_labels),
    "priority": ({"dish": "soup"}, check_priority),
    "nested": ({"guests": 4, "dessert": False}, check_nested),
    "graph": ({}, check_graph),
    "when": ({"guests": 12}, check_when),
    "finally": ({}, check_finally),
    "wait": ({}, check_wait),
    "limits": ({}, check_limits),
    "second_chance": ({"broken": True}, check_second_chance),
    "from_yaml": ({}, check_from_yaml),
    "checkpoint": ({"to": 30, "every": 0.25}, check_checkpoint),
}


# A step of another example, and run by that one.
PARTS = {"dish"}


class Examples(ClusterCase):
    def setUp(self):
        super().setUp()
        self.cluster.functions.append(os.path.join(os.environ["MARATHON_BUILD"], "pipelines", "functions.json"))
        self.cluster.start(workers=2)

    def test_each_example_runs(self):
        c = self.cluster
        env = c.env(MARATHON_URL=f"http://127.0.0.1:{c.port}")
        subprocess.run([f"{BIN}/marathon", "pipelines", "apply", EXAMPLES], env=env, check=True, capture_output=True)
        names = {name.rpartition(".")[0] for name in os.listdir(EXAMPLES)}
        self.assertEqual(names, set(CASES) | PARTS, "each file has a case here")
        self.assertLessEqual(names, {p["name"] for p in c.get("/pipelines")["items"]})
        for name, (input_data, check) in CASES.items():
            with self.subTest(name):
                task_id = c.begin(task_type=name, input_data=input_data, **STARTS.get(name, {}))
                ACTS.get(name, lambda case, task_id: None)(self, task_id)
                check(self, c.wait(task_id))


if __name__ == "__main__":
    unittest.main(verbosity=2)
