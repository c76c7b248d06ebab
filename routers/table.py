"""The one table: what every llm of a zoo scored, and cost, on every question."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from routers.validation import sentence

FloatArray = np.ndarray
Texts = Sequence[str] | np.ndarray
_PER_PAIR = ("scores", "costs", "eligible", "spread")
_PER_QUESTION = (
    *_PER_PAIR,
    *("questions", "ids", "datasets", "subjects", "splits", "chance", "groups"),
)


def _wrong(what: str, must: str, got: object, advice: str) -> ValueError:
    return ValueError(sentence("RoutingTable", what, must, got, advice))


def _texts(name: str, values: object, length: int | None) -> np.ndarray:
    """Return ``values`` as a 1-d array of str objects, or say which entry is not one."""
    array = np.asarray(values, dtype=object)
    if array.ndim != 1:
        raise _wrong(f"'{name}'", "one-dimensional", array.shape, "Give one text per entry.")
    if length is not None and len(array) != length:
        raise _wrong(f"'{name}'", f"of length {length}", len(array), "Give one entry per question.")
    for position, value in enumerate(array):
        if not isinstance(value, str):
            raise _wrong(f"'{name}[{position}]'", "a str", value, "Drop the entry or name it.")
    return array.copy()


def _unique(name: str, values: np.ndarray) -> None:
    seen: set[str] = set()
    for position, value in enumerate(values):
        if value in seen:
            raise _wrong(f"'{name}[{position}]'", "unique", value, "Drop or rename the duplicate.")
        seen.add(value)


def _repr_of_list(values: np.ndarray) -> Iterator[str]:
    """Yield ``repr(list(values))`` piece by piece: whole, it is several times the texts."""
    for position, value in enumerate(values):
        yield (", " if position else "[") + repr(value)
    yield "]" if len(values) else "[]"


def _first_bad(bad: np.ndarray, ids: np.ndarray, llms: np.ndarray) -> str:
    row, column = np.argwhere(bad)[0]
    return f"of question {ids[row]!r} and llm {llms[column]!r}"


def _checked_scores(given: ArrayLike, ids: np.ndarray, llms: np.ndarray) -> FloatArray:
    scores = np.array(given, dtype=np.float32)
    shape = (len(ids), len(llms))
    if scores.shape != shape:
        raise _wrong("'scores'", f"of shape {shape}", scores.shape, "One row a question.")
    bad = (scores < 0) | (scores > 1)
    if bad.any():
        where = _first_bad(bad, ids, llms)
        value = float(scores[bad][0])
        raise _wrong(f"the score {where}", "in [0, 1] or NaN", value, "Rescale it at the source.")
    return scores


def _checked_costs(given: ArrayLike | None, ids: np.ndarray, llms: np.ndarray) -> FloatArray:
    shape = (len(ids), len(llms))
    costs = np.array(np.nan if given is None else given, dtype=np.float32)
    if costs.ndim and costs.shape not in (shape, shape[1:]):
        raise _wrong("'costs'", f"of shape {shape} or {shape[1:]}", costs.shape, "One per llm.")
    costs = np.broadcast_to(costs, shape)
    bad = (costs < 0) | np.isinf(costs)
    if bad.any():
        where = _first_bad(bad, ids, llms)
        value = float(costs[bad][0])
        raise _wrong(f"the cost {where}", "finite and >= 0, or NaN", value, "NaN marks unknown.")
    return costs


def _checked_eligible(given: ArrayLike | None, ids: np.ndarray, llms: np.ndarray) -> np.ndarray:
    shape = (len(ids), len(llms))
    eligible = np.broadcast_to(True, shape) if given is None else np.array(given)
    if eligible.shape != shape:
        raise _wrong("'eligible'", f"of shape {shape}", eligible.shape, "One row a question.")
    if eligible.dtype != bool:
        must = "True where an llm can answer, else False"
        raise _wrong("'eligible'", must, f"values of type {eligible.dtype}", "Give booleans.")
    return eligible


def _checked_spread(given: ArrayLike | None, ids: np.ndarray, llms: np.ndarray) -> FloatArray:
    shape = (len(ids), len(llms))
    if given is None:
        return np.broadcast_to(np.float32(np.nan), shape)
    spread = np.array(given, dtype=np.float32)
    if spread.shape != shape:
        raise _wrong("'spread'", f"of shape {shape}", spread.shape, "One row a question.")
    bad = (spread < 0) | (spread > 1)
    if bad.any():
        where = f"the spread {_first_bad(bad, ids, llms)}"
        advice = "It is the standard deviation of scores in [0, 1]."
        raise _wrong(where, "in [0, 1] or NaN", float(spread[bad][0]), advice)
    return spread


def _kept(values: FloatArray, eligible: np.ndarray) -> FloatArray:
    """Return values without those of pairs that are not eligible."""
    return values if eligible.all() else np.where(eligible, values, np.float32(np.nan))


def _checked_chance(given: ArrayLike | None, ids: np.ndarray) -> FloatArray:
    chance = np.zeros(len(ids)) if given is None else np.array(given, dtype=np.float64)
    if chance.shape != ids.shape:
        raise _wrong("'chance'", f"of shape {ids.shape}", chance.shape, "One per question.")
    bad = ~((chance >= 0) & (chance < 1))
    if bad.any():
        where = f"'chance' of question {ids[bad][0]!r}"
        raise _wrong(where, "in [0, 1)", float(chance[bad][0]), "Use 0 for an open question.")
    return chance


@dataclass(frozen=True, eq=False, init=False)
class RoutingTable:
    """Outcomes of ``m`` llms on ``n`` questions, validated once and frozen.

    ``NaN`` means *not observed*, never zero: that one rule gives partial logs, missing prices and
    new llms their meaning. What an llm *cannot* answer (the question exceeds its context window,
    holds an image, needs a tool) is neither wrong nor unobserved: it is not eligible.

    Parameters
    ----------
    questions : array-like of str, shape (n,)
        The text a router is shown.
    scores : array-like of float, shape (n, m)
        Quality of each llm's answer in [0, 1], higher is better; NaN where not observed.
    llms : array-like of str, shape (m,)
        Unique names of the candidates.
    ids : array-like of str, shape (n,)
        Unique question ids.
    datasets : array-like of str, shape (n,)
        The dataset each question comes from. Routers may learn from it in ``fit``; they never see
        it when they route.
    costs : array-like of float, shape (n, m) or (m,), optional
        Cost per question, at least 0, in ``cost_unit``; NaN where unknown. One row is taken as
        the same cost for every question.
    subjects : array-like of str, shape (n,), optional
        Finer topic; by default the dataset's name.
    splits : array-like of str, shape (n,), optional
        ``"train"`` or ``"test"`` where the source fixes it, ``""`` where it does not.
    chance : array-like of float, shape (n,), optional
        Probability of guessing right (1 / options), 0 for open questions (the default).
    cost_unit : str, default="USD"
        What a cost is counted in; a proxy is named as such.
    eligible : array-like of bool, shape (n, m), optional
        Whether the llm can answer the question at all; by default each can. Where it cannot, no
        score and no cost is kept (NaN), whatever was given: nobody is judged by it.
    groups : array-like of str, shape (n,), optional
        What a question shares with others: a passage, a template, the question it paraphrases.
        Questions of one group stay on one side of a split and are one unit of resampling. ``""``
        (the default) for a question that is its own group.
    spread : array-like of float, shape (n, m), optional
        Sample standard deviation (divisor one less than their number) of the scores of several
        answers of the llm to the question, of which its score is the mean; in [0, 1], NaN (the
        default) where fewer than two were observed.

    Raises
    ------
    ValueError
        Naming the field, question and llm at fault, what it must be and what it is.
    """

    questions: np.ndarray
    scores: FloatArray
    llms: np.ndarray
    ids: np.ndarray
    datasets: np.ndarray
    costs: FloatArray
    subjects: np.ndarray
    splits: np.ndarray
    chance: FloatArray
    cost_unit: str
    eligible: np.ndarray
    groups: np.ndarray
    spread: FloatArray

    def __init__(
        self,
        questions: ArrayLike,
        scores: ArrayLike,
        llms: ArrayLike,
        ids: ArrayLike,
        datasets: ArrayLike,
        costs: ArrayLike | None = None,
        subjects: ArrayLike | None = None,
        splits: ArrayLike | None = None,
        chance: ArrayLike | None = None,
        cost_unit: str = "USD",
        eligible: ArrayLike | None = None,
        groups: ArrayLike | None = None,
        spread: ArrayLike | None = None,
    ):
        ids = _texts("ids", ids, None)
        llms = _texts("llms", llms, None)
        _unique("ids", ids)
        _unique("llms", llms)
        if not len(llms):
            raise _wrong("'llms'", "at least one name", [], "Add a candidate.")
        n = len(ids)
        able = _checked_eligible(eligible, ids, llms)
        checked = {
            "questions": _texts("questions", questions, n),
            "scores": _kept(_checked_scores(scores, ids, llms), able),
            "llms": llms,
            "ids": ids,
            "datasets": _texts("datasets", datasets, n),
            "costs": _kept(_checked_costs(costs, ids, llms), able),
            "eligible": able,
            "subjects": _texts("subjects", datasets if subjects is None else subjects, n),
            "splits": _texts("splits", [""] * n if splits is None else splits, n),
            "chance": _checked_chance(chance, ids),
            "groups": _texts("groups", [""] * n if groups is None else groups, n),
            "spread": _kept(_checked_spread(spread, ids, llms), able),
        }
        for name, array in checked.items():
            array.flags.writeable = False
            object.__setattr__(self, name, array)  # the dataclass is frozen
        object.__setattr__(self, "cost_unit", cost_unit)

    def __len__(self) -> int:
        """Count the questions."""
        return len(self.ids)

    @property
    def n_llms(self) -> int:
        """Number of candidates ``m``."""
        return len(self.llms)

    def rows(self, index: np.ndarray | Sequence[int] | slice) -> RoutingTable:
        """Return the sub-table of some questions (positions or a boolean mask)."""
        return self._derive(**{name: getattr(self, name)[index] for name in _PER_QUESTION})

    def _derive(self, **changes: np.ndarray) -> RoutingTable:
        """Return a copy with some fields changed, without validating again what was valid."""
        table = object.__new__(RoutingTable)
        for name in (f.name for f in fields(self)):
            object.__setattr__(table, name, changes.get(name, getattr(self, name)))
        for name in changes:
            getattr(table, name).flags.writeable = False
        return table

    def select(self, llms: Sequence[str]) -> RoutingTable:
        """Return the sub-table of some candidates, in the order given.

        Raises
        ------
        ValueError
            If a name is not in the table, or stands twice.
        """
        position = {name: j for j, name in enumerate(self.llms)}
        missing = [name for name in llms if name not in position]
        if missing:
            known = ", ".join(map(str, self.llms[:5]))
            raise _wrong("'llms' to select", "in the table", missing, f"It holds e.g. {known}.")
        columns = [position[name] for name in llms]
        names = self.llms[columns]
        _unique("llms", names)
        return self._derive(
            llms=names, **{name: getattr(self, name)[:, columns] for name in _PER_PAIR}
        )

    def beside(self, other: RoutingTable) -> RoutingTable:
        """Return one table of the llms of both; ``other`` holds the same questions in this order.

        Raises
        ------
        ValueError
            If the questions differ, or an llm is in both.
        """
        self._require_same_questions(other)
        names = np.concatenate([self.llms, other.llms])
        _unique("llms", names)
        both = {name: np.hstack([getattr(self, name), getattr(other, name)]) for name in _PER_PAIR}
        return self._derive(llms=names, **both)

    def _require_same_questions(self, other: RoutingTable) -> None:
        if len(self) != len(other):
            must = f"the same {len(self)} questions"
            raise _wrong(
                "the table to put beside", must, f"{len(other)} questions", "Select rows first."
            )
        differ = self.ids != other.ids
        if differ.any():
            row = int(np.argmax(differ))
            must = f"of question {self.ids[row]!r} in row {row}"
            raise _wrong(
                "the table to put beside", must, other.ids[row], "Select the rows in one order."
            )

    def canonical(self) -> RoutingTable:
        """Return the same table with questions sorted by id and llms by name.

        Whatever is learned from the canonical table cannot depend on the order of the input.
        """
        by_id = np.argsort(self.ids)  # of objects: as str, each would get the room of the longest
        names = sorted(self.llms)
        table = self if (np.diff(by_id) > 0).all() else self.rows(by_id)
        return table if names == list(self.llms) else table.select(names)

    @cached_property
    def content_hash(self) -> str:
        """Sha256 (16 hex digits) of everything in the table, whatever its order."""
        table = self.canonical()
        digest = hashlib.sha256(repr((table.cost_unit, list(table.llms))).encode())
        for name in ("ids", "questions", "datasets", "subjects", "splits"):
            for piece in _repr_of_list(getattr(table, name)):
                digest.update(piece.encode())
        for name in ("scores", "costs", "chance"):
            digest.update(np.ascontiguousarray(getattr(table, name)).tobytes())
        if not table.eligible.all():  # else the hash is as it was before there was a mask
            digest.update(np.packbits(table.eligible).tobytes())
        if (table.groups != "").any():  # likewise
            digest.update(b"groups")
            for piece in _repr_of_list(table.groups):
                digest.update(piece.encode())
        if not np.isnan(table.spread).all():  # likewise
            digest.update(b"spread" + np.ascontiguousarray(table.spread).tobytes())
        return digest.hexdigest()[:16]
