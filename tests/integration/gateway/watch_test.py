"""What watchers see: the state, then every message once, in order, without a gap, whatever happens to the coordinators."""

import json
import socket
import threading
import time

from gateway_case import (CANCELLED, COMPLETE, ERROR, PATIENCE, PREFIX, PROGRESS, RECOVERING, STEP_COMPLETED, GatewayCase, brief, main, until,
                          websocket)


class Watch(GatewayCase):
    settings = {"MARATHON_STALL_TIMEOUT": 600}  # one that reads nothing stays as long as its test takes on a busy machine

    def test_a_watcher_gets_the_state_and_then_every_event(self):
        self.fake.say("task", "t", 1, "running", 5)
        w = self.watch("t")
        first = w.next()
        self.assertEqual((first["type"], first["seq"], first["state"]["seq"]), ("initial_state", 5, 5))
        self.fake.say("events", "t", 3, PROGRESS, "running")
        self.assertEqual(brief([w.next() for _ in range(3)]), [("progress_update", n) for n in (6, 7, 8)])
        self.fake.say("events", "t", 1, CANCELLED, "cancelled")
        self.assertEqual(brief([w.next()]), [("task_cancelled", 9)])
        self.assertEqual(w.next(), ("closed", 1000, "task ended"))

    def test_the_end_carries_the_results(self):
        self.fake.say("task", "t", 1, "running", 5, self.results_file({}))
        w = self.watch("t")
        w.next()
        self.fake.say("task", "t", 1, "completed", 5, self.results_file({"s0": {"a": [1, 2]}}))
        self.fake.say("events", "t", 1, COMPLETE, "completed")
        last = w.next()
        self.assertEqual((last["type"], last["seq"], last["data"]["results"]), ("task_complete", 6, {"s0": {"a": [1, 2]}}))
        self.assertEqual(w.next()[1], 1000)

    def test_who_comes_after_the_end_gets_state_final_message_and_close(self):
        for state, kind in (("completed", "task_complete"), ("failed", "task_error"), ("cancelled", "task_cancelled")):
            self.fake.say("task", state, 1, state, 9)
            got, code = self.watch(state).all()
            self.assertEqual((brief(got), code), ([("initial_state", 8), (kind, 9)], 1000))
            self.assertEqual(got[0]["state"]["seq"], 9)

    def test_an_unknown_task_is_closed_with_4404(self):
        for task_id in ("nope", "bad%20id", "a%2Fb"):
            self.assertEqual(self.watch(task_id).next(), ("closed", 4404, "unknown task"))

    def test_ping_is_answered_also_by_one_who_watches(self):
        self.fake.say("task", "t", 1, "running", 5)
        w = self.watch("t")
        w.next()
        for _ in range(5):
            w.ws.send("ping")
            self.assertEqual(w.next(), "pong")
        w.ws.send("anything else")
        w.ws.send_binary(b"ping")
        w.ws.send("ping")
        self.assertEqual(w.next(), "pong")
        w.close()

    def test_after_replays_from_there(self):
        self.fake.say("task", "t", 1, "running", 0)
        self.fake.say("events", "t", 1300, PROGRESS, "running")
        self.fake.say("events", "t", 1, ERROR, "failed")
        got, code = self.watch("t", "?after=10").all()
        self.assertEqual([m["seq"] for m in got], list(range(11, 1302)))
        self.assertEqual((got[-1]["type"], code), ("task_error", 1000))
        self.assertEqual(self.watch("t", "?after=1301").all(), ([], 1000))

    def test_after_of_what_is_not_kept_is_a_gap_and_the_state(self):
        self.fake.say("task", "t", 1, "running", 0)
        self.fake.say("events", "t", 20, PROGRESS, "running")
        self.fake.say("forget", "t", 15)
        w = self.watch("t", "?after=3")
        self.assertEqual(brief([w.next(), w.next()]), [("gap", None), ("initial_state", 20)])
        w.close()
        w = self.watch("t", "?after=400")  # of another run
        self.assertEqual(brief([w.next(), w.next()]), [("gap", None), ("initial_state", 20)])
        w.close()

    def test_a_hole_is_filled_from_the_history(self):
        self.fake.say("task", "t", 1, "running", 5)
        w = self.watch("t")
        w.next()
        self.fake.say("events", "t", 3, PROGRESS, "running", "hide")
        self.fake.say("events", "t", 1, PROGRESS, "running")
        self.assertEqual([w.next()["seq"] for _ in range(4)], [6, 7, 8, 9])
        w.close()

    def test_a_hole_that_cannot_be_filled_is_a_gap(self):
        self.fake.say("task", "t", 1, "running", 5)
        w = self.watch("t")
        w.next()
        self.fake.say("events", "t", 3, PROGRESS, "running", "hide")
        self.fake.say("forget", "t", 8)
        self.fake.say("push", "t", 9, PROGRESS, "running")
        got = [w.next(), w.next()]
        self.assertEqual(brief(got), [("gap", None), ("initial_state", 8)])
        self.assertEqual(got[0]["data"]["after"], 5)
        w.close()

    def test_events_told_twice_are_said_once(self):
        self.fake.say("task", "t", 1, "running", 5)
        w = self.watch("t")
        w.next()
        self.fake.say("events", "t", 2, PROGRESS, "running")
        self.fake.say("push", "t", 6, PROGRESS, "running")
        self.fake.say("push", "t", 7, PROGRESS, "running")
        self.fake.say("events", "t", 1, STEP_COMPLETED, "running")
        self.assertEqual([w.next()["seq"] for _ in range(3)], [6, 7, 8])
        w.close()

    def test_a_fresh_run_is_a_gap_and_its_state(self):
        self.fake.say("task", "t", 1, "running", 5)
        w = self.watch("t")
        w.next()
        self.fake.say("task", "t", 2, "running", 0)
        self.fake.say("events", "t", 1, PROGRESS, "running")
        got = [w.next(), w.next()]
        self.assertEqual(brief(got), [("gap", None), ("initial_state", 1)])
        self.assertEqual(got[1]["state"]["run"], 2)
        self.fake.say("events", "t", 1, PROGRESS, "running")
        self.assertEqual(w.next()["seq"], 2)
        w.close()

    def test_a_lost_connection_is_followed_without_a_gap(self):
        self.fake.say("task", "t", 1, "running", 5)
        w = self.watch("t")
        w.next()
        self.fake.say("drop")
        self.fake.say("events", "t", 4, PROGRESS, "running")
        self.fake.await_got("WATCH", 2)
        self.fake.say("events", "t", 1, CANCELLED, "cancelled")
        got, code = w.all()
        self.assertEqual(([m["seq"] for m in got], code), ([6, 7, 8, 9, 10], 1000))

    def test_a_fresh_run_behind_a_lost_connection_is_noticed(self):
        self.fake.say("task", "t", 1, "running", 5)
        w = self.watch("t")
        w.next()
        self.fake.say("drop")
        self.fake.say("task", "t", 2, "running", 0)
        self.fake.say("events", "t", 30, PROGRESS, "running")
        got = [w.next(), w.next()]
        self.assertEqual(brief(got), [("gap", None), ("initial_state", 30)])
        w.close()

    def test_a_recovered_task_goes_on_for_its_watchers(self):
        self.fake.say("task", "t", 1, "running", 5)
        w = self.watch("t")
        w.next()
        self.fake.say("events", "t", 1, ERROR, "failed")
        self.assertEqual(brief([w.next()]), [("task_error", 6)])
        self.assertEqual(w.next()[1], 1000)
        self.fake.say("events", "t", 1, RECOVERING, "recovering")
        got = self.watch("t", "?after=6")
        self.assertEqual(brief([got.next()]), [("task_recovering", 7)])
        got.close()

    def test_many_watchers_see_the_same_and_share_one_subscription(self):
        self.fake.say("task", "t", 1, "running", 5)
        watchers = [self.watch("t") for _ in range(30)]
        for w in watchers:
            self.assertEqual(w.next()["seq"], 5)
        self.fake.say("events", "t", 40, PROGRESS, "running")
        self.fake.say("task", "t", 1, "completed", 45, self.results_file({"s0": "x" * 400000}))
        self.fake.say("events", "t", 1, COMPLETE, "completed")
        for w in watchers:
            got, code = w.all()
            self.assertEqual(([m["seq"] for m in got], code), (list(range(6, 47)), 1000))
            self.assertEqual(len(got[-1]["data"]["results"]["s0"]), 400000)
        self.assertLess(self.fake.got.count("WATCH"), 5)  # one, and one for each time that a busy machine makes it look dead
        self.assertLess(self.fake.got.count("GET_STATUS"), 40)
        self.fake.await_got("UNWATCH")

    def test_who_leaves_before_the_watch_is_answered_takes_it_along(self):
        self.fake.say("unheard", "WATCH")
        w = self.watch("t")
        self.fake.await_got("WATCH")
        w.close()
        self.fake.await_got("UNWATCH")

    def test_a_large_state_comes_in_one_message_while_events_go_on(self):
        self.fake.say("task", "t", 1, "running", 5, self.results_file({"s0": "x" * 5_000_000}))
        w = self.watch("t")
        self.fake.await_got("GET_DOC")
        self.fake.say("events", "t", 50, PROGRESS, "running")
        first = w.next()
        self.assertEqual(len(first["state"]["accumulated_results"]["s0"]), 5_000_000)
        self.assertEqual([w.next()["seq"] for _ in range(50)], list(range(first["seq"] + 1, first["seq"] + 51)))
        w.close()

    def test_one_that_reads_nothing_gets_a_gap_and_the_others_get_all(self):
        self.fake.say("task", "t", 1, "running", 5)
        deaf, well = self.watch("t"), self.watch("t")
        deaf.next()
        well.next()
        seqs = []
        reader = threading.Thread(target=lambda: seqs.extend(well.next()["seq"] for _ in range(4000)))
        reader.start()
        for n in range(200):  # no faster than one who reads can take them
            self.fake.say("events", "t", 20, PROGRESS, "running", "show", 3000)
            until("the reader has them", lambda: len(seqs) >= 20 * (n + 1), every=0.001)
        reader.join(PATIENCE)
        self.assertEqual(seqs, list(range(6, 4006)))
        last, gaps = 5, 0
        while last < 4005:
            m = deaf.next()
            if m["type"] == "gap":
                self.assertEqual(m["data"]["after"], last)
                m = deaf.next()
                self.assertEqual(m["type"], "initial_state")
                self.assertGreater(m["seq"], last)
                gaps += 1
            else:
                self.assertEqual(m["seq"], last + 1)
            last = m["seq"]
        self.assertGreater(gaps, 0)
        deaf.close()
        well.close()


