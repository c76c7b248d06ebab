"""One name for knowledge phrases that mean the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from routers.constraints import ENCODER, Constraints, Integer, Real
from routers.encoders import Encoder
from routers.table import FloatArray
from routers.tagging.base import unique
from routers.validation import check_parameters

OTHER = "other"


class PhraseMerger:
    """Merges phrases that are near to each other; rare ones become ``"other"``.

    Phrases join, the most frequent first (ties in alphabetical order), the nearest group whose
    name is at a cosine above ``threshold``, or open a group of that name. So a group is called by
    its most frequent phrase, and nothing depends on the order of the questions.

    Parameters
    ----------
    encoder : Encoder
        Fitted.
    threshold : float
        Cosine in [-1, 1] above which two phrases mean the same.
    min_count : int
        Groups with fewer occurrences in training are ``"other"``.

    Attributes
    ----------
    name_ : dict of str to str
        The name under which each training phrase goes.
    kept_ : list of str
        Names of the groups that are frequent enough.
    """

    parameter_constraints: ClassVar[Constraints] = {
        "encoder": ENCODER,
        "threshold": Real(-1, 1),
        "min_count": Integer(1),
    }

    def __init__(self, encoder: Encoder, threshold: float = 0.7, min_count: int = 10):
        self.encoder = encoder
        self.threshold = threshold
        self.min_count = min_count

    def fit(self, lists: Sequence[Sequence[str]]) -> PhraseMerger:
        """Learn names from the ranked phrases of the training questions."""
        check_parameters(self)
        count = Counter(phrase for phrases in lists for phrase in phrases)
        phrases = sorted(count, key=lambda phrase: (-count[phrase], phrase))
        vectors = self._vectors(phrases)
        head = self._heads(vectors)
        size: Counter[int] = Counter()
        for phrase, position in zip(phrases, head, strict=True):
            size[position] += count[phrase]
        kept = [position for position, times in size.items() if times >= self.min_count]
        self.kept_ = [phrases[position] for position in kept]
        self.kept_vectors_ = vectors[kept]
        keeps = set(kept)
        self.name_ = {
            phrase: phrases[position] if position in keeps else OTHER
            for phrase, position in zip(phrases, head, strict=True)
        }
        return self

    def _heads(self, vectors: FloatArray) -> list[int]:
        """Return for each phrase the position of the phrase that names its group."""
        heads = np.empty_like(vectors)
        positions: list[int] = []
        found = []
        for row, vector in enumerate(vectors):
            nearest = self._nearest(vector[None], heads[: len(positions)])[0]
            if nearest < 0:
                heads[len(positions)] = vector
                nearest = len(positions)
                positions.append(row)
            found.append(positions[nearest])
        return found

    def _nearest(self, vectors: FloatArray, heads: FloatArray) -> np.ndarray:
        """Return the nearest head above the threshold per vector, -1 where there is none."""
        if not (len(vectors) and len(heads)):
            return np.full(len(vectors), -1)
        similarity = np.round(vectors @ heads.T, 4)
        nearest = similarity.argmax(axis=1)
        near_enough = similarity[np.arange(len(vectors)), nearest] > self.threshold
        return np.where(near_enough, nearest, -1)

    def transform(self, lists: Sequence[Sequence[str]]) -> list[list[str]]:
        """Return the names of ranked phrases; of repeated names the best rank stays."""
        unseen = sorted({p for phrases in lists for p in phrases if p not in self.name_})
        nearest = self._nearest(self._vectors(unseen), self.kept_vectors_)
        new = {
            phrase: self.kept_[position] if position >= 0 else OTHER
            for phrase, position in zip(unseen, nearest, strict=True)
        }
        names = self.name_ | new if new else self.name_
        return [unique(names[phrase] for phrase in phrases) for phrases in lists]

    def _vectors(self, phrases: list[str]) -> FloatArray:
        # an encoder need not know what to do with nothing
        return self.encoder.transform(phrases) if phrases else np.empty((0, 0), np.float32)
