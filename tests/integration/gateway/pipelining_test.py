"""Requests one behind the other on a connection, cut in two at each of their bytes: the answers are the same wherever the cut is, and end
where a request does of which nobody can say where it ends."""

import contextlib
import re
import socket
import struct

from gateway_case import PATIENCE, PREFIX, Measured, main, until

AT_ONCE = 200  # connections
BODY = b'{"task_type":"x"}'
START = f"{PREFIX}/start".encode()
UPGRADE = b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"


def ask(method, path, fields=b"", body=b""):
    return method + b" " + path + b" HTTP/1.1\r\nHost: x\r\n" + fields + b"\r\n" + body


def post(path=START, body=BODY, fields=b""):
    return ask(b"POST", path, b"Content-Type: application/json\r\nContent-Length: %d\r\n" % len(body) + fields, body)


def chunked(path=START, body=BODY, fields=b""):
    parts = b"".join(b"%x;a=b\r\n%s\r\n" % (len(body[at:at + 5]), body[at:at + 5]) for at in range(0, len(body), 5))
    return ask(b"POST", path, b"Content-Type: application/json\r\n" + CHUNKED + fields, parts + b"0\r\nX: y\r\n\r\n")


LIVE = ask(b"GET", b"/livez")
LAST = ask(b"GET", b"/livez", b"Connection: close\r\n")


class Pipelining(Measured):
    def setUp(self):
        super().setUp()
        self.fake.say("task", "t", 1, "running", 5)

    def answers(self, data, cut):
        """What comes of it in each of these cuts (0: none), until the connection is closed; in the end nothing of it is left."""
        got = {}
        for at in range(0, len(cut), AT_ONCE):
            with contextlib.ExitStack() as stack:
                clients = {c: stack.enter_context(socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)) for c in cut[at:at + AT_ONCE]}
                for c, s in clients.items():
                    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    s.sendall(data[:c] if c else data)
                self.assertEqual(self.call("GET", "/livez", prefix="")[0], 200)  # so the first parts were read
                for c, s in clients.items():
                    s.sendall(data[c:] if c else b"")
                for c, s in clients.items():
                    got[c] = b""
                    while part := s.recv(65536):
                        got[c] += part
        until("nobody is connected", lambda: self.clients() == 0)
        for name in ("head_bytes", "body_bytes", "answers_waiting_bytes", "watchers", "wire_waiting"):
            self.await_metric(f"{name} 0")
        return got

    def alike(self, *requests):
        """The statuses of the answers, of which each cut has the same."""
        data = b"".join(requests)
        got = self.answers(data, range(len(data)))
        chance = rb'"(request_id|task_id)":"[^"]*"|(location|content-length|x-request-id): [^\r]*|(?is:(?<=Upgrade: websocket\r\n).*)'  # and who closes first
        same = {c: re.sub(chance, b"", text) for c, text in got.items()}
        self.assertEqual({c for c in same if same[c] != same[0]}, set(), got[0][:200])
        return [int(s) for s in re.findall(rb"HTTP/1.1 (\d+)", got[0])]

    def test_of_all_kinds_each_has_its_answer(self):
        batch = b'{"tasks":[{"task_type":"x"},{"bad":1}]}'
        self.assertEqual(self.alike(LIVE, post(), ask(b"GET", b"/nowhere"), chunked(), ask(b"HEAD", b"/livez"), ask(b"OPTIONS", b"/livez"),
                                    post(START + b"/batch", batch), post(body=b"{"), b"\r\n" + LAST), [200, 202, 404, 202, 200, 405, 200, 400, 200])

    def test_behind_a_long_poll_and_behind_100_continue_as_well(self):
        etag = self.call("GET", "/status/t")[1]["ETag"].encode()
        poll = ask(b"GET", f"{PREFIX}/status/t?wait=300ms".encode(), b"If-None-Match: " + etag + b"\r\n")
        self.assertEqual(self.alike(poll, post(fields=b"Expect: 100-continue\r\n"), poll, chunked(fields=b"Expect: 100-continue\r\n"), LAST)[-1], 200)

    def test_nothing_is_a_request_behind_one_that_has_no_end(self):
        for last, status in ((post().replace(b"Length: 17", b"Length: 1x"), 400), (ask(b"GET", b"/livez", b"no field\r\n"), 400),
                             (chunked().replace(b"\r\n0\r\n", b"\r\nx\r\n"), 400), (post(fields=CHUNKED), 400), (ask(b"POST", START), 411),
                             (ask(b"GET", b"/livez", b"Host: y\r\n"), 400), (ask(b"GET", f"{PREFIX}/stream/none".encode()), 404)):
            behind = LAST if status == 404 else LIVE
            self.assertEqual(self.alike(post(), LIVE, last, behind), [202, 200, status] + [200] * (status == 404), last)

    def test_an_upgrade_may_be_the_last_and_one_with_a_body_is_none(self):
        path = b"/api/v1/ws/marathon/none"
        close = b"\x88\x82\0\0\0\0" + struct.pack(">H", 1000)
        self.assertEqual(self.alike(post(), ask(b"GET", path, UPGRADE), close), [202, 101])
        self.assertEqual(self.alike(post(), ask(b"GET", path, UPGRADE + b"Content-Length: 3\r\n", b"abc"), LAST), [202, 400, 200])
        self.assertEqual(self.alike(post(), ask(b"GET", path, UPGRADE + CHUNKED, b"0\r\n\r\n"), LAST), [202, 400, 200])
        self.assertEqual(self.alike(post(), ask(b"GET", path, UPGRADE + b"Origin: http://evil.example\r\n"), LIVE), [202, 400])


if __name__ == "__main__":
    main()
