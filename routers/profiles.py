"""Knowledge and capability profiles: what each llm scores on questions of each tag."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from scipy.sparse import csr_array
from sklearn.base import clone

from routers._targets import observed, shrunken_means
from routers.base import Router
from routers.constraints import ENCODER, Constraints, InstanceOf, Integer, OneOf, Real
from routers.encoders import Encoder, encode_training
from routers.table import FloatArray, RoutingTable
from routers.tagging.base import Tagger, unique
from routers.tagging.canonical import PhraseMerger
from routers.tagging.embedding import EmbeddingTagger
from routers.validation import refusal


class ProfileRouter(Router):
    """Score an llm by its rank-weighted profile over the tags of the question.

    The tag at rank j of a list of n weighs ``alpha**(j-1) / sum_i alpha**(i-1)``. An llm's entry
    for a tag is the mean of ``weight * (score - beta * cost)`` over the training questions that
    carry the tag, pulled toward the llm's overall mean; a question's score is the weighted sum of
    the entries of its tags, over capabilities, knowledge or both [1]_. The sum is divided by what
    an llm that is always right would get, which puts it back on the scale of scores and leaves
    the order of the llms alone.

    At ``beta`` > 0 the cost is baked into the profile: ``predict_scores`` then returns ``score -
    beta * cost``, which may be negative; route it at price 0, or the cost counts twice. An llm of
    which no score comes with a cost cannot be weighed then and is never preferred: it is
    predicted below every other.

    Parameters
    ----------
    tagger : Tagger, default=EmbeddingTagger(encoder)
    encoder : Encoder, default=TfidfEncoder()
        Tells which knowledge phrases mean the same, and serves the default tagger.
    mode : {"both", "capability", "knowledge"}, default="knowledge"
    level : {"query", "group"}, default="query"
        ``"group"`` predicts for all questions of a group what its training questions were
        predicted on average, so that a group goes to one llm. The group of a question is its
        first tag (first capability and first knowledge phrase where both are read); a question
        of a group that no training question is in is predicted on its own. (How the source
        forms groups is not known.)
    alpha : float, default=0.5
        Rank decay in [0, 1]: 0 reads the first tag only, 1 weighs all alike.
    beta : float, default=0.0
        Score given up per unit of cost, at least 0.
    divide_by : {"count", "weight"}, default="count"
        What turns an entry's sum into a mean: the number of questions, as in the source, by
        which tags that usually stand at low ranks count less when entries are summed, or the sum
        of their weights.
    prior : float, default=5.0
        Pseudo-questions per tag with the llm's overall mean, for tags of few training questions.
    threshold : float, default=0.7
        Cosine in [0, 1] above which knowledge phrases mean the same.
    min_count : int, default=10
        Knowledge phrases that fewer training questions carry are ``"other"``.

    Attributes
    ----------
    tags_ : list of str
        ``kind/tag`` of every tag that a training question carries, then ``"no tag"``.
    profile_ : ndarray of shape (n_tags + 1, m)
        Weighted mean of ``score - beta * cost`` per tag; the last row is the overall mean, for
        questions without a known tag.

    References
    ----------
    .. [1] Shi et al., "InferenceDynamics", 2025.
    """

    parameter_constraints: ClassVar[Constraints] = {
        "tagger": InstanceOf(Tagger) | None,
        "encoder": ENCODER | None,
        "mode": OneOf("both", "capability", "knowledge"),
        "level": OneOf("query", "group"),
        "alpha": Real(0, 1),
        "beta": Real(0, float(np.finfo(np.float32).max)),
        "divide_by": OneOf("count", "weight"),
        "prior": Real(0),
        "threshold": Real(0, 1),
        "min_count": Integer(1),
    }

    def __init__(
        self,
        tagger: Tagger | None = None,
        encoder: Encoder | None = None,
        mode: str = "knowledge",
        level: str = "query",
        alpha: float = 0.5,
        beta: float = 0.0,
        divide_by: str = "count",
        prior: float = 5.0,
        threshold: float = 0.7,
        min_count: int = 10,
    ):
        self.tagger = tagger
        self.encoder = encoder
        self.mode = mode
        self.level = level
        self.alpha = alpha
        self.beta = beta
        self.divide_by = divide_by
        self.prior = prior
        self.threshold = threshold
        self.min_count = min_count

    def _fit(self, table: RoutingTable) -> None:
        questions = list(table.questions)
        tagger = EmbeddingTagger(self.encoder) if self.tagger is None else clone(self.tagger)
        self.tagger_ = tagger.fit(questions)
        self.merger_ = None
        if self.mode != "capability":
            self.encoder_, _ = encode_training(self.encoder, questions)
            phrases = [tags.knowledge for tags in self.tagger_.tag(questions)]
            self.merger_ = PhraseMerger(self.encoder_, self.threshold, self.min_count).fit(phrases)
        lists = self._lists(questions)
        self.tags_ = [*sorted({tag for row in lists for tags in row for tag in tags}), "no tag"]
        weights = self._weights(lists)
        carried = (weights > 0).sum(axis=0)
        self.mean_weight_ = np.divide(
            weights.sum(axis=0), carried, out=np.ones(len(carried)), where=carried > 0
        )
        dearest = np.nanmax(table.costs, initial=0.0)
        self.worst_ = -1.0 - self.beta * float(dearest)  # below any score - beta * cost
        self.profile_ = self._entries(weights, table)
        if (self.profile_[-1] == self.worst_).all():
            raise refusal(
                type(self).__name__,
                "beta",
                "0 where no cost is known",
                self.beta,
                "No score of the table comes with a cost.",
            )
        if self.level == "group":
            self._fit_groups(lists, weights)

    def _lists(self, questions: list[str]) -> list[list[list[str]]]:
        """Return the ranked ``kind/tag`` lists of each question, one list a kind that is read."""
        tags = self.tagger_.tag(questions)
        lists: list[list[list[str]]] = [[] for _ in questions]
        if self.mode != "knowledge":
            for row, found in zip(lists, tags, strict=True):
                row.append([f"capability/{tag}" for tag in unique(found.capabilities)])
        if self.merger_ is not None:
            merged = self.merger_.transform([found.knowledge for found in tags])
            for row, phrases in zip(lists, merged, strict=True):
                row.append([f"knowledge/{phrase}" for phrase in phrases])
        return lists

    def _weights(self, lists: list[list[list[str]]]) -> csr_array:
        """Return the weight of each tag of each question, shape (n, n_tags + 1).

        Tags never seen in training have none; a question without any has "no tag".
        """
        position = {tag: column for column, tag in enumerate(self.tags_)}
        longest = max((len(tags) for row in lists for tags in row), default=0)
        decay = np.power(float(self.alpha), np.arange(longest))
        by_length = [decay[:n] / decay[:n].sum() for n in range(longest + 1)]
        rows: list[int] = []
        columns: list[int] = []
        values: list[float] = []
        for row, kinds in enumerate(lists):
            start = len(rows)
            for tags in kinds:
                for tag, weight in zip(tags, by_length[len(tags)], strict=True):
                    if weight > 0 and tag in position:
                        rows.append(row)
                        columns.append(position[tag])
                        values.append(weight)
            if len(rows) == start:
                rows.append(row)
                columns.append(len(self.tags_) - 1)
                values.append(1.0)
        return csr_array((values, (rows, columns)), shape=(len(lists), len(self.tags_)))

    def _entries(self, weights: csr_array, table: RoutingTable) -> FloatArray:
        """Return the profile of the llms of a table, shape (n_tags + 1, m)."""
        utility = table.scores.astype(np.float64)
        if self.beta > 0:
            utility = utility - self.beta * table.costs
        means = observed(utility)[2]
        # over its mean weight a tag weighs 1 on average: the prior then counts in questions
        entries = shrunken_means((weights / self.mean_weight_).T, utility, self.prior)
        entries[-1] = means
        entries[:, np.isnan(utility).all(axis=0)] = self.worst_
        return entries

    def _shares(self, weights: csr_array) -> csr_array:
        """Return what part of a question's score each entry makes, rows summing to 1."""
        if self.divide_by == "count":  # the source's entry is ours times the tag's mean weight
            weights = weights * self.mean_weight_
        return csr_array(weights / weights.sum(axis=1)[:, None])

    def _fit_groups(self, lists: list[list[list[str]]], weights: csr_array) -> None:
        """Average the shares of each group: the mean of predictions, whatever the profile."""
        of_question = [_group(row) for row in lists]
        names, label = np.unique(of_question, return_inverse=True)
        self.groups_ = {str(name): place for place, name in enumerate(names)}
        membership = csr_array((np.ones(len(label)), (label, np.arange(len(label)))))
        self.group_shares_ = (membership @ self._shares(weights)).toarray()
        self.group_shares_ /= np.bincount(label)[:, None]

    def _predict_scores(self, questions: list[str]) -> FloatArray:
        lists = self._lists(questions)
        predicted = self._shares(self._weights(lists)) @ self.profile_
        if self.level == "group":
            place = np.array([self.groups_.get(_group(row), -1) for row in lists])
            known = place >= 0
            predicted[known] = (self.group_shares_ @ self.profile_)[place[known]]
        return predicted

    def _admit(self, llm: str, outcomes: RoutingTable) -> None:
        column = self._entries(self._weights(self._lists(list(outcomes.questions))), outcomes)
        self.profile_ = np.hstack([self.profile_, column])


def _group(lists: list[list[str]]) -> str:
    """Return the first tag of each kind, as one name."""
    return " + ".join(tags[0] for tags in lists if tags)
