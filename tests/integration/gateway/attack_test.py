"""Bytes that no decent client sends: each gets its problem or its close, and the next client is served as if nothing had been."""

import contextlib
import http.client
import itertools
import json
import os
import socket
import struct
import subprocess
import time
import zlib

from gateway_case import BIN, PATIENCE, PREFIX, PROGRESS, Measured, free_port, main, until, whole

POST = b"POST /api/v1/marathon/start HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
UPGRADE = (b"GET %s HTTP/1.1\r\nHost: h:1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n%s\r\n")


class Attack(Measured):
    settings = {"MARATHON_HEADER_TIMEOUT": 2, "MARATHON_BODY_TIMEOUT": 2, "MARATHON_STALL_TIMEOUT": 2,
                "MARATHON_MAX_CONNECTIONS": 60, "MARATHON_ALLOWED_ORIGINS": "https://pages.example"}

    def tearDown(self):
        self.alive()
        super().tearDown()

    def alive(self):
        begin = time.monotonic()
        self.assertEqual(self.call("GET", "/livez", prefix="")[0], 200)
        self.assertLess(time.monotonic() - begin, 10)  # at once, but for what a busy machine takes

    def problem(self, data, status, code):
        got = self.answer(data)
        head, _, body = got.partition(b"\r\n\r\n")
        if head.endswith(b"100 Continue"):
            head, _, body = body.partition(b"\r\n\r\n")
        self.assertIn(f" {status} ".encode(), head.split(b"\r\n")[0], got[:300])
        self.assertIn(b"application/problem+json", head)
        problem = json.loads(body)
        self.assertEqual((problem["code"], problem["status"]), (code, status))
        self.assertTrue(problem["request_id"] and problem["title"] and problem["detail"])
        self.alive()
        return problem

    def body(self, body):
        return POST + b"Content-Length: %d\r\n\r\n" % len(body) + body

    def test_bytes_behind_a_body_do_not_freeze_it(self):
        for junk in (b"GARBAGE" * 2000, b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n" * 50, b"\0" * 70000):
            self.talk(self.body(b'{"task_type":"x"}') + junk, 1)
            self.alive()

    def idle(self, what):
        before = self.cpu_seconds()
        time.sleep(1)
        self.assertLess(self.cpu_seconds() - before, 0.2, what)

    def test_bytes_behind_a_held_request_cost_nothing_and_are_not_lost(self):
        self.fake.say("task", "t", 1, "running", 5)
        _, headers, _ = self.call("GET", "/status/t")
        held = f"GET {PREFIX}/status/t?wait=60s HTTP/1.1\r\nHost: x\r\nIf-None-Match: {headers['ETag']}\r\n\r\n".encode()
        stream = f"GET {PREFIX}/stream/t HTTP/1.1\r\nHost: x\r\n\r\n".encode()
        next_one = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
        with contextlib.ExitStack() as stack:
            polls, streams = ([stack.enter_context(socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE))
                               for _ in range(3)] for _ in range(2))
            for s in polls:
                s.sendall(held)
            for s in streams:
                s.sendall(stream)
                self.assertIn(b" 200 ", s.recv(65536))
            self.fake.await_got("WATCH")
            for s in polls + streams:
                s.sendall(next_one * 300)
            self.idle("a little behind")
            polls[0].sendall(next_one * 300)
            self.idle("and more")
            self.fake.say("events", "t", 1, PROGRESS, "running")
            for s, count in zip(polls, (601, 301, 301)):
                got = b""
                while got.count(b"HTTP/1.1 200 ") < count:
                    got += s.recv(65536)
                self.assertEqual((got.count(b'"status":"live"'), got.count(b'"seq":6}')), (count - 1, 1))

    def test_a_connection_lives_on_behind_a_long_answer_to_a_body(self):
        items = [{"steps": [{"name": "a", "function": "echo"}], "bad": i, "worse": 1, "x" * 80: 3} for i in range(1000)]
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        for _ in range(20):
            c.request("POST", PREFIX + "/start/batch", json.dumps({"tasks": items}), {"Content-Type": "application/json"})
            self.assertGreater(len(c.getresponse().read()), 300000)
            c.auto_open = 0  # the next one goes by the same connection, or not at all
        c.close()

    def test_an_offer_of_http_2_is_passed_over(self):
        got = self.answer(b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
                          b"HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n\r\n")
        self.assertTrue(got.startswith(b"HTTP/1.1 200 "), got[:100])

    def test_names_like_the_beginnings_of_known_ones_swallow_nothing(self):
        known = ("accept-encoding", "cache-control", "content-length", "content-type", "if-none-match", "proxy-authorization",
                 "retry-after", "sec-websocket-key", "transfer-encoding", "upgrade", "x-auth-token", "x-forwarded-for", "x-real-ip")
        names = sorted({name[:n] for name in known for n in range(1, len(name))})
        body = b'{"task_type":"x"}'
        fields = (b"Host: x", b"Idempotency-Key: k", b"Content-Type: application/json", b"Content-Length: %d" % len(body))
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as s:
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for place in range(len(fields) + 1):
                for name in names:
                    lines = [*fields[:place], name.encode() + b": abc", *fields[place:]]
                    s.sendall(b"POST " + PREFIX.encode() + b"/start HTTP/1.1\r\n" + b"\r\n".join(lines) + b"\r\n\r\n" + body)
                    got = b""
                    while not whole(got):
                        part = s.recv(65536)
                        self.assertTrue(part, (name, place))
                        got += part
                    self.assertTrue(got.startswith(b"HTTP/1.1 202 "), (name, place, got))
        until("the coordinator has told its keys", lambda: len(self.fake.keys) == 5 * len(names))
        self.assertEqual(len(set(self.fake.keys)), 1)

    def test_a_line_that_is_no_field_is_400(self):
        for line in (b"no field", b" folded: 1", b"Content-Length : 5", b": 1", b"A: \0", b"A: b\rc", b"Host: y", b"Content-Length: 5x"):
            self.problem(b"GET /livez HTTP/1.1\r\nHost: x\r\n" + line + b"\r\nX: 1\r\n\r\n", 400, "BAD_REQUEST")

    def test_what_is_no_request_line_is_400(self):
        for target in (b"/livez%zz", b"/livez%2", b"/livez%00", b"/livez?a=50%", b"livez", b"ftp://x/livez", b"*", b"/livez\x01", b"/livez x"):
            self.problem(b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n" % target, 400, "BAD_REQUEST")
        self.problem(b"GET /livez HTTP/2.0\r\nHost: x\r\n\r\n", 400, "BAD_REQUEST")
        self.problem(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "BAD_REQUEST")
        for line in (b"GET /livez", b"GET  /livez HTTP/1.1", b"CONNECT a:80 HTTP/1.1"):
            self.assertIn("first line", self.problem(line + b"\r\nHost: x\r\n\r\n", 400, "BAD_REQUEST")["detail"])
        self.problem(b"\x16\x03", 400, "BAD_REQUEST")  # at once: a TLS client waits for an answer
        self.assertIn("Host", self.problem(b"GET /livez HTTP/1.1\r\n\r\n", 400, "BAD_REQUEST")["detail"])

    def test_a_method_that_nobody_knows_is_405_and_ends_the_connection(self):
        for method in (b"TRACE", b"CONNECT", b"PROPFIND", b"M-SEARCH", b"SAY"):
            for length in (b"", b"Content-Length: 5\r\n"):
                self.problem(method + b" /livez HTTP/1.1\r\nHost: x\r\n" + length + b"\r\nhello", 405, "METHOD_NOT_ALLOWED")
        got, closed = self.talk(b"SAY /livez HTTP/1.1\r\nHost: x\r\n\r\n" + b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
        self.assertTrue(closed)
        self.assertEqual((got.count(b"HTTP/1.1 "), got.count(b"allow: GET, HEAD\r\n")), (1, 1))
        self.problem(UPGRADE.replace(b"GET", b"SAY") % (b"/api/v1/ws/marathon/a", b""), 405, "METHOD_NOT_ALLOWED")

    def test_a_length_that_is_no_number_is_400(self):
        for length in (b"abc", b"-1", b"2, 2", b"0x2"):
            self.problem(POST + b"Content-Length: %s\r\n\r\n{}" % length, 400, "BAD_REQUEST")

    def test_a_target_may_be_absolute(self):
        problem = self.problem(b"GET http://x:1%s/tasks?limit=%%78 HTTP/1.1\r\nHost: x\r\n\r\n" % PREFIX.encode(), 422, "INVALID_FIELD")
        self.assertIn("limit", json.dumps(problem["errors"]))
        self.assertTrue(self.answer(b"GET http://x:1//livez HTTP/1.1\r\nHost: x\r\n\r\n").startswith(b"HTTP/1.1 200 "))

    def test_an_unknown_upgrade_is_passed_over(self):
        for name in (b"foo", b"websocket2", b"TLS/1.0, h2c"):
            got = self.answer(b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: %s\r\n\r\n" % name)
            self.assertTrue(got.startswith(b"HTTP/1.1 200 ") and got.count(b"HTTP/1.1") == 1, got[:100])

    def test_a_connection_of_http_1_0_lives_on_where_it_is_wished(self):
        get = b"GET /livez HTTP/1.0\r\n%s\r\n"
        got, closed = self.talk(get % b"Connection: keep-alive\r\n" + get % b"", enough=lambda got: False)
        self.assertEqual((closed, got.count(b" 200 "), got.count(b"keep-alive"), got.count(b"connection: close")), (True, 2, 1, 1))

    def test_however_its_bytes_come_a_request_is_the_same(self):
        body = b'{"task_type":"x","task_id":"t"}'
        request = b"\r\n" + self.body(body).replace(b"Host: x", b"hOsT: x\r\nExpect: 100-continue\r\nX-%s: y" % (b"a" * 40))
        chunked = request.replace(b"Content-Length: %d" % len(body), b"Transfer-Encoding: chunked").replace(body, b"%x;a\r\n%s\r\n0\r\nA: b\r\n\r\n" % (len(body), body))
        for request, size in itertools.product((request, chunked), (1, 2, 3, 5, 64)):
            with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as s:
                s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                for at in range(0, len(request), size):
                    s.sendall(request[at:at + size])
                    time.sleep(0.0005)
                got = b""
                while b'"task_id"' not in got:
                    part = s.recv(65536)
                    self.assertTrue(part, got)
                    got += part
                self.assertEqual([line for line in got.split(b"\r\n") if line.startswith(b"HTTP")], [b"HTTP/1.1 100 Continue", b"HTTP/1.1 202 Accepted"])

    def test_wherever_a_client_ends_its_half_it_is_answered_or_closed(self):
        self.ends_its_half(self.body(b'{"task_type":"x"}'))
        self.ends_its_half(POST + b'Transfer-Encoding: chunked\r\n\r\n11\r\n{"task_type":"x"}\r\n0\r\n\r\n')

    def ends_its_half(self, request):
        for at in sorted({*range(0, len(request), 3), len(request)}):
            with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as s:
                s.sendall(request[:at])
                s.shutdown(socket.SHUT_WR)
                got = b""
                with contextlib.suppress(ConnectionError):
                    while part := s.recv(65536):
                        got += part
                self.assertEqual(b" 202 " in got, at == len(request), (at, got))
        self.alive()

    def test_bodies_without_an_end_are_411(self):
        problem = self.problem(POST + b"\r\n", 411, "LENGTH_REQUIRED")
        for text in (problem["title"], problem["detail"]):  # both ways, or who has no length thinks that there is none
            self.assertRegex(text, "(?i)length.*chunk")

    def test_a_body_with_two_ends_is_400_and_nothing_of_it_is_a_request(self):
        smuggled = b"0\r\n\r\nGET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
        for lines in (b"Transfer-Encoding: chunked\r\nContent-Length: 5", b"Content-Length: 5\r\nTransfer-Encoding: chunked",
                      b"Transfer-Encoding: xchunked", b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
                      b"Transfer-Encoding: gzip, chunked", b"Transfer-Encoding:\tchunked\r\nContent-Length: 0", b"Transfer-Encoding: \x0bchunked"):
            request = POST + lines + b"\r\n\r\n" + smuggled
            self.problem(request, 400, "BAD_REQUEST")
            got, closed = self.talk(request)
            self.assertEqual((closed, got.count(b"HTTP/1.1 ")), (True, 1), lines)

    def test_a_body_in_chunks_that_is_out_of_order_is_refused_and_ends_the_connection(self):
        for chunks, status, code in ((b"x\r\n", 400, "BAD_REQUEST"), (b"2\n{}\n0\n\n", 400, "BAD_REQUEST"), (b"2\r\n{}0\r\n\r\n", 400, "BAD_REQUEST"),
                                     (b"100001\r\n", 413, "TOO_LARGE"), (b"ffffffffffffffff\r\n", 413, "TOO_LARGE"),
                                     (b"2;" + b"a" * 5000, 431, "HEADERS_TOO_LARGE"), (b"0\r\n" + b"A: b\r\n" * 1100, 431, "HEADERS_TOO_LARGE")):
            head = POST + b"Transfer-Encoding: chunked\r\n\r\n"
            for request in (head + chunks, head + b"1\r\n \r\n" * 9000 + chunks):
                self.problem(request, status, code)
                got, closed = self.talk(request + b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
                self.assertEqual((closed, got.count(b"HTTP/1.1 ")), (True, 1), chunks)

    def test_a_body_in_chunks_is_the_same_as_one_with_a_length(self):
        for size in (0, 10, 5_000, 250_000):
            body = json.dumps({"task_type": "x", "task_id": "t", "input_data": {"a": "x" * size}}).encode()
            for part in (1, 100, 5_000, 2_000_000):
                if size // part > 100_000:
                    continue
                count = len(self.fake.inputs)
                chunks = b"".join(b"%x\r\n%s\r\n" % (len(body[at:at + part]), body[at:at + part]) for at in range(0, len(body), part))
                got = self.answer(POST + b"Transfer-Encoding: Chunked\r\nExpect: 100-continue\r\n\r\n" + chunks + b"0;last\r\nDigest: none\r\n\r\n")
                self.assertTrue(got.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 202 "), got[:100])
                wanted = json.dumps({"a": "x" * size}).encode()
                until("it was told", lambda: len(self.fake.inputs) > count)
                self.assertEqual(self.fake.inputs[count], (len(wanted), zlib.adler32(wanted)))

    def test_no_body_in_chunks_is_none(self):
        self.fake.say("task", "t", 1, "running", 5)
        for method, path in ((b"POST", b"cancel/t"), (b"GET", b"status/t")):
            data = b"%s /api/v1/marathon/%s HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" % (method, path)
            with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as s:
                self.say_in_parts(s, [data + b"0\r", b"\n\r", b"\n"])
                self.assertIn(b" 200 ", s.recv(65536))

    def test_bodies_that_are_too_large_are_413_before_they_are_read(self):
        self.problem(POST + b"Content-Length: 99999999999999999999\r\n\r\nxx", 413, "TOO_LARGE")
        self.problem(POST + b"Content-Length: 1048577\r\n\r\nxx", 413, "TOO_LARGE")
        self.problem(self.body(b"x" * 2_000_000), 413, "TOO_LARGE")

    def test_bodies_that_are_not_json_are_400(self):
        for body in (b"\xff\xfe{}", b'{"task_type":"\xc0\x80"}', b"{", b"{} x", b"[" * 100000, b'{"a":"\\ud800"}'):
            self.problem(self.body(body), 400, "INVALID_JSON")

    def test_bodies_of_another_kind_are_415(self):
        data = self.body(b"{}").replace(b"application/json", b"text/plain")
        self.problem(data, 415, "UNSUPPORTED_TYPE")
        self.problem(self.body(b"{}").replace(b"Content-Type: application/json\r\n", b""), 415, "UNSUPPORTED_TYPE")

    def test_100_continue_is_said(self):
        got = self.answer(self.body(b'{"task_type":"x"}').replace(b"Host: x", b"Host: x\r\nExpect: 100-continue"))
        self.assertTrue(got.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 202 "), got[:100])

    def test_paths_and_headers_have_their_bounds(self):
        get = b"GET /api/v1/marathon/status/%s HTTP/1.1\r\nHost: x\r\n%s\r\n"
        self.problem(get % (b"a" * 10000, b""), 414, "URI_TOO_LONG")
        self.problem(get % (b"a?" + b"&".join(b"x=%d" % n for n in range(40)), b""), 414, "URI_TOO_LONG")
        for size in (20_000, 200_000, 3_000_000):
            self.problem(get % (b"a", b"Cookie: " + b"c" * size + b"\r\n"), 431, "HEADERS_TOO_LARGE")
            self.problem(get % (b"a" * size, b""), 414, "URI_TOO_LONG")
        self.problem(get % (b"a", b"A: b\r\n" * 50_000), 431, "HEADERS_TOO_LARGE")

    def test_ids_are_taken_literally(self):
        for path in (b"a%2Fb", b"a%20b", b"%C3%A4", b"a" * 129, b"a%25", b"../../../etc/passwd", b"..%2F.."):
            self.problem(b"GET /api/v1/marathon/status/%s HTTP/1.1\r\nHost: x\r\n\r\n" % path, 404, "INVALID_ID")
        self.fake.say("task", "..", 1, "running", 5)  # an id like any other
        self.assertIn(b'"task_id":".."', self.answer(b"GET /api/v1/marathon/status/.. HTTP/1.1\r\nHost: x\r\n\r\n"))
        self.problem(b"GET /../../../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", 404, "NOT_FOUND")
        self.problem(b"GET /api/v1/marathon/status/a%00b HTTP/1.1\r\nHost: x\r\n\r\n", 400, "BAD_REQUEST")

    def test_methods_are_checked(self):
        got = self.answer(b"DELETE /livez HTTP/1.1\r\nHost: x\r\n\r\n")
        self.assertIn(b"allow: GET, HEAD\r\n", got)
        self.problem(b"PUT /api/v1/marathon/start HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx", 405,
                     "METHOD_NOT_ALLOWED")
        for method in (b"OPTIONS", b"TRACE", b"MOVE", b"get", b"G" * 3000):
            self.problem(method + b" /api/v1/marathon/start HTTP/1.1\r\nHost: x\r\n\r\n", 405, "METHOD_NOT_ALLOWED")
        got, closed = self.talk(b"HEAD /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        self.assertTrue(closed)
        self.assertTrue(got.endswith(b"\r\n\r\n") and b"content-length: 17" in got, got)

    def test_what_is_behind_a_request_without_a_body_is_answered(self):
        live = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
        for method in (b"GET", b"HEAD", b"DELETE", b"OPTIONS"):
            for path in (b"/livez", PREFIX.encode() + b"/start", b"/nowhere"):
                with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as s:
                    for turn in range(2):
                        s.sendall(method + b" " + path + b" HTTP/1.1\r\nHost: x\r\n\r\n" + live)
                        got = b""
                        while got.count(b"HTTP/1.1 ") < 2 or not got.endswith(b'{"status":"live"}'):
                            part = s.recv(65536)
                            self.assertTrue(part, (method, path, turn, got))
                            got += part
                        self.assertNotIn(b"connection: close", got)

    def test_other_protocols_are_closed(self):
        for data in (b"\x16\x03\x01\x02\x00" + b"\0" * 300, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\r\n" * 5000,
                     b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
                     b"HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n\r\n" + b"\0" * 100):
            self.talk(data, 0.5)
            self.alive()

    def test_too_many_connections_are_closed_and_later_ones_served(self):
        many = [socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) for _ in range(100)]
        time.sleep(0.3)
        for s in many:
            s.close()
        until("it serves again", self.ready)

    def test_upgrades_are_refused_with_a_problem(self):
        watch = b"/api/v1/ws/marathon/nope"
        self.problem(UPGRADE % (b"/nope", b""), 404, "NOT_FOUND")
        self.problem(UPGRADE % (watch, b"Origin: http://evil.example\r\n"), 400, "UPGRADE_REFUSED")
        self.problem(UPGRADE % (watch, b"Origin: null\r\n"), 400, "UPGRADE_REFUSED")
        self.problem(UPGRADE % (watch, b"Origin: http://h:1.evil.example\r\n"), 400, "UPGRADE_REFUSED")
        self.problem(UPGRADE % (watch + b"?after=x", b""), 422, "INVALID_FIELD")
        self.problem(b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n" % watch, 400, "UPGRADE_REFUSED")
        without_key = b"\r\n".join(line for line in (UPGRADE % (watch, b"")).split(b"\r\n") if b"-Key" not in line)
        self.problem(without_key, 400, "UPGRADE_REFUSED")
        other = (UPGRADE % (watch, b"")).replace(b": 13", b": 8")
        self.problem(other, 400, "UPGRADE_REFUSED")
        self.assertIn(b"\r\nsec-websocket-version: 13\r\n", self.answer(other))
        for header in (b"Origin: http://H:1", b"Origin: https://pages.example", b"Sec-WebSocket-Protocol: chat", b"Upgrade: h2c",
                       b"Sec-WebSocket-Protocol: bearer.%s, marathon" % (b"k" * 300)):  # longer than libwebsockets has room for
            got, _ = self.talk(UPGRADE % (watch, header + b"\r\n"), enough=lambda got: b"\r\n\r\n" in got)
            self.assertTrue(got.startswith(b"HTTP/1.1 101 "), got[:100])
            self.assertEqual(b"Sec-WebSocket-Protocol: marathon\r\n" in got, b"marathon" in header, got[:300])

    def test_pages_of_others_change_nothing_here(self):
        self.fake.say("task", "t", 1, "running", 5)
        cancel = b"POST /api/v1/marathon/cancel/t HTTP/1.1\r\nHost: %s\r\n%s\r\n"  # a form can say that, and its browser asks nobody
        for origin in (b"http://evil.example", b"null", b"http://localhost.evil.example"):
            self.problem(cancel % (b"localhost:8000", b"Origin: " + origin + b"\r\nContent-Length: 0\r\n"), 403, "ORIGIN_REFUSED")
        self.problem(cancel % (b"evil.example:8000", b"Origin: http://evil.example:8000\r\n"), 403, "ORIGIN_REFUSED")
        self.assertNotIn("CANCEL", self.fake.got)
        for origin in (b"", b"Origin: http://localhost:5173\r\n", b"Origin: https://pages.example\r\n"):
            self.fake.say("task", "t", 1, "running", 5)
            self.assertTrue(self.answer(cancel % (b"localhost:8000", origin + b"Content-Length: 0\r\n")).startswith(b"HTTP/1.1 200 "))

    def test_a_page_that_turns_its_name_to_this_machine_reads_nothing_here(self):
        for path in (b"/api/v1/marathon/tasks", b"/livez", b"/openapi.json"):
            problem = self.problem(b"GET %s HTTP/1.1\r\nHost: evil.example:8000\r\n\r\n" % path, 403, "ORIGIN_REFUSED")
            self.assertIn("MARATHON_ALLOWED_ORIGINS", problem["detail"])
        socket_of_one = (UPGRADE % (b"/api/v1/ws/marathon/t", b"Origin: http://evil.example:8000\r\n")).replace(b"h:1", b"evil.example:8000")
        self.problem(socket_of_one, 403, "ORIGIN_REFUSED")
        for host in (b"localhost:8000", b"127.0.0.1", b"[::1]:8000", b"pages.example", b""):
            self.assertIn(b" 200 ", self.answer(b"GET /livez HTTP/1.1\r\nHost: %s\r\n\r\n" % host)[:20], host)

    def test_broken_frames_end_their_own_connection_only(self):
        self.fake.say("task", "t", 1, "running", 5)
        for frame in (b"\x81\x04ping", b"\x83\x84\0\0\0\0ping", b"\xf1\x84\0\0\0\0ping", b"\x81\xff" + b"\x7f" + b"\xff" * 7 + b"\0" * 4,
                      b"\x88\x81\0\0\0\0x", b"\x89\xff\0\0\0\0\0\0\xff\xff\0\0\0\0", b"\x80\x84\0\0\0\0ping",
                      b"\x81\xfe\xff\xff\0\0\0\0" + b"x" * 65535, b"\x01\x84\0\0\0\0ping" * 9, os.urandom(3000)):
            self.talk(UPGRADE % (b"/api/v1/ws/marathon/t", b"") + frame, 0.3)
            self.alive()

    def test_a_frame_out_of_order_has_its_close_and_nothing_behind_it(self):
        self.fake.say("task", "t", 1, "running", 5)
        mask = b"\0\0\0\0"
        for code, frame in ((1002, b"\x81\x04ping"), (1002, b"\xc1\x84" + mask + b"ping"), (1002, b"\x83\x80" + mask), (1002, b"\x80\x80" + mask),
                            (1002, b"\x01\x80" + mask + b"\x81\x80" + mask), (1002, b"\x09\x80" + mask), (1002, b"\x89\xfe\0\x7e" + mask),
                            (1002, b"\x81\xff\x80\0\0\0\0\0\0\5" + mask), (1002, b"\x88\x81" + mask + b"x"), (1007, b"\x81\x81" + mask + b"\xff"),
                            (1002, b"\x88\x82" + mask + b"\x03\xed")):
            for behind in (b"", b"\x81\x84" + mask + b"ping", b"x" * 100_000):
                got, closed = self.talk(UPGRADE % (b"/api/v1/ws/marathon/t", b"") + frame + behind)
                frames = got.partition(b"\r\n\r\n")[2]
                said = frames[2:4]
                self.assertTrue(closed and frames[:1] == b"\x88" and int.from_bytes(said, "big") == code, (frame, got))
                self.assertEqual(len(frames), 2 + frames[1], (frame, got))

    def test_frames_may_come_with_the_handshake_and_in_any_pieces(self):
        self.fake.say("task", "t", 1, "running", 5)
        mask = b"\1\2\3\4"
        ping = b"\x81\x84" + mask + bytes(c ^ m for c, m in zip(b"ping", mask))
        parts = b"\x01\x82" + mask + ping[6:8] + b"\x89\x80" + mask + b"\x80\x82" + mask + bytes(c ^ m for c, m in zip(b"ng", mask))
        said = ping + parts + b"\x82\xfe\x20\x00" + mask + b"x" * 8192 + ping
        for size in (1, 3, 200, 100_000):
            with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as s:
                s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                data = UPGRADE % (b"/api/v1/ws/marathon/t", b"") + said
                for at in range(0, len(data), size):
                    s.sendall(data[at:at + size])
                got = b""
                while got.count(b"\x81\x04pong") < 3:
                    part = s.recv(65536)
                    self.assertTrue(part, got)
                    got += part
                self.assertIn(b"\x8a\0", got)  # to the empty ping between the parts

    def test_a_listener_for_others_has_to_be_meant(self):
        env = {k: v for k, v in os.environ.items() if not k.startswith("MARATHON_")}
        r = subprocess.run([f"{BIN}/marathon-gateway", "--listen", f"0.0.0.0:{free_port()}"], env=env, capture_output=True,
                           text=True, timeout=PATIENCE)
        self.assertEqual(r.returncode, 78)
        self.assertIn("--insecure-listen", r.stderr)
        r = subprocess.run([f"{BIN}/marathon-gateway", "--listen", "nonsense"], env=env, capture_output=True, text=True,
                           timeout=PATIENCE)
        self.assertEqual(r.returncode, 2)

    def test_a_port_in_use_ends_it_at_once(self):
        env = {k: v for k, v in os.environ.items() if not k.startswith("MARATHON_")}
        with socket.create_server(("127.0.0.1", 0)) as s:
            r = subprocess.run([f"{BIN}/marathon-gateway", "--listen", f"127.0.0.1:{s.getsockname()[1]}"], env=env,
                               capture_output=True, text=True, timeout=PATIENCE)
        self.assertEqual(r.returncode, 1, r.stderr)
        self.assertIn("listen_failed", r.stderr)
        self.assertNotIn(" listening ", r.stderr)


class Leaving(Measured):
    """With limits that no test lives to see: what is gone is so because its client left."""

    settings = {"MARATHON_HEADER_TIMEOUT": 300, "MARATHON_BODY_TIMEOUT": 300, "MARATHON_STALL_TIMEOUT": 300}

    def test_one_that_resets_before_its_answer_leaves_nothing(self):
        before, busy = self.quiet_descriptors(), self.cpu_seconds()
        for i in range(400):
            with socket.create_connection(("127.0.0.1", self.port)) as s:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                s.sendall(b"GET /api/v1/marathon/status/nope HTTP/1.1\r\nHost: x\r\n\r\n")
                if i % 4 == 1:
                    time.sleep(0.0002)  # so that the reset meets each moment of an answer
        until("all are gone", lambda: self.descriptors() <= before)
        self.assertLess(self.cpu_seconds() - busy, 1)

    def test_one_that_leaves_a_held_request_does_not_make_it_spin(self):
        self.fake.say("mute", 1)
        before = self.quiet_descriptors()
        with socket.create_connection(("127.0.0.1", self.port)) as s:
            s.sendall(b"GET /api/v1/marathon/status/t?wait=30s HTTP/1.1\r\nHost: x\r\n\r\n")
            until("it is connected", lambda: self.descriptors() > before)
        busy = self.cpu_seconds()
        until("it is gone", lambda: self.descriptors() <= before, 25)
        self.assertLess(self.cpu_seconds() - busy, 0.8)


if __name__ == "__main__":
    main()
