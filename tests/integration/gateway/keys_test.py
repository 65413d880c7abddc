"""API keys: made by `marathon keys new`, asked for by the gateway, read again on SIGHUP."""

import contextlib
import json
import os
import re
import signal
import socket
import time
import subprocess
import tempfile

from gateway_case import BIN, FAR, PATIENCE, PREFIX, GatewayCase, free_port, main, until, websocket, whole


def new_key(path, name, *more):
    made = subprocess.run([f"{BIN}/marathon", "keys", "new", name, "--file", path, "-q", *more],
                          capture_output=True, text=True, check=True)
    return made.stdout.strip()


class Keys(GatewayCase):
    def setUp(self):
        fd, self.path = tempfile.mkstemp(prefix="marathon-keys-")
        os.close(fd)
        self.addCleanup(os.unlink, self.path)
        self.writer = new_key(self.path, "ci")
        self.reader = new_key(self.path, "board", "--read")
        self.settings = {"MARATHON_API_KEYS_FILE": self.path}
        super().setUp()

    def call(self, method, path, body=None, headers=None, **more):
        return super().call(method, path, body, {"Authorization": f"Bearer {self.writer}", **(headers or {})}, **more)

    def ask(self, method, path, key, body=None, prefix=PREFIX):
        return self.call(method, path, body, {"Authorization": f"Bearer {key}"}, prefix=prefix)

    def test_every_call_needs_a_key_and_says_so(self):
        for method, path in (("GET", "/status/t1"), ("POST", "/start"), ("POST", "/cancel/t1"), ("GET", "/tasks"),
                             ("GET", "/pipelines"), ("GET", "/workers"), ("GET", "/stream/t1"), ("GET", "/result/t1")):
            for key in ("", "mk_wrong", self.writer[:-1]):
                status, headers, problem = self.ask(method, path, key, {} if method == "POST" else None)
                self.assertEqual((status, problem["code"]), (401, "UNAUTHORIZED"), (method, path))
                self.assertEqual(headers["WWW-Authenticate"], 'Bearer realm="marathon"')
        self.assertEqual(self.ask("GET", "/metrics", "", prefix="")[0], 401)
        for probe in ("/livez", "/readyz", "/openapi.json"):
            self.assertEqual(self.ask("GET", probe, "", prefix="")[0], 200, probe)
        self.assertEqual(self.ask("GET", "/metrics", self.reader, prefix="")[0], 200)

    def test_with_a_key_it_does_not_matter_whose_page_asks_nor_under_which_name(self):
        foreign = {"Host": "marathon.example", "Origin": "https://pages.example"}
        self.assertEqual(self.call("GET", "/tasks", headers=foreign)[0], 200)
        self.assertEqual(self.call("POST", "/start", {"task_type": "x"}, headers=foreign)[0], 202)

    def body_bytes(self):
        text = self.ask("GET", "/metrics", self.reader, prefix="")[2].decode()
        return int(re.search(r"^marathon_gateway_body_bytes (\d+)$", text, re.MULTILINE).group(1))

    def test_who_may_not_ask_has_no_body_gathered(self):
        head = f"POST {PREFIX}/start HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nExpect: 100-continue\r\n".encode()
        size = 1 << 20
        for field in ("", f"Authorization: Bearer {self.reader}\r\n", "Authorization: Bearer mk_wrong\r\n"):
            for how, begin in ((b"Content-Length: %d" % size, b" " * 1000), (b"Transfer-Encoding: chunked", b"%x\r\n" % size)):
                for rest in (b"", b" " * size):
                    with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as s:
                        s.sendall(head + field.encode() + how + b"\r\n\r\n" + begin)
                        s.sendall(rest)  # it is read, though it counts for nothing: else the answer could be lost
                        got = b""
                        while not whole(got):
                            part = s.recv(65536)
                            self.assertTrue(part, got)
                            got += part
                    self.assertIn(got.split()[1], (b"401", b"403"))
                    self.assertIn(b"\r\nconnection: close\r\n", got)
        self.assertEqual(self.body_bytes(), 0)
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as s:  # for longer than one lingers for others
            s.sendall(head + b"Content-Length: 40\r\n\r\n")
            for _ in range(40):
                time.sleep(0.1)  # a thin line
                s.sendall(b" ")
            self.assertEqual(s.recv(12, socket.MSG_WAITALL).split()[1], b"401")
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as s:
            s.sendall(head + f"Authorization: Bearer {self.writer}\r\nContent-Length: 17\r\n\r\n".encode() + b"{")
            self.assertEqual(s.recv(25, socket.MSG_WAITALL), b"HTTP/1.1 100 Continue\r\n\r\n")
            until("it is gathered", lambda: self.body_bytes() > 0)
            s.sendall(b'"task_type":"x"}')
            self.assertEqual(s.recv(12, socket.MSG_WAITALL).split()[1], b"202")

    def test_who_has_no_key_cannot_fill_what_waits_for_clients(self):
        with contextlib.ExitStack() as stack:
            for _ in range(700):  # of 64 KB; 500 of them were all that there is room for
                s = stack.enter_context(socket.socket())
                for option in FAR:
                    s.setsockopt(*option)
                s.connect(("127.0.0.1", self.port))
                s.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 4)
            self.await_full(s)
            self.assertEqual(self.ask("GET", "/tasks", self.reader)[0], 200)
            waiting = re.search(r"_answers_waiting_bytes (\d+)\n", self.ask("GET", "/metrics", self.reader, prefix="")[2].decode())
            self.assertLess(int(waiting[1]), 1 << 20)
        _, _, whole_one = self.ask("GET", "/openapi.json", "", prefix="")
        self.assertIn("paths", whole_one)

    def test_what_stands_behind_is_told_with_a_key_only(self):
        for key in ("", "mk_wrong"):
            status, _, problem = self.ask("GET", "/readyz?verbose", key, prefix="")
            self.assertEqual((status, problem["code"]), (401, "UNAUTHORIZED"))
        self.assertIn("url", self.ask("GET", "/readyz?verbose", self.reader, prefix="")[2]["coordinators"][0])
        self.assertEqual(self.ask("GET", "/readyz", "mk_wrong", prefix="")[:1] + self.ask("GET", "/readyz", "", prefix="")[2:],
                         (200, {"status": "ready"}))

    def test_a_refused_key_is_a_line_in_the_log_but_not_a_line_each(self):
        for _ in range(20):
            self.call("GET", "/tasks", headers={"Authorization": "Bearer mk_guess", "X-Forwarded-For": '203.0.113.9, "x"'})
        self.ask("POST", "/cancel/t1", self.reader, {})
        lines = [line for line in self.log_text().splitlines() if " key_refused " in line]
        self.assertLess(len(lines), 15)
        self.assertIn('from="127.0.0.1" ', lines[0])
        self.assertIn("203.0.113.9", lines[0])
        self.assertIn("call=tasks status=401", lines[0])
        self.assertNotIn("mk_guess", self.log_text())

    def test_a_key_for_reading_changes_nothing(self):
        for method, path in (("POST", "/start"), ("PUT", "/pipelines/x"), ("POST", "/pipelines/validate")):
            status, _, problem = self.ask(method, path, self.reader, {"task_type": "x"})
            self.assertEqual((path, status, problem["code"]), (path, 403, "FORBIDDEN"))
        self.assertIn("board", problem["detail"])
        self.assertNotEqual(self.ask("GET", "/tasks", self.reader)[0], 403)

    def test_websockets_need_one_too(self):
        self.fake.say("task", "t1", 1, "running", 5)
        url = f"ws://127.0.0.1:{self.port}/api/v1/ws/marathon/t1"
        for options in ({}, {"header": ["Authorization: Bearer mk_wrong"]}, {"subprotocols": ["marathon", "bearer.mk_wrong"]}):
            with self.assertRaises(websocket.WebSocketBadStatusException) as caught:
                websocket.create_connection(url, timeout=PATIENCE, **options)
            self.assertEqual(caught.exception.status_code, 401)
        for options in ({"header": [f"Authorization: Bearer {self.reader}"]},
                        {"subprotocols": ["marathon", f"bearer.{self.reader}"]}):
            ws = websocket.create_connection(url, timeout=PATIENCE, **options)
            self.assertEqual(json.loads(ws.recv())["type"], "initial_state")
            ws.close()

    def test_sighup_reads_the_file_again_and_a_bad_one_changes_nothing(self):
        third = new_key(self.path, "third")
        self.assertEqual(self.ask("GET", "/tasks", third)[0], 401)
        self.gateway.send_signal(signal.SIGHUP)
        until("the new key is known", lambda: self.ask("GET", "/metrics", third, prefix="")[0] == 200)
        with open(self.path, "a") as f:
            f.write("rubbish\n")
        self.gateway.send_signal(signal.SIGHUP)
        until("the log says so", lambda: "keys_bad" in self.log_text())
        self.assertEqual(self.ask("GET", "/metrics", third, prefix="")[0], 200)
        with open(self.path) as f:
            lines = [line for line in f if not line.startswith(("third", "rubbish"))]
        with open(self.path, "w") as f:
            f.writelines(lines)
        self.gateway.send_signal(signal.SIGHUP)
        until("the key is gone", lambda: self.ask("GET", "/metrics", third, prefix="")[0] == 401)
        for key in (self.writer, self.reader, third):
            self.assertNotIn(key, self.log_text())

    def log_text(self):
        with open(os.path.join(self.dir, "gateway.log"), errors="replace") as f:
            return f.read()

    def test_the_command_line_shows_its_key(self):
        def marathon(**env):
            base = {k: v for k, v in os.environ.items() if not k.startswith("MARATHON_")}
            return subprocess.run([f"{BIN}/marathon", "status", "t1", "--retry-for", "0"], capture_output=True, text=True,
                                  env={**base, "MARATHON_URL": f"http://127.0.0.1:{self.port}", **env})
        without = marathon()
        self.assertEqual(without.returncode, 1)
        self.assertIn("MARATHON_API_KEY", without.stderr)
        path = os.path.join(self.dir, "key")
        with open(path, "w") as f:
            f.write(self.reader + "\n")
        for env in ({"MARATHON_API_KEY": self.reader}, {"MARATHON_API_KEY_FILE": path}):
            self.assertNotIn("UNAUTHORIZED", marathon(**env).stderr)
        self.assertEqual(marathon(MARATHON_API_KEY="two words").returncode, 2)
        self.assertEqual(marathon(MARATHON_API_KEY_FILE="/nonexistent").returncode, 2)


