"""A soak: a cluster under a mixed load for a long time, its processes killed and started again meanwhile. Judged is what only shows over time:
what is left once the load is over, all tasks have ended and all TTLs have passed (keys in Redis, gauges of each process), and what no client,
no metric and no log may ever say. What grew meanwhile is told, as slopes."""

import collections
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time

from rig import HERE, TESTS, Cluster, free_port, until

import soak_books as books
from soak_load import ENDED, RESTING, SoakLoad

SUPPORT = os.path.join(HERE, "..", "support")
SPARE_FROM = 1 / 3  # of its time: from then on the first of each role is not killed, so that it can be seen whether it grows
REDIS_SHARE = 0.05  # of the kills; the others are of any process
SETTLE_SECONDS = 120

EXEC = """cat >/dev/null
echo '{"progress":0.5,"message":"half"}' >&3
echo '{"checkpoint":{"n":1}}' >&3
echo '{"usage":{"model":"small","input_tokens":10,"output_tokens":2,"cost_usd":0.001}}' >&3
echo "a line of its log" >&2
printf '{"done":true}'"""


def functions(http):
    def sh(text):
        return {"exec": ["/bin/sh", "-c", text]}
    base = f"http://127.0.0.1:{http}"
    return {"soak.exec": sh(EXEC), "soak.refused": sh("cat >/dev/null; echo no >&2; exit 65"), "soak.slow": sh("cat >/dev/null; sleep 30"),
            "soak.crash": sh("kill -9 $$"),
            "soak.deadly": sh("kill -9 $PPID; sleep 5"), "soak.http": {"http": f"{base}/echo"}, "soak.http_500": {"http": f"{base}/status/500"},
            "soak.http_hang": {"http": f"{base}/hang"}, "soak.plugin": {"plugin": os.path.join(TESTS, "plugin_example.so")}}


class SoakRig(Cluster):
    """Two coordinators, three workers, two gateways, a Redis with deploy/redis.conf."""

    def __init__(self, ttl):
        self.http = subprocess.Popen([sys.executable, "-B", os.path.join(SUPPORT, "http_function.py")], stdout=subprocess.PIPE, text=True)
        wanted = functions(int(self.http.stdout.readline()))
        plugin = wanted.pop("soak.plugin")
        super().__init__(functions={**wanted, "example.count": plugin},
                         pipelines={"nested": [{"name": "dish", "pipeline": {"steps": [{"name": "cook", "function": "echo"}]}, "input": {"n": "${input.guests}"}}]})
        self.ttl, self.ports = ttl, {}
        self.coordinator_ports = [free_port() for _ in range(2)]
        self.keeper, self.keeping = None, True

    def coordinator_url(self, n=1):
        return f"tcp://127.0.0.1:{self.coordinator_ports[n - 1]}"

    def metrics_env(self):
        port = free_port()
        return port, {"MARATHON_METRICS_LISTEN": f"127.0.0.1:{port}"}

    def start(self):
        self.store = self.start_redis()
        for n in (1, 2):
            port, env = self.metrics_env()
            self.ports[self.start_coordinator(n, MARATHON_CHECKPOINT_TTL=self.ttl, MARATHON_CHECKPOINT_INTERVAL=1, **env)] = port
        for n in (1, 2, 3):
            port, env = self.metrics_env()
            self.ports[self.start_worker(8, 2, MARATHON_LABELS=f"mortal={'false' if n == 1 else 'true'}", MARATHON_DRAIN_SECONDS=5, **env)] = port
        for _ in (1, 2):
            g = self.start_gateway(2, MARATHON_DRAIN_TIMEOUT=5)
            self.ports[g] = g.port
        until("all workers have joined", lambda: len(self.get("/workers")["items"]) == 3)
        return self

    @staticmethod
    def role(process):
        return process.name.rstrip("0123456789")

    def of_role(self, role):
        return [p for p in self.ports if self.role(p) == role]

    def spared(self):
        return [self.of_role(role)[0] for role in books.AT_REST]

    def all_metrics(self):
        return {role: [books.metrics(self.ports[p], role) for p in self.of_role(role)] for role in books.AT_REST}

    def keep(self):
        """A supervisor of all."""
        def run():
            while self.keeping:
                for p in [self.store, *self.ports]:
                    if not p.alive() and self.keeping:
                        p.start()
                time.sleep(0.1)
        self.keeper = threading.Thread(target=run, daemon=True)
        self.keeper.start()

    def close(self):
        self.keeping = False
        if self.keeper:
            self.keeper.join(5)
        self.http.kill()
        self.http.wait()
        return super().close()


