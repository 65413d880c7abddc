"""What clients send and is not whole yet, or waits for its turn, is bounded in all: who is too many is told so or closed, and whoever says all
at once is served beside them."""

import contextlib
import select
import socket

from gateway_case import PATIENCE, PREFIX, PROGRESS, Room, main, until, whole


class Bodies(Room):
    settings = {"MARATHON_STALL_TIMEOUT": 600, "MARATHON_BODY_TIMEOUT": 600}
    POST = f"POST {PREFIX}/start HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n".encode()
    BODIES_BYTES_MAX, LARGEST, PAGE = 32 << 20, 1 << 20, 4096

    def begun(self, stack, how, part):
        s = stack.enter_context(socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE))
        s.sendall(self.POST + how + b"\r\n\r\n" + part)
        return s

    def test_a_body_that_has_hardly_begun_counts_as_a_page(self):
        with contextlib.ExitStack() as stack:
            for _ in range(100):
                self.begun(stack, b"Content-Length: 40000", b"[")  # in a page of its own; the others in those of their heads
                self.begun(stack, b"Transfer-Encoding: chunked", b"9c40\r\n[")
            until("all have begun", lambda: self.metric("body_bytes") == 200 * self.PAGE)
        until("all of it is given back", lambda: self.metric("body_bytes") == 0)

    def test_a_body_counts_what_was_read_to_its_page_before(self):
        large = b"x" * 30_000
        with contextlib.ExitStack() as stack:
            before = stack.enter_context(socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE))
            for n in range(50):
                before.sendall(self.POST + b"Content-Length: %d\r\n\r\n" % len(large) + large)
                got = b""
                while not whole(got):
                    got += before.recv(1 << 16)
                self.assertIn(b" 400 ", got)
                self.begun(stack, b"Transfer-Encoding: chunked", b"9c40\r\n[")
                until("it has begun", lambda: self.metric("body_bytes") >= (n + 1) * len(large))
        until("all of it is given back", lambda: self.metric("body_bytes") == 0)

    def test_as_many_of_the_largest_are_gathered_as_find_room(self):
        fit = self.BODIES_BYTES_MAX // (self.LARGEST + self.PAGE)
        with contextlib.ExitStack() as stack:
            clients = [self.begun(stack, b"Content-Length: %d" % self.LARGEST, b"{" + b" " * (self.LARGEST - 2)) for _ in range(fit)]
            until("all are there but for their last byte", lambda: self.metric("body_bytes") == fit * (self.LARGEST + self.PAGE))
            with self.assertRaises(ConnectionError):
                s = self.begun(stack, b"Content-Length: %d" % self.LARGEST, b"{" + b" " * (self.LARGEST - 2))
                raise ConnectionError if s.recv(1) == b"" else AssertionError
            for s in clients:
                s.sendall(b"}")
                self.assertEqual(s.recv(12, socket.MSG_WAITALL).split()[1], b"422")
            self.assertEqual(self.metric("body_bytes"), 0)


