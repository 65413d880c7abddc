"""Chance that is the same on every machine: only random.Random.random() is used, whose sequence
Python guarantees for a seed."""
import random


class Dice:
    def __init__(self, seed):
        self._random = random.Random(seed)

    def number(self, low, high):
        """A float in [low, high)."""
        return low + (high - low) * self._random.random()

    def whole(self, low, high):
        """An int in low..high, both included."""
        return low + int(self._random.random() * (high - low + 1))

    def one_of(self, items):
        return items[int(self._random.random() * len(items))]

    def some_of(self, items, count):
        """count different items, in the order of the list."""
        ranked = sorted(range(len(items)), key=lambda i: (self._random.random(), i))
        return [items[i] for i in sorted(ranked[:count])]

    def chance(self, share):
        return self._random.random() < share

    def bell(self):
        """Roughly normal: mean 0, deviation 1."""
        return sum(self._random.random() for _ in range(12)) - 6.0
