"""What the network is taught: an llm's accuracy on questions of this kind, not one outcome.

A single outcome is mostly luck, and a network memorizes it. The mean over the questions of a
dataset or a subject is what a text can tell.
"""

from __future__ import annotations

from routers._subjects import Subjects, best_weight, dataset_means, subject_means
from routers.table import FloatArray, RoutingTable

RUNGS = ("outcome", "dataset", "subject")


def targets(table: RoutingTable, rung: str, prior: float, seed: int) -> FloatArray:
    """Return what each llm is expected to score on each question, given its kind.

    Parameters
    ----------
    table : RoutingTable of n questions and m llms
    rung : {"outcome", "dataset", "subject"}
        What counts as a kind. A subject is pulled towards its dataset as far as inner folds say,
        all the way where it tells nothing.
    prior : float
        Pseudo-questions that pull an accuracy on a dataset towards the llm's overall accuracy.
    seed : int
        Of the inner folds.

    Returns
    -------
    ndarray of shape (n, m)
        In [0, 1]; NaN where not observed for ``"outcome"``, never else.
    """
    if rung == "outcome":
        return table.scores
    subjects = Subjects.of(table)
    number = subjects.numbers(table)
    if rung == "dataset":
        return dataset_means(subjects, table, prior)[subjects.dataset_of[number]]
    weight = best_weight(subjects, table, prior, seed)
    return subject_means(subjects, table, prior, weight)[number]