class Soak:
    def __init__(self, options):
        self.options, self.rng = options, random.Random(options.seed)
        self.seconds = options.minutes * 60
        self.every = min(20.0, self.seconds / 10)
        self.rig, self.samples, self.kills, self.faults, self.notes = SoakRig(options.ttl), [], collections.Counter(), [], []

    def say(self, text):
        print(f"    {time.strftime('%H:%M:%S')} {text}", flush=True)

    # ---- while the load runs ----

    def sample(self):
        at = time.monotonic() - self.began
        row = {"t": round(at, 1), "processes": {}, "metrics": {}}
        for p, port in self.rig.ports.items():
            row["processes"][p.name] = {"pid": p.popen.pid, **(books.usage(p.popen.pid) or {})}
            row["metrics"][p.name] = books.metrics(port, self.rig.role(p))
        row["processes"]["redis"] = {"pid": self.rig.store.popen.pid, **(books.usage(self.rig.store.popen.pid) or {})}
        try:
            row["store"] = books.store_look(self.rig.redis_socket)
        except (OSError, ValueError, EOFError):
            row["store"] = None
        self.samples.append(row)
        self.out.write(json.dumps(row) + "\n")
        self.out.flush()
        never = books.nevers({role: [row["metrics"][p.name] for p in self.rig.of_role(role)] for role in books.AT_REST})
        for text in never:
            if text not in self.notes:
                self.notes.append(text)
                self.say(f"FAULT {text}")
        if len(self.samples) % 3 == 1:
            rss = " ".join(f"{n}={u.get('rss', 0) // 1024}M/{u.get('fds', 0)}" for n, u in row["processes"].items())
            self.say(f"{at:.0f} s: {rss} keys={row['store'] and row['store']['keys']}")

    def kill_one(self, at):
        spared = self.rig.spared() if at > self.seconds * SPARE_FROM else []
        victims = [p for p in self.rig.ports if p not in spared]
        p = self.rig.store if self.rng.random() < REDIS_SHARE else self.rng.choice(victims)
        signo = self.rng.choice((signal.SIGKILL, signal.SIGTERM))
        self.kills[self.rig.role(p), signo.name] += 1
        try:
            p.popen.send_signal(signo)
        except ProcessLookupError:
            pass

    def run_load(self):
        self.began = time.monotonic()
        load = SoakLoad([g.port for g in self.rig.of_role("gateway")], self.rig.coordinator_ports, self.options.seed, rate=self.options.rate).start()
        next_kill, next_sample = self.options.kill_every, 0.0
        while (at := time.monotonic() - self.began) < self.seconds:
            if at >= next_sample:
                self.sample()
                next_sample += self.every
            if at >= next_kill:
                self.kill_one(at)
                next_kill += self.rng.uniform(0.5, 1.5) * self.options.kill_every
            time.sleep(0.05)
        late = load.stop()
        if late:
            self.faults.append(f"clients {late} did not end")
        return load

    # ---- after it ----

    def tasks(self):
        """status -> ids, of all that have not ended"""
        found, cursor = collections.defaultdict(list), ""
        while True:
            body = self.rig.get("/tasks?limit=200" + cursor)
            for t in body["items"]:
                if t["status"] not in ENDED:
                    found[t["status"]].append(t["task_id"])
            if not body["next_cursor"]:
                return dict(found)
            cursor = f"&cursor={body['next_cursor']}"

    def settle(self):
        """Whatever rests is cancelled; all else must end by itself."""
        def over():
            left = self.tasks()
            for state in RESTING:
                for task in left.get(state, ()):
                    self.rig.call("POST", f"/cancel/{task}", b"")
            return not left
        try:
            until("all tasks have ended", over, SETTLE_SECONDS, 0.5)
        except AssertionError as e:
            self.faults.append(str(e))
            self.keep_details()
        self.say(f"all tasks have ended; {self.options.ttl} s until their keys expire")

        def at_rest():
            return not books.unexplained_keys(self.rig.redis_socket)[0] and not books.unrest(self.rig.all_metrics())
        try:
            until("nothing is left", at_rest, self.options.ttl + 30, 0.5)
        except AssertionError:
            pass  # account() says what is
        self.sample()

    def keep_details(self):
        with open(os.path.join(self.rig.dir, "left.jsonl"), "w") as f:
            for task in [t for ids in self.tasks().values() for t in ids][:100]:
                f.write(json.dumps(self.rig.call("GET", f"/status/{task}")[2]) + "\n")

    def account(self, load):
        left, kept = books.unexplained_keys(self.rig.redis_socket)
        self.faults += [f"left in Redis: {k}" for k in left[:50]] + ([f"... and {len(left) - 50} more"] if len(left) > 50 else [])
        self.faults += [f"at rest {text}" for text in books.unrest(self.rig.all_metrics())]
        self.faults += self.notes
        self.faults += [f"{n}x {text}" for text, n in load.findings.most_common()]
        print(f"    kept in Redis, with a reason: {kept}")
        print(f"    answers: {dict(sum_by_status(load.answers))}")
        print(f"    kills: { {' '.join(k): n for k, n in self.kills.items()} }")
        self.growth()

    def growth(self):
        """Slopes over the last half of the load, of those that were spared: KiB, and counts."""
        half = [s for s in self.samples[:-1] if s["t"] >= self.seconds / 2]
        for p in [*self.rig.spared(), self.rig.store]:
            name = "redis" if p is self.rig.store else p.name
            rows = [s for s in half if s["processes"][name].get("pid") == p.popen.pid]
            for what in ("rss", "fds", "threads", "children"):
                points = [(s["t"] / 3600, s["processes"][name][what]) for s in rows if what in s["processes"][name]]
                b = books.slope(points)
                if b and (what == "rss" or points[0][1] != points[-1][1]):
                    print(f"    {name} {what}: {points[0][1]} -> {points[-1][1]}, {b[0]:+.0f} +- {b[1]:.0f} an hour ({len(points)} samples)")

    def logs(self):
        for role in ("redis", *books.AT_REST):
            count = collections.Counter()
            for p in ([self.rig.store] if role == "redis" else self.rig.of_role(role)):
                count += books.log_events(p.log())
            print(f"    log of {role}s: { {' '.join(k): n for k, n in sorted(count.items())} }")
            self.faults += [f"{n}x in the logs of {role}s: {' '.join(k)}" for k, n in count.items() if k[1] not in books.EXPECTED.get(role, ())]

    def run(self):
        self.out = open(os.path.join(self.rig.dir, "samples.jsonl"), "w")
        self.say(f"in {self.rig.dir}")
        try:
            self.rig.start()
            self.rig.keep()
            load = self.run_load()
            self.settle()
            self.account(load)
        finally:
            self.faults += self.rig.close()
            self.logs()
        for text in self.faults:
            print(f"    FAULT {text}")
        if self.faults:
            print(f"    see {self.rig.dir}")
        elif not self.options.keep:
            self.rig.remove()
        print(f"soak of {self.options.minutes:g} min, seed {self.options.seed}: {'FAILED' if self.faults else 'ok'}")
        return 1 if self.faults else 0


def sum_by_status(answers):
    out = collections.Counter()
    for (_, status), n in answers.items():
        out[status] += n
    return out
