"""Requests that come before the answer to the one before them, in whatever pieces; and clients that say they will ask no more."""

import contextlib
import json
import os
import random
import socket
import threading
import time

from gateway_case import PATIENCE, PREFIX, PROGRESS, Measured, main, until

WINDOW = 4 << 20  # more than the systems of both ends take while nobody reads


def get(path, headers=""):
    return f"GET {path} HTTP/1.1\r\nHost: x\r\n{headers}\r\n".encode()


def post(path, body, headers=""):
    return f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode() + body


def start(task_id, pad=0, headers="", chunk=0):
    body = {"task_type": "x", "task_id": task_id, "input_data": {"pad": "x" * pad}}
    text = json.dumps(body).encode()
    request = post(PREFIX + "/start", text, headers)
    if chunk == 0:
        return request
    head = request[:-len(text)].replace(b"Content-Length: %d" % len(text), b"Transfer-Encoding: chunked")
    return head + b"".join(b"%X\r\n%s\r\n" % (len(text[at:at + chunk]), text[at:at + chunk]) for at in range(0, len(text), chunk)) + b"0\r\n\r\n"


class Peer:
    """One connection, raw; answers are read from it one by one."""

    def __init__(self, port, small=False):
        self.socket = socket.socket()
        if small:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.socket.close()

    def say(self, data):
        self.socket.sendall(data)

    def say_all(self, data):
        """What is more than the systems keep can only be sent while answers are read."""
        sender = threading.Thread(target=self.say, args=(data,), daemon=True)
        sender.start()
        return sender

    def ends_its_half(self):
        self.socket.shutdown(socket.SHUT_WR)

    def next(self, interim=False):
        """Status, headers in lower case, body."""
        line = self.file.readline()
        if not line:
            raise EOFError("closed")
        headers = {}
        while (h := self.file.readline()) not in (b"\r\n", b""):
            name, _, value = h.decode().partition(":")
            headers[name.lower()] = value.strip()
        status = int(line.split()[1])
        if status == 100 and not interim:
            return self.next()
        return status, headers, self.file.read(int(headers.get("content-length", 0)))

    def ended(self):
        return self.file.read() == b""


