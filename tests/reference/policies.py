"""The policies beside a router: score and cost of each on one test."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

from reference.curves import Point, macro, point
from reference.facts import Number, Test, mean

Kind = tuple[int, str, Fraction]  # seed, dataset, chance: tests alike in luck


def policies(tests: Sequence[Test]) -> dict[str, Point]:
    """Return mean cost and macro score of each floor and bound over compared tests."""
    found = {
        name: point(tests, lambda test, name=name: test.floors[name])
        for name in ("best_single", "cheapest", "recognised_dataset", "dataset_best")
    }
    found["random"] = macro(tests, _random_cost), macro(tests, _random_score)
    found["oracle"] = macro(tests, _oracle_cost), macro(tests, _oracle_score)
    return found


def corrected_oracle(tests: Sequence[Test]) -> Number | None:
    """Return what an oracle scores that cannot foresee lucky guesses."""
    if not any(test.question.chance > 0 for test in tests):
        return None
    alike: dict[Kind, list[Test]] = {}
    for test in tests:
        alike.setdefault(_kind(test), []).append(test)
    knowledge = {kind: _knowledge(group) for kind, group in alike.items()}
    return macro(tests, lambda test: _without_luck(test, knowledge[_kind(test)]))


def _random_score(test: Test) -> Number:
    return mean(test.question.scores.values())


def _random_cost(test: Test) -> Number | None:
    return mean(test.question.costs.get(llm) for llm in test.question.scores)


def _oracle_score(test: Test) -> Fraction:
    return max(test.question.scores.values())


def _oracle_cost(test: Test) -> Fraction | None:
    scores, costs = test.question.scores, test.question.costs
    best = [llm for llm in scores if scores[llm] == max(scores.values())]
    return min((costs[llm] for llm in best if llm in costs), default=None)


def _kind(test: Test) -> Kind:
    return test.seed, test.question.dataset, test.question.chance


def _knowledge(alike: Sequence[Test]) -> dict[str, Fraction]:
    """Return the probability that a right answer is no guess, by llm."""
    guess = alike[0].question.chance
    shares = {}
    for llm in {llm for test in alike for llm in test.question.scores}:
        right = mean(t.question.scores[llm] for t in alike if llm in t.question.scores)
        share = (right - guess) / (1 - guess) / right if right else Fraction(0)
        shares[llm] = min(max(share, Fraction(0)), Fraction(1))
    return shares


def _without_luck(test: Test, knowledge: dict[str, Fraction]) -> Number:
    best, guess = _oracle_score(test), test.question.chance
    if best < 1 or guess == 0:
        return best
    right = [llm for llm, score in test.question.scores.items() if score == 1]
    return min(best, 1 - (1 - guess) * math.prod(1 - knowledge[llm] for llm in right))
