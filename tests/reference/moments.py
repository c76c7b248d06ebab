"""How far a router's macro score may be off: the variance that intervals are made of."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction

from reference.facts import Test

Group = tuple[str, str]
Errors = Mapping[Group, Fraction]  # what each group adds to the error of a dataset's mean, times n


def macro_variance(tests: Sequence[Test], router: str) -> float:
    """Return the squared standard error of a router's macro score, over its compared tests."""
    by_dataset: dict[str, list[Test]] = {}
    for test in tests:
        by_dataset.setdefault(test.question.dataset, []).append(test)
    errors = [_errors(part, router) for part in by_dataset.values()]
    free = [len(of_group) - 1 for of_group in errors]
    squares = [sum(e * e for e in of_group.values()) for of_group in errors]
    pooled = Fraction(sum(squares)) / sum(free)
    total = 0.0
    for own, square, of_group in zip(free, squares, errors, strict=True):
        lent = min(4, sum(free) - own)
        total += float((square + lent * pooled) / (own + lent) / len(of_group))
    return (total + _in_common(errors)) / len(errors) ** 2


def _errors(tests: Sequence[Test], router: str) -> Errors:
    scores = [(t.question.group, t.question.scores[t.choices[router]]) for t in tests]
    mean = sum(score for _, score in scores) / len(scores)
    of_group: dict[Group, Fraction] = {}
    for group, score in scores:
        of_group[group] = of_group.get(group, Fraction(0)) + score - mean
    return {group: e * len(of_group) / len(scores) for group, e in of_group.items()}


def _in_common(errors: Sequence[Errors]) -> float:
    """Return what groups that are in two datasets add to the variance of the sum of their means."""
    total = 0.0
    for place, one in enumerate(errors):
        for other in errors[:place]:
            product = sum(one[group] * other[group] for group in one.keys() & other.keys())
            size = math.prod(n * (n - 1) for n in (len(one), len(other)))
            total += 2 * float(product) / math.sqrt(size) if product else 0
    return total
