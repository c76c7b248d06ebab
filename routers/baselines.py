"""The floors: rules that do not read the question at all."""

from __future__ import annotations

import hashlib
from typing import ClassVar

import numpy as np

from routers._targets import column_means
from routers.base import Router
from routers.constraints import SEED, Boolean, Constraints
from routers.table import FloatArray, RoutingTable, Texts
from routers.validation import NotApplicableError


class BestSingle(Router):
    """Always ask the llm with the best mean score on the training questions.

    The *single best solver* of algorithm selection, chosen on train [1]_.

    Parameters
    ----------
    macro : bool, default=True
        Take the mean over datasets of the mean within each (every dataset counts the same), as
        the headline score does; otherwise the mean over questions.

    References
    ----------
    .. [1] Bischl et al., "ASlib: A Benchmark Library for Algorithm Selection", AIJ 2016.
    """

    parameter_constraints: ClassVar[Constraints] = {
        "macro": Boolean(),
    }

    def __init__(self, macro: bool = True):
        self.macro = macro

    def _fit(self, table: RoutingTable) -> None:
        self.mean_scores_ = mean_scores(table, self.macro)

    def _predict_scores(self, questions: list[str]) -> FloatArray:
        return np.broadcast_to(self.mean_scores_, (len(questions), len(self.mean_scores_)))

    def _admit(self, llm: str, outcomes: RoutingTable) -> None:
        self.mean_scores_ = np.append(self.mean_scores_, mean_scores(outcomes, self.macro))


class Cheapest(BestSingle):
    """Always ask the llm with the lowest mean cost on the training questions.

    It predicts the same score for all, so that the shared rule takes the cheapest. Fitting it on
    a table without any known cost raises :class:`NotApplicableError`.
    """

    def _fit(self, table: RoutingTable) -> None:
        if np.isnan(table.costs).all():
            raise NotApplicableError(
                "Cheapest.fit needs the cost of at least one llm, got a table without any. "
                "Give costs, or leave this router out."
            )
        super()._fit(table)

    def _predict_scores(self, questions: list[str]) -> FloatArray:
        return np.zeros((len(questions), len(self.mean_scores_)))


class RandomRouter(Router):
    """Ask an llm drawn uniformly at random, the same one whenever the same text comes again.

    The leaderboard's random floor is the analytic mean; this router is a draw from it. The draw
    is a function of the text and the llm's name, hence independent of batch and order.

    Parameters
    ----------
    random_state : int, default=0
    """

    parameter_constraints: ClassVar[Constraints] = {
        "random_state": SEED,
    }

    def __init__(self, random_state: int = 0):
        self.random_state = random_state

    def _fit(self, table: RoutingTable) -> None:
        self.names_ = table.llms.copy()

    def _predict_scores(self, questions: list[str]) -> FloatArray:
        return text_draws(questions, self.names_, self.random_state)

    def _admit(self, llm: str, outcomes: RoutingTable) -> None:
        self.names_ = np.append(self.names_, llm)


def text_draws(questions: Texts, llms: Texts, random_state: int) -> FloatArray:
    """Draw a number in [0, 1) per question and llm, by the text and the name alone.

    Parameters
    ----------
    questions : sequence of str, length n
    llms : sequence of str, length m
    random_state : int

    Returns
    -------
    ndarray of shape (n, m)
        The same for the same text and name, whatever the batch and the order.
    """
    draws = np.empty((len(questions), len(llms)))
    for row, question in enumerate(questions):
        for column, name in enumerate(llms):
            # not a checksum: those of two names differ by the same bits whatever the question, so
            # that one llm would be drawn more often than another
            key = f"{random_state}\x1f{name}\x1f{question}"
            digest = hashlib.blake2b(key.encode(), digest_size=6).digest()
            draws[row, column] = int.from_bytes(digest) / 2**48
    return draws


def mean_scores(table: RoutingTable, macro: bool) -> np.ndarray:
    """Return the mean observed score of each llm, shape (m,).

    Parameters
    ----------
    table : RoutingTable
    macro : bool
        Mean over datasets of the mean within each; a dataset in which nothing of an llm was
        observed does not count for it. Otherwise the mean over questions.
    """
    if not macro:
        return column_means(table.scores)
    names = np.unique(table.datasets)
    return column_means(
        np.stack([column_means(table.scores[table.datasets == name]) for name in names])
    )
