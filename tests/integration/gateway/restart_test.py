"""A gateway that is restarted again and again under load, by clients as honest as a proxy: one that is refused goes elsewhere, one that
was told `Connection: close` sends nothing more there. Whatever else was sent has its answer."""

import random
import signal
import socket
import subprocess
import threading
import time

from gateway_case import BIN, PATIENCE, PREFIX, GatewayCase, main, until

SECONDS = 6
QUIET = 0.25  # QUIET_MS of gateway/http/drain.c: who is silent for longer may send when it is too late
BODY = b'{"task_type":"x"}'
POST = b"POST %s/start HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (
    PREFIX.encode(), len(BODY), BODY)


class Refused(Exception):
    pass


class Lost(Exception):
    pass


class Client:
    """Sends POSTs, some of them in two parts, by a new connection each or by one that is kept."""

    def __init__(self, port, kept, seed):
        self.port, self.kept, self.rng = port, kept, random.Random(seed)
        self.socket, self.last, self.longest, self.answers, self.lost = None, 0, 0, 0, []
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while not self.ended.is_set():
            try:
                self.one()
                self.answers += 1
            except Refused:
                time.sleep(0.005)  # elsewhere; nothing is known there that we could wait for
            except Lost as e:
                self.lost.append(str(e))
        self.close()

    def close(self):
        if self.socket is not None:
            self.socket.close()
        self.socket = None

    def connection(self):
        """One that is not known to be closed, as any pool of connections has it."""
        if self.socket is not None:
            self.socket.setblocking(False)
            try:
                self.socket.recv(1)
                self.close()
            except BlockingIOError:
                pass
            except OSError:
                self.close()
        if self.socket is None:
            try:
                self.socket = socket.create_connection(("127.0.0.1", self.port), timeout=0.2)
            except OSError as e:
                raise Refused from e
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.last = time.monotonic()
        self.socket.settimeout(PATIENCE)
        return self.socket

    def send(self, data):
        try:
            self.socket.sendall(data)
        finally:
            now = time.monotonic()
            self.longest, self.last = max(self.longest, now - self.last), now

    def one(self):
        s, self.longest = self.connection(), 0
        cut = self.rng.choice((0, 0, 0, 10, len(POST) - 5))
        try:
            if cut:
                self.send(POST[:cut])
                time.sleep(0.01)
            self.send(POST[cut:])
            head = self.answer(s)
        except OSError as e:
            self.close()
            if self.longest > QUIET * 0.8:
                raise Refused from e  # it was silent for too long; only a machine that stands still makes it so
            raise Lost(f"{e!r}, silent for {self.longest:.3f} s before") from e
        if not head.startswith(b"HTTP/1.1 202 "):
            self.lost.append(str(head))
        self.last = time.monotonic()
        if not self.kept or b"\r\nconnection: close\r\n" in head:
            self.close()
        else:
            time.sleep(self.rng.random() * 0.02)

    @staticmethod
    def answer(s):
        got = b""
        while b"\r\n\r\n" not in got:
            got += Client.some(s)
        head, _, body = got.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"\r\ncontent-length:")[2].split(b"\r\n")[0])
        while len(body) < length:
            body += Client.some(s)
        return head + b"\r\n"

    @staticmethod
    def some(s):
        part = s.recv(65536)
        if not part:
            raise ConnectionAbortedError("closed without an answer")
        return part


