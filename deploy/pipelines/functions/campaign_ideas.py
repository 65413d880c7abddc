"""Ideas for campaigns: each dish's numbers become angles, each angle a score, and templates the
words. Deterministic."""

CHANNELS = ["instagram", "email", "table card", "maps post"]
TONES = ["warm", "playful", "plain"]

# What a dish's class asks for: (angle, base score, goal).
BY_CLASS = {
    "star": [
        ("hero", 0.80, "bring new guests with what already wins"),
        ("pairing", 0.55, "raise the bill of a visit"),
    ],
    "cash_cow": [
        ("loyalty", 0.62, "keep regular guests coming"),
        ("set menu", 0.58, "raise the bill of a visit"),
    ],
    "question_mark": [
        ("spotlight", 0.66, "find out whether more guests want it"),
        ("tasting", 0.50, "lower the risk of a first try"),
    ],
    "dog": [
        ("last chance", 0.34, "sell what is left before it goes"),
        ("remake", 0.30, "win opinions for a new recipe"),
    ],
}
OFFERS = {
    "hero": "at the centre of the menu this month",
    "pairing": "with a glass of house wine for 3.50 more",
    "loyalty": "the fifth one is on the house",
    "set menu": "with soup and espresso as a set for lunch",
    "spotlight": "dish of the week",
    "tasting": "as a small portion at half the price",
    "last chance": "only until the end of the month",
    "remake": "tell us what you would change and get a dessert",
    "best price": "nowhere near us for less",
    "guests' favourite": "the dish our guests praise most",
}
OPENERS = {
    "warm": [
        "Some dishes feel like home:",
        "For everyone who likes to sit a little longer:",
        "Made by hand, every day:",
    ],
    "playful": [
        "Careful, this one is habit-forming:",
        "Your fork called. It wants",
        "Plot twist for tonight:",
    ],
    "plain": ["Now at our tables:", "This week:", "New reasons to come by:"],
}
CLOSERS = {
    "instagram": "Book by message.",
    "email": "Answer this mail to book a table.",
    "table card": "Ask our staff about it.",
    "maps post": "Find us and book here.",
}


def facts(results):
    """What the steps before say of each dish: {dish: {"class","margin","growth","share",
    "sentiment","gap",...}}."""
    found = {}
    for dish in results["bcg_analysis"]["dishes"]:
        found[dish["dish"]] = {
            "class": dish["class"],
            "margin": dish["margin"],
            "growth": dish["growth"],
            "share": dish["share"],
            "price": dish["average_price"],
            "sentiment": None,
            "quote": None,
            "gap": None,
        }
    for name, opinion in (results.get("sentiment_analysis") or {}).get("dishes", {}).items():
        if name in found:
            praise = opinion["praise"]
            found[name].update(
                sentiment=opinion["score"], quote=praise[0]["text"] if praise else None
            )
    for row in (results.get("competitive_intel") or {}).get("dishes", []):
        if row["dish"] in found and row.get("competitors", 0) >= 3:
            found[row["dish"]].update(gap=row["gap"])
    return found


def ideas(results):
    """All ideas, best first: [{"dish","angle","score","goal","reasons"}]."""
    found = []
    for dish, fact in facts(results).items():
        angles = list(BY_CLASS[fact["class"]])
        if fact["gap"] is not None and fact["gap"] < -0.05:
            angles.append(("best price", 0.60 - fact["gap"], "win guests who compare prices"))
        if fact["sentiment"] is not None and fact["sentiment"] > 0.3:
            angles.append(
                ("guests' favourite", 0.45 + fact["sentiment"] / 2, "let guests speak for us")
            )
        for angle, base, goal in angles:
            score = base + 0.25 * (fact["margin"] or 0.0) + 0.8 * fact["share"]
            score += 0.15 * max(-1.0, min(1.0, fact["growth"] or 0.0)) + 0.12 * (
                fact["sentiment"] or 0.0
            )
            found.append(
                {
                    "dish": dish,
                    "angle": angle,
                    "score": round(score, 4),
                    "goal": goal,
                    "reasons": reasons(fact),
                }
            )
    return sorted(found, key=lambda i: (-i["score"], i["dish"], i["angle"]))


def reasons(fact):
    said = [f"class {fact['class']}"]
    if fact["margin"] is not None:
        said.append(f"margin {fact['margin']:.0%}")
    if fact["growth"] is not None:
        said.append(f"growth {fact['growth']:+.0%}")
    if fact["sentiment"] is not None:
        said.append(f"guests {fact['sentiment']:+.2f}")
    if fact["gap"] is not None:
        said.append(f"price {fact['gap']:+.0%} against the market")
    return said


def spread(found, count):
    """The best ideas with as many different dishes as can be: a dish's second idea waits until
    every dish had its first."""
    turns, seen = {}, {}
    for idea in found:
        turn = seen[idea["dish"]] = seen.get(idea["dish"], 0) + 1
        turns.setdefault(turn, []).append(idea)
    return [idea for turn in sorted(turns) for idea in turns[turn]][:count]


def write(idea, fact, variant, channel=None, tone=None):
    """The campaign of an idea; variant turns channel, tone and words over."""
    channel = channel or CHANNELS[variant % len(CHANNELS)]
    tone = tone or TONES[variant % len(TONES)]
    opener = OPENERS[tone][(variant // len(TONES)) % len(OPENERS[tone])]
    offer = OFFERS[idea["angle"]]
    text = f"{opener} {idea['dish']}, {offer}."
    if fact["quote"] and idea["angle"] in ("guests' favourite", "hero"):
        text += f" A guest says: \"{fact['quote']}\""
    return {
        "variant": variant + 1,
        "dish": idea["dish"],
        "angle": idea["angle"],
        "channel": channel,
        "tone": tone,
        "headline": f"{idea['dish']}: {offer}",
        "text": f"{text} {CLOSERS[channel]}",
        "goal": idea["goal"],
        "score": idea["score"],
        "reasons": idea["reasons"],
    }
