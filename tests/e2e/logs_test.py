"""What functions write to stderr: seen while they run, when they are done, and when they failed."""

import json
import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from cluster import BIN, ClusterCase, until  # noqa: E402


def sh(script):
    return {"exec": ["/bin/sh", "-c", script]}


class Logs(ClusterCase):
    functions = {"says": sh("echo 'page 1' >&2; echo 'page 2' >&2; echo 1"),
                 "silent": sh("echo 1"),
                 "long": sh("echo 'so far' >&2; sleep 1000"),
                 "fails": sh("echo '{\"error\":{\"code\":\"EMPTY\"}}' >&3; echo 'no cheese' >&2; exit 65"),
                 "fails_again": sh("echo 'no bread' >&2; exit 1"),
                 "each": sh("echo \"item $MARATHON_INDEX\" >&2; echo 1")}

    def setUp(self):
        super().setUp()
        self.cluster.start(workers=1, slots=4)

    def cli(self, *args):
        return subprocess.run([f"{BIN}/marathon", *args, "--server", f"http://127.0.0.1:{self.cluster.port}"],
                              capture_output=True, text=True, timeout=60)

    def test_of_a_step_that_is_done_and_of_one_that_runs(self):
        c = self.cluster
        c.begin(steps=[{"name": name, "function": name} for name in ("says", "silent", "long")], task_id="t")
        until("its log is heard", lambda: c.get("/status/t")["steps"][2].get("log") == "so far")
        self.assertRegex(self.cli("status", "t").stdout, r"(?m)^long +running .* so far$")
        r = self.cli("logs", "t")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertRegex(r.stdout, r"\A==> says completed \S+Z <==\npage 1\npage 2\n\n==> long running <==\nso far\n\Z")
        entries = [json.loads(line) for line in self.cli("logs", "t", "-o", "json").stdout.splitlines()]
        self.assertEqual([(e["step"], e["event"], e["log"]) for e in entries],
                         [("says", "step_completed", "page 1\npage 2"), ("long", "running", "so far")])
        self.assertEqual(self.cli("logs", "t", "step_2").stdout, "==> long running <==\nso far\n")
        r = self.cli("logs", "t", "silent")
        self.assertEqual((r.returncode, r.stdout), (0, ""))
        self.assertIn("nothing was written to stderr by this step", r.stderr)
        for args in (("logs", "t", "nix"), ("logs", "nobody")):
            self.assertEqual(self.cli(*args).returncode, 3, args)

    def test_of_attempts_that_fail(self):
        c = self.cluster
        c.begin(steps=[{"name": "fails", "function": "fails"}], task_id="f")
        self.assertEqual(c.wait("f")["status"], "failed")
        self.assertRegex(self.cli("logs", "f").stdout, r"\A==> fails failed \S+Z <==\nexit status 65\nno cheese\n\Z")
        c.begin(steps=[{"name": "fails", "function": "fails", "on_failure": {"continue": 0}}], task_id="g")
        self.assertEqual(c.wait("g")["status"], "completed")
        self.assertEqual(self.cli("logs", "g").stdout.count("no cheese"), 1)  # step_failed and step_completed tell of one end
        c.begin(steps=[{"name": "again", "function": "fails_again", "max_retries": 1}], task_id="h")
        self.assertEqual(c.wait("h")["status"], "failed")
        entries = [json.loads(line) for line in self.cli("logs", "h", "-o", "json").stdout.splitlines()]
        self.assertEqual([e["event"] for e in entries], ["step_retry", "task_error"])  # though both say the same
        self.assertEqual(c.call("POST", "/recover/h", {"from_step": "again"})[0], 202)
        self.assertEqual(c.wait("h")["status"], "failed")
        self.assertEqual(self.cli("logs", "h").stdout.count("no bread"), 4)

    def test_of_items(self):
        c = self.cluster
        c.begin(steps=[{"name": "each", "function": "each", "for_each": "${input.list}"}], task_id="i", input_data={"list": [1, 2]})
        self.assertEqual(c.wait("i")["status"], "completed")
        self.assertEqual([e["log"] for e in c.get("/tasks/i/steps/each/items")["items"]], ["item 0", "item 1"])
        self.assertRegex(self.cli("items", "i", "each").stdout, r"(?m)^0 +completed .* item 0$")
        first = self.cli("items", "i", "each", "--status", "completed", "-n", "1")
        self.assertRegex(first.stderr, r"^marathon: there are more: marathon items i each --status completed --cursor \S+ --server ")
        rest = self.cli(*first.stderr.split(": marathon ")[1].split(" --server")[0].split())
        self.assertRegex(rest.stdout, r"(?m)\AITEM .*\n1 +completed .* item 1\n\Z")
        self.assertEqual(rest.stderr, "")
        self.assertIn("none of its 2 items is failed", self.cli("items", "i", "each", "--status", "failed").stderr)
        c.begin(steps=[{"name": "f", "function": "fails", "for_each": "${input.list}", "tolerate": 1}], task_id="j", input_data={"list": [1]})
        self.assertEqual(c.wait("j")["status"], "completed")
        self.assertEqual(c.get("/tasks/j/steps/f/items")["items"][0]["function_code"], "EMPTY")
        self.assertRegex(self.cli("items", "j", "f").stdout, r"(?m)^0 +failed .* EMPTY: exit status 65 no cheese$")
        self.assertIn("marathon items i each -o json", self.cli("logs", "i", "each").stderr)


if __name__ == "__main__":
    unittest.main()
