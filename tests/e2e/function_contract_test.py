"""The contract that every restaurant function keeps: bad input, exit states, news, retries, paths
and the effects log."""
import json
import http.server
import os
import pathlib
import re
import shutil
import sys
import tempfile
import threading
import unittest

from function_call import (
    PIPELINES,
    SAMPLES,
    call,
    call_program,
    call_raw,
    envelope,
    functions,
    sample_input,
)

MARKET = {"competitors": "competitors/competitors.csv", "restaurant": "restaurant.json"}
# An input with which each function succeeds, and the results it needs.
GOOD = {
    "menu.extract": ({"menu_images": ["menu/menu_1.png"]}, {}),
    "menu.bcg": ({"sales_csv": "sales.csv"}, {}),
    "menu.sentiment": ({"reviews": "reviews.jsonl"}, {}),
    "menu.competitors": (MARKET, {}),
    "competitors.identify": (MARKET, {}),
    "competitor.deep_dive": ({"competitor": "c01", **MARKET}, {}),
    "photo.quality": ({"photo": "photos/photo_001.png"}, {}),
    "data.inventory": ({}, {}),
}
# (function, input, results, what stderr must say); all are permanent.
BAD = [
    ("menu.extract", {}, {}, "input.menu_images: expected a list"),
    (
        "menu.extract",
        {"menu_images": ["menu/none.png"]},
        {},
        "input.menu_images[0]: no file 'menu/none.png'",
    ),
    ("menu.extract", {"menu_images": [7]}, {}, "expected the name of a file"),
    ("menu.extract", {"menu_images": ["sales.csv"]}, {}, "tesseract cannot read it"),
    ("menu.bcg", {}, {}, "input.sales_csv is missing"),
    ("menu.bcg", {"sales_csv": 5}, {}, "expected the name of a file"),
    ("menu.bcg", {"sales_csv": "reviews.jsonl"}, {}, "reviews.jsonl: "),
    ("menu.bcg", {"sales_csv": "sales.csv", "window_days": 60}, {}, "covers 90 days"),
    (
        "menu.bcg",
        {"sales_csv": "sales.csv", "window_days": "x"},
        {},
        "input.window_days: expected a number from 7 to 180",
    ),
    ("menu.bcg", {"sales_csv": "menu"}, {}, "is not a file"),
    ("menu.sentiment", {"reviews": "sales.csv"}, {}, "sales.csv line 1: not JSON"),
    (
        "menu.competitors",
        {"competitors": "sales.csv", "restaurant": "restaurant.json"},
        {},
        "the header lacks",
    ),
    ("menu.competitors", {**MARKET, "radius_km": -1}, {}, "input.radius_km: expected a number"),
    ("menu.campaigns", {}, {}, "results.bcg_analysis is missing"),
    ("menu.campaigns", {}, {"bcg_analysis": {"dishes": [{}]}}, "an unexpected shape: KeyError"),
    (
        "competitors.menus",
        MARKET,
        {"enrich_competitors": [7]},
        "unexpected shape",
    ),
    (
        "menu.campaigns",
        {"campaigns": 51},
        {"bcg_analysis": {"dishes": []}},
        "input.campaigns: expected a number from 1 to 50",
    ),
    (
        "campaigns.variant",
        {"variant": 1, "tone": "angry"},
        {"bcg_analysis": {"dishes": []}},
        "input.tone: expected one of",
    ),
    ("campaigns.rank", {}, {}, "results.variants is missing"),
    ("campaigns.rank", {}, {"variants": [None, {}]}, "there is no campaign among them"),
    (
        "competitors.identify",
        {"competitors": "competitors/competitors.csv"},
        {},
        "input.restaurant is missing",
    ),
    ("competitors.enrich", MARKET, {}, "input.competitor: expected one of identify_competitors"),
    ("competitors.menus", MARKET, {}, "results.enrich_competitors is missing"),
    ("competitors.prices", MARKET, {}, "results.analyze_menus is missing"),
    ("competitors.strategy", MARKET, {}, "results.identify_competitors is missing"),
    ("competitor.deep_dive", {"competitor": "c99", **MARKET}, {}, "no 'c99' in"),
    ("photo.quality", {"photo": "sales.csv"}, {}, "neither PNG nor binary PPM"),
]
# The field of each function that names a file.
FILE_FIELDS = [
    ("menu.bcg", "sales_csv"),
    ("menu.sentiment", "reviews"),
    ("menu.competitors", "competitors"),
    ("competitors.identify", "restaurant"),
    ("photo.quality", "photo"),
]


