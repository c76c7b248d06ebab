"""RouterArena: accuracy and cost in one score, robustness of choices, optimality.

References
----------
RouterArena, README and released code.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmarks.scoring import FloatArray

CHEAPEST, DEAREST = 0.0044, 200.0  # USD per 1,000 questions
BETA = 0.1


def arena_score(accuracy: float, cost: float, beta: float = BETA) -> float:
    """S: weighted harmonic mean of accuracy and cheapness, in [0, 1], higher is better.

    ``(1 + beta) A C / (beta A + C)`` with C falling in the logarithm of cost from 1 at 0.0044 USD
    to 0 at 200 USD; with the source's beta of 0.1 it mostly follows accuracy. The source's formula
    leaves [0, 1] outside that range of costs; here such a cost counts as the range's end.

    Parameters
    ----------
    accuracy : float in [0, 1]
    cost : float
        USD per 1,000 questions; NaN if not known.
    beta : float, default=0.1
    """
    if np.isnan(cost):
        return float("nan")
    cheapness = np.log(DEAREST / np.clip(cost, CHEAPEST, DEAREST)) / np.log(DEAREST / CHEAPEST)
    below = beta * accuracy + cheapness
    return float((1 + beta) * accuracy * cheapness / below) if below > 0 else 0.0


def robustness(choice: Sequence[str] | np.ndarray, perturbed: Sequence[str] | np.ndarray) -> float:
    """Share of questions whose choice stays when the question is reworded, in [0, 1].

    Parameters
    ----------
    choice, perturbed : sequence of str, length n
        Name of the llm chosen for each question and for its rewording: names, so that the order
        of a zoo cannot matter. '' (nothing chosen) on either side leaves the question out.
    """
    before, after = np.asarray(choice), np.asarray(perturbed)
    matched = (before != "") & (after != "")
    return float((before == after)[matched].mean()) if matched.any() else float("nan")


def optimality(choice: np.ndarray, scores: FloatArray, costs: FloatArray) -> dict[str, float]:
    """Compare choices with the cheapest llm that is fully right, on solvable questions only.

    The released code leaves out the questions on which the router was not right, and so its
    optimal accuracy is always 1. Here a question counts if some llm scores 1 on it, whatever the
    router did.

    Parameters
    ----------
    choice : ndarray of int, shape (n,)
        -1 is a miss.
    scores, costs : ndarray of shape (n, m)

    Returns
    -------
    dict
        ``choice``: share of the questions sent to a cheapest right llm; ``cost``: cost of always
        doing so over the router's cost; ``score``: the router's mean score, where doing so has 1.
        The first two are NaN if a cost that they need is not known; all are if nothing is solvable.
    """
    solvable = (scores == 1).any(axis=1)
    choice, scores, costs = choice[solvable], scores[solvable], costs[solvable]
    if not len(choice):
        return dict.fromkeys(("choice", "cost", "score"), float("nan"))
    right, sent, rows = scores == 1, choice >= 0, np.arange(len(choice))
    least = np.where(right, costs, np.inf).min(axis=1)  # NaN if a right llm's cost is not known
    hit = sent & right[rows, choice] & (costs[rows, choice] == least)
    paid = np.where(sent, costs[rows, choice], 0.0).sum()
    return {
        "choice": float(np.where(np.isnan(least), np.nan, hit).mean()),
        "cost": float(least.sum() / paid) if paid > 0 else float("nan"),
        "score": float(np.where(sent, np.nan_to_num(scores[rows, choice]), 0.0).mean()),
    }
