"""The numbers that figures show, worked out from the leaderboard and the compared rows.

What draws them only draws: every difference, interval, share and front is made here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmarks.comparison import Comparison
from benchmarks.headline import selection_share
from benchmarks.metrics import ordered
from benchmarks.paired import Paired
from benchmarks.points import llm_points
from benchmarks.price_curve import operating_points
from benchmarks.scoring import dataset_means, macro_mean
from benchmarks.stored_rows import Panel, panel

REFERENCES = {
    "dataset_best": "told the dataset",
    "corrected_oracle": "oracle without luck",
    "oracle": "oracle",
}
ALL = "all datasets"
_NAMED = 3  # routers of the front that are named in the cost figure
_ALWAYS_NAMED = "recognised_dataset"  # what the others are held against
_NAMED_LLMS = 8  # llms that have a color of their own in the selection figure


def leads(board: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return what each router leads the best single llm and recognized dataset by.

    Parameters
    ----------
    board : DataFrame
        Rows of one comparison, see :func:`benchmarks.leaderboard.leaderboard`.

    Returns
    -------
    rows : DataFrame
        One per router, best macro score first: ``router``, ``label`` (which says its seeds if most
        routers have others), ``macro_score``; ``lead`` and ``lift``, the paired differences to the
        best single llm and to recognized dataset, each with ``_low`` and ``_high``.
    references : DataFrame, index title
        ``lead`` and ``lift`` of what is told the dataset and of the oracles, for the seeds of a
        router that has most; those that are known.
    """
    rows = _ordered(board)
    usual = rows["seeds"].mode()[0]
    found = rows[["router", "macro_score"]].assign(
        label=rows["router"], lead=rows["lead_best_single"]
    )
    others = rows["seeds"] != usual
    found.loc[others, "label"] += rows.loc[others, "seeds"].map(" (seed {})".format)
    found["lift"] = rows["lift_recognised"]
    ends = [f"{name}_{end}" for name in ("lead", "lift") for end in ("low", "high")]
    found[ends] = rows[ends]
    first = rows.iloc[int(rows["n_seeds"].argmax())]
    score = first[list(REFERENCES)].astype(float).rename(REFERENCES).dropna()
    references = pd.DataFrame(
        {"lead": score - first["best_single"], "lift": score - first["recognised_dataset"]}
    )
    return found, references


def _ordered(board: pd.DataFrame) -> pd.DataFrame:
    return ordered(board).reset_index(drop=True)


@dataclass(frozen=True)
class Costs:
    """What scores cost.

    Attributes
    ----------
    curves : DataFrame with columns ``router, cost, score``
        The points of a router over the price grid that none of its own beats at the same or a
        lower cost.
    defaults : DataFrame, index router, columns ``cost, score``
        Where cost does not count (price 0), if that is known.
    llms : DataFrame with columns ``llm, cost, score``
        What asking one llm always gives, where it is known.
    front : DataFrame with columns ``cost, score``
        Points of routers and llms that none beats at the same or a lower cost.
    named : list of str
        The routers that matter: who has the front's best point, those without which it would lose
        most, and recognized dataset.
    """

    curves: pd.DataFrame
    defaults: pd.DataFrame
    llms: pd.DataFrame
    front: pd.DataFrame
    named: list[str]


def costs(found: Comparison) -> Costs:
    """Return what scores cost in a comparison."""
    curves, defaults = [], {}
    for label, rows in sorted(by_label(found).items()):
        points = operating_points(rows)[["cost", "score"]]
        curves.append(pareto_front(points.dropna()).assign(router=label))
        defaults[label] = points.iloc[0]
    every = pd.concat(curves, ignore_index=True)
    llms = llm_points(most_seeds(found)).dropna()
    points = pd.concat([llms[["cost", "score"]].assign(router=""), every], ignore_index=True)
    default = pd.DataFrame.from_dict(defaults, orient="index").dropna()
    front = pareto_front(points)
    return Costs(every, default, llms, front[["cost", "score"]], _named(points, front))


def _named(points: pd.DataFrame, front: pd.DataFrame) -> list[str]:
    """Return the routers that matter for a front, that of the best point first."""
    on_front = front.loc[front["router"] != "", "router"]
    dear = points["cost"].max()
    without = {
        router: _area(points[points["router"] != router], dear) for router in sorted(set(on_front))
    }
    most = sorted(without, key=lambda router: without[router])
    named = list(dict.fromkeys([*on_front.tail(1), *most]))[:_NAMED]
    if _ALWAYS_NAMED in set(points["router"]) and _ALWAYS_NAMED not in named:
        named.append(_ALWAYS_NAMED)
    return named


