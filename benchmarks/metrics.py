"""Figures from stored rows: scores, gaps, costs, and their intervals. Pure functions of arrays.

The rows are those of tests that every policy has a choice on (``benchmarks.comparable``). Every
policy (router, floor or bound) is a matrix of values, one row per seed and one column per
question, NaN where a seed did not test the question. The headline is the mean over datasets of the
mean within each (macro), over all seeds. Definitions: ``docs/metrics.md``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.bounds import FLOORS, corrected_oracle_score, route_observed
from routers.table import FloatArray

PolicyValues = Mapping[str, tuple[np.ndarray, np.ndarray]]  # score and cost of each question
POLICIES = ("router", "random", *FLOORS, "corrected_oracle", "oracle")


@dataclass(frozen=True)
class Panel:
    """Scores and costs of a router and of its floors and bounds, aligned by question.

    Attributes
    ----------
    datasets : ndarray of str, shape (n,)
    scores, costs : dict of policy to ndarray of shape (n_seeds, n)
        Policies are those of ``POLICIES``; NaN where not tested or not known.
    """

    datasets: np.ndarray
    scores: Mapping[str, FloatArray]
    costs: Mapping[str, FloatArray]


def panel(runs: list[pd.DataFrame]) -> Panel:
    """Align the rows of one router's runs (one per seed) by question.

    Parameters
    ----------
    runs : list of DataFrame
        ``Evaluation.rows`` of each seed.
    """
    labels = pd.concat(run.set_index("question_id")["dataset"] for run in runs)
    labels = labels[~labels.index.duplicated()].sort_index()
    places = [labels.index.get_indexer(run["question_id"]) for run in runs]
    found = [_policy_values(run) for run in runs]
    unknown = _unknown_policies(runs, found)

    def aligned(name: str, which: int) -> FloatArray:
        values = np.full((len(runs), len(labels)), np.nan)
        for row, place, policies in zip(values, places, found, strict=True):
            row[place] = np.nan if name in unknown else policies[name][which]
        return values

    return Panel(
        labels.to_numpy(dtype=object),
        {name: aligned(name, 0) for name in POLICIES},
        {name: aligned(name, 1) for name in POLICIES},
    )


def _unknown_policies(runs: list[pd.DataFrame], found: list[PolicyValues]) -> set[str]:
    """Return the policies of which nothing can be said.

    One that has no choice on some test would be averaged over other tests than those beside it;
    where no run knows the options of a question there is no luck to take out.
    """
    unknown = {
        name for name in POLICIES if any(np.isnan(policies[name][0]).any() for policies in found)
    }
    lucky = any((run["chance"] > 0).any() for run in runs)
    return unknown if lucky else unknown | {"corrected_oracle"}


def llm_names(rows: pd.DataFrame) -> list[str]:
    """Return the zoo of a run, in the order that its choices count in."""
    return [name.removeprefix("score/") for name in rows.columns if name.startswith("score/")]


def matrix(rows: pd.DataFrame, what: str) -> FloatArray:
    """Return ``what`` (score, cost, predicted_score, predicted_cost) as (n, m).

    Stored in single precision, averaged in double: else a router that asks the best single llm
    would not quite match it.
    """
    return rows[[f"{what}/{name}" for name in llm_names(rows)]].to_numpy(dtype=np.float64)


def eligible(rows: pd.DataFrame) -> np.ndarray:
    """Return which llms can answer which question, shape (n, m): all, unless it is said."""
    names = [f"eligible/{name}" for name in llm_names(rows)]
    able = [
        rows[name].to_numpy(dtype=bool) if name in rows else np.ones(len(rows), bool)
        for name in names
    ]
    return np.column_stack(able)


def chosen(values: FloatArray, choice: np.ndarray) -> np.ndarray:
    """Return the entry of the chosen llm of each row, NaN where the choice is -1."""
    return np.where(choice < 0, np.nan, values[np.arange(len(values)), choice])


def _policy_values(rows: pd.DataFrame) -> PolicyValues:
    """Score and cost per question of every policy."""
    score, cost = matrix(rows, "score"), matrix(rows, "cost")
    nothing = np.full(len(rows), np.nan)
    choice = rows["choice"].to_numpy()
    values = {"router": (chosen(score, choice), chosen(cost, choice))}
    for name in FLOORS:
        values[name] = (nothing, nothing)
        if f"choice/{name}" in rows:
            choice = rows[f"choice/{name}"].fillna(-1).to_numpy(dtype=int)
            values[name] = (chosen(score, choice), chosen(cost, choice))
    values["random"] = (rows["random_score"].to_numpy(), _cost_of_random(score, cost))
    values["oracle"] = (rows["oracle_score"].to_numpy(), rows["oracle_cost"].to_numpy())
    labels, chance = rows["dataset"].to_numpy(dtype=object), rows["chance"].to_numpy()
    values["corrected_oracle"] = (corrected_oracle_score(score, chance, labels), nothing)
    return values


def _cost_of_random(score: FloatArray, cost: FloatArray) -> np.ndarray:
    """Mean cost of the observed llms, NaN where one of them is unknown or there are none."""
    seen = ~np.isnan(score)
    total = np.where(seen, cost, 0).sum(axis=1)
    return np.divide(
        total, seen.sum(axis=1), out=np.full(len(total), np.nan), where=seen.any(axis=1)
    )


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
    gap = np.asarray(oracle - best_single, dtype=float)
    share = np.divide(router - best_single, gap, out=np.full(gap.shape, np.nan), where=gap > 1e-12)
    return share if share.ndim else float(share)


def bootstrap_macro(
    found: Panel, rng: np.random.Generator, n_replicates: int = 2000
) -> dict[str, np.ndarray]:
    """Draw replicates of every policy's macro score, paired.

    Questions are drawn with replacement within each dataset and seeds among the seeds; a
    replicate draws the same ones for all policies, so that differences between policies keep
    their pairing.

    Parameters
    ----------
    found : Panel
    rng : numpy Generator
    n_replicates : int, default=2000

    Returns
    -------
    dict of policy to ndarray of shape (n_replicates,)
    """
    n_seeds = len(found.scores["router"])
    seed_count = rng.multinomial(n_seeds, np.full(n_seeds, 1 / n_seeds), size=n_replicates)
    names = sorted(set(found.datasets))
    total = {policy: np.zeros(n_replicates) for policy in found.scores}
    for name in names:
        columns = np.flatnonzero(found.datasets == name)
        n = len(columns)
        count = rng.multinomial(n, np.full(n, 1 / n), size=n_replicates).astype(float)
        for policy, values in found.scores.items():
            part = values[:, columns]
            seen = ~np.isnan(part)
            above = (count @ np.where(seen, part, 0).T * seed_count).sum(axis=1)
            below = (count @ seen.T * seed_count).sum(axis=1)
            total[policy] += np.divide(
                above, below, out=np.full(n_replicates, np.nan), where=below > 0
            )
    return {policy: values / (len(names) or np.nan) for policy, values in total.items()}


def interval(replicates: np.ndarray, level: float = 0.95) -> tuple[float, float]:
    """Percentile interval of bootstrap replicates; NaN where more than a tenth are undefined."""
    defined = replicates[~np.isnan(replicates)]
    if len(defined) < 0.9 * len(replicates):
        return float("nan"), float("nan")
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


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
    labels = rows["dataset"].to_numpy(dtype=object)
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
    labels = rows["dataset"].to_numpy(dtype=object)
    scores, costs = matrix(rows, "score"), matrix(rows, "cost")
    points = []
    for j, name in enumerate(llm_names(runs[0])):
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
        For the bootstrap: the same questions are drawn for every router on the same table.
    curve : DataFrame, optional
        ``price_curve`` of the runs over their ``price_grid``, if it is at hand.
    """
    if curve is None:
        curve = price_curve(runs, price_grid(runs))
    found = panel(runs)
    replicates = bootstrap_macro(found, np.random.default_rng(seed))
    point = {name: macro_mean(values, found.datasets) for name, values in found.scores.items()}
    share = selection_share(runs)
    gaps = gap_closed(replicates["router"], replicates["best_single"], replicates["oracle"])
    low, high = interval(replicates["router"])
    gap_low, gap_high = interval(np.asarray(gaps))
    lift_low, lift_high = interval(replicates["router"] - replicates["recognised_dataset"])
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
        "gap_closed": gap_closed(point["router"], point["best_single"], point["oracle"]),
        "gap_low": gap_low,
        "gap_high": gap_high,
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
