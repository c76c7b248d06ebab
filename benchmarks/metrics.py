"""Figures of routers from a frame of rows, whoever made them.

``summarise(frame)`` is the way in. ``METRICS`` is what it works out, an entry a figure: a metric of
one's own is one more :class:`benchmarks.metric.Metric`. Neither reads a file, nor needs the routers
or anything that they are made with. Definitions: ``docs/metrics.md``.

>>> import pandas as pd
>>> rows = pd.DataFrame({
...     "question_id": ["q1", "q2", "q3", "q4"] * 2,
...     "dataset": ["algebra", "algebra", "law", "law"] * 2,
...     "router": ["mine"] * 4 + ["yours"] * 4,
...     "score": [1, 1, 0, 1, 0, 1, 0, 1],
... })
>>> summarise(rows)[["router", "n_questions", "macro_score"]]
  router  n_questions  macro_score
0   mine            4         0.75
1  yours            4         0.50
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from benchmarks.comparable import compared
from benchmarks.field.report import FIELD
from benchmarks.frame_checks import check_points, checked_rows
from benchmarks.headline import HEADLINE, TIMES
from benchmarks.metric import Metric, check_metrics
from benchmarks.results import TIMING, Results
from benchmarks.significance import group_letters
from benchmarks.stored_rows import BySeed
from benchmarks.writing import markdown, table_of

METRICS: tuple[Metric, ...] = (*HEADLINE, *FIELD, *TIMES)
HEADLINE_METRIC = "macro_score"  # that letters are about, and tables are sorted by


def summarise(
    frame: pd.DataFrame,
    metrics: Sequence[Metric] | None = None,
    points: Mapping[str, pd.DataFrame] | None = None,
    sort_by: str = HEADLINE_METRIC,
) -> pd.DataFrame:
    """Summarise what routers scored: one row per router, best first.

    Routers are compared on the tests that all have a score on: a test (a question in a seed) on
    which a router of that seed has none, or a floor beside it, is left out for all.

    Parameters
    ----------
    frame : DataFrame of n rows
        One row per router, seed and question. Needed are

        * ``question_id`` : str
        * ``dataset`` : str, where the question comes from; each dataset weighs the same
        * ``router`` : str
        * ``score`` : float in [0, 1], higher is better, NaN where it is not known; or in its place
          ``choice`` with a ``score/<llm>`` of every llm

        Further columns give further figures:

        * ``seed`` : int, 0 if not given. Seeds ask the same questions again
        * ``group`` : str, the same for questions that rise and fall together (a passage,
          paraphrases), which are then one unit of intervals and tests; "" for none
        * ``cost`` : float, at least 0, in one unit for all, NaN where it is not known
        * ``<policy>_score``, ``<policy>_cost`` : float, of the floors and bounds ``best_single``,
          ``recognised_dataset``, ``dataset_best``, ``cheapest``, ``random``, ``oracle`` and
          ``corrected_oracle`` on the question
        * ``score/<llm>``, ``cost/<llm>``, ``predicted_score/<llm>`` : float, of every llm;
          ``eligible/<llm>`` : bool, whether it can answer the question at all; ``chance`` : float
          in [0, 1), of guessing right
        * ``choice``, ``choice/<floor>`` : int, which llm was asked, in the order of the columns
          ``score/<llm>``; -1 for none
        * ``fit_seconds``, ``encode_seconds`` : float, in seconds, ``route_qps``, questions a
          second, ``peak_memory_mb``, megabytes: the same in all rows of a router and seed
    metrics : sequence of Metric, optional
        By default ``METRICS``; ``[*METRICS, mine]`` adds one.
    points : dict of router to DataFrame, optional
        Operating points of each router: columns ``score`` (macro mean) and ``cost`` (mean), that at
        which cost does not count first. Figures over prices need them.
    sort_by : str, default="macro_score"
        The metric whose best comes first.

    Returns
    -------
    DataFrame
        ``router``; ``group``, letters: routers that share one are not told apart; a column for
        each metric, and for the ends of its interval. A metric that needs a column which is not
        there is left out, see :func:`left_out`; a figure that the values do not tell is NaN.

    Raises
    ------
    TypeError
        If ``frame`` is not a DataFrame.
    ValueError
        If there is no row, a column that is needed lacks, a value is out of range, a question
        stands twice for a router and seed or in two datasets, two metrics have the same name, or
        none is called ``sort_by``.
    """
    metrics = METRICS if metrics is None else metrics
    check_metrics(metrics, sort_by)
    routers = checked_rows(frame)
    points = points or {}
    check_points(points, routers)
    rows = dict(zip(routers, compared([*routers.values()]), strict=True))
    results = {
        name: Results(
            [*by_seed.values()],
            points.get(name),
            timing=_timing([*routers[name].values()]),
        )
        for name, by_seed in rows.items()
    }
    board = standings(rows, results, metrics)
    gone = left_out(frame, metrics, points)
    columns = [column for metric in metrics if metric.name in gone for column in metric.columns]
    board = board.drop(columns=columns, errors="ignore").rename_axis("router").reset_index()
    return ordered(board, metrics, sort_by)


def left_out(
    frame: pd.DataFrame,
    metrics: Sequence[Metric] | None = None,
    points: Mapping[str, pd.DataFrame] | None = None,
) -> dict[str, list[str]]:
    """Return what each metric lacks that a frame does not tell; nothing of those that it tells.

    Parameters
    ----------
    frame, metrics, points
        As :func:`summarise` takes them.

    Returns
    -------
    dict of str to list of str
        By the name of the metric: columns, or ``points``.
    """
    found = Results([frame], next(iter((points or {}).values()), None))
    lacking = {m.name: found.lacks(m.needs) for m in (METRICS if metrics is None else metrics)}
    return {name: needs for name, needs in lacking.items() if needs}


def summary(found: Results, metrics: Sequence[Metric] = METRICS) -> dict[str, float]:
    """Return the figures of one router by column, NaN where something that they need lacks."""
    every: dict[str, float] = {}
    for metric in metrics:
        every |= metric.figures(found)
    return every


def standings(
    rows: Mapping[str, BySeed], results: Mapping[str, Results], metrics: Sequence[Metric] = METRICS
) -> pd.DataFrame:
    """Return the figures of routers that are compared, and letters.

    Parameters
    ----------
    rows : dict of router to dict of seed to DataFrame
        See :func:`benchmarks.comparable.compared`.
    results : dict of router to Results
        Of these rows.
    metrics : sequence of Metric, optional
        By default ``METRICS``.

    Returns
    -------
    DataFrame, index router
        In the order given; ``group``, the letters of ``significance.group_letters``, comes first.
    """
    pool = [of.points for of in results.values() if of.points is not None]
    every = pd.concat(pool) if pool else None
    found = {name: replace(of, pool=every) for name, of in results.items()}
    board = pd.DataFrame([summary(of, metrics) for of in found.values()], index=list(found))
    by_score = sorted(found, key=lambda name: (_place(found[name].score()), name))
    letters = pd.Series(group_letters([rows[name] for name in by_score]), by_score)
    board.insert(0, "group", letters)
    return board


def _place(score: float) -> float:
    """Return what sorts the best score first and an unknown one last."""
    return float("inf") if np.isnan(score) else -score


def ordered(
    board: pd.DataFrame, metrics: Sequence[Metric] = METRICS, by: str = HEADLINE_METRIC
) -> pd.DataFrame:
    """Return rows of routers in the order of a metric: best first, unknown last, equals by name."""
    lower = {metric.name: metric.better == "lower" for metric in metrics}[by]
    return board.sort_values([by, "router"], ascending=[lower, True])


def glossary(metrics: Sequence[Metric] = METRICS) -> str:
    """Return what every metric is, as a Markdown table."""
    rows = []
    for metric in metrics:
        columns, needs = (", ".join(f"`{n}`" for n in of) for of in (metric.columns, metric.needs))
        rows.append([columns, markdown(metric.label), metric.better, metric.explanation, needs])
    return table_of(["column", "called", "better", "what it is", "needs"], rows)


def _timing(runs: Sequence[pd.DataFrame]) -> dict[str, list[float]]:
    """Return what each seed took, of a router that every seed says it of."""
    return {
        name: [float(run[name].iloc[0]) for run in runs]
        for name in TIMING
        if all(name in run for run in runs)
    }