class Model(http.server.BaseHTTPRequestHandler):
    """A provider of chat completions, whose models are named by what they answer."""

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        status, headers, answer = {
            "good": (
                200,
                {},
                {
                    "model": "good",
                    "choices": [{"message": {"content": "yes"}}],
                    "usage": {"prompt_tokens": 1000, "completion_tokens": 10},
                },
            ),
            "busy": (429, {"Retry-After": "7"}, {"error": {"code": "rate_limit_exceeded"}}),
            "poor": (429, {}, {"error": {"code": "insufficient_quota"}}),
            "sick": (503, {}, {"error": {}}),
            "shy": (404, {}, {"error": {}}),
            "half": (200, {"Content-Length": "999"}, {"model": "half"}),
        }[body["model"]]
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    def log_message(self, *_):
        pass


class Readme(unittest.TestCase):
    def setUp(self):
        text = (PIPELINES / "README.md").read_text()
        self.source = next(
            block for block in re.findall(r"```python\n(.*?)```", text, re.S) if "def ask(" in block
        )
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Model)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)

    def ask(self, model):
        stdin = json.dumps(envelope({"model": model, "prompt": "well?"})).encode()
        return call_program(
            [sys.executable, "-c", self.source],
            stdin,
            {
                "PYTHONPATH": str(PIPELINES / "functions"),
                "MODEL_URL": f"http://127.0.0.1:{self.server.server_port}",
            },
        )

    def test_the_example_that_asks_a_model_tells_all_ends_apart(self):
        good = self.ask("good")
        self.assertEqual((good.status, json.loads(good.stdout)), (0, {"text": "yes"}), good.stderr)
        (used,) = [line["usage"] for line in good.news]
        self.assertEqual(
            (used["model"], used["input_tokens"], used["output_tokens"]), ("good", 1000, 10)
        )
        self.assertAlmostEqual(used["cost_usd"], 0.000156)
        for model, status, error in (
            ("busy", 75, {"code": "RATE_LIMITED", "retry_after": 7}),
            ("poor", 65, {"code": "NO_CREDIT"}),
        ):
            outcome = self.ask(model)
            self.assertEqual((outcome.status, outcome.stdout), (status, b""))
            (said,) = [line["error"] for line in outcome.news]
            self.assertEqual(outcome.stderr.strip(), said["message"])
            self.assertIn('"error"', said.pop("message"))
            self.assertEqual(said, error)
        for model, status, words in (("sick", 75, "HTTP 503"), ("shy", 65, "HTTP 404"), ("half", 75, "")):
            outcome = self.ask(model)
            self.assertEqual((outcome.status, outcome.stdout, outcome.news), (status, b"", []))
            self.assertIn(words, outcome.stderr)
            self.assertNotIn("Traceback", outcome.stderr)


