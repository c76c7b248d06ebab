"""Allot a batch of questions: least cost at a promised score, or best score within a budget.

A decision layer over any predictor of scores and costs: pure functions of two matrices. Without
capacities the one-parameter rule of ``routers.pricing`` does nearly as well; for streams of
batches see ``routers.dual``.
"""

from __future__ import annotations

from numpy.typing import ArrayLike

from routers._batch import Allocation, InfeasibleError, prepare
from routers._programme import at_quality, within_budget
from routers._solve import solve
from routers.constraints import Real
from routers.table import Texts
from routers.validation import checked

__all__ = ["Allocation", "InfeasibleError", "best_within_budget", "cheapest_at_quality"]


@checked(min_score=Real())
def cheapest_at_quality(
    scores: ArrayLike,
    costs: ArrayLike,
    llms: Texts,
    min_score: float,
    capacity: ArrayLike | None = None,
) -> Allocation:
    """Allot a batch at the least predicted cost whose mean predicted score is promised.

    The integer programme ``min sum c_ij x_ij`` with one llm per question, mean score at least
    ``min_score`` and at most ``capacity_j`` questions per llm [1]_, by its linear relaxation: one
    exact price without capacities, HiGHS with them. A vertex of it splits at most m + 1 questions
    between llms; those are then allotted in whole, optimally with the rest held. That is always
    possible: with the other questions held, scores under capacities alone form a transportation
    problem, whose best vertex is whole and scores no less than the split. Hence both constraints
    hold, and the mean cost exceeds ``bound``, the relaxation's, by at most (m + 1) / n times the
    widest spread of cost between the llms of a question. Small batches are solved exactly.

    Parameters
    ----------
    scores, costs : array-like of shape (n, m)
        Predictions. An llm is never asked a question where either is NaN.
    llms : sequence of str, length m
        Names, which decide between llms that are alike whatever the order of the columns.
    min_score : float
        Promised mean of the predicted scores.
    capacity : number or array-like of shape (m,), optional
        Most questions each llm may take in this batch; ``inf`` for no limit.

    Returns
    -------
    Allocation

    Raises
    ------
    InfeasibleError
        If the mean score cannot be reached, naming what can; or the capacities are too small.
    ValueError
        If a question has no usable llm, or shapes differ.

    References
    ----------
    .. [1] Mei et al., "OmniRouter: Budget and Performance Controllable Multi-LLM Routing", 2025.

    Examples
    --------
    >>> scores, costs = [[0.9, 0.5], [0.6, 0.5]], [[4, 1], [4, 1]]
    >>> cheapest_at_quality(scores, costs, ["big", "small"], min_score=0.7).choice
    array([0, 1])
    """
    batch = prepare(scores, costs, llms, capacity)
    found, bound = solve(at_quality(batch, min_score))
    return batch.allocation(found, bound)


@checked(budget=Real())
def best_within_budget(
    scores: ArrayLike,
    costs: ArrayLike,
    llms: Texts,
    budget: float,
    capacity: ArrayLike | None = None,
) -> Allocation:
    """Allot a batch at the largest predicted score whose mean predicted cost is within a budget.

    :func:`cheapest_at_quality` with the roles of score and cost exchanged; the same guarantee
    holds with "spread of score".

    Parameters
    ----------
    scores, costs : array-like of shape (n, m)
    llms : sequence of str, length m
    budget : float
        Largest mean cost per question, in the unit of ``costs``.
    capacity : number or array-like of shape (m,), optional

    Returns
    -------
    Allocation

    Raises
    ------
    InfeasibleError
        If even the cheapest allocation costs more, naming what it costs.
    ValueError
        If a question has no usable llm, or shapes differ.
    """
    batch = prepare(scores, costs, llms, capacity)
    found, bound = solve(within_budget(batch, budget))
    return batch.allocation(found, -bound)
