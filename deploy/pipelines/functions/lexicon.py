"""Which words praise and which blame, and what a sentence as a whole says. English; small and made
for guests' reviews."""
import re

_STRENGTH = {
    3.0: "amazing awesome excellent exceptional fantastic gem outstanding perfect superb "
    "wonderful best divine heavenly flawless",
    2.2: "beautiful charming delicious delightful love loved lovely great recommended recommend "
    "brilliant impressive tasty yummy joy",
    1.5: "attentive bright clean cosy cozy enjoyed enjoy fresh friendly fair flavour flavor "
    "flavourful generous good happy helpful kind "
    "nice pleasant polite quick relaxed smile tender thank thanks warm welcoming crisp juicy "
    "return value",
    -1.5: "bland cold cramped dry late loud mediocre noisy overcooked pricey salty slow small "
    "soggy stale undercooked greasy burnt "
    "wait waited headache expensive crowded hard tough chewy boring overpriced regret forgot "
    "wrong lukewarm",
    -2.2: "avoid bad dirty disappointed disappointing disappointment poor rude unfriendly "
    "unpleasant waste sad sadly raw inedible "
    "ignored dreadful unacceptable",
    -3.0: "awful disgusting horrible terrible worst nightmare",
}
VALENCE = {word: value for value, words in _STRENGTH.items() for word in words.split()}
NEGATORS = set(
    "not no never none nothing hardly barely without neither nor cannot can't don't doesn't "
    "didn't isn't wasn't aren't "
    "weren't won't wouldn't couldn't shouldn't haven't hasn't".split()
)
BOOSTERS = {
    "very": 1.3,
    "really": 1.25,
    "so": 1.2,
    "absolutely": 1.4,
    "extremely": 1.4,
    "too": 1.15,
    "painfully": 1.3,
    "far": 1.15,
    "incredibly": 1.4,
    "highly": 1.2,
    "quite": 1.05,
    "rather": 0.9,
    "slightly": 0.6,
    "somewhat": 0.7,
    "bit": 0.7,
}
NEGATION_REACH = 4  # words after a negator that it turns
NEGATED = -0.75  # "not great" is less bad than "terrible"
# For words that only blame when they stand alone: negated they praise ("not too salty", "never had to
# wait")
MILD_EVIL = 0.5

ASPECTS = {
    "food": "food dish dishes meal taste tasted flavour flavor portion portions menu eat ate "
    "kitchen cooked overcooked",
    "service": "service staff waiter waiters waitress server team host owner",
    "price": "price prices value money cheap expensive overpriced pricey deal bill cost",
    "ambience": "atmosphere room place music garden terrace noisy loud cosy cozy cramped "
    "interior view seats",
    "speed": "wait waited waiting slow quick fast minutes hour late prompt",
    "cleanliness": "clean dirty table tables toilet toilets cutlery",
}
_ASPECT_OF = {}
for _aspect, _words in ASPECTS.items():
    for _word in _words.split():
        _ASPECT_OF.setdefault(_word, set()).add(_aspect)

_CLAUSE = re.compile(r"(?<=[.!?;])\s+|,?\s+(?:but|however|although|though|while)\s+", re.IGNORECASE)
_WORD = re.compile(r"[a-z]+(?:['’][a-z]+)?|,")


def clauses(text):
    """The parts of a review that each say one thing."""
    return [part.strip() for part in _CLAUSE.split(text) if part and part.strip()]


def tokens(text):
    return [word.replace("’", "'") for word in _WORD.findall(text.lower())]


def raw_score(text):
    """The sum of what the words say, negation and emphasis counted in; 0.0 where none says
    anything."""
    total, negated, boost = 0.0, 0, 1.0
    for word in tokens(text):
        if word == ",":
            negated = 0  # a negation ends with its phrase: "not too salty, just lovely"
            continue
        if word in NEGATORS:
            negated, boost = NEGATION_REACH, 1.0
            continue
        if word in BOOSTERS:
            boost *= BOOSTERS[word]
            negated = (
                max(0, negated - 1) if word not in ("too", "so", "very", "really") else negated
            )
            continue
        value = VALENCE.get(word, 0.0)
        if value:
            value *= boost
            if negated:
                value = value * NEGATED if value > 0 else -value * MILD_EVIL
            total += value
        negated, boost = max(0, negated - 1), 1.0
    return total * (1.15 if text.rstrip().endswith("!") else 1.0)


def score(text):
    """-1 to 1."""
    raw = raw_score(text)
    return raw / (raw * raw + 4.0) ** 0.5


def aspects_of(text):
    found = set()
    for word in tokens(text):
        found |= _ASPECT_OF.get(word, set())
    return found


def label(value):
    return "positive" if value > 0.1 else "negative" if value < -0.1 else "neutral"
