"""Clients that use the cluster as users do, and write down what they asked and were told (events.jsonl).

Each client goes round: start a task with an Idempotency-Key (again and again until it is told something), follow it to its end by
WebSocket, event stream or long poll, then read its result. Some starts are repeated after the answer, some tasks are cancelled.
"""

import http.client
import json
import random
import threading
import time

from rig import now
from watch import EventStream, WebSocket

PREFIX = "/api/v1/marathon"
ENDED = ("completed", "failed", "cancelled")
FINAL = ("task_complete", "task_error", "task_cancelled")


def nonces(results):
    return {name: r.get("nonce") for name, r in results.items() if isinstance(r, dict)}


def make_steps(rng, shape):
    """An inline pipeline. Its steps' names carry nothing; needs are always named."""
    def step(name, needs, fail=0):
        ms = rng.choice(shape["ms"])
        return {"name": name, "function": "chaos.step", "needs": needs, "timeout": 60,
                "input": {"ms": ms, "pad": rng.choice((0, 0, 100, 3000)), "fail": fail}}
    kind = rng.choice(("line", "line", "diamond", "wide", "random"))
    fail = 1 if rng.random() < shape["fail"] else 0
    if kind == "line":
        return [step(f"s{i}", [f"s{i - 1}"] if i else [], fail if i == 1 else 0) for i in range(rng.randrange(2, 7))]
    if kind == "diamond":
        return [step("a", []), step("b", ["a"], fail), step("c", ["a"]), step("d", ["b", "c"])]
    if kind == "wide":
        names = [f"w{i}" for i in range(rng.randrange(2, 6))]
        return [step("first", [])] + [step(n, ["first"]) for n in names] + [step("join", names, fail)]
    return [step(f"r{i}", sorted(f"r{j}" for j in range(i) if rng.random() < 0.4)) for i in range(5)]


