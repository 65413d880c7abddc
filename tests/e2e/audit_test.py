"""The auditor on a real Redis: what somebody's hand did to a live task's keys is seen, mended, counted and told."""

import http.client
import os
import re
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from cluster import ClusterCase, free_port, until  # noqa: E402


class Audit(ClusterCase):
    def setUp(self):
        super().setUp()
        c = self.cluster
        self.port = free_port()
        c.start_redis()
        c.start_coordinator(MARATHON_METRICS_LISTEN=f"127.0.0.1:{self.port}")
        c.start_gateway()
        c.begin(task_id="t", steps=[{"name": "a", "function": "echo"}])  # no worker yet: it waits
        self.live = next(k for k in c.redis("KEYS", "marathon:live:*").split())

    def findings(self):
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        client.request("GET", "/metrics")
        text = client.getresponse().read().decode()
        client.close()
        found = re.findall(r'^marathon_coordinator_audit_findings_total\{kind="(\w+)"\} (\d+)$', text, re.M)
        self.assertGreater(len(found), 5)
        self.rounds = int(re.search(r"^marathon_coordinator_audit_rounds_total (\d+)$", text, re.M).group(1))
        return {kind: int(n) for kind, n in found if n != "0"}

    def test_a_meddled_task_is_mended_and_ends_well(self):
        c = self.cluster
        both = "redis.call('EXPIRE', KEYS[1], 1000) redis.call('EXPIRE', KEYS[2], 1000)"  # one finding: at once
        c.redis("EVAL", both, "2", "marathon:task:t", "checkpoint:t")
        until("the TTL is seen", lambda: self.findings().get("ttl_on_live") == 1, 60)
        until("the TTL is off", lambda: c.redis("TTL", "marathon:task:t") == c.redis("TTL", "checkpoint:t") == "-1")
        c.redis("SREM", self.live, "t")
        until("the index is seen", lambda: self.findings().get("not_listed") == 1, 60)
        until("it is listed", lambda: c.redis("SISMEMBER", self.live, "t") == "1")
        c.redis("SADD", self.live, "nobody")
        until("the stray name is seen", lambda: self.findings().get("listed_ended") == 1, 60)
        until("it is gone", lambda: c.redis("SMEMBERS", self.live) == "t")
        self.assertEqual(self.findings(), {"ttl_on_live": 1, "not_listed": 1, "listed_ended": 1})
        for kind in ("ttl_on_live", "not_listed", "listed_ended"):
            self.assertRegex(c.processes[1].log(), rf"error coordinator audit_finding kind={kind} ")
        c.start_worker()
        self.assertEqual(c.wait("t")["status"], "completed")
        seen = self.rounds
        until("one more round", lambda: self.findings() and self.rounds > seen, 60)
        self.assertEqual(sum(self.findings().values()), 3)


if __name__ == "__main__":
    unittest.main()
