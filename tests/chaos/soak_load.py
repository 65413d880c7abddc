"""What the clients of a soak do: each goes round, picks one of the scenarios below, and asks at a modest pace. Nothing of what they are told is
kept but counts: the rows of the fault table judge answers, the soak judges what is left behind. What no client should ever be told is."""

import collections
import http.client
import json
import random
import socket
import struct
import threading
import time

from watch import EventStream, WebSocket

PREFIX = "/api/v1/marathon"
ENDED = ("completed", "failed", "cancelled")
RESTING = ("paused", "waiting", "budget_exceeded")
QUICK = {"max_attempts": 3, "initial": 0.1, "factor": 2}
FUNCTIONS = ("echo", "echo", "echo", "stamp", "soak.exec", "soak.http", "example.count")
PAD = "x" * 20000


def step(name, function="echo", **more):
    return {"name": name, "function": function, **more}


def nap(seconds, **more):
    return step("nap", "sleep", input={"seconds": seconds}, **more)


# What is asked for beyond single steps. Each is (steps, more of the start's body).
def mixed(rng):
    return [step("first", rng.choice(FUNCTIONS)),
            step("left", rng.choice(FUNCTIONS), needs=["first"]), step("right", rng.choice(FUNCTIONS), needs=["first"]),
            step("maybe", needs=["left"], when="input.n > 5"),
            step("flaky", "fail", needs=["right"], input={"times": 1, "error": "once"}, retry=QUICK),
            step("fan", "echo", needs=["left"], for_each="${input.list}", max_parallel=4, tolerate="50%", input={"i": "${item}"}),
            step("join", needs=["maybe", "flaky", "fan"], input={"all": "${size(steps.fan.result)}"})]


def shielded(_):
    return [step("skipped", "fail", input={"error": "no"}, retryable=False, on_failure="skip"),
            step("after", needs=["skipped"]),
            step("instead", "soak.refused", needs=[], on_failure={"continue": {"none": None}}),
            step("late", "soak.slow", needs=[], timeout=0.3, retry={"max_attempts": 2, "initial": 0.1}, on_failure="skip"),
            step("silent", "soak.slow", needs=[], progress_timeout=1, retry={"max_attempts": 1}, on_failure="skip"),
            step("busy", "soak.http_500", needs=[], retry=QUICK, on_failure="skip"),
            step("hung", "soak.http_hang", needs=[], timeout=0.5, retry={"max_attempts": 1}, on_failure="skip"),
            step("crash", "soak.crash", needs=[], retry={"max_attempts": 2, "initial": 0.1}, on_failure="skip"),
            step("items", "soak.refused", needs=[], for_each="[1,2,3]", on_failure="skip"),
            step("clean", "echo", **{"finally": True})]


def limited(rng):
    return [step("ask", "sleep", for_each="[1,2,3]", input={"seconds": 0.02}, concurrency={"key": f"model-{rng.randrange(4)}", "limit": 2}),
            step("post", "stamp", input={}, rate_limit={"key": f"api-{rng.randrange(4)}", "per_second": 50}),
            step("each", "stamp", input={}, concurrency={"key": f"once-{rng.getrandbits(48):x}", "limit": 1},
                 rate_limit={"key": f"pace-{rng.getrandbits(48):x}", "per_minute": 600})]


def spending(_):
    use = {"model": "small", "input_tokens": 9, "output_tokens": 1, "cost_usd": 0.01}
    return [step("spend", "sleep", for_each="[1,2,3,4,5,6,7,8]", max_parallel=2, cost={"cost_usd": 0.01}, input={"seconds": 0, "usage": use})]


