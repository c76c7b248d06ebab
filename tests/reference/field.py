"""The metrics of the field, each over the compared tests of one row."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from fractions import Fraction

from reference import calibration
from reference.curves import Point, cheapest_at, mean_height, whole
from reference.facts import Number, Test, difference, mean, ratio

Figures = dict[str, Number | None]
SOLVED = 0.95 - 1e-7  # scores are kept in single precision


def gains(score: Number, policies: dict[str, Point], llms: dict[str, Point]) -> Figures:
    """Return a router's score in terms of the policies beside it and of one llm always."""
    best = max((p[1] for p in llms.values() if p[1] is not None), default=None)
    return {
        "value_over_best_single": ratio(score, best),
        "gain_random": difference(ratio(score, policies["random"][1]), 1),
        "gain_best_single": difference(ratio(score, policies["best_single"][1]), 1),
        "gap_oracle": difference(1, ratio(score, policies["oracle"][1])),
    }


def question_entropy(tests: Sequence[Test], router: str) -> float | None:
    """Return the mean entropy in bits of the softmax of predicted scores."""
    cases = [_case(test, router) for test in tests]
    telling = [case for case in cases if min(len(set(values)) for values in case) > 1]
    sharpness = _sharpness(telling) if telling else 0.0
    return mean(_bits(_softmax(predicted, sharpness)) for predicted, _ in cases)


def _case(test: Test, router: str) -> tuple[list[Fraction], list[Fraction]]:
    able = test.can_be_chosen(router)
    scores = test.predictions[router].scores
    return [scores[llm] for llm in able], [test.question.scores[llm] for llm in able]


def _softmax(predicted: Sequence[Fraction], sharpness: float) -> list[float]:
    largest = max(predicted)
    weights = [math.exp(sharpness * float(value - largest)) for value in predicted]
    return [weight / sum(weights) for weight in weights]


def _bits(shares: Sequence[float]) -> float:
    return -sum(share * math.log2(share) for share in shares if share > 0)


def _sharpness(telling: Sequence[tuple[list[Fraction], list[Fraction]]]) -> float:
    """Return the inverse temperature of the largest likelihood: where its slope falls to 0."""

    def rises(log_sharpness: float) -> bool:
        sharpness = math.exp(log_sharpness)
        return sum(_slope(*case, sharpness) for case in telling) >= 0

    low, high = -7.0, 7.0
    if rises(high):
        return math.exp(high)
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if rises(middle) else (low, middle)
    return math.exp(low)


def _slope(predicted: Sequence[Fraction], scores: Sequence[Fraction], sharpness: float) -> float:
    best = [p for p, score in zip(predicted, scores, strict=True) if score == max(scores)]
    level = mean(best)
    shares = _softmax(predicted, sharpness)
    return sum(share * float(level - p) for p, share in zip(predicted, shares, strict=True))


def few_solve(tests: Sequence[Test], score: Callable[[Test], Number], n_llms: int) -> Figures:
    """Return the share of tests that few llms solve, and the router's score on them."""
    few = max(1, round(Fraction(3 * n_llms, 20)))
    full = [test for test in tests if test.question.eligible == set(test.question.scores)]
    solvers = [sum(s >= SOLVED for s in test.question.scores.values()) for test in full]
    chosen = [test for test, number in zip(full, solvers, strict=True) if 1 <= number <= few]
    return {
        "few_solve_share": ratio(Fraction(len(chosen)), len(full)),
        "few_solve_score": mean(map(score, chosen)),
    }


def calibrated(tests: Sequence[Test], router: str, llms: Sequence[str]) -> Figures:
    """Return Brier score and calibration error, means over the llms that have any."""
    figures = [calibration.by_llm(tests, router, llm) for llm in llms]
    return {
        name: mean(figure[name] for figure in figures if figure[name] is not None)
        for name in ("brier", "calibration_error")
    }


def quality(points: Sequence[Point], llms: dict[str, Point]) -> Figures:
    """Return RouterBench's AIQ of the router, of mixtures that do not read, and the difference."""
    names = ("aiq", "aiq_zero", "aiq_gain")
    singles = list(llms.values())
    if len(whole(singles)) < len(singles):
        return dict.fromkeys(names)
    costs = [cost for cost, _ in singles]
    own, zero = (mean_height(p, min(costs), max(costs)) for p in (whole(points), singles))
    return dict(zip(names, (own, zero, own - zero), strict=True))


def savings(points: Sequence[Point], best_single: Point) -> Figures:
    """Return what the best point gains, and what the cheapest as good as best single saves."""
    cost, score = best_single
    best = max((reached for _, reached in points if reached is not None), default=None)
    return {
        "performance_gain": difference(ratio(best, score), 1),
        "cost_saved": difference(1, ratio(cheapest_at(points, score), cost)),
    }


def arena_score(cost: Number | None, score: Number, unit: str) -> float | None:
    """Return RouterArena's score of a router whose costs are in USD."""
    if cost is None or unit != "USD":
        return None
    low, high, beta = 0.0044, 200.0, 0.1
    dollars = min(max(1000 * float(cost), low), high)
    thrift = (math.log(high) - math.log(dollars)) / (math.log(high) - math.log(low))
    return ratio((1 + beta) * float(score) * thrift, beta * float(score) + thrift) or 0.0


def optimality(tests: Sequence[Test], router: str) -> Figures:
    """Return RouterArena's optimality, over the tests that some llm answers with score 1."""
    solved = [test for test in tests if 1 in test.question.scores.values()]
    best = [_cheapest_right(test) for test in solved]
    spent = [test.question.costs.get(test.choices[router]) for test in solved]
    hits = Counter(test.choices[router] in (b or ()) for test, b in zip(solved, best, strict=True))
    least = mean(min(b.values()) if b else None for b in best)
    return {
        "optimal_choice": None if least is None else Fraction(hits[True], len(solved)),
        "optimal_cost": ratio(least, mean(spent)),
        "optimal_score": mean(test.question.scores[test.choices[router]] for test in solved),
    }


def _cheapest_right(test: Test) -> dict[str, Fraction] | None:
    """Return the cheapest llms that score 1 with their cost; None if a cost is unknown."""
    right = [llm for llm, score in test.question.scores.items() if score == 1]
    if any(llm not in test.question.costs for llm in right):
        return None
    costs = {llm: test.question.costs[llm] for llm in right}
    return {llm: cost for llm, cost in costs.items() if cost == min(costs.values())}
