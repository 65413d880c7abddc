"""The restaurant functions, run by hand over the samples: do they find what is there?"""
import csv
import datetime
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

from function_call import (
    PIPELINES,
    SAMPLES,
    call,
    filled,
    functions,
    pipeline,
    run_pipeline,
    sample_input,
)

LEXICON = PIPELINES / "functions"


def own_menu():
    return json.loads((SAMPLES / "restaurant.json").read_text())["menu"]


def reviews():
    return [json.loads(line) for line in (SAMPLES / "reviews.jsonl").read_text().splitlines()]


class FullAnalysis(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.results = run_pipeline("full_analysis", sample_input("full_analysis"))

    def test_ocr_finds_nine_in_ten_dishes_with_their_prices_and_sections(self):
        found = {d["name"]: d for d in self.results["menu_extraction"]["dishes"]}
        right = [
            d["name"]
            for d in own_menu()
            if d["name"] in found
            and found[d["name"]]["price"] == d["price"]
            and found[d["name"]]["section"] == d["section"]
        ]
        self.assertGreaterEqual(len(right), 0.9 * len(own_menu()), sorted(found))
        self.assertLessEqual(len(found), len(own_menu()) + 1)
        self.assertGreater(self.results["menu_extraction"]["confidence"], 0.8)

    def test_classes_equal_an_independent_computation(self):
        with open(SAMPLES / "sales.csv", newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        last = max(datetime.date.fromisoformat(r["date"]) for r in rows)
        recent, before, cost = {}, {}, {}
        for row in rows:
            age = (last - datetime.date.fromisoformat(row["date"])).days
            revenue = int(row["quantity"]) * float(row["unit_price"])
            window = recent if age < 30 else before if age < 60 else {}
            window[row["dish"]] = window.get(row["dish"], 0.0) + revenue
            if age < 30:
                cost[row["dish"]] = cost.get(row["dish"], 0.0) + int(row["quantity"]) * float(
                    row["unit_cost"]
                )
        total, growth = sum(recent.values()), sum(recent.values()) / sum(before.values()) - 1
        result = self.results["bcg_analysis"]
        self.assertEqual({d["dish"] for d in result["dishes"]}, set(recent))
        for dish in result["dishes"]:
            name = dish["dish"]
            share, its = recent[name] / total, recent[name] / before[name] - 1
            wanted = {
                (True, True): "star",
                (True, False): "cash_cow",
                (False, True): "question_mark",
                (False, False): "dog",
            }
            self.assertEqual(dish["class"], wanted[share >= 1 / len(recent), its >= growth], name)
            self.assertAlmostEqual(dish["share"], share, places=5)
            self.assertAlmostEqual(dish["growth"], its, places=5)
            self.assertAlmostEqual(dish["margin"], 1 - cost[name] / recent[name], places=5)
            self.assertTrue(dish["recommendation"])
        self.assertEqual(
            result["window"], {"days": 30, "first": "2026-01-02", "last": "2026-01-31"}
        )
        self.assertTrue(all(result["classes"].values()), "the samples have dishes of each class")

    def test_sold_dishes_are_found_on_the_menu_that_was_read(self):
        dishes = self.results["bcg_analysis"]["dishes"]
        self.assertGreaterEqual(
            sum(d["on_menu"] and d["menu_price"] == d["average_price"] for d in dishes),
            0.9 * len(dishes),
        )

    def test_sentiment_has_the_sign_of_the_ratings(self):
        result = self.results["sentiment_analysis"]
        rated = {r["id"]: r["rating"] for r in reviews()}
        clear = [(rated[r["id"]], r["score"]) for r in result["reviews"] if rated[r["id"]] != 3]
        agreeing = sum((rating > 3) == (score > 0) for rating, score in clear)
        self.assertGreater(agreeing / len(clear), 0.95)
        self.assertEqual(result["agreement_with_ratings"], round(agreeing / len(clear), 4))
        self.assertEqual(sum(result["distribution"].values()), len(rated))
        self.assertGreater(
            result["dishes"]["Pizza Margherita"]["score"],
            result["dishes"]["Fried Calamari"]["score"],
        )
        for dish in result["dishes"].values():
            for quote in dish["praise"] + dish["blame"]:
                self.assertIn(
                    quote["text"], next(r["text"] for r in reviews() if r["id"] == quote["review"])
                )

    def test_prices_are_compared_with_competitors_in_the_radius(self):
        result = self.results["competitive_intel"]
        self.assertEqual(len(result["competitors"]), 20)
        self.assertTrue(all(c["distance_km"] <= 3 for c in result["competitors"]))
        compared = [d for d in result["dishes"] if d["competitors"]]
        self.assertGreater(len(compared), 15)
        for dish in compared:
            self.assertLessEqual(dish["market_low"], dish["market_median"])
            self.assertAlmostEqual(
                dish["gap"], dish["price"] / dish["market_median"] - 1, delta=0.002
            )
        index = sum(d["price"] for d in compared) / sum(d["market_median"] for d in compared)
        self.assertAlmostEqual(result["price_index"], index, places=3)

    def test_campaigns_are_for_different_dishes_and_follow_from_the_classes(self):
        result = self.results["campaign_generation"]
        classes = {d["dish"]: d["class"] for d in self.results["bcg_analysis"]["dishes"]}
        dishes = [c["dish"] for c in result["campaigns"]]
        self.assertEqual(len(set(dishes)), 6)
        self.assertNotIn("dog", [classes[d] for d in dishes[:3]])
        for campaign in result["campaigns"]:
            self.assertIn(campaign["dish"], campaign["text"])
            self.assertIn(f"class {classes[campaign['dish']]}", campaign["reasons"])

    def test_every_result_says_which_method_made_it(self):
        for step, result in self.results.items():
            self.assertEqual(result["method"]["kind"], "deterministic", step)

    def test_summary_names_dishes_classes_market_guests_and_campaigns(self):
        for document in (
            self.results,
            {"results": self.results},
            {"task_id": "t", "accumulated_results": self.results},
        ):
            done = subprocess.run(
                [str(PIPELINES / "summary.py")],
                input=json.dumps(document),
                capture_output=True,
                text=True,
                check=True,
            )
            for words in (
                "24 dishes found",
                "Stars (4)",
                "20 competitors",
                "200 reviews",
                "the best 6 of",
            ):
                self.assertIn(words, done.stdout)
        wrong = subprocess.run(
            [str(PIPELINES / "summary.py")],
            input="[1]",
            capture_output=True,
            text=True,
            check=False,
        )
        self.assertEqual((wrong.returncode, wrong.stdout), (1, ""))
        self.assertIn("not the result of a full_analysis", wrong.stderr)


class OtherPipelines(unittest.TestCase):
    def test_competitive_intel_builds_each_step_on_those_before(self):
        results = run_pipeline("competitive_intel", sample_input("competitive_intel"))
        found = results["identify_competitors"]["competitors"]
        self.assertEqual(
            {c["id"] for c in found},
            {c["id"] for c in results["enrich_competitors"]},
        )
        self.assertEqual(
            {c["id"] for c in found}, {m["id"] for m in results["analyze_menus"]["menus"]}
        )
        prices = {d["dish"]: d for d in results["price_intelligence"]["dishes"]}
        for dish, row in prices.items():
            matched = [
                m["matches"][dish]["price"]
                for m in results["analyze_menus"]["menus"]
                if dish in m["matches"]
            ]
            self.assertEqual(row["competitors"], len(matched))
            if matched:
                self.assertEqual(
                    (row["market_low"], row["market_high"]), (min(matched), max(matched))
                )
        advice = results["strategic_recommendations"]["recommendations"]
        self.assertEqual(advice, sorted(advice, key=lambda a: -a["priority"]))
        self.assertLessEqual({"price", "rival"}, {a["kind"] for a in advice})

    def test_menus_are_read_from_json_csv_and_text_alike(self):
        for ident, ending in (("c03", "json"), ("c01", "csv"), ("c02", "txt")):
            outcome = call(
                "competitor.deep_dive",
                {
                    "competitor": ident,
                    "competitors": "competitors/competitors.csv",
                    "restaurant": "restaurant.json",
                },
            )
            result = json.loads(outcome.stdout)
            self.assertEqual(result["id"], ident)
            menu = (SAMPLES / "competitors" / "menus" / f"{ident}.{ending}").read_text()
            for row in result["against_market"]:
                self.assertIn(row["dish"], menu)

    def test_twenty_variants_differ_and_are_ranked(self):
        results = run_pipeline("campaign_generation", sample_input("campaign_generation"))
        texts = [r["campaign"]["text"] for r in results["variants"]]
        self.assertEqual((len(texts), len(set(texts))), (20, 20))
        ranking = results["rank_campaigns"]["ranking"]
        self.assertEqual(len(ranking), 20)
        self.assertEqual(ranking, sorted(ranking, key=lambda r: (-r["score"], r["variant"])))

    def test_photo_problems_are_those_that_the_manifest_made(self):
        problem = {
            "good": [],
            "dark": ["too dark"],
            "bright": ["too bright"],
            "blurred": ["blurred"],
            "dull": ["dull colours"],
            "noisy": ["noisy"],
        }
        manifest = json.loads((SAMPLES / "photos" / "manifest.json").read_text())
        for photo in manifest[:16] + manifest[99:]:  # each kind, PNG and PPM
            result = json.loads(call("photo.quality", {"photo": photo["file"]}).stdout)
            self.assertEqual(result["problems"], problem[photo["kind"]], photo)
            self.assertEqual(result["verdict"] == "use", photo["kind"] == "good")
            self.assertEqual((result["width"], result["height"]), (80, 60))

    def test_inventory_in_sh_counts_the_files(self):
        with tempfile.TemporaryDirectory() as folder:
            for name, size in (("a.csv", 10), ("b.CSV", 5), ("Makefile", 1), ("odd name.x y", 2)):
                pathlib.Path(folder, name).write_bytes(b"x" * size)
            outcome = call("data.inventory", environment={"MARATHON_DATA_DIR": folder})
        result = json.loads(outcome.stdout)
        self.assertEqual(
            (result["files"], result["bytes"], result["kinds"]),
            (4, 18, {"csv": 2, "none": 1, "other": 1}),
        )


class Lexicon(unittest.TestCase):
    def test_negation_turns_praise_and_blame(self):
        sys.path.insert(0, str(LEXICON))
        from lexicon import label, score

        known = {
            "The soup was good.": "positive",
            "The soup was not good.": "negative",
            "Not bad at all.": "positive",
            "We never had to wait.": "positive",
            "It wasn't fresh": "negative",
            "I can’t recommend it": "negative",
            "not too salty, just lovely": "positive",
            "Service was painfully slow.": "negative",
            "We came on a Monday.": "neutral",
        }
        for text, wanted in known.items():
            self.assertEqual(label(score(text)), wanted, text)


class Definitions(unittest.TestCase):
    def test_every_step_names_a_function_that_the_worker_offers(self):
        offered = functions()
        for name in (
            "full_analysis",
            "competitive_intel",
            "campaign_generation",
            "photos_100",
            "competitive_50",
        ):
            for step in pipeline(name)["steps"]:
                self.assertIn(step["function"], offered)
        for function, how in offered.items():
            self.assertTrue(pathlib.Path(how.get("plugin") or how["exec"][0]).is_file(), function)

    def test_lists_have_the_promised_lengths(self):
        for name, step, count in (
            ("photos_100", "list_photos", 100),
            ("competitive_50", "identify_competitors", 50),
            ("campaign_generation", "plan_variants", 20),
        ):
            steps = {s["name"]: s for s in pipeline(name)["steps"]}
            result = json.loads(call(steps[step]["function"], steps[step]["input"]).stdout)
            each = next(s for s in steps.values() if "for_each" in s)
            items = filled(each["for_each"], {"steps": {step: {"result": result}}})
            self.assertEqual(len(items), count)
            self.assertEqual(len({json.dumps(item) for item in items}), count)

    def test_committed_files_are_what_their_generator_makes(self):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(
                [str(SAMPLES / "generator" / "generate.py"), "--without-pictures", folder],
                check=True,
            )
            for made in pathlib.Path(folder).rglob("*.*"):
                committed = (SAMPLES / made.relative_to(folder)).read_bytes()
                self.assertEqual(made.read_bytes(), committed, made.name)

    def test_pictures_stay_small(self):
        pictures = [p for p in SAMPLES.rglob("*") if p.suffix in (".png", ".ppm")]
        self.assertEqual(len(pictures), 103)
        self.assertLess(sum(p.stat().st_size for p in pictures), 1 << 20)


if __name__ == "__main__":
    sys.exit(unittest.main())
