"""Clients that take their time: with what they send, and with what they are sent. Each has its limit, by which it has room for nobody else."""

import contextlib
import select
import socket
import time

from gateway_case import FAR, PATIENCE, PREFIX, GatewayCase, main, until, whole

POST = b"POST /api/v1/marathon/start HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
LIVE = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"


class Senders(GatewayCase):
    settings = {"MARATHON_HEADER_TIMEOUT": 2, "MARATHON_BODY_TIMEOUT": 2}

    def test_slow_heads_and_bodies_are_cut(self):
        begin = time.monotonic()
        slow = [socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) for _ in range(3)]
        slow[0].sendall(b"GET /livez HT")
        slow[1].sendall(POST + b"Content-Length: 100\r\n\r\nxxx")
        for s in slow:  # the third says nothing at all
            self.assertEqual(s.recv(1000), b"")
            s.close()
        self.assertLess(time.monotonic() - begin, 9)  # by their limit of 2 s, not by the one of 10 s that it has by itself

    def test_who_drips_does_not_gain_time(self):
        chunked = POST + b"Transfer-Encoding: chunked\r\n\r\n"
        for first, then in ((b"", b"GET /"), (LIVE, b"GET /"), (b"", POST + b"Content-Length: 1000\r\n\r\n"), (b"", chunked + b"ff\r\n"), (b"", chunked + b"1;")):
            with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as s:
                s.sendall(first)
                while first and not whole(s.recv(65536)):
                    pass
                begin = time.monotonic()
                s.sendall(then)
                with self.assertRaises(OSError, msg=then):
                    while time.monotonic() - begin < 9:
                        s.sendall(b"x")
                        time.sleep(0.2)


class Takers(GatewayCase):
    settings = {"MARATHON_STALL_TIMEOUT": 4}
    LOOK = 3 * 4  # seconds: taking.h

    def setUp(self):
        super().setUp()
        self.fake.say("task", "t", 1, "completed", 5, self.results_file({"s0": "x" * 40_000_000}))

    def ask(self, stack, behind=b"", task="t"):
        s = stack.enter_context(socket.socket())
        for option in FAR:
            s.setsockopt(*option)
        s.settimeout(PATIENCE)
        s.connect(("127.0.0.1", self.port))
        s.sendall(f"GET {PREFIX}/result/{task} HTTP/1.1\r\nHost: x\r\n\r\n".encode() + behind)
        return s

    def test_one_that_reads_no_answer_is_closed(self):
        with contextlib.ExitStack() as stack:
            self.ask(stack)
            self.await_metric("stalled_closed_total 1")

    def test_what_comes_while_an_answer_waits_for_room_is_answered_behind_it(self):
        self.fake.say("task", "u", 1, "completed", 5, self.results_file({"s0": "x" * 1_000_000}))
        for behind in (LIVE, LIVE[:20], LIVE + LIVE):
            with contextlib.ExitStack() as stack:
                s = self.ask(stack, task="u")
                self.await_full(s)
                s.sendall(behind)
                until("it has come", lambda s=s, n=len(behind): self.queues(s)[1] == n)
                self.assertEqual(self.call("GET", "/livez", prefix="")[0], 200)  # so it was heard of, and stays there
                s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
                got = b""
                while not whole(got):
                    got += s.recv(1 << 20)
                s.sendall(LIVE[len(behind) % len(LIVE):])
                while got.count(b'{"status":"live"}') < len(behind) // len(LIVE) + 1:
                    part = s.recv(1 << 20)
                    self.assertNotEqual(part, b"")
                    got += part

    def take(self, clients, count):
        """Each (socket, bytes a second) at its pace, until so many were closed, and for longer than the first look at them takes."""
        begin, taken, closed = time.monotonic(), {s: 0 for s, _ in clients}, set()
        while (now := time.monotonic() - begin) < (self.LOOK + 2 if len(closed) >= count else PATIENCE):
            for s, pace in clients:
                look = select.poll()
                look.register(s, select.POLLIN)
                events = dict(look.poll(0)).get(s.fileno(), 0)
                if events & (select.POLLERR | select.POLLHUP):
                    closed.add(s)
                elif events and taken[s] < now * pace:
                    taken[s] += len(s.recv(int(now * pace - taken[s]) + 1))
            time.sleep(0.02)
        return closed

    def test_those_are_closed_who_take_next_to_nothing_and_not_who_take_little_at_once(self):
        with contextlib.ExitStack() as stack:
            slow, says_more, enough = self.ask(stack), self.ask(stack, LIVE), self.ask(stack)
            self.assertEqual(self.take([(slow, 700), (says_more, 700), (enough, 10000)], 2), {slow, says_more})
            self.await_metric("stalled_closed_total 2")


if __name__ == "__main__":
    main()
