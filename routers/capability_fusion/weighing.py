"""Which llms of the pool, how many item factors and how much of them: chosen on inner folds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.linear_model import RidgeCV

from routers._ridge import fit_ridge
from routers._targets import shrunken_means
from routers._weighing import best_share, inner_folds
from routers.capability_fusion.items import leading_factors
from routers.table import FloatArray

# How many llms of the pool each candidate brings, those most like it; None for the whole pool.
NEIGHBORS = (0, 4, 16, None)
_LEAST_VARIANCE = 0.01  # llms that are all always right, or wrong, have none to divide by


@dataclass(frozen=True)
class Account:
    """What of the item factors is used.

    Attributes
    ----------
    n_neighbors : int or None
        Llms of the pool that each candidate brings; None for the whole pool.
    n_factors : int
        At most.
    share : float
        Of a departure, in [0, 1].
    """

    n_neighbors: int | None
    n_factors: int
    share: float


@dataclass(frozen=True)
class Answers:
    """The training outcomes of everyone, candidates first.

    Attributes
    ----------
    members : ndarray of shape (d, n)
        Which dataset a question is of: 1 or 0.
    scores : ndarray of shape (n, m + p)
        NaN where not observed.
    n_candidates : int
        The first m columns.
    prior : float
        Pseudo-questions that pull an accuracy on a dataset towards the llm's overall accuracy.
    """

    members: FloatArray
    scores: FloatArray
    n_candidates: int
    prior: float

    def on(self, rows: np.ndarray) -> Answers:
        """Return the answers to some of the questions."""
        return Answers(self.members[:, rows], self.scores[rows], self.n_candidates, self.prior)

    def accuracy(self) -> FloatArray:
        """Return the mean score on each dataset, shape (d, m + p)."""
        return shrunken_means(self.members, self.scores, self.prior)

    def departures(self, accuracy: FloatArray) -> FloatArray:
        """Return how outcomes depart from the accuracy, in log-odds: one Newton step, (n, m + p).

        Divided by the mean variance of an outcome; NaN where not observed.
        """
        expected = self.members.T @ accuracy
        variance = (expected * (1 - expected)).mean()
        return (self.scores - expected) / max(variance, _LEAST_VARIANCE)


def taking_part(departures: FloatArray, n_candidates: int, n_neighbors: int | None) -> np.ndarray:
    """Return the columns that item factors are learned from: candidates and llms like them.

    Parameters
    ----------
    departures : ndarray of shape (n, m + p)
        Candidates first; NaN where not observed.
    n_candidates : int
    n_neighbors : int or None
        How many of the pool each candidate brings, by the correlation of their departures; None
        for the whole pool.

    Returns
    -------
    ndarray of int, sorted
        Candidates are always in.
    """
    candidates = np.arange(n_candidates)
    if n_neighbors is None:
        return np.arange(departures.shape[1])
    known = np.nan_to_num(departures)
    length = np.maximum(np.linalg.norm(known, axis=0), 1e-9)
    known = known / length
    likeness = np.round(known[:, :n_candidates].T @ known[:, n_candidates:], 9)  # ties stay ties
    nearest = np.argsort(-likeness, axis=1, kind="stable")[:, :n_neighbors]
    return np.concatenate([candidates, n_candidates + np.unique(nearest)])


def weigh(vectors: FloatArray, answers: Answers, n_factors: int, random_state: int) -> Account:
    """Choose what of the item factors is used, on inner folds of the training questions.

    Offered are the parts of the pool in ``NEIGHBORS``; ``n_factors``, half of it, a quarter and so
    on down to one; and the shares of :func:`best_share`, which judges and may take none.

    Parameters
    ----------
    vectors : ndarray of shape (n, d)
        What was read of each question.
    answers : Answers
    n_factors : int
        The most that are offered.
    random_state : int
        Of the folds and of the singular value decomposition.
    """
    counts = _counts(n_factors)
    offered = [(near, count) for near in _neighbors(answers) for count in counts]
    m = answers.n_candidates
    expected = np.full((len(vectors), m), 0.5)
    departures = np.zeros((len(offered), len(vectors), m))
    fold = inner_folds(len(vectors), random_state)
    for k in np.unique(fold) if len(vectors) > 1 and offered else ():
        rest, held_out = answers.on(fold != k), fold == k
        accuracy = rest.accuracy()
        expected[held_out] = answers.on(held_out).members.T @ accuracy[:, :m]
        learned = _Factors.of(vectors[fold != k], rest, accuracy, n_factors, random_state)
        departures[:, held_out] = learned.departures(vectors[held_out], counts)
    place, share = best_share(expected, list(departures), answers.scores[:, :m])
    return Account(*offered[place], share) if share else Account(0, 0, 0.0)


def _counts(n_factors: int) -> list[int]:
    """Halve the largest number down to one, and begin with the smallest."""
    return [n_factors >> k for k in range(n_factors.bit_length())][::-1]


def _neighbors(answers: Answers) -> tuple[int | None, ...]:
    alone = answers.scores.shape[1] == answers.n_candidates
    return (0,) if alone else NEIGHBORS


@dataclass(frozen=True)
class _Factors:
    """Item factors learned from each part of the pool, and one ridge regression that reads all."""

    loadings: list[FloatArray]  # of the candidates, (m, k) for each part
    reader: RidgeCV | None

    @classmethod
    def of(
        cls, vectors: FloatArray, answers: Answers, accuracy: FloatArray, n_factors: int, seed: int
    ) -> _Factors:
        known = answers.departures(accuracy)
        m, items, loadings = answers.n_candidates, [], []
        for near in _neighbors(answers):
            part = np.nan_to_num(known[:, taking_part(known, m, near)])
            item, reliability = leading_factors(part, n_factors, seed)
            items.append(item)
            loadings.append(part[:, :m].T @ item / len(part) * reliability)
        targets = np.hstack(items)
        return cls(loadings, fit_ridge(vectors, targets) if targets.shape[1] else None)

    def departures(self, vectors: FloatArray, counts: list[int]) -> FloatArray:
        """Return the candidates' departures for each part and number of factors (o, n, m)."""
        widths = [loading.shape[1] for loading in self.loadings]
        read = np.zeros((len(vectors), 0))
        if self.reader is not None:
            read = self.reader.predict(vectors).reshape(len(vectors), -1)
        parts = zip(np.split(read, np.cumsum(widths)[:-1], axis=1), self.loadings, strict=True)
        return np.stack([item[:, :k] @ loading[:, :k].T for item, loading in parts for k in counts])
