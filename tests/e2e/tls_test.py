"""TLS between the roles: who has a certificate of the cluster is a member, in the role that it is for; nobody else gets a word in. And TLS
to Redis."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from cluster import BIN, ClusterCase, free_port, page, until, value  # noqa: E402

CERTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "deploy", "certs")
PIPELINES = os.path.join(os.path.dirname(CERTS), "pipelines")
PROGRAMS = {"marathon-coordinator": "MARATHON_COORDINATOR_LISTEN", "marathon-worker": "MARATHON_COORDINATORS",
            "marathon-gateway": "MARATHON_COORDINATORS"}


def certs(*options):
    subprocess.run([CERTS, *options], check=True, stdout=subprocess.DEVNULL)


def has_tls(process):
    with open(f"/proc/{process.popen.pid}/maps") as f:
        return "libssl" in f.read()


class Secure(ClusterCase):
    pipelines = {"three": [{"name": f"s{i}", "function": "effect"} for i in range(3)],
                 "slow": [{"name": f"s{i}", "function": "effect", "input": {"sleep": 0.3}} for i in range(3)]}

    def setUp(self):
        super().setUp()
        c = self.cluster
        self.folder = os.path.join(c.dir, "tls")
        certs("--coordinator", "127.0.0.1", "--coordinator", "localhost", self.folder)
        self.password = os.path.join(c.dir, "password")
        with open(self.password, "w") as f:
            f.write("sesame\n")
        for role in ("coordinator", "worker", "gateway"):  # locked keys: the password is a setting of all three
            key = self.path(f"{role}.key")
            subprocess.run(["openssl", "pkcs8", "-topk8", "-in", key, "-out", key + ".locked", "-passout", f"file:{self.password}"], check=True)
        self.port = free_port()
        self.url = f"tls+tcp://127.0.0.1:{self.port}"
        c.coordinator_url = lambda n=1: self.url

    def path(self, name):
        return os.path.join(self.folder, name)

    def settings(self, role, folder=None):
        folder = folder or self.folder
        env = {"MARATHON_TLS_CA_FILE": f"{self.folder}/ca.pem", "MARATHON_TLS_CERT_FILE": f"{folder}/{role}.pem"}
        if folder == self.folder:
            env.update(MARATHON_TLS_KEY_FILE=f"{folder}/{role}.key.locked", MARATHON_TLS_KEY_PASSWORD_FILE=self.password)
        else:
            env.update(MARATHON_TLS_CA_FILE=f"{folder}/ca.pem", MARATHON_TLS_KEY_FILE=f"{folder}/{role}.key")
        return env

    def start(self):
        c = self.cluster
        c.start_redis()
        self.metrics_port = free_port()
        self.coordinator = c.start_coordinator(MARATHON_METRICS_LISTEN=f"127.0.0.1:{self.metrics_port}", **self.settings("coordinator"))
        self.worker = c.start_worker(**self.settings("worker"))
        c.start_gateway(**self.settings("gateway"))
        until("the worker has joined", lambda: len(c.get("/workers")["items"]) == 1)

    def metric(self, name):
        _, _, text = self.cluster.call("GET", "/metrics", prefix="", port=self.metrics_port)
        return float(re.search(rf"^marathon_tls_{name} (\S+)$", text.decode(), re.M)[1])

    def refused(self):
        return self.metric("refusals_total")

    def test_tasks_run_and_strangers_get_nowhere(self):
        c = self.cluster
        self.start()
        self.assertEqual(c.wait(c.begin(task_type="three"))["status"], "completed")
        other = os.path.join(c.dir, "other")
        certs(other)
        stranger = c.start_worker(**self.settings("worker", other))  # of another authority
        until("it is told no", lambda: "tls_refused" in stranger.log() and self.refused() > 0)
        c.coordinator_url = lambda n=1: f"tcp://127.0.0.1:{self.port}"
        plain = c.start_worker()
        c.coordinator_url = lambda n=1: self.url
        before = self.refused()
        until("what is no TLS is refused", lambda: self.refused() > before)
        before = self.refused()
        with socket.create_connection(("127.0.0.1", self.port)) as s:
            s.sendall(b"GET / HTTP/1.1\r\n\r\n")
            s.settimeout(60)
            try:
                while s.recv(100):  # an alert perhaps, then the end
                    pass
            except ConnectionResetError:  # the end, of a connection with words that nobody had read
                pass
        until("so is HTTP", lambda: self.refused() > before)
        spy = c.start_worker(**{**self.settings("gateway"), "MARATHON_TLS_CERT_FILE": self.path("gateway.pem")})
        until("a gateway's certificate makes no worker", lambda: "for another role" in self.coordinator.log())
        certs("--role", "redis-client", self.folder)
        told = self.coordinator.log().count("for another role")
        client = c.start_worker(**{**self.settings("worker"), "MARATHON_TLS_CERT_FILE": self.path("redis-client.pem"),
                                   "MARATHON_TLS_KEY_FILE": self.path("redis-client.key"), "MARATHON_TLS_KEY_PASSWORD_FILE": ""})
        until("nor does one for Redis", lambda: self.coordinator.log().count("for another role") > told)
        self.assertEqual(len(c.get("/workers")["items"]), 1, "none of them is known")
        for p in (stranger, plain, spy, client):
            self.assertNotIn("coordinator_joined", p.log())
            p.kill()
        self.assertEqual(c.wait(c.begin(task_type="three"))["status"], "completed")

    def test_who_has_another_authority_says_so_and_the_doctor_too(self):
        c = self.cluster
        self.start()
        other = os.path.join(c.dir, "other")
        certs(other)
        listen, port = free_port(), free_port()
        c.spawn("worker", [f"{BIN}/marathon-worker"], MARATHON_COORDINATORS=self.url, MARATHON_FUNCTIONS=",".join(c.functions),
                MARATHON_METRICS_LISTEN=f"127.0.0.1:{port}", **self.settings("worker", other))
        c.spawn("gateway", [f"{BIN}/marathon-gateway"], MARATHON_COORDINATORS=self.url, MARATHON_LISTEN=f"127.0.0.1:{listen}",
                **self.settings("gateway", other))

        def said(port, path):
            try:
                status, _, body = c.call("GET", path, prefix="", port=port)
            except OSError:
                return ""
            self.assertEqual(status, 503)
            return json.dumps(body) if isinstance(body, dict) else body.decode()
        until("the gateway says why", lambda: re.search("cannot be reached: [^\"]*certificate", said(listen, "/readyz?verbose")))
        until("the worker says why", lambda: re.search(f"; {re.escape(self.url)}: .*certificate", said(port, "/readyz")))
        done = subprocess.run([f"{BIN}/marathon", "doctor", "--server", f"http://127.0.0.1:{listen}"], capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertRegex(done.stdout, "cannot be reached: .*certificate")

    def test_killed_workers_and_coordinators_come_back_and_nothing_is_lost(self):
        c = self.cluster
        self.start()
        files = f"/proc/{self.coordinator.popen.pid}/fd"
        before = 0
        for i in range(8):
            task = c.begin(task_type="slow")
            until("it is at work", lambda task=task: any(task in line for line in c.effects_lines()))
            pid = self.worker.popen.pid
            self.worker.kill()
            self.worker.start()
            until("it is back", lambda: [w["pid"] for w in c.get("/workers")["items"] if w["state"] == "ready"]
                  == [self.worker.popen.pid] != [pid])
            self.assertEqual(c.wait(task)["status"], "completed")
            before = before or len(os.listdir(files))
        until("their connections are closed", lambda: len(os.listdir(files)) <= before + 2)
        task = c.begin(task_type="slow")
        self.coordinator.kill()
        self.coordinator.start()
        self.assertEqual(c.wait(task)["status"], "completed")

    def test_certificates_are_read_again_on_sighup(self):
        c = self.cluster
        self.start()
        before = self.metric("certificate_expires_timestamp_seconds")
        certs("--renew", "--days", "800", "--role", "coordinator", "--coordinator", "127.0.0.1", self.folder)
        os.replace(self.path("coordinator.key"), self.path("coordinator.key.locked"))  # without a lock now: that is fine too
        self.coordinator.popen.send_signal(signal.SIGHUP)
        until("it shows the new one", lambda: self.metric("certificate_expires_timestamp_seconds") > before + 400 * 86400)
        self.worker.kill()
        self.worker.start()
        self.assertEqual(c.wait(c.begin(task_type="three"))["status"], "completed")
        with open(self.path("coordinator.pem"), "w") as f:
            f.write("nonsense\n")
        self.coordinator.popen.send_signal(signal.SIGHUP)
        until("it says what is wrong", lambda: "certificate_bad" in self.coordinator.log())
        self.assertGreater(self.metric("certificate_expires_timestamp_seconds"), before)
        self.assertEqual(c.wait(c.begin(task_type="three"))["status"], "completed")
        for p in c.processes:  # and the other two take the signal as well
            if p.name in ("worker1", "gateway1"):
                p.popen.send_signal(signal.SIGHUP)
                until("read again", lambda p=p: p.log().count("certificate_read") >= 2)


class RedisTls(ClusterCase):
    """rediss://: a Redis that speaks TLS only, and wants to know who we are."""
    REDIS = ("--redis", "localhost", "--role", "redis")

    def setUp(self):
        super().setUp()
        c = self.cluster
        self.folder, self.other = os.path.join(c.dir, "tls"), os.path.join(c.dir, "other")
        certs(*self.REDIS, "--role", "redis-client", self.folder)
        certs(*self.REDIS, self.other)
        self.redis_port, self.port = free_port(), free_port()
        self.redis = c.start_redis("--tls-port", str(self.redis_port), "--bind", "127.0.0.1", "--tls-auth-clients", "yes",
                                   "--tls-cert-file", f"{self.folder}/redis.pem", "--tls-key-file", f"{self.folder}/redis.key",
                                   "--tls-ca-cert-file", f"{self.folder}/ca.pem")
        self.ca = os.path.join(c.dir, "redis-ca.pem")
        self.trust(self.folder)

    def trust(self, folder):
        shutil.copy(f"{folder}/ca.pem", self.ca + ".new")
        os.replace(self.ca + ".new", self.ca)

    def start(self):
        c = self.cluster
        self.coordinator = c.start_coordinator(
            REDIS_URL=f"rediss://localhost:{self.redis_port}", MARATHON_METRICS_LISTEN=f"127.0.0.1:{self.port}",
            MARATHON_REDIS_TLS_CA_FILE=self.ca, MARATHON_REDIS_TLS_CERT_FILE=f"{self.folder}/redis-client.pem",
            MARATHON_REDIS_TLS_KEY_FILE=f"{self.folder}/redis-client.key")
        c.start_worker()

    def test_a_killed_redis_comes_back_with_another_certificate_and_the_work_goes_on(self):
        c = self.cluster
        self.start()
        c.start_gateway()
        until("the worker has joined", lambda: len(c.get("/workers")["items"]) == 1)
        gate = os.path.join(c.dir, "go")
        c.begin(task_id="busy", steps=[{"name": "a", "function": "effect", "input": {"until": gate}}, {"name": "b", "function": "effect"}])
        until("it runs", lambda: len(c.effects_lines()) == 1)
        self.redis.kill()
        until("the loss is noticed", lambda: "store_lost" in self.coordinator.log())
        certs("--renew", *self.REDIS, self.folder)
        open(gate, "w").close()
        self.redis.start()
        self.assertEqual(c.wait("busy")["status"], "completed")
        self.assertEqual(len(c.effects_lines()), 2)
        self.assertEqual([has_tls(p) for p in c.processes if p.name in ("coordinator1", "worker1")], [True, False],
                         "OpenSSL's TLS is where it is spoken, and nowhere else")

    def test_a_wrong_authority_is_named_and_mended_by_sighup(self):
        c = self.cluster
        self.trust(self.other)
        self.start()
        said = f"cannot connect to localhost port {self.redis_port}: TLS: its certificate: "
        until("the log says why", lambda: said in self.coordinator.log())
        until("the probe says why", lambda: page(self.port, "/readyz")[0] == 503 and "MARATHON_REDIS_TLS_CA_FILE" in page(self.port, "/readyz")[1])
        listen = free_port()
        c.port = listen
        c.spawn("gateway", [f"{BIN}/marathon-gateway"], MARATHON_COORDINATORS=c.coordinator_url(), MARATHON_LISTEN=f"127.0.0.1:{listen}")

        def doctor():
            return subprocess.run([f"{BIN}/marathon", "doctor", "--server", f"http://127.0.0.1:{listen}"],
                                  capture_output=True, text=True, timeout=60)
        until("the doctor says why", lambda: "MARATHON_REDIS_TLS_CA_FILE" in doctor().stdout)
        self.assertEqual(doctor().returncode, 1)
        with open(self.ca, "w") as f:
            f.write("nonsense\n")
        self.coordinator.popen.send_signal(signal.SIGHUP)
        until("bad files change nothing", lambda: "redis_tls_bad" in self.coordinator.log())
        self.trust(self.folder)
        self.coordinator.popen.send_signal(signal.SIGHUP)
        until("it is up", lambda: page(self.port, "/readyz")[0] == 200)
        expires = value(page(self.port, "/metrics")[1], "marathon_redis_tls_certificate_expires_timestamp_seconds")
        self.assertAlmostEqual((expires - time.time()) / 86400, 365, delta=1)
        until("the worker has joined", lambda: c.ready() and len(c.get("/workers")["items"]) == 1)
        self.assertEqual(c.wait(c.begin(steps=[{"name": "a", "function": "effect"}]))["status"], "completed")


