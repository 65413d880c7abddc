"""One row of the fault table, once, with one seed: cluster up, load, the fault, the load's end, the checker's verdict."""

import collections
import json
import os
import subprocess
import sys
import threading
import time
import traceback

from load import Load
from rig import SLACK, Rig, now, until
from sampler import Sampler

HERE = os.path.dirname(os.path.realpath(__file__))
ROWS = {}
DEATHS_MAX = 3  # of a step: the third one makes a dead letter
SIGNAL_TAKES = 0.05  # seconds, at most, until one that was sent has its effect on a busy machine


class Skip(Exception):
    """This machine cannot inject the fault; the text says why."""


class Row:
    def __init__(self, name, fault, limit, run, **more):
        self.name, self.fault, self.limit, self.run = name, fault, limit, run
        self.limit_text = more.pop("limit_text", f"{limit} s" if limit is not None else "-")
        self.topology = {"coordinators": 1, "workers": 3, "gateways": 1, **more.pop("topology", {})}
        self.functions, self.env = more.pop("functions", {}), more.pop("env", {})
        self.load = {"clients": 12, **more.pop("load", {})}
        self.settle = more.pop("settle", 20)
        self.before, self.after = more.pop("before", None), more.pop("after", None)
        self.rig = more.pop("rig", Rig)
        assert not more, more


def row(name, fault, limit, **more):
    """limit: seconds that the recovery may take, None where the table gives none."""
    def register(run):
        ROWS[name] = Row(name, fault, limit, run, **more)
        return run
    return register


