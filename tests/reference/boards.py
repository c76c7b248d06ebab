"""The rows of ``leaderboard.csv`` and ``calibration.csv``, worked out one by one."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

from reference import calibration, field
from reference.curves import (
    SLACK,
    Point,
    always,
    cheapest_at,
    front_distances,
    point,
    price_curve,
)
from reference.facts import (
    Prediction,
    Question,
    Test,
    choose,
    difference,
    mean,
    questions_of,
    ratio,
)
from reference.floors import NEEDED, floors, trained_llms
from reference.policies import corrected_oracle, policies
from routers.table import RoutingTable

Folds = Sequence[tuple[Sequence[str], Sequence[str]]]  # ids of training and of test questions
Predictions = Mapping[str, Mapping[int, Mapping[str, Prediction]]]  # router, seed, question
Row = dict[str, object]


@dataclass(frozen=True)
class Comparison:
    """Everything that the figures of one table are worked out from.

    ``guesses`` holds, per seed and question, the dataset that recognized dataset takes it for.
    """

    table: RoutingTable
    folds: Mapping[int, Folds]
    guesses: Mapping[int, Mapping[str, str]]
    predictions: Predictions

    @property
    def llms(self) -> list[str]:
        """The zoo, by name."""
        return sorted(map(str, self.table.llms))

    def tests(self) -> list[Test]:
        """Return every test of every seed."""
        questions = questions_of(self.table)
        return [
            test
            for seed, folds in self.folds.items()
            for learn, judge in folds
            for test in self._fold(
                seed, [questions[name] for name in learn], [questions[name] for name in judge]
            )
        ]

    def _fold(
        self, seed: int, train: Sequence[Question], judged: Sequence[Question]
    ) -> Iterator[Test]:
        beside = cache(lambda dataset, guess: floors(train, dataset, guess))
        for question in judged:
            predictions = {
                router: seeds[seed][question.id]
                for router, seeds in self.predictions.items()
                if seed in seeds
            }
            floor = beside(question.dataset, self.guesses[seed][question.id])
            yield Test(
                seed=seed,
                question=question,
                predictions=predictions,
                choices={name: choose(p, question.scores) for name, p in predictions.items()},
                floors={name: choose(p, question.scores) for name, p in floor.items()},
                best_single_llm=choose(floor["best_single"], trained_llms(train)),
            )


def is_compared(test: Test) -> bool:
    """Tell whether every router of the seed, and each floor that is needed, has a choice."""
    needed = [*test.choices.values(), *(test.floors[name] for name in NEEDED)]
    return None not in needed


def leaderboard_rows(comparison: Comparison) -> dict[str, Row]:
    """Return the row of each router, without intervals, letters and times."""
    tests = comparison.tests()
    datasets = sorted({test.question.dataset for test in tests if is_compared(test)})
    rows, curves = {}, []
    for router, seeds in comparison.predictions.items():
        own = [test for test in tests if test.seed in seeds]
        compared = [test for test in own if is_compared(test)]
        curves.append(price_curve(compared, router, comparison.llms))
        rows[router] = (
            _counts(own, compared, router, comparison.llms)
            | _headline(compared, router, curves[-1], datasets)
            | _field(compared, router, curves[-1], comparison)
        )
    for row, distance in zip(rows.values(), front_distances(curves), strict=True):
        row["distance_to_front"] = distance
    return rows


def calibration_rows(comparison: Comparison) -> dict[tuple[str, str], Row]:
    """Return the row of each router and llm."""
    tests = [test for test in comparison.tests() if is_compared(test)]
    return {
        (router, llm): calibration.by_llm([t for t in tests if t.seed in seeds], router, llm)
        for router, seeds in comparison.predictions.items()
        for llm in comparison.llms
    }


def _counts(
    tests: Sequence[Test], compared: Sequence[Test], router: str, llms: Sequence[str]
) -> Row:
    questions = {test.question.id: test.question for test in compared}
    left_out = {test.question.id for test in tests if not is_compared(test)}
    return {
        "seeds": " ".join(map(str, sorted({test.seed for test in tests}))),
        "n_seeds": len({test.seed for test in tests}),
        "n_questions": len(questions),
        "n_not_compared": len(left_out),
        "n_llms": len(llms),
        "n_pairs": sum(len(question.eligible) for question in questions.values()),
        "n_outcomes": sum(len(question.scores) for question in questions.values()),
        "choice_share": mean(Fraction(len(t.can_be_chosen(router)) > 1) for t in compared),
        "best_single_share": mean(
            Fraction(t.best_single_llm in t.question.scores) for t in compared
        ),
    }


def _headline(
    tests: Sequence[Test], router: str, points: Sequence[Point], datasets: Sequence[str]
) -> Row:
    cost, score = point(tests, lambda test: test.choices[router])
    beside = policies(tests)
    best, recognized, oracle = (
        beside[name][1] for name in ("best_single", "recognised_dataset", "oracle")
    )
    gap = difference(oracle, best)
    matched = cheapest_at(points, best) if beside["best_single"][0] is not None else None
    counts = Counter(test.choices[router] for test in tests)
    shares = [number / len(tests) for number in counts.values()]
    within = {name: [t for t in tests if t.question.dataset == name] for name in datasets}
    return (
        {"macro_score": score, "micro_score": mean(_score(t, router) for t in tests)}
        | {name: reached for name, (_, reached) in beside.items()}
        | {f"cost_{name}": spent for name, (spent, _) in beside.items()}
        | {
            "corrected_oracle": corrected_oracle(tests),
            "gap_closed": ratio(difference(score, best), gap) if gap and gap > SLACK else None,
            "lead_best_single": difference(score, best),
            "lift_recognised": difference(score, recognized),
            "regret": difference(oracle, score),
            "cost": cost,
            "cost_known": mean(Fraction(t.choices[router] in t.question.costs) for t in tests),
            "cost_to_match_best_single": matched,
            "selection_entropy": -sum(s * math.log2(s) for s in shares) if shares else None,
            "largest_share": max(shares, default=None),
        }
        | {f"score_{name}": mean(_score(t, router) for t in part) for name, part in within.items()}
    )


def _field(
    tests: Sequence[Test], router: str, points: Sequence[Point], comparison: Comparison
) -> Row:
    cost, score = point(tests, lambda test: test.choices[router])
    beside, singles = policies(tests), always(tests, comparison.llms)
    n_llms, unit = len(comparison.llms), comparison.table.cost_unit
    return (
        field.gains(score, beside, singles)
        | {"question_entropy": field.question_entropy(tests, router)}
        | field.few_solve(tests, lambda test: _score(test, router), n_llms)
        | field.calibrated(tests, router, comparison.llms)
        | field.quality(points, singles)
        | field.savings(points, beside["best_single"])
        | {"arena_score": field.arena_score(cost, score, unit)}
        | field.optimality(tests, router)
    )


def _score(test: Test, router: str) -> Fraction:
    return test.question.scores[test.choices[router]]
