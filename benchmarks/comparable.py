"""Which tests all policies of a table can be compared on, and how many there are of what.

A policy can be judged on a question only if an llm that it knows was observed there. Were each
averaged over the questions that it happens to have a choice on, a floor could stand above the
oracle. So a test (a question in a seed) on which any of them has none is left out for all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from benchmarks.stored_rows import BySeed, choice_of, column_of, eligible, matrix

# "cheapest" is not among them: where a cost is unknown it is the floor that is unknown.
_JUDGED = ("router", "best_single", "recognised_dataset", "dataset_best")


def has_choice(rows: pd.DataFrame) -> np.ndarray:
    """Return on which tests the router and the floors have a choice, shape (n,).

    Where rows tell no choices, a score tells that there was one.
    """
    choices = [choice_of(policy) for policy in _JUDGED]
    scores = [
        column_of(policy)
        for policy, choice in zip(_JUDGED, choices, strict=True)
        if choice not in rows and column_of(policy) in rows
    ]
    chose = (rows[[name for name in choices if name in rows]] >= 0).all(axis=1)
    return (chose & rows[scores].notna().all(axis=1)).to_numpy()


def shared_tests(runs: Iterable[tuple[int, pd.DataFrame]]) -> dict[int, set[str]]:
    """Return by seed the ids of the questions on which all routers and floors have a choice.

    Parameters
    ----------
    runs : iterable of pair of int and DataFrame
        Seed and rows of every run of the routers of one table.
    """
    asked: dict[int, list[set[str]]] = {}
    for seed, rows in runs:
        asked.setdefault(seed, []).append(
            set(rows.loc[has_choice(rows), "question_id"].to_numpy(object))
        )
    return {seed: set.intersection(*sets) for seed, sets in asked.items()}


def compared(routers: Sequence[BySeed]) -> list[dict[int, pd.DataFrame]]:
    """Return the rows of each router and seed without the tests that some router has no choice on.

    Nor does a test count that a router of the same seed has no row of.

    Parameters
    ----------
    routers : sequence of dict of seed to DataFrame
        Rows of the routers of one table.
    """
    shared = shared_tests(run for by_seed in routers for run in by_seed.items())
    return [
        {seed: _only(rows, shared[seed]) for seed, rows in by_seed.items()} for by_seed in routers
    ]


def _only(rows: pd.DataFrame, ids: set[str]) -> pd.DataFrame:
    return rows if len(ids) == len(rows) else rows[_among(rows["question_id"], ids)]


def _among(names: pd.Series, ids: set[str]) -> np.ndarray:
    """Tell which names are among others (n,): a set is ten times faster than pandas' ``isin``."""
    return np.fromiter((name in ids for name in names.to_numpy(object)), bool, len(names))


def counts(tested: BySeed, rows: BySeed) -> dict[str, float | str]:
    """Return what one router's figures rest on: pairs, outcomes, and how often there is a choice.

    Parameters
    ----------
    tested, rows : dict of seed to DataFrame
        Of one router of a :class:`Comparison`.

    Returns
    -------
    dict
        ``seeds``; ``n_not_compared``: questions of which some test is left out; ``n_pairs``,
        ``n_outcomes``: (question, llm) pairs of the others that are eligible, and observed;
        ``choice_share``: share of tests on which at least two llms can be chosen;
        ``best_single_share``: share on which the best single llm itself was observed. Shares are
        NaN where there is no test, the latter also in rows that do not say which llm it is.
    """
    tests = pd.concat(rows.values())
    questions = tests.drop_duplicates("question_id")
    possible = ~np.isnan(matrix(tests, "score") + matrix(tests, "predicted_score"))
    return {
        "seeds": " ".join(map(str, rows)),
        "n_not_compared": len(left_out([tested], [rows])),
        "n_pairs": int(eligible(questions).sum()),
        "n_outcomes": int((~np.isnan(matrix(questions, "score"))).sum()),
        "choice_share": _share(possible.sum(axis=1) > 1),
        "best_single_share": _best_single_share(tests),
    }


def left_out(tested: Sequence[BySeed], rows: Sequence[BySeed]) -> pd.DataFrame:
    """Return the stored tests that are not compared, one row per question."""
    parts = [
        _without(whole, rows[place][seed])
        for place, by_seed in enumerate(tested)
        for seed, whole in by_seed.items()
    ]
    return pd.concat(parts).drop_duplicates("question_id")


def _without(whole: pd.DataFrame, part: pd.DataFrame) -> pd.DataFrame:
    if len(whole) == len(part):
        return whole[:0]
    return whole[~_among(whole["question_id"], set(part["question_id"]))]


def _best_single_share(tests: pd.DataFrame) -> float:
    if "best_single_llm" not in tests:
        return float("nan")
    scores, best = matrix(tests, "score"), tests["best_single_llm"].to_numpy()
    return _share(~np.isnan(scores[np.arange(len(tests)), best]))


def _share(flags: np.ndarray) -> float:
    return float(flags.mean()) if len(flags) else float("nan")
