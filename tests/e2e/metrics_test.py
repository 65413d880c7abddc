"""/metrics of every role, as Prometheus reads it: well formed (promtool), counting what happened, free of task ids; /livez and /readyz."""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time
import unittest
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from cluster import BIN, ClusterCase, free_port, page, until, value  # noqa: E402

DEPLOY = pathlib.Path(__file__).resolve().parents[2] / "deploy"


class Metrics(ClusterCase):
    def setUp(self):
        super().setUp()
        c = self.cluster
        self.ports = {"coordinator": free_port(), "worker": free_port()}
        c.start_redis()
        c.start_coordinator(MARATHON_METRICS_LISTEN=f"127.0.0.1:{self.ports['coordinator']}")
        c.start_worker(MARATHON_METRICS_LISTEN=f"127.0.0.1:{self.ports['worker']}")
        self.ports["gateway"] = c.start_gateway().port
        until("the worker has joined", lambda: len(c.get("/workers")["items"]) == 1)

    def metrics(self, role):
        status, text = page(self.ports[role], "/metrics")
        self.assertEqual(status, 200)
        return text

    def counted(self, role, name):
        return value(self.metrics(role), f"marathon_{role}_{name}")

    def test_what_happens_is_counted_and_no_task_is_named(self):
        c = self.cluster
        steps = [{"name": "a", "function": "echo"}, {"name": "b", "function": "effect"}]
        c.begin(task_id="named_task_1", steps=steps)
        c.begin(task_id="named_task_2", steps=[{"name": "f", "function": "fail", "retryable": False}])
        self.assertEqual(c.wait("named_task_1")["status"], "completed")
        self.assertEqual(c.wait("named_task_2")["status"], "failed")
        for name, expected in (("tasks_started_total", 2), ('tasks_ended_total{state="completed"}', 1), ('tasks_ended_total{state="failed"}', 1),
                               ("steps_completed_total", 2), ("attempts_failed_total", 1), ("step_run_seconds_count", 2),
                               ("step_wait_seconds_count", 3), ("workers", 1), ("gateways", 1), ("partitions_owned", 64),
                               ('store_up{backend="redis"}', 1), ("admission_open", 1), ("fenced_total", 0), ("store_rows_unknown_total", 0)):
            until(f"{name} is {expected}", lambda: self.counted("coordinator", name) == expected)
        self.assertGreater(self.counted("coordinator", "store_batch_seconds_count"), 2)
        for name, expected in (("slots", 4), ("slots_busy", 0), ("orders_total", 3), ('steps_total{result="ok"}', 2),
                               ('steps_total{result="failed"}', 1), ("step_seconds_count", 3), ("coordinators_connected", 1),
                               ("coordinator_joins_total", 1)):
            until(f"{name} is {expected}", lambda: self.counted("worker", name) == expected)
        until("the last outcome is acknowledged", lambda: self.counted("worker", "outcomes_held") == 0)
        for role in self.ports:
            self.assertNotIn("named_task", self.metrics(role))

    def test_names_and_forms_are_as_prometheus_wants_them(self):
        self.cluster.begin(task_id="t", steps=[{"name": "a", "function": "echo"}])
        self.cluster.wait("t")
        for role in self.ports:
            text = self.metrics(role)
            with self.subTest(role):
                declared = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.M))
                self.assertEqual(set(declared), set(re.findall(r"^# HELP (\S+) \S", text, re.M)))
                for name, kind in declared.items():
                    self.assertTrue(name.startswith((f"marathon_{role}_", "process_")), name)
                    self.assertEqual(kind == "counter", name.endswith("_total"), name)
                for name in re.findall(r"^([a-z_]+)[{ ]", text, re.M):
                    self.assertIn(re.sub(r"_(bucket|sum|count)$", "", name) if name not in declared else name, declared)

    def test_of_each_process_it_says_what_the_kernel_does(self):
        processes = {p.name[:-1]: p for p in self.cluster.processes}
        for role in self.ports:
            text, pid = self.metrics(role), processes[role].popen.pid
            with open(f"/proc/{pid}/status") as f:
                status = dict(line.rstrip("\n").split(":", 1) for line in f)
            with self.subTest(role):
                rss = int(status["VmRSS"].split()[0]) * 1024
                self.assertAlmostEqual(value(text, "process_resident_memory_bytes"), rss, delta=0.1 * rss)
                self.assertEqual(value(text, "process_threads"), int(status["Threads"]))
                self.assertAlmostEqual(value(text, "process_open_fds"), len(os.listdir(f"/proc/{pid}/fd")), delta=3)
                self.assertLess(-2, time.time() - value(text, "process_start_time_seconds"))
                self.assertLess(time.time() - value(text, "process_start_time_seconds"), 300)
                self.assertGreaterEqual(value(text, "process_cpu_seconds_total"), 0)

    @unittest.skipUnless(shutil.which("promtool"), "promtool (Debian's prometheus) is not installed")
    def test_promtool_has_nothing_to_say(self):
        for role in self.ports:
            done = subprocess.run(["promtool", "check", "metrics"], input=self.metrics(role), capture_output=True, text=True)
            self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""), role)

    @unittest.skipUnless(shutil.which("prometheus"), "prometheus (Debian's package) is not installed")
    def test_a_real_prometheus_scrapes_all_and_knows_every_expression(self):
        """deploy/monitoring as it is, but for names: targets of this machine, a folder of this test, and everything once a second."""
        c = self.cluster
        c.begin(task_id="t", steps=[{"name": "a", "function": "echo"}])
        c.wait("t")
        subprocess.run([DEPLOY / "make-secrets", f"{c.dir}/secrets"], check=True, capture_output=True)
        self.ports["gateway"] = c.start_gateway(MARATHON_API_KEYS_FILE=f"{c.dir}/secrets/api_keys").port
        config = (DEPLOY / "monitoring/prometheus.yaml").read_text()
        for job, role in (("coordinator", "coordinator"), ("worker", "worker"), ("gateway", "gateway")):
            config, found = re.subn(rf"dns_sd_configs: .*names: \[{job}\].*", f"static_configs: [{{targets: ['127.0.0.1:{self.ports[role]}']}}]", config)
            self.assertEqual(found, 1, job)
        self.assertEqual((config.count(": 15s"), config.count("/run/secrets/marathon_key")), (2, 1))
        config = config.replace(": 15s", ": 1s").replace("/run/secrets/marathon_key", f"{c.dir}/secrets/prometheus_key")
        pathlib.Path(c.dir, "prometheus.yaml").write_text(config)
        shutil.copy(DEPLOY / "monitoring/alerts.yaml", c.dir)
        port = free_port()
        c.spawn("prometheus", ["prometheus", f"--config.file={c.dir}/prometheus.yaml", f"--storage.tsdb.path={c.dir}/tsdb",
                               f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn"])

        def ask(path, **query):
            status, text = page(port, f"/api/v1/{path}?{urllib.parse.urlencode(query)}")
            self.assertEqual(status, 200, f"{query}: {text}")
            return json.loads(text)["data"]

        def scraped():
            try:
                if page(port, "/-/ready")[0] != 200:
                    return False
            except OSError:
                return False
            targets = ask("targets")["activeTargets"]
            return {t["labels"]["job"] for t in targets if t["health"] == "up"} == {"coordinators", "workers", "gateways"}

        def rules():
            return [r for group in ask("rules")["groups"] for r in group["rules"]]

        until("all targets are up", scraped, 60)
        until("two samples of all are there", lambda: len(ask("query", query="count_over_time(up[1m]) > 2")["result"]) == 3)
        until("all rules are healthy", lambda: {r["health"] for r in rules()} == {"ok"})
        self.assertGreater(len(rules()), 15)
        self.assertEqual([r["name"] for r in rules() if r["state"] == "firing"], [])
        board = json.loads((DEPLOY / "monitoring/grafana/marathon.json").read_text())
        asked = [t["expr"].replace("$__rate_interval", "1m").replace("$instance", ".*") for p in board["panels"] for t in p.get("targets", ())]
        self.assertGreater(len(asked), 40)

        def silent():  # each is accepted, and has an answer but where a healthy cluster has none
            return {e for e in asked if not ask("query", query=e)["result"]} - {e for e in asked if "steps_unplaced" in e or "admission_closed" in e}

        until("each query of the dashboard has an answer", lambda: not silent())

    def test_readiness_follows_redis_and_liveness_does_not(self):
        coordinator = self.ports["coordinator"]
        redis = self.cluster.processes[0]
        until("it is ready", lambda: page(coordinator, "/readyz") == (200, "ready\n"))
        redis.kill(signal.SIGSTOP)
        until("it is not ready", lambda: page(coordinator, "/readyz")[0] == 503)
        self.assertEqual(page(coordinator, "/livez"), (200, "live\n"))
        self.assertIn("store", page(coordinator, "/readyz")[1])
        redis.kill(signal.SIGCONT)
        until("it is ready again", lambda: page(coordinator, "/readyz")[0] == 200)
        self.assertGreater(self.counted("coordinator", "store_connects_total"), 1)

    def test_a_worker_is_ready_while_a_coordinator_has_it(self):
        worker = self.ports["worker"]
        until("it is ready", lambda: page(worker, "/readyz") == (200, "ready\n"))  # the list knows it before it is told so
        coordinator = self.cluster.processes[1]
        coordinator.kill()
        until("it is not ready", lambda: "it is not connected to any coordinator" in page(worker, "/readyz")[1])
        self.assertEqual(page(worker, "/readyz")[0], 503)
        coordinator.start()
        until("it is ready again", lambda: page(worker, "/readyz")[0] == 200)
        self.assertEqual(self.counted("worker", "coordinator_joins_total"), 2)

    def test_a_port_beyond_this_machine_must_be_meant(self):
        for program in ("marathon-coordinator", "marathon-worker"):
            env = self.cluster.env(MARATHON_METRICS_LISTEN="0.0.0.0:7480")
            done = subprocess.run([f"{BIN}/{program}"], env=env, capture_output=True, text=True, timeout=60)
            self.assertEqual(done.returncode, 78, done.stderr)
            self.assertIn("MARATHON_METRICS_LISTEN=0.0.0.0:7480", done.stderr)
            self.assertIn("--insecure-listen", done.stderr)


if __name__ == "__main__":
    unittest.main()
