"""LLMRouterBench: relative gains, cost saved, distance to the front, and questions few llms solve.

References
----------
LLMRouterBench, README and released code; where they leave an average or a normalisation open, the
docstring says what was taken.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from benchmarks.scoring import FloatArray

# A score from which a question counts as solved: RouterEval's threshold for fractional scores.
SOLVED = 0.95
# "Few llms solve it" is 3 of 20 in the source; the same share of any other zoo, at least one llm.
FEW = 3 / 20


def gain(score: ArrayLike, reference: ArrayLike) -> FloatArray:
    """Gain@R, Gain@B: relative improvement ``score / reference - 1``, 0 equals the reference.

    Whether the source averages ratios over datasets or takes the ratio of averages is not known;
    its own table reproduces neither to the digit. Given two means this is the ratio of means
    (what the leaderboard shows, of macro means); given one value per dataset, the mean of the
    result is the other variant.

    Parameters
    ----------
    score, reference : float or ndarray
        The reference is the mean llm (Gain@R) or the best single llm (Gain@B). NaN where it is 0.
    """
    above, below = np.broadcast_arrays(score, reference)
    return np.divide(above, below, out=np.full(below.shape, np.nan), where=below > 0) - 1


def gap_to_oracle(score: ArrayLike, oracle: ArrayLike) -> FloatArray:
    """Gap@O: relative distance to the oracle ``1 - score / oracle``; 0 is the oracle."""
    return -gain(score, oracle)


def performance_gain(scores: FloatArray, best_single: float) -> float:
    """PerfGain: largest relative gain over the best single llm among a router's operating points.

    As in the source the point is picked in hindsight, so it flatters routers with many points.

    Parameters
    ----------
    scores : ndarray of shape (k,)
        NaN is left out.
    best_single : float
    """
    known = scores[~np.isnan(scores)]
    return float(gain(known.max(), best_single)) if len(known) else float("nan")


def cost_saved(
    costs: FloatArray, scores: FloatArray, best_single_cost: float, best_single: float
) -> float:
    """CostSave: largest relative cut in cost among operating points at least as good.

    Parameters
    ----------
    costs, scores : ndarray of shape (k,)
        A router's operating points.
    best_single_cost, best_single : float

    Returns
    -------
    float at most 1
        Negative where matching the best single llm costs more than asking it; NaN where no
        operating point matches it, or costs are not known.
    """
    enough = costs[(scores >= best_single - 1e-12) & ~np.isnan(costs)]
    return float(-gain(enough.min(), best_single_cost)) if len(enough) else float("nan")


def distance_to_front(
    costs: FloatArray, scores: FloatArray, pool_costs: FloatArray, pool_scores: FloatArray
) -> float:
    """ParetoDist: mean distance of a method's points to the front of all methods, 0 is best.

    The source does not give its normalisation. Taken here: score and logarithm of cost are each
    scaled to [0, 1] over all pooled points, and the distance is the Euclidean one to the nearest
    *point* of the front.

    Parameters
    ----------
    costs, scores : ndarray of shape (k,)
        The method's points, costs above 0. Points with a NaN are left out.
    pool_costs, pool_scores : ndarray of shape (l,)
        Points of all methods compared, this one's among them.
    """
    pool = _known_points(pool_costs, pool_scores)
    points = _known_points(costs, scores)
    if not len(points) or not len(pool):
        return float("nan")
    between, span = points[:, None] - _front(pool)[None], np.ptp(pool, axis=0)
    between = np.divide(between, span, out=np.zeros_like(between), where=span > 0)
    return float(np.sqrt((between**2).sum(axis=2)).min(axis=1).mean())


def _known_points(costs: FloatArray, scores: FloatArray) -> FloatArray:
    """(k, 2) of log cost and score, without points that have a NaN or cost nothing."""
    known = ~(np.isnan(costs) | np.isnan(scores)) & (costs > 0)
    return np.column_stack([np.log(costs[known]), scores[known]])


def _front(points: FloatArray) -> FloatArray:
    """Points that no other beats in score at the same or a lower cost."""
    ordered = points[np.lexsort((-points[:, 1], points[:, 0]))]
    best_before = np.append(-np.inf, np.maximum.accumulate(ordered[:, 1])[:-1])
    return ordered[ordered[:, 1] > best_before]


def n_solvers(scores: FloatArray, solved_at: float = SOLVED) -> np.ndarray:
    """Count the llms that solve each question, shape (n,).

    Parameters
    ----------
    scores : ndarray of shape (n, m)
        NaN is not solved.
    solved_at : float, default=0.95
        Least score that counts as solved. Only this count is binary; scores stay as they are.
    """
    return (scores.astype(np.float32) >= np.float32(solved_at)).sum(axis=1)  # as they are kept


def score_by_solvers(
    values: FloatArray, scores: FloatArray, solved_at: float = SOLVED
) -> tuple[FloatArray, np.ndarray]:
    """Mean score of a router by the number of llms that solve the question.

    Routers that recall the strong llms only are right where many are and fail where few are.

    Parameters
    ----------
    values : ndarray of shape (n,)
        The router's score on each question.
    scores : ndarray of shape (n, m)
        The score of every llm.
    solved_at : float, default=0.95

    Returns
    -------
    means : ndarray of shape (m + 1,)
        Entry ``k``: questions that ``k`` llms solve; NaN where there are none.
    counts : ndarray of int, shape (m + 1,)
    """
    solvers = n_solvers(scores, solved_at)
    counted = ~np.isnan(values)
    size = scores.shape[1] + 1
    counts = np.bincount(solvers[counted], minlength=size)
    total = np.bincount(solvers[counted], weights=values[counted], minlength=size)
    return np.divide(total, counts, out=np.full(size, np.nan), where=counts > 0), counts


def few_solvers(n_llms: int) -> int:
    """Largest number of llms that counts as few: 3 of 20, the same share of other zoos."""
    return max(1, round(FEW * n_llms))


def score_where_few_solve(
    values: FloatArray, scores: FloatArray, solved_at: float = SOLVED
) -> tuple[float, float]:
    """Return the mean score where some but few llms solve the question, and the share of those.

    One less the first figure is the source's failure to recall the llm that can. It is NaN where
    few solve none, the share where there is no question at all.
    """
    means, counts = score_by_solvers(values, scores, solved_at)
    few = slice(1, few_solvers(scores.shape[1]) + 1)
    n, of = counts[few].sum(), counts.sum()
    score = float(np.nansum(means[few] * counts[few]) / n) if n else float("nan")
    return score, float(n / of) if of else float("nan")
