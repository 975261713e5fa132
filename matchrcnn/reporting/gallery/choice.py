"""Which images or queries a gallery shows: the best, the worst and random ones, by a rule that a seed repeats."""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Literal, TypeVar

T = TypeVar("T")
Pick = Literal["best", "worst", "random"]


def choose(
    ranked: Sequence[T], kind: Callable[[T], int], number: Callable[[T], int], count: int, seed: int
) -> list[tuple[Pick, T]]:
    """Choose about `count`, a third each best, worst and random; each once.

    Args:
        ranked: the best first.
        kind: category that the best and the worst are spread over.
        number: a different one for each: random ones are drawn in its order, whatever their rank.
        count: how many to choose.
        seed: of the random ones.
    """
    share = max(1, min(count, len(ranked)) // 3)
    best = spread(ranked, kind)[:share]
    left = _without(ranked, best, number)
    worst = spread(left[::-1], kind)[:share]
    left = sorted(_without(left, worst, number), key=number)
    chosen = random.Random(seed).sample(left, min(len(left), share))
    picks: tuple[tuple[Pick, list[T]], ...] = (("best", best), ("worst", worst), ("random", chosen))
    return [(pick, each) for pick, some in picks for each in some]


def spread(ranked: Sequence[T], kind: Callable[[T], int]) -> list[T]:
    """Return the first of every kind, then the second of every kind, and so on; in each turn the order stays."""
    seen: Counter[int] = Counter()
    turns = []
    for each in ranked:
        turns.append(seen[kind(each)])
        seen[kind(each)] += 1
    return [ranked[place] for place in sorted(range(len(ranked)), key=turns.__getitem__)]


def _without(ranked: Sequence[T], gone: Sequence[T], number: Callable[[T], int]) -> list[T]:
    numbers = {number(each) for each in gone}
    return [each for each in ranked if number(each) not in numbers]
