"""Floors: which llm they choose, on the split and the zoo of the router that they stand beside.

They are chosen on the training questions, and so is dataset-best, which is told the dataset of the
test questions but no outcome: it can be beaten. What choices score and cost, and bounds, which know
the outcomes of the test questions, are worked out in ``benchmarks.scoring``.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from sklearn.base import clone

from benchmarks import kept_floors
from benchmarks.splits import Fold
from routers.base import Router
from routers.baselines import BestSingle, Cheapest
from routers.choice import choose
from routers.recognition import RecognisedDatasetRouter
from routers.table import FloatArray, RoutingTable, Texts
from routers.validation import NotApplicableError

_MANY = 2_000  # training questions from which on floors are kept: to route them takes seconds


def route_observed(
    predicted: FloatArray, costs: FloatArray, truth: FloatArray, llms: Texts, price: float = 0.0
) -> np.ndarray:
    """Choose among the llms whose outcome on the question is known, shape (n,).

    Where an outcome was not observed nobody can say what choosing it would have given. Every
    router, floor and bound is judged under the same restriction; with complete outcomes it
    changes nothing. A question none of whose outcomes is known gets -1.

    Parameters
    ----------
    predicted, costs : ndarray of shape (n, m)
        Expected scores and costs.
    truth : ndarray of shape (n, m)
        True scores, NaN where not observed.
    llms : sequence of str, length m
    price : float, default=0.0
    """
    predicted = np.where(np.isnan(truth), np.nan, predicted)
    possible = ~np.isnan(predicted if not price else predicted - costs).all(axis=1)
    if possible.all():  # as nearly always: without a copy
        return choose(predicted, costs, llms, price)
    choice = np.full(len(predicted), -1)
    choice[possible] = choose(predicted[possible], costs[possible], llms, price)
    return choice


@dataclass(frozen=True)
class Floors:
    """What the floors do with the test questions of a fold.

    Attributes
    ----------
    choices : dict of str to ndarray of int, shape (n,)
        By the name of the floor; positions in the zoo, -1 for none.
    best_single : int
        Position of the best single llm, which has no outcome on some questions, maybe.
    """

    choices: dict[str, np.ndarray]
    best_single: int


@lru_cache(maxsize=32)
def floors(
    table: RoutingTable, train: bytes, test: bytes, recogniser: RecognisedDatasetRouter
) -> Floors:
    """Route the test rows by every floor; kept, for a sweep asks again for each router.

    Where there are many training questions, they are kept for other processes, too.

    Parameters
    ----------
    table : RoutingTable
    train, test : bytes
        Row positions (int64), as ``Fold`` arrays' ``tobytes()``.
    recogniser : RecognisedDatasetRouter
        The unfitted floor "recognised dataset".
    """
    if len(train) // np.dtype(np.int64).itemsize < _MANY:
        return Floors(*_routed(table, train, test, recogniser))
    key = kept_floors.key_of(table, train, test, recogniser)
    return Floors(*kept_floors.kept(key, lambda: _routed(table, train, test, recogniser)))


def _routed(
    table: RoutingTable, train: bytes, test: bytes, recogniser: RecognisedDatasetRouter
) -> tuple[dict[str, np.ndarray], int]:
    fold = Fold(np.frombuffer(train, dtype=np.int64), np.frombuffer(test, dtype=np.int64))
    learn, judge = table.rows(fold.train), table.rows(fold.test)
    single, recognised = BestSingle().fit(learn), clone(recogniser).fit(learn)
    by_rule: dict[str, Router] = {"best_single": single, "recognised_dataset": recognised}
    with suppress(NotApplicableError):  # no cost is known: nor is this floor
        by_rule["cheapest"] = Cheapest().fit(learn)
    questions = list(judge.questions)
    choices = {name: _route(*floor.predict(questions), judge) for name, floor in by_rule.items()}
    if "cheapest" in choices:
        choices["cheapest"] = _of_known_cost(choices["cheapest"], by_rule["cheapest"].mean_costs_)
    choices["dataset_best"] = _dataset_best(recognised, single, judge)
    return choices, int(single.route(["any"])[0])


def _of_known_cost(choice: np.ndarray, costs: np.ndarray) -> np.ndarray:
    """Leave out choices of llms of unknown cost: nobody knows whether they are the cheapest."""
    return np.where((choice >= 0) & np.isnan(costs[choice]), -1, choice)


def _dataset_best(
    recognised: RecognisedDatasetRouter, single: BestSingle, judge: RoutingTable
) -> np.ndarray:
    """Do as the recognizer would, were it told the dataset; for an unseen one, the best single."""
    questions = list(judge.questions)
    predicted, unseen = (
        recognised.told(judge.datasets),
        ~np.isin(judge.datasets, recognised.classes_),
    )
    predicted[unseen] = single.predict_scores(questions)[unseen]
    return _route(predicted, single.predict_costs(questions), judge)


def _route(predicted: FloatArray, costs: FloatArray, judge: RoutingTable) -> np.ndarray:
    return route_observed(predicted, costs, judge.scores, judge.llms)
