"""Figures from stored rows: scores, gaps and costs. Pure functions of arrays.

The rows are those of tests that every policy has a choice on (``benchmarks.comparable``). Every
policy (router, floor or bound) is a matrix of values, one row per seed and one column per
question, NaN where a seed did not test the question. The headline is the mean over datasets of the
mean within each (macro), over all seeds. Definitions: ``docs/metrics.md``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.bounds import route_observed
from benchmarks.intervals import bootstrap_macro, interval
from benchmarks.stored_rows import Panel, chosen, equals_by_luck, llm_names, matrix, panel
from routers.table import FloatArray


def macro_mean(values: FloatArray, datasets: np.ndarray) -> float:
    """Mean over datasets of the mean within each, in [0, 1] for scores, higher is better.

    Parameters
    ----------
    values : ndarray of shape (n_seeds, n)
        NaN is left out; a dataset without any value is left out; NaN if nothing is left.
    datasets : ndarray of str, shape (n,)
    """
    means = list(dataset_means(values, datasets).values())
    means = [mean for mean in means if not np.isnan(mean)]
    return float(np.mean(means)) if means else float("nan")


def mean_cost(costs: FloatArray, scores: FloatArray, datasets: np.ndarray) -> float:
    """Macro mean of what choices cost; NaN unless the cost of every scored choice is known.

    A mean over the known costs would make whoever chooses the unknown ones look cheap.

    Parameters
    ----------
    costs, scores : ndarray of shape (n_seeds, n)
        Of what was chosen; a score is NaN where nothing was.
    datasets : ndarray of str, shape (n,)
    """
    known = not (np.isnan(costs) & ~np.isnan(scores)).any()
    return macro_mean(costs, datasets) if known else float("nan")


def dataset_means(values: FloatArray, datasets: np.ndarray) -> dict[str, float]:
    """Mean within each dataset, NaN where it has no value."""
    found = {}
    group, names = pd.factorize(datasets, sort=True)
    for place, name in enumerate(names):
        part = values[:, group == place]
        found[str(name)] = _nanmean(part)
    return found


def _nanmean(values: FloatArray) -> float:
    """Mean of what is not NaN, NaN if nothing is."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else float("nan")


def gap_closed(router: Any, best_single: Any, oracle: Any) -> Any:
    """``(router - best single) / (oracle - best single)``: 0 the best single llm, 1 the oracle.

    Negative below the best single llm; NaN where the two references coincide (there is no gap to
    close). Works on arrays of replicates alike.

    References
    ----------
    Lindauer, van Rijn and Kotthoff, "The algorithm selection competitions 2015 and 2017", 2019.
    """
    gap = np.asarray(oracle - best_single)
    share = np.divide(router - best_single, gap, out=np.full(gap.shape, np.nan), where=gap > 1e-12)
    return share if share.ndim else float(share)


def selection_share(runs: list[pd.DataFrame]) -> dict[str, float]:
    """Share of questions sent to each llm, over all seeds; NaN if nothing could be sent."""
    names = llm_names(runs[0])
    choice = np.concatenate([run["choice"].to_numpy() for run in runs])
    count = np.bincount(choice[choice >= 0], minlength=len(names))
    share = count / (count.sum() or np.nan)
    return dict(zip(names, share.tolist(), strict=True))


def selection_entropy(share: Mapping[str, float]) -> float:
    """Entropy of the selection shares in bits: 0 (always the same llm) to log2 m (all alike).

    NaN if a share is.
    """
    p = np.array([value for value in share.values() if value != 0])
    return float(abs((p * np.log2(p)).sum()))


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
    labels = rows["dataset"].to_numpy()
    predicted, expected = matrix(rows, "predicted_score"), matrix(rows, "predicted_cost")
    score, cost = matrix(rows, "score"), matrix(rows, "cost")
    points = []
    for price in prices:
        choice = route_observed(predicted, expected, score, llm_names(rows), price)
        choice = choice if (choice >= 0).all() else np.full(len(choice), -1)
        reached, paid = (chosen(values, choice)[None] for values in (score, cost))
        points.append((price, macro_mean(reached, labels), mean_cost(paid, reached, labels)))
    return pd.DataFrame(points, columns=["price", "score", "cost"])


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


