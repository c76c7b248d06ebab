"""What an llm cannot answer: as outcomes say it, or from what is known of llm and question."""

from __future__ import annotations

import json
import logging
from typing import NamedTuple

import numpy as np
import pandas as pd

from benchmarks.sources.columns import numbers, refuse
from benchmarks.sources.names import is_blank
from benchmarks.sources.parquet import LLMS, QUESTIONS

log = logging.getLogger(__name__)
_MUST = "a list of texts, the same as JSON, texts separated by commas, or missing"
_IMPLIED = "text"


class Abilities(NamedTuple):
    """Which terms each of several questions needs, or each of several llms takes.

    Attributes
    ----------
    terms : list of str, length t
        By name, without "text", which every llm takes.
    has : ndarray of bool, shape (k, t)
    known : ndarray of bool, shape (k,)
        Whether anything is said of the entry.
    """

    terms: list[str]
    has: np.ndarray
    known: np.ndarray


def eligible_pairs(
    rows: pd.DataFrame, questions: pd.DataFrame, facts: pd.DataFrame | None, llms: np.ndarray
) -> np.ndarray | None:
    """Tell which llm can answer which question.

    What an outcome says of its pair stands; of several rotations one "false" is enough. Where none
    says anything, an llm cannot answer a question of more tokens than its context window, or one
    that needs what it does not take; where one of the two facts is missing, it can.

    Parameters
    ----------
    rows : DataFrame
        Of ``benchmarks.sources.outcomes.checked_rows``.
    questions : DataFrame
        Optionally with ``n_tokens`` and ``needs``.
    facts : DataFrame or None
        One row per llm, its name the index; optionally ``context_window`` and ``modalities``.
    llms : ndarray of str, shape (m,)

    Returns
    -------
    ndarray of bool, shape (n, m), or None
        None if every llm can answer every question.
    """
    able = np.ones((len(questions), len(llms)), dtype=bool)
    known = pd.DataFrame(index=llms[:0]) if facts is None else facts
    _bound_by_context(able, questions, known, llms)
    _bound_by_modalities(able, questions, known, llms)
    if "eligible" in rows:
        for said in (1, 0):  # 0 last: it outweighs what other rotations say
            pairs = rows[rows["eligible"] == said]
            able[pairs["question"], pairs["llm"]] = bool(said)
    return None if able.all() else able


def tell_ineligible(able: np.ndarray, n_scores: int) -> None:
    """Remark on what is not eligible, and on the scores that are given for it nevertheless."""
    log.warning(
        "%s of %s pairs of a question and an llm are not eligible, of %d of the %d llms; %s "
        "questions can be answered by no llm; %s scores given for such pairs are not kept.",
        f"{(~able).sum():,}",
        f"{able.size:,}",
        (~able).any(axis=0).sum(),
        able.shape[1],
        f"{(~able).all(axis=1).sum():,}",
        f"{n_scores:,}",
    )


def _bound_by_context(
    able: np.ndarray, questions: pd.DataFrame, facts: pd.DataFrame, llms: np.ndarray
) -> None:
    if "n_tokens" not in questions or "context_window" not in facts:
        return
    tokens = numbers(questions, "n_tokens", QUESTIONS, 0).to_numpy(dtype=float)
    windows = numbers(facts, "context_window", LLMS, 1).reindex(llms).to_numpy(dtype=float)
    able &= ~(tokens[:, None] > windows)  # not <=, which is false where one is unknown


def _bound_by_modalities(
    able: np.ndarray, questions: pd.DataFrame, facts: pd.DataFrame, llms: np.ndarray
) -> None:
    if "needs" not in questions:
        return
    needed = _abilities(questions, "needs", QUESTIONS)
    if "modalities" not in facts:
        facts = facts.assign(modalities=None)
    taken = _abilities(facts, "modalities", LLMS)
    _tell_untaken(needed, taken)
    row = facts.index.get_indexer(pd.Index(llms))  # -1 where nothing is known of an llm
    known = np.append(taken.known, False)[row]
    for position, term in enumerate(needed.terms):
        takes = taken.has[:, taken.terms.index(term)] if term in taken.terms else False
        lacks = known & ~np.append(np.broadcast_to(takes, len(facts)), True)[row]
        able[np.ix_(needed.has[:, position], lacks)] = False


def _abilities(frame: pd.DataFrame, column: str, file: str) -> Abilities:
    sets = [_terms(value, row, column, file) for row, value in enumerate(frame[column])]
    terms = sorted(set().union(*(found or () for found in sets)))
    place = {term: position for position, term in enumerate(terms)}
    has = np.zeros((len(sets), len(terms)), dtype=bool)
    for row, found in enumerate(sets):
        has[row, [place[term] for term in found or ()]] = True
    return Abilities(terms, has, np.array([found is not None for found in sets], dtype=bool))


def _terms(value: object, row: int, column: str, file: str) -> set[str] | None:
    """Return what a cell names, in small letters; None if nothing is said."""
    try:
        found = _listed(value)
    except ValueError:
        refuse(file, row, column, _MUST, value, "Write them as in 'image, tools'.")
    if found is None:
        return None
    return {" ".join(term.split()).casefold() for term in found if not is_blank(term)} - {_IMPLIED}


def _listed(value: object) -> list[str] | None:
    if isinstance(value, str) and value.lstrip().startswith("["):
        value = json.loads(value)
    elif isinstance(value, str):
        value = None if is_blank(value) else value.split(",")
    if isinstance(value, list | tuple | np.ndarray):
        if all(isinstance(term, str) for term in value):
            return list(value)
    elif value is None or value is pd.NA or value != value:
        return None
    raise ValueError(value)


def _tell_untaken(needed: Abilities, taken: Abilities) -> None:
    """Remark on needs that no llm is known to take: the two files may spell them differently."""
    untaken = ", ".join(repr(term) for term in needed.terms if term not in taken.terms)
    if untaken and not taken.known.any():
        log.warning(
            "%s, column 'needs': nothing follows from it, for %s does not tell the 'modalities' of "
            "any llm.",
            QUESTIONS,
            LLMS,
        )
    elif untaken:
        log.warning(
            "%s, column 'needs': no llm of %s takes %s; its 'modalities' are %s. Spell them alike "
            "in both files.",
            QUESTIONS,
            LLMS,
            untaken,
            ", ".join(map(repr, taken.terms)) or "empty",
        )
