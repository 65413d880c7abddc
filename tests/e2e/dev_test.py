"""`marathon dev` from outside: a whole cluster in one terminal, which leaves nothing behind, and says what it lacks."""

import json
import os
import pathlib
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from cluster import BIN, free_port, until  # noqa: E402
from terminal import environment  # noqa: E402

MARATHON = f"{BIN}/marathon"
NAP = [{"name": "nap", "function": "sleep"}]


class Dev(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.TemporaryDirectory(prefix="marathon-dev-test-")
        self.addCleanup(self.dir.cleanup)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log_path = os.path.join(self.dir.name, "log")
        self.processes = []

    def tearDown(self):
        for p in self.processes:
            if p.poll() is None:
                p.terminate()
                try:
                    p.wait(30)
                except subprocess.TimeoutExpired:
                    p.kill()
                    p.wait()
        log = self.log()
        for mark in ("AddressSanitizer", "LeakSanitizer", "runtime error:", "Assertion", "fatal:"):
            self.assertNotIn(mark, log)

    def log(self):
        try:
            with open(self.log_path, errors="replace") as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def dev(self, *args, ready=True, **env):
        with open(self.log_path, "a") as log:
            p = subprocess.Popen([MARATHON, "dev", "--port", str(self.port), *args], stdout=subprocess.PIPE, stderr=log, text=True,
                                 stdin=subprocess.DEVNULL, env=environment(TMPDIR=self.dir.name, **env))
        self.addCleanup(p.stdout.close)
        self.processes.append(p)
        if ready:
            self.assertTrue(select.select([p.stdout], [], [], 60)[0], self.log())
            self.assertEqual(p.stdout.readline(), f"{self.url}\n", self.log())
        return p

    def children(self, p):
        """pid by the program's name; workers numbered."""
        with open(f"/proc/{p.pid}/task/{p.pid}/children") as f:
            pids = [int(word) for word in f.read().split()]
        found = {}
        for pid in pids:
            try:
                with open(f"/proc/{pid}/comm") as f:
                    found.setdefault(f.read().strip(), []).append(pid)
            except (FileNotFoundError, ProcessLookupError):  # gone before the opening, or between that and the reading
                pass
        return found

    @staticmethod
    def alive(pid):
        try:
            with open(f"/proc/{pid}/stat") as f:
                return f.read().rsplit(")", 1)[1].split()[0] != "Z"
        except (FileNotFoundError, ProcessLookupError):
            return False

    def marathon(self, *args):
        return subprocess.run([MARATHON, *args, "--server", self.url], env=environment(), text=True, capture_output=True, timeout=60)

    def run_nap(self, *args):
        r = self.marathon("run", "--steps", json.dumps(NAP), "--input", '{"seconds":0.1}', *args)
        self.assertEqual(r.returncode, 0, r.stderr + self.log())

    def test_one_command_is_a_cluster_and_ctrl_c_leaves_nothing(self):
        slow = pathlib.Path(self.dir.name, "redis-server")  # nobody complains that it is not there yet
        slow.write_text(f'#!/bin/sh\nsleep 0.5\nexec {shutil.which("redis-server")} "$@"\n')
        slow.chmod(0o755)
        p = self.dev(PATH=f"{self.dir.name}:{os.environ['PATH']}")
        pids = [pid for group in self.children(p).values() for pid in group]
        self.assertEqual(len(pids), 5)
        self.run_nap()
        p.send_signal(signal.SIGINT)
        self.assertEqual(p.wait(40), 0)
        self.assertEqual([pid for pid in pids if self.alive(pid)], [])
        self.assertEqual([name for name in os.listdir(self.dir.name) if name.startswith("marathon-")], [])
        self.assertRegex(self.log(), r"(?m)^coordinator \| .*store_up backend=redis")
        self.assertRegex(self.log(), r"(?m)^worker-2    \| ")
        self.assertNotRegex(self.log(), r"Z (warn|error) ")  # nothing was odd
        self.assertTrue(self.log().rstrip().endswith("stopped"))

    def test_redis_of_dev_is_durable(self):
        self.dev()
        socket = re.search(r"redis-cli -s (\S+)", self.log_after("redis-cli")).group(1)
        for name, value in (("appendonly", "yes"), ("appendfsync", "always"), ("maxmemory-policy", "noeviction"), ("port", "0")):
            r = subprocess.run(["redis-cli", "-s", socket, "CONFIG", "GET", name], capture_output=True, text=True, check=True)
            self.assertEqual(r.stdout.split(), [name, value])

    def log_after(self, word):
        until(f"{word} in the log", lambda: word in self.log())
        return self.log()

    def test_what_dies_is_started_again(self):
        p = self.dev()
        for name, label in (("marathon-worker", "worker"), ("marathon-gatewa", "gateway"), ("marathon-coordi", "coordinator"),
                            ("redis-server", "redis")):
            old = self.children(p)[name]
            os.kill(old[0], signal.SIGKILL)
            until(f"{name} again", lambda: self.replaced(old, self.children(p).get(name, [])))
            self.assertRegex(self.log(), rf"{label}\S* killed by signal 9, starting it again in 250ms")
        until("ready again", lambda: self.marathon("healthcheck").returncode == 0, 30)
        self.run_nap()

    @staticmethod
    def replaced(old, new):
        return len(new) == len(old) and old[0] not in new

    def test_nothing_outlives_a_kill_of_dev(self):
        p = self.dev()
        pids = [pid for group in self.children(p).values() for pid in group]
        self.assertEqual(len(pids), 5)
        p.kill()
        p.wait()
        until("its children are dead", lambda: not any(self.alive(pid) for pid in pids))

    def test_data_is_kept_where_it_was_asked_for(self):
        data = os.path.join(self.dir.name, "data")
        p = self.dev("--data", data)
        self.run_nap("--id", "kept")
        second = subprocess.run([MARATHON, "dev", "--port", str(free_port()), "--data", data], env=environment(), text=True,
                                capture_output=True, timeout=60)
        self.assertEqual(second.returncode, 1)
        self.assertIn("another `marathon dev` uses it", second.stderr)
        p.terminate()
        self.assertEqual(p.wait(40), 0)
        self.dev("--data", data)
        r = self.marathon("status", "kept", "-o", "json")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertEqual(json.loads(r.stdout)["status"], "completed")

    def test_a_worker_that_does_not_stop_is_killed(self):
        p = self.dev("--workers", "1")
        worker = self.children(p)["marathon-worker"][0]
        os.kill(worker, signal.SIGSTOP)
        p.terminate()
        self.assertEqual(p.wait(60), 0)
        self.assertFalse(self.alive(worker))

    def test_what_is_missing_is_named(self):
        p = self.dev(MARATHON_TLS_CA_FILE="/nosuch/ca.pem", MARATHON_TLS_KEY_FILE="/nosuch/key.pem")
        self.assertIn("settings are ignored", self.log())
        r = subprocess.run([MARATHON, "dev", "--port", str(self.port)], env=environment(), text=True, capture_output=True, timeout=60)
        self.assertEqual(r.returncode, 1)
        self.assertIn(f"cannot listen on port {self.port}", r.stderr)
        r = subprocess.run([MARATHON, "dev"], env=environment(PATH="/nosuch"), text=True, capture_output=True, timeout=60)
        self.assertEqual(r.returncode, 1)
        self.assertIn("apt-get install redis-server", r.stderr)
        self.assertIsNone(p.poll())

    def test_a_redis_that_does_not_come_up_is_named(self):
        kinds = {"deaf": "#!/bin/sh\nexec sleep 600\n", "dead": "#!/bin/sh\nexit 1\n", "none": "no program"}
        said = {"deaf": "redis does not listen on its socket, 10 s after its start: giving up", "dead": "redis exited with 1 again, 5 times: giving up",
                "none": "cannot start PATH: Exec format error"}
        tried = []
        for kind, text in kinds.items():
            path = pathlib.Path(self.dir.name, kind, "redis-server")
            path.parent.mkdir()
            path.write_text(text)
            path.chmod(0o755)
            self.port = free_port()  # each looks whether its own can be had
            tried.append((kind, path, self.dev(ready=False, PATH=f"{path.parent}:{os.environ['PATH']}")))
        for kind, path, p in tried:
            self.assertEqual(p.wait(60), 1, self.log())
            self.assertIn(said[kind].replace("PATH", str(path)), self.log())
            self.assertIn(f"do: see whether that is a Redis of version 7 or later: {path} --version", self.log())
        self.assertNotIn("gateway", self.log())
        self.assertEqual([name for name in os.listdir(self.dir.name) if name.startswith("marathon-")], [])

    def test_a_redis_that_does_not_answer_is_named(self):
        mute = pathlib.Path(self.dir.name, "redis-server")
        mute.write_text(f"#!{sys.executable}\nimport re, socket, signal, sys\ns = socket.socket(socket.AF_UNIX)\n"
                        "s.bind(re.findall(r'(?m)^unixsocket +\\W?([^\\s\"]+)', open(sys.argv[1]).read())[-1])\ns.listen()\nsignal.pause()\n")
        mute.chmod(0o755)
        p = self.dev(ready=False, PATH=f"{self.dir.name}:{os.environ['PATH']}")
        self.assertRegex(self.log_after("not ready yet"), r"not ready yet: coordinator \S+: the store does not answer: no answer for 1000 ms; 0 of 64")
        p.terminate()
        self.assertEqual(p.wait(60), 0)

    def test_a_cluster_that_cannot_come_up_ends(self):
        bad = os.path.join(self.dir.name, "bad")
        os.mkdir(bad)
        with open(os.path.join(bad, "bad.json"), "w") as f:
            f.write('{"name": "bad", "steps": [{"name": "a", "function": "echo", "needs": ["zzz"]}]}')
        with open(os.path.join(bad, "other.yaml"), "w") as f:
            f.write("name: other\nsteps: []\n")
        p = self.dev("--pipelines", bad, ready=False)
        self.assertEqual(p.wait(60), 1)
        self.assertIn("its settings are wrong: giving up", self.log())
        self.assertIn("definition_invalid", self.log())
        self.assertRegex(self.log(), r"definition_skipped path=\S*other.yaml")


if __name__ == "__main__":
    unittest.main()
