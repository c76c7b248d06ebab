"""What is known of a test before anything is averaged: outcomes, predictions, choices."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from routers.table import RoutingTable

Number = Fraction | float
DECIMALS = 6  # to which a prediction is rounded


@dataclass(frozen=True)
class Question:
    """A question with the scores that were observed and the costs that are known.

    ``group`` is what it shares with other questions: its own id if it shares nothing.
    """

    id: str
    dataset: str
    group: tuple[str, str]
    chance: Fraction
    eligible: frozenset[str]
    scores: Mapping[str, Fraction]
    costs: Mapping[str, Fraction]


@dataclass(frozen=True)
class Prediction:
    """What a router, or a floor, predicts of one question; without what it cannot say."""

    scores: Mapping[str, Number]
    costs: Mapping[str, Number]


@dataclass(frozen=True)
class Test:
    """A question in a seed, with the choice of each router and floor (None: it has none)."""

    seed: int
    question: Question
    predictions: Mapping[str, Prediction]
    choices: Mapping[str, str | None]
    floors: Mapping[str, str | None]
    best_single_llm: str

    def can_be_chosen(self, router: str) -> list[str]:
        """Return the llms that were predicted and observed, by name."""
        return sorted(set(self.predictions[router].scores) & set(self.question.scores))


def known(names: Iterable[str], values: Iterable[float]) -> dict[str, Fraction]:
    """Return the values that are numbers, exactly, by name."""
    pairs = ((str(name), float(value)) for name, value in zip(names, values, strict=True))
    return {name: Fraction(value) for name, value in pairs if not math.isnan(value)}


def questions_of(table: RoutingTable) -> dict[str, Question]:
    """Return the questions of a table by id."""
    llms = [str(llm) for llm in table.llms]
    return {
        str(name): Question(
            id=str(name),
            dataset=str(table.datasets[row]),
            group=_group(str(name), str(table.groups[row])),
            chance=Fraction(float(table.chance[row])),
            eligible=frozenset(
                llm for llm, able in zip(llms, table.eligible[row], strict=True) if able
            ),
            scores=known(llms, table.scores[row]),
            costs=known(llms, table.costs[row]),
        )
        for row, name in enumerate(table.ids)
    }


def _group(name: str, group: str) -> tuple[str, str]:
    """Return a name of the group that no question of its own has."""
    return ("group", group) if group else ("question", name)


def choose(prediction: Prediction, observed: Iterable[str], price: float = 0.0) -> str | None:
    """Return the llm of the largest predicted score - price * cost among those observed.

    Ties go to the lower predicted cost, an unknown one last, then to the first name.
    """
    able = set(prediction.scores) & set(observed)
    if price > 0:
        able &= set(prediction.costs)

    def rank(llm: str) -> tuple[Number, Number, str]:
        cost = prediction.costs.get(llm, math.inf)
        worth = prediction.scores[llm]
        return -(float(worth) - price * float(cost) if price > 0 else worth), cost, llm

    return min(able, key=rank, default=None)


def difference(one: Number | None, other: Number | None) -> Number | None:
    """Return one less the other; None where a part is unknown."""
    return None if one is None or other is None else one - other


def ratio(one: Number | None, other: Number | None) -> Number | None:
    """Return a quotient; None where a part is unknown or the divisor is 0."""
    return None if one is None or not other else one / other


def mean(values: Iterable[Number | None]) -> Number | None:
    """Return the plain mean; None if a value is unknown or there is none."""
    values = list(values)
    if not values or None in values:
        return None
    return sum(values) / len(values)
