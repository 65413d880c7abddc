"""A step that saves as it goes: what it saves is stored each checkpoint_interval_seconds; killed in the middle, it goes on from there."""

import json
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from cluster import ClusterCase, until  # noqa: E402

COUNTER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support", "functions", "counter.py")


class Checkpoint(ClusterCase):
    def setUp(self):
        super().setUp()
        self.log_path = os.path.join(self.cluster.dir, "counter.log")
        functions = os.path.join(self.cluster.dir, "counter.json")
        with open(functions, "w") as f:
            f.write('{"functions":{"counter":{"exec":["%s"],"env":{"COUNTER_LOG":"%s"}}}}' % (COUNTER, self.log_path))
        self.cluster.functions.append(functions)

    def lines(self):
        """("start" or "save", number), in the order in which they were written."""
        try:
            with open(self.log_path) as f:
                return [(line.split()[0], int(line.split()[1])) for line in f if line.endswith("\n")]
        except FileNotFoundError:
            return []

    def stored(self):
        """The number in what the status shows as saved; what is visible is durable."""
        saved = self.cluster.get("/status/t")["steps"][0].get("progress_checkpoint")
        return saved["n"] if saved else 0

    def begin(self):
        """Until a fifth save is stored: within an interval of the default's 60 s there is no second one."""
        self.gate = os.path.join(self.cluster.dir, "go")
        self.cluster.begin(steps=[{"name": "count", "function": "counter", "input": {"to": 10, "every": 0.5, "until": self.gate}}],
                           task_id="t", checkpoint_interval_seconds=1)
        until("what it saved five times is stored", lambda: self.stored() >= 5, 40)

    def check_seen(self):
        """What is durable of it stands in the status and comes to watchers."""
        step = self.cluster.get("/status/t")["steps"][0]
        self.assertIn(("save", step["progress_checkpoint"]["n"]), self.lines())
        self.assertGreater(step["progress_checkpoint_bytes"], 0)
        events = [e for e in self.cluster.get("/history/t")["items"] if e["type"] == "step_checkpoint"]
        self.assertGreaterEqual(len(events), 1)
        self.assertIn("n", events[0]["data"]["progress_checkpoint"])
        self.assertEqual((events[0]["data"]["step"], events[0]["data"]["attempt"]), ("count", 1))

    def check_second_start(self, shown):
        """It began from a save, and from none before the one that was shown."""
        open(self.gate, "w").close()
        done = self.cluster.wait("t")
        self.assertEqual((done["status"], done["steps"][0]["result"]), ("completed", {"counted": 10}))
        lines = self.lines()
        starts = [n for kind, n in lines if kind == "start"]
        self.assertEqual((len(starts), starts[0]), (2, 0), lines)
        self.assertIn(("save", starts[1]), lines[:lines.index(("start", starts[1]))])
        self.assertGreaterEqual(starts[1], shown, "what was shown had not been durable")
        self.assertEqual(done["steps"][0]["retry_count"], 0, "a death is no attempt")

    def test_a_killed_worker_s_step_goes_on_from_what_it_saved(self):
        c = self.cluster
        c.start(workers=1)
        self.begin()
        self.check_seen()
        until("the save before the gate is stored", lambda: self.stored() == 9)
        next(p for p in c.processes if p.name.startswith("worker")).kill()
        c.start_worker()
        self.check_second_start(9)

    def test_with_the_coordinator_killed_too_what_was_durable_is_what_counts(self):
        c = self.cluster
        c.start(workers=1)
        self.begin()
        worker = next(p for p in c.processes if p.name.startswith("worker"))
        coordinator = next(p for p in c.processes if p.name.startswith("coordinator"))
        shown = self.stored()
        coordinator.kill()
        worker.kill()
        coordinator.start()
        c.start_worker()
        self.check_second_start(shown)


class Shown(ClusterCase):
    """Each as large as is shown, and together more than an answer that goes out at once."""
    STEPS = 24
    SAVED = {"pad": "x" * 4000}

    def test_the_checkpoints_of_many_steps_stand_in_a_long_status(self):
        c = self.cluster
        gate, saved, functions = (os.path.join(c.dir, name) for name in ("go", "saved", "teller.json"))
        with open(saved, "w") as f:
            f.write(json.dumps({"checkpoint": self.SAVED}) + "\n")
        with open(functions, "w") as f:
            run = f"cat > /dev/null; cat {saved} >&3; until test -e {gate}; do sleep 0.05; done; echo 1"
            json.dump({"functions": {"teller": {"exec": ["/bin/sh", "-c", run]}}}, f)
        c.functions.append(functions)
        c.start(workers=1, slots=self.STEPS)
        c.begin(steps=[{"name": f"s{i}", "function": "teller", "needs": []} for i in range(self.STEPS)], task_id="t",
                checkpoint_interval_seconds=1)
        until("all of them are stored", lambda: sum(s["progress_checkpoint"] is not None for s in c.get("/status/t")["steps"]) == self.STEPS, 40)
        for results in ("", "?results=false"):
            self.assertEqual([s["progress_checkpoint"] for s in c.get("/status/t" + results)["steps"]], [self.SAVED] * self.STEPS)
        open(gate, "w").close()
        self.assertEqual(c.wait("t")["status"], "completed")


if __name__ == "__main__":
    unittest.main(verbosity=2)
