"""Stored rows read back: outcomes as matrices, and what every policy got, aligned by question."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmarks.bounds import FLOORS, corrected_oracle_score
from benchmarks.groups import units_of
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
    groups : ndarray of int, shape (n,), or None
        The same number for questions of one group, which are one unit of resampling; None where
        each question is its own.
    """

    datasets: np.ndarray
    scores: Mapping[str, FloatArray]
    costs: Mapping[str, FloatArray]
    groups: np.ndarray | None = None


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
        labels.to_numpy(),
        {name: aligned(name, 0) for name in POLICIES},
        {name: aligned(name, 1) for name in POLICIES},
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


def equals_by_luck(runs: Iterable[pd.DataFrame], floor: str) -> bool:
    """Tell whether a router scored as a floor on every test, though it chose otherwise on some.

    How much they differ on other questions cannot be told then: no difference was seen to vary.

    Parameters
    ----------
    runs : iterable of DataFrame
        Of one router.
    floor : str
        One of ``bounds.FLOORS`` that has a choice on every test.
    """
    rows = pd.concat(runs)
    first, second = (rows[name].to_numpy(dtype=int) for name in ("choice", f"choice/{floor}"))
    return equal_by_luck(matrix(rows, "score"), first, second)


def equal_by_luck(scores: FloatArray, first: np.ndarray, second: np.ndarray) -> bool:
    """Tell whether two choices (n,) of different llms have the same scores (n, m) everywhere."""
    same = chosen(scores, first) == chosen(scores, second)
    return bool(same.all() and (first != second).any())


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
    labels, chance = rows["dataset"].to_numpy(), rows["chance"].to_numpy()
    values["corrected_oracle"] = (corrected_oracle_score(score, chance, labels), nothing)
    return values


def _cost_of_random(score: FloatArray, cost: FloatArray) -> np.ndarray:
    """Mean cost of the observed llms, NaN where one of them is unknown or there are none."""
    seen = ~np.isnan(score)
    count = seen.sum(axis=1)
    return np.where(seen, cost, 0).sum(axis=1) / np.where(count, count, np.nan)
