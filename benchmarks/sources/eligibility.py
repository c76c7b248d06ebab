"""What an llm cannot answer: as outcomes say it, or from what is known of llm and question."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable

import numpy as np
import pandas as pd

from benchmarks.sources.columns import numbers
from benchmarks.sources.names import first_of
from benchmarks.sources.parquet import LLMS, QUESTIONS
from benchmarks.sources.terms import terms_of_all

log = logging.getLogger(__name__)


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
        "Not eligible: %s of %s pairs of a question and an llm, of %d of %d llms. Questions that "
        "no llm can answer: %s. Scores given for such pairs and not kept: %s.",
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
    needed = terms_of_all(questions, "needs", QUESTIONS)
    if "modalities" not in facts:
        facts = facts.assign(modalities=None)
    taken = terms_of_all(facts, "modalities", LLMS)
    row = facts.index.get_indexer(pd.Index(llms))  # -1 where nothing is known of an llm
    terms = sorted(_union(taken))
    untaken = _union(needed).difference(terms)
    _tell_untaken(untaken, terms, any(found is not None for found in taken))
    for term in terms:
        _close(able, needed, {term}, taken, row)
    _close(able, needed, untaken, taken, row)


def _close(
    able: np.ndarray,
    needed: list[frozenset[str] | None],
    terms: Collection[str],
    taken: list[frozenset[str] | None],
    row: np.ndarray,
) -> None:
    """Close the questions that need one of some terms to the llms that are known to take none."""
    needs = [found is not None and not found.isdisjoint(terms) for found in needed]
    lacks = [found is not None and found.isdisjoint(terms) for found in taken]
    able[np.ix_(needs, np.array([*lacks, False])[row])] = False


def _union(sets: Iterable[frozenset[str] | None]) -> frozenset[str]:
    return frozenset().union(*(found for found in sets if found is not None))


def _tell_untaken(untaken: Collection[str], terms: list[str], known: bool) -> None:
    """Remark on needs that no llm is known to take: the two files may spell them differently."""
    if untaken and not known:
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
            first_of(sorted(untaken)),
            first_of(terms) or "empty",
        )