class Restart(GatewayCase):
    settings = {"MARATHON_DRAIN_TIMEOUT": 600}  # a drain that waits for it is seen

    def restart(self):
        begin = time.monotonic()
        self.gateway.send_signal(signal.SIGTERM)
        self.assertEqual(self.gateway.wait(PATIENCE), 0)
        took = time.monotonic() - begin
        self.gateway = subprocess.Popen([f"{BIN}/marathon-gateway"], env=self.env, stderr=self.log, stdout=self.log)
        until("the gateway is ready again", self.ready)
        return took

    def test_restarts_under_load_lose_no_request(self):
        clients = [Client(self.port, n % 2 == 1, n) for n in range(10)]
        end, restarts = time.monotonic() + SECONDS, 0
        while restarts < 5 or time.monotonic() < end:
            before = [c.answers for c in clients]
            until("every client is at it", lambda: all(c.answers > n + 2 for c, n in zip(clients, before)))
            self.restart()
            restarts += 1
        for c in clients:
            c.ended.set()
        for c in clients:
            c.thread.join(2 * PATIENCE)
            self.assertFalse(c.thread.is_alive())
        answers, lost = sum(c.answers for c in clients), [x for c in clients for x in c.lost]
        print(f"{restarts} restarts, {answers} answers, {len(lost)} lost")
        self.assertEqual(lost, [])  # before the listener was closed with care it was ten in each restart

    def drip(self):
        """A request that began before the end and comes in pieces until long after it; None where we were too slow ourselves."""
        parts = [POST[at:at + 30] for at in range(0, len(POST), 30)]
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as s:
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            last, longest = time.monotonic(), 0
            self.gateway.send_signal(signal.SIGTERM)
            try:
                for part in parts:
                    s.sendall(part)
                    now = time.monotonic()
                    last, longest = now, max(longest, now - last)
                    time.sleep(0.1)
                return Client.answer(s)
            except OSError:
                if longest < QUIET * 0.8:
                    raise
                return None

    def test_who_is_sending_is_waited_for(self):
        for _ in range(10):
            head = self.drip()
            self.restart()
            if head is not None:
                break
        self.assertTrue(head.startswith(b"HTTP/1.1 202 "), head)

    def test_one_that_nobody_uses_ends_at_once(self):
        self.assertLess(min(self.restart() for _ in range(3)), 5)  # but for what a busy machine takes

    def test_a_long_poll_is_answered_before_its_time(self):
        self.fake.say("task", "t", 1, "running", 5)
        _, headers, _ = self.call("GET", "/status/t")
        held = []
        t = threading.Thread(target=lambda: held.append(self.call("GET", "/status/t?wait=50s", None, {"If-None-Match": headers["ETag"]})))
        t.start()
        self.fake.await_got("WATCH")
        self.restart()
        t.join(PATIENCE)
        self.assertEqual((held[0][0], held[0][1]["Connection"]), (304, "close"))


class Deadline(GatewayCase):
    """Who still waits when the drain's time is over is told so."""

    settings = {"MARATHON_DRAIN_TIMEOUT": 1}
    calls = (("GET", "/status/t", None), ("POST", "/start", {"task_type": "x"}), ("GET", "/stream/t", None),
             ("POST", "/start/batch", {"tasks": [{"task_type": "x"}, {"task_type": "y"}]}), ("GET", "/status/t?wait=60s", None))

    def answers(self):
        """To all of those, asked at once, of a gateway that ends before it has any."""
        got = {}

        def ask(method, path, body):
            try:
                got[path] = self.call(method, path, body, {"If-None-Match": '"1-5"'})
            except OSError as e:
                got[path] = repr(e), {}, b""
        asking = [threading.Thread(target=ask, args=c) for c in self.calls]
        for t in asking:
            t.start()
        self.await_metric(f"connections_open {len(self.calls) + 1}")
        self.gateway.send_signal(signal.SIGTERM)
        self.assertEqual(self.gateway.wait(PATIENCE), 0)
        for t in asking:
            t.join(PATIENCE)
        return got

    def test_what_was_not_asked_of_anybody_is_503_and_may_be_tried_again(self):
        self.fake.say("own", "0")
        self.await_metric("partitions_covered 0")
        got = self.answers()
        batch = got.pop("/start/batch")
        self.assertEqual(batch[0], 200)
        self.assertEqual([i["status"] for i in batch[2]], [503, 503])
        for path, (status, headers, body) in got.items():
            self.assertEqual((path, status), (path, 503))
            self.assertEqual((headers["Retry-After"], body["code"]), ("2", "UNAVAILABLE"), path)
            self.assertNotIn("unknown", body["detail"])

    def test_what_was_asked_and_not_answered_is_504_and_unknown(self):
        self.fake.say("mute", 1)
        got = self.answers()
        batch = got.pop("/start/batch")
        self.assertEqual([i["status"] for i in batch[2]], [504, 504])
        for path, (status, _, body) in got.items():
            self.assertIn(status, (503, 504), path)
        self.assertEqual((got["/start"][0], got["/status/t"][0]), (504, 504))
        self.assertIn("unknown", got["/start"][2]["detail"])


if __name__ == "__main__":
    main()