def llm_points(runs: list[pd.DataFrame]) -> pd.DataFrame:
    """Macro score and cost of asking each llm always: columns ``llm, score, cost``.

    NaN for an llm that was not observed on every question: its mean would be over other questions
    than that of the policies.
    """
    rows = pd.concat(runs)
    labels = rows["dataset"].to_numpy()
    scores, costs = matrix(rows, "score"), matrix(rows, "cost")
    points = []
    for j, name in enumerate(llm_names(rows)):
        score, cost = scores[None, :, j], costs[None, :, j]
        point = (macro_mean(score, labels), mean_cost(cost, score, labels))
        points.append((name, *(point if not np.isnan(score).any() else (np.nan, np.nan))))
    return pd.DataFrame(points, columns=["llm", "score", "cost"])


def summary(
    runs: list[pd.DataFrame], seed: int = 0, curve: pd.DataFrame | None = None
) -> dict[str, object]:
    """Return one leaderboard row's figures from a router's runs, one run per seed.

    Parameters
    ----------
    runs : list of DataFrame
    seed : int, default=0
        For the replicates that the intervals are read off.
    curve : DataFrame, optional
        ``price_curve`` of the runs over their ``price_grid``, if it is at hand.
    """
    if curve is None:
        curve = price_curve(runs, price_grid(runs))
    found = panel(runs)
    replicates = bootstrap_macro(found, np.random.default_rng(seed))
    point = {name: macro_mean(values, found.datasets) for name, values in found.scores.items()}
    share = selection_share(runs)
    gap = gap_closed(point["router"], point["best_single"], point["oracle"])
    gaps = gap_closed(replicates["router"], replicates["best_single"], replicates["oracle"])
    if not np.isnan(gap):  # who scores as the best single llm does closes none of it, however wide
        gaps = np.where(replicates["router"] == replicates["best_single"], 0.0, gaps)
    leads = replicates["router"] - replicates["best_single"]
    lifts = replicates["router"] - replicates["recognised_dataset"]
    low, high = interval(replicates["router"], within=(0, 1))
    bound = (-np.inf, 1)  # none beats the oracle
    gap_low, gap_high = _interval_against("best_single", runs, gaps, bound)
    lead_low, lead_high = _interval_against("best_single", runs, leads)
    lift_low, lift_high = _interval_against("recognised_dataset", runs, lifts)
    cost = {
        name: mean_cost(values, found.scores[name], found.datasets)
        for name, values in found.costs.items()
    }
    return {
        "n_seeds": len(runs),
        "n_questions": len(found.datasets),
        "n_llms": len(share),
        "macro_score": point["router"],
        "macro_low": low,
        "macro_high": high,
        "micro_score": _nanmean(found.scores["router"]),
        "gap_closed": gap,
        "gap_low": gap_low,
        "gap_high": gap_high,
        "lead_best_single": point["router"] - point["best_single"],
        "lead_low": lead_low,
        "lead_high": lead_high,
        "lift_recognised": point["router"] - point["recognised_dataset"],
        "lift_low": lift_low,
        "lift_high": lift_high,
        "regret": point["oracle"] - point["router"],
        "cost": cost["router"],
        "cost_known": _known_share(found),
        **{
            f"cost_{name}": value
            for name, value in cost.items()
            if name not in ("router", "corrected_oracle")
        },
        "cost_to_match_best_single": _cost_to_match(curve, point["best_single"], cost),
        "selection_entropy": selection_entropy(share),
        "largest_share": max(share.values()),
        **{name: value for name, value in point.items() if name != "router"},
        **{
            f"score_{name}": value
            for name, value in dataset_means(found.scores["router"], found.datasets).items()
        },
    }


def _interval_against(
    floor: str,
    runs: list[pd.DataFrame],
    replicates: np.ndarray,
    within: tuple[float, float] = (-np.inf, np.inf),
) -> tuple[float, float]:
    """Return the interval of a difference to a floor; unknown where luck alone made them equal."""
    if equals_by_luck(runs, floor):
        return float("nan"), float("nan")
    return interval(replicates, within=within)


def _known_share(found: Panel) -> float:
    """Share of the router's scored choices whose cost is known, NaN if there are none."""
    scored = ~np.isnan(found.scores["router"])
    known = scored & ~np.isnan(found.costs["router"])
    return float(known.sum() / (scored.sum() or np.nan))


def _cost_to_match(curve: pd.DataFrame, best_single: float, cost: Mapping[str, float]) -> float:
    """Return the least cost over the price grid at no loss against the best single llm.

    NaN if no point of the grid matches it, or if nobody knows what it costs itself.
    """
    enough = curve[curve["score"] >= best_single - 1e-12]
    known = len(enough) and not np.isnan(cost["best_single"])
    return float(enough["cost"].min()) if known else float("nan")
