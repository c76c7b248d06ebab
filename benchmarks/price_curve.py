"""What a router scores and costs over prices: its choices made anew from what it predicted."""

from __future__ import annotations

import numpy as np
import pandas as pd

from benchmarks.bounds import route_observed
from benchmarks.points import price_grid
from benchmarks.scoring import Datasets, chosen, macro_mean, mean_cost
from benchmarks.stored_rows import llm_names, matrix


def operating_points(runs: list[pd.DataFrame]) -> pd.DataFrame:
    """Return the :func:`price_curve` of a router's runs over their own grid of prices."""
    return price_curve(runs, price_grid(runs))


def price_curve(runs: list[pd.DataFrame], prices: np.ndarray) -> pd.DataFrame:
    """Macro score and cost over a grid of prices, from the stored predictions.

    Both are NaN at a price at which some question has no choice, for the cost of all llms that
    were observed on it is not known to the router; the cost is NaN, too, unless that of every
    choice is known.

    Parameters
    ----------
    runs : list of DataFrame
    prices : ndarray
        Score one gives up per unit of cost.

    Returns
    -------
    DataFrame with columns ``price, score, cost``
    """
    rows = pd.concat(runs)
    labels = Datasets(rows["dataset"].to_numpy())
    predicted, expected = matrix(rows, "predicted_score"), matrix(rows, "predicted_cost")
    score, cost = matrix(rows, "score"), matrix(rows, "cost")
    llms = llm_names(rows)
    points = []
    for price in prices:
        choice = route_observed(predicted, expected, score, llms, price)
        choice = choice if (choice >= 0).all() else np.full(len(choice), -1)
        reached, paid = (chosen(values, choice)[None] for values in (score, cost))
        points.append((price, macro_mean(reached, labels), mean_cost(paid, reached, labels)))
    return pd.DataFrame(points, columns=["price", "score", "cost"])