class Deaf(GatewayCase):
    settings = {"MARATHON_STALL_TIMEOUT": 1, "MARATHON_PING_INTERVAL": 1}

    def test_a_watcher_that_takes_nothing_is_closed(self):
        self.fake.say("task", "t", 1, "running", 5, self.results_file({"s0": "x" * 30_000_000}))
        w = self.watch("t")
        until("it is closed", lambda: b"stalled_closed_total 1" in self.call("GET", "/metrics", prefix="")[2])
        with self.assertRaises(Exception):
            while True:
                w.next()

    def test_pings_without_answers_end_a_websocket(self):
        self.fake.say("task", "t", 1, "running", 5)
        w = self.watch("t")
        w.next()  # from here on the client reads nothing, and so answers no ping
        until("it is closed", lambda: b"websockets_open 0" in self.call("GET", "/metrics", prefix="")[2])


class Pinged(GatewayCase):
    settings = {"MARATHON_PING_INTERVAL": 2}  # it is closed after two misses, and a busy machine may hold us up for seconds

    def test_answered_pings_keep_it(self):
        self.fake.say("task", "t", 1, "running", 5)
        w = self.watch("t")
        w.next()
        for _ in range(3):
            ping = w.ws.recv_frame()
            self.assertEqual(ping.opcode, websocket.ABNF.OPCODE_PING)
            w.ws.pong(ping.data)
        self.fake.say("events", "t", 1, CANCELLED, "cancelled")
        self.assertEqual(w.next()["seq"], 6)


