"""What the network is taught: an llm's accuracy on questions of a kind, not one outcome.

A single outcome is mostly luck, and a network memorizes it. The mean over the questions of a
dataset or a subject is what a text can tell.
"""

from __future__ import annotations

import numpy as np

from routers._subjects import Subjects, best_weight, dataset_means, subject_means
from routers.table import FloatArray, RoutingTable

RUNGS = ("subject", "dataset", "outcome", "shuffled")


def targets(table: RoutingTable, rung: str, prior: float, seed: int) -> FloatArray:
    """Return what each llm is expected to score on each question, given its kind.

    Parameters
    ----------
    table : RoutingTable of n questions and m llms
    rung : {"subject", "dataset", "outcome", "shuffled"}
        What counts as a kind. A subject is pulled towards its dataset as far as inner folds say,
        all the way where it tells nothing. ``"shuffled"`` is a control: what is expected on the
        subject of another question.
    prior : float
        Pseudo-questions that pull an accuracy on a dataset towards the llm's overall accuracy.
    seed : int
        Of the inner folds, and of the shuffle.

    Returns
    -------
    ndarray of shape (n, m)
        In [0, 1]; NaN where the outcome was not observed for ``"outcome"``, else where no outcome
        of the llm on the dataset was.
    """
    if rung == "outcome":
        return table.scores
    subjects = Subjects.of(table)
    number = subjects.numbers(table)
    if rung == "dataset":
        found = dataset_means(subjects, table, prior)[subjects.dataset_of[number]]
    else:
        weight = best_weight(subjects, table, prior, seed)
        found = subject_means(subjects, table, prior, weight)[number]
    found = np.where(_met(table), found, np.nan)
    return np.random.default_rng(seed).permutation(found) if rung == "shuffled" else found


def _met(table: RoutingTable) -> np.ndarray:
    """Tell of which llm any outcome was observed on a question's dataset, shape (n, m)."""
    names, of_dataset = np.unique(table.datasets, return_inverse=True)
    seen = ~np.isnan(table.scores)
    return np.stack([seen[of_dataset == k].any(axis=0) for k in range(len(names))])[of_dataset]