class Pipeline(Measured):
    settings = {"MARATHON_STALL_TIMEOUT": 300}

    def peer(self, small=False):
        return Peer(self.port, small)

    def held(self):
        """A GET that waits until change() is called."""
        self.fake.say("task", "t", 1, "running", 5)
        _, headers, _ = self.call("GET", "/status/t")
        return get(PREFIX + "/status/t?wait=60s", f"If-None-Match: {headers['ETag']}\r\n")

    def change(self):
        self.fake.say("events", "t", 1, PROGRESS, "running")

    @contextlib.contextmanager
    def no_owner(self):
        """What is asked of an owner meanwhile waits, for less than the 5 s that it does so at all."""
        self.fake.say("own", "0")
        self.await_metric("partitions_covered 0")
        yield
        self.fake.say("own", "f" * 16)

    def idle(self, what, limit=0.2):
        before = self.cpu_seconds()
        time.sleep(1)
        self.assertLess(self.cpu_seconds() - before, limit, what)

    def test_bodies_behind_a_held_request_are_served_in_order(self):
        for size in (10, 3000, 5000, 100_000, 250_000):
            with self.peer() as p:
                p.say(self.held())
                self.fake.await_got("WATCH")
                sender = p.say_all(start("a", size) + get("/livez") + start("b", size, chunk=3000) + start("c", 5) + get("/livez"))
                time.sleep(0.05)
                self.change()
                self.assertEqual(p.next()[0], 200)
                for want in ("a", "live", "b", "c", "live"):
                    status, _, body = p.next()
                    self.assertEqual(status, 200 if want == "live" else 202, (size, want, body))
                    self.assertIn(f'"{want}"'.encode(), body)
                sender.join(PATIENCE)

    def test_many_bodies_at_once_are_served_in_order(self):
        with self.peer() as p:
            sender = p.say_all(b"".join(start(f"t{n}", n % 7 * 300) for n in range(500)))
            for n in range(500):
                status, _, body = p.next()
                self.assertEqual((status, json.loads(body)["task_id"]), (202, f"t{n}"))
            sender.join(PATIENCE)

    def test_any_mixture_in_any_pieces_is_served_in_order(self):
        for seed in range(40):
            rng = random.Random(seed)
            data, wants = b"", []
            for n in range(rng.randrange(2, 25)):
                kind = rng.randrange(6)
                wants.append((404, b"INVALID_ID") if kind == 0 else (200, b"live") if kind == 1 else (400, b"INVALID_JSON") if kind == 2
                             else (202, f'"t{n}"'.encode()))
                data += (get(PREFIX + "/status/a%20b") if kind == 0 else get("/livez") if kind == 1 else
                         post(PREFIX + "/start", b"{" * rng.choice((1, 200, 6000))) if kind == 2 else
                         start(f"t{n}", rng.choice((0, 1, 100, 3500, 3900, 4096, 9000, 60_000)),
                               rng.choice(("", "", "Expect: 100-continue\r\n", f"X-Pad: {'y' * rng.randrange(4000)}\r\n")),
                               rng.choice((0, 0, 7, 4000, 20_000))))
            with self.peer() as p:
                def pieces():
                    at = 0
                    while at < len(data):
                        size = rng.choice((1, 17, 600, 4096, 4097, 50_000))
                        p.say(data[at:at + size])
                        at += size
                        if rng.randrange(4) == 0:
                            time.sleep(0.001)
                sender = threading.Thread(target=pieces, daemon=True)
                sender.start()
                for status, text in wants:
                    got, _, body = p.next()
                    self.assertEqual(got, status, (seed, body))
                    self.assertIn(text, body, seed)
                sender.join(PATIENCE)

    def test_every_place_to_cut_two_bodies_is_as_good_as_another(self):
        self.every_place_to_cut(start("a") + start("b"))
        self.every_place_to_cut(start("a", chunk=30) + start("b", chunk=30))

    def every_place_to_cut(self, data):
        for at in range(1, len(data), 7):
            with self.peer() as p:
                p.say(data[:at])
                time.sleep(0.002)
                p.say(data[at:])
                self.assertEqual([json.loads(p.next()[2])["task_id"] for _ in range(2)], ["a", "b"], at)

    def test_what_would_be_refused_alone_is_refused_behind_another(self):
        endless = f"POST {PREFIX}/start HTTP/1.1\r\nHost: x\r\n\r\n5\r\nhello\r\n0\r\n\r\n".encode()
        broken = start("b", chunk=30).replace(b"\r\n0\r\n", b"\r\n0x\r\n")
        large = f"POST {PREFIX}/start HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\n\r\n".encode() + b"x" * 3000
        for first in (get("/livez"), start("a")):
            for bad, status in ((endless, 411), (broken, 400), (large, 413),
                                (large.replace(b"2000000", b"9" * 20), 413)):
                with self.peer() as p:
                    p.say(first + bad)
                    self.assertIn(p.next()[0], (200, 202))
                    if b"9" * 20 in bad:  # no number that anybody agrees about: the connection ends
                        with contextlib.suppress(EOFError, ConnectionError):
                            self.assertEqual(p.next()[0], status)
                        continue
                    got, headers, _ = p.next()
                    self.assertEqual((got, headers["connection"]), (status, "close"))
                    with contextlib.suppress(ConnectionError):
                        self.assertTrue(p.ended())

    def test_continue_is_said_behind_another_request(self):
        with self.peer() as p:
            head, _, body = start("b", 10, "Expect: 100-continue\r\n").partition(b"\r\n\r\n")
            p.say(start("a") + head + b"\r\n\r\n")
            self.assertEqual(p.next()[0], 202)
            self.assertEqual(p.next(interim=True)[0], 100)
            p.say(body)
            self.assertEqual(json.loads(p.next()[2])["task_id"], "b")

    def test_what_waits_behind_an_awaited_answer_costs_nothing(self):
        for first in (get(PREFIX + "/status/t"), start("a")):
            for behind in (b"G", b"GARBAGE" * 2000, get("/livez") * 30, start("b", 3000), b"x" * WINDOW):
                self.fake.say("mute", 1)
                with self.peer() as p:
                    p.say(first)
                    p.socket.settimeout(0.3)
                    with contextlib.suppress(socket.timeout):
                        p.say(behind)  # as much as there is room for
                    self.idle((first[:20], len(behind)), 0.1)
                self.fake.say("mute", 0)

    def test_the_first_byte_behind_an_awaited_answer_costs_nothing_either(self):
        self.fake.say("mute", 1)
        peers = [self.peer() for _ in range(200)]
        before = self.cpu_seconds()
        for p in peers:  # one by one: the time of a turn in vain is not shared
            p.say(get(PREFIX + "/status/t"))
            p.say(b"G")
            time.sleep(0.007)
        self.assertLess(self.cpu_seconds() - before, 0.5)
        for p in peers:
            p.__exit__()

    def test_more_than_there_is_room_for_waits_with_the_client(self):
        with self.peer() as p:
            p.say(self.held())
            self.fake.await_got("WATCH")
            count = 4 * WINDOW // 100_000
            sender = p.say_all(start("t", 100_000) * count)
            self.idle("a full window")
            self.assertTrue(sender.is_alive())
            self.change()
            self.assertEqual(p.next()[0], 200)
            for _ in range(count):
                self.assertEqual(p.next()[0], 202)
            sender.join(PATIENCE)

    def test_who_ends_its_half_gets_its_answer(self):
        with self.peer() as p:
            p.say(self.held())
            p.ends_its_half()
            self.fake.await_got("WATCH")
            self.idle("half a connection")
            self.change()
            self.assertIn(b'"seq":6', p.next()[2])
            self.assertTrue(p.ended())
        for call in (get(PREFIX + "/status/t"), start("a"), start("a", 100_000), start("a", 3000) + get("/livez")):
            with self.no_owner():
                p = self.peer()
                p.say(call)
                p.ends_its_half()
                self.idle(call[:20])
            with p:
                self.assertIn(p.next()[0], (200, 202), call[:50])
                if call.endswith(get("/livez")):
                    self.assertEqual(p.next()[0], 200)
                self.assertTrue(p.ended())

    def test_a_client_of_http_1_0_is_told_nothing_before_its_answer(self):
        with self.no_owner():
            p = self.peer()
            p.say(get(PREFIX + "/status/none").replace(b"HTTP/1.1", b"HTTP/1.0"))
            p.ends_its_half()
            self.idle("half a connection")
        with p:
            self.assertEqual(p.next(interim=True)[0], 404)

    def test_who_has_gone_is_not_waited_for(self):
        held = self.held()
        before = self.quiet_descriptors()
        for data in (held, held + get("/livez"), get(PREFIX + "/stream/t")):
            with self.peer() as p:
                p.say(data)
                until("it is connected", lambda: self.descriptors() > before)
            until("it is gone", lambda: self.descriptors() <= before, 25)

    def test_a_stream_ends_with_its_clients_half(self):
        self.fake.say("task", "t", 1, "running", 5)
        with self.peer() as p:
            p.say(get(PREFIX + "/stream/t"))
            self.assertIn(b"200", p.file.readline())
            p.ends_its_half()
            p.socket.settimeout(12)  # a stream has a comment each 15 s
            p.file.read()

    def test_who_reads_slowly_and_says_more_or_no_more_costs_little(self):
        path = os.path.join(self.dir, "big")
        with open(path, "w") as f:
            json.dump({"s0": "x" * 30_000_000}, f, separators=(",", ":"))
        self.fake.say("task", "big", 1, "completed", 5, path)
        for behind in (None, get("/livez"), b"x" * WINDOW):
            with self.peer(small=True) as p:
                p.say(get(PREFIX + "/result/big"))
                if behind is None:
                    p.ends_its_half()
                else:
                    p.socket.settimeout(0.3)
                    with contextlib.suppress(socket.timeout):
                        p.say(behind)
                    p.socket.settimeout(PATIENCE)
                time.sleep(1)  # until that is seen
                self.idle(len(behind or b""), 0.3)
                if behind and len(behind) == WINDOW:
                    continue  # rubbish resets what has not been read yet
                self.assertEqual(len(p.next()[2]), 30_000_009)
                if behind:
                    self.assertEqual(p.next()[0], 200)

    def test_a_long_answer_to_a_body_is_whole_for_who_says_no_more(self):
        items = [{"steps": [{"name": "a", "function": "echo"}], "bad": i, "worse": 1, "x" * 80: 3} for i in range(1000)]
        for behind in (b"", get("/livez")):
            with self.peer(small=True) as p:
                p.say(post(PREFIX + "/start/batch", json.dumps({"tasks": items}).encode()) + behind)
                p.ends_its_half()
                time.sleep(0.2)
                self.assertGreater(len(p.next()[2]), 300_000)
                if behind:
                    self.assertEqual(p.next()[0], 200)
                self.assertTrue(p.ended())


if __name__ == "__main__":
    main()