class Heads(Room):
    """Whose heads are not whole, or large, or have others behind them: so many have room, and whoever says all at once is served beside them."""
    settings = {"MARATHON_STALL_TIMEOUT": 600, "MARATHON_HEADER_TIMEOUT": 600}
    HEADS_BYTES_MAX = 12 << 20
    CLIENTS, BYTES = 3300, 3800  # of each, read at once; more than have room
    LIVE = b"GET /livez HTTP/1.1\r\nHost: x\r\n"

    def holding(self, stack, data):
        clients = [stack.enter_context(socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)) for _ in range(self.CLIENTS)]
        for s in clients:
            s.sendall(data)
        self.assertEqual(self.call("GET", "/livez", prefix="")[0], 200)
        return clients

    def poll(self):
        self.fake.say("task", "t", 1, "running", 5)
        _, headers, _ = self.call("GET", "/status/t")
        return f"GET {PREFIX}/status/t?wait=60s HTTP/1.1\r\nHost: x\r\nIf-None-Match: {headers['ETag']}\r\n".encode()

    def told(self, clients, least):
        """Those who were told something, or closed."""
        look = select.poll()
        for s in clients:
            look.register(s, select.POLLIN)
        until("so many are told", lambda: len(look.poll(0)) >= least)
        return len(look.poll(0))

    def test_heads_that_are_not_whole_are_bounded_in_all(self):
        with contextlib.ExitStack() as stack:
            clients = self.holding(stack, self.LIVE + b"Cookie: " + b"c" * self.BYTES)
            self.told(clients, self.CLIENTS - self.HEADS_BYTES_MAX // self.BYTES)

    def test_large_heads_of_held_requests_are_bounded_in_all(self):
        with contextlib.ExitStack() as stack:
            clients = self.holding(stack, self.poll() + b"Authorization: " + b"a" * self.BYTES + b"\r\n\r\n")
            until("as many as have room wait", lambda: self.metric("watchers") > self.HEADS_BYTES_MAX // (3 * self.BYTES))
            self.told(clients, self.CLIENTS - self.HEADS_BYTES_MAX // (2 * self.BYTES))
            self.assertEqual(clients[-1].recv(12, socket.MSG_WAITALL).split()[1], b"503")

    def test_large_heads_are_held_until_their_answers_have_begun(self):
        self.fake.say("task", "t", 1, "completed", 5, self.results_file({"s0": "x" * 900_000}))
        self.fake.say("task", "h", 1, "running", 0)
        self.fake.say("events", "h", 50, PROGRESS, "running", "show", 12_000)
        large = " HTTP/1.1\r\nAuthorization: " + "a" * self.BYTES + "\r\nX-Rest:"
        with contextlib.ExitStack() as stack:
            clients = [self.ask(stack, path + large) for path in ("result/t", "history/h?limit=50") for _ in range(20)]
            for s in clients:
                self.assertEqual(s.recv(12, socket.MSG_WAITALL).split()[1], b"200")
            until("none of it is held", lambda: self.metric("head_bytes") == 0)

    def test_large_heads_of_streams_are_held_until_they_are_answered(self):
        self.fake.say("task", "t", 1, "running", 5)
        with contextlib.ExitStack() as stack:
            stream = f"GET {PREFIX}/stream/t HTTP/1.1\r\nHost: x\r\n".encode()
            for _ in range(self.CLIENTS):
                s = stack.enter_context(socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE))
                s.sendall(stream + b"Authorization: " + b"a" * self.BYTES + b"\r\n\r\n")
                self.assertEqual(s.recv(12, socket.MSG_WAITALL).split()[1], b"200")
            until("none of it is held", lambda: self.metric("head_bytes") == 0)
            self.assertEqual(self.metric("watchers"), self.CLIENTS)

    def test_what_is_behind_held_requests_is_bounded_in_all(self):
        self.behind_held_requests(b"\r\n" + self.follower(), b"")

    def test_what_is_behind_bodies_in_chunks_is_bounded_in_all(self):
        self.behind_held_requests(b"Transfer-Encoding: chunked\r\n\r\n", b"0\r\n\r\n" + self.follower())

    def follower(self):
        return self.LIVE + b"Cookie: " + b"c" * self.BYTES + b"\r\n\r\n"

    def behind_held_requests(self, first, then):
        with contextlib.ExitStack() as stack:
            clients = self.holding(stack, self.poll() + first)
            for s in clients:
                s.sendall(then)
            until("all wait", lambda: self.metric("watchers") == self.CLIENTS)
            self.fake.say("events", "t", 1, PROGRESS, "running")
            answers = []
            for s in clients:
                got = b""
                while b"connection: close\r\n" not in got and b'"live"' not in got:
                    part = s.recv(1 << 16)
                    self.assertTrue(part, got)
                    got += part
                answers.append(got.count(b"HTTP/1.1 200 "))
            self.assertEqual(set(answers), {1, 2})  # whom there was no room for was answered, and told that this was the last answer
            self.assertLessEqual(answers.count(2), self.HEADS_BYTES_MAX // self.BYTES)


    def unread(self):
        with open(f"/proc/{self.gateway.pid}/net/tcp") as f:
            rows = [line.split() for line in f][1:]
        return sum(int(r[4].split(":")[1], 16) for r in rows if r[1].endswith(f":{self.port:04X}") and r[9] != "0")

    def test_what_the_kernel_has_behind_held_requests_is_bounded_in_all(self):
        poll = self.poll() + b"\r\n"
        with contextlib.ExitStack() as stack:
            clients = [stack.enter_context(socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)) for _ in range(250)]
            little, much = clients[::10], [s for n, s in enumerate(clients) if n % 10 > 0]
            for s in clients:
                s.sendall(poll)
            until("all wait", lambda: self.metric("watchers") == len(clients))
            for s in clients:
                s.setblocking(False)
                with contextlib.suppress(BlockingIOError):
                    s.send((self.LIVE + b"\r\n") * (1 if s in little else 4000))
            until("some are closed", lambda: self.metric("stalled_closed_total") > 0)
            until("the others have room", lambda: self.unread() <= 16 << 20)
            self.assertLess(self.metric("stalled_closed_total"), len(much))
            self.fake.say("events", "t", 1, PROGRESS, "running")
            for s in little:
                s.settimeout(PATIENCE)
                got = b""
                while b'"live"' not in got:
                    got += s.recv(1 << 16)
                self.assertEqual(got.count(b"HTTP/1.1 200 "), 2)


if __name__ == "__main__":
    main()