def _area(points: pd.DataFrame, dear: float) -> float:
    """Return the area below the front of points, over the logarithm of cost up to the dearest."""
    front = pareto_front(points)
    cost = np.append(front["cost"], dear)
    above = cost[cost > 0]
    if not len(above):
        return 0.0
    widths = np.diff(np.log(cost.clip(min=above.min())))
    return float((front["score"] * widths).sum())


def pareto_front(points: pd.DataFrame) -> pd.DataFrame:
    """Return the points that no other beats in score at the same or a lower cost.

    Parameters
    ----------
    points : DataFrame with columns ``cost, score``
    """
    ordered = points.sort_values(["cost", "score"], ascending=[True, False], kind="stable")
    best_before = ordered["score"].cummax().shift(fill_value=-np.inf)
    return ordered[ordered["score"] > best_before]


@dataclass(frozen=True)
class DatasetDifferences:
    """How routers do on each dataset against the llm that is best there, told the dataset.

    Attributes
    ----------
    values : DataFrame, index router, columns datasets
        Difference of the mean scores, over the router's own seeds; the column ``ALL`` comes first
        and is the mean over datasets.
    clear : DataFrame of bool, of the same shape
        Whether the 95% interval of that cell, taken alone, leaves out 0.
    reference : Series, index as the columns
        Mean score of the reference, for the seeds of a router that has most.
    """

    values: pd.DataFrame
    clear: pd.DataFrame
    reference: pd.Series


def dataset_differences(board: pd.DataFrame, found: Comparison) -> DatasetDifferences:
    """Return how routers do on each dataset, best macro score first.

    The reference is not the best single llm, against which every recognizer gains on every dataset
    that another llm is best on: against who is told the dataset, a gain is something that a router
    read in the questions, and a loss what it misread.
    """
    frames, values, clear = by_label(found), {}, {}
    for router in _ordered(board)["router"]:
        panels = panel(frames[router])
        values[router], clear[router] = _differences(panels)
    reference = panel(most_seeds(found))
    told = reference.scores["dataset_best"]
    means = {ALL: macro_mean(told, reference.datasets)}
    return DatasetDifferences(
        pd.DataFrame.from_dict(values, orient="index"),
        pd.DataFrame.from_dict(clear, orient="index"),
        pd.Series(means | dataset_means(told, reference.datasets)),
    )


def _differences(panels: Panel) -> tuple[dict[str, float], dict[str, bool]]:
    """Return a router's difference to the reference over all datasets and on each of them."""
    values, clear = {}, {}
    for name in [ALL, *np.unique(panels.datasets)]:
        here = (panels.datasets == name) | (name == ALL)
        scores = {policy: panels.scores[policy][:, here] for policy in ("router", "dataset_best")}
        groups = None if panels.groups is None else panels.groups[here]
        part = Panel(panels.datasets[here], scores, {}, groups)
        values[str(name)], low, high = Paired(part).lead("router", over="dataset_best")
        clear[str(name)] = low > 0 or high < 0
    return values, clear


def selection_shares(board: pd.DataFrame, found: Comparison) -> pd.DataFrame:
    """Return the share of questions that each router sends to each llm.

    Returns
    -------
    DataFrame, index router (best macro score first)
        A column for each llm, those that most is sent to first; where there are many, what the
        rest gets is summed in a last one, such as ``"4 others"``.
    """
    frames = by_label(found)
    shares = pd.DataFrame(
        {router: selection_share(frames[router]) for router in _ordered(board)["router"]}
    ).T
    order = shares.mean().sort_index().sort_values(ascending=False, kind="stable").index
    shares = shares[order]
    if len(order) <= _NAMED_LLMS:
        return shares
    rest = shares.iloc[:, _NAMED_LLMS:]
    title = f"{rest.shape[1]} other{'s' * (rest.shape[1] > 1)}"
    return pd.concat(
        [shares.iloc[:, :_NAMED_LLMS], rest.sum(axis=1, skipna=False).rename(title)], axis=1
    )


def calibration_errors(board: pd.DataFrame, per_llm: pd.DataFrame) -> dict[str, np.ndarray]:
    """Return each router's calibration errors, one per llm that has any; best macro score first.

    Parameters
    ----------
    board : DataFrame
    per_llm : DataFrame
        See :func:`benchmarks.leaderboard.calibration_table`.
    """
    known = per_llm.dropna(subset="calibration_error")
    return {
        router: known.loc[known["router"] == router, "calibration_error"].to_numpy()
        for router in _ordered(board)["router"]
    }


def by_label(found: Comparison) -> dict[str, list[pd.DataFrame]]:
    """Return the compared rows of each router, a frame per seed."""
    frames = (list(by_seed.values()) for by_seed in found.rows)
    return dict(zip(found.labels, frames, strict=True))


def most_seeds(found: Comparison) -> list[pd.DataFrame]:
    """Return the rows of a router that was run with most seeds: its floors rest on most."""
    return list(max(found.rows, key=len).values())
