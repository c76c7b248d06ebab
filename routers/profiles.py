"""Knowledge and capability profiles: what each llm scores on questions of each tag."""

from __future__ import annotations

import numpy as np
from sklearn.base import clone

from routers._targets import observed, shrunken_means
from routers._validation import at_least, one_of
from routers.base import Router
from routers.encoders import Encoder
from routers.table import FloatArray, RoutingTable
from routers.tagging import CAPABILITIES, KNOWLEDGE, EmbeddingTagger, Tagger

_KINDS = {
    "capability": ("capability",),
    "knowledge": ("knowledge",),
    "both": ("capability", "knowledge"),
}


class ProfileRouter(Router):
    """Score an llm by its rank-weighted profile over the tags of the question.

    The tag at rank j of a list of n weighs ``alpha**(j-1) / sum_i alpha**(i-1)``. An llm's entry
    for a tag is its mean weighted score over the training questions that carry it, pulled toward
    its overall mean; a question's score is the weighted sum of the entries of its tags, over
    capabilities, knowledge or both [1]_. Dividing by the same sum for an llm that is always right
    puts it back on the scale of scores, without touching the order of the llms.

    Parameters
    ----------
    capability_tagger, knowledge_tagger : Tagger, default=EmbeddingTagger over the built-in tags
    encoder : Encoder, optional
        For the default taggers.
    mode : {"both", "capability", "knowledge"}, default="both"
    alpha : float, default=0.5
        Rank decay in [0, 1]: 0 reads the first tag only, 1 weighs all alike.
    prior : float, default=20.0
        Pseudo-questions per tag, for tags that few training questions carry.

    Attributes
    ----------
    tags_ : list of str
        ``kind/tag`` of every tag that a training question carries.
    profile_ : ndarray of shape (n_tags, m)
        Weighted mean score of each llm on the training questions of each tag.

    References
    ----------
    .. [1] Shi et al., "InferenceDynamics", 2025.
    """

    def __init__(
        self,
        capability_tagger: Tagger | None = None,
        knowledge_tagger: Tagger | None = None,
        encoder: Encoder | None = None,
        mode: str = "both",
        alpha: float = 0.5,
        prior: float = 20.0,
    ):
        self.capability_tagger = capability_tagger
        self.knowledge_tagger = knowledge_tagger
        self.encoder = encoder
        self.mode = mode
        self.alpha = alpha
        self.prior = prior

    def _fit(self, table: RoutingTable) -> None:
        one_of(self, "mode", _KINDS)
        at_least(self, "alpha", 0, 1)
        at_least(self, "prior", 0)
        given = {
            "capability": (self.capability_tagger, CAPABILITIES),
            "knowledge": (self.knowledge_tagger, KNOWLEDGE),
        }
        self.taggers_ = {}
        for kind in _KINDS[self.mode]:
            tagger, tags = given[kind]
            tagger = EmbeddingTagger(tags, self.encoder) if tagger is None else clone(tagger)
            self.taggers_[kind] = tagger.fit(table.questions)
        questions = list(table.questions)
        self.tags_ = sorted({tag for row in self._weights(questions) for tag in row})
        weights = self._matrix(questions)
        self.tag_weight_ = weights.sum(axis=0) / (weights > 0).sum(axis=0)
        self.means_ = observed(table.scores)[2]
        self.profile_ = self._entries(weights, table.scores)

    def _weights(self, questions: list[str]) -> list[dict[str, float]]:
        """Weight of each ``kind/tag`` of each question."""
        weights: list[dict[str, float]] = [{} for _ in questions]
        for kind, tagger in self.taggers_.items():
            for row, tags in zip(weights, tagger.tag(questions), strict=True):
                decay = np.power(float(self.alpha), np.arange(len(tags)))
                weighed = zip(tags, decay / decay.sum(), strict=True)
                row |= {f"{kind}/{tag}": weight for tag, weight in weighed if weight > 0}
        return weights

    def _matrix(self, questions: list[str]) -> FloatArray:
        """Return the weights as a matrix (n, n_tags); tags never seen in training have none."""
        position = {tag: column for column, tag in enumerate(self.tags_)}
        matrix = np.zeros((len(questions), len(self.tags_)))
        for row, weights in enumerate(self._weights(questions)):
            for tag, weight in weights.items():
                if tag in position:
                    matrix[row, position[tag]] = weight
        return matrix

    def _entries(self, weights: FloatArray, scores: FloatArray) -> FloatArray:
        """Return the weighted mean score per tag, shape (n_tags, m)."""
        return shrunken_means((weights / self.tag_weight_).T, scores, self.prior)

    def _predict_scores(self, questions: list[str]) -> FloatArray:
        # the paper's entry is this mean times the tag's mean weight, which its sum therefore holds
        weights = self._matrix(questions) * self.tag_weight_
        total = weights.sum(axis=1, keepdims=True)
        predicted = np.broadcast_to(self.means_, (len(questions), len(self.means_))).copy()
        return np.divide(weights @ self.profile_, total, out=predicted, where=total > 0)

    def _admit(self, llm: str, outcomes: RoutingTable) -> None:
        column = self._entries(self._matrix(list(outcomes.questions)), outcomes.scores)
        self.profile_ = np.hstack([self.profile_, column])
        self.means_ = np.append(self.means_, observed(outcomes.scores)[2])
