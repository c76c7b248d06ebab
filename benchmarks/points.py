"""Operating points: mean score and cost of a router at some prices, or of one llm always."""

from __future__ import annotations

import numpy as np
import pandas as pd

from benchmarks.scoring import Datasets, macro_mean, mean_cost
from benchmarks.stored_rows import llm_names, matrix


def llm_points(runs: list[pd.DataFrame]) -> pd.DataFrame:
    """Macro score and cost of asking each llm always: columns ``llm, score, cost``.

    NaN for an llm that was not observed on every question: its mean would be over other questions
    than that of the policies.
    """
    rows = pd.concat(runs)
    labels = Datasets(rows["dataset"].to_numpy())
    scores, costs = matrix(rows, "score"), matrix(rows, "cost")
    points = []
    for j, name in enumerate(llm_names(rows)):
        score, cost = scores[None, :, j], costs[None, :, j]
        point = (macro_mean(score, labels), mean_cost(cost, score, labels))
        points.append((name, *(point if not np.isnan(score).any() else (np.nan, np.nan))))
    return pd.DataFrame(points, columns=["llm", "score", "cost"])


def price_grid(runs: list[pd.DataFrame], steps: int = 25) -> np.ndarray:
    """Return prices from 0 to where only cost counts; just 0 where costs are not known.

    The grid is spread evenly in logarithm around one whole score point per difference between
    the dearest and the cheapest llm.
    """
    costs = matrix(pd.concat(runs), "cost")
    means = np.nanmean(costs[:, ~np.isnan(costs).all(axis=0)], axis=0)
    spread = np.ptp(means) if len(means) else 0.0
    if spread == 0:
        return np.zeros(1)
    return np.concatenate([[0.0], np.geomspace(1e-3, 1e2, steps) / spread])


def cost_to_match(points: pd.DataFrame, best_single: float, its_cost: float) -> float:
    """Return the least cost among operating points at no loss against the best single llm.

    NaN if no point matches it, or if nobody knows what it costs itself.

    Parameters
    ----------
    points : DataFrame with columns ``score, cost``
    best_single, its_cost : float
    """
    enough = points[points["score"] >= best_single - 1e-12]
    known = len(enough) and not np.isnan(its_cost)
    return float(enough["cost"].min()) if known else float("nan")
