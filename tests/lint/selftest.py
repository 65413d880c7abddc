#!/usr/bin/python3
"""The checks must find what they are for: each planted fault is told, and a clean tree is not."""
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
GUARD = "#ifndef {0}\n#define {0}\n#endif\n"


def run(script, *args):
    done = subprocess.run([sys.executable, HERE / script, *map(str, args)], capture_output=True, text=True)
    return done.returncode, done.stdout


class Tree(unittest.TestCase):
    def setUp(self):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="marathon-lint-"))
        self.addCleanup(shutil.rmtree, self.root)
        self.write("common/base/err.h", GUARD.format("MARATHON_BASE_ERR_H"))
        self.write("common/base/err.c", '#include "base/err.h"\n')

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def told(self, script, word):
        code, out = run(script, self.root)
        self.assertEqual(code, 1, out)
        self.assertIn(word, out)


class Includes(Tree):
    def test_clean_tree_passes(self):
        self.assertEqual(run("includes.py", self.root)[0], 0)

    def test_arrow_that_points_up_is_told(self):
        self.write("common/base/map.c", '#include "model/state.h"\n')
        self.told("includes.py", "common/base may not include that")

    def test_sister_process_is_told(self):
        self.write("gateway/api/x.c", '#include "core/core.h"\n')
        self.told("includes.py", "gateway/api may not include that")

    def test_impure_header_is_told_though_its_sister_may_be_included(self):
        self.write("coordinator/core/x.c", '#include "crypto/hash.h"\n#include "crypto/random.h"\n')
        code, out = run("includes.py", self.root)
        self.assertEqual((code, out.count("may not")), (1, 1), out)

    def test_library_outside_its_folder_is_told(self):
        self.write("worker/run/x.c", "#include <uv.h>\n")
        self.told("includes.py", "common/loop only")

    def test_library_without_an_owner_is_told(self):
        self.write("worker/run/x.c", "#include <zlib.h>\n")
        self.told("includes.py", "belongs to no folder yet")

    def test_library_that_leaks_through_a_header_is_told(self):
        self.write("common/loop/inside.h", "#include <uv.h>\n")
        self.write("common/transport/x.c", '#include "loop/inside.h"\n')
        self.told("includes.py", "pulls in <uv.h>")

    def test_a_header_field_asked_of_who_does_not_see_it_is_told(self):
        self.write("gateway/http/x.c", "void f(void)\n{\n    lws_hdr_copy(w, t, n, WSI_TOKEN_HOST);\n}\n")
        self.told("includes.py", "ask http/head.h")

    def test_own_header_that_is_not_first_is_told(self):
        self.write("common/base/err.c", '#include <stdio.h>\n#include "base/err.h"\n')
        self.told("includes.py", "included first")

    def test_folder_outside_the_table_is_told(self):
        self.write("common/extra/x.c", "\n")
        self.told("includes.py", "not in the table")


class Files(Tree):
    def test_clean_tree_passes(self):
        self.assertEqual(run("files.py", self.root)[0], 0)

    def test_long_file_is_told(self):
        self.write("common/base/long.c", "\n" * 501)
        self.told("files.py", "501 lines")

    def test_empty_name_is_told(self):
        for name in ("util.c", "helpers.py", "common.h", "misc_test.c"):
            with self.subTest(name):
                self.write(f"common/base/{name}", GUARD.format("MARATHON_BASE_COMMON_H"))
                self.told("files.py", name)
                (self.root / "common/base" / name).unlink()

    def test_wrong_and_missing_guards_are_told(self):
        self.write("common/base/a.h", GUARD.format("MARATHON_MODEL_A_H"))
        self.told("files.py", "is not made of its path")
        self.write("common/base/a.h", "#pragma once\n")
        self.told("files.py", "no header guard")

    def test_new_folder_at_the_top_is_told(self):
        (self.root / "extras").mkdir()
        self.told("files.py", "the top level is fixed")


class Purity(unittest.TestCase):
    def library(self, source):
        compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
        root = pathlib.Path(tempfile.mkdtemp(prefix="marathon-lint-"))
        self.addCleanup(shutil.rmtree, root)
        (root / "x.c").write_text(source)
        subprocess.run([compiler, "-w", "-fno-builtin", "-c", "x.c"], cwd=root, check=True)
        subprocess.run(["ar", "rc", "libx.a", "x.o"], cwd=root, check=True)
        return root / "libx.a"

    def test_arithmetic_is_pure(self):
        code, out = run("purity.py", self.library("int strcmp(); int f(char *a) { return strcmp(a, a); }"))
        self.assertEqual(code, 0, out)

    def test_clock_file_thread_and_log_are_told(self):
        for call in ("time", "write", "pthread_create", "getrandom", "log_line", "fopen64", "fprintf", "clock_now"):
            with self.subTest(call):
                code, out = run("purity.py", self.library(f"long {call}(); long f(void) {{ return {call}(); }}\n"))
                self.assertEqual(code, 1, out)
                self.assertIn(call, out)


