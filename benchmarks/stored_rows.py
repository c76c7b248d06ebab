"""Rows of results read as arrays: what every policy got, and what every llm did.

The rows are a frame, one row per question that a router was tested on in a seed; its columns are
told in ``docs/metrics.md``. A policy's column is ``<policy>_score``, the router's ``score``; an
llm's is ``score/<llm>``. Nothing here knows of routers or files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
import pandas as pd

from benchmarks.groups import units_of
from benchmarks.scoring import (
    Datasets,
    FloatArray,
    chosen,
    corrected_oracle_score,
    equal_by_luck,
    oracle,
    random_cost,
    random_score,
)

FLOORS = ("cheapest", "best_single", "recognised_dataset", "dataset_best")
POLICIES = ("router", "random", *FLOORS, "corrected_oracle", "oracle")
LLM = "<llm>"  # stands for the name of any llm of the zoo

BySeed = Mapping[int, pd.DataFrame]


@dataclass(frozen=True)
class Panel:
    """Scores and costs of a router and of its floors and bounds, aligned by question.

    Attributes
    ----------
    datasets : ndarray of str, shape (n,)
    scores, costs : dict of policy to ndarray of shape (n_seeds, n)
        Policies are those of ``POLICIES``; NaN where not tested or not known.
    groups : ndarray of int, shape (n,), or None
        The same number for questions of one group, which are one unit of resampling; None where
        each question is its own.
    """

    datasets: np.ndarray
    scores: Mapping[str, FloatArray]
    costs: Mapping[str, FloatArray]
    groups: np.ndarray | None = None

    @cached_property
    def by_dataset(self) -> Datasets:
        """Which questions are of which dataset."""
        return Datasets(self.datasets)


def column_of(policy: str, what: str = "score") -> str:
    """Return the column that holds what a policy scored, or another ``what``: its cost, say."""
    return what if policy == "router" else f"{policy}_{what}"


def choice_of(policy: str) -> str:
    """Return the column that holds which llm a policy chose."""
    return "choice" if policy == "router" else f"choice/{policy}"


def scored(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows with the score and cost of every policy that they tell, a column each.

    What is there stays. From choices and the outcomes of the llms follow the scores and costs of
    the router and the floors; from the outcomes those of a random choice and of the oracle; from
    them and ``chance`` the oracle without luck.

    Parameters
    ----------
    rows : DataFrame
        As runs store them, or with ``score`` in place of choices.

    Returns
    -------
    DataFrame
        With ``score``, ``cost``, ``<policy>_score``, ``<policy>_cost`` where they can be told; NaN
        where a policy chose nothing.
    """
    if not has(rows, "score"):
        return rows
    priced = has(rows, "cost")
    score, cost = matrix(rows, "score"), matrix(rows, "cost")
    ways: dict[str, Callable[[], np.ndarray]] = {
        column_of("random"): lambda: random_score(score),
        column_of("oracle"): lambda: oracle(score, cost)[0],
    }
    if "chance" in rows:
        chance, datasets = rows["chance"].to_numpy(), rows["dataset"].to_numpy()
        ways[column_of("corrected_oracle")] = lambda: corrected_oracle_score(
            score, chance, datasets
        )
    if priced:
        ways[column_of("random", "cost")] = lambda: random_cost(score, cost)
        ways[column_of("oracle", "cost")] = lambda: oracle(score, cost)[1]
    for policy in ("router", *FLOORS):
        if choice_of(policy) in rows:
            choice = _choice(rows, policy)
            ways[column_of(policy)] = partial(chosen, score, choice)
            if priced:
                ways[column_of(policy, "cost")] = partial(chosen, cost, choice)
    return rows.assign(**{name: way() for name, way in ways.items() if name not in rows})


def router_score(rows: pd.DataFrame) -> pd.Series:
    """Return what the router scored in each row: ``score``, or what its choice says."""
    if "score" in rows:
        return rows["score"]
    return pd.Series(chosen(matrix(rows, "score"), _choice(rows, "router")), rows.index)


def _choice(rows: pd.DataFrame, policy: str) -> np.ndarray:
    return rows[choice_of(policy)].fillna(-1).to_numpy(dtype=int)


