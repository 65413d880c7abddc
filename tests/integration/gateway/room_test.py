"""What a gateway holds for its clients is bounded in all, whatever they ask for and however little they take: who is too many is told so,
and the others are served."""

import contextlib
import json
import socket
import threading

from gateway_case import FAR, PATIENCE, PREFIX, PROGRESS, Room, main, until, whole

NO_ROOM_SECONDS = 12  # a request to a coordinator has 10


class Takers(Room):
    """Of much, and slowly."""
    settings = {"MARATHON_STALL_TIMEOUT": 600}
    BYTES_MAX = 41 << 20  # DOCUMENTS_BYTES_MAX and some text; from four fifths of it on calls are refused
    CLIENTS = 160  # each of which has two parts of 192 KiB waiting, where it is let in

    def test_answers_that_nobody_takes_are_bounded_in_all(self):
        text = json.dumps({"s0": "x" * 4_000_000})
        self.fake.say("task", "t", 1, "completed", 5, self.results_file(text))
        with contextlib.ExitStack() as stack:
            taken = [self.ask(stack, "result/t") for _ in range(self.CLIENTS)]  # before much of it waits: all are let in
            for s in taken:
                self.assertEqual(s.recv(400, socket.MSG_WAITALL).split()[1], b"200")
                self.assertLessEqual(self.metric("answers_waiting_bytes"), self.BYTES_MAX)
            until("much of it waits", lambda: self.metric("answers_waiting_bytes") > self.BYTES_MAX * 9 // 10)
            begun = [name for name in self.fake.got if name != "GET_DOC"]  # parts for those who were let in may still be asked for
            for path in ("status/t", "result/t", "history/t"):
                status, headers, problem = self.call("GET", f"/{path}")
                self.assertEqual((status, headers["Retry-After"], problem["code"]), (503, "1", "OVERLOADED"))
            self.assertEqual([name for name in self.fake.got if name != "GET_DOC"], begun)  # and nothing is begun for them
            self.assertEqual(self.call("GET", "/openapi.json", prefix="")[0], 200)  # nothing of it waits
            self.assertGreaterEqual(self.metric("answers_refused_total"), 3)
            self.assertEqual(self.call("POST", "/start", {"task_type": "x"})[0], 202)  # nothing else suffers
            taken[-1].settimeout(NO_ROOM_SECONDS)
            with self.assertRaises(socket.timeout):  # nothing of its body, but no end either
                taken[-1].recv(1)
            taken[-1].settimeout(PATIENCE)
            for s in taken[:-1]:  # what waits for room goes on as others leave
                s.close()
            got = 400
            while part := taken[-1].recv(1 << 20):
                got += len(part)
                if got > len(text):
                    break
            self.assertGreater(got, len(text))
        until("all of it is given back", lambda: self.metric("answers_waiting_bytes") == 0)
        status, _, results = self.call("GET", "/result/t")
        self.assertEqual((status, results), (200, json.loads(text)))


    def test_the_kernel_has_little_for_those_who_take_nothing(self):
        self.fake.say("task", "t", 1, "completed", 5, self.results_file(json.dumps({"s0": "x" * 20_000_000})))
        with contextlib.ExitStack() as stack:
            clients = [stack.enter_context(socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)) for _ in range(20)]
            for s in clients:
                s.sendall(f"GET {PREFIX}/result/t HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            for s in clients:
                self.await_full(s)
                self.assertLess(self.queues(s)[0], 512 << 10)  # with a window that is as large as a system has it by itself


class Whole(Room):
    """Answers of one piece, which wait in their connections."""
    ANSWERS_BYTES_MAX, WAITING_BYTES_MAX = 32 << 20, 48 << 20
    CLIENTS, EVENTS, PAD = 14, 250, 12_000  # nine such answers are let in

    def script(self):
        self.fake.say("task", "t", 1, "running", 0)
        self.fake.say("events", "t", self.EVENTS, PROGRESS, "running", "show", self.PAD)
        self.size = self.EVENTS * (self.PAD + 400)  # more than one of them has

    def begun(self, stack):
        return self.ask(stack, f"history/t?limit={self.EVENTS}")

    @staticmethod
    def status(s):
        return s.recv(12, socket.MSG_WAITALL).split()[1]

    def fill(self, stack):
        """Until one is refused."""
        said = b"200"
        for _ in range(self.CLIENTS):
            if (said := self.status(self.begun(stack))) != b"200":
                break
        self.assertEqual(said, b"503")

    def test_answers_that_were_asked_for_at_once_are_refused_where_they_find_no_room(self):
        with contextlib.ExitStack() as stack:
            said = [self.status(s) for s in [self.begun(stack) for _ in range(self.CLIENTS)]]
            self.assertLessEqual(self.metric("answers_waiting_bytes"), self.ANSWERS_BYTES_MAX)
            self.assertEqual(said.count(b"200"), self.ANSWERS_BYTES_MAX // (self.metric("answers_waiting_bytes") // said.count(b"200")))
            self.assertEqual(said.count(b"503"), self.metric("answers_refused_total"))
            self.assertEqual(set(said), {b"200", b"503"})
        until("all of it is given back", lambda: self.metric("answers_waiting_bytes") == 0)

    def test_the_first_that_is_refused_is_the_one_behind_the_bound(self):
        with contextlib.ExitStack() as stack:
            self.fill(stack)
            self.assertGreater(self.metric("answers_waiting_bytes"), self.ANSWERS_BYTES_MAX - self.size)
            self.assertLessEqual(self.metric("answers_waiting_bytes"), self.ANSWERS_BYTES_MAX)

    def deaf(self, stack, path, window):
        s = stack.enter_context(socket.socket())
        for option in (*FAR, (socket.SOL_SOCKET, socket.SO_RCVBUF, window)):
            s.setsockopt(*option)
        s.settimeout(PATIENCE)
        s.connect(("127.0.0.1", self.port))
        upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        s.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n{upgrade if '/ws/' in path else ''}\r\n".encode())
        self.assertIn(self.status(s), (b"101", b"200"))
        return s

    def deaf_watchers(self, stack, task, count, paths):
        told = self.metric("messages_total")
        self.fake.say("task", task, 1, "running", 5)
        # Of different sizes: a kernel takes more than it has room for, so that pieces of like sizes could all end where it does not.
        clients = [self.deaf(stack, paths[n % len(paths)], 4096 + n % 20 // 2 * 512) for n in range(count)]
        until("each has the state", lambda: self.metric("messages_total") == told + count)
        return clients

    def say_pieces(self, task, enough):
        """Each while there is still some room for it in the sockets, until there is not for a whole one, and it is so."""
        for _ in range(12):  # less than the ring of the task holds: none is read again
            told = self.metric("events_total")
            self.fake.say("events", task, 4, PROGRESS, "running", "show", 4000)
            until("it came", lambda: self.metric("events_total") >= told + 4)
            if enough():
                return
        self.fail(f"all of it has found room: {self.metric('answers_waiting_bytes')}")

    def left_behind(self):
        """Bytes that the kernel has for clients of whom the gateway has none any more."""
        with open(f"/proc/{self.gateway.pid}/net/tcp") as f:
            rows = [line.split() for line in f][1:]
        return sum(int(r[4].split(":")[0], 16) for r in rows if r[1].endswith(f":{self.port:04X}") and r[9] == "0")

    def test_pieces_of_events_that_are_not_taken_are_counted_until_they_are(self):
        with contextlib.ExitStack() as stack:
            self.deaf_watchers(stack, "v", 20, (f"{PREFIX}/stream/v",))
            self.say_pieces("v", lambda: self.metric("answers_waiting_bytes") > (12 << 10))  # of some at least
        until("all of it is given back", lambda: self.metric("answers_waiting_bytes") == 0)
        with contextlib.ExitStack() as stack:
            clients = self.deaf_watchers(stack, "w", 20, ("/api/v1/ws/marathon/w",))
            self.say_pieces("w", lambda: self.metric("answers_waiting_bytes") > (12 << 10))

            def all_taken():
                for s in clients:
                    with contextlib.suppress(BlockingIOError):
                        s.recv(1 << 20, socket.MSG_DONTWAIT)
                return self.metric("answers_waiting_bytes") == 0
            until("all of it is taken", all_taken)
            self.assertEqual(self.metric("watchers"), 20)

    def test_pieces_find_no_room_where_answers_and_others_fill_it(self):
        self.fake.say("task", "d", 1, "completed", 5, self.results_file(json.dumps({"s0": "x" * 4_000_000})))
        with contextlib.ExitStack() as stack:
            self.deaf_watchers(stack, "w", 1200, (f"{PREFIX}/stream/w", "/api/v1/ws/marathon/w"))
            for s in [self.ask(stack, "result/d") for _ in range(160)]:  # documents leave 8 MiB
                self.assertEqual(self.status(s), b"200")
            until("documents fill their part", lambda: self.metric("answers_waiting_bytes") > 39 << 20)
            self.say_pieces("w", lambda: self.metric("stalled_closed_total") > 0)
            self.assertEqual(self.left_behind(), 0)
            self.assertLessEqual(self.metric("answers_waiting_bytes"), self.WAITING_BYTES_MAX + (64 << 10))
            self.assertEqual(self.call("POST", "/start", {"task_type": "x"})[0], 202)
        until("all of it is given back", lambda: self.metric("answers_waiting_bytes") == 0)


class Batches(Room):
    BATCH = b'{"tasks":[' + b"{}," * 999 + b'{"task_type":"x"}]}'

    def send(self, s, body):
        s.sendall(b"POST %s/start/batch HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" %
                  (PREFIX.encode(), len(body)) + body)

    def test_what_batches_under_way_have_to_tell_is_bounded_with_all_else_that_waits(self):
        self.fake.say("unheard", "START")
        with contextlib.ExitStack() as stack:
            for _ in range(200):
                s = stack.enter_context(socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE))
                self.send(s, self.BATCH)
            self.assertEqual(s.recv(12, socket.MSG_WAITALL).split()[1], b"503")
            self.assertLess(self.metric("answers_waiting_bytes"), 33 << 20)
            self.assertGreater(self.metric("answers_waiting_bytes"), 31 << 20)
        until("all of it is given back", lambda: self.metric("answers_waiting_bytes") == 0)

    def test_the_largest_batch_finds_room(self):
        empty = json.dumps({"tasks": [{"task_type": "x", "input_data": {"a": ""}}] * 1000}).encode()
        pad = ((1 << 20) - len(empty)) // 1000
        body = json.dumps({"tasks": [{"task_type": "x", "input_data": {"a": "x" * pad}}] * 1000}).encode()
        self.assertGreater(len(body), (1 << 20) - 1000)
        for _ in range(3):
            with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as s:
                self.send(s, body)
                got = b""
                while not whole(got):
                    got += s.recv(1 << 20)
                until("all of it was taken, though its connection lives on", lambda: self.metric("answers_waiting_bytes") == 0)
            self.assertTrue(got.startswith(b"HTTP/1.1 200 "), got[:100])
            self.assertEqual({a["status"] for a in json.loads(got.partition(b"\r\n\r\n")[2])}, {"started"})


class Watched(Room):
    TASKS = 150
    FEEDS_BYTES_MAX = 16 << 20
    EVENTS = 60  # of each, of about 4 KB: less than the ring of one holds, more than the kernel takes for a client

    def test_many_watched_tasks_hold_no_more_than_their_bound_and_who_is_behind_begins_anew(self):
        with contextlib.ExitStack() as stack:
            watchers = []
            for n in range(self.TASKS):
                self.fake.say("task", f"t{n}", 1, "running", 5)
                watchers.append(self.watch(f"t{n}", sockopt=FAR))
                stack.callback(watchers[n].close)
                self.assertEqual(watchers[n].next()["seq"], 5)
            for n in range(self.TASKS):
                self.fake.say("events", f"t{n}", self.EVENTS, PROGRESS, "running", "show", 4000)
                until("they came", lambda: self.metric("events_total") == (n + 1) * self.EVENTS)
                self.assertLessEqual(self.metric("feed_bytes"), self.FEEDS_BYTES_MAX)
            self.assertGreater(self.metric("feed_bytes"), self.FEEDS_BYTES_MAX - (1 << 20))
            self.assertGreater(self.metric("feed_shed_total"), 0)
            self.assertEqual(self.metric("gaps_total"), 0)  # no feed was begun anew: that is for those alone who are behind
            first, last = ([m["type"] for m in self.until_seq(w, 5 + self.EVENTS)] for w in (watchers[0], watchers[-1]))
            self.assertEqual(first[-2:], ["gap", "initial_state"])
            self.assertEqual(last, ["progress_update"] * self.EVENTS)
            self.fake.say("events", "t0", 1, PROGRESS, "running")
            self.assertEqual(watchers[0].next()["seq"], 6 + self.EVENTS)  # and goes on like any other
        until("all of it is given back", lambda: self.metric("feed_bytes") == 0)

    def until_seq(self, watcher, seq):
        got = [watcher.next()]
        while got[-1].get("seq") != seq:
            got.append(watcher.next())
        return got

    def test_a_state_that_was_told_to_all_is_not_kept(self):
        results = self.results_file({"s0": "x" * 900_000})
        with contextlib.ExitStack() as stack:
            for n in range(3):
                self.fake.say("task", f"t{n}", 1, "running", 5, results)
                w = self.watch(f"t{n}")
                stack.callback(w.close)
                self.assertEqual(w.next()["seq"], 5)
            until("nothing waits for them", lambda: self.metric("answers_waiting_bytes") == 0)

    def test_old_events_that_nobody_takes_are_bounded_with_all_else_that_waits(self):
        self.fake.say("task", "t", 1, "running", 0)
        self.fake.say("events", "t", 90, PROGRESS, "running", "show", 3000)
        with contextlib.ExitStack() as stack:
            held, first = [], {"seq": 2}
            while first.get("seq") == 2 and len(held) <= 600:  # how much of it the kernel takes depends on the pace
                held.append(self.watch("t", "?after=1", sockopt=FAR))
                stack.callback(held[-1].close)
                first = held[-1].next()
                self.assertLess(self.metric("answers_waiting_bytes"), 33 << 20)
            self.assertEqual(first["type"], "gap")  # for whom there is no room: then the state, when there is, or that it is to come later
            self.assertGreater(len(held), 50)
            self.assertEqual(self.call("GET", "/status/t")[0], 503)
            for w in held[1:-1]:
                w.close()
            state = held[-1].next()
            self.assertTrue(state[1] == 1013 if isinstance(state, tuple) else state["seq"] == 90, state)
            self.assertEqual([m["seq"] for m in self.until_seq(held[0], 90)], list(range(3, 91)))
            held[-1].close()
            until("all of it is given back, though one still watches", lambda: self.metric("answers_waiting_bytes") == 0)
            self.assertEqual(self.metric("watchers"), 1)


class Lists(Room):
    coordinators = 3
    CALLS, PART = 14, 1_500_000

    def script(self):
        for fake, owned in zip(self.fakes, ("ffff", "ffffffff0000", "ffff000000000000")):
            fake.say("own", owned)
            fake.say("long", self.PART)
        self.fakes[2].say("unheard", "GET_LIST")

    def test_lists_that_wait_for_a_silent_coordinator_are_bounded_in_all(self):
        got = []
        asked = [threading.Thread(target=lambda: got.append(self.call("GET", "/tasks"))) for _ in range(self.CALLS)]
        for t in asked:
            t.start()
        until("one is refused", lambda: got)
        self.assertLess(self.metric("answers_waiting_bytes"), (32 << 20) + self.PART)
        status, headers, problem = got[0]
        self.assertEqual((status, problem["code"], headers["Retry-After"]), (503, "OVERLOADED", "1"))
        self.assertEqual(self.call("GET", "/readyz", prefix="")[0], 200)
        for t in asked:
            t.join(PATIENCE)
        self.assertEqual({(status, problem["code"]) for status, _, problem in got}, {(503, "OVERLOADED"), (503, "UNAVAILABLE")})
        until("all of it is given back", lambda: self.metric("answers_waiting_bytes") == 0)

    def test_a_definition_is_read_by_all_before_its_client_is_told_also_where_there_is_no_room(self):
        got, put = [], []
        asked = [threading.Thread(target=lambda: got.append(self.call("GET", "/tasks"))) for _ in range(self.CALLS)]
        for t in asked:
            t.start()
        until("one is refused", lambda: got)
        self.fakes[2].say("mute", 1)
        putting = threading.Thread(target=lambda: put.append(
            self.call("PUT", "/pipelines/menu", {"steps": [{"name": "a", "function": "f"}]})))
        putting.start()
        for fake in self.fakes:
            fake.await_got("GET_PIPELINES")
        self.fakes[0].say("own", "7fff")
        self.await_metric("partitions_covered 63")  # so its answer, which came before that, was heard
        self.assertEqual(put, [])
        self.fakes[2].say("drop")
        for t in (putting, *asked):
            t.join(PATIENCE)
        self.assertEqual(put[0][0], 201)


if __name__ == "__main__":
    main()