class Trial:
    """What a row's code works with. `recovered` takes the measured seconds, `require` what must hold, `note` what is worth a word."""

    def __init__(self, row_, seed, options):
        self.row, self.seed, self.options = row_, seed, options
        self.notes, self.failures, self.recovery = [], [], None
        self.topology = dict(row_.topology)
        self.rig = row_.rig(seed, row_)
        self.rng, self.seen = self.rig.rng, self.rig.seen
        self.load = Load(self.rig, seed, **row_.load)

    # ---- for rows ----

    def sleep(self, low, high=None):
        time.sleep(self.rng.uniform(low, high) if high else low)

    def note(self, text):
        self.notes.append(text)

    def require(self, holds, what):
        if not holds:
            self.failures.append(what)
        return holds

    def require_in_time(self, holds, what):
        """What must hold unless the machine stood still for long enough to be the reason."""
        stalled = self.rig.stalled()
        if not holds and stalled >= 1:
            self.note(f"{what}, and the machine stood still for {stalled:.1f} s: not judged")
            return False
        return self.require(holds, what)

    def recovered(self, seconds):
        self.recovery = max(self.recovery or 0, seconds)

    def role(self, name):
        return self.rig.roles[name]

    def signal(self, process, signo):
        return self.rig.signal(process, signo)

    def await_busy(self, at_least=1, worker=None):
        """Until so many executions are under way; returns them."""
        until(f"{at_least} executions under way",
              lambda: len(self.seen.read().running(now(), worker)) >= at_least, 20)
        return self.seen.running(now(), worker)

    def next_effect(self, at, seconds=30):
        """Seconds from that moment to the first execution that was ordered because of something later than it."""
        b = until("a new effect", lambda: self.seen.read().caused_after(at, self.load.asked), seconds)
        return b["t"] - at

    def rerun(self, executions, at, seconds=20):
        """Seconds until each of these interrupted executions was begun again; None for none. Left out are cancelled tasks, steps that
        died for the third time (they are dead letters), and executions that came to their end before the signal had its effect."""
        cancelled = self.load.cancelled
        times = collections.Counter((b["task"], b["step"], b["attempt"]) for b in self.seen.begun if b["t"] <= at)
        waiting = {(b["task"], b["step"]): b for b in executions
                   if b["task"] not in cancelled and times[(b["task"], b["step"], b["attempt"])] < DEATHS_MAX}
        done = {}
        end = now() + seconds * SLACK
        while len(done) < len(waiting) and now() < end:
            for b in self.seen.read().begun:
                key = (b["task"], b["step"])
                if b["t"] > at and key in waiting and key not in done:
                    done[key] = b["t"] - at
                    self.require(b["attempt"] == waiting[key]["attempt"], f"{key} was run again as another attempt")
            waiting = {k: b for k, b in waiting.items()
                       if b["task"] not in cancelled and (k in done or self.seen.ended.get(b["nonce"], at + 1) > at + SIGNAL_TAKES)}
            time.sleep(0.01)
        for key in waiting:
            self.require(key in done, f"{key} was not run again within {seconds} s")
        return max(done.values(), default=None)

    def silence(self, at, seconds=30):
        """The longest time, counted from that moment, for which a task that was in flight then had nothing running, until its next step
        began: what the fault cost the worst of them, whoever owned it. For loads without failing attempts, whose waits would count."""
        cancelled, finals = self.load.cancelled, self.load.finals
        asked = self.load.asked.copy()  # in one piece: its clients go on
        flying = [k for k, t in asked.items() if t <= at and finals.get(k, 1e18) > at]
        until("all tasks in flight end", lambda: all(k in finals or k in cancelled for k in flying), seconds, 0.05)
        runs = {k: [] for k in flying if k not in cancelled}
        for b in self.seen.read().begun:
            if b["task"] in runs:
                runs[b["task"]].append((b["t"], self.seen.ended.get(b["nonce"], b["t"])))
        worst = 0.0
        for executions in runs.values():
            busy_until = at
            for begin, end in sorted(executions):
                if begin > at:
                    worst = max(worst, begin - busy_until)
                busy_until = max(busy_until, end)
        return worst

    def executions_of(self, task):
        return [b for b in self.seen.read().begun if b["task"] == task]

    def begin(self, **body):
        """Starts a task of the row's own: the checker knows that it was asked for, and lets the row judge its end."""
        task = body["task_id"]
        self.load.put("ask", key=task, task=task, row=True)
        status, _, answer = self.rig.call("POST", "/start", body)
        if status == 202:
            self.load.put("told", key=task, task=task)
        return status, answer

    # ---- the frame around a row ----

    def start(self):
        if self.row.before:
            self.row.before(self)
        self.rig.start(**self.topology)
        self.rig.sampler = Sampler(self.rig)
        self.load.start()
        until("the load is under way", lambda: self.load.done >= 5 or any(e[1] == 500 for e in self.load.answers), 30)

    def judge(self):
        program = [sys.executable, "-B", os.path.join(HERE, "check.py")]
        subprocess.run([*program, "dump", self.rig.store_address(), self.rig.dir], check=True)
        self.rig.close()
        done = subprocess.run([*program, "judge", self.rig.dir], stdout=subprocess.PIPE, text=True)
        return json.loads(done.stdout)

    def judge_recovery(self):
        if self.row.limit is None or self.recovery is None or self.recovery <= self.row.limit * SLACK:
            return
        stalled = self.rig.stalled()
        if self.recovery <= self.row.limit * SLACK + stalled:
            self.note(f"recovery took {self.recovery:.2f} s, and the machine stood still for {stalled:.1f} s: not judged")
        else:
            self.failures.append(f"recovery took {self.recovery:.2f} s")

    def run(self):
        began = now()
        verdict = {}
        try:
            self.start()
            self.row.run(self)
            self.load.stop(self.row.settle * SLACK)
            self.rig.sampler.stop()
            self.judge_recovery()
            verdict = self.judge()
        except Skip as e:
            return self.finish({"skipped": str(e)}, began)
        except AssertionError as e:
            self.failures.append(str(e))
        except Exception:
            self.failures.append(traceback.format_exc())
        return self.finish(verdict, began)

    def finish(self, verdict, began):
        self.load.stopping = self.load.abandoned = True
        if self.rig.sampler:
            self.rig.sampler.going = False
        if not verdict or "skipped" in verdict:
            self.rig.close()
        if self.row.after:
            self.row.after(self)
        good = "skipped" in verdict or (verdict.get("verdict") == "ok" and not self.failures)
        out = {"row": self.row.name, "seed": self.seed, "good": good, "recovery": self.recovery, "notes": self.notes,
               "failures": self.failures, "seconds": now() - began, "dir": self.rig.dir, **verdict}
        if good and not self.options.keep:
            self.rig.remove()
        return out


def in_background(work):
    t = threading.Thread(target=work, daemon=True)
    t.start()
    return t
