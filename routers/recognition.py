"""Recognise the dataset or the subject of a question, then take the llm that is best on it."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from routers._subjects import Subjects, best_weight, subject_means
from routers._targets import membership, shrunken_means
from routers.base import DECIMALS, Router
from routers.constraints import ENCODER, SEED, Boolean, Constraints, Real
from routers.encoders import Encoder, encode_training
from routers.table import FloatArray, RoutingTable, Texts


class RecognisedDatasetRouter(Router):
    """Guess the dataset from the text; predict each llm's training mean on that dataset.

    The floor that is hard to beat: most of what a router earns on a mixture of
    datasets is telling the datasets apart. Needs dataset labels in ``fit``, text alone to route.

    Parameters
    ----------
    encoder : Encoder, default=TfidfEncoder()
        Turns text into vectors for the classifier.
    soft : bool, default=False
        Average the dataset means by the classifier's probabilities instead of taking the most
        probable dataset.
    strength : float, default=10.0
        Inverse regularisation ``C`` of the logistic regression.
    prior : float, default=1.0
        Pseudo-questions that pull an llm's mean on a dataset toward its mean on all of them.

    Attributes
    ----------
    dataset_scores_ : ndarray of shape (n_datasets, m)
        Mean score of each llm on each dataset, in the order of ``classes_``.
    """

    parameter_constraints: ClassVar[Constraints] = {
        "encoder": ENCODER | None,
        "soft": Boolean(),
        "strength": Real(0, open_low=True),
        "prior": Real(0),
    }

    def __init__(
        self,
        encoder: Encoder | None = None,
        soft: bool = False,
        strength: float = 10.0,
        prior: float = 1.0,
    ):
        self.encoder = encoder
        self.soft = soft
        self.strength = strength
        self.prior = prior

    def _fit(self, table: RoutingTable) -> None:
        from sklearn.linear_model import LogisticRegression

        self.encoder_, vectors = encode_training(self.encoder, table.questions)
        self.classes_, label = np.unique(table.datasets, return_inverse=True)
        self.classifier_ = None
        if len(self.classes_) > 1:
            self.classifier_ = LogisticRegression(C=self.strength, max_iter=1000)
            self.classifier_.fit(vectors, label)
        weights = np.eye(len(self.classes_))[:, label]
        self.dataset_scores_ = shrunken_means(weights, table.scores, self.prior)

    def recognise(self, questions: list[str]) -> FloatArray:
        """Return the probability of each dataset, shape (n, n_datasets), as in ``classes_``."""
        if self.classifier_ is None:
            return np.ones((len(questions), 1))
        return self.classifier_.predict_proba(self.encoder_.transform(questions))

    def told(self, datasets: Texts) -> FloatArray:
        """Return the scores that would be predicted were the dataset of each question known.

        Parameters
        ----------
        datasets : sequence of str, length n

        Returns
        -------
        ndarray of shape (n, m)
            In the order of ``llms_``; NaN for a dataset that is not in training, and for an llm
            of which nothing was observed.
        """
        self._require_fitted()
        found = np.full((len(datasets), len(self.llms_)), np.nan)
        position = {name: k for k, name in enumerate(self.classes_)}
        seen = np.array([name in position for name in datasets], dtype=bool)
        label = [position[name] for name in datasets if name in position]
        found[np.ix_(seen, self._columns_)] = self.dataset_scores_[label]
        return np.round(found, DECIMALS)

    def _predict_scores(self, questions: list[str]) -> FloatArray:
        weights = self.recognise(questions)
        if not self.soft:
            weights = np.eye(len(self.classes_))[weights.argmax(axis=1)]
        return weights @ self.dataset_scores_

    def _admit(self, llm: str, outcomes: RoutingTable) -> None:
        weights = membership(self.classes_, outcomes.datasets)  # 0 for those that are not known
        column = shrunken_means(weights, outcomes.scores, self.prior)
        self.dataset_scores_ = np.hstack([self.dataset_scores_, column])


class RecognizedSubjectRouter(Router):
    """Guess the subject from the text; predict each llm's training mean on that subject.

    The finer twin of :class:`RecognisedDatasetRouter`: means on subjects, pulled towards those on
    datasets as far as inner folds say, are averaged by the probability of each subject. Needs
    labels of datasets and subjects in ``fit``, text alone to route.

    Parameters
    ----------
    encoder : Encoder, default=TfidfEncoder()
        Turns text into vectors for the classifiers.
    strength : float, default=10.0
        Inverse regularization ``C`` of the logistic regressions: one tells the datasets apart, as
        if all were equally frequent, and one for each dataset its subjects.
    prior : float, default=1.0
        Pseudo-questions that pull an llm's mean on a dataset towards its mean on all of them.
    random_state : int, default=0
        Of the inner folds.

    Attributes
    ----------
    subject_scores_ : ndarray of shape (n_subjects, m)
        Mean score of each llm on each subject.
    weight_ : float
        Pseudo-questions that pull a subject's mean towards its dataset's.
    """

    parameter_constraints: ClassVar[Constraints] = {
        "encoder": ENCODER | None,
        "strength": Real(0, open_low=True),
        "prior": Real(0),
        "random_state": SEED,
    }

    def __init__(
        self,
        encoder: Encoder | None = None,
        strength: float = 10.0,
        prior: float = 1.0,
        random_state: int = 0,
    ):
        self.encoder = encoder
        self.strength = strength
        self.prior = prior
        self.random_state = random_state

    def _fit(self, table: RoutingTable) -> None:
        subjects = Subjects.of(table)
        self.subjects_ = vars(subjects)
        self.weight_ = best_weight(subjects, table, self.prior, self.random_state)
        self.subject_scores_ = subject_means(subjects, table, self.prior, self.weight_)
        self.encoder_, vectors = encode_training(self.encoder, table.questions)
        number = subjects.numbers(table)
        of_dataset = subjects.dataset_of[number]
        self.dataset_classifier_ = self._classifier(vectors, of_dataset, "balanced")
        self.subject_classifiers_ = [
            self._classifier(vectors[of_dataset == place], number[of_dataset == place])
            for place in range(len(subjects.datasets))
        ]

    def recognize(self, questions: list[str]) -> FloatArray:
        """Return the probability of each subject, shape (n, n_subjects)."""
        vectors = self.encoder_.transform(questions)
        dataset = _chances(self.dataset_classifier_, vectors)
        parts = [_chances(part, vectors) for part in self.subject_classifiers_]
        return np.hstack([dataset[:, [k]] * part for k, part in enumerate(parts)])

    def _classifier(self, vectors: FloatArray, label: np.ndarray, weight: str | None = None):
        from sklearn.linear_model import LogisticRegression

        if len(np.unique(label)) == 1:
            return None
        return LogisticRegression(C=self.strength, class_weight=weight, max_iter=1000).fit(
            vectors, label
        )

    def _predict_scores(self, questions: list[str]) -> FloatArray:
        return self.recognize(questions) @ self.subject_scores_

    def _admit(self, llm: str, outcomes: RoutingTable) -> None:
        subjects = Subjects(**self.subjects_)
        column = subject_means(subjects, outcomes, self.prior, self.weight_)
        self.subject_scores_ = np.hstack([self.subject_scores_, column])


def _chances(classifier, vectors: FloatArray) -> FloatArray:
    """Return the probability of each class; 1 where there is only one."""
    return np.ones((len(vectors), 1)) if classifier is None else classifier.predict_proba(vectors)