class Broken(unittest.TestCase):
    """Copies of real files, one of them broken."""
    FILES, BROKEN = (), ()  # BROKEN: the file, a text in it, what stands there instead, and what is told then

    def each_is_told(self, script):
        for name, old, new, word in self.BROKEN:
            if word == "promtool: " and shutil.which("promtool") is None:
                continue
            with self.subTest(name=name, new=new), tempfile.TemporaryDirectory(prefix="marathon-lint-") as folder:
                root = pathlib.Path(folder)
                for file in self.FILES:
                    source, copy = HERE.parent.parent / file, root / file
                    copy.parent.mkdir(parents=True, exist_ok=True)
                    (shutil.copytree if source.is_dir() else shutil.copy)(source, copy)
                text = (root / name).read_text()
                self.assertIn(old, text)
                (root / name).write_text(text.replace(old, new))
                code, out = run(script, root)
                self.assertEqual(code, 1, out)
                self.assertIn(word, out)


class Monitoring(Broken):
    FILES = ("deploy/monitoring", "deploy/kubernetes", "deploy/RUNBOOK.md", "README.md", "coordinator/main/metrics.c", "worker/main/metrics.c",
             "gateway/main/metrics.c", "common/transport/transport_nng.c")
    BROKEN = (
        ("deploy/monitoring/alerts.yaml", "coordinator_store_up", "coordinator_store_is_up", "no program emits marathon_coordinator_store_is_up"),
        ("deploy/monitoring/grafana/marathon.json", "phase", "stage", "no metric has the label stage"),
        ("deploy/monitoring/grafana/marathon.json", "step_wait_seconds_bucket", "step_wait_seconds_buckets", "no program emits"),
        ("deploy/monitoring/grafana/marathon.json", "sum(marathon", "sum(((marathon", "promtool: "),
        ("deploy/monitoring/grafana/marathon.json", '"x": 8', '"x": 4', "has another one's id or place"),
        ("deploy/kubernetes/components/keda/scaledobject.yaml", "phase=~", "stage=~", "has no label stage"),
        ("deploy/monitoring/alerts_test.yaml", '[{exp_labels: {severity: page}, exp_annotations: {summary: "No worker is connected: steps wait"}}]', "[]",
         "nothing raises the alarm MarathonNoWorkers"),
        ("deploy/RUNBOOK.md", "| MarathonStoreSlow |", "| MarathonStoreFast |", "MarathonStoreSlow is not explained"),
        ("coordinator/main/metrics.c", '"takeovers_total"', '"taken_over_total"', "no program emits marathon_coordinator_takeovers_total"),
    )

    def test_what_nobody_emits_is_told(self):
        self.each_is_told("monitoring.py")


class Room(Broken):
    FILES = ("deploy", "gateway/http/intake.h", "gateway/main/requests.h", "gateway/main/gateway.h", "gateway/main/feed.h", "gateway/main/settings.c")
    BROKEN = (
        ("deploy/compose.yaml", "mem_limit: 320m", "mem_limit: 256m", "deploy/compose.yaml gives a gateway 256 MiB"),
        ("deploy/compose.yaml", "mem_limit: 320m", "mem_limit: much", "deploy/compose.yaml gives a gateway no limit"),
        ("deploy/compose.yaml", "    mem_limit: 320m", "    ", "deploy/compose.yaml gives a gateway no limit"),
        ("deploy/kubernetes/base/gateway.yaml", "memory: 320Mi", "memory: 256Mi", "deploy/kubernetes/base/gateway.yaml gives a gateway 256 MiB"),
        ("deploy/systemd/marathon-gateway.service.in", "[Service]\n", "[Service]\nMemoryMax=256M\n", "deploy/systemd/marathon-gateway.service.in gives a gateway 256 MiB"),
        ("gateway/http/intake.h", "INTAKE_BODIES_BYTES_MAX (32u", "INTAKE_BODIES_BYTES_MAX (64u", "but it may hold 250 itself"),
        ("gateway/http/intake.h", "INTAKE_HEADS_BYTES_MAX (12u", "INTAKE_HEADS_BYTES_MAX (44u", "but it may hold 250 itself"),
        ("gateway/main/requests.h", "REQUESTS_BYTES_MAX (32u", "REQUESTS_BYTES_MAX (64u", "but it may hold 250 itself"),
        ("gateway/main/gateway.h", "WAITING_BYTES_MAX   (48u", "WAITING_BYTES_MAX   (80u", "but it may hold 250 itself"),
        ("gateway/main/gateway.h", "ANSWERS_BYTES_MAX   (32u", "ANSWERS_BYTES_MAX   (48u", "ANSWERS_BYTES_MAX is not below DOCUMENTS_BYTES_MAX"),
        ("gateway/main/feed.h", "FEEDS_BYTES_MAX (16u", "FEEDS_BYTES_MAX (48u", "but it may hold 250 itself"),
        ("gateway/main/feed.h", "FEEDS_BYTES_MAX", "FEED_BYTES_MAX", "gateway/main/feed.h: no FEEDS_BYTES_MAX"),
        ("gateway/main/settings.c", '"12000"', '"20000"', "but it may hold 265 itself"),
    )

    def test_a_gateway_that_may_hold_more_than_it_is_given_is_told(self):
        self.each_is_told("room.py")


unittest.main()