class Contract(unittest.TestCase):
    def assert_permanent(self, outcome, words):
        self.assertEqual((outcome.status, outcome.stdout), (65, b""), outcome.stderr)
        self.assertIn(words, outcome.stderr)
        self.assertNotIn("Traceback", outcome.stderr)

    def test_bad_input_is_permanent_and_says_what_is_wrong(self):
        for function, value, results, words in BAD:
            with self.subTest(function=function, value=value):
                self.assert_permanent(call(function, value, results), words)

    def test_envelopes_that_are_none_are_permanent(self):
        for function in functions():
            for stdin in (b"", b"no json", b"[]"):
                with self.subTest(function=function, stdin=stdin):
                    outcome = call_raw(function, stdin)
                    self.assertEqual((outcome.status, outcome.stdout), (65, b""), outcome.stderr)
                    self.assertNotIn("Traceback", outcome.stderr)

    def test_paths_that_leave_the_data_directory_are_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            data = pathlib.Path(folder, "data")
            data.mkdir()
            pathlib.Path(folder, "secret.csv").write_text("secret")
            (data / "link.csv").symlink_to("../secret.csv")
            for function, field in FILE_FIELDS:
                for name in ("../secret.csv", "/etc/passwd", "link.csv", f"{folder}/secret.csv"):
                    with self.subTest(function=function, name=name):
                        value = {**MARKET, field: name} if field in MARKET else {field: name}
                        if function == "menu.competitors":
                            shutil.copy(SAMPLES / "restaurant.json", data)
                        self.assert_permanent(
                            call(function, value, environment={"MARATHON_DATA_DIR": str(data)}),
                            "leads out of the data directory",
                        )

    def test_good_input_gives_one_json_value_with_fd_3_open_or_closed(self):
        for function, (value, results) in GOOD.items():
            with self.subTest(function=function):
                heard, deaf = call(function, value, results), call(
                    function, value, results, fd3=False
                )
                self.assertEqual((heard.status, deaf.status), (0, 0), heard.stderr + deaf.stderr)
                self.assertEqual(heard.stdout, deaf.stdout)
                self.assertIsInstance(json.loads(heard.stdout), dict)
                fractions = [n["progress"] for n in heard.news if "progress" in n]
                self.assertTrue(fractions)
                self.assertEqual(fractions, sorted(fractions))
                self.assertTrue(all(0 <= f <= 1 for f in fractions))

    def test_results_are_the_same_each_time(self):
        for function, (value, results) in GOOD.items():
            self.assertEqual(
                call(function, value, results).stdout,
                call(function, value, results).stdout,
                function,
            )

    def test_machine_trouble_is_for_another_attempt(self):
        value, results = GOOD["menu.extract"]
        outcome = call("menu.extract", value, results, environment={"PATH": "/nowhere"})
        self.assertEqual(outcome.status, 75)
        self.assertIn("tesseract is not installed", outcome.stderr)
        gone = {"MARATHON_DATA_DIR": "/nowhere/at/all"}
        self.assertEqual(call("data.inventory", environment=gone).status, 75)
        self.assertEqual(call("menu.bcg", {"sales_csv": "sales.csv"}, environment=gone).status, 75)

    def test_an_error_whose_code_was_not_meant_for_the_step_keeps_its_words(self):
        source = """import urllib.error
from marathon_function import run
def refuse(call):
    raise urllib.error.HTTPError("http://model", 503, "out to lunch", {}, None)
run(refuse)"""
        outcome = call_program(
            [sys.executable, "-c", source],
            json.dumps(envelope({})).encode(),
            {"PYTHONPATH": str(PIPELINES / "functions")},
        )
        self.assertEqual((outcome.status, outcome.news), (75, []))
        self.assertEqual(outcome.stderr, "HTTP Error 503: out to lunch\n")

    def test_extraction_goes_on_behind_its_checkpoint(self):
        images = sample_input("full_analysis")["menu_images"]
        whole = call("menu.extract", {"menu_images": images})
        saved = [n["checkpoint"] for n in whole.news if "checkpoint" in n]
        self.assertEqual([len(s["pages"]) for s in saved], [1, 2, 3])
        resumed = call(
            "menu.extract", {"menu_images": images}, progress_checkpoint=saved[1], attempt=2
        )
        self.assertEqual(resumed.stdout, whole.stdout)
        self.assertEqual(
            [n["message"] for n in resumed.news if "reading" in n.get("message", "")],
            [f"reading {images[2]}"],
        )
        other = call("menu.extract", {"menu_images": images[:1]}, progress_checkpoint=saved[1])
        self.assertEqual(
            json.loads(other.stdout)["pages"][0]["image"],
            images[0],
            "another task's checkpoint is not used",
        )
        self.assertEqual(len(json.loads(other.stdout)["pages"]), 1)

    def test_each_completed_execution_leaves_one_line_in_the_effects_log(self):
        with tempfile.TemporaryDirectory() as folder:
            log = os.path.join(folder, "effects")
            for number, (function, (value, results)) in enumerate(GOOD.items()):
                call(
                    function,
                    value,
                    results,
                    environment={"MARATHON_EFFECTS_LOG": log},
                    step_id=f"step_{number}",
                    attempt=2,
                )
            call("menu.bcg", {}, environment={"MARATHON_EFFECTS_LOG": log})  # failed: no line
            lines = pathlib.Path(log).read_text().splitlines()
        self.assertEqual(lines, [f"task_1 step_{number} 2 key_1" for number in range(len(GOOD))])

    def test_damaged_and_hostile_pictures_are_permanent(self):
        whole = (SAMPLES / "photos" / "photo_001.png").read_bytes()
        huge = b"P6\n999999 999999\n255\n" + b"x" * 100
        cases = {
            "cut": (whole[:400], "PNG ends too early"),
            "flipped": (whole[:200] + b"\x00\xff" + whole[202:], "damaged PNG"),
            "huge": (huge, "pixels; expected"),
            "short": (b"P6\n80 60\n255\nxx", "too few pixels"),
            "empty": (b"", "neither PNG"),
        }
        with tempfile.TemporaryDirectory() as folder:
            for name, (content, words) in cases.items():
                with self.subTest(name):
                    pathlib.Path(folder, name).write_bytes(content)
                    self.assert_permanent(
                        call(
                            "photo.quality",
                            {"photo": name},
                            environment={"MARATHON_DATA_DIR": folder},
                        ),
                        words,
                    )


if __name__ == "__main__":
    sys.exit(unittest.main())
