"""One classifier or regressor predicts, for each llm, whether it answers right."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.utils import get_tags

from routers._targets import best_shares
from routers._xgboost import fit
from routers.base import Router
from routers.constraints import ENCODER, Constraints, InstanceOf, OneOf
from routers.encoders import Encoder, encode_training
from routers.logistic import SoftLabelLogistic
from routers.table import FloatArray, RoutingTable

# A classifier needs that many questions of either kind, right and wrong, to learn (and to calibrate
# itself) from; with fewer the llm's mean is all that is known.
_MIN_OF_A_KIND = 5


class ClassifierRouter(Router):
    """Any scikit-learn estimator over encoded questions, with one output per llm.

    An estimator with soft labels is fitted once for the whole zoo. A regressor is fitted on the
    scores; one that takes many outputs is fitted once where every outcome is observed. A classifier
    is fitted per llm, on right against wrong; a fractional score counts as both, weighted.

    Parameters
    ----------
    estimator : scikit-learn estimator, default=SoftLabelLogistic()
    encoder : Encoder, default=TfidfEncoder()
    target : {"score", "best"}, default="score"
        What is predicted: an llm's score, or its share in being the best of the question (1/t for
        each of the t llms that tie, so that no column is preferred). Shares compare llms but
        estimate no score: a price other than 0 means little.

    References
    ----------
    Srivatsa, Maurya and Kochmar, "Harnessing the Power of Multiple Minds", 2024; Huang et al.,
    "RouterEval", 2025.
    """

    parameter_constraints: ClassVar[Constraints] = {
        "estimator": InstanceOf(BaseEstimator, "an estimator in scikit-learn's manner") | None,
        "encoder": ENCODER | None,
        "target": OneOf("score", "best"),
    }

    def __init__(
        self,
        estimator: BaseEstimator | None = None,
        encoder: Encoder | None = None,
        target: str = "score",
    ):
        self.estimator = estimator
        self.encoder = encoder
        self.target = target

    @property
    def relative_scores(self) -> bool:  # type: ignore[override]
        """Whether predictions are shares, which only compare the llms of this zoo."""
        return self.target == "best"

    def _fit(self, table: RoutingTable) -> None:
        targets = best_shares(table.scores) if self.target == "best" else table.scores
        estimator = SoftLabelLogistic() if self.estimator is None else self.estimator
        self.encoder_, vectors = encode_training(self.encoder, table.questions)
        if _fits_jointly(estimator, targets):
            self.joint_ = fit(clone(estimator), vectors, targets)
        else:
            self.joint_ = None
            self.estimators_ = [_fit_one(clone(estimator), vectors, y) for y in targets.T]

    def _predict_scores(self, questions: list[str]) -> FloatArray:
        vectors = self.encoder_.transform(questions)
        if self.joint_ is not None:
            return np.asarray(self.joint_.predict(vectors)).reshape(len(questions), -1)
        return np.column_stack([_predict_one(one, vectors) for one in self.estimators_])


def _fits_jointly(estimator: BaseEstimator, scores: FloatArray) -> bool:
    if getattr(estimator, "soft_labels", False):
        return True
    many = scores.shape[1] > 1 and not np.isnan(scores).any()
    return many and not is_classifier(estimator) and get_tags(estimator).target_tags.multi_output


def _fit_one(estimator: BaseEstimator, vectors: FloatArray, scores: FloatArray) -> object:
    """Fit one llm's estimator on its observed rows; a constant score needs none."""
    seen = ~np.isnan(scores)
    vectors, scores = vectors[seen], scores[seen]
    if scores.min() == scores.max():
        return float(scores[0])
    if not is_classifier(estimator):
        return fit(estimator, vectors, scores)
    if np.isin(scores, (0, 1)).all():
        label = scores > 0.5
        if min(label.sum(), (~label).sum()) < _MIN_OF_A_KIND:
            return float(scores.mean())
        return fit(estimator, vectors, label)
    both = np.concatenate([vectors, vectors])
    label = np.repeat([True, False], len(scores))
    return fit(estimator, both, label, sample_weight=np.concatenate([scores, 1 - scores]))


def _predict_one(fitted: object, vectors: FloatArray) -> np.ndarray:
    if isinstance(fitted, float):
        return np.full(len(vectors), fitted)
    if is_classifier(fitted):
        return fitted.predict_proba(vectors)[:, 1]  # type: ignore[attr-defined]
    return fitted.predict(vectors)  # type: ignore[attr-defined]
