"""About 200 guests' reviews in English: mixed, with dishes, negation and the odd mixed feeling."""
import datetime
import json

from dice import Dice
from own_menu import DISHES

COUNT = 200

GOOD_DISH = [
    "The {dish} was delicious.",
    "Loved the {dish}, really fresh and full of flavour.",
    "The {dish} is the best in town.",
    "My {dish} was perfect and generous.",
    "I could eat the {dish} every day, it was excellent.",
    "The {dish} was not too salty, just lovely.",
    "You will not regret ordering the {dish}; it tasted amazing.",
]
BAD_DISH = [
    "The {dish} was cold and bland.",
    "My {dish} was overcooked and dry.",
    "The {dish} was not good at all.",
    "The {dish} tasted awful, sadly.",
    "I was disappointed by the {dish}.",
    "The {dish} wasn't fresh.",
    "The {dish} was soggy and too salty.",
]
GOOD_ASPECT = [
    "The staff were friendly and attentive.",
    "Service was quick and very kind.",
    "The room is cosy and beautiful.",
    "Prices are fair for what you get.",
    "Great value for money.",
    "Our waiter was wonderful.",
    "The place was clean and bright.",
    "We never had to wait long.",
    "The atmosphere was relaxed and charming.",
]
BAD_ASPECT = [
    "The waiter was rude.",
    "Service was painfully slow.",
    "We waited forty minutes for our food, terrible.",
    "The prices are far too high, a bad deal.",
    "The table was dirty.",
    "It was so noisy that we left with a headache.",
    "The staff were not friendly.",
    "Overpriced for such small portions.",
    "The room was cramped and unpleasant.",
]
GOOD_END = [
    "We will come back!",
    "Highly recommended.",
    "A happy evening.",
    "Thank you!",
    "What a gem.",
]
BAD_END = [
    "Never again.",
    "I can't recommend it.",
    "What a waste of an evening.",
    "We won't return.",
    "Avoid.",
]
PLAIN = [
    "We came on a {day}.",
    "We were a party of {number}.",
    "I had booked by telephone.",
    "It was our {nth} visit.",
]
# How often a dish is praised when a review names it; others: 0.66.
LIKED = {
    "Tiramisu": 0.95,
    "Spaghetti Carbonara": 0.92,
    "Fried Calamari": 0.25,
    "Pizza Margherita": 0.85,
    "Veal Saltimbocca": 0.30,
    "Truffle Tagliatelle": 0.93,
    "Minestrone": 0.30,
    "Grilled Salmon": 0.88,
}


def _plain(dice):
    days = ["Monday", "Friday evening", "Saturday", "Sunday"]
    return dice.one_of(PLAIN).format(
        day=dice.one_of(days),
        number=dice.whole(2, 8),
        nth=dice.one_of(["first", "second", "third"]),
    )


def _one(dice):
    """(rating, text): the mood decides the aspects and the end, each dish has its own fortune."""
    mood = dice.number(0, 1)
    happy = 0.92 if mood < 0.58 else 0.5 if mood < 0.72 else 0.10
    dishes = dice.some_of([d[0] for d in DISHES], dice.whole(1, 2))
    parts, good, bad = [], 0, 0
    for dish in dishes:
        liked = LIKED.get(dish, 0.66)
        share = liked if happy == 0.5 else (liked + 2 * happy) / 3
        if dice.chance(share):
            parts.append(
                dice.one_of(GOOD_DISH).format(dish=dish if dice.chance(0.7) else dish.lower())
            )
            good += 1
        else:
            parts.append(
                dice.one_of(BAD_DISH).format(dish=dish if dice.chance(0.7) else dish.lower())
            )
            bad += 1
    for _ in range(dice.whole(1, 2)):
        kind = dice.chance(happy)
        parts.append(dice.one_of(GOOD_ASPECT if kind else BAD_ASPECT))
        good, bad = good + kind, bad + (not kind)
    if dice.chance(0.4):
        parts.insert(0, _plain(dice))
    if good != bad and dice.chance(0.7):
        parts.append(dice.one_of(GOOD_END if good > bad else BAD_END))
    share = good / (good + bad)
    rating = (
        5 if share > 0.9 else 4 if share > 0.6 else 3 if share >= 0.45 else 2 if share > 0.2 else 1
    )
    return rating, " ".join(parts)


def reviews_jsonl():
    dice, lines = Dice("reviews"), []
    start = datetime.date(2025, 11, 3)
    for number in range(1, COUNT + 1):
        rating, text = _one(dice)
        date = start + datetime.timedelta(days=number * 90 // (COUNT + 1))
        source = dice.one_of(["maps", "tables", "postcard"])
        lines.append(
            json.dumps(
                {
                    "id": f"r{number:03d}",
                    "date": date.isoformat(),
                    "source": source,
                    "rating": rating,
                    "text": text,
                }
            )
        )
    return "\n".join(lines) + "\n"