class Refused(ClusterCase):
    """Settings that cannot be meant: exit code 78, and what to do."""

    def run_program(self, program, **env):
        env = {"MARATHON_STORE": "memory", "MARATHON_LISTEN": "127.0.0.1:1", **env}
        return subprocess.run([f"{BIN}/{program}"], env=self.cluster.env(**env),
                              capture_output=True, text=True, timeout=60)

    def test_plain_text_beyond_this_machine_must_be_meant(self):
        self.cluster.start_redis()
        done = self.run_program("marathon-coordinator", MARATHON_COORDINATOR_LISTEN=f"tcp://0.0.0.0:{free_port()}",
                                MARATHON_STORE="redis", MARATHON_PIPELINES=PIPELINES)
        self.assertEqual(done.returncode, 78, done.stderr)
        self.assertEqual(self.cluster.redis("DBSIZE"), "0", "nothing was begun")
        for way in ("tls+tcp://", "loopback", "ipc://", "--insecure-listen"):
            self.assertIn(way, done.stderr)

    def test_plain_text_to_another_machine_is_warned_of(self):
        url = "tcp://192.0.2.1:7400"  # nobody's
        worker = [f"{BIN}/marathon-worker"], {"MARATHON_FUNCTIONS": self.cluster.functions[0]}
        gateway = [f"{BIN}/marathon-gateway"], {"MARATHON_LISTEN": f"127.0.0.1:{free_port()}"}
        for role, (argv, own) in (("worker", worker), ("gateway", gateway)):
            for urls, more, expected in ((f"tcp://127.0.0.1:1,{url}", {}, [url]), (url, {"MARATHON_INSECURE_LISTEN": "true"}, []),
                                         ("tcp://localhost:1,tcp://[::1]:1", {}, [])):
                with self.subTest(role=role, urls=urls):
                    p = self.cluster.spawn(role, argv, MARATHON_COORDINATORS=urls, **own, **more)
                    until("it has started", lambda p=p: " starting " in p.log())
                    p.kill(signal.SIGTERM)
                    self.assertEqual(re.findall(r'plain_text setting=MARATHON_COORDINATORS url="?([^" ]+)', p.log()), expected)

    def test_tls_needs_its_files_and_they_must_fit(self):
        folder = os.path.join(self.cluster.dir, "tls")
        other = os.path.join(self.cluster.dir, "other")
        certs(folder)
        certs(other)
        for program, name in PROGRAMS.items():
            url = {name: f"tls+tcp://127.0.0.1:{free_port()}"}
            files = {"MARATHON_TLS_CA_FILE": f"{folder}/ca.pem", "MARATHON_TLS_CERT_FILE": f"{folder}/worker.pem",
                     "MARATHON_TLS_KEY_FILE": f"{folder}/worker.key"}
            for change, said in (({}, "needs a certificate"),
                                 ({"MARATHON_TLS_CA_FILE": files["MARATHON_TLS_CA_FILE"]}, "MARATHON_TLS_KEY_FILE is not set"),
                                 ({**files, "MARATHON_TLS_KEY_FILE": f"{folder}/gateway.key"}, "is not the certificate's private key"),
                                 ({**files, "MARATHON_TLS_CA_FILE": f"{other}/ca.pem"}, "peers would not trust it"),
                                 ({**files, "MARATHON_TLS_CERT_FILE": f"{folder}/none.pem"}, "none.pem: No such file")):
                done = self.run_program(program, **url, **change)
                self.assertEqual(done.returncode, 78, (program, change, done.stderr))
                self.assertIn(said, done.stderr)

    def test_tls_to_redis_must_be_asked_for_and_have_what_it_needs(self):
        ca = os.path.join(self.cluster.dir, "ca.pem")
        for url, change, code, said in (
                ("redis://127.0.0.1:1", {"CA_FILE": ca}, 2, "MARATHON_REDIS_TLS_CA_FILE: REDIS_URL does not use TLS: use rediss://"),
                ("redis://127.0.0.1:1", {"NAME": "redis.example"}, 2, "MARATHON_REDIS_TLS_NAME: REDIS_URL does not use TLS"),
                ("rediss://127.0.0.1:1", {"CERT_FILE": ca}, 2, "set together with MARATHON_REDIS_TLS_KEY_FILE"),
                ("rediss://127.0.0.1:1", {"CA_FILE": ca}, 78, "ca.pem: No such file"),
                ("rediss+unix:///x", {}, 2, "rediss... for TLS")):
            env = {f"MARATHON_REDIS_TLS_{name}": given for name, given in change.items()}
            done = self.run_program("marathon-coordinator", REDIS_URL=url, MARATHON_STORE="redis",
                                    MARATHON_COORDINATOR_LISTEN=self.cluster.coordinator_url(), **env)
            self.assertEqual(done.returncode, code, done.stderr)
            self.assertIn(said, done.stderr)

    def test_a_secret_is_given_once(self):
        path = os.path.join(self.cluster.dir, "secret")
        with open(path, "w") as f:
            f.write("sesame\n")
        secrets = {program: ["MARATHON_TLS_KEY_PASSWORD"] for program in PROGRAMS}
        secrets["marathon-coordinator"] += ["REDIS_URL", "MARATHON_REDIS_PASSWORD", "MARATHON_REDIS_TLS_KEY_PASSWORD"]
        for program, names in secrets.items():
            for name in names:
                done = self.run_program(program, **{name: "sesame", name + "_FILE": path})
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertIn(name + " and ", done.stderr)
                self.assertIn(name + "_FILE are both given", done.stderr)
                env = self.cluster.env(**{name + "_FILE": path})
                env.pop("REDIS_URL", None) if name == "REDIS_URL" else None
                shown = subprocess.run([f"{BIN}/{program}", "--print-config"], env=env, capture_output=True, text=True, timeout=60)
                self.assertIn(name + "_FILE", shown.stdout)
                if name != "REDIS_URL":
                    self.assertNotIn("sesame", shown.stdout)
        env = self.cluster.env(MARATHON_API_KEY="a", MARATHON_API_KEY_FILE=path)
        done = subprocess.run([f"{BIN}/marathon", "list"], env=env, capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("MARATHON_API_KEY and MARATHON_API_KEY_FILE are both given", done.stderr)


if __name__ == "__main__":
    unittest.main()
