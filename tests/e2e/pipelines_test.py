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
        return [line.split()[1] for line in self.cluster.effects_lines() if line.split()[0] == task_id]

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
        variants = [s for s in done["steps"] if s["name"].startswith("variant")]
        self.assertEqual(len(variants), 20)

    def test_competitive_50_goes_on_after_its_coordinator_and_a_worker_were_killed(self):
        c = self.cluster
        c.begin(task_type="competitive_50", task_id="c50")
        until("ten steps are done", lambda: len(self.completions("c50")) >= 10, 60)
        coordinator = next(p for p in c.processes if p.name == "coordinator1")
        coordinator.kill()
        stored = json.loads(c.redis("GET", "checkpoint:c50"))["step"]
        coordinator.start()
        until("it goes on", lambda: len(self.completions("c50")) >= stored + 5, 30)
        next(p for p in c.processes if p.name == "worker1").kill()
        killed = time.monotonic()
        done = c.wait("c50", seconds=120)
        print(f"competitive_50: {stored} steps stored at the kill, completed {time.monotonic() - killed:.1f} s after the worker's")
        self.assertEqual((done["status"], len(done["accumulated_results"])), ("completed", 50))
        counts = {}
        for step in self.completions("c50"):
            counts[step] = counts.get(step, 0) + 1
        self.assertEqual(len(counts), 50)
        # A function that the killed worker had run to its end, but not yet told of, may run once more: it was not a completed step.
        again = [step for step, n in counts.items() if n > 1]
        self.assertLessEqual(len(again), 2, "no more than the killed worker's slots")

    def test_photos_100(self):
        c = self.cluster
        c.begin(task_type="photos_100", task_id="p100")
        done = c.wait("p100", seconds=120)
        self.assertEqual((done["status"], len(done["accumulated_results"])), ("completed", 100))
        self.assertEqual(len(self.completions("p100")), 100)


if __name__ == "__main__":
    unittest.main(verbosity=2)
