"""Which routers are told apart: every sign flip counted, then Holm's correction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import combinations

from reference.boards import Comparison, is_compared
from reference.facts import Test, mean

Pair = tuple[str, str]


def corrected_p_values(comparison: Comparison) -> dict[Pair, Fraction]:
    """Return the p-value of each pair of routers after Holm's correction."""
    tests = [test for test in comparison.tests() if is_compared(test)]
    pairs = combinations(sorted(comparison.predictions), 2)
    return holm({pair: p_value(differences(tests, *pair)) for pair in pairs})


def differences(tests: Sequence[Test], one: str, other: str) -> list[Fraction]:
    """Return each group's part of the difference in macro score, on the seeds of both."""
    by_dataset: dict[str, dict[str, list[Fraction]]] = {}
    group_of: dict[str, tuple[str, str]] = {}
    for test in tests:
        if one in test.choices and other in test.choices:
            scores = test.question.scores
            lead = scores[test.choices[one]] - scores[test.choices[other]]
            questions = by_dataset.setdefault(test.question.dataset, {})
            questions.setdefault(test.question.id, []).append(lead)
            group_of[test.question.id] = test.question.group
    parts: dict[tuple[str, str], Fraction] = {}
    for questions in by_dataset.values():
        for name, leads in questions.items():
            part = mean(leads) / len(questions) / len(by_dataset)
            parts[group_of[name]] = parts.get(group_of[name], Fraction(0)) + part
    return list(parts.values())


def p_value(parts: Sequence[Fraction]) -> Fraction:
    """Return the share of the 2^n sign flips whose sum is at least as far from 0."""
    counts = {Fraction(0): 1}
    for part in parts:
        flipped: dict[Fraction, int] = {}
        for total, number in counts.items():
            for sign in (-1, 1):
                flipped[total + sign * part] = flipped.get(total + sign * part, 0) + number
        counts = flipped
    far = sum(number for total, number in counts.items() if abs(total) >= abs(sum(parts)))
    return Fraction(far, 2 ** len(parts))


def holm(p_values: Mapping[Pair, Fraction]) -> dict[Pair, Fraction]:
    """Multiply the smallest by the number of pairs, the next by one less; never falling."""
    corrected, largest = {}, Fraction(0)
    for rank, pair in enumerate(sorted(p_values, key=p_values.__getitem__)):
        largest = max(largest, min(Fraction(1), (len(p_values) - rank) * p_values[pair]))
        corrected[pair] = largest
    return corrected
