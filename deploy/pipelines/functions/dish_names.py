"""Is this the same dish? Names are compared by their words and by their trigrams, so that order,
spelling and OCR slips matter little."""
import functools
import re
import unicodedata

# Similarity from which two names are taken for the same dish; found on the samples' known pairs
SAME_DISH = 0.55
_FILLERS = {
    "al",
    "alla",
    "alle",
    "ai",
    "di",
    "del",
    "della",
    "con",
    "the",
    "a",
    "with",
    "and",
    "of",
    "classico",
    "homemade",
    "fresh",
    "crispy",
    "house",
    "style",
}


@functools.lru_cache(maxsize=65536)
def words(name):
    """Lower case words without accents and fillers, sorted."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    found = re.findall(r"[a-z0-9]+", plain)
    kept = [w for w in found if w not in _FILLERS]
    return tuple(sorted(kept or found))


@functools.lru_cache(maxsize=65536)
def _trigrams(name):
    joined = "  " + " ".join(words(name)) + " "
    return frozenset(joined[i : i + 3] for i in range(len(joined) - 2))


def similarity(one, other):
    """0 to 1: the mean of how much of the trigrams and of the words two names share."""
    a, b = _trigrams(one), _trigrams(other)
    if not a or not b:
        return 0.0
    letters = 2.0 * len(a & b) / (len(a) + len(b))
    left, right = set(words(one)), set(words(other))
    whole = 2.0 * len(left & right) / (len(left) + len(right)) if left and right else 0.0
    return (letters + max(letters, whole)) / 2


def best_match(name, candidates):
    """(candidate, similarity) of the most similar name, (None, 0.0) where none is the same dish."""
    best, score = None, 0.0
    for candidate in candidates:
        value = similarity(name, candidate)
        if value > score:
            best, score = candidate, value
    return (best, score) if score >= SAME_DISH else (None, 0.0)
