"""The restaurant pipelines for real: every step's function over the samples, through all processes."""

import json
import os
import subprocess
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
from cluster import ClusterCase, until  # noqa: E402

DEPLOY = os.path.join(HERE, "..", "..", "deploy")
BUILD = os.environ["MARATHON_BUILD"]


class Pipelines(ClusterCase):
    def setUp(self):
        super().setUp()
        c = self.cluster
        c.pipelines_dir = os.path.join(DEPLOY, "pipelines")
        c.functions.append(os.path.join(BUILD, "pipelines", "functions.json"))
        c.start(workers=2, slots=2)

    def input(self, name):
        with open(os.path.join(DEPLOY, "samples", "inputs", f"{name}.json")) as f:
            return json.load(f)

    def completions(self, task_id):
        """The idempotency keys of what was run to its end: one for each step, and for each item of one."""
        return [line.split()[3] for line in self.cluster.effects_lines() if line.split()[0] == task_id]

    def items(self, task_id, step):
        return self.cluster.get(f"/tasks/{task_id}/steps/{step}/items?limit=200")["items"]

    def test_full_analysis_finds_dishes_classes_and_campaigns(self):
        c = self.cluster
        c.begin(task_type="full_analysis", task_id="full", input_data=self.input("full_analysis"))
        done = c.wait("full", seconds=120)
        self.assertEqual(done["status"], "completed", done["error"])
        results = c.get("/result/full")
        self.assertEqual(sorted(results), ["bcg_analysis", "campaign_generation", "competitive_intel", "menu_extraction",
                                           "sentiment_analysis"])
        summary = subprocess.run([os.path.join(DEPLOY, "pipelines", "summary.py")], input=json.dumps(results),
                                 capture_output=True, text=True, check=True).stdout
        self.assertIn("star", summary.lower())
        self.assertIn("campaign", summary.lower())

    def test_competitive_intel_uses_the_results_of_each_step_before(self):
        c = self.cluster
        c.begin(task_type="competitive_intel", task_id="ci", input_data=self.input("competitive_intel"))
        done = c.wait("ci", seconds=60)
        self.assertEqual(done["status"], "completed", done["error"])
        self.assertEqual(len(done["steps"]), 5)
        self.assertTrue(done["accumulated_results"]["strategic_recommendations"])

    def test_campaign_generation_has_twenty_variants(self):
        c = self.cluster
        c.begin(task_type="campaign_generation", task_id="cg", input_data=self.input("campaign_generation"))
        done = c.wait("cg", seconds=120)
        self.assertEqual(done["status"], "completed", done["error"])
        self.assertEqual([s["name"] for s in done["steps"]], ["bcg_analysis", "sentiment_analysis", "competitive_intel", "plan_variants",
                                                              "variants", "rank_campaigns"])
        variants = done["accumulated_results"]["variants"]
        self.assertEqual(len({v["campaign"]["text"] for v in variants}), 20)
        self.assertEqual(len(done["accumulated_results"]["rank_campaigns"]["ranking"]), 20)
        self.assertEqual([i["status"] for i in self.items("cg", "variants")], ["completed"] * 20)

    def test_competitive_50_goes_on_after_its_coordinator_and_a_worker_were_killed(self):
        c = self.cluster
        c.begin(task_type="competitive_50", task_id="c50")
        until("ten items are done", lambda: len(self.completions("c50")) >= 11, 60)
        coordinator = next(p for p in c.processes if p.name == "coordinator1")
        coordinator.kill()
        stored = c.redis("HKEYS", "marathon:items:c50").count("1r")
        coordinator.start()
        until("it goes on", lambda: len(self.completions("c50")) >= stored + 5, 30)
        next(p for p in c.processes if p.name == "worker1").kill()
        killed = time.monotonic()
        done = c.wait("c50", seconds=120)
        print(f"competitive_50: {stored} items stored at the kill, completed {time.monotonic() - killed:.1f} s after the worker's")
        self.assertEqual(done["status"], "completed", done["error"])
        found = [c["id"] for c in done["accumulated_results"]["identify_competitors"]["competitors"]]
        self.assertEqual([d["id"] for d in done["accumulated_results"]["deep_dive"]], found, "in the order of the list")
        self.assertEqual((len(found), len(set(found))), (50, 50))
        counts = {}
        for key in self.completions("c50"):
            counts[key] = counts.get(key, 0) + 1
        self.assertEqual(len(counts), 51)
        # A function that the killed worker had run to its end, but not yet told of, may run once more: it was not a completed step.
        again = [key for key, n in counts.items() if n > 1]
        self.assertLessEqual(len(again), 2, "no more than the killed worker's slots")

    def test_photos_100(self):
        c = self.cluster
        c.begin(task_type="photos_100", task_id="p100")
        done = c.wait("p100", seconds=120)
        self.assertEqual((done["status"], len(done["accumulated_results"]["photo_quality"])), ("completed", 100))
        self.assertEqual(done["steps"][1]["items"], {"total": 100, "completed": 100, "failed": 0, "running": 0})
        self.assertEqual(len(set(self.completions("p100"))), 101)


if __name__ == "__main__":
    unittest.main(verbosity=2)
