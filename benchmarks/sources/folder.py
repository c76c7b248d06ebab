"""A routing table from a folder of three parquet files: the format for anyone's outcomes.

``questions.parquet``
    ``question_id``, ``dataset``, ``question``; optionally ``subject``, ``choices`` (list of
    options, shown below the question), ``split`` (``train`` or ``test``).
``outcomes.parquet``
    Long form: ``question_id``, ``llm``, ``score`` in [0, 1]; optionally ``cost``. A pair that is
    absent, or whose score is missing, is *not observed*. Optionally ``rotation``: the llm was asked
    again with the options in another order, and the rows of a pair are one outcome.
``llms.parquet`` (optional)
    ``llm`` and anything known of it, for instance ``params_b``.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd

from routers.table import RoutingTable

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
ROTATIONS = ("all", "mean")


def load(
    path: str | Path,
    cost_column: str | None = None,
    cost_unit: str = "USD",
    show_choices: bool = True,
    rotations: str = "all",
) -> RoutingTable:
    """Read a folder.

    Parameters
    ----------
    path : str or Path
    cost_column : str, optional
        Column of ``llms.parquet`` that stands in for the cost where ``outcomes.parquet`` has
        none; values below 0 mean unknown. By default ``params_b`` if that column is there.
    cost_unit : str, default="USD"
        Unit of the outcomes' cost; a stand-in is named after its column instead.
    show_choices : bool, default=True
        Put the options below the question, in an order drawn from the question's id (some
        sources list the right one first).
    rotations : {"all", "mean"}, default="all"
        Of a question asked under several orders of its options (a circle test): an llm scores what
        it scored under the worst of them, hence 1 only if it is right under all, or the mean.
        The cost is the mean in either case.

    Returns
    -------
    RoutingTable

    Raises
    ------
    FileNotFoundError
        Naming the file that is not there.
    ValueError
        Naming file, row and column of the first bad value.
    """
    folder = Path(path)
    questions = _read(folder, "questions.parquet", ("question_id", "dataset", "question"))
    outcomes = _read(folder, "outcomes.parquet", ("question_id", "llm", "score"))
    facts = None
    if (folder / "llms.parquet").exists():
        facts = _read(folder, "llms.parquet", ("llm",)).set_index("llm")
    return build(questions, outcomes, facts, cost_column, cost_unit, show_choices, rotations)


def build(
    questions: pd.DataFrame,
    outcomes: pd.DataFrame,
    facts: pd.DataFrame | None = None,
    cost_column: str | None = None,
    cost_unit: str = "USD",
    show_choices: bool = True,
    rotations: str = "all",
) -> RoutingTable:
    """Build the table from frames in the folder format; see :func:`load`."""
    ids = questions["question_id"].astype(str).to_numpy(dtype=object)
    _no_repeat(questions, ["question_id"], "questions.parquet")
    _all_texts(questions, ("question_id", "dataset", "question"), "questions.parquet")
    _all_texts(outcomes, ("question_id", "llm"), "outcomes.parquet")
    names = sorted(set(outcomes["llm"].astype(str)))
    _in_range(outcomes, "score", 0, 1)
    pair = ["question_id", "llm"]
    rotated = "rotation" in outcomes
    _no_repeat(outcomes, [*pair, "rotation"] if rotated else pair, "outcomes.parquet")
    _known_questions(outcomes, ids)
    asked = np.ones(len(ids), dtype=int)  # times that an llm was asked
    if rotated:
        asked = _times_asked(outcomes, ids)
        outcomes = _one_outcome(outcomes, rotations)
    scores = _matrix(outcomes, "score", ids, names)
    costs, unit = _costs(outcomes, facts, ids, names, cost_column, cost_unit)
    choices = questions["choices"] if "choices" in questions else [None] * len(questions)
    options = [_options(value) for value in choices]
    texts = list(questions["question"])
    if show_choices:
        texts = [_shown(*row) for row in zip(ids, texts, options, strict=True)]
    return RoutingTable(
        questions=texts,
        scores=scores,
        llms=names,
        ids=ids,
        costs=costs,
        cost_unit=unit,
        datasets=questions["dataset"].to_numpy(dtype=object),
        subjects=_optional(questions, "subject", questions["dataset"]),
        splits=_optional(questions, "split", ""),
        chance=_chance(options, asked if rotations == "all" else np.ones_like(asked)),
    )


def _read(folder: Path, name: str, required: tuple[str, ...]) -> pd.DataFrame:
    file = folder / name
    if not file.is_file():
        raise FileNotFoundError(f"{file} is not there. A data folder holds {name}; see the README.")
    frame = pd.read_parquet(file)
    for column in required:
        if column not in frame:
            found = ", ".join(frame.columns)
            raise ValueError(f"{file} must have a column {column!r}, it has: {found}.")
    return frame


def _refuse(file: str, row: int, column: str, must: str, got: object, advice: str) -> None:
    shown = getattr(got, "item", lambda: got)()  # a plain number, not numpy's
    raise ValueError(
        f"{file}, row {row}, column {column!r}: must be {must}, got {shown!r}. {advice}"
    )


def _all_texts(frame: pd.DataFrame, columns: tuple[str, ...], file: str) -> None:
    for column in columns:
        # distinct values first: a long table repeats few names millions of times
        good = {v for v in frame[column].unique() if isinstance(v, str) and v.strip()}
        bad = ~frame[column].isin(good)
        if bad.any():
            row = int(np.argmax(bad))
            got = frame[column].iloc[row]
            _refuse(file, row, column, "a text that is not empty", got, "Fill or drop the row.")


def _no_repeat(frame: pd.DataFrame, columns: list[str], file: str) -> None:
    repeated = frame.duplicated(columns)
    if repeated.any():
        row = int(np.argmax(repeated))
        got = tuple(frame[columns].iloc[row])
        _refuse(file, row, " and ".join(columns), "unique", got, "Drop the repeated row.")


def _in_range(frame: pd.DataFrame, column: str, low: float, high: float) -> None:
    values = pd.to_numeric(frame[column], errors="coerce")
    bad = (values < low) | (values > high) | (values.isna() & frame[column].notna())
    if bad.any():
        row = int(np.argmax(bad))
        limit = f"a number in [{low}, {high}] or missing"
        got = frame[column].iloc[row]
        _refuse("outcomes.parquet", row, column, limit, got, "Rescale or drop it.")


def _known_questions(outcomes: pd.DataFrame, ids: np.ndarray) -> None:
    unknown = _rows(outcomes, ids) < 0
    if unknown.any():
        at = int(np.argmax(unknown))
        got = outcomes["question_id"].iloc[at]
        _refuse(
            "outcomes.parquet",
            at,
            "question_id",
            "an id of questions.parquet",
            got,
            "Add the question or drop the outcome.",
        )


def _rows(outcomes: pd.DataFrame, ids: np.ndarray) -> np.ndarray:
    return pd.Index(ids).get_indexer(pd.Index(outcomes["question_id"].astype(str)))


def _times_asked(outcomes: pd.DataFrame, ids: np.ndarray) -> np.ndarray:
    """Count the rotations of each question, shape (n,), at least 1."""
    counts = outcomes.groupby("question_id")["rotation"].nunique(dropna=False)
    return counts.reindex(ids).fillna(1).clip(lower=1).to_numpy(dtype=int)


def _one_outcome(outcomes: pd.DataFrame, rotations: str) -> pd.DataFrame:
    """Return one row per question and llm, from the rows of its rotations.

    A missing score makes the worst one unknown, unless it is 0 anyway; the mean is of the others.
    """
    if rotations not in ROTATIONS:
        raise ValueError(f"'rotations' must be one of {list(ROTATIONS)}, got {rotations!r}.")
    if "cost" in outcomes:
        _in_range(outcomes, "cost", 0, np.inf)
    pairs = outcomes.groupby(["question_id", "llm"], sort=False)
    merged = pairs[["cost"]].mean() if "cost" in outcomes else pairs[[]].first()
    mean, worst = pairs["score"].mean(), pairs["score"].min()
    known = pairs["score"].count() == pairs.size()
    merged["score"] = mean if rotations == "mean" else worst.where(known | (worst == 0))
    return merged.reset_index()


def _chance(options: list[list[str]], asked: np.ndarray) -> list[float]:
    """Return the chance that guesses among the options are right as often as it takes."""
    return [
        (1 / len(found)) ** int(times) if len(found) > 1 else 0.0
        for found, times in zip(options, asked, strict=True)
    ]


def _matrix(outcomes: pd.DataFrame, column: str, ids: np.ndarray, names: list[str]) -> np.ndarray:
    """Spread a long column into (n, m), NaN where the pair is absent."""
    row = _rows(outcomes, ids)
    column_of = pd.Index(names).get_indexer(pd.Index(outcomes["llm"].astype(str)))
    matrix = np.full((len(ids), len(names)), np.nan, dtype=np.float32)
    matrix[row, column_of] = outcomes[column]
    return matrix


def _costs(
    outcomes: pd.DataFrame,
    facts: pd.DataFrame | None,
    ids: np.ndarray,
    names: list[str],
    cost_column: str | None,
    cost_unit: str,
) -> tuple[np.ndarray | None, str]:
    if "cost" in outcomes and cost_column is None:
        _in_range(outcomes, "cost", 0, np.inf)
        return _matrix(outcomes, "cost", ids, names), cost_unit
    column = cost_column or "params_b"
    if facts is None or column not in facts:
        if cost_column is None:
            return None, cost_unit
        raise ValueError(f"llms.parquet must have a column {cost_column!r} to stand in for cost.")
    values = facts[column].reindex(names).to_numpy(dtype=float)
    return np.where(values < 0, np.nan, values), f"{column} (proxy)"


def _options(value: object) -> list[str]:
    return [str(option) for option in value] if isinstance(value, (list, np.ndarray)) else []


def _shown(question_id: str, question: str, options: list[str]) -> str:
    """Return the question with its options below, in an order drawn from its id."""

    def draw(option: str) -> bytes:
        return hashlib.sha256(f"{question_id}\x1f{option}".encode()).digest()

    lines = zip(_LETTERS, sorted(options, key=draw), strict=False)
    return "\n".join([question, *(f"{letter}. {option}" for letter, option in lines)])


def _optional(frame: pd.DataFrame, column: str, default: object) -> np.ndarray:
    values = frame[column] if column in frame else pd.Series(default, index=frame.index)
    fallback = default if isinstance(default, pd.Series) else pd.Series(default, index=frame.index)
    return values.where(values.notna(), fallback).astype(str).to_numpy(dtype=object)
