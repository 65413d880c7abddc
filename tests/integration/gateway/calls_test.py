"""Calls over a coordinator that vanishes, is slow, changes its mind or loses its answers."""

import json
import re
import socket
import threading
import time
import zlib

from gateway_case import PATIENCE, PREFIX, PROGRESS, GatewayCase, main, until


class Calls(GatewayCase):
    def test_start_has_a_location_and_one_key_per_request(self):
        status, headers, body = self.call("POST", "/start", {"task_type": "x", "task_id": "t"})
        self.assertEqual((status, body, headers["Location"]),
                         (202, {"task_id": "t", "status": "started"}, "/api/v1/marathon/status/t"))
        self.call("POST", "/start", {"task_type": "x"}, {"Idempotency-Key": "k"})
        self.call("POST", "/start", {"task_type": "x"}, {"Idempotency-Key": "k"})
        until("the coordinator has told its keys", lambda: len(self.fake.keys) == 3)
        self.assertEqual(len(set(self.fake.keys)), 2)
        self.assertEqual(self.fake.keys[1], self.fake.keys[2])

    def test_a_start_whose_answer_is_lost_is_sent_again_with_the_same_key(self):
        for body in ({"task_type": "x"}, {"task_type": "x", "input_data": {"pad": "x" * 200_000}}):  # kept as a frame, and as it came
            answers, before = [], self.fake.got.count("START")
            self.fake.say("mute", 1)
            t = threading.Thread(target=lambda b=body: answers.append(self.call("POST", "/start", b)))
            t.start()
            self.fake.await_got("START", before + 1)
            self.fake.say("mute", 0)
            self.fake.say("drop")
            t.join(PATIENCE)
            self.assertEqual(answers[0][0], 202)
            self.fake.await_got("START", before + 2)  # said by the coordinator beside its answer: one may be read before the other
            self.assertEqual(self.fake.got.count("START"), before + 2)

    def test_requests_behind_one_another_on_a_connection_are_answered_in_order(self):
        for n in range(40):
            self.fake.say("task", f"t{n}", 1, "running", n)
        paths = [f"{PREFIX}/status/t{n}" if n % 4 else "/livez" for n in range(40)]
        last = " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        text = " HTTP/1.1\r\nHost: x\r\n\r\n".join("GET " + p for p in paths) + last
        for _ in range(3):  # nothing else happens that could wake the gateway
            got, closed = self.talk(text.encode())
            self.assertTrue(closed)
            seqs = [m.group(1) for m in re.finditer(rb'"status":"live"|"seq":(\d+)}', got)]
            self.assertEqual(seqs, [str(n).encode() if n % 4 else None for n in range(40)])

    def test_requests_behind_one_with_a_body_are_answered_in_order(self):
        for n in range(50):
            self.fake.say("task", f"t{n}", 1, "running", n)
        for pad in (10, 3000, 50000):
            body = json.dumps({"task_type": "x", "input_data": {"pad": "x" * pad}})
            text = f"POST {PREFIX}/start HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
            text += "".join(f"GET {PREFIX}/status/t{n} HTTP/1.1\r\nHost: x\r\n{'' if n < 49 else 'Connection: close'}\r\n\r\n"
                            for n in range(50)).replace("\r\n\r\n\r\n", "\r\n\r\n")
            for cut in (len(text), text.index("GET") + 1, text.index("GET") + 70, len(text) - 40):
                got, closed = self.talk_in_two(text.encode(), cut)
                self.assertTrue(closed)
                self.assertTrue(got.startswith(b"HTTP/1.1 202 "), got[:100])
                self.assertEqual([int(m.group(1)) for m in re.finditer(rb'"seq":(\d+)}', got)], list(range(50)))

    def talk_in_two(self, data, cut):
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as s:
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            s.sendall(data[:cut])
            if data[cut:]:
                time.sleep(0.01)  # so that it comes in a read of its own
                s.sendall(data[cut:])
            got = b""
            while part := s.recv(65536):
                got += part
            return got, True

    def test_a_body_is_the_same_in_whatever_parts_it_comes(self):
        """In one read and in many; with others of the connection in front of it and behind."""
        live = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
        for size, parts in ((3000, (1, 2999)), (6000, (4500,)), (20000, (1, 4096, 8191)), (40000, (1, 32768, 39999)),
                            (200000, (4096, 100000, 199999))):
            data = json.dumps({"pad": "".join(chr(97 + n % 23) for n in range(size))}).encode()
            body = b'{"task_type":"x","input_data":' + data + b"}"
            head = b"POST %s/start HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % (
                PREFIX.encode(), len(body))
            text = live + head + body + live
            at = len(live + head)
            cuts = [[], [at], [at + n for n in parts], [len(live), at, *(at + n for n in parts)], [at + parts[0], at + len(body)],
                    [at - 1, at + len(body) - 1], [at + len(body) + 3]]
            for cut in cuts:
                before = len(self.fake.inputs)
                with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as s:
                    self.say_in_parts(s, [text[a:b] for a, b in zip([0, *cut], [*cut, len(text)])])
                    got = b""
                    while got.count(b'"status":"live"') < 2:
                        got += s.recv(65536)
                self.assertEqual([m.group(1) for m in re.finditer(rb"HTTP/1.1 (\d+)", got)], [b"200", b"202", b"200"])
                until("the coordinator has told its input", lambda n=before: len(self.fake.inputs) > n)
                self.assertEqual(self.fake.inputs[before], (len(data), zlib.adler32(data)), (size, cut))

    def test_a_batch_has_one_answer_for_each_task_in_order(self):
        tasks = [{"task_type": "x", "task_id": "a"}, {"task_id": "b"}, {"task_type": "x"}, 7]
        status, _, body = self.call("POST", "/start/batch", {"tasks": tasks}, {"Idempotency-Key": "k"})
        self.assertEqual((status, len(body)), (200, 4))
        self.assertEqual(body[0], {"task_id": "a", "status": "started"})
        self.assertEqual((body[1]["status"], body[1]["code"], body[1]["errors"][0]["pointer"]), (422, "INVALID_FIELD", "/task_type"))
        self.assertEqual(body[2]["status"], "started")
        self.assertEqual((body[3]["status"], body[3]["code"]), (422, "INVALID_FIELD"))
        self.assertTrue(body[1]["request_id"])
        self.assertEqual(body[1]["request_id"], body[3]["request_id"])
        until("the coordinator has told its keys", lambda: len(set(self.fake.keys)) == 2)
        again = self.call("POST", "/start/batch", {"tasks": tasks}, {"Idempotency-Key": "k"})[2]
        self.assertEqual(again[2]["task_id"], body[2]["task_id"])
        self.assertEqual(len(set(self.fake.keys)), 2)

    def test_a_batch_that_is_none_starts_nothing(self):
        for wrong in ({}, {"tasks": []}, {"tasks": [{"task_type": "x"}] * 1001}, {"tasks": [{"task_type": "x"}], "more": 1}):
            status, _, body = self.call("POST", "/start/batch", wrong)
            self.assertEqual((status, body["code"]), (422, "INVALID_FIELD"))
        self.assertEqual(self.call("GET", "/start/batch")[0], 405)
        self.assertNotIn("START", self.fake.got)

    def test_a_client_that_leaves_its_batch_leaves_nothing_behind(self):
        self.fake.say("mute", 1)
        body = json.dumps({"tasks": [{"task_type": "x"}] * 50}).encode()
        self.talk(b"POST /api/v1/marathon/start/batch HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                  b"Content-Length: %d\r\n\r\n" % len(body) + body, 0.3)
        self.await_metric("wire_waiting 0")
        self.fake.say("mute", 0)
        status, _, answer = self.call("POST", "/start/batch", {"tasks": [{"task_type": "x"}]})
        self.assertEqual((status, answer[0]["status"]), (200, "started"))

    def test_a_cancel_that_was_done_but_not_heard_of_counts_as_done(self):
        self.fake.say("task", "t", 1, "running", 5)
        self.fake.say("lose", "CANCEL")
        status, _, body = self.call("POST", "/cancel/t")
        self.assertEqual((status, body), (200, {"task_id": "t", "status": "cancelled"}))
        self.fake.await_got("CANCEL", 2)
        self.assertEqual(self.fake.got.count("CANCEL"), 2)
        status, _, body = self.call("POST", "/cancel/t")
        self.assertEqual((status, body["code"], body["task_status"]), (409, "TASK_ENDED", "cancelled"))

    def test_reads_survive_a_lost_connection(self):
        self.fake.say("task", "t", 1, "running", 5, self.results_file({"s0": 1}))
        for kind in ("GET_STATUS", "GET_DOC"):
            self.fake.say("lose", kind)
            status, _, body = self.call("GET", "/status/t")
            self.assertEqual((status, body["accumulated_results"]), (200, {"s0": 1}))

    def test_without_an_owner_calls_wait_and_then_get_503(self):
        self.fake.say("task", "t", 1, "running", 5)
        self.fake.say("own", 0)
        self.await_metric("partitions_covered 0")
        begin = time.monotonic()
        status, headers, body = self.call("GET", "/status/t")
        self.assertEqual((status, body["code"]), (503, "UNAVAILABLE"))
        self.assertTrue(int(headers["Retry-After"]) >= 1)
        self.assertGreater(time.monotonic() - begin, 4.5)
        timer = threading.Timer(0.5, lambda: self.fake.say("own", "f" * 16))
        timer.start()
        self.assertEqual(self.call("GET", "/status/t")[0], 200)
        timer.join()

    def test_a_batch_of_large_inputs_waits_for_an_owner_and_is_counted_once(self):
        self.fake.say("own", 0)
        self.await_metric("partitions_covered 0")
        timer = threading.Timer(0.7, lambda: self.fake.say("own", "f" * 16))
        timer.start()
        # Each is a small part of a body of 1 MiB: were it to keep all of that, not 70 could wait.
        status, _, answers = self.call("POST", "/start/batch", {"tasks": [{"task_type": "x", "input_data": {"pad": "x" * 14_000}}] * 70})
        timer.join()
        self.assertEqual((status, [a["status"] for a in answers]), (200, ["started"] * 70))

    def test_a_coordinator_that_does_not_answer_is_504(self):
        self.fake.say("task", "t", 1, "running", 5)
        self.fake.say("mute", 1)
        status, _, body = self.call("GET", "/status/t")
        self.assertEqual((status, body["code"]), (504, "TIMEOUT"))

    def test_a_silent_coordinator_is_left(self):
        self.fake.say("task", "t", 1, "running", 5)
        self.fake.say("quiet", 1)
        self.fake.say("mute", 1)
        until("it is left, and dialled again", lambda: self.connects() >= 2)
        self.fake.say("quiet", 0)
        self.fake.say("mute", 0)
        self.assertEqual(self.call("GET", "/status/t")[0], 200)

    def connects(self):
        text = self.call("GET", "/metrics", prefix="")[2].decode()
        return int(re.search(r"^marathon_gateway_coordinator_connects_total (\d+)$", text, re.MULTILINE).group(1))

    def test_a_document_written_anew_is_read_again(self):
        self.fake.say("task", "t", 1, "running", 5, self.results_file({"s0": "x" * 500000}))
        self.fake.say("revise", "t", 2)
        status, _, body = self.call("GET", "/result/t")
        self.assertEqual(status, 409)
        status, _, body = self.call("GET", "/status/t")
        self.assertEqual((status, len(body["accumulated_results"]["s0"])), (200, 500000))
        self.fake.say("revise", "t", 1000)
        status, headers, body = self.call("GET", "/status/t")
        self.assertEqual((status, body["code"]), (503, "UNAVAILABLE"))

    def test_large_results_are_streamed_whole(self):
        results = {"s0": "é" * 3_000_000, "s1": [1] * 100000}
        text = json.dumps(results, separators=(",", ":"), ensure_ascii=False)
        self.fake.say("task", "t", 1, "completed", 5, self.results_file(text))
        status, headers, body = self.call("GET", "/result/t")
        self.assertEqual((status, body), (200, results))
        status, headers, body = self.call("GET", "/status/t")
        self.assertEqual(body["accumulated_results"], results)

    def test_one_coordinator_is_asked_for_so_many_bytes_of_documents_at_once(self):
        text = json.dumps({"s0": "x" * 900_000}, separators=(",", ":"))
        self.fake.say("task", "t", 1, "completed", 5, self.results_file(text))
        self.fake.say("unheard", "GET_DOC")
        answers, one = [], 1 + 900_000 // (192 << 10)
        clients = [threading.Thread(target=lambda: answers.append(self.call("GET", "/result/t"))) for _ in range(30)]
        for client in clients:
            client.start()
        self.fake.await_got("GET_STATUS", len(clients))
        for _ in range(2):  # the second one goes out behind all that the answers before the first one led to
            self.assertEqual(self.call("GET", "/status/t?results=false")[0], 200)
        asked = self.fake.got.count("GET_DOC")
        self.assertGreaterEqual(asked, (16 << 20) // (192 << 10))
        self.assertLessEqual(asked, one * (16 << 20) // 900_000)
        self.fake.say("unheard", "-")
        self.fake.say("drop")  # what was not answered is asked again, what waited in its turn
        for client in clients:
            client.join(PATIENCE)
        self.assertEqual([(status, len(body["s0"])) for status, _, body in answers], [(200, 900_000)] * len(clients))

    def test_a_client_whose_socket_takes_little_at_a_time_gets_large_results_whole(self):
        for size in (150_000, 900_000, 4_000_000):  # of one piece, read before they are answered, read while they are sent
            text = json.dumps({"s0": "".join(chr(97 + n * n % 26) for n in range(1000)) * (size // 1000)}, separators=(",", ":"))
            self.fake.say("task", f"t{size}", 1, "completed", 5, self.results_file(text))
            with socket.socket() as s:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                s.settimeout(PATIENCE)
                s.connect(("127.0.0.1", self.port))
                s.sendall(f"GET {PREFIX}/result/t{size} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
                with s.makefile("rb") as f:
                    got = f.read()
            self.assertEqual(got.split(b"\r\n\r\n", 1)[1], text.encode())

    def test_refusals_keep_their_code_and_503_says_when_to_come_back(self):
        self.fake.say("task", "t", 1, "running", 5)
        for code, status in (("STORE_FULL", 503), ("UNKNOWN_PIPELINE", 422), ("TASK_EXISTS", 409), ("OVERLOADED", 503)):
            self.fake.say("refuse", code, 1)
            got, headers, body = self.call("POST", "/start", {"task_type": "x", "task_id": "t"})
            self.assertEqual((got, body["code"], "Retry-After" in headers), (status, code, status == 503))
        self.assertEqual(body["status"], 503)

    def test_a_coordinator_that_cannot_tell_of_a_forks_key_starts_nothing_and_is_left_in_peace(self):
        status, _, body = self.call("POST", "/fork/none", {"task_id": "f"}, {"Idempotency-Key": "k"})
        self.assertEqual((status, body["code"]), (404, "TASK_NOT_FOUND"))

    def test_the_input_of_a_forks_source_is_told_only_where_the_fork_has_none(self):
        source, own = b'{"source":1}', b'{"own": 2}'
        for task, body, told in (("s", {}, source), ("s", {"input_data": {"own": 2}}, b""), ("older", {"input_data": {"own": 2}}, source)):
            before = len(self.fake.inputs)
            self.assertEqual(self.call("POST", f"/fork/{task}", body)[0], 202)
            until("the coordinator has told both", lambda n=before: len(self.fake.inputs) >= n + 2)
            self.assertEqual(self.fake.inputs[before:], [(len(i), zlib.adler32(i)) for i in (told, own if body else source)], task)

    def test_a_long_poll_holds_until_something_changes(self):
        self.fake.say("task", "t", 3, "running", 5)
        _, headers, _ = self.call("GET", "/status/t")
        self.assertEqual(headers["ETag"], '"3-5"')
        begin = time.monotonic()
        timer = threading.Timer(1, lambda: self.fake.say("events", "t", 1, PROGRESS, "running"))
        timer.start()
        status, headers, body = self.call("GET", "/status/t?wait=20s", headers={"If-None-Match": '"3-5"'})
        self.assertEqual((status, headers["ETag"], body["seq"]), (200, '"3-6"', 6))
        self.assertTrue(0.8 < time.monotonic() - begin < 18)  # not at the end of its wait
        timer.join()
        status, headers, _ = self.call("GET", "/status/t?wait=600ms", headers={"If-None-Match": '"3-6"'})
        self.assertEqual((status, headers["ETag"]), (304, '"3-6"'))
        self.assertEqual(self.call("GET", "/status/t", headers={"If-None-Match": '"3-6"'})[0], 304)
        begin = time.monotonic()
        self.assertEqual(self.call("GET", "/status/t?wait=20s", headers={"If-None-Match": '"3-1"'})[0], 200)
        self.assertEqual(self.call("GET", "/status/nope?wait=20s", headers={"If-None-Match": '"1"'})[0], 404)
        self.assertLess(time.monotonic() - begin, 18)

    def test_a_long_poll_sees_what_came_while_it_read_the_state(self):
        self.fake.say("task", "t", 1, "running", 5)
        self.fake.say("overtake", "t", PROGRESS, "completed")
        begin = time.monotonic()
        status, headers, body = self.call("GET", "/status/t?wait=20s", headers={"If-None-Match": '"1-5"'})
        self.assertEqual((status, headers.get("ETag")), (200, '"1-6"'))
        self.assertEqual((body["status"], body["seq"]), ("completed", 6))
        self.assertLess(time.monotonic() - begin, 18)

    def test_a_list_without_all_owners_is_503(self):
        self.assertEqual(self.call("GET", "/tasks")[::2], (200, {"items": [], "next_cursor": None}))
        self.fake.say("own", "f" * 15)
        self.await_metric("partitions_covered 60")
        self.assertEqual(self.call("GET", "/tasks")[0], 503)
        self.assertEqual(self.call("GET", "/readyz", prefix="")[0], 503)
        body = self.call("GET", "/readyz?verbose", prefix="")[2]
        self.assertIn("60 of 64 partitions", body["errors"][0]["detail"])
        self.fake.say("own", "f" * 16)
        self.await_metric("partitions_covered 64")
        self.assertEqual(self.call("GET", "/readyz", prefix="")[0], 200)

    def test_a_client_that_leaves_costs_nothing(self):
        self.fake.say("task", "t", 1, "running", 5, self.results_file({"s0": "x" * 3_000_000}))
        self.fake.say("mute", 1)
        for path in ("/status/t", "/stream/t", "/status/t?wait=9s", "/tasks", "/workers"):
            self.talk(f"GET /api/v1/marathon{path} HTTP/1.1\r\nHost: x\r\nIf-None-Match: \"9\"\r\n\r\n".encode(), 0.3)
        self.fake.say("mute", 0)
        for path in ("/status/t", "/stream/t"):
            self.talk(f"GET /api/v1/marathon{path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()[:-2] + b"\r\n", 0.01)
        self.assertEqual(self.call("GET", "/status/t")[0], 200)
        for what in ("wire_waiting 0", "watchers 0", "feeds 0"):
            self.await_metric(what)


class Owners(GatewayCase):
    """Two coordinators: what one gives to the other while both are asked is in neither answer, or in both."""
    coordinators = 2

    def script(self):
        self.fakes[0].say("own", "f" * 8)
        self.fakes[1].say("own", "f" * 8 + "0" * 8)

    def test_a_list_in_which_a_part_was_on_its_way_is_503(self):
        for listed, status in (("f" * 7, 503), ("f" * 8, 200), ("f" * 9, 503)):
            self.fakes[0].say("lists", listed)
            got, headers, body = self.call("GET", "/tasks")
            self.assertEqual(got, status, listed)
            if got == 503:
                self.assertEqual(headers["Retry-After"], "2")
                self.assertIn("are moving to another coordinator", body["detail"])

    def test_a_list_of_a_coordinator_that_does_not_say_whose_tasks_are_in_it_is_of_all_that_it_owns(self):
        for what, status in (("0", 200), ("0 anew", 503)):
            self.fakes[0].say("lists", what)
            self.assertEqual(self.call("GET", "/tasks")[0], status, what)


if __name__ == "__main__":
    main()