class Stream(GatewayCase):
    def events(self, response, count):
        """(id, message) of the next events."""
        got, ident = [], None
        while len(got) < count:
            line = response.readline().decode().rstrip("\n")
            if line.startswith("id: "):
                ident = int(line[4:])
            elif line.startswith("data: "):
                got.append((ident, json.loads(line[6:])))
                ident = None
            else:
                self.assertIn(line, ("", "retry: 2000"))
        return got

    def test_a_stream_says_the_same_as_the_websocket(self):
        self.fake.say("task", "t", 1, "running", 5, self.results_file('{"s0":{\n "a": 1\n}}'))
        status, r = self.stream("t")
        self.assertEqual((status, r.getheader("Content-Type"), r.getheader("Cache-Control"), r.getheader("X-Accel-Buffering")),
                         (200, "text/event-stream", "no-cache", "no"))
        self.fake.await_got("WATCH")
        first = self.events(r, 1)[0]
        self.assertEqual((first[0], first[1]["type"], first[1]["state"]["accumulated_results"]),
                         (5, "initial_state", {"s0": {"a": 1}}))
        self.fake.say("events", "t", 2, PROGRESS, "running")
        self.fake.say("events", "t", 1, COMPLETE, "completed")
        got = self.events(r, 3)
        self.assertEqual([(i, m["seq"], m["type"]) for i, m in got],
                         [(6, 6, "progress_update"), (7, 7, "progress_update"), (8, 8, "task_complete")])
        self.assertEqual(got[2][1]["data"]["results"], {"s0": {"a": 1}})
        self.assertEqual(r.read(), b"\n")

    def test_results_come_as_they_are_and_in_a_stream_without_their_line_ends(self):
        """To clients that take little at a time, too: the answer is of many pieces. Held results, and some that are read meanwhile."""
        for size in (40_000, 1_500_000):
            results = {"s0": {"a": list(range(size // 8)), "pad": "x" * 5}}
            for text in (json.dumps(results), json.dumps(results, indent=1), json.dumps(results, indent=1).replace("\n", "\r\n"),
                         json.dumps(results).replace(" ", "\r")):
                self.fake.say("task", "t", 1, "completed", 9, self.results_file(text))
                self.assertEqual(self.raw(f"GET {PREFIX}/result/t"), text)
                lines = self.raw(f"GET {PREFIX}/stream/t").split("\n")
                last = next(line for line in reversed(lines) if line.startswith("data: "))
                flat = text.replace("\n", " ").replace("\r", " ")
                self.assertIn(f'"results":{flat}', last)
                self.assertEqual([line.split(":")[0] for line in lines if line], ["retry", "id", "data", "id", "data"])
                ws = self.watch("t", sockopt=((socket.SOL_SOCKET, socket.SO_RCVBUF, 16384),)).ws
                if size > 1_000_000:
                    self.await_full(ws.sock)
                self.assertIn(f'"results":{text}', [ws.recv() for _ in range(2)][1])
                ws.close()

    def raw(self, request):
        """The body of an answer whose connection ends, by a socket that takes little."""
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
            s.settimeout(PATIENCE)
            s.connect(("127.0.0.1", self.port))
            s.sendall(f"{request} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
            got = b""
            while part := s.recv(65536):
                got += part
        return got.decode().partition("\r\n\r\n")[2]

    def test_events_that_leave_in_one_write_are_messages_of_their_own_whatever_their_length(self):
        self.fake.say("task", "t", 1, "running", 5)
        w = self.watch("t")
        _, r = self.stream("t")
        self.assertEqual(w.next()["seq"], 5)
        self.events(r, 1)
        last = 5
        for count, pad in ((20, 0), (20, 5000), (3, 70000)):
            self.fake.say("events", "t", count, PROGRESS, "running", "show", pad)
            wanted = list(range(last + 1, last + count + 1))
            self.assertEqual([w.next()["seq"] for _ in wanted], wanted)
            self.assertEqual([(i, m["seq"]) for i, m in self.events(r, count)], [(n, n) for n in wanted])
            last += count
        self.assertIn(b"messages_total 88\n", self.call("GET", "/metrics", prefix="")[2])
        w.close()

    def test_a_stream_goes_on_behind_the_last_event_id(self):
        self.fake.say("task", "t", 1, "running", 0)
        self.fake.say("events", "t", 9, PROGRESS, "running")
        status, r = self.stream("t", headers={"Last-Event-ID": "6"})
        self.assertEqual([i for i, _ in self.events(r, 3)], [7, 8, 9])
        self.fake.say("events", "t", 1, CANCELLED, "cancelled")
        self.assertEqual([i for i, _ in self.events(r, 1)], [10])
        self.assertEqual(self.stream("t", headers={"Last-Event-ID": "10"})[0], 204)
        self.assertEqual(self.stream("t", "?after=10")[0], 204)
        status, r = self.stream("t", "?after=9")
        self.assertEqual([i for i, _ in self.events(r, 1)], [10])

    def test_a_stream_of_an_unknown_task_is_404(self):
        status, r = self.stream("nope")
        problem = json.loads(r.read())
        self.assertEqual((status, problem["code"], r.getheader("Content-Type")),
                         (404, "TASK_NOT_FOUND", "application/problem+json"))
        self.assertEqual(self.stream("t", "?after=x")[0], 422)


    def test_an_event_far_ahead_of_all_others_is_a_gap_like_any_other(self):
        self.fake.say("task", "t", 1, "running", 5)
        w = self.watch("t")
        self.assertEqual(w.next()["seq"], 5)
        self.fake.say("push", "t", 1 << 40, PROGRESS, "running")
        self.assertEqual((w.next()["type"], w.next()["seq"]), ("gap", 5))
        w.close()

    def test_a_task_that_went_back_with_its_store_is_told_anew(self):
        self.fake.say("task", "t", 1, "running", 90)
        w = self.watch("t")
        self.assertEqual(w.next()["seq"], 90)
        polling = threading.Thread(target=self.call, args=("GET", "/status/t?wait=30s", None, {"If-None-Match": '"1-90"'}))
        polling.start()
        self.await_metric("watchers 2")
        self.fake.say("task", "t", 1, "running", 80)
        self.fake.say("drop")
        self.assertEqual((w.next()["type"], w.next()["seq"]), ("gap", 80))
        polling.join(PATIENCE)
        self.fake.say("events", "t", 1, CANCELLED, "cancelled")
        self.assertEqual(brief([w.next()]), [("task_cancelled", 81)])

    def test_an_owner_that_takes_no_more_watches_is_asked_once_a_second(self):
        self.fake.say("task", "t", 1, "running", 5)
        w = self.watch("t")
        self.assertEqual(w.next()["seq"], 5)
        self.fake.say("refuse", "OVERLOADED", 3)
        begin = time.monotonic()
        self.fake.say("drop")
        self.fake.await_got("WATCH", 5)
        self.assertGreater(time.monotonic() - begin, 1.5)
        self.fake.say("events", "t", 1, CANCELLED, "cancelled")
        self.assertEqual(brief([w.next()]), [("task_cancelled", 6)])


class Takeover(GatewayCase):
    coordinators = 2

    def script(self):
        self.fakes[1].say("own", 0)

    def test_watchers_follow_a_task_to_its_new_owner(self):
        a, b = self.fakes
        for f in (a, b):
            f.say("task", "t", 1, "running", 0)
            f.say("events", "t", 5, PROGRESS, "running")
        w = self.watch("t")
        self.assertEqual(w.next()["seq"], 5)
        a.say("events", "t", 2, PROGRESS, "running")
        self.assertEqual([w.next()["seq"] for _ in range(2)], [6, 7])
        b.say("events", "t", 4, PROGRESS, "running")  # 6 and 7 again, and two more
        a.say("own", 0)
        b.say("own", "f" * 16)
        self.assertEqual([w.next()["seq"] for _ in range(2)], [8, 9])
        a.say("events", "t", 1, PROGRESS, "running")  # the old owner counts no more
        b.say("events", "t", 1, CANCELLED, "cancelled")
        self.assertEqual(brief([w.next()]), [("task_cancelled", 10)])
        self.assertEqual(w.next()[1], 1000)

    def test_who_claimed_last_is_asked_whoever_was_heard_last(self):
        a, b = self.fakes
        every = "f" * 16
        b.say("task", "t", 1, "running", 3)
        b.say("own", every, 5)
        until("the new owner is asked", lambda: self.call("GET", "/status/t")[0] == 200)
        for since in (4, 0):  # from before, and late; and as one of the release before says it, without
            a.say("own", every, since)
            self.call("GET", "/tasks")  # which both answer: it has heard that
            self.assertEqual(self.call("GET", "/status/t")[0], 200, since)
        a.say("task", "t", 1, "running", 9)
        a.say("own", every, 6)
        until("the next owner is asked", lambda: self.call("GET", "/status/t")[2]["seq"] == 9)

    def test_a_watcher_waits_for_an_owner(self):
        a, b = self.fakes
        b.say("task", "t", 1, "running", 3)
        a.say("own", 0)
        self.await_metric("partitions_covered 0")
        timer = threading.Timer(1, lambda: b.say("own", "f" * 16))
        timer.start()
        w = self.watch("t")
        self.assertEqual(w.next()["seq"], 3)
        timer.join()
        w.close()

    def test_without_an_owner_a_watcher_is_told_to_try_later(self):
        self.fakes[0].say("own", 0)
        self.await_metric("partitions_covered 0")
        begin = time.monotonic()
        self.assertEqual(self.watch("t").next()[1], 1013)
        self.assertGreater(time.monotonic() - begin, 4)


class Drain(GatewayCase):
    def test_a_drain_sends_watchers_away(self):
        self.fake.say("task", "t", 1, "running", 5)
        w = self.watch("t")
        w.next()
        self.gateway.terminate()
        self.assertEqual(w.next()[1], 1001)
        self.assertEqual(self.gateway.wait(PATIENCE), 0)


if __name__ == "__main__":
    main()
