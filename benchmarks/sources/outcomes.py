"""The outcomes of a data folder: from rows as a file has them to one score and cost per pair."""

from __future__ import annotations

import numpy as np
import pandas as pd

from benchmarks.sources.columns import Coded, coded, codes_of, flags, no_repeat, numbers, refuse
from benchmarks.sources.names import other_spelling
from benchmarks.sources.parquet import OUTCOMES, QUESTIONS
from benchmarks.sources.samples import one_per_rotation

ROTATIONS = ("all", "mean")


def checked_rows(outcomes: pd.DataFrame, ids: Coded) -> tuple[np.ndarray, pd.DataFrame]:
    """Check every row and look up its question and llm.

    Parameters
    ----------
    outcomes : DataFrame
        As in ``outcomes.parquet``.
    ids : Coded
        Of the questions.

    Returns
    -------
    llms : ndarray of str, shape (m,)
        By name.
    rows : DataFrame
        In the order given: ``question`` and ``llm`` (positions), ``score``, and where they are
        given ``cost``, ``rotation`` and ``sample`` (codes), and ``eligible`` (1, 0, or -1 where
        nothing is said).
        Where it is 0, score and cost are NaN, whatever stands there.
    """
    llms = coded(outcomes, "llm", OUTCOMES)
    by_name = np.argsort(llms.values)
    place = np.empty(len(by_name), dtype=int)
    place[by_name] = np.arange(len(by_name))
    rows = {"question": _positions(outcomes, ids), "llm": place[llms.codes]}
    names = ["question_id", "llm"]
    for name in ("rotation", "sample"):
        if name in outcomes:
            names.append(name)
            rows[name] = codes_of(outcomes, name, OUTCOMES)
    advice = "" if "sample" in outcomes else ", or number the answers in a column 'sample'"
    no_repeat(outcomes, names, list(rows.values()), OUTCOMES, advice)
    given = outcomes
    if "eligible" in outcomes:
        rows["eligible"] = flags(outcomes, "eligible", OUTCOMES)
        given = outcomes[[name for name in ("score", "cost") if name in outcomes]]
        given = given.apply(lambda column: column.where(rows["eligible"] != 0))
    rows["score"] = numbers(given, "score", OUTCOMES, 0, 1, booleans=True).to_numpy()
    if "cost" in given:
        rows["cost"] = numbers(given, "cost", OUTCOMES, 0).to_numpy()
    return llms.values[by_name], pd.DataFrame(rows)


def _positions(outcomes: pd.DataFrame, ids: Coded) -> np.ndarray:
    """Return the position of the question of each row."""
    asked = coded(outcomes, "question_id", OUTCOMES)
    found = pd.Index(ids.values).get_indexer(pd.Index(asked.values))[asked.codes]
    if (found < 0).any():
        at = int(np.argmax(found < 0))
        near = other_spelling(asked.values[asked.codes[at]], ids.values)
        advice = "Add the question or drop the outcome."
        if near is not None:
            advice = f"It has {near!r}: write ids alike in both files."
        got = outcomes["question_id"].iloc[at]
        refuse(OUTCOMES, at, "question_id", f"an id of {QUESTIONS}", got, advice)
    return found


def times_right(rows: pd.DataFrame, n: int, rotations: str) -> np.ndarray:
    """Return how often one must be right to score 1 on each question, shape (n,), at least 1."""
    if "rotation" not in rows or rotations == "mean":
        return np.ones(n, dtype=int)
    counts = rows.groupby("question")["rotation"].nunique()
    return counts.reindex(range(n)).fillna(1).to_numpy(dtype=int)


def one_per_pair(rows: pd.DataFrame, rotations: str) -> pd.DataFrame:
    """Return one row per question and llm, from the rows of its samples and rotations.

    The score of a rotation is the mean of its samples' (those observed). One that is missing makes
    the worst unknown, unless that is 0 anyway; the mean is of the others.
    """
    rows = one_per_rotation(rows)
    if "rotation" not in rows:
        return rows
    grouped = rows.groupby(["question", "llm"], sort=False)
    merged = grouped[["cost"]].mean() if "cost" in rows else grouped[[]].first()
    mean, worst = grouped["score"].mean(), grouped["score"].min()
    known = grouped["score"].count() == grouped.size()
    merged["score"] = mean if rotations == "mean" else worst.where(known | (worst == 0))
    return merged.reset_index()
