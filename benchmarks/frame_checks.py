"""A frame of rows that anybody may have made, checked before anything is worked out of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from benchmarks.stored_rows import BySeed, has

_NEEDED = ("question_id", "dataset", "router")
_NAMES = ("question_id", "dataset", "router", "group")
_KEY = ["router", "seed", "question_id"]


def checked_rows(frame: pd.DataFrame) -> dict[str, BySeed]:
    """Return the rows of each router, by seed, in the order of names and seeds.

    Parameters
    ----------
    frame : DataFrame
        See :func:`benchmarks.metrics.summarise`.

    Raises
    ------
    TypeError
        If it is no DataFrame.
    ValueError
        If a needed column lacks, a name or a seed is missing, a score or a cost is out of range, or
        a question stands twice for a router and seed, or in two datasets.
    """
    if not isinstance(frame, pd.DataFrame):
        raise _refusal("the frame", "a pandas DataFrame", type(frame).__name__, "", TypeError)
    _check_columns(frame)
    if frame.empty:
        raise _refusal("the frame", "of at least one row", "none", "Give a row per question.")
    frame = frame if "seed" in frame else frame.assign(seed=0)
    for name in (*_NAMES, "seed"):
        if name in frame and frame[name].isna().any():
            what = f"column {name!r}"
            raise _refusal(what, "known in every row", "a missing value", "Name it in all rows.")
    if not pd.api.types.is_integer_dtype(frame["seed"]):
        dtype = frame["seed"].dtype
        raise _refusal("column 'seed'", "whole numbers", dtype, "Number the seeds from 0.")
    _check_values(frame)
    _check_questions(frame)
    return {
        str(router): {
            int(str(seed)): rows for seed, rows in of_router.groupby("seed", observed=True)
        }
        for router, of_router in frame.groupby("router", observed=True)
    }


def check_points(points: Mapping[str, pd.DataFrame], routers: Iterable[str]) -> None:
    """Refuse operating points of who is not there, and such that lack a column.

    Raises
    ------
    ValueError
        Naming the router.
    """
    known = list(routers)
    for router, of_router in points.items():
        if router not in known:
            advice = f"The frame has: {', '.join(known)}."
            raise _refusal("'points'", "of routers of the frame", repr(router), advice)
        if lacking := [name for name in ("score", "cost") if name not in of_router]:
            needed = "there: " + ", ".join(lacking)
            columns = ", ".join(map(str, of_router.columns)) or "none"
            raise _refusal(f"columns of the points of {router!r}", needed, columns, "Add them.")


def _check_columns(frame: pd.DataFrame) -> None:
    lacking = [name for name in _NEEDED if name not in frame]
    if "score" not in frame and not ("choice" in frame and has(frame, "score")):
        lacking.append("score")
    if lacking:
        columns = ", ".join(map(str, frame.columns))
        advice = "Rename or add what is not there; 'choice' with score/<llm> stands for 'score'."
        needed = f"there: {', '.join(lacking)}"
        raise _refusal("columns of the frame", needed, columns or "none", advice)


def _check_values(frame: pd.DataFrame) -> None:
    for name in map(str, frame.columns):
        if name == "score" or name.endswith("_score") or name.startswith("score/"):
            _check_range(frame, name, 1.0, "in [0, 1] or NaN", "Rescale it.")
        elif name == "cost" or name.endswith("_cost") or name.startswith("cost/"):
            _check_range(frame, name, np.inf, "at least 0 or NaN", "Mend it, or drop it.")


def _check_range(frame: pd.DataFrame, name: str, most: float, must: str, advice: str) -> None:
    try:
        values = frame[name].to_numpy(dtype=np.float64)
    except (TypeError, ValueError):
        raise _refusal(f"column {name!r}", "numbers", frame[name].dtype, advice) from None
    bad = (values < 0) | (values > most)
    if bad.any():
        row = int(np.argmax(bad))
        where = f"{name!r} of question {frame['question_id'].iloc[row]!r}"
        raise _refusal(where, must, f"{values[row]:g}", advice)


def _check_questions(frame: pd.DataFrame) -> None:
    twice = frame.duplicated(_KEY)
    if twice.any():
        router, seed, question = frame.loc[twice, _KEY].iloc[0]
        who = f"question {question!r} of router {router!r}, seed {seed}"
        raise _refusal(who, "in one row", "several", "Average them, or give each a seed.")
    n_datasets = frame.groupby("question_id", observed=True)["dataset"].nunique()
    if (n_datasets > 1).any():
        who = f"question {n_datasets.idxmax()!r}"
        raise _refusal(who, "of one dataset", n_datasets.max(), "Give its rows one, or two ids.")


def _refusal(
    what: str, must: str, got: object, advice: str, kind: type[Exception] = ValueError
) -> Exception:
    return kind(f"summarise: {what} must be {must}, got {got}. {advice}".rstrip())
