"""Figures from the rows of an arrival experiment: mean scores and leads, and what they rest on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmarks.arrival import LABELS
from benchmarks.paired import Paired
from benchmarks.scoring import macro_mean
from benchmarks.stored_rows import Panel, stored_units
from routers.constraints import SEED, Integer
from routers.validation import checked

_ARRIVAL = ["step", "newcomer"]


def policies_of(rows: pd.DataFrame) -> list[str]:
    """Return the policies that rows of :func:`benchmarks.arrival.follow` hold scores of."""
    return [name for name in rows.columns if name not in LABELS]


@checked(n_replicates=Integer(1), seed=SEED)
def leads(
    rows: pd.DataFrame, over: str = "best_single", n_replicates: int = 2000, seed: int = 0
) -> pd.DataFrame:
    """Average every policy over the arrivals, with paired intervals over the questions.

    The score of a question is its mean over the arrivals (and seeds) at which it counts, the
    score of a policy the mean over datasets of the mean over the questions of each. So every
    question of a dataset counts alike, and an arrival counts by the questions that it was
    compared on: a newcomer with few outcomes cannot move the mean by much. All policies are
    averaged over the same pairs of arrival and question. The bootstrap draws questions within
    each dataset, the same ones for all policies, and takes a question with all its arrivals; of
    questions of one ``group`` it takes all or none.
    With complete outcomes this is the mean over arrivals of the macro score.

    Parameters
    ----------
    rows : DataFrame
        As :func:`benchmarks.arrival.follow` returns; a row in which a policy has no score does not
        count for any.
    over : str, default="best_single"
        The policy that leads are counted from.
    n_replicates : int, default=2000
    seed : int, default=0

    Returns
    -------
    DataFrame, index policy
        ``score`` (macro mean), ``lead`` over the policy named, ``low`` and ``high`` of its 95 %
        interval; all NaN if no row counts.
    """
    policies = policies_of(rows)
    counted = rows.dropna(subset=policies).groupby("question_id")
    by_question, datasets = counted[policies].mean(), counted["dataset"].first().to_numpy(object)
    columns = ["score", "lead", "low", "high"]
    if by_question.empty:
        return pd.DataFrame(np.nan, index=policies, columns=columns)
    values = {name: by_question[name].to_numpy()[None] for name in policies}
    groups = stored_units([rows], by_question.index)
    panel = Panel(datasets, {"router": values[over]} | values, {}, groups)
    found = Paired(panel, seed, n_replicates)
    table = {name: (found.scores[name], *found.lead(name, over)) for name in policies}
    return pd.DataFrame.from_dict(table, orient="index", columns=columns)


@dataclass(frozen=True)
class Basis:
    """What the figures of an arrival experiment rest on, and of how much.

    Attributes
    ----------
    arrivals, questions, datasets, pairs : tuple of int
        How many were compared, and how many there are. A pair is an arrival and a question; it is
        counted once per seed.
    llms : int
        That stood in a zoo that was compared.
    outcomes : tuple of int
        Observed outcomes of the zoos on the pairs compared, and how many there could be.
    choices : int
        Pairs compared on which at least two llms were observed.
    """

    arrivals: tuple[int, int]
    questions: tuple[int, int]
    datasets: tuple[int, int]
    pairs: tuple[int, int]
    llms: int
    outcomes: tuple[int, int]
    choices: int


def basis(rows: pd.DataFrame) -> Basis:
    """Count what rows of :func:`benchmarks.arrival.follow` rest on."""
    counted = rows[rows["left_out"] == ""]
    arrivals, questions, datasets = (
        (counted[name].nunique(), rows[name].nunique())
        for name in ("newcomer", "question_id", "dataset")
    )
    return Basis(
        arrivals=arrivals,
        questions=questions,
        datasets=datasets,
        pairs=(len(counted), len(rows)),
        llms=len(set().union(*counted["zoo"])),
        outcomes=(int(counted["n_observed"].sum()), int(counted["zoo"].map(len).sum())),
        choices=int((counted["n_observed"] > 1).sum()),
    )


def by_dataset(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the mean score of every policy at each arrival on each dataset.

    Parameters
    ----------
    rows : DataFrame
        As :func:`benchmarks.arrival.follow` returns.

    Returns
    -------
    DataFrame, index ``step, newcomer, dataset``
        Mean scores, NaN where the newcomer was not compared on the dataset; ``n_compared`` and
        ``n_tested`` questions (once per seed); ``n_observed`` and ``n_possible`` outcomes of the
        zoo on those compared.
    """
    counts = rows["left_out"] == ""
    counted = rows.assign(
        n_compared=counts,
        n_tested=1,
        n_observed=rows["n_observed"].where(counts, 0),
        n_possible=rows["zoo"].map(len).where(counts, 0),
    )
    groups = counted.groupby([*_ARRIVAL, "dataset"])
    sums = groups[["n_compared", "n_tested", "n_observed", "n_possible"]].sum()
    return groups[policies_of(rows)].mean().join(sums)


def curves(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the macro score of every policy at each arrival.

    Parameters
    ----------
    rows : DataFrame
        As :func:`benchmarks.arrival.follow` returns.

    Returns
    -------
    DataFrame, index ``step``
        NaN where the newcomer was not compared on one of the datasets that others were compared
        on: a mean over fewer datasets is another figure.
    """
    policies = policies_of(rows)
    datasets = _compared_on(rows, policies)
    steps = {step: _macro_scores(arrival, datasets) for step, arrival in rows.groupby("step")}
    index = pd.Index(list(steps), name="step")
    return pd.DataFrame(list(steps.values()), index=index, columns=policies)


def _compared_on(rows: pd.DataFrame, policies: list[str]) -> dict[str, set[str]]:
    """Return the datasets that each policy has any score on."""
    return {name: set(rows.loc[rows[name].notna(), "dataset"]) for name in policies}


def _macro_scores(arrival: pd.DataFrame, datasets: Mapping[str, set[str]]) -> dict[str, float]:
    """Return each policy's macro score at an arrival that was compared on all its datasets."""
    here = _compared_on(arrival, list(datasets))
    of = arrival["dataset"].to_numpy(object)
    return {
        name: macro_mean(arrival[name].to_numpy()[None], of) if here[name] == every else np.nan
        for name, every in datasets.items()
    }


def shortened(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the arrivals that were compared on part of the questions only, or not at all.

    Parameters
    ----------
    rows : DataFrame
        As :func:`benchmarks.arrival.follow` returns.

    Returns
    -------
    DataFrame, index ``step, newcomer``
        ``compared`` and ``tested`` (pairs of arrival and question, once per seed), and for each
        reason how many were left out for it.
    """
    reasons = rows.groupby(_ARRIVAL)["left_out"].value_counts().unstack(fill_value=0)
    compared = reasons.pop("") if "" in reasons else 0
    left_out = reasons.sum(axis=1)
    reasons.insert(0, "tested", left_out + compared)
    reasons.insert(0, "compared", compared)
    return reasons[left_out > 0]
