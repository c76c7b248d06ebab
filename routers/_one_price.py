"""An allocation without capacities: one price on the weight settles all questions but one."""

from __future__ import annotations

import numpy as np

from routers._programme import Programme
from routers._repair import spend
from routers.choice import choose

_EQUAL = 1e-12  # of what a sum is made of: below that it does not tell from rounding


def by_one_price(problem: Programme) -> tuple[np.ndarray, float, float]:
    """Return a choice per question, the relaxation's least mean objective, and the price.

    Without capacities the relaxation is a knapsack with one item of each question [1]_. Its dual
    has one variable, the price of weight, and is concave and made of straight pieces. Two
    allocations, one within the limit and one beyond, are two of them; where they meet the best
    allocation is asked for, until it is no better than they are. What the limit then leaves over
    is spent move by move, on the most objective per weight first: the mean objective is above the
    bound by what one question can matter, at most.

    Parameters
    ----------
    problem : Programme
        Its capacities are not looked at.

    Returns
    -------
    choice : ndarray of int, shape (n,)
    bound : float
        Exact.
    price : float
        What a unit of weight is worth, in units of the objective; 0 if the limit does not bind.

    Raises
    ------
    InfeasibleError

    References
    ----------
    .. [1] Sinha and Zoltners, "The multiple-choice knapsack problem", Operations Research 1979.
    """
    objective, weight, n = problem.objective, problem.weight, len(problem.objective)
    most = problem.limit * n + problem.slack
    # where the limit does not bind there is nothing to trade, and ties are decided as everywhere
    beyond = choose(-objective, weight, problem.llms)
    if problem.totals(beyond)[1] <= most:
        return beyond, problem.totals(beyond)[0] / n, 0.0
    within = choose(-weight, objective, problem.llms)
    if problem.totals(within)[1] > most:
        raise problem.infeasible(problem.totals(within)[1] / n)
    while True:
        (paid, used), (least, too_much) = problem.totals(within), problem.totals(beyond)
        price = (paid - least) / (too_much - used)
        meeting = paid + price * used
        choice = choose(-(objective + price * weight), weight, problem.llms)
        total, load = problem.totals(choice)
        if total + price * load >= meeting - _EQUAL * (abs(paid) + abs(price * used)):
            bound = (meeting - price * most) / n
            return spend(problem, within), bound, price
        if load <= most:
            within = choice
        else:
            beyond = choice
