"""A Redis behind sentinels: the master dies, or is made a replica, and the coordinator goes where the sentinels say."""

import os
import signal
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from cluster import BIN, ClusterCase, free_port, page, until, value  # noqa: E402
from sentinels import NAME, PASSWORD, Sentinels  # noqa: E402

CERTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "deploy", "certs")


class Sentinel(ClusterCase):
    def begin(self, tls=None, **env):
        c = self.cluster
        self.redis = Sentinels(c, down_after_ms=2000, tls=tls)  # of a busy machine: a master that stands still for a moment is not dead
        self.port = free_port()
        nobody = f"127.0.0.1:{free_port()}"  # a sentinel that is away holds nothing up
        self.coordinator = c.start_coordinator(MARATHON_METRICS_LISTEN=f"127.0.0.1:{self.port}", **self.redis.env(nobody), **env)
        c.start_worker()
        c.start_gateway()
        until("the worker has joined", lambda: len(c.get("/workers")["items"]) == 1)

    def counted(self, name):
        return value(page(self.port, "/metrics")[1], f"marathon_coordinator_{name}")

    def ready(self):
        return page(self.port, "/readyz")

    def start_answer(self, task_id):
        return self.cluster.call("POST", "/start", {"task_id": task_id, "steps": [{"name": "a", "function": "echo"}]})

    def run_through(self, task_id):
        until(f"{task_id} is accepted", lambda: self.start_answer(task_id)[0] in (202, 409), 30)
        self.assertEqual(self.cluster.wait(task_id)["status"], "completed")

    def busy(self, task_id):
        """A task whose first step works until what is returned is called: nothing of it is written meanwhile."""
        c = self.cluster
        gate = os.path.join(c.dir, f"{task_id}.go")
        c.begin(task_id=task_id, steps=[{"name": "a", "function": "effect", "input": {"until": gate}}, {"name": "b", "function": "effect"}])
        until("it runs", lambda: self.runs(task_id) == ["step_0"])
        return lambda: open(gate, "w").close()

    def runs(self, task_id):
        return [line.split()[1] for line in self.cluster.effects_lines() if line.split()[0] == task_id]

    def followed(self, masters):
        """So many were the master for it, at least; and this one is there."""
        return self.counted("store_masters_total") >= masters and self.counted('store_up{backend="redis"}') == 1

    def test_work_goes_on_where_the_sentinels_say(self):
        c = self.cluster
        self.begin()
        go = self.busy("killed")
        self.redis.in_step(2)
        before = self.redis.kill_master()
        until("the loss is noticed", lambda: "store_lost" in self.coordinator.log())
        self.redis.new_master(before)
        until("the new master is followed", lambda: self.followed(2))
        go()
        self.assertEqual(c.wait("killed")["status"], "completed")
        self.assertEqual(self.runs("killed"), ["step_0", "step_1"])
        self.run_through("between")

        self.redis.rejoin(before, self.redis.master())
        self.redis.in_step(2)
        self.run_through("after")

    def test_the_same_where_all_of_them_speak_tls(self):
        folder = os.path.join(self.cluster.dir, "tls")
        subprocess.run([CERTS, "--role", "redis", "--redis", "127.0.0.1", folder], check=True, stdout=subprocess.DEVNULL)
        self.begin(tls=folder)
        self.run_through("before")
        self.redis.in_step(2)
        before = self.redis.kill_master()
        self.redis.new_master(before)
        until("the new master is followed", lambda: self.followed(2))
        self.run_through("after")

    def test_what_replicas_confirmed_survives_a_change_of_master(self):
        c = self.cluster
        self.begin(MARATHON_REDIS_WAIT=2)
        for n in (1, 2):
            self.redis.servers[n].kill(signal.SIGSTOP)
        until("admission is closed", lambda: self.counted("admission_open") == 0)
        until("the reason is told", lambda: "the store is away: 0 of the 2 replicas of MARATHON_REDIS_WAIT confirmed" in self.ready()[1])
        status, headers, body = c.call("GET", "/readyz?verbose=true", prefix="")
        self.assertEqual(status, 503)
        self.assertGreaterEqual(int(headers["Retry-After"]), 1)
        self.assertRegex(" ".join(e["detail"] for e in body["errors"]), "bring replicas back, or ask for fewer")
        doctor = subprocess.run([f"{BIN}/marathon", "doctor"], env=c.env(MARATHON_URL=f"http://127.0.0.1:{c.port}"),
                                capture_output=True, text=True, timeout=60)
        self.assertIn("0 of the 2 replicas of MARATHON_REDIS_WAIT", doctor.stdout)
        for n in (1, 2):
            self.redis.servers[n].kill(signal.SIGCONT)
        until("admission is open", lambda: self.counted("admission_open") == 1, 60)
        self.run_through("before")

        go = self.busy("demoted")
        self.redis.in_step(2)
        before, masters = self.redis.master(), self.counted("store_masters_total")
        self.redis.fail_over()
        go()  # what the old master takes until it hears of it would be lost without WAIT
        self.redis.new_master(before)
        until("the new master is followed", lambda: self.followed(masters + 1))
        self.assertEqual(c.wait("demoted")["status"], "completed")
        self.assertEqual(self.runs("demoted"), ["step_0", "step_1"])
        self.run_through("after")
        self.assertEqual(self.counted("store_rollbacks_total"), 0)
        self.assertGreater(self.counted("store_unconfirmed_total"), 0)

    def test_what_keeps_it_from_a_master_is_said(self):
        c = self.cluster
        self.redis = Sentinels(c, replicas=0, sentinels=1)
        plain = self.redis.env()
        for n, (env, word) in enumerate((
                ({"MARATHON_REDIS_SENTINEL_PASSWORD": ""}, "set MARATHON_REDIS_SENTINEL_PASSWORD"),
                ({"MARATHON_REDIS_SENTINEL_PASSWORD": "wrong"}, "WRONGPASS"),
                ({"REDIS_URL": plain["REDIS_URL"] + "x"}, f'it knows no master \\"{NAME}x\\"'),
                ({"REDIS_URL": f"redis+sentinel://127.0.0.1:{self.redis.ports[0]}/x", "MARATHON_REDIS_SENTINEL_PASSWORD": PASSWORD},
                 "it is not a sentinel"))):
            p = c.start_coordinator(n + 1, **{**plain, **env})
            until(f"{word} is said", lambda: word in p.log())
            p.kill()


if __name__ == "__main__":
    unittest.main()
