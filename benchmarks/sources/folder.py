"""A routing table from a folder of three parquet files: the format for anyone's outcomes.

``questions.parquet``
    ``question_id``, ``dataset``, ``question``; optionally ``subject``, ``choices`` (options, shown
    below the question; see ``benchmarks.sources.options`` for their forms), ``split`` (``train``
    or ``test``).
``outcomes.parquet``
    Long form: ``question_id``, ``llm``, ``score`` in [0, 1]; optionally ``cost``. A pair that is
    absent, or whose score is missing, is *not observed*. Optionally ``rotation``: the llm was asked
    again with the options in another order, and the rows of a pair are one outcome.
``llms.parquet`` (optional)
    ``llm`` and anything known of it, for instance ``params_b``.
"""

from __future__ import annotations

import hashlib
import logging
import time
from difflib import get_close_matches
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.sources.columns import Coded, coded, no_repeat, numbers, read, refuse, sentences
from benchmarks.sources.options import MUST, options_of
from routers.table import RoutingTable

log = logging.getLogger(__name__)
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_QUESTIONS, _OUTCOMES, _LLMS = "questions.parquet", "outcomes.parquet", "llms.parquet"
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
    folder, start = Path(path), time.perf_counter()
    questions = read(
        folder / _QUESTIONS,
        ("question_id", "dataset", "question"),
        ("subject", "choices", "split"),
    )
    outcomes = read(folder / _OUTCOMES, ("question_id", "llm", "score"), ("cost", "rotation"))
    facts = read_facts(folder) if (folder / _LLMS).exists() else None
    if facts is not None:
        _tell_unknown(facts, coded(outcomes, "llm", _OUTCOMES).values)
    table = build(questions, outcomes, facts, cost_column, cost_unit, show_choices, rotations)
    log.info(
        "%s: %s questions, %s llms, %s outcomes, read in %.1f s",
        folder.name,
        f"{len(table):,}",
        f"{table.n_llms:,}",
        f"{len(outcomes):,}",
        time.perf_counter() - start,
    )
    return table


def read_facts(folder: Path) -> pd.DataFrame:
    """Return what is known of each llm (``llms.parquet``), one row per llm, index its name."""
    facts = read(folder / _LLMS, ("llm",))
    names = coded(facts, "llm", _LLMS)
    no_repeat(facts, ["llm"], [names.codes], _LLMS)
    return facts.drop(columns="llm").set_index(pd.Index(names.values, name="llm"))


def _tell_unknown(facts: pd.DataFrame, llms: np.ndarray) -> None:
    """Remark on llms of which nothing is known: a name may be spelled otherwise."""
    absent = sorted(set(llms) - set(facts.index))
    if not absent:
        return
    near = get_close_matches(absent[0].lower(), [name.lower() for name in facts.index], n=1)
    hint = "".join(f"; it has {name!r}" for name in facts.index if name.lower() in near)
    which = f"{len(absent)} of the {len(llms)} llms, first {absent[0]!r}{hint}"
    unknown = "What it would say of them, such as what stands in for their cost, is unknown."
    log.warning("%s says nothing of %s. %s", _LLMS, which, unknown)


def build(
    questions: pd.DataFrame,
    outcomes: pd.DataFrame,
    facts: pd.DataFrame | None = None,
    cost_column: str | None = None,
    cost_unit: str = "USD",
    show_choices: bool = True,
    rotations: str = "all",
) -> RoutingTable:
    """Build the table from frames in the folder format; see :func:`load`.

    ``facts`` has one row per llm, its name the index.
    """
    ids = coded(questions, "question_id", _QUESTIONS)
    no_repeat(questions, ["question_id"], [ids.codes], _QUESTIONS)
    datasets = coded(questions, "dataset", _QUESTIONS)
    texts = sentences(questions, "question", _QUESTIONS)
    names, pairs = _pairs(outcomes, ids)
    asked = np.ones(len(texts), dtype=int)  # times that an llm was asked
    if "rotation" in pairs:
        asked = _times_asked(pairs, len(texts))
        pairs = _one_outcome(pairs, rotations)
    shape = len(texts), len(names)
    options = _options(questions)
    if show_choices:
        texts = [_shown(*row) for row in zip(ids.values, texts, options, strict=True)]
    costs, unit = _costs(pairs, facts, names, shape, cost_column, cost_unit)
    return RoutingTable(
        questions=texts,
        scores=_matrix(pairs, "score", shape),
        llms=names,
        ids=ids.values,
        costs=costs,
        cost_unit=unit,
        datasets=datasets.values[datasets.codes],
        subjects=_optional(questions, "subject", datasets),
        splits=_optional(questions, "split", Coded(np.zeros(len(texts), int), np.array([""]))),
        chance=_chance(options, asked if rotations == "all" else np.ones_like(asked)),
    )


