"""`marathon run` of what cannot go on: it says why."""

import json
import os
import signal
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from cluster import BIN, ClusterCase  # noqa: E402


class Run(ClusterCase):
    def setUp(self):
        super().setUp()
        self.cluster.start(workers=1)

    def begin(self, *args):
        p = subprocess.Popen([f"{BIN}/marathon", "run", *args, "--server", f"http://127.0.0.1:{self.cluster.port}"], text=True,
                             stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.addCleanup(p.stderr.close)
        self.addCleanup(p.kill)
        return p

    def test_a_step_that_nobody_offers_is_told_when_its_turn_comes(self):
        p = self.begin("--id", "t", "--steps", json.dumps([{"name": "a", "function": "echo"}, {"name": "b", "function": "nobody"}]))
        lines = []
        while not lines or " waits: " not in lines[-1]:  # the harness's own time limit ends it where that is never said
            lines.append(p.stderr.readline())
            self.assertTrue(lines[-1], lines)
        self.assertEqual(lines[-1], "t step b waits: no worker offers the function nobody\n")
        self.assertIn("t step a completed", "".join(lines))
        p.send_signal(signal.SIGINT)
        self.assertEqual(p.wait(30), 130)
        self.assertNotIn("waits", p.stderr.read())  # once

    def test_a_file_is_no_name(self):
        path = os.path.join(self.cluster.dir, "menu.yaml")
        with open(path, "w") as f:
            f.write("name: menu\nsteps: [{function: echo}]\n")
        for given, code in ((path, 2), (os.path.basename(path), 3)):
            r = subprocess.run([f"{BIN}/marathon", "run", given, "--server", f"http://127.0.0.1:{self.cluster.port}"],
                               cwd=self.cluster.dir, capture_output=True, text=True, timeout=60)
            self.assertEqual(r.returncode, code, r.stderr)
            self.assertIn(f"{given} is a file: `marathon pipelines apply {given}` stores the pipeline", r.stderr)
        r = subprocess.run([f"{BIN}/marathon", "run", "nix.yaml", "--server", f"http://127.0.0.1:{self.cluster.port}"],
                           cwd=self.cluster.dir, capture_output=True, text=True, timeout=60)
        self.assertEqual(r.returncode, 3, r.stderr)
        self.assertNotIn("is a file", r.stderr)


if __name__ == "__main__":
    unittest.main()
