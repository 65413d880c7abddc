"""A Redis behind sentinels: the master dies, or is made a replica, and the coordinator goes where the sentinels say."""

import http.client
import os
import re
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from cluster import ClusterCase, free_port, until  # noqa: E402
from sentinels import NAME, PASSWORD, Sentinels, steady_port  # noqa: E402


class Sentinel(ClusterCase):
    def begin(self, **env):
        c = self.cluster
        self.redis = Sentinels(c)
        self.port = free_port()
        nobody = f"127.0.0.1:{steady_port()}"  # a sentinel that is away holds nothing up
        self.coordinator = c.start_coordinator(MARATHON_METRICS_LISTEN=f"127.0.0.1:{self.port}", **self.redis.env(nobody), **env)
        c.start_worker()
        c.start_gateway()
        until("the worker has joined", lambda: len(c.get("/workers")["items"]) == 1)

    def counted(self, name):
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        client.request("GET", "/metrics")
        text = client.getresponse().read().decode()
        client.close()
        found = re.search(rf"^marathon_coordinator_{re.escape(name)} (\d+)$", text, re.M)
        return int(found.group(1)) if found else None

    def start_answer(self, task_id):
        return self.cluster.call("POST", "/start", {"task_id": task_id, "steps": [{"name": "a", "function": "echo"}]})

    def run_through(self, task_id):
        until(f"{task_id} is accepted", lambda: self.start_answer(task_id)[0] in (202, 409), 30)
        self.assertEqual(self.cluster.wait(task_id)["status"], "completed")

    def busy(self, task_id, seconds):
        c = self.cluster
        c.begin(task_id=task_id, steps=[{"name": "a", "function": "sleep", "input": {"seconds": seconds}}, {"name": "b", "function": "effect"}])
        until("it runs", lambda: c.get(f"/status/{task_id}")["status"] == "running")

    def test_work_goes_on_where_the_sentinels_say(self):
        c = self.cluster
        self.begin()
        self.busy("killed", 2)
        self.redis.in_step(2)
        before = self.redis.kill_master()
        until("the loss is noticed", lambda: self.counted('store_up{backend="redis"}') == 0)
        after = self.redis.new_master(before)
        until("the new master is followed", lambda: self.counted('store_up{backend="redis"}') == 1)
        self.assertEqual(c.wait("killed")["status"], "completed")
        self.assertEqual(len(c.effects_lines()), 1)
        self.assertEqual(self.counted("store_masters_total"), 2)
        self.run_through("between")

        self.redis.servers[before].start()  # comes back as a replica
        self.redis.in_step(2)
        self.assertEqual(self.redis.ask("FAILOVER", NAME), "OK")  # the old master lives on, as a replica
        self.redis.new_master(after)
        until("the new master is followed", lambda: self.counted("store_masters_total") == 3)
        self.run_through("after")

    def test_what_keeps_it_from_a_master_is_said(self):
        c = self.cluster
        self.redis = Sentinels(c, replicas=0, sentinels=1)
        plain = self.redis.env()
        for n, (env, word) in enumerate((
                ({"MARATHON_REDIS_SENTINEL_PASSWORD": ""}, "set MARATHON_REDIS_SENTINEL_PASSWORD"),
                ({"MARATHON_REDIS_SENTINEL_PASSWORD": "wrong"}, "WRONGPASS"),
                ({"REDIS_URL": plain["REDIS_URL"] + "x"}, f'it knows no master \\"{NAME}x\\"'),
                ({"REDIS_URL": f"redis+sentinel://127.0.0.1:{self.redis.ports[0]}/x", "MARATHON_REDIS_SENTINEL_PASSWORD": PASSWORD},
                 "it is no sentinel"))):
            p = c.start_coordinator(n + 1, **{**plain, **env})
            until(f"{word} is said", lambda: word in p.log())
            p.kill()


if __name__ == "__main__":
    unittest.main()
