"""Floors, references and bounds: what a router must beat, and what none can beat.

Floors are chosen on the training questions, and so is dataset-best, which is told the dataset of
the test questions but no outcome: it can be beaten. Bounds know the outcomes of the test
questions. All are computed on the split and the zoo of the router they stand beside.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
from sklearn.base import clone

from benchmarks.splits import Fold
from routers.base import Router
from routers.baselines import BestSingle, Cheapest
from routers.choice import choose
from routers.recognition import RecognisedDatasetRouter
from routers.table import FloatArray, RoutingTable, Texts
from routers.validation import NotApplicableError

FLOORS = ("cheapest", "best_single", "recognised_dataset", "dataset_best")


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

    Parameters
    ----------
    table : RoutingTable
    train, test : bytes
        Row positions (int64), as ``Fold`` arrays' ``tobytes()``.
    recogniser : RecognisedDatasetRouter
        The unfitted floor "recognised dataset".
    """
    fold = Fold(np.frombuffer(train, dtype=np.int64), np.frombuffer(test, dtype=np.int64))
    learn, judge = table.rows(fold.train), table.rows(fold.test)
    single, recognised = BestSingle().fit(learn), clone(recogniser).fit(learn)
    by_rule: dict[str, Router] = {"best_single": single, "recognised_dataset": recognised}
    with suppress(NotApplicableError):  # no cost is known: nor is this floor
        by_rule["cheapest"] = Cheapest().fit(learn)
    questions = list(judge.questions)
    choices = {
        name: _route(floor.predict_scores(questions), floor.predict_costs(questions), judge)
        for name, floor in by_rule.items()
    }
    if "cheapest" in choices:
        choices["cheapest"] = _of_known_cost(choices["cheapest"], by_rule["cheapest"].mean_costs_)
    choices["dataset_best"] = _dataset_best(recognised, single, judge)
    return Floors(choices, int(single.route(["any"])[0]))


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


def oracle_choice(table: RoutingTable) -> np.ndarray:
    """Return the llm with the largest score on each question, the cheapest among equals (n,)."""
    return _route(table.scores, table.costs, table)


def _route(predicted: FloatArray, costs: FloatArray, judge: RoutingTable) -> np.ndarray:
    return route_observed(predicted, costs, judge.scores, judge.llms)


def random_score(scores: FloatArray) -> np.ndarray:
    """Return the expected score of a uniformly random llm on each question, shape (n,)."""
    return _nanmean(scores, axis=1)


def corrected_oracle_score(
    scores: FloatArray, chance: FloatArray, datasets: np.ndarray
) -> np.ndarray:
    """Return what an oracle would score that cannot foresee lucky guesses, shape (n,).

    An llm with accuracy ``a`` on the questions of a dataset where guessing succeeds with
    probability ``g``, knows a share ``k`` with ``a = k + (1 - k) g``; of its right answers a share
    ``k / a`` is known. If the right answers to a question come from llms that know it with those
    probabilities, independently, then at least one knows it with probability
    ``1 - prod (1 - k / a)``, and otherwise the best one can do is guess. Open questions (g = 0)
    keep the plain oracle; so do fractional scores.

    Parameters
    ----------
    scores : ndarray of shape (n, m)
        NaN where not observed.
    chance : ndarray of shape (n,)
        Probability of guessing right.
    datasets : ndarray of str, shape (n,)
        Accuracies are of the questions of a dataset that have the same chance: open questions
        among them say nothing of luck, nor do those of another number of options.

    Returns
    -------
    ndarray of shape (n,)
        NaN for a question without any outcome.
    """
    best = np.where(np.isnan(scores), -np.inf, scores).max(axis=1)
    best[np.isneginf(best)] = np.nan
    unknown = np.ones(len(scores))
    for rows in pd.Series(datasets).groupby([datasets, chance]).indices.values():
        guess = chance[rows[0]]
        accuracy = _nanmean(scores[rows], axis=0)
        known = np.maximum(accuracy - guess, 0) / (1 - guess)
        share = np.divide(known, accuracy, out=np.zeros_like(known), where=accuracy > 0)
        lucky = np.where(scores[rows] == 1, 1 - share, 1.0)
        unknown[rows] = lucky.prod(axis=1)
    return np.where(best == 1, 1 - (1 - chance) * unknown, best)


def _nanmean(values: FloatArray, axis: int) -> np.ndarray:
    seen = ~np.isnan(values)
    total = np.where(seen, values, 0).sum(axis=axis, dtype=np.float64)
    count = seen.sum(axis=axis)
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
