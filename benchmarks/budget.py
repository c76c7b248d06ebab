"""What a promise is worth: promised against reached score and cost, from the rows of a run.

Promises are made on predictions; what they were worth is read from the true scores and costs. A
batch is the test questions of one fold: what one fitted router is asked.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.scoring import chosen
from benchmarks.stored_rows import llm_names, matrix
from routers.allocation import best_within_budget, cheapest_at_quality
from routers.choice import choose
from routers.constraints import Real, SequenceOf
from routers.dual import DualAllocator
from routers.pricing import price_for_budget, price_for_quality
from routers.table import FloatArray
from routers.validation import checked

_COUNTS = ["n_questions", "n_left_out"]
_PROMISE = ["kind", "capacity", "solver", "share"]
_VALUES = ["predicted_score", "predicted_cost", "score", "cost"]
_FACTS = ["promise", "bound", "seconds"]  # the same in all rows of a batch under a promise


@dataclass(frozen=True)
class Batch:
    """Predictions and outcomes of one fold's test questions, shape (n, m) each.

    ``left_out`` are the ids of further questions of the fold, which cannot be judged.
    """

    fold: Any
    ids: list[str]
    scores: FloatArray
    costs: FloatArray
    true_scores: FloatArray
    true_costs: FloatArray
    llms: list[str]
    left_out: list[str]


def batches(rows: pd.DataFrame) -> Iterator[Batch]:
    """Cut a run into batches; an llm whose outcome is not known cannot be asked.

    Questions of which no llm's outcome and cost are known are left out.
    """
    for fold, part in rows.groupby("fold"):
        values = {name: matrix(part, name) for name in _VALUES}
        unknown = np.isnan(sum(values.values()))
        possible = ~unknown.all(axis=1)
        if possible.any():
            scores = np.where(unknown, np.nan, values["predicted_score"])
            ids = part["question_id"].to_numpy(dtype=object)
            yield Batch(
                fold,
                list(ids[possible]),
                scores[possible],
                values["predicted_cost"][possible],
                values["score"][possible],
                values["cost"][possible],
                llm_names(part),
                list(ids[~possible]),
            )


@checked("budget", shares=SequenceOf(Real(0, 1), fewest=1), room=Real(1))
def allot(rows: pd.DataFrame, shares: Sequence[float], room: float) -> pd.DataFrame:
    """Allot the batches of a run under every promise, by every solver.

    Parameters
    ----------
    rows : DataFrame
        Of a run, see ``benchmarks.evaluate.Evaluation``.
    shares : sequence of float
        What is promised: shares of the way from the cheapest to the best that is predicted.
    room : float
        Every promise is made twice: with as many questions for an llm as one likes, and with this
        many equal shares of the batch at most.

    Returns
    -------
    DataFrame
        A row per question, promise and solver: ``fold``, ``kind`` (score or cost: what was
        promised), ``capacity`` (per llm, in equal shares of the batch), ``share``, ``solver``,
        ``question_id``, ``llm`` that was chosen, its ``predicted_score``, ``predicted_cost``,
        ``score`` and ``cost``; and of the batch ``promise``, ``bound`` (the relaxation's, of
        predicted cost or score) and ``seconds``. Of a question that cannot be judged, for no llm's
        score and cost are both known and predicted, ``llm`` is None and its figures are NaN; a
        fold without any other is left out.
    """
    found = [
        _choices(batch, asked)
        for batch in batches(rows)
        for capacity in (np.inf, room)
        for asked in _asked(batch, shares, capacity)
    ]
    # one frame of all: a small one for each promise would take longer than to keep it
    columns = found[0] if found else []
    return pd.DataFrame({name: np.concatenate([part[name] for part in found]) for name in columns})


@dataclass(frozen=True)
class _Asked:
    """What a solver was promised of a batch, and what it chose."""

    kind: str
    capacity: float
    solver: str
    share: float
    promise: float
    choice: np.ndarray
    bound: float
    seconds: float


def _asked(batch: Batch, shares: Sequence[float], room: float) -> Iterator[_Asked]:
    n, m = batch.scores.shape
    capacity = np.ceil(room * n / m)
    given = batch.scores, batch.costs, batch.llms
    cheapest = cheapest_at_quality(*given, min_score=-1.0, capacity=capacity)
    best = best_within_budget(*given, budget=n * np.nanmax(batch.costs), capacity=capacity)
    for share in shares:
        promises = {
            "score": cheapest.score + share * (best.score - cheapest.score),
            "cost": cheapest.cost + share * (best.cost - cheapest.cost),
        }
        for kind, promise in promises.items():
            bound = np.nan
            for solver, solve in _SOLVERS.items():
                if solver == "price" and np.isfinite(capacity):
                    continue
                start = time.perf_counter()
                choice, certified = solve(batch, kind, promise, capacity)
                seconds = time.perf_counter() - start
                bound = certified if solver == "lp" else bound
                yield _Asked(kind, room, solver, share, promise, choice, bound, seconds)


def _choices(batch: Batch, asked: _Asked) -> dict[str, np.ndarray]:
    """Return columns with a row per question of the batch, and of those left out of it."""
    unknown = np.full(len(batch.left_out), np.nan)
    values = (batch.scores, batch.costs, batch.true_scores, batch.true_costs)
    reached = {
        name: np.append(chosen(of, asked.choice), unknown)
        for name, of in zip(_VALUES, values, strict=True)
    }
    ids = np.array([*batch.ids, *batch.left_out], dtype=object)
    llms = np.full(len(ids), None, dtype=object)
    llms[: len(batch.ids)] = np.array(batch.llms, dtype=object)[asked.choice]
    about = {name: getattr(asked, name) for name in (*_PROMISE, *_FACTS)}
    same = {name: np.full(len(ids), value) for name, value in about.items()}
    fold = np.full(len(ids), batch.fold)
    return {"fold": fold, "question_id": ids, "llm": llms, **reached, **same}


def _programme(
    batch: Batch, kind: str, promise: float, capacity: float
) -> tuple[np.ndarray, float]:
    solve = cheapest_at_quality if kind == "score" else best_within_budget
    found = solve(batch.scores, batch.costs, batch.llms, promise, capacity)
    return found.choice, found.bound


def _dual(batch: Batch, kind: str, promise: float, capacity: float) -> tuple[np.ndarray, float]:
    asked = {"min_score" if kind == "score" else "budget": promise}
    allocator = DualAllocator(batch.llms, **asked, capacity=capacity)  # type: ignore[arg-type]
    found = allocator.update(batch.scores, batch.costs)
    return found.choice, found.bound


def _price(batch: Batch, kind: str, promise: float, _: float) -> tuple[np.ndarray, float]:
    find = price_for_quality if kind == "score" else price_for_budget
    price = find(batch.scores, batch.costs, batch.llms, promise)
    return choose(batch.scores, batch.costs, batch.llms, price), np.nan


_SOLVERS: dict[str, Callable[[Batch, str, float, float], tuple[np.ndarray, float]]] = {
    "lp": _programme,  # first: its bound is what all are measured by
    "dual": _dual,
    "price": _price,
}


def per_batch(rows: pd.DataFrame) -> pd.DataFrame:
    """Judge the batches of a run: one row per batch, promise and solver.

    Parameters
    ----------
    rows : DataFrame
        As :func:`allot` returns them, in their order.

    Returns
    -------
    DataFrame
        ``n_questions`` (of the batch), ``n_left_out`` (of the fold: cannot be judged), ``kind``,
        ``capacity``, ``solver``, ``share`` and ``promise``; ``predicted_score``,
        ``predicted_cost``, ``score`` and ``cost``: means over the batch; ``violation`` (the true
        mean beyond the promise: positive is a broken promise), ``gap`` (relative distance to the
        bound, of predicted cost or score; NaN where that is 0) and ``seconds``.
    """
    if rows.empty:
        return pd.DataFrame()
    batch = rows[["fold", *_PROMISE]]
    first = np.flatnonzero((batch != batch.shift()).any(axis=1))  # the row that a batch begins with
    judged = rows["llm"].notna().to_numpy()
    values = rows[_VALUES].to_numpy()
    found = []
    about = rows.iloc[first][[*_PROMISE, *_FACTS]].to_dict("records")
    for begin, end, asked in zip(first, [*first[1:], len(rows)], about, strict=True):
        part = values[begin:end][judged[begin:end]]
        counts = {"n_questions": len(part), "n_left_out": int(end - begin) - len(part)}
        # a column of its own: adding up is rounded otherwise where the numbers lie apart
        means = [float(np.ascontiguousarray(column).mean()) for column in part.T]
        found.append(counts | _judged(asked, dict(zip(_VALUES, means, strict=True))))
    return pd.DataFrame(found)


def _judged(asked: Mapping[Any, Any], means: dict[str, float]) -> dict[str, Any]:
    promise, bound = asked["promise"], asked["bound"]
    if asked["kind"] == "score":
        beyond, gap = promise - means["score"], _beyond(means["predicted_cost"], bound)
    else:
        beyond, gap = means["cost"] - promise, -_beyond(means["predicted_score"], bound)
    told = {name: asked[name] for name in (*_PROMISE, "promise")}
    return told | means | {"violation": beyond, "gap": gap, "seconds": asked["seconds"]}


def _beyond(value: float, bound: float) -> float:
    """Return how far a value lies beyond a bound, relative to it; NaN unless that is above 0."""
    return value / bound - 1 if bound > 0 else float("nan")


def summary(found: pd.DataFrame) -> pd.DataFrame:
    """Mean over batches and seeds, one row per router, promise and solver.

    Parameters
    ----------
    found : DataFrame
        Of :func:`per_batch`, with ``router`` and ``seed``.

    Returns
    -------
    DataFrame
        The columns of :func:`per_batch` (the numbers of questions are sums over batches),
        ``router``, ``n_batches``, and ``violation_error``, the standard error of the mean
        violation: that of one seed's batches, for other seeds ask the same questions again and
        add little.
    """
    grouped = found.groupby(["router", *_PROMISE], sort=False)
    means = grouped.mean().drop(columns="seed")
    means[_COUNTS] = grouped[_COUNTS].sum()
    means["n_batches"] = grouped.size()
    per_seed = means["n_batches"] / grouped["seed"].nunique()
    means["violation_error"] = grouped["violation"].std() / np.sqrt(per_seed)
    return means.reset_index()
