"""Outcomes from a folder of three parquet files: the format for anyone's.

``questions.parquet``
    ``question_id``, ``dataset``, ``question``; optionally ``subject``, ``choices`` (options, shown
    below the question; see ``benchmarks.sources.options`` for their forms), ``split`` (``train``
    or ``test``), ``group`` (what a question shares with others: a passage, a template, the question
    that it paraphrases; missing or empty where it is its own), ``n_tokens`` and ``needs`` (see
    below).
``outcomes.parquet``
    Long form: ``question_id``, ``llm``, ``score`` in [0, 1]; optionally ``cost``. A pair that is
    absent, or whose score is missing, is *not observed*. Optionally ``rotation``: the llm was asked
    again with the options in another order, and the rows of a pair are one outcome. Optionally
    ``sample``: the llm was asked the same again; the score and the cost of the pair are the means
    of its samples (within each rotation, where there are several), and the spread is kept.
    Optionally ``eligible``: false if the llm *cannot* answer the question, for whatever reason.
``llms.parquet`` (optional)
    ``llm`` and anything known of it. Some columns mean the same for every source, such as
    ``params_b``, ``released``, ``family``: see ``benchmarks.sources.facts``.

Where an outcome does not say whether its pair is eligible, the facts do: an llm cannot answer a
question of more tokens (``n_tokens``) than its ``context_window``, nor one whose ``needs`` (such as
``image, tools``) are not all among its ``modalities``. Where either fact is missing, it can. No
score or cost of a pair that is not eligible is kept.
"""

from __future__ import annotations

import logging
import time
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.sources.columns import Coded, coded, no_repeat, sentences
from benchmarks.sources.costs import costs_or_stand_in, tell_partly_known
from benchmarks.sources.eligibility import eligible_pairs, tell_ineligible
from benchmarks.sources.facts import LLM_FACTS, QUESTION_FACTS, llm_facts, question_facts
from benchmarks.sources.groups import groups_of
from benchmarks.sources.names import is_blank, tell_lookalikes, tell_unknown_llms
from benchmarks.sources.options import chance_of, options_of_all, with_options
from benchmarks.sources.outcomes import ROTATIONS, checked_rows, one_per_pair, times_right
from benchmarks.sources.parquet import LLMS, OUTCOMES, QUESTIONS, read
from benchmarks.sources.samples import spread_of, tell_samples
from benchmarks.sources.source import Source
from routers.constraints import Boolean, OneOf, Text
from routers.table import RoutingTable
from routers.validation import checked

log = logging.getLogger(__name__)
_NAME = Text("a text that is not empty", rule=lambda text: not is_blank(text))
_SETTINGS = {
    "cost_column": _NAME | None,
    "cost_unit": _NAME,
    "show_choices": Boolean(),
    "rotations": OneOf(*ROTATIONS),
}


@checked("folder", **_SETTINGS)
def load(
    path: str | Path,
    cost_column: str | None = None,
    cost_unit: str = "USD",
    show_choices: bool = True,
    rotations: str = "all",
) -> Source:
    """Read a folder.

    Parameters
    ----------
    path : str or Path
    cost_column : str, optional
        Column of ``llms.parquet`` that is taken in place of the outcomes' cost; values below 0
        mean unknown. By default the outcomes' cost, and where no outcome has one, ``params_b``
        if that column is there.
    cost_unit : str, default="USD"
        Unit of the outcomes' cost; a stand-in is named after its column instead.
    show_choices : bool, default=True
        Put the options below the question, in an order drawn from the question's id (some
        sources list the right one first).
    rotations : {"all", "mean"}, default="all"
        Of a question asked under several orders of its options (a circle test): an llm scores what
        it scored under the worst of them, hence 1 only if it is right under all, or the mean.
        The cost is the mean of those known in either case. The score under an order is the mean
        of its samples, if it has several.

    Returns
    -------
    Source

    Raises
    ------
    FileNotFoundError
        Naming the file that is not there.
    ValueError
        Naming file, row and column of the first bad value.
    """
    folder, start = Path(path), time.perf_counter()
    questions = read(
        folder / QUESTIONS,
        ("question_id", "dataset", "question"),
        ("subject", "choices", "split", "group", *QUESTION_FACTS),
    )
    outcomes = read(
        folder / OUTCOMES,
        ("question_id", "llm", "score"),
        ("cost", "rotation", "sample", "eligible"),
    )
    facts = _read_facts(folder) if (folder / LLMS).exists() else None
    source = build(questions, outcomes, facts, cost_column, cost_unit, show_choices, rotations)
    log.info(
        "%s: %s questions, %s llms, %s outcomes, read in %.1f s",
        folder.name,
        f"{len(source.table):,}",
        f"{source.table.n_llms:,}",
        f"{len(outcomes):,}",
        time.perf_counter() - start,
    )
    return source


def _read_facts(folder: Path) -> pd.DataFrame:
    """Return what is known of each llm (``llms.parquet``), one row per llm, index its name."""
    facts = read(folder / LLMS, ("llm",), LLM_FACTS, rest=True)
    names = coded(facts, "llm", LLMS)
    no_repeat(facts, ["llm"], [names.codes], LLMS)
    return facts.drop(columns="llm").set_index(pd.Index(names.values, name="llm"))


