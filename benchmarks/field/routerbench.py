"""RouterBench: the hull of cost-quality points, its mean height (AIQ), and the zero router.

A mixture of two operating points, drawn per question, reaches every point of the chord between
them; hence the concave hull. Dearer must not be worse, hence non-decreasing.

References
----------
Hu et al., "RouterBench: A Benchmark for Multi-LLM Routing System", 2024, and its released code.
"""

from __future__ import annotations

import numpy as np

from benchmarks.scoring import FloatArray


def hull(costs: FloatArray, scores: FloatArray) -> FloatArray:
    """Return the non-decreasing concave hull of cost-quality points.

    Upper envelope by monotone chain, then what lies beyond its peak is dropped: more money buys
    at least the peak.

    Parameters
    ----------
    costs, scores : ndarray of shape (k,)
        Mean cost and mean score of each operating point; points with a NaN are left out.

    Returns
    -------
    ndarray of shape (h, 2)
        Vertices (cost, score), both strictly increasing; the last one has the largest score.
    """
    points = np.column_stack([costs, scores]).astype(np.float64)
    points = points[~np.isnan(points).any(axis=1)]
    points = points[np.lexsort((-points[:, 1], points[:, 0]))]  # best first among equal costs
    chain: list[np.ndarray] = []
    for point in points:
        if chain and point[1] <= chain[-1][1]:
            continue  # dearer and no better than what is there
        while len(chain) > 1 and _under_chord(chain[-2], chain[-1], point):
            chain.pop()
        chain.append(point)
    return np.array(chain).reshape(-1, 2)


def _under_chord(left: np.ndarray, middle: np.ndarray, right: np.ndarray) -> bool:
    """Tell whether ``middle`` lies on or under the chord from ``left`` to ``right``."""
    rise, run = middle[1] - left[1], middle[0] - left[0]
    return bool(rise * (right[0] - left[0]) <= (right[1] - left[1]) * run)


def score_at(vertices: FloatArray, cost: float) -> float:
    """Return the hull's score at a cost: flat right of its last vertex, 0 left of its first."""
    if not len(vertices):
        return float("nan")
    return float(np.interp(cost, vertices[:, 0], vertices[:, 1], left=0.0))


def aiq(vertices: FloatArray, cheapest: float, dearest: float) -> float:
    """AIQ, paper form: mean height of the hull over a cost range, in [0, 1], higher is better.

    ``1 / (c_max - c_min)`` times the area from c_min to c_max. Routers are comparable only over
    one common range. The hull is extended flat to the right and credited nothing left of its
    first vertex: there the router has no operating point. A constant score ``q`` has AIQ ``q``.

    Parameters
    ----------
    vertices : ndarray of shape (h, 2)
        From ``hull``.
    cheapest, dearest : float
        The range, the same for every router compared; where both are equal, the score there.

    References
    ----------
    Hu et al., "RouterBench: A Benchmark for Multi-LLM Routing System", 2024, as cited by later
    work.
    """
    if not len(vertices) or not cheapest <= dearest:
        return float("nan")
    if cheapest == dearest:
        return score_at(vertices, cheapest)
    return _area(vertices, cheapest, dearest) / (dearest - cheapest)


def aiq_released(vertices: FloatArray, dearest: float) -> float:
    """AIQ as the released code computes it: area from the hull's first vertex over ``c_max``.

    It equals the paper's form over [0, c_max]; a router of constant score ``q`` that costs
    anything gets less than ``q``, and a dear router is charged for what lies left of it.

    Parameters
    ----------
    vertices : ndarray of shape (h, 2)
        From ``hull``.
    dearest : float
        Largest cost among the routers compared.
    """
    return aiq(vertices, 0.0, dearest) if dearest > 0 else float("nan")


def _area(vertices: FloatArray, low: float, high: float) -> float:
    """Area under the hull from ``low`` to ``high``, nothing left of its first vertex."""
    at = np.clip(np.append(vertices[:, 0], high), low, high)
    return float(np.trapezoid(np.interp(at, vertices[:, 0], vertices[:, 1]), at))


def aiq_over_zero(
    costs: FloatArray, scores: FloatArray, llm_costs: FloatArray, llm_scores: FloatArray
) -> tuple[float, float]:
    """Return a router's AIQ, and the zero router's, over the range of the single llms' costs.

    The zero router reads no question: it is the hull of the single llms, a random mixture of two
    neighbours. Only what a router has above it came from reading. Its vertices are picked on the
    test questions, which makes it a demanding floor.

    Parameters
    ----------
    costs, scores : ndarray of shape (k,)
        The router's operating points.
    llm_costs, llm_scores : ndarray of shape (m,)
        One point per llm, always asked. If any cost is NaN both figures are: a zoo whose costs
        are partly unknown has no range.
    """
    span = float(llm_costs.min()), float(llm_costs.max())
    return aiq(hull(costs, scores), *span), aiq(hull(llm_costs, llm_scores), *span)
