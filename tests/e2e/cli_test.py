"""The command line `marathon` from outside: exit codes, standard output against standard error, and live bars on a terminal."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from cluster import BIN, ClusterCase, free_port, until  # noqa: E402
from terminal import Terminal, environment, terminals_here  # noqa: E402

MARATHON = f"{BIN}/marathon"
NAP = [{"name": "nap", "function": "sleep"}]
CHAIN = [{"name": f"part_{i}", "function": "sleep", "input": {"seconds": 0.3}} for i in range(3)]
HELD = [{"name": f"part_{i}", "function": "effect"} for i in range(3)]
WIDE = [{"name": f"wide_{i}", "function": "sleep", "needs": [], "input": {"seconds": 0.4}} for i in range(60)]


class CliCase(ClusterCase):
    pipelines = {"chain": CHAIN, "held": HELD, "wide": WIDE, "bad": [{"name": "bad", "function": "fail", "retryable": False}]}

    def setUp(self):
        super().setUp()
        self.cluster.start()
        self.url = f"http://127.0.0.1:{self.cluster.port}"

    def marathon(self, *args, stdin="", **env):
        return subprocess.run([MARATHON, *args], env=environment(MARATHON_URL=self.url, **env), input=stdin, text=True,
                              capture_output=True, timeout=60)

    def good(self, *args, **kw):
        r = self.marathon(*args, **kw)
        self.assertEqual(r.returncode, 0, r.stderr)
        return r

    def terminal(self, *args, rows=24, columns=80, **env):
        return Terminal([MARATHON, *args], environment(MARATHON_URL=self.url, **env), rows, columns)

    def piped(self, *args):
        """The program, its standard output and error to be read line by line, and killed if it does not end. Not by communicate(),
        which loses what a readline() has read beyond its line."""
        p = subprocess.Popen([MARATHON, *args], env=environment(MARATHON_URL=self.url), stdin=subprocess.DEVNULL, text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        watchdog = threading.Timer(120, p.kill)
        watchdog.start()

        def end():
            watchdog.cancel()
            p.kill()
            p.wait()
            p.stdout.close()
            p.stderr.close()

        self.addCleanup(end)
        return p

    def gate(self, name):
        """A path, and what makes the steps go on that work until it is there."""
        path = os.path.join(self.cluster.dir, f"{name}.go")
        return path, lambda: open(path, "w").close()

    def held(self, task_id, seen, **env):
        """A run of "held" whose first step works until this was seen."""
        path, go = self.gate(task_id)
        t = self.terminal("run", "held", "--id", task_id, "--input", json.dumps({"until": path}), **env)
        t.until(seen)
        go()
        self.assertEqual(t.finish().code, 0)
        return t

    def nap(self, seconds=300, **kw):
        return self.cluster.begin(steps=NAP, input_data={"seconds": seconds}, **kw)


class ExitCodesAndStreams(CliCase):
    def test_run_tells_each_change_and_keeps_standard_output_for_data(self):
        gates = [self.gate(f"part_{i}") for i in range(3)]
        steps = [{"name": f"part_{i}", "function": "effect", "input": {"until": path}} for i, (path, _) in enumerate(gates)]
        p = self.piped("run", "three", "--id", "c1", "--steps", json.dumps(steps))
        lines = []
        for i, (_, go) in enumerate(gates):  # a step that ends before its first news are seen never "runs" for who watches
            while f"c1 step part_{i} running\n" not in lines:
                lines.append(p.stderr.readline())
                self.assertTrue(lines[-1], lines)
            go()
        lines += p.stderr
        out = p.stdout.read()
        self.assertEqual(p.wait(), 0, lines)
        self.assertRegex(out, r"\ATASK +TYPE +STATUS +STEPS +DURATION\nc1 +three +completed +3/3 +\S+\n\Z")
        for i in range(3):
            self.assertEqual(lines.count(f"c1 step part_{i} running\n"), 1, lines)
            self.assertEqual(sum(line.startswith(f"c1 step part_{i} completed in ") for line in lines), 1, lines)
        self.assertRegex("".join(lines), r"c1 completed 100% 3/3 steps in ")
        self.assertNotIn("\x1b", out + "".join(lines))

    def test_quiet_json_is_the_status_and_nothing_else(self):
        r = self.good("run", "-q", "-o", "json", "--steps", '[{"name":"e","function":"echo"}]', "--input", '{"x":[1,2]}')
        status = json.loads(r.stdout)
        self.assertEqual(status["status"], "completed")
        self.assertEqual(status["accumulated_results"], {"e": {"x": [1, 2]}})
        self.assertEqual(r.stderr, "")

    def test_input_comes_from_a_file_and_from_standard_input(self):
        with tempfile.NamedTemporaryFile("w", suffix=".json") as f:
            f.write('{"from": "file"}')
            f.flush()
            steps = '[{"name":"e","function":"echo"}]'
            self.good("run", "--id", "f1", "--steps", steps, "--input", f"@{f.name}")
        self.good("run", "--id", "s1", "--steps", steps, "--input", "-", stdin='{"from": "stdin"}')
        self.assertEqual(json.loads(self.good("result", "f1").stdout), {"e": {"from": "file"}})
        self.assertEqual(json.loads(self.good("result", "s1", "--step", "e").stdout), {"from": "stdin"})
        self.assertEqual(self.marathon("result", "s1", "--step", "nosuch").returncode, 3)

    def test_a_failed_task_is_1_and_says_how_to_go_on(self):
        r = self.marathon("run", "bad", "--id", "b1", "--input", '{"error":"no luck"}')
        self.assertEqual(r.returncode, 1, r.stderr)
        self.assertIn("no luck", r.stderr)
        self.assertIn("marathon recover b1", r.stderr)
        self.assertIn("failed", r.stdout)
        r = self.marathon("result", "b1")
        self.assertEqual(r.returncode, 1)
        self.assertIn("RESULT_NOT_READY", r.stderr)
        r = self.marathon("recover", "b1", "--watch")
        self.assertEqual(r.returncode, 1)
        self.assertIn("b1 recovering", r.stdout)

    def test_a_cancelled_task_is_7_for_who_watches(self):
        task = self.nap()
        codes = []
        watcher = threading.Thread(target=lambda: codes.append(self.marathon("watch", task).returncode))
        watcher.start()
        self.cluster.wait(task, ("running",))
        self.assertEqual(self.good("cancel", task).stdout, f"{task} cancelled\n")
        watcher.join(60)
        self.assertEqual(codes, [7])
        again = self.marathon("cancel", task)
        self.assertEqual(again.returncode, 1)
        self.assertIn("TASK_ENDED", again.stderr)
        self.assertEqual(self.good("recover", task).stdout, f"{task} recovering\n")
        self.good("cancel", task)

    def test_wrong_usage_is_2(self):
        for args in (["nosuch"], [], ["run"], ["run", "--nosuch"], ["status"], ["status", "a b"], ["status", "a", "b"],
                     ["run", "chain", "--input", "{"], ["run", "chain", "--input", "@/nosuch"], ["list", "--status", "x"],
                     ["run", "--steps", '[{"name":"a","function":"echo","needs":["zzz"]}]'], ["list", "-o", "xml"],
                     ["dev", "--port", "0"], ["dev", "--pipelines", "/nosuch"]):
            r = self.marathon(*args)
            self.assertEqual(r.returncode, 2, (args, r.stderr))
            self.assertEqual(r.stdout, "")
            self.assertIn("arathon", r.stderr)

    def test_what_is_not_there_is_3(self):
        for args in (["status", "nosuch"], ["watch", "nosuch"], ["result", "nosuch"], ["cancel", "nosuch"], ["recover", "nosuch"],
                     ["run", "nosuch"], ["pipelines", "nosuch"]):
            r = self.marathon(*args)
            self.assertEqual(r.returncode, 3, (args, r.stderr))
            self.assertRegex(r.stderr, r"why: .*\n( +at: .*\n)* +do: ", args)

    def test_a_server_out_of_reach_is_5(self):
        nowhere = f"http://127.0.0.1:{free_port()}"
        for args in (["list"], ["start", "chain", "--retry-for", "0"], ["watch", "x", "--retry-for", "0"], ["healthcheck"], ["doctor"]):
            r = self.marathon(*args, "--server", nowhere)
            self.assertEqual(r.returncode, 5, (args, r.stderr))
        r = self.marathon("start", "chain", "--retry-for", "3", "--server", nowhere)
        self.assertEqual(r.returncode, 5)
        self.assertIn("trying again in 500ms", r.stderr)
        self.assertRegex(r.stderr, "--key [0-9a-f]{32} ")

    def test_the_same_key_starts_one_task(self):
        first = self.good("start", "chain", "--key", "order-17").stdout
        self.assertEqual(self.good("start", "chain", "--key", "order-17").stdout, first)
        self.assertNotEqual(self.good("start", "chain").stdout, first)
        other = self.marathon("start", "wide", "--key", "order-17")
        self.assertEqual(other.returncode, 2)
        self.assertIn("IDEMPOTENCY_MISMATCH", other.stderr)

    def test_lists_show_what_there_is(self):
        self.good("run", "chain", "--id", "l1")
        self.assertRegex(self.good("list").stdout, r"l1 +chain +completed +3/3 ")
        self.assertEqual([t["task_id"] for t in json.loads(self.good("list", "-o", "json").stdout)["items"]], ["l1"])
        self.assertNotIn("l1", self.good("list", "--status", "failed").stdout)
        failed = self.marathon("run", "bad", "--id", "f1", "-q")
        self.assertEqual(failed.returncode, 1)
        self.assertIn("marathon: f1 failed: ", failed.stderr)
        echo = {"task_type": "lots", "steps": [{"name": "e", "function": "echo"}]}
        self.assertEqual(self.cluster.call("POST", "/start/batch", {"tasks": [echo] * 40})[0], 200)
        self.assertRegex(self.good("list", "--status", "failed", "-n", "1").stdout, r"f1 +bad +failed ")
        r = self.good("list", "--type", "lots", "-n", "2")
        self.assertEqual(len(r.stdout.splitlines()), 3)
        self.assertRegex(r.stderr, r"there are more: marathon list --type lots -n 2 --cursor \S+")
        self.assertEqual(len(json.loads(self.good("list", "--type", "lots", "-n", "40", "-o", "json").stdout)["items"]), 40)
        self.assertIn("from 1 to 200", self.marathon("list", "-n", "0").stderr)
        self.assertRegex(self.good("pipelines").stdout, r"wide +1 +60 ")
        self.assertEqual(len(json.loads(self.good("pipelines", "chain").stdout)["steps"]), 3)
        self.assertRegex(self.good("workers").stdout, r"ready +\d/4 .*echo, sleep, fail")
        self.assertRegex(self.good("status", "l1").stdout, r"part_2 +completed +100% ")
        self.assertIn("checkpoint:l1", self.good("status", "--key", "l1").stdout)
        self.assertEqual(self.good("healthcheck").stdout, "ready\n")
        examined = json.loads(self.good("doctor", "-o", "json").stdout)
        self.assertEqual(examined["status"], "warning")  # one of each
        self.assertEqual({f["check"]: f["level"] for f in examined["findings"]},
                         {"coordinators": "warning", "workers": "warning", "pipelines": "ok", "dead letters": "ok"})
        self.assertIn("only one worker: while it is away, no step runs", self.good("doctor").stdout)
        self.assertEqual(self.cluster.redis("EXISTS", "checkpoint:l1"), "1")

    def test_a_budget_is_given_and_raised_and_what_was_used_is_shown(self):
        used = {"seconds": 0, "usage": {"model": "small", "input_tokens": 7, "cost_usd": 0.01}}
        steps = json.dumps([{"name": name, "function": "sleep", "input": used} for name in ("one", "two")])
        self.good("start", "--steps", steps, "--id", "b1", "--budget", '{"cost_usd":0.01}')
        until("it has spent it", lambda: self.cluster.get("/status/b1")["status"] == "budget_exceeded")
        self.assertIn("to go on with a larger budget: marathon resume b1 --budget", self.good("status", "b1").stderr)
        r = self.marathon("resume", "b1")
        self.assertEqual(r.returncode, 1)
        self.assertIn("the task has spent 0.01 of 0.01 dollars", r.stderr)
        self.assertEqual(self.good("resume", "b1", "--budget", '{"cost_usd":1}').stdout, "b1 running\n")
        self.cluster.wait("b1")
        shown = self.good("status", "b1").stdout
        self.assertRegex(shown, r"(?m)^used +14 input and 0 output tokens, 0.02 USD$")
        self.assertRegex(shown, r"(?m)^budget +0.02 of 1 USD$")
        r = self.good("usage", "--by", "model")
        self.assertNotIn("0 USD", r.stderr)
        self.assertRegex(r.stdout,
                         r"\AMODEL +INPUT_TOKENS +OUTPUT_TOKENS +COST_USD\nsmall +14 +0 +0.02\n\Z")
        self.assertEqual(self.marathon("usage", "--by", "models").returncode, 2)
        del used["usage"]["cost_usd"]
        steps = json.dumps([{"name": "one", "function": "sleep", "input": used}])
        r = self.marathon("run", "--steps", steps, "--budget", '{"cost_usd":0.01}')
        self.assertIn("the budget in USD does not count what small used: tokens were reported without cost_usd", r.stderr)

    def test_zero_dollars_of_what_reported_no_cost_are_not_shown_as_free(self):
        used = {"seconds": 0, "usage": {"model": "mute", "input_tokens": 7}}
        steps = json.dumps([{"name": "one", "function": "sleep", "input": used}])
        self.good("run", "--steps", steps, "--id", "u1")  # it has no budget
        status = self.cluster.get("/status/u1")
        self.assertEqual(status["usage"]["without_cost"], ["mute"])
        self.assertEqual(status["steps"][0]["usage"]["without_cost"], ["mute"])
        self.assertRegex(self.good("status", "u1").stdout,
                         r"(?m)^used +7 input and 0 output tokens, 0 USD \(cost 0 or not reported: mute\)$")
        self.assertIn("0 USD beside tokens: their functions reported no cost_usd, or 0", self.good("usage", "--by", "model").stderr)

    def test_status_says_what_runs_why_it_does_not_go_on_and_until_when(self):
        self.good("run", "chain", "--id", "c1", "-q")
        self.assertRegex(self.good("status", "c1").stdout, r"(?m)^pipeline +chain, version 1$")
        steps = [{"name": "no", "function": "echo", "when": "1 > 2"}, {"name": "ok", "wait": {"signal": "go", "timeout": 3600}}]
        self.good("start", "--steps", json.dumps(steps), "--id", "w1")
        until("it waits", lambda: self.cluster.get("/status/w1")["status"] == "waiting")
        shown = self.good("status", "w1").stdout
        self.assertRegex(shown, r"(?m)^status +waiting, 50%, 0 of 2 steps \(1 skipped\)")
        self.assertRegex(shown, r"(?m)^ok +pending .* the signal go, until 20\d\d-\S+Z$")
        self.marathon("run", "bad", "--id", "f1", "-q")
        self.assertRegex(self.good("status", "f1").stdout, r"(?m)^bad +failed +0% +\S+ +0/0 ")

    def test_watch_json_is_the_stream_without_a_hole(self):
        path, go = self.gate("w1")
        task = self.cluster.begin(task_type="held", task_id="w1", input_data={"until": path})
        p = self.piped("watch", task, "-q", "-o", "json")
        messages = [json.loads(p.stdout.readline())]
        go()
        messages += [json.loads(line) for line in p.stdout]
        self.assertEqual((p.wait(), p.stderr.read()), (0, ""))
        self.assertEqual((messages[0]["type"], messages[-1]["type"]), ("initial_state", "task_complete"))
        seqs = [m["seq"] for m in messages]
        self.assertEqual(seqs, list(range(seqs[0], seqs[0] + len(seqs))))
        messages = [json.loads(line) for line in self.good("watch", task, "-q", "-o", "json").stdout.splitlines()]
        self.assertEqual([m["type"] for m in messages], ["initial_state", "task_complete"])  # who comes after the end

    def test_a_watcher_comes_back_when_the_gateway_does(self):
        gateway = self.cluster.processes[-1]
        path, go = self.gate("away")
        task = self.cluster.begin(task_type="held", input_data={"until": path})
        watcher = self.piped("watch", task, "-o", "json")
        messages = [json.loads(watcher.stdout.readline())]
        self.assertEqual(messages[0]["type"], "initial_state")
        gateway.kill()
        line = ""
        while "lost the connection" not in line:
            line = watcher.stderr.readline()
            self.assertTrue(line)
        gateway.start()
        go()
        messages += [json.loads(m) for m in watcher.stdout]
        self.assertEqual(watcher.wait(), 0, watcher.stderr.read())
        self.assertEqual(messages[-1]["type"], "task_complete")
        seqs = [m["seq"] for m in messages]
        self.assertEqual(seqs, list(range(seqs[0], seqs[0] + len(seqs))))


@unittest.skipUnless(terminals_here(), "no pseudo terminals here: mount devpts on /dev/pts")
class LiveBars(CliCase):
    def test_each_step_has_a_row_that_is_drawn_again_in_place(self):
        t = self.held("t1", r"part_0  [━─]{20} +50%[^\n]*\n(.*\n)?.*part_2 .*waiting")
        screen = t.screen()
        self.assertRegex(screen[0], r"^t1  held  completed")
        for i in range(3):
            self.assertRegex(screen[1 + i], rf"^ ✔ part_{i}  completed  (\d+ms|\d+\.\ds)$")
        self.assertRegex(screen[4], r"^━{28} 100%  3/3 steps  \d")
        self.assertIn("marathon result t1", "\n".join(screen[5:]))
        self.assertIn("\x1b[32m", t.text)

    def test_no_color_is_obeyed(self):
        t = self.terminal("run", "chain", NO_COLOR="1").finish()
        self.assertEqual(t.code, 0)
        self.assertNotRegex(t.text, r"\x1b\[[0-9;]*m")
        t = self.terminal("run", "chain", "--no-color", LC_ALL="C").finish()
        self.assertNotRegex(t.text, r"\x1b\[[0-9;]*m")
        self.assertTrue(t.text.isascii())

    def test_a_wide_pipeline_is_one_line_with_counts(self):
        t = self.terminal("run", "wide", rows=20, columns=60).finish()
        self.assertEqual(t.code, 0)
        self.assertTrue(t.saw(r"60 steps:.*running.*waiting"), t.text)
        self.assertEqual(len([line for line in t.screen() if "steps:" in line]), 1)
        self.assertLess(max(len(line) for line in t.all_lines() if not line.startswith("marathon: ")), 60)

    def test_ctrl_c_detaches_and_says_how_to_come_back(self):
        task = self.nap()
        t = self.terminal("watch", task)
        t.until(r"nap .*%")
        t.write("\x03")
        t.finish()
        self.assertEqual(t.code, 130)
        self.assertIn(f"come back: marathon watch {task}", t.text)
        self.assertEqual(self.cluster.get(f"/status/{task}")["status"], "running")
        self.good("cancel", task)

    def test_a_dumb_terminal_gets_lines(self):
        t = self.held("d1", "d1 step part_0 running", TERM="dumb")
        self.assertNotIn("\x1b", t.text)


if __name__ == "__main__":
    unittest.main()
