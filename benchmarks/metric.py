"""A metric is one entry: what it is called, computed from, better for, and shown as."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from benchmarks.results import Results
from benchmarks.writing import number, with_interval

BETTER = ("higher", "lower", "")
TABLES = ("leaderboard", "field")
_NAN = float("nan")


@dataclass(frozen=True)
class Metric:
    """A figure of a router: one column of the leaderboard, or one per dataset.

    Attributes
    ----------
    name : str
        Of the column. A name with ``<dataset>`` stands for a column per dataset.
    function : callable
        From :class:`benchmarks.results.Results` to a number, NaN where it is not known; for a name
        with ``<dataset>``, to a dict from dataset to number.
    label : str
        What tables call it.
    explanation : str
        What it is, in a clause that begins in lower case: the glossary.
    better : {"higher", "lower", ""}, default=""
        Which way is better; "" where neither is.
    format : str, default=""
        A format specification such as ``".3f"``; by default three significant digits.
    needs : sequence of str, default=("score",)
        Columns without which it is not known; ``score/<llm>`` for one per llm, ``points`` for
        operating points.
    interval : callable, optional
        From Results to the ends ``low, high`` of a 95% interval.
    ends : str, optional
        Their columns are ``<ends>_low`` and ``<ends>_high``, by default ``<name>_low`` and so on.
    tables : sequence of {"leaderboard", "field"}, default=("leaderboard",)
        Which of the tables that are read it stands in; every metric is in the csv.

    Raises
    ------
    ValueError
        If ``better`` or one of ``tables`` is none of these.
    """

    name: str
    function: Callable[[Results], float | Mapping[str, float]]
    label: str
    explanation: str
    better: str = ""
    format: str = ""
    needs: Sequence[str] = ("score",)
    interval: Callable[[Results], tuple[float, float]] | None = None
    ends: str = ""
    tables: Sequence[str] = ("leaderboard",)

    def __post_init__(self) -> None:
        if self.better not in BETTER:
            raise ValueError(
                f"Metric {self.name!r}: 'better' must be one of {BETTER}, got {self.better!r}. "
                "Say which way is better."
            )
        if wrong := [table for table in self.tables if table not in TABLES]:
            raise ValueError(
                f"Metric {self.name!r}: 'tables' must be of {TABLES}, got {wrong}. Give () for a "
                "metric that stands in the csv alone."
            )

    @property
    def end_columns(self) -> tuple[str, ...]:
        """Columns of the interval's ends, none if it has no interval."""
        stem = self.ends or self.name
        return (f"{stem}_low", f"{stem}_high") if self.interval else ()

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the value and of the interval's ends."""
        return (self.name, *self.end_columns)

    def figures(self, found: Results) -> dict[str, float]:
        """Return the value and the interval by column, NaN where something that it needs lacks."""
        known = not found.lacks(self.needs)
        if "<dataset>" in self.name:
            values = self.function(found) if known else {}
            assert isinstance(values, Mapping)
            return {self.name.replace("<dataset>", name): of for name, of in values.items()}
        value = self.function(found) if known else _NAN
        assert not isinstance(value, Mapping)
        ends = self.interval(found) if self.interval and known else (_NAN, _NAN)
        return {self.name: value, **dict(zip(self.end_columns, ends, strict=False))}

    def written(self, row: Mapping[str, float] | pd.Series) -> str:
        """Return the text of a table's cell from a row of the leaderboard."""
        if not self.interval:
            return number(row[self.name], self.format)
        low, high = (row[end] for end in self.end_columns)
        return with_interval(row[self.name], low, high, self.format)


def check_metrics(metrics: Sequence[Metric], sort_by: str) -> None:
    """Refuse metrics of one name, and an order by none of them.

    Raises
    ------
    ValueError
        Naming the metric.
    """
    names = [metric.name for metric in metrics]
    columns = [column for metric in metrics for column in metric.columns]
    if twice := sorted({column for column in columns if columns.count(column) > 1}):
        raise ValueError(
            f"Metrics must have columns of their own, got {twice} more than once. Rename one."
        )
    if sort_by not in names:
        raise ValueError(
            f"The order must be that of a metric, got {sort_by!r}. Known are: {', '.join(names)}."
        )
