"""What a source of outcomes gives: the table, and what is known of its llms and its questions."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from benchmarks.sources.facts import llm_facts, question_facts
from routers.table import RoutingTable
from routers.validation import sentence


@dataclass(frozen=True, eq=False)
class Source:
    """Outcomes, and what is known beside them.

    What a function of ``configs/data`` returns. One that returns a bare table knows nothing more.

    Parameters
    ----------
    table : RoutingTable
        All outcomes.
    llms : DataFrame, optional
        One row for each llm that something is known of, its name the index. Any columns; those of
        :func:`benchmarks.sources.facts.llm_facts` mean the same for every source.
    questions : DataFrame, optional
        One row for each question that something is known of, its id the index. Columns of
        :func:`benchmarks.sources.facts.question_facts`, or others.

    Attributes
    ----------
    table : RoutingTable
    llms : DataFrame
        As given, with all the standard columns: missing where nothing is known.
    questions : DataFrame
        One row per question of the table in its order, with all the standard columns, and
        ``group``: that of the table.

    Raises
    ------
    ValueError
        If something is of another type, a name stands twice, a question is not of the table, or a
        standard column holds what it must not.

    Examples
    --------
    >>> from benchmarks.sources import synthetic
    >>> table = synthetic.load(2).table
    >>> source = Source(table, llms=pd.DataFrame({"params_b": 7}, index=["bird expert"]))
    >>> source.llms.loc["bird expert", "params_b"].item()
    7
    >>> source.llms.loc["bird expert", "released"] is None
    True
    """

    table: RoutingTable
    llms: pd.DataFrame = field(default_factory=pd.DataFrame)
    questions: pd.DataFrame = field(default_factory=pd.DataFrame)

    def __post_init__(self) -> None:
        """Check and complete what is known."""
        if not isinstance(self.table, RoutingTable):
            advice = "Return a RoutingTable, or a Source with one."
            raise _wrong("'table'", "a RoutingTable", type(self.table).__name__, advice)
        for name in ("llms", "questions"):
            _check_frame(name, getattr(self, name))
        _check_questions(self.questions, self.table)
        # the dataclass is frozen
        object.__setattr__(self, "llms", llm_facts(self.llms, "llms").rename_axis("llm"))
        ids = pd.Index(self.table.ids, name="question_id")
        # checked as they are given; then again, for those of which nothing is known
        of_table = question_facts(self.questions, "questions").reindex(ids)
        known = question_facts(of_table, "questions").assign(group=self.table.groups)
        object.__setattr__(self, "questions", known)

    def canonical(self) -> Source:
        """Return the same with questions sorted by id and the table's llms by name."""
        return Source(self.table.canonical(), self.llms, self.questions)


def _wrong(what: str, must: str, got: object, advice: str) -> ValueError:
    return ValueError(sentence("Source", what, must, got, advice))


def _check_frame(name: str, frame: object) -> None:
    if not isinstance(frame, pd.DataFrame):
        got = type(frame).__name__
        raise _wrong(f"'{name}'", "a DataFrame", got, "Its index holds the names.")
    named = [isinstance(entry, str) for entry in frame.index]
    if not all(named):
        got = frame.index[named.index(False)]
        raise _wrong(f"the index of '{name}'", "of names", got, "Set it: frame.set_index(...).")
    if not frame.index.is_unique:
        got = frame.index[frame.index.duplicated()][0]
        raise _wrong(f"the index of '{name}'", "of unique names", got, "Drop the repeated row.")


def _check_questions(questions: pd.DataFrame, table: RoutingTable) -> None:
    """Refuse what is said of questions that are not there, or against what the table says."""
    strange = questions.index.difference(pd.Index(table.ids))
    if len(strange):
        advice = "Name questions by their ids."
        raise _wrong("the index of 'questions'", "of the table's ids", strange[0], advice)
    if "group" not in questions:
        return
    groups = pd.Series(table.groups, index=table.ids)[questions.index]
    other = np.flatnonzero(questions["group"].to_numpy() != groups.to_numpy())
    if len(other):
        where, must = (
            f"the group of question {groups.index[other[0]]!r}",
            repr(groups.iloc[other[0]]),
        )
        got = questions["group"].iloc[other[0]]
        raise _wrong(where, f"{must}, as in the table", got, "Give groups to the RoutingTable.")
