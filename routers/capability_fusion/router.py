"""Capability fusion: what the LM read meets what the profile says in one product."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from routers._ridge import fit_ridge
from routers._targets import column_means, membership
from routers._weighing import moved
from routers.aptitude.cards import ProfileCard, TakesCards
from routers.aptitude.examination import AptitudeTest
from routers.base import Router
from routers.capability_fusion.items import ItemFactors
from routers.capability_fusion.weighing import Account, Answers, taking_part, weigh
from routers.constraints import ENCODER, SEED, Boolean, Constraints, Integer, OneOf, Real
from routers.encoders import Encoder, encode_training
from routers.table import FloatArray, RoutingTable

_FEWEST_FOR_CONNECTOR = 12  # llms from which a connector from cards can be learned


class CapabilityFusionRouter(TakesCards, Router):
    """Capability profile times question reading, with item factors learned from many llms.

    Model-SAT hands the profile to the LM as a token among the question's. Here the LM reads the
    question alone (``encoder``; once for any number of candidates) and the profile meets what was
    read afterwards:

    ``score(m, x) = sigmoid(logit(sum_d P(d | x) a_md) + sum_k z_k(x) theta_mk)``

    *d* runs over the datasets of the training questions, ``P(d | x)`` recognises them from the
    reading, ``a_md`` is the llm's accuracy on *d*. What remains is an item-response model: the
    leading factors ``z`` of how outcomes depart from those accuracies, over the candidates and an
    auxiliary pool of other llms, are predicted from the reading by ridge regression;
    ``theta`` are the llm's loadings, brought to the scale of logits by one Newton step (a
    departure is divided by the mean variance of an outcome). ``[a_m, theta_m]`` is the llm's
    capability vector.

    What is learned from others may mislead, the more so the less they are like the candidates.
    So inner folds of the training questions choose which llms of the pool the factors are learned
    from (none, the few most like each candidate, all), how many factors there are, and the share
    of the loadings that is used, which is 0 unless it helps visibly. With nothing used, on
    questions of one dataset, the router asks the best single llm.

    A connector, learned on all llms of the training, maps an aptitude-test
    card to it, so that a new llm is admitted from its card alone.

    Parameters
    ----------
    encoder : Encoder
        What reads a question; states of a causal LM by default (``configs/router``).
    n_tasks : int, default=50
    n_shots : int, default=20
        Size of the aptitude test, see :class:`AptitudeTest`.
    n_factors : int, default=16
        Most item factors; 0 leaves the item part out.
    weigh : bool, default=True
        Choose pool, number of factors and share on inner folds; otherwise the whole pool,
        ``n_factors`` and all of it are used.
    strength : float, default=10.0
        Inverse regularisation ``C`` of the recognition.
    balanced : bool, default=True
        Recognise as if all datasets were equally frequent, for each counts the same in the
        headline.
    prior : float, default=1.0
        Pseudo-questions that pull an accuracy on a dataset towards the llm's overall accuracy.
    profile : {"card", "swapped", "mean", "constant"}, default="card"
        Controls: the next llm's capability, the llm's mean alone, or the zoo's for all.
    random_state : int, default=0

    Attributes
    ----------
    aptitude_test_ : dict
        Question ids of each task, and its description.
    capability_ : ndarray of shape (m, n_datasets + n_factors_)
        Accuracies, then the share of the loadings that is used.
    n_factors_ : int
        Item factors that are used.
    share_ : float
        Share of the loadings that is used, in [0, 1].
    pool_llms_ : ndarray of str
        Llms of the pool that the item factors are learned from.

    References
    ----------
    Zhang, Zhan and Ye, "Capability Instruction Tuning: A New Paradigm for Dynamic LLM Routing",
    AAAI 2025 (profile, connector, new llms from a profile); Lord, "Applications of Item Response
    Theory", 1980; Song et al., "IRT-Router", 2025 (item parameters from text).
    """

    parameter_constraints: ClassVar[Constraints] = {
        "encoder": ENCODER,
        "n_tasks": Integer(1),
        "n_shots": Integer(1),
        "n_factors": Integer(0),
        "weigh": Boolean(),
        "strength": Real(0, open_low=True),
        "balanced": Boolean(),
        "prior": Real(0),
        "profile": OneOf("card", "swapped", "mean", "constant"),
        "random_state": SEED,
    }

    def __init__(
        self,
        encoder: Encoder,
        n_tasks: int = 50,
        n_shots: int = 20,
        n_factors: int = 16,
        weigh: bool = True,
        strength: float = 10.0,
        balanced: bool = True,
        prior: float = 1.0,
        profile: str = "card",
        random_state: int = 0,
    ):
        self.encoder = encoder
        self.n_tasks = n_tasks
        self.n_shots = n_shots
        self.n_factors = n_factors
        self.weigh = weigh
        self.strength = strength
        self.balanced = balanced
        self.prior = prior
        self.profile = profile
        self.random_state = random_state

    # Overridden hooks -------------------------------------------------------------------------

    def _fit(self, table: RoutingTable) -> None:
        self._fit_beside(table, None)

    def _fit_beside(self, table: RoutingTable, pool: RoutingTable | None) -> None:
        everyone = table if pool is None else table.beside(pool)
        test = AptitudeTest.build(everyone, self.n_tasks, self.n_shots, self.random_state)
        self.aptitude_test_ = test.to_dict()
        self.encoder_, vectors = encode_training(self.encoder, table.questions)
        self._fit_recognition(vectors, table.datasets)
        members = membership(self.classes_, table.datasets)
        answers = Answers(members, everyone.scores, table.n_llms, self.prior)
        accuracy = answers.accuracy()
        loadings = self._fit_items(vectors, answers, accuracy, everyone.llms)
        capability = np.hstack([accuracy.T, loadings])
        self.task_datasets_ = test.majority_datasets(table)
        self._fit_connector(test.profiles(everyone), capability)
        self.capability_ = capability[: table.n_llms]
        self.typical_ = capability.mean(axis=0)

    def _predict_scores(self, questions: list[str]) -> FloatArray:
        vectors = self.encoder_.transform(questions)
        capability, n_datasets = self._seen_capability(), len(self.classes_)
        accuracy = self.recognise(vectors) @ capability[:, :n_datasets].T
        departure = self.factors_.predict(vectors) @ capability[:, n_datasets:].T
        return moved(accuracy, departure)

    # Cards ------------------------------------------------------------------------------------

    def _take_card(self, card: ProfileCard) -> None:
        self.capability_ = np.vstack([self.capability_, self._from_card(card)])

    def _retain(self, places: np.ndarray) -> None:
        self.capability_ = self.capability_[places]

    def _from_card(self, card: ProfileCard) -> np.ndarray:
        """Apply the connector to a card: a capability vector (n_datasets + n_factors,)."""
        card.require_test(AptitudeTest(**self.aptitude_test_))
        departure = np.nan_to_num(card.numbers() - self.task_means_)
        if self.connector_ is None:
            return self._without_connector(departure)
        return self.typical_ + departure @ self.connector_

    def _without_connector(self, departure: np.ndarray) -> np.ndarray:
        """Shift the typical accuracy on each dataset by the card's on the dataset's tasks."""
        shift = np.zeros(len(self.typical_))
        for place, name in enumerate(self.classes_):
            of_dataset = self.task_datasets_ == name
            shift[place] = departure[of_dataset if of_dataset.any() else slice(None)].mean()
        return self.typical_ + shift

    # Steps of fitting -------------------------------------------------------------------------

    def _fit_items(
        self, vectors: FloatArray, answers: Answers, accuracy: FloatArray, llms: np.ndarray
    ) -> FloatArray:
        """Learn the item factors as far as they help; return the loadings of all llms."""
        account = Account(None, self.n_factors, 1.0)
        if self.weigh:
            account = weigh(vectors, answers, self.n_factors, self.random_state)
        departures = answers.departures(accuracy)
        columns = taking_part(departures, answers.n_candidates, account.n_neighbors)
        self.pool_llms_ = llms[columns[answers.n_candidates :]]
        self.factors_ = ItemFactors(account.n_factors, self.random_state)
        loadings = account.share * self.factors_.fit(vectors, departures, columns)
        self.n_factors_, self.share_ = loadings.shape[1], account.share
        return loadings

    def _fit_recognition(self, vectors: FloatArray, datasets: np.ndarray) -> None:
        from sklearn.linear_model import LogisticRegression

        self.classes_, label = np.unique(datasets, return_inverse=True)
        self.classifier_ = None
        if len(self.classes_) > 1:
            weight = "balanced" if self.balanced else None
            self.classifier_ = LogisticRegression(
                C=self.strength, class_weight=weight, max_iter=1000
            ).fit(vectors, label)

    def recognise(self, vectors: FloatArray) -> FloatArray:
        """Return the probability of each dataset (n, n_datasets), in the order of ``classes_``."""
        if self.classifier_ is None:
            return np.ones((len(vectors), 1))
        return self.classifier_.predict_proba(vectors)

    def _fit_connector(self, profiles: FloatArray, capability: FloatArray) -> None:
        """Learn card -> capability vector from the llms of the training."""
        self.task_means_ = np.nan_to_num(column_means(profiles), nan=0.5)
        self.connector_ = None
        if len(profiles) >= _FEWEST_FOR_CONNECTOR:
            departures = np.nan_to_num(profiles - self.task_means_)
            ridge = fit_ridge(departures, capability - capability.mean(axis=0))
            self.connector_ = ridge.coef_.T  # (tasks, datasets + factors)

    def _seen_capability(self) -> FloatArray:
        """Return the capability vectors as the control wants them seen."""
        n_datasets = len(self.classes_)
        seen = self.capability_.copy()
        if self.profile == "swapped":
            seen = np.roll(seen, 1, axis=0)
        elif self.profile == "mean":
            seen[:, :n_datasets] = seen[:, :n_datasets].mean(axis=1, keepdims=True)
            seen[:, n_datasets:] = 0
        elif self.profile == "constant":
            seen[:] = seen.mean(axis=0)
        return seen