class Start(GatewayCase):
    """A gateway that must not start."""

    def setUp(self):
        pass

    def tearDown(self):
        pass

    def refused(self, *argv, **env):
        base = {k: v for k, v in os.environ.items() if not k.startswith("MARATHON_")}
        return subprocess.run([f"{BIN}/marathon-gateway", *argv], capture_output=True, text=True, timeout=PATIENCE, env={**base, **env})

    def test_beyond_this_machine_it_wants_keys_or_a_word(self):
        r = self.refused("--listen", f"0.0.0.0:{free_port()}")
        self.assertEqual(r.returncode, 78)
        self.assertIn("--api-keys-file", r.stderr)
        self.assertIn("--insecure-listen", r.stderr)

    def test_a_missing_or_bad_file_of_keys_is_named(self):
        r = self.refused("--api-keys-file", "/nonexistent/keys")
        self.assertEqual(r.returncode, 2)
        self.assertIn("/nonexistent/keys: No such file", r.stderr)
        with tempfile.NamedTemporaryFile("w") as f:
            f.write("# none yet\n")
            f.flush()
            r = self.refused("--api-keys-file", f.name)
        self.assertEqual(r.returncode, 2)
        self.assertIn("marathon keys new", r.stderr)

    def test_keys_new_says_what_is_wrong(self):
        for argv in (["keys"], ["keys", "new"], ["keys", "old", "a"], ["keys", "new", "a b"], ["keys", "new", "a", "b"]):
            self.assertEqual(subprocess.run([f"{BIN}/marathon", *argv], capture_output=True).returncode, 2, argv)
        r = subprocess.run([f"{BIN}/marathon", "keys", "new", "a", "--file", "/nonexistent/x"], capture_output=True, text=True)
        self.assertEqual(r.returncode, 1)
        self.assertIn("/nonexistent/x", r.stderr)
        made = json.loads(subprocess.run([f"{BIN}/marathon", "keys", "new", "a", "-o", "json"], capture_output=True).stdout)
        self.assertEqual((made["id"], made["may"], len(made["key"])), ("a", "all", 67))


if __name__ == "__main__":
    main()