class Client(threading.Thread):
    def __init__(self, load, number):
        super().__init__(daemon=True)
        self.load, self.number = load, number
        self.rng = random.Random(f"{load.seed}/{number}")
        self.connection, self.port, self.tag = None, None, None
        self.count = 0

    # ---- one request ----

    def pick_port(self):
        ports = [g.port for g in self.load.rig.roles["gateway"]]
        others = [p for p in ports if p != self.port]
        return self.rng.choice(others or ports)

    def drop(self):
        if self.connection:
            self.connection.close()
        self.connection = None

    def ask(self, method, path, body=None, headers=None, timeout=15):
        """(status, body); status 0 where the connection could not be made, -1 where it broke after the request was sent."""
        sent, reused = False, self.connection is not None
        try:
            if not reused:
                self.port = self.port or self.pick_port()
                self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
                self.connection.connect()
            sent = True
            h = {"Content-Type": "application/json"} if body is not None else {}
            self.connection.request(method, PREFIX + path, body, {**h, **(headers or {})})
            r = self.connection.getresponse()
            raw = r.read()
            self.load.heard(r.status)
            self.tag = r.getheader("ETag")
            if r.status in (429, 503) and r.getheader("Retry-After") is None:
                self.load.put("bad", what=f"{r.status} without Retry-After", path=path)
            if r.will_close:
                self.drop()
            return r.status, json.loads(raw) if raw else None
        except (OSError, http.client.HTTPException) as e:
            self.load.put("broken", path=path, method=method, sent=sent, reused=reused, port=self.port, error=type(e).__name__)
            if sent and not reused:
                self.load.cut.append((now(), method, path, type(e).__name__))
            self.drop()
            self.port = self.pick_port()
            return (-1 if sent else 0), None

    # ---- a task's life ----

    def start_task(self, key, body, headers):
        """The id that was told, or None where the answer says no for good or the load is over."""
        while not self.load.abandoned:
            status, answer = self.ask("POST", "/start", body, headers)
            if status == 202:
                self.load.put("told", key=key, task=answer["task_id"])
                self.load.told_times.append(now())
                return answer["task_id"]
            self.load.put("refused", key=key, status=status, code=(answer or {}).get("code"))
            if status not in (0, -1, 409, 429, 500, 503, 504):
                self.load.put("bad", what=f"start answered {status}", answer=answer)
                return None
            if self.load.stopping and now() > self.load.give_up_at:
                return None
            time.sleep(self.rng.uniform(0.03, 0.1))
        return None

    def watch(self, task):
        """Follows the task by WebSocket or event stream to its final message."""
        last, kind = None, self.rng.choice((WebSocket, EventStream))
        while not self.load.abandoned:
            after = last if last is not None and self.rng.random() < 0.7 else None
            watcher = None
            try:
                watcher = kind(self.port or self.pick_port(), task, after)
                self.load.put("watch", task=task, by=kind.__name__, after=after)
                if watcher.status == 204:
                    return
                for m in watcher.messages():
                    last = self.saw(task, m, last)
                    if m["type"] in FINAL:
                        return
            except OSError:
                self.port = self.pick_port()
            finally:
                if watcher:
                    watcher.close()
            self.load.put("watch_ended", task=task, code=getattr(watcher, "code", None))
            if self.load.may_lose and self.ask("GET", f"/status/{task}")[0] == 404:
                return
            time.sleep(self.rng.uniform(0.02, 0.1))

    def saw(self, task, m, last):
        state = m.get("state", {})
        more = {"status": state["status"], "results": nonces(state["accumulated_results"])} if state else {}
        if m["type"] == "task_complete":
            more = {"results": nonces(m["data"]["results"])}
        if m["type"] == "step_completed":
            more = {"step": m["data"]["step_id"]}
        self.load.put("saw", task=task, type=m["type"], seq=m.get("seq"), **more)
        return m.get("seq", last)

    def poll(self, task):
        self.tag = None
        while not self.load.abandoned:
            headers = {"If-None-Match": self.tag} if self.tag else {}
            status, body = self.ask("GET", f"/status/{task}?wait=2s", headers=headers)
            if status == 200:
                self.load.put("status", task=task, status=body["status"], seq=body["seq"], progress=body["progress"],
                              results=nonces(body["accumulated_results"]))
                if body["status"] in ENDED:
                    return body
            elif status not in (0, -1, 304, 503, 504):
                self.load.put("bad", what=f"status answered {status}", task=task, answer=body)
                return None
            if status not in (200, 304):
                time.sleep(self.rng.uniform(0.03, 0.1))
        return None

    def read_result(self, task):
        while not self.load.abandoned:
            status, body = self.ask("GET", f"/result/{task}")
            if status == 200:
                self.load.put("result", task=task, results=body)
                return
            if status not in (0, -1, 503, 504):
                self.load.put("bad", what=f"result of a completed task answered {status}", task=task, answer=body)
                return
            time.sleep(self.rng.uniform(0.03, 0.1))

    def cancel(self, task):
        time.sleep(self.rng.uniform(0, 0.2))
        self.load.cancelled.add(task)
        status, _ = self.ask("POST", f"/cancel/{task}", b"{}")
        self.load.put("cancel", task=task, status=status)

    def round(self):
        self.count += 1
        key = f"{self.load.seed}-{self.number}-{self.count}"
        steps = make_steps(self.rng, self.load.shape)
        doc = {"steps": steps, "task_type": "chaos"}
        if self.rng.random() < 0.5:
            doc["task_id"] = f"t-{key}"
        self.load.put("ask", key=key, task=doc.get("task_id"),
                      steps=[{"name": s["name"], "needs": s["needs"], "fail": s["input"]["fail"]} for s in steps])
        body, headers = json.dumps(doc).encode(), {"Idempotency-Key": key}
        asked = now()
        task = self.start_task(key, body, headers)
        if task is None:
            return
        self.load.asked[task] = asked
        if self.rng.random() < 0.1:
            self.start_task(key, body, headers)
        if self.rng.random() < 0.04:
            self.cancel(task)
        elif self.rng.random() < 0.6:
            self.watch(task)
        final = self.poll(task)
        if final:
            self.load.finals[task] = now()
            self.load.put("final", task=task, status=final["status"], error=final["error"], current=final["current_step"])
            if final["status"] == "completed":
                self.read_result(task)
            self.load.done += 1

    def run(self):
        while not self.load.stopping:
            try:
                self.round()
            except Exception as e:  # whatever a client did not expect is a finding
                self.load.put("bad", what=f"client {self.number}: {type(e).__name__}: {e}")
                self.drop()
        self.drop()


class Load:
    """shape: "ms" a step may take, "fail" the share of tasks with a step that fails once."""

    def __init__(self, rig, seed, clients=16, ms=(5, 20, 50, 150), fail=0.02):
        self.rig, self.seed = rig, seed
        self.shape = {"ms": ms, "fail": fail}
        self.put = rig.log_lines.put
        self.stopping, self.abandoned, self.give_up_at = False, False, 0
        self.asked, self.finals, self.cancelled, self.done, self.answers = {}, {}, set(), 0, []
        self.told_times = []
        self.cut = []  # requests that got no answer on a connection that was made for them
        self.may_lose = False  # a task that was accepted may be unknown later: nobody waits for it
        self.clients = [Client(self, n) for n in range(clients)]

    def heard(self, status):
        self.answers.append((now(), status))

    def start(self):
        self.put("load", clients=len(self.clients))
        for c in self.clients:
            c.start()
        return self

    def answered_after(self, at):
        """When the first request after that moment was answered well."""
        return next((t for t, status in list(self.answers) if t > at and status < 300), None)

    def stop(self, seconds):
        """No new tasks; waits until all clients have seen the ends of theirs. False: not within the time."""
        self.put("healed")
        self.give_up_at = now() + seconds / 2
        self.stopping = True
        end = now() + seconds
        for c in self.clients:
            c.join(max(0.0, end - now()))
        late = [c.number for c in self.clients if c.is_alive()]
        self.abandoned = True
        self.put("drained", late=late, done=self.done)
        for c in self.clients:
            c.join(2)
        return not late
