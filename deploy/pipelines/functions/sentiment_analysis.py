#!/usr/bin/python3
"""menu.sentiment: what guests say: overall, per aspect and per dish, with quotes.

input:  {"reviews": file of JSON lines {"id","date","rating","text"}}; without it the result is
  empty and says so
results used: menu_extraction or bcg_analysis, for the names of the dishes
result: {"reviews_analysed","overall","distribution","aspects","dishes","trend",
  "agreement_with_ratings","reviews","method"}"""
import json
import re

from lexicon import aspects_of, clauses, label, score
from marathon_function import Permanent, method, read_text, run

REVIEWS_MAX = 20000
QUOTES_MAX = 3
LISTED_MAX = 500  # reviews whose own score is listed: a result stays far below 1 MiB


def load_reviews(name):
    reviews = []
    for number, line in enumerate(read_text(name, "input.reviews").splitlines(), 1):
        if not line.strip():
            continue
        try:
            review = json.loads(line)
        except ValueError as error:
            raise Permanent(f"{name} line {number}: not JSON: {error}") from error
        if not isinstance(review, dict) or not isinstance(review.get("text"), str):
            raise Permanent(f"{name} line {number}: expected an object with a text")
        rating = review.get("rating")
        if rating is not None and (
            isinstance(rating, bool) or not isinstance(rating, (int, float))
        ):
            raise Permanent(f"{name} line {number}: rating is not a number")
        reviews.append(review)
        if len(reviews) > REVIEWS_MAX:
            raise Permanent(f"{name}: more than {REVIEWS_MAX} reviews")
    return reviews


def dish_names(call):
    for step in ("menu_extraction", "bcg_analysis"):
        result = call.result(step, needed=False)
        if result and result.get("dishes"):
            return [d.get("name") or d.get("dish") for d in result["dishes"]]
    return []


class Opinions:
    """Scores under one heading, with the strongest quotes."""

    def __init__(self):
        self.scores, self.quotes = [], []

    def add(self, value, quote, ident):
        self.scores.append(value)
        self.quotes.append((value, quote, ident))

    def summary(self):
        mean = sum(self.scores) / len(self.scores)
        ranked = sorted(self.quotes, key=lambda q: (-q[0], q[2]))
        praise = [{"review": i, "text": t} for v, t, i in ranked[:QUOTES_MAX] if v > 0.1]
        blame = [{"review": i, "text": t} for v, t, i in reversed(ranked[-QUOTES_MAX:]) if v < -0.1]
        return {
            "mentions": len(self.scores),
            "score": round(mean, 4),
            "label": label(mean),
            "positive": sum(v > 0.1 for v in self.scores),
            "negative": sum(v < -0.1 for v in self.scores),
            "praise": praise,
            "blame": blame,
        }


def analyse(reviews, dishes, progress=lambda fraction, message: None):
    """(per review [(review, score)], aspects, dishes)"""
    # Longest names first, so that "Pizza Diavola" is not taken for "Pizza"; \b keeps "Espresso" out
    # of other words.
    patterns = [
        (name, re.compile(r"\b" + re.escape(name) + r"\b", re.IGNORECASE))
        for name in sorted(dishes, key=len, reverse=True)
    ]
    scored, by_aspect, by_dish = [], {}, {}
    for number, review in enumerate(reviews):
        ident, values = review.get("id", f"#{number + 1}"), []
        for clause in clauses(review["text"]):
            named = [name for name, pattern in patterns if pattern.search(clause)]
            said = clause
            for name, pattern in patterns:
                said = pattern.sub(
                    "dish", said
                )  # a dish's own name ("Fresh Lemonade") praises nothing
            value = score(said)
            if value:
                values.append(value)
            for name in named:
                by_dish.setdefault(name, Opinions()).add(value, clause, ident)
            for aspect in aspects_of(said) if value else ():
                by_aspect.setdefault(aspect, Opinions()).add(value, clause, ident)
        scored.append((review, sum(values) / len(values) if values else 0.0))
        if number % 50 == 49:
            progress((number + 1) / len(reviews), f"{number + 1} of {len(reviews)} reviews")
    return scored, by_aspect, by_dish


def agreement(scored):
    """The share of reviews with a clear rating (1, 2, 4, 5) whose score has the sign of the
    rating."""
    clear = [
        (r["rating"], v) for r, v in scored if r.get("rating") is not None and r["rating"] != 3
    ]
    if not clear:
        return None
    return round(sum((rating > 3) == (value > 0) for rating, value in clear) / len(clear), 4)


def trend(scored):
    months = {}
    for review, value in scored:
        if isinstance(review.get("date"), str):
            months.setdefault(review["date"][:7], []).append(value)
    return [
        {"month": m, "score": round(sum(v) / len(v), 4), "reviews": len(v)}
        for m, v in sorted(months.items())
    ]


def sentiment(call):
    name = call.text("reviews", "-")
    if name == "-":
        return {
            "reviews_analysed": 0,
            "overall": None,
            "distribution": {},
            "aspects": {},
            "dishes": {},
            "trend": [],
            "agreement_with_ratings": None,
            "reviews": [],
            "note": "input names no reviews",
            "method": method("lexicon-negation-v1"),
        }
    reviews = load_reviews(name)
    if not reviews:
        raise Permanent(f"{name}: no reviews in it")
    scored, by_aspect, by_dish = analyse(reviews, dish_names(call), call.progress)
    overall = sum(v for _, v in scored) / len(scored)
    labels = [label(v) for _, v in scored]
    order = lambda opinions: sorted(opinions, key=lambda k: (-len(opinions[k].scores), k))
    call.progress(1.0, f"{len(reviews)} reviews")
    return {
        "reviews_analysed": len(reviews),
        "overall": {"score": round(overall, 4), "label": label(overall)},
        "distribution": {kind: labels.count(kind) for kind in ("positive", "neutral", "negative")},
        "aspects": {k: by_aspect[k].summary() for k in order(by_aspect)},
        "dishes": {k: by_dish[k].summary() for k in order(by_dish)},
        "trend": trend(scored),
        "agreement_with_ratings": agreement(scored),
        "reviews": [
            {"id": r.get("id"), "score": round(v, 4), "label": label(v)}
            for r, v in scored[:LISTED_MAX]
        ],
        "method": method("lexicon-negation-v1"),
    }


if __name__ == "__main__":
    run(sentiment)
