"""The leaderboard's files: read back, so that one comparison can be replaced; written whole."""

from __future__ import annotations

import io
import uuid
from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from benchmarks.comparison import COMPARISON, Place
from benchmarks.leaderboard_text import to_field_markdown, to_markdown
from benchmarks.metric import Metric
from benchmarks.metrics import METRICS

Tables = dict[str, pd.DataFrame]  # "leaderboard" and "calibration", each a file of that name
_TABLES = ("leaderboard", "calibration")
_TEXTS = ("router", "group", "seeds", *COMPARISON, "cost_unit", "llm", "remarks")
_COUNTS = ("n_seeds", "n_questions", "n_not_compared", "n_llms", "n_pairs", "n_outcomes")
_OF_DATASET = "score_"  # columns that only the comparisons with that dataset have


def read(results: Path) -> Tables | None:
    """Return the stored tables; None if one is not there or cannot be read."""
    try:
        return {name: _parsed((results / f"{name}.csv").read_text("utf-8")) for name in _TABLES}
    except (OSError, ValueError, KeyError):
        return None


def _parsed(text: str) -> pd.DataFrame:
    """Return a table from its text; names stay texts, whatever they look like."""
    table = pd.read_csv(io.StringIO(text), dtype=str, na_filter=False)
    for name in table.columns:
        if name not in _TEXTS:
            table[name] = table[name].replace("", "nan").astype(float)
    for name in set(_COUNTS) & set(table.columns):
        table[name] = table[name].astype(int)
    table[list(COMPARISON)]  # a file without them is none of ours
    return table


def places(tables: Tables | None) -> set[Place]:
    """Return the comparisons that every one of the tables has rows of."""
    if tables is None:
        return set()
    return set.intersection(*(set(_by_place(table)) for table in tables.values()))


def same_layout(first: Tables, second: Tables) -> bool:
    """Tell whether the tables have the same columns, those of single datasets aside."""
    return all(_layout(first[name]) == _layout(second[name]) for name in _TABLES)


def _layout(table: pd.DataFrame) -> set[str]:
    return {name for name in table.columns if not name.startswith(_OF_DATASET)}


def merge(kept: Tables, stay: Iterable[Place], fresh: Tables) -> Tables:
    """Return the fresh rows, and of the kept ones those of the comparisons that stay."""
    merged = {}
    for name in _TABLES:
        old, parts = _by_place(kept[name]), _by_place(fresh[name])
        parts |= {place: _own_columns(old[place]) for place in stay}
        merged[name] = pd.concat([parts[place] for place in sorted(parts)], ignore_index=True)
    return merged


def _by_place(table: pd.DataFrame) -> dict[Place, pd.DataFrame]:
    grouped = table.groupby(list(COMPARISON), sort=False)
    return {tuple(map(str, place)): rows for place, rows in grouped}


def _own_columns(rows: pd.DataFrame) -> pd.DataFrame:
    """Leave out the columns of datasets that only other comparisons have."""
    foreign = [c for c in rows.columns if c.startswith(_OF_DATASET) and rows[c].isna().all()]
    return rows.drop(columns=foreign)


def write(results: Path, tables: Tables, metrics: Sequence[Metric] = METRICS) -> Tables:
    """Write the tables, and the leaderboard as Markdown; return the tables as they are stored."""
    texts = {name: tables[name].to_csv(index=False, float_format="%.6g") for name in _TABLES}
    stored = {name: _parsed(text) for name, text in texts.items()}
    for name, text in texts.items():
        _replace(results / f"{name}.csv", text)
    _replace(results / "leaderboard.md", to_markdown(stored["leaderboard"], metrics))
    _replace(results / "field.md", to_field_markdown(stored["leaderboard"], metrics))
    return stored


def _replace(file: Path, text: str) -> None:
    """Write a file beside its place and rename it: a reader finds the old or the new one whole."""
    part = file.with_name(f".{file.name}.{uuid.uuid4().hex}.part")
    try:
        part.write_text(text, encoding="utf-8", newline="")
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)