class Client(threading.Thread):
    def __init__(self, load, number):
        super().__init__(daemon=True)
        self.load, self.number = load, number
        self.rng = random.Random(f"{load.seed}/{number}")
        self.connection, self.due, self.count, self.tag = None, 0.0, 0, None
        self.left = []

    def rest(self, seconds):
        self.load.over.wait(max(0.0, seconds))

    # ---- one request ----

    def port(self):
        return self.rng.choice(self.load.ports)

    def ask(self, method, path, body=None, expect=(), headers=None, prefix=PREFIX, timeout=40):
        """(status, body), status 0 where there was none. expect: statuses beyond 2xx, 429, 503 and 504 that are no finding."""
        self.due = max(self.due + self.load.pace, time.monotonic() - 5 * self.load.pace)
        self.rest(self.due - time.monotonic())
        data = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
        call = f"{method} {path.split('?')[0].strip('/').split('/')[0]}"
        try:
            if self.connection is None or self.rng.random() < 0.1:
                self.drop()
                self.connection = http.client.HTTPConnection("127.0.0.1", self.port(), timeout=timeout)
            self.connection.request(method, prefix + path, data, {**({"Content-Type": "application/json"} if data is not None else {}), **(headers or {})})
            r = self.connection.getresponse()
            raw = r.read()
            self.tag = r.getheader("ETag")
            if r.will_close:
                self.drop()
            answer = json.loads(raw) if raw and "json" in (r.getheader("Content-Type") or "") else raw
            self.load.told(call, r.status)
            if r.status >= 300 and r.status not in (429, 503, 504) and r.status not in expect:
                self.load.finding(f"{call} answered {r.status}: {str(answer)[:300]}")
            return r.status, answer
        except (OSError, http.client.HTTPException) as e:
            self.load.told(call, type(e).__name__)
            self.drop()
            return 0, None

    def drop(self):
        if self.connection:
            self.connection.close()
        self.connection = None

    # ---- parts of scenarios ----

    def start_task(self, steps, keyed=None, **more):
        """The id, or None: the cluster may be busy dying."""
        body = {"steps": steps, "task_type": "soak", "input_data": {"n": self.rng.randrange(10), "list": list(range(self.rng.randrange(6)))}, **more}
        self.count += 1
        keyed = self.rng.random() < 0.5 if keyed is None else keyed
        headers = {"Idempotency-Key": f"{self.load.seed}-{self.number}-{self.count}"} if keyed else {}
        if self.rng.random() < 0.3:
            body["task_id"] = f"t-{self.load.seed}-{self.number}-{self.count}"
        for _ in range(3):
            status, answer = self.ask("POST", "/start", body, expect=(409,), headers=headers)
            if status == 202:
                if keyed and self.rng.random() < 0.1:
                    self.ask("POST", "/start", body, expect=(409,), headers=headers)
                    self.ask("POST", "/start", {**body, "priority": 1}, expect=(422, 409), headers=headers)
                return answer["task_id"]
            if status == 409:
                return body.get("task_id")
        return None

    def follow(self, task, until=ENDED, seconds=20):
        """By long polls to one of these states; the state, or None."""
        end, self.tag = time.monotonic() + seconds, None
        while time.monotonic() < end and not self.load.over.is_set():
            headers = {"If-None-Match": self.tag} if self.tag else {}
            status, body = self.ask("GET", f"/status/{task}?wait=5s&results=false", expect=(304, 404), headers=headers)
            if status == 404:
                return None
            if status == 200 and body["status"] in until:
                return body["status"]
        return None

    def begun(self, steps, until=ENDED, **more):
        task = self.start_task(steps, **more)
        return task, task and self.follow(task, until)

    def leave(self, task):
        """It rests, and nobody comes for it for a while."""
        if task:
            self.left.append(task)
        if len(self.left) > 4:
            self.ask("POST", f"/cancel/{self.left.pop(0)}", b"{}", expect=(404, 409))

    # ---- scenarios ----

    def plain(self):
        self.start_task([step(f"s{i}", self.rng.choice(FUNCTIONS)) for i in range(self.rng.randrange(1, 5))])

    def mix(self):
        task, state = self.begun(self.rng.choice((mixed, mixed, shielded, limited))(self.rng))
        if task and state:
            for path in self.rng.sample((f"/result/{task}", f"/checkpoints/{task}", f"/history/{task}?limit=5", f"/status/{task}",
                                         f"/tasks/{task}/steps/fan/items?limit=2"), 2):
                self.ask("GET", path, expect=(404, 409))

    def batch(self):
        tasks = [{"task_type": "soak", "steps": [step("a", self.rng.choice(FUNCTIONS))]} for _ in range(self.rng.randrange(2, 12))]
        self.ask("POST", "/start/batch", {"tasks": [*tasks, {"task_type": "no_such"}, {"task_type": "nested", "input_data": {"guests": 4}}]},
                 headers={"Idempotency-Key": f"b-{self.load.seed}-{self.number}-{self.count}"} if self.rng.random() < 0.5 else {})
        self.count += 1

    def cancelled(self):
        function = self.rng.choice(("sleep", "soak.slow", "soak.http_hang"))
        long = step("long", function, input={"seconds": 20}, timeout=5, retry={"max_attempts": 1})  # it ends where its cancel is not heard, too
        task = self.start_task([step("a"), long])
        if task:
            self.rest(self.rng.uniform(0, 1))
            self.ask("POST", f"/cancel/{task}", {"reason": "soak"}, expect=(404, 409))

    def paused(self):
        task = self.start_task([nap(0.2), step("b"), step("c")])
        if task:
            self.ask("POST", f"/pause/{task}", expect=(404, 409))
            if self.rng.random() < 0.9:
                self.ask("POST", f"/resume/{task}", {"actor": "soak"}, expect=(404, 409))
            else:
                self.leave(task)
            self.follow(task, ENDED + RESTING)

    def signalled(self):
        wait = {"name": "ok", "wait": {"signal": "go", **self.rng.choice(({}, {"timeout": 3, "default": 1}))}}
        task = self.start_task([step("a"), wait, {"name": "cool", "wait": {"seconds": 1}}, step("b")])
        if self.rng.random() < 0.2:
            self.leave(task)
        elif task:
            data = {"pad": PAD[:self.rng.choice((10, 5000))]}
            for _ in range(self.rng.choice((1, 1, 2))):
                self.ask("POST", f"/signal/{task}", {"name": "go", "data": data}, expect=(404, 409),
                         headers={"Idempotency-Key": f"s-{task}"})
            self.follow(task)

    def second_chance(self):
        task, state = self.begun([step("a"), step("b", "fail", input={"times": 2}, retry={"max_attempts": 2, "initial": 0.1}), step("c")], keyed=True)
        if state != "failed":
            return
        _, answer = self.ask("POST", f"/fork/{task}", {"from_step": "b"}, expect=(404, 409), headers={"Idempotency-Key": f"f-{task}"})
        self.ask("POST", f"/recover/{task}", self.rng.choice(({}, {"from_step": "a"}, {"from_step": "b", "input_data": {"n": 1}})), expect=(404, 409))
        self.follow(task)
        if isinstance(answer, dict) and "task_id" in answer:
            self.follow(answer["task_id"])

    def dead(self):
        task, state = self.begun([step("a"), step("b", "soak.refused", on_exhausted="dead_letter")])
        if state == "failed":
            _, page = self.ask("GET", "/dead-letters?limit=5")
            if isinstance(page, dict) and page.get("next_cursor"):
                self.ask("GET", f"/dead-letters?limit=5&cursor={page['next_cursor']}")
            if self.rng.random() < 0.5:
                self.ask("POST", f"/dead-letters/{task}/b/requeue", b"", expect=(404, 409))
            elif self.rng.random() < 0.1:
                self.ask("POST", "/dead-letters/requeue?limit=5", b"")

    def deadly(self):
        """Kills its workers; only those that may be."""
        self.start_task([step("a", "soak.deadly", requires={"mortal": "true"}, **self.rng.choice(({}, {"on_failure": "skip"})))])

    def budget(self):
        task, state = self.begun(spending(self.rng), ENDED + RESTING, budget={"cost_usd": 0.03})
        if state == "budget_exceeded" and self.rng.random() < 0.2:
            self.leave(task)
        elif state == "budget_exceeded":
            self.ask("POST", f"/resume/{task}", {"budget": {"cost_usd": 5}}, expect=(404, 409))
            self.follow(task)

    def volatile(self):
        self.start_task([step("a"), step("b", "soak.exec", input={"pad": PAD}), nap(1)], enable_checkpoints=False, checkpoint_interval_seconds=1)

    def fresh(self):
        """The same id again and again: 409 while it lives, then a fresh run."""
        self.ask("POST", "/start", {"task_id": f"again-{self.rng.randrange(20)}", "steps": [step("a"), step("b")]}, expect=(409,))

    def asleep(self):
        if self.rng.random() < 0.3:
            self.leave(self.start_task([{"name": "never", "wait": {"signal": "never"}}]))
        else:
            self.start_task([step("nobody", "no.such.function", queue_timeout=2)])

    def definitions(self):
        n = self.rng.randrange(8)
        self.ask("PUT", f"/pipelines/soak_{n}", {"steps": [step("a", input={"v": self.rng.randrange(3)})]})
        self.ask("GET", self.rng.choice((f"/pipelines/soak_{n}", f"/pipelines/soak_{n}/versions?limit=3", "/pipelines")))
        self.ask("POST", "/pipelines/validate", {"name": "x", "steps": [step("a", needs=["b"])]}, expect=(422,))
        self.ask("POST", "/start", {"task_type": f"soak_{n}"})

    def lists(self):
        path = self.rng.choice(("/tasks?limit=20", "/tasks?status=completed&limit=7", "/tasks?status=failed&task_type=soak&limit=3"))
        cursor = ""
        for _ in range(self.rng.randrange(1, 5)):
            _, page = self.ask("GET", path + cursor)
            if not isinstance(page, dict) or not page.get("next_cursor"):
                break
            cursor = f"&cursor={page['next_cursor']}"
        self.ask("GET", self.rng.choice(("/workers", "/usage?group_by=model,task_type", "/dead-letters")))
        self.ask("GET", self.rng.choice(("/livez", "/readyz", "/readyz?verbose", "/metrics", "/openapi.json")), prefix="")

    def mistaken(self):
        bad = (400, 404, 405, 409, 411, 413, 415, 422, 431)
        self.rng.choice((
            lambda: self.ask("POST", "/start", b"{", expect=bad),
            lambda: self.ask("POST", "/start", {"task_type": "no_such"}, expect=bad),
            lambda: self.ask("POST", "/start", {"steps": [step("a")], "nope": 1}, expect=bad),
            lambda: self.ask("POST", "/start", {"steps": [step("a")], "input_data": {"x": PAD * 20}}, expect=bad),
            lambda: self.ask("POST", "/start", b"x" * 1200000, expect=bad),
            lambda: self.ask("GET", f"/status/none-{self.rng.getrandbits(60):x}?wait=1s", expect=bad),
            lambda: self.ask("POST", f"/cancel/none-{self.rng.getrandbits(60):x}", expect=bad),
            lambda: self.ask("POST", f"/signal/none-{self.rng.getrandbits(60):x}", {"name": "x"}, expect=bad),
            lambda: self.ask("GET", "/tasks?limit=x", expect=bad),
            lambda: self.ask("GET", "/tasks?cursor=garbage", expect=bad),
            lambda: self.ask("DELETE", "/start", expect=bad),
            lambda: self.ask("GET", "/nowhere/" + "a" * 6000, expect=(*bad, 414)),
            self.torn))()

    def torn(self):
        """Half a request, or none that is one, and gone; at times to a coordinator."""
        try:
            with socket.create_connection(("127.0.0.1", self.rng.choice(self.load.ports + self.load.coordinator_ports)), 5) as s:
                s.sendall(self.rng.choice((b"GET /livez HT", b"POST /api/v1/marathon/start HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                                           b"Content-Length: 500\r\n\r\n{\"st", self.rng.randbytes(200))))
                self.rest(self.rng.uniform(0, 0.5))
                if self.rng.random() < 0.5:
                    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # closed by RST
        except OSError:
            pass

    def watched(self):
        task = self.start_task([step("a"), nap(self.rng.choice((0.2, 1, 3))), step("c", "soak.exec")])
        if not task:
            return
        leave = self.rng.random() < 0.3
        try:
            watcher = self.rng.choice((WebSocket, EventStream))(self.port(), task)
        except OSError:
            self.load.told("watch", "refused")
            return
        try:
            for n, _ in enumerate(watcher.messages()):
                if leave and n == 1:
                    break
            self.load.told("watch", "left" if leave else "over")
        except OSError as e:
            self.load.told("watch", type(e).__name__)
        watcher.close()

    def deaf(self):
        """A watcher with a small window that takes nothing, of a task with large results; and a poll that is left."""
        task, _ = self.begun([step(f"s{i}") for i in range(8)] + [nap(3)], ("running",) + ENDED, input_data={"pad": PAD * 10})
        if not task:
            return
        port, path = self.port(), self.rng.choice((f"/api/v1/ws/marathon/{task}", f"{PREFIX}/stream/{task}", f"{PREFIX}/status/{task}?wait=20s"))
        upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n" \
            if "/ws/" in path else ""
        try:
            with socket.socket() as s:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                s.connect(("127.0.0.1", port))
                s.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{upgrade}\r\n".encode())
                self.rest(self.rng.choice((0.2, 4, 15)))
        except OSError:
            pass

    SCENARIOS = ((plain, 20), (mix, 22), (batch, 5), (cancelled, 6), (paused, 5), (signalled, 5), (second_chance, 6), (dead, 4), (deadly, 0.3), (budget, 4),
                 (volatile, 3), (fresh, 4), (asleep, 2), (definitions, 3), (lists, 6), (mistaken, 10), (watched, 10), (deaf, 0.7))

    def run(self):
        scenarios, weights = zip(*self.SCENARIOS)
        while not self.load.over.is_set():
            scenario = self.rng.choices(scenarios, weights)[0]
            try:
                scenario(self)
            except Exception as e:  # whatever a client did not expect is a finding
                self.load.finding(f"{scenario.__name__}: {type(e).__name__}: {e}")
                self.drop()
        self.drop()


class SoakLoad:
    def __init__(self, ports, coordinator_ports, seed, clients=24, rate=80):
        self.ports, self.coordinator_ports, self.seed = ports, coordinator_ports, seed
        self.pace, self.over = clients / rate, threading.Event()
        self.lock, self.answers, self.findings = threading.Lock(), collections.Counter(), collections.Counter()
        self.clients = [Client(self, n) for n in range(clients)]

    def told(self, call, status):
        with self.lock:
            self.answers[call, status] += 1

    def finding(self, text):
        with self.lock:
            self.findings[text[:400]] += 1

    def start(self):
        for c in self.clients:
            c.start()
        return self

    def stop(self):
        self.over.set()
        for c in self.clients:
            c.join(60)
        return [c.number for c in self.clients if c.is_alive()]
