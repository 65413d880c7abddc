#!/usr/bin/python3
"""competitors.enrich: what is known of one identified competitor: hours, seats, delivery, what its
guests say.

input:  {"competitor": one of identify_competitors, "competitors": file} (its folder holds
  profiles.json)
result: {the competitor, "threat", "profile": null where none is known, "method"}"""
import posixpath

from lexicon import aspects_of, clauses, label, score
from marathon_function import Permanent, method, read_json, run

DAYS = 7


def voices(reviews):
    """What guests praise and blame, by aspect."""
    sums = {}
    for text in reviews:
        for clause in clauses(text):
            value = score(clause)
            for aspect in aspects_of(clause) if value else ():
                sums.setdefault(aspect, []).append(value)
    means = {aspect: sum(v) / len(v) for aspect, v in sums.items()}
    overall = [score(text) for text in reviews]
    mean = sum(overall) / len(overall) if overall else 0.0
    return {
        "score": round(mean, 4),
        "label": label(mean),
        "strengths": sorted(a for a, v in means.items() if v > 0.1),
        "weaknesses": sorted(a for a, v in means.items() if v < -0.1),
    }


def enrich(competitor, profile):
    hours = max(0, profile["closes"] - profile["opens"]) * (DAYS - len(profile["closed_days"]))
    # What a competitor can take from us: how strong it is near us, how liked, and how long it is
    # open.
    threat = (
        0.6 * competitor["score"]
        + 0.25 * competitor["rating"] / 5.0
        + 0.15 * min(1.0, hours / 98.0)
    )
    return {
        **competitor,
        "threat": round(threat, 4),
        "profile": {
            "opened": profile["opened"],
            "seats": profile["seats"],
            "delivery": profile["delivery"],
            "terrace": profile["terrace"],
            "hours_per_week": hours,
            "closed_days": profile["closed_days"],
            "guests": voices(profile["reviews"]),
        },
    }


def run_enrich(call):
    competitor = call.input.get("competitor")
    if not isinstance(competitor, dict) or not isinstance(competitor.get("id"), str):
        raise Permanent("input.competitor: expected one of identify_competitors, with its id")
    name = posixpath.join(posixpath.dirname(call.text("competitors")), "profiles.json")
    profile = read_json(name, "profiles of the competitors").get(competitor["id"])
    try:
        known = (
            enrich(competitor, profile)
            if profile
            else {**competitor, "threat": competitor["score"], "profile": None}
        )
    except (KeyError, TypeError) as error:
        raise Permanent(f"{name}: {competitor['id']}: {type(error).__name__}: {error}") from error
    call.progress(1.0, competitor.get("name", competitor["id"]))
    return {**known, "method": method("profile-join-v1")}


if __name__ == "__main__":
    run(run_enrich)