def _pairs(outcomes: pd.DataFrame, ids: Coded) -> tuple[np.ndarray, pd.DataFrame]:
    """Return the llms by name, and the outcomes with question and llm as positions, checked."""
    asked, llms = (coded(outcomes, name, _OUTCOMES) for name in ("question_id", "llm"))
    row = pd.Index(ids.values).get_indexer(pd.Index(asked.values))[asked.codes]
    if (row < 0).any():
        at = int(np.argmax(row < 0))
        got = outcomes["question_id"].iloc[at]
        advice = "Add the question or drop the outcome."
        refuse(_OUTCOMES, at, "question_id", f"an id of {_QUESTIONS}", got, advice)
    by_name = np.argsort(llms.values)
    place = np.empty(len(by_name), dtype=int)
    place[by_name] = np.arange(len(by_name))
    pairs = {"question": row, "llm": place[llms.codes]}
    names = ["question_id", "llm"]
    if "rotation" in outcomes:
        names.append("rotation")
        pairs["rotation"] = pd.factorize(outcomes["rotation"], use_na_sentinel=False)[0]
    no_repeat(outcomes, names, list(pairs.values()), _OUTCOMES)
    columns = {"score": numbers(outcomes, "score", _OUTCOMES, 0, 1).to_numpy()}
    if "cost" in outcomes:
        columns["cost"] = numbers(outcomes, "cost", _OUTCOMES, 0).to_numpy()
    return llms.values[by_name], pd.DataFrame(pairs | columns)


def _times_asked(pairs: pd.DataFrame, n: int) -> np.ndarray:
    """Count the rotations of each question, shape (n,), at least 1."""
    counts = pairs.groupby("question")["rotation"].nunique()
    return counts.reindex(range(n)).fillna(1).to_numpy(dtype=int)


def _one_outcome(pairs: pd.DataFrame, rotations: str) -> pd.DataFrame:
    """Return one row per question and llm, from the rows of its rotations.

    A missing score makes the worst one unknown, unless it is 0 anyway; the mean is of the others.
    """
    if rotations not in ROTATIONS:
        raise ValueError(f"'rotations' must be one of {list(ROTATIONS)}, got {rotations!r}.")
    grouped = pairs.groupby(["question", "llm"], sort=False)
    merged = grouped[["cost"]].mean() if "cost" in pairs else grouped[[]].first()
    mean, worst = grouped["score"].mean(), grouped["score"].min()
    known = grouped["score"].count() == grouped.size()
    merged["score"] = mean if rotations == "mean" else worst.where(known | (worst == 0))
    return merged.reset_index()


def _chance(options: list[list[str]], asked: np.ndarray) -> list[float]:
    """Return the chance that guesses among the options are right as often as it takes."""
    return [
        (1 / len(found)) ** int(times) if len(found) > 1 else 0.0
        for found, times in zip(options, asked, strict=True)
    ]


def _matrix(pairs: pd.DataFrame, column: str, shape: tuple[int, int]) -> np.ndarray:
    """Spread a long column into (n, m), NaN where the pair is absent."""
    matrix = np.full(shape, np.nan, dtype=np.float32)
    matrix[pairs["question"], pairs["llm"]] = pairs[column]
    return matrix


def _costs(
    pairs: pd.DataFrame,
    facts: pd.DataFrame | None,
    names: np.ndarray,
    shape: tuple[int, int],
    cost_column: str | None,
    cost_unit: str,
) -> tuple[np.ndarray | None, str]:
    if "cost" in pairs and cost_column is None:
        return _matrix(pairs, "cost", shape), cost_unit
    column = cost_column or "params_b"
    if facts is None or column not in facts:
        if cost_column is None:
            return None, cost_unit
        raise ValueError(f"{_LLMS} must have a column {cost_column!r} to stand in for cost.")
    values = numbers(facts, column, _LLMS).reindex(names).to_numpy(dtype=float)
    return np.where(values < 0, np.nan, values), f"{column} (proxy)"


def _options(questions: pd.DataFrame) -> list[list[str]]:
    """Return the options of every question, none for an open one."""
    found: list[list[str]] = []
    for value in questions["choices"] if "choices" in questions else [None] * len(questions):
        try:
            found.append(options_of(value))
        except ValueError:
            advice = "Write a list of texts, in which none is missing."
            refuse(_QUESTIONS, len(found), "choices", MUST, value, advice)
    return found


def _shown(question_id: str, question: str, options: list[str]) -> str:
    """Return the question with its options below, in an order drawn from its id."""

    def draw(option: str) -> bytes:
        return hashlib.sha256(f"{question_id}\x1f{option}".encode()).digest()

    lines = zip(_LETTERS, sorted(options, key=draw), strict=False)
    return "\n".join([question, *(f"{letter}. {option}" for letter, option in lines)])


def _optional(frame: pd.DataFrame, column: str, fallback: Coded) -> np.ndarray:
    """Return a column of names, or those of ``fallback`` where it has none."""
    given = fallback.values.astype(object)[fallback.codes]
    if column not in frame:
        return given
    found = coded(frame, column, _QUESTIONS, required=False)
    return np.where(found.codes < 0, given, np.append(found.values, "")[found.codes])
