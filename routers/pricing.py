"""One price for all questions of a batch that keeps a promised score or a budget.

Without capacities the allocation of a batch needs one number: at the right price the shared rule
``choose`` keeps the promise at the least cost among all prices.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from routers._batch import Batch, asked_too_much, prepare
from routers.choice import choose
from routers.constraints import Real
from routers.table import FloatArray, Texts
from routers.validation import checked

_PRECISION = 1e-10  # relative


@checked(min_score=Real())
def price_for_quality(scores: ArrayLike, costs: ArrayLike, llms: Texts, min_score: float) -> float:
    """Return the largest price at which the mean predicted score is still ``min_score``.

    As the price rises, score and cost can only fall. Where many questions have the very same
    predictions (a cluster's, say) they change their llm at one price, all together, and the score
    stays as far above the promise as that step is wide; ``routers.allocation`` can split them.

    Parameters
    ----------
    scores, costs : array-like of shape (n, m)
        Predictions; an llm is not asked where either is NaN.
    llms : sequence of str, length m
    min_score : float

    Returns
    -------
    float
        Score one gives up per unit of cost, for ``choose`` or ``Router.route``; where the
        promise does not bind, a price at which every question goes to its cheapest llm.

    Raises
    ------
    InfeasibleError
        If no price reaches the score, naming what price 0 reaches.
    """
    batch = prepare(scores, costs, llms)

    def kept(price: float) -> bool:
        return _mean(batch, batch.scores, price) >= min_score - 1e-9

    if not kept(0.0):
        raise asked_too_much("min_score", min_score, _mean(batch, batch.scores, 0.0), most=True)
    return _boundary(kept, _last_price(batch))[0]


@checked(budget=Real())
def price_for_budget(scores: ArrayLike, costs: ArrayLike, llms: Texts, budget: float) -> float:
    """Return the smallest price at which the mean predicted cost is within ``budget``.

    Parameters
    ----------
    scores, costs : array-like of shape (n, m)
    llms : sequence of str, length m
    budget : float
        Largest mean cost per question.

    Returns
    -------
    float

    Raises
    ------
    InfeasibleError
        If the cheapest llm of every question together cost more, naming what they cost.
    """
    batch = prepare(scores, costs, llms)

    def over(price: float) -> bool:
        return _mean(batch, batch.costs, price) > budget * (1 + 1e-9)

    last = _last_price(batch)
    if over(last):
        raise asked_too_much("budget", budget, _mean(batch, batch.costs, last), most=False)
    return _boundary(over, last)[1] if over(0.0) else 0.0


def _mean(batch: Batch, values: FloatArray, price: float) -> float:
    choice = choose(batch.scores, batch.costs, batch.llms, price)
    return float(values[np.arange(len(choice)), choice].mean())


def _last_price(batch: Batch) -> float:
    """Return a price at which every question goes to its cheapest llm."""
    extra = batch.costs - np.nanmin(batch.costs, axis=1, keepdims=True)
    extra = extra[extra > 0]
    spread = np.nanmax(batch.scores) - np.nanmin(batch.scores)
    return float(2 * spread / extra.min()) if len(extra) else 0.0


def _boundary(holds: Callable[[float], bool], last: float) -> tuple[float, float]:
    """Bisect ``holds``, true at low prices: the last price where it holds, the first where not."""
    if holds(last):
        return last, last
    low, high = 0.0, last
    while high - low > _PRECISION * high and high > _PRECISION**3 * last:
        # halve the logarithm while low is 0, where the first steps must span many magnitudes
        middle = (low + high) / 2 if low else high / 16
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low, high
