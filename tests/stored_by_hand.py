"""Rows as runs store them, written by hand: no router is fitted."""

import numpy as np
import pandas as pd

from benchmarks import metrics
from benchmarks.field.report import FIELD
from benchmarks.results import Results


def stored(llms, **columns):
    """Return stored rows; what is given as a matrix (n, m) becomes a column per llm."""
    frame = {}
    for name, given in columns.items():
        values = np.asarray(given)
        if values.ndim == 2:
            frame |= {f"{name}/{llm}": values[:, j] for j, llm in enumerate(llms)}
        else:
            frame[name.replace("choice_", "choice/")] = values
    return pd.DataFrame(frame)


# Scores and costs of two llms on five questions of two datasets.
DATASET = {"q1": "d", "q2": "d", "q3": "d", "q4": "e", "q5": "e"}
SCORE = {"q1": [1, 0], "q2": [0, 1], "q3": [0, 1], "q4": [1, 0], "q5": [0, 0.5]}
COST = {"d": [1, 4], "e": [2, 6]}


def asked(ids, **choices):
    """Return the rows of a seed: who chose what (0 or 1) on each of these questions."""
    score = np.array([SCORE[name] for name in ids], dtype=float)
    cost = np.array([COST[DATASET[name]] for name in ids], dtype=float)
    return stored(
        ["a", "b"],
        question_id=ids,
        dataset=[DATASET[name] for name in ids],
        chance=np.zeros(len(ids)),
        score=score,
        cost=cost,
        predicted_score=np.full(score.shape, 0.5),
        predicted_cost=cost,
        random_score=score.mean(axis=1),
        oracle_score=score.max(axis=1),
        oracle_cost=cost[np.arange(len(ids)), score.argmax(axis=1)],
        **choices,
    )


def two_seeds():
    """Return two runs of one router: the seeds test other questions, in another order."""
    first = asked(
        ["q3", "q1", "q4", "q2"],
        choice=[0, 0, 1, 1],
        choice_cheapest=[0, 0, 0, 0],
        choice_best_single=[0, 0, 0, 0],
        choice_recognised_dataset=[1, 1, 0, 1],
        choice_dataset_best=[1, 1, 1, 1],
    )
    second = asked(
        ["q2", "q1", "q5"],
        choice=[1, 1, 1],
        choice_cheapest=[0, 0, 0],
        choice_best_single=[1, 1, 1],
        choice_recognised_dataset=[0, 0, 0],
        choice_dataset_best=[1, 0, 1],
    )
    return [first, second]


def summary(runs, seed=0, points=None):
    """Return the figures of one router from its rows, a frame per seed."""
    return metrics.summary(Results(runs, points, seed=seed))


def field_figures(runs, points, unit="USD", pool=None):
    """Return the field's figures of one router."""
    return metrics.summary(Results(runs, points, pool, unit), FIELD)