@checked("folder", **_SETTINGS)
def build(
    questions: pd.DataFrame,
    outcomes: pd.DataFrame,
    facts: pd.DataFrame | None = None,
    cost_column: str | None = None,
    cost_unit: str = "USD",
    show_choices: bool = True,
    rotations: str = "all",
) -> Source:
    """Build a source from frames in the folder format; see :func:`load`.

    ``facts`` has one row per llm, its name the index.
    """
    _require_rows(questions, outcomes)
    ids = coded(questions, "question_id", QUESTIONS)
    no_repeat(questions, ["question_id"], [ids.codes], QUESTIONS)
    told = _told(questions)
    options = options_of_all(questions)
    texts = _texts(questions, ids, options if show_choices else None)
    llms, rows = checked_rows(outcomes, ids)
    _tell_llms(llms, facts)
    eligible = eligible_pairs(rows, questions, facts, llms)
    if eligible is not None:
        rows = _eligible_rows(rows, outcomes, eligible)
    scores, given = _matrices(one_per_pair(rows, rotations), len(texts), len(llms))
    spread = spread_of(rows, len(texts), len(llms))
    if spread is not None:
        tell_samples(spread, scores)
    costs, unit = costs_or_stand_in(given, facts, llms, cost_column, cost_unit)
    tell_partly_known(costs, scores, llms, unit)
    table = RoutingTable(
        questions=texts,
        scores=scores,
        llms=llms,
        ids=ids.values,
        costs=costs,
        cost_unit=unit,
        chance=chance_of(options, times_right(rows, len(texts), rotations)),
        eligible=eligible,
        groups=groups_of(questions, told["datasets"]),
        spread=spread,
        **told,
    )
    return Source(table, _of_llms(facts), _of_questions(questions, ids))


def _of_llms(facts: pd.DataFrame | None) -> pd.DataFrame:
    return pd.DataFrame() if facts is None else llm_facts(facts, LLMS)


def _of_questions(questions: pd.DataFrame, ids: Coded) -> pd.DataFrame:
    known = questions[[name for name in QUESTION_FACTS if name in questions]]
    return question_facts(known, QUESTIONS).set_index(pd.Index(ids.values))


def _require_rows(questions: pd.DataFrame, outcomes: pd.DataFrame) -> None:
    for file, frame in ((QUESTIONS, questions), (OUTCOMES, outcomes)):
        if frame.empty:
            raise ValueError(f"{file} must have at least one row, it has none. Fill it.")


def _texts(questions: pd.DataFrame, ids: Coded, options: list[list[str]] | None) -> list[str]:
    texts = sentences(questions, "question", QUESTIONS)
    if options is None:
        return texts
    return [with_options(*row) for row in zip(ids.values, texts, options, strict=True)]


def _tell_llms(llms: np.ndarray, facts: pd.DataFrame | None) -> None:
    tell_lookalikes(llms, "llm", OUTCOMES)
    if facts is not None:
        tell_unknown_llms(llms, facts.index, LLMS)


def _eligible_rows(rows: pd.DataFrame, outcomes: pd.DataFrame, able: np.ndarray) -> pd.DataFrame:
    """Return the rows of eligible pairs; say how many are left out."""
    kept = able[rows["question"], rows["llm"]]
    tell_ineligible(able, int((outcomes["score"].notna().to_numpy() & ~kept).sum()))
    return rows[kept]


def _matrices(pairs: pd.DataFrame, n: int, m: int) -> tuple[np.ndarray, np.ndarray | None]:
    """Spread scores and, if there are any, costs into (n, m); NaN where the pair is absent."""

    def spread(column: str) -> np.ndarray:
        matrix = np.full((n, m), np.nan, dtype=np.float32)
        matrix[pairs["question"], pairs["llm"]] = pairs[column]
        return matrix

    return spread("score"), spread("cost") if "cost" in pairs else None


def _told(questions: pd.DataFrame) -> dict[str, np.ndarray]:
    """Return what is told of each question beside its text: dataset, subject and split, (n,)."""
    datasets = coded(questions, "dataset", QUESTIONS)
    tell_lookalikes(datasets.values, "dataset", QUESTIONS)
    nowhere = Coded(np.zeros(len(questions), dtype=int), np.array([""]))
    subjects = _optional(questions, "subject", datasets)
    tell_lookalikes(set(subjects) - set(datasets.values), "subject", QUESTIONS)
    splits = _optional(questions, "split", nowhere)
    return {
        "datasets": datasets.values[datasets.codes],
        "subjects": subjects,
        "splits": np.array([split.lower() for split in splits], dtype=object),
    }


def _optional(frame: pd.DataFrame, column: str, fallback: Coded) -> np.ndarray:
    """Return a column of names, or those of ``fallback`` where it has none."""
    given = fallback.values.astype(object)[fallback.codes]
    if column not in frame:
        return given
    found = coded(frame, column, QUESTIONS, required=False)
    return np.where(found.codes < 0, given, np.append(found.values, "")[found.codes])