def panel(runs: Sequence[pd.DataFrame]) -> Panel:
    """Align the rows of one router's runs (one per seed) by question.

    Parameters
    ----------
    runs : sequence of DataFrame
        As :func:`scored` takes them.
    """
    runs = [scored(run) for run in runs]
    labels = pd.concat(run.set_index("question_id")["dataset"] for run in runs)
    labels = labels[~labels.index.duplicated()].sort_index()
    places = [labels.index.get_indexer(run["question_id"]) for run in runs]
    unknown = _unknown_policies(runs)

    def aligned(policy: str, what: str) -> FloatArray:
        values = np.full((len(runs), len(labels)), np.nan)
        name = column_of(policy, what)
        for row, place, run in zip(values, places, runs, strict=True):
            if name in run and policy not in unknown:
                row[place] = run[name]
        return values

    return Panel(
        labels.to_numpy(),
        {policy: aligned(policy, "score") for policy in POLICIES},
        {policy: aligned(policy, "cost") for policy in POLICIES},
        stored_units(runs, labels.index),
    )


def stored_units(runs: Iterable[pd.DataFrame], ids: pd.Index) -> np.ndarray | None:
    """Return the unit of resampling of each question, by the column ``group`` of stored rows.

    Parameters
    ----------
    runs : iterable of DataFrame
        With ``question_id``; one without ``group`` says of no question that it has one.
    ids : Index of str, length n

    Returns
    -------
    ndarray of int, shape (n,), or None
        As :func:`benchmarks.groups.units_of`.
    """
    said = [run.set_index("question_id")["group"] for run in runs if "group" in run]
    if not said:
        return None
    names = pd.concat(said)
    names = names[~names.index.duplicated()].reindex(ids).fillna("")
    return units_of(names.to_numpy(dtype=object))


def _unknown_policies(runs: Sequence[pd.DataFrame]) -> set[str]:
    """Return the policies of which nothing can be said.

    One that has no choice on some test would be averaged over other tests than those beside it;
    where no run knows the options of a question there is no luck to take out.
    """
    unknown = {
        policy
        for policy in POLICIES
        if any(column_of(policy) not in run or run[column_of(policy)].isna().any() for run in runs)
    }
    options = [run["chance"] for run in runs if "chance" in run]
    no_luck = options and not any((chance > 0).any() for chance in options)
    return unknown | {"corrected_oracle"} if no_luck else unknown


def has(rows: pd.DataFrame, what: str) -> bool:
    """Tell whether rows hold a ``what`` (as :func:`matrix` takes it) of any llm."""
    return any(f"{what}/{name}" in rows for name in llm_names(rows))


def llm_names(rows: pd.DataFrame) -> list[str]:
    """Return the zoo of a run, in the order that its choices count in."""
    return [name.removeprefix("score/") for name in map(str, rows) if name.startswith("score/")]


def matrix(rows: pd.DataFrame, what: str) -> FloatArray:
    """Return ``what`` (score, cost, predicted_score, predicted_cost) as (n, m), NaN where unsaid.

    Stored in single precision, averaged in double: else a router that asks the best single llm
    would not quite match it.
    """
    columns = [f"{what}/{name}" for name in llm_names(rows)]
    return rows.reindex(columns=columns).to_numpy(dtype=np.float64)


def eligible(rows: pd.DataFrame) -> np.ndarray:
    """Return which llms can answer which question, shape (n, m): all, unless it is said."""
    names = [f"eligible/{name}" for name in llm_names(rows)]
    able = [
        rows[name].to_numpy(dtype=bool) if name in rows else np.ones(len(rows), bool)
        for name in names
    ]
    return np.column_stack(able)


def equals_by_luck(runs: Iterable[pd.DataFrame], floor: str) -> bool:
    """Tell whether a router scored as a floor on every test, though it chose otherwise on some.

    How much they differ on other questions cannot be told then: no difference was seen to vary.
    Where nobody knows what they chose, they are not taken to have chosen the same.

    Parameters
    ----------
    runs : iterable of DataFrame
        Of one router, as :func:`scored` takes them.
    floor : str
        One of ``FLOORS`` that has a choice on every test.
    """
    rows = pd.concat(runs)
    if {"choice", choice_of(floor)} <= set(rows) and has(rows, "score"):
        first, second = (_choice(rows, who) for who in ("router", floor))
        return equal_by_luck(matrix(rows, "score"), first, second)
    return bool((rows["score"] == rows[column_of(floor)]).all())
