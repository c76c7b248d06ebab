"""Which questions are almost the same one: at and above a stated similarity of their texts."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
from rapidfuzz.distance import LCSseq
from scipy.sparse import coo_array, csr_matrix
from scipy.sparse.csgraph import connected_components
from sklearn.feature_extraction.text import CountVectorizer

from benchmarks.carriers import cache_folder
from benchmarks.duplicates import texts_of
from routers.constraints import Real
from routers.content_store import ContentStore, content_key
from routers.table import RoutingTable, Texts
from routers.validation import checked

REPORTED_AT = 0.9  # the similarity at which every run counts near-duplicates
SIMILARITY = Real(0.5, 1)  # below, questions about anything in one form are alike

_LENGTH = 5  # of a piece: a word with its border, or several Chinese words
_BORDER = "\0" * (_LENGTH - 1)  # so that every character is in as many pieces
_ROWS = 100  # compared with all others at once: 2 million pairs of 20,000 texts at most
_ENTRIES = 2_000_000  # of counts that are compared at once: 100 MB
_MANY = 2_000  # texts whose groups are kept: to find them takes seconds
_ROUNDING = 1e-6  # a bound may let through too much, never too little


@checked(similarity=SIMILARITY)
@lru_cache(maxsize=2)
def near_duplicate_groups(table: RoutingTable, similarity: float) -> np.ndarray:
    """Return a number per question, shape (n,), the same for near-duplicates of each other.

    Near-duplicates of one question are near-duplicates of each other, however unlike they are:
    groups are transitive. All duplicates (:func:`benchmarks.duplicates.duplicate_groups`) are in
    one group, and at a similarity of 1 nothing else is.

    Parameters
    ----------
    table : RoutingTable
    similarity : float
        In [0.5, 1]: at and above it, two questions are near-duplicates.

    Returns
    -------
    ndarray of int, shape (n,)
        Counted from 0 in the order of the questions.

    Notes
    -----
    Texts are compared as duplicates are: without regard to case, white space, Unicode form and
    the order of lettered options. Their similarity is symmetric, in [0, 1], and the smaller of

    * what they share of their pieces of five characters: the Jaccard index of the two multisets,
      where four signs stand before and behind each text, so that it has a piece more for each;
    * what stands in both in the same order: twice the length of the longest common subsequence
      of characters, divided by the sum of the two lengths.

    Hence it is 1 for duplicates only. It depends on nothing but the two texts and is computed
    exactly: what is not compared cannot be similar enough (prefix filtering [1]_).

    A character that differs costs five pieces, so at 0.9 nothing shorter than 91 characters is
    alike: neither sums that differ in an operator, nor names of capitals. In longer texts the
    similarity tells how much differs, not whether it matters. Questions from a template, with the
    same passage, or behind the same worked examples are alike, though another number, name or
    *not* may ask for another answer; and what is said in other words is not alike.

    References
    ----------
    .. [1] Bayardo, Ma and Srikant, "Scaling Up All Pairs Similarity Search", WWW 2007.
    """
    same, texts = texts_of(table)
    find = _kept if len(texts) >= _MANY else _alike
    return pd.factorize(find(texts, similarity)[same])[0]


def near_duplicates_across(groups: np.ndarray, train: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Return the test questions in whose group a training question is.

    Parameters
    ----------
    groups : ndarray of int, shape (n,)
        Of :func:`near_duplicate_groups`.
    train, test : ndarray of int
        Positions of questions.

    Returns
    -------
    ndarray of int
        Positions of questions, some of ``test``.
    """
    return test[np.isin(groups[test], groups[train])]


def _kept(texts: Texts, similarity: float) -> np.ndarray:
    """Return the groups of many texts: found once, and kept by all that they depend on."""
    code = Path(__file__).read_text()
    key = content_key(json.dumps([code, similarity, list(texts)]))
    store = ContentStore(cache_folder() / "near_duplicates.sqlite")
    if key in (found := store.get([key])):
        return np.frombuffer(found[key][0], dtype=np.int64)
    began = time.perf_counter()
    groups = _alike(texts, similarity).astype(np.int64)
    store.add([(key, groups.tobytes(), time.perf_counter() - began)])
    return groups


def _alike(texts: Texts, similarity: float) -> np.ndarray:
    """Return a group for each of several different texts."""
    groups = np.arange(len(texts))
    if len(texts) < 2:
        return groups
    pieces = _pieces(texts)
    bounds = _Bounds.of(pieces, similarity)
    for start in range(0, len(texts), _ROWS):
        for rows, others in _apart(groups, start):
            for pairs in _portions(bounds.possible(rows, others), pieces):
                # of the members of a group, the many pairs of a template, one is enough
                some = pairs[groups[pairs[:, 0]] != groups[pairs[:, 1]]]
                some = some[_jaccard(pieces, some) >= similarity]
                some = some[_in_order(texts, some, similarity) >= similarity]
                groups = _joined(groups, some)
    return groups


