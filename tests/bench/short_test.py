#!/usr/bin/python3
"""The bench works: each of its rows comes to an end and finds something. Times are not judged, copies are."""

import json
import os
import subprocess
import sys
import unittest

BENCH = os.path.join(os.path.dirname(os.path.realpath(__file__)), "bench.py")
# Not in a build with sanitizers, which have a memcpy of their own.
COUNTED = os.path.exists(os.path.join(os.environ["MARATHON_BIN"], "..", "tests", "bench_copies.so"))
COPIES = ["copies, an input"] if COUNTED else []


def bench(*args):
    r = subprocess.run([sys.executable, "-B", BENCH, *args], capture_output=True, text=True, timeout=800)
    if r.returncode != 0:
        raise AssertionError(f"bench {args}: {r.stdout}\n{r.stderr}")
    return r.stdout


class Short(unittest.TestCase):
    def test_every_row_is_found(self):
        rows = json.loads(bench("short", "--json", "-"))["rows"]
        names = " ".join(r["name"] for r in rows)
        for wanted in ("W1 everysec, REST", "W1 everysec, bulk", "W1L everysec", "W2 everysec", "W3 everysec", "W4", "W5", "gateway",
                       "start-up", "core, 1 waiting", *COPIES, "our fenced steps", "cluster of 3", "nng round trip"):
            self.assertIn(wanted, names)
        for r in rows:
            self.assertTrue(r["values"] and all(v >= 0 for v in r["values"]), r)
        # How often a payload is copied does not depend on the machine, nor what a connection keeps.
        bounded = ("copies", "gateway, memory of one") if COUNTED else ()
        self.assertEqual([r for r in rows if r["name"].startswith(bounded) and r["median"] > r["target"]], [])
        self.assertTrue(all(r["median"] > 0 for r in rows if r["unit"] in ("steps/s", "req/s", "writes/s", "messages/s")))

    def test_two_builds_are_compared(self):
        here = os.environ["MARATHON_BIN"]
        out = bench("compare", here, here, "--workload", "w1", "--fsync", "everysec", "--runs", "1", "--tasks", "100")
        self.assertRegex(out, r"W1 everysec, REST .* x as good")


if __name__ == "__main__":
    unittest.main()
