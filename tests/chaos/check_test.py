"""The checker must be able to see: a real run is judged good, and then each of these changes of what it left must be found, under the
invariant that it breaks."""

import copy
import json
import os
import shutil
import subprocess
import sys
import tempfile
import types
import unittest

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
import rows_process  # noqa: E402,F401
from trial import ROWS, Trial  # noqa: E402

CHECK = os.path.join(os.path.dirname(os.path.realpath(__file__)), "check.py")


class Left:
    """What a run left, to be changed."""

    def __init__(self, folder):
        self.folder = folder
        with open(os.path.join(folder, "dump.json")) as f:
            self.dump = json.load(f)
        with open(os.path.join(folder, "events.jsonl")) as f:
            self.events = [json.loads(line) for line in f]
        with open(os.path.join(folder, "effects.log")) as f:
            self.effects = [line.split(" ") for line in f.read().splitlines()]
        self.victim = next(t for t, r in self.dump["tasks"].items() if r["head"]["state"] == "completed" and len(r["steps"]) >= 3
                           and any(e["ev"] == "saw" and e["task"] == t and e["type"] == "step_completed" for e in self.events))

    def record(self):
        return self.dump["tasks"][self.victim]

    def doc(self, change):
        doc = json.loads(self.record()["doc"])
        change(doc)
        self.record()["doc"] = json.dumps(doc)

    def lines(self, kind):
        return [w for w in self.effects if w[0] == kind and w[2] == self.victim]

    def events_of(self, kind):
        return [e for e in self.events if e["ev"] == kind and e.get("task") == self.victim]

    def judge(self):
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, "dump.json"), "w") as f:
                json.dump(self.dump, f)
            with open(os.path.join(folder, "events.jsonl"), "w") as f:
                f.writelines(json.dumps(e) + "\n" for e in self.events)
            with open(os.path.join(folder, "effects.log"), "w") as f:
                f.writelines(" ".join(w) + "\n" for w in self.effects)
            done = subprocess.run([sys.executable, "-B", CHECK, "judge", folder], stdout=subprocess.PIPE, text=True)
            return json.loads(done.stdout)


def lose_task(x):
    del x.dump["tasks"][x.victim]
    x.dump["docs"].remove(x.victim)


def later_step_first(x):
    begun = [w for w in x.lines("B") if w[10] != "-"][0]
    begun[1] = str(int(begun[1]) - 10 ** 10)


def drop_execution(x):
    nonce = json.loads(x.record()["doc"])["results"].popitem()[1]["nonce"]
    x.effects = [w for w in x.effects if nonce not in w]


def swap_saw(x):
    """The stored result is another than the one that the next step was given; the function did write both."""
    name, result = next((n, r) for n, r in json.loads(x.record()["doc"])["results"].items()
                        if any(f"{n}={r['nonce']}" in w[10] for w in x.lines("B")))
    for w in x.lines("B") + x.lines("E"):
        if w[0] == "B" and w[7] == result["nonce"]:
            x.effects.append([*w[:7], "feed" * 4, *w[8:]])
        elif w[0] == "E" and w[4] == result["nonce"]:
            x.effects.append([*w[:4], "feed" * 4, *w[5:]])
    x.doc(lambda d: d["results"][name].update(nonce="feed" * 4))


def hole(x):
    x.record()["events"].pop(1)


def completion_twice(x):
    events = x.record()["events"]
    done = next(e for e in events if e["type"] == "step_completed")
    seq = events[-1]["seq"] + 1
    events.append({**done, "seq": seq, "entry": f"{seq}-0"})
    x.record()["seq"] = x.record()["head"]["seq"] = seq


def watcher_skips(x):
    saw = [e for e in x.events_of("saw") if e["type"] == "step_completed"]
    x.events.remove(saw[0])


PLANTED = {
    "a task is lost": ("I1", lose_task),
    "a task never ends": ("I1", lambda x: (x.record().update(ended=False), x.record()["head"].update(state="running"))),
    "a task stays in the live index": ("I1", lambda x: x.dump["live"]["p00"].append(x.victim)),
    "a task fails by itself": ("I1", lambda x: x.record()["head"].update(state="failed")),
    "a result changes": ("I2", lambda x: x.doc(lambda d: d["results"].popitem() and d["results"].update(z={"nonce": "0"}))),
    "a document is not JSON": ("I2", lambda x: x.record().update(doc=x.record()["doc"][:-1])),
    "/result is not the document": ("I2", lambda x: x.events_of("result")[0]["results"].update(more=1)),
    "the next step was given another result": ("I3", swap_saw),
    "a step completes twice": ("I3", completion_twice),
    "a result that nobody made": ("I4", drop_execution),
    "another key for the second run": ("I4", lambda x: x.effects.append([*x.lines("B")[0][:6], "0" * 32, *x.lines("B")[0][7:]])),
    "two steps with one key": ("I4", lambda x: x.lines("B")[1].__setitem__(6, x.lines("B")[0][6])),
    "a death spends an attempt": ("I4", lambda x: x.lines("B")[0].__setitem__(5, "9")),
    "an execution that nobody asked for": ("I4", lambda x: x.lines("B")[0].__setitem__(2, "stranger")),
    "a step before its needs": ("I5", later_step_first),
    "a hole in the stored events": ("I7", hole),
    "a watcher misses a message": ("I7", watcher_skips),
    "a completed step without its result": ("I8", lambda x: x.record()["steps"].popitem()),
    "an epoch goes back": ("I9", lambda x: x.events.append({"t": 0, "ev": "owner", "partition": 0, "epoch": 0, "nonce": "x", "owner": ""})),
    "two tasks for one key": ("I10", lambda x: x.events.append({"t": 0, "ev": "told", "key": x.events_of("told")[0]["key"], "task": "o"})),
    "a TTL on a live key": ("TTL", lambda x: x.events.append({"t": 0, "ev": "live_ttl", "looked": 1, "bad": ["checkpoint:x"]})),
    "no TTL on an ended one": ("TTL", lambda x: x.record()["ttl"].update(doc=-1)),
    "clients that never finish": ("I12", lambda x: x.events.append({"t": 0, "ev": "drained", "late": [1], "done": 0})),
    "a process that grows for ever": ("I11", lambda x: x.events.append(
        {"t": 0, "ev": "usage", "process": "worker1", "pid": 1, "rss_kib": 1 << 30, "fds": 1})),
}


class Checker(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.result = Trial(ROWS["F1"], 1, types.SimpleNamespace(keep=True, seconds=5, scale=1)).run()

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.result["dir"], ignore_errors=True)

    def test_a_good_run_is_judged_good_and_each_planted_fault_is_found(self):
        self.assertEqual((self.result["good"], self.result.get("violations")), (True, []), self.result)
        left = Left(self.result["dir"])
        self.assertEqual(left.judge()["verdict"], "ok")
        for what, (invariant, plant) in PLANTED.items():
            with self.subTest(what):
                changed = copy.deepcopy(left)
                plant(changed)
                found = {v.split(":")[0] for v in changed.judge()["violations"]}
                self.assertIn(invariant, found)
        print(f"{len(PLANTED)} planted faults")


if __name__ == "__main__":
    unittest.main(verbosity=2)