def _apart(groups: np.ndarray, start: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the next rows, and which later ones to compare them with: not the largest group's.

    A template may hold most questions of a table; within its group nothing is left to find.
    """
    rows, later = np.arange(start, min(start + _ROWS, len(groups))), np.arange(start, len(groups))
    largest = np.bincount(groups).argmax()
    yield rows[groups[rows] != largest], later
    yield rows[groups[rows] == largest], later[groups[later] != largest]


def _pieces(texts: Texts) -> csr_matrix:
    """Count the pieces of each text, shape (n, n_pieces), the rarest ones first."""
    counter = CountVectorizer(
        analyzer="char", ngram_range=(_LENGTH, _LENGTH), lowercase=False, dtype=np.int32
    )
    counts = counter.fit_transform(_BORDER + text + _BORDER for text in texts)
    rarest = np.argsort(np.bincount(counts.indices), kind="stable")
    place = np.empty(len(rarest), dtype=counts.indices.dtype)
    place[rarest] = np.arange(len(rarest))
    pieces = csr_matrix((counts.data, place[counts.indices], counts.indptr), shape=counts.shape)
    pieces.sort_indices()
    return pieces


@dataclass(frozen=True)
class _Bounds:
    """What two texts can share at most, known from the rarest pieces of each.

    If the rarest pieces of one text end before those of the other, what they share is among the
    rarest of both or in the rest of that text.
    """

    similarity: float
    size: np.ndarray  # how many pieces a text has
    rarest: csr_matrix  # roots of their counts: their product is at least the smaller count
    rest: np.ndarray  # how many are not among the rarest
    end: np.ndarray  # place of the last one that is

    @classmethod
    def of(cls, pieces: csr_matrix, similarity: float) -> _Bounds:
        """Find the rarest pieces of each text: enough to tell what is not similar."""
        size = np.asarray(pieces.sum(axis=1)).ravel()
        rarest = _rarest(pieces, similarity * size)
        rest = size - np.asarray(rarest.sum(axis=1)).ravel()
        end = rarest.indices[rarest.indptr[1:] - 1]
        return cls(similarity, size, rarest.sqrt(), rest, end)

    def possible(self, rows: np.ndarray, others: np.ndarray) -> np.ndarray:
        """Return pairs of texts, shape (p, 2), among them all that are similar enough."""
        shared = (self.rarest[rows] @ self.rarest[others].T).tocoo()
        i, j = rows[shared.row], others[shared.col]
        most = shared.data + np.where(self.end[i] < self.end[j], self.rest[i], self.rest[j])
        most = np.minimum(most, np.minimum(self.size[i], self.size[j]))
        least = self.similarity / (1 + self.similarity) * (self.size[i] + self.size[j])
        return np.column_stack([i, j])[(i < j) & (most >= least - _ROUNDING)]


def _rarest(pieces: csr_matrix, needed: np.ndarray) -> csr_matrix:
    """Return the rarest pieces of each text: without them, fewer than needed would be left."""
    n_kinds = np.diff(pieces.indptr)
    total = np.concatenate([[0], np.cumsum(pieces.data, dtype=np.int64)])
    left = np.repeat(total[pieces.indptr[1:]], n_kinds) - total[:-1]
    kept = left >= np.repeat(needed, n_kinds) - _ROUNDING
    n_kept = np.concatenate([[0], np.cumsum(kept)])[pieces.indptr]
    return csr_matrix(
        (pieces.data[kept].astype(float), pieces.indices[kept], n_kept), shape=pieces.shape
    )


def _portions(pairs: np.ndarray, pieces: csr_matrix) -> Iterator[np.ndarray]:
    """Cut pairs into portions that do not need much memory, however long the texts are."""
    n_entries = np.cumsum(np.diff(pieces.indptr)[pairs].sum(axis=1), dtype=np.int64)
    cuts = np.flatnonzero(np.diff(n_entries // _ENTRIES)) + 1
    yield from np.split(pairs, cuts)


def _jaccard(pieces: csr_matrix, pairs: np.ndarray) -> np.ndarray:
    """Return which share of the pieces of two texts they have in common, for each pair."""
    one, other = pieces[pairs[:, 0]], pieces[pairs[:, 1]]
    shared, *sizes = (
        np.asarray(counts.sum(axis=1)).ravel() for counts in (one.minimum(other), one, other)
    )
    return shared / (sum(sizes) - shared)


def _in_order(texts: Texts, pairs: np.ndarray, similarity: float) -> np.ndarray:
    """Return which share of two texts stands in both in the same order; 0 if below a similarity."""
    shares = []
    for one, other in ((texts[i], texts[j]) for i, j in pairs):
        length = len(one) + len(other)
        # told the least that counts, it is done in no time with long texts
        least = int(similarity * length / 2)
        shares.append(2 * LCSseq.similarity(one, other, score_cutoff=least) / length)
    return np.array(shares)


def _joined(groups: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Return the groups when those of each pair are one."""
    if not len(pairs):
        return groups
    ends = groups[pairs.T]
    graph = coo_array((np.ones(len(pairs)), (ends[0], ends[1])), shape=(len(groups),) * 2)
    return connected_components(graph, directed=False)[1][groups]
