"""What a promise is worth: promised against reached score and cost, from the stored runs.

``python -m benchmarks.budget [--results FOLDER]`` writes ``budget.{csv,png,pdf}`` into
``figures/<data>-<zoo>-<split>/``. Promises are made on predictions; what they were worth is read
from the true scores and costs. A batch is the test questions of one fold: what one fitted router
is asked.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks import budget_plots, canvas
from benchmarks.comparison import Comparison, comparisons, folder_names, place_of
from benchmarks.plots import command_line
from benchmarks.scoring import chosen
from benchmarks.store import load_runs
from benchmarks.stored_rows import llm_names, matrix
from routers.allocation import best_within_budget, cheapest_at_quality
from routers.choice import choose
from routers.dual import DualAllocator
from routers.pricing import price_for_budget, price_for_quality
from routers.table import FloatArray

SHARES = (0.25, 0.5, 0.75, 0.95)  # of the way from the cheapest to the best that is predicted
ROOM = 1.5  # capacity of each llm, in equal shares of the batch, where there is one
_COUNTS = ["n_questions", "n_left_out"]
_KEYS = ["router", "kind", "capacity", "solver", "share"]


@dataclass(frozen=True)
class Batch:
    """Predictions and outcomes of one fold's test questions, shape (n, m) each.

    ``n_left_out`` further questions of the fold cannot be judged.
    """

    scores: FloatArray
    costs: FloatArray
    true_scores: FloatArray
    true_costs: FloatArray
    llms: list[str]
    n_left_out: int


def batches(rows: pd.DataFrame) -> Iterator[Batch]:
    """Cut a run into batches; an llm whose outcome is not known cannot be asked.

    Questions of which no llm's outcome and cost are known are left out.
    """
    for _, part in rows.groupby("fold"):
        values = {
            name: matrix(part, name)
            for name in ("predicted_score", "predicted_cost", "score", "cost")
        }
        unknown = np.isnan(sum(values.values()))
        possible = ~unknown.all(axis=1)
        if possible.any():
            scores = np.where(unknown, np.nan, values["predicted_score"])
            yield Batch(
                scores[possible],
                values["predicted_cost"][possible],
                values["score"][possible],
                values["cost"][possible],
                llm_names(part),
                int((~possible).sum()),
            )


def measure(runs: list[pd.DataFrame]) -> pd.DataFrame:
    """Allot every batch under every promise; one row per batch, promise and solver.

    Parameters
    ----------
    runs : list of DataFrame
        One router's rows, a frame per seed.

    Returns
    -------
    DataFrame
        ``run`` (position in ``runs``), ``n_questions`` (of the batch), ``n_left_out`` (of the
        fold: no llm's score and cost are both known and predicted), ``kind`` (score or cost: what
        was promised), ``capacity`` (per llm, in equal shares of the batch), ``solver``, ``share``
        (of the way from the cheapest to the best), ``promise``, ``predicted_score``,
        ``predicted_cost``, ``score`` and ``cost`` reached, ``violation`` (the true mean beyond the
        promise: positive is a broken promise), ``gap`` (relative distance to the relaxation's
        bound, of predicted cost or score; NaN where that is 0) and ``seconds``.
    """
    found: list[dict[str, object]] = []
    for run, rows in enumerate(runs):
        for batch in batches(rows):
            for room in (np.inf, ROOM):
                about = {
                    "run": run,
                    "n_questions": len(batch.scores),
                    "n_left_out": batch.n_left_out,
                }
                found += (about | row for row in _measure_batch(batch, room))
    return pd.DataFrame(found)


def _measure_batch(batch: Batch, room: float) -> Iterator[dict[str, object]]:
    n, m = batch.scores.shape
    capacity = np.ceil(room * n / m)
    given = batch.scores, batch.costs, batch.llms
    cheapest = cheapest_at_quality(*given, min_score=-1.0, capacity=capacity)
    best = best_within_budget(*given, budget=n * np.nanmax(batch.costs), capacity=capacity)
    for share in SHARES:
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
                yield {
                    "kind": kind,
                    "capacity": room,
                    "solver": solver,
                    "share": share,
                    "promise": promise,
                    **_judge(batch, choice, kind, promise, bound),
                    "seconds": seconds,
                }


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


def _judge(
    batch: Batch, choice: np.ndarray, kind: str, promise: float, bound: float
) -> dict[str, float]:
    values = {
        "predicted_score": batch.scores,
        "predicted_cost": batch.costs,
        "score": batch.true_scores,
        "cost": batch.true_costs,
    }
    means = {name: float(chosen(of, choice).mean()) for name, of in values.items()}
    if kind == "score":
        beyond, gap = promise - means["score"], _beyond(means["predicted_cost"], bound)
    else:
        beyond, gap = means["cost"] - promise, -_beyond(means["predicted_score"], bound)
    return means | {"violation": beyond, "gap": gap}


def _beyond(value: float, bound: float) -> float:
    """Return how far a value lies beyond a bound, relative to it; NaN unless that is above 0."""
    return value / bound - 1 if bound > 0 else float("nan")


def summary(comparison: Comparison) -> pd.DataFrame:
    """Mean over batches and seeds, one row per router, promise and solver.

    Parameters
    ----------
    comparison : Comparison
        Routers whose zoo has no known costs are left out.

    Returns
    -------
    DataFrame
        The columns of :func:`measure` (the numbers of questions are sums over batches),
        ``router``, ``n_batches``, and ``violation_error``, the standard error of the mean
        violation: that of one seed's batches, for other seeds ask the same questions again and
        add little.
    """
    parts = []
    for label, by_seed in zip(comparison.labels, comparison.rows, strict=True):
        parts.append(measure(list(by_seed.values())).assign(router=label))
    every = pd.concat(parts)
    if every.empty:
        return every
    grouped = every.groupby(_KEYS, sort=False)
    means = grouped.mean().drop(columns="run")
    means[_COUNTS] = grouped[_COUNTS].sum()
    means["n_batches"] = grouped.size()
    per_seed = means["n_batches"] / grouped["run"].nunique()
    means["violation_error"] = grouped["violation"].std() / np.sqrt(per_seed)
    return means.reset_index()


def draw_all(results: Path) -> list[Path]:
    """Write table and figure of every comparison whose costs are known; return the files."""
    runs = load_runs(results)
    if not runs:
        raise FileNotFoundError(f"no run is stored in {results / 'runs'}. Run 'make bench' first.")
    folders, files = folder_names(map(place_of, runs)), []
    for comparison in comparisons(runs):
        found = summary(comparison)
        if not found.empty:
            folder = results / "figures" / folders[comparison.place]
            files += _write(folder, found, comparison.cost_unit)
    return files


def _write(folder: Path, found: pd.DataFrame, unit: str) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    table, stem = folder / "budget.csv", folder / "budget"
    found.to_csv(table, index=False, float_format="%.6g")
    budget_plots.draw(found, unit, folder.name, stem)
    return [table, *canvas.files_of(stem)]


def main(arguments: list[str] | None = None) -> None:
    """Run the command line."""
    description = "Judge promises on score and cost."
    command_line(description, "judging promises over the stored runs", draw_all, arguments)


if __name__ == "__main__":
    main()
