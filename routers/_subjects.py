"""Mean scores per subject, pulled towards the subject's dataset."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from routers._targets import membership, shrunken_means
from routers._weighing import contrasts, inner_folds
from routers.table import FloatArray, RoutingTable

# Pseudo-questions that may pull a subject towards its dataset; with the last it is the dataset.
WEIGHTS = (2.0, 5.0, 10.0, 20.0, 40.0, 80.0, 160.0, float("inf"))


@dataclass(frozen=True)
class Subjects:
    """The subjects of some questions, each within its dataset.

    Attributes
    ----------
    datasets : ndarray of str, shape (d,)
    names : ndarray of str, shape (s,)
    dataset_of : ndarray of int, shape (s,)
        Position of each subject's dataset.
    """

    datasets: np.ndarray
    names: np.ndarray
    dataset_of: np.ndarray

    @classmethod
    def of(cls, table: RoutingTable) -> Subjects:
        """Return the subjects of a table, sorted by dataset and name."""
        datasets = np.unique(table.datasets)
        pairs = sorted(set(zip(table.datasets, table.subjects, strict=True)))
        place = {name: i for i, name in enumerate(datasets)}
        names = np.array([subject for _, subject in pairs], dtype=object)
        return cls(datasets, names, np.array([place[dataset] for dataset, _ in pairs]))

    def numbers(self, table: RoutingTable) -> np.ndarray:
        """Return the position of each question's subject, -1 for one that is not known."""
        keys = zip(self.datasets[self.dataset_of], self.names, strict=True)
        place = {key: i for i, key in enumerate(keys)}
        asked = zip(table.datasets, table.subjects, strict=True)
        return np.array([place.get(pair, -1) for pair in asked], dtype=int)


def subject_means(
    subjects: Subjects, table: RoutingTable, prior: float, weight: float
) -> FloatArray:
    """Return the mean score of each llm on each subject, pulled towards its mean on the dataset.

    Parameters
    ----------
    subjects : Subjects
    table : RoutingTable of m llms
        Questions of other subjects count for their dataset, if that is known.
    prior : float
        Pseudo-questions that pull a mean on a dataset towards the llm's overall mean.
    weight : float
        Pseudo-questions that pull a mean on a subject towards that on the dataset.

    Returns
    -------
    ndarray of shape (s, m)
    """
    coarse = dataset_means(subjects, table, prior)
    number = subjects.numbers(table)
    known = number >= 0
    departures = table.scores[known] - coarse[subjects.dataset_of[number[known]]]
    return coarse[subjects.dataset_of] + _pulled(
        departures, number[known], len(subjects.names), weight
    )


def dataset_means(subjects: Subjects, table: RoutingTable, prior: float) -> FloatArray:
    """Return the mean score of each llm on each dataset, shape (d, m)."""
    return shrunken_means(membership(subjects.datasets, table.datasets), table.scores, prior)


def best_weight(subjects: Subjects, table: RoutingTable, prior: float, seed: int) -> float:
    """Return the weight of ``WEIGHTS`` whose means predict best, on inner folds.

    Judged by the squared error of contrasts: how far an llm's score lies above the mean of all
    on the question, the only part that a choice depends on.

    Parameters
    ----------
    subjects : Subjects
    table : RoutingTable
    prior : float
    seed : int
        Of the folds.
    """
    number = subjects.numbers(table)
    departures = table.scores - dataset_means(subjects, table, prior)[subjects.dataset_of[number]]
    departures = contrasts(departures)
    fold = inner_folds(len(table), seed)
    errors = np.zeros(len(WEIGHTS))
    for k in np.unique(fold):
        rest, held_out = fold != k, fold == k
        for place, weight in enumerate(WEIGHTS):
            means = _pulled(departures[rest], number[rest], len(subjects.names), weight)
            errors[place] += np.nansum((departures[held_out] - means[number[held_out]]) ** 2)
    # of weights that err alike the largest: the dataset is the simpler account
    return WEIGHTS[int(np.flatnonzero(errors <= errors.min() * (1 + 1e-9))[-1])]


def _pulled(
    departures: FloatArray, number: np.ndarray, n_subjects: int, weight: float
) -> FloatArray:
    """Return the mean departure per subject and llm (s, m), pulled towards 0."""
    member = membership(np.arange(n_subjects), number)
    total = member @ np.nan_to_num(departures)
    count = member @ (~np.isnan(departures)).astype(np.float64)
    return total / (count + weight)
