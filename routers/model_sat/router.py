"""``ModelSATRouter``: an llm's profile becomes a token that meets the question in an LM."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
from scipy.special import expit, logit

from routers._targets import membership, shrunken_means
from routers.aptitude.cards import ProfileCard, TakesCards
from routers.aptitude.examination import AptitudeTest
from routers.base import Router
from routers.constraints import (
    DEVICE,
    NUMBER_TYPE,
    PATH,
    SEED,
    Boolean,
    Constraints,
    Integer,
    OneOf,
    Real,
)
from routers.devices import arithmetic, resolve
from routers.model_sat.capability import CapabilityVectors, complete
from routers.model_sat.level import level_shifts
from routers.model_sat.targets import RUNGS, targets
from routers.precomputing import Progress
from routers.table import FloatArray, RoutingTable, Texts

if TYPE_CHECKING:
    from routers.model_sat.network import ModelSATNetwork
    from routers.model_sat.readings import Readings
    from routers.model_sat.training import Plan

_LEVEL_QUESTIONS = 30  # per dataset
_CERTAIN = 0.02


class ModelSATRouter(TakesCards, Router):
    """Late."""

    parameter_constraints: ClassVar[Constraints] = {
        "lm_path": PATH,
        "n_tasks": Integer(1),
        "n_shots": Integer(1),
        "n_directions": Integer(0),
        "depth": Real(0, 1),
        "n_soft": Integer(1),
        "inquiry": Boolean(),
        "lora_rank": Integer(0),
        "lora_scale": Real(0),
        "targets": OneOf(*RUNGS),
        "prior": Real(0),
        "contrast": Real(0),
        "zoo_share": Real(0, 1),
        "level": OneOf("outcomes", "card", "none"),
        "n_steps": Integer(1),
        "n_questions": Integer(1),
        "n_llms": Integer(1),
        "learning_rate": Real(0),
        "lora_learning_rate": Real(0),
        "max_question_tokens": Integer(1),
        "profile": OneOf("card", "swapped", "mean", "constant"),
        "dtype": NUMBER_TYPE,
        "device": DEVICE | None,
        "cache_folder": PATH | None,
        "prefix_cache_gb": Real(0),
        "random_state": SEED,
    }

    def __init__(
        self,
        lm_path: str,
        n_tasks: int = 50,
        n_shots: int = 20,
        n_directions: int = 8,
        depth: float = 2 / 3,
        n_soft: int = 1,
        inquiry: bool = False,
        lora_rank: int = 8,
        lora_scale: float = 2.0,
        targets: str = "subject",
        prior: float = 1.0,
        contrast: float = 4.0,
        zoo_share: float = 0.5,
        level: str = "outcomes",
        n_steps: int = 300,
        n_questions: int = 16,
        n_llms: int = 8,
        learning_rate: float = 0.03,
        lora_learning_rate: float = 5e-3,
        max_question_tokens: int = 192,
        profile: str = "card",
        dtype: str = "auto",
        device: str | None = None,
        cache_folder: str | None = None,
        prefix_cache_gb: float = 8.0,
        random_state: int = 0,
    ):
        self.lm_path = lm_path
        self.n_tasks = n_tasks
        self.n_shots = n_shots
        self.n_directions = n_directions
        self.depth = depth
        self.n_soft = n_soft
        self.inquiry = inquiry
        self.lora_rank = lora_rank
        self.lora_scale = lora_scale
        self.targets = targets
        self.prior = prior
        self.contrast = contrast
        self.zoo_share = zoo_share
        self.level = level
        self.n_steps = n_steps
        self.n_questions = n_questions
        self.n_llms = n_llms
        self.learning_rate = learning_rate
        self.lora_learning_rate = lora_learning_rate
        self.max_question_tokens = max_question_tokens
        self.profile = profile
        self.dtype = dtype
        self.device = device
        self.cache_folder = cache_folder
        self.prefix_cache_gb = prefix_cache_gb
        self.random_state = random_state

    @property
    def arithmetic(self) -> str:
        """What the LM computes with, such as ``"float32 on cpu"``."""
        return arithmetic(self.dtype, self.device)

    def precompute(self, texts: Texts, progress: Progress | None = None) -> int:
        """Read the questions that are not kept yet, and return how many that were."""
        return self._readings().fill(texts, progress)

    def _fit(self, table: RoutingTable) -> None:
        self._fit_beside(table, None)

    def _fit_beside(self, table: RoutingTable, pool: RoutingTable | None) -> None:
        from routers.model_sat.training import Lessons, train

        everyone = table if pool is None else table.beside(pool)
        test = AptitudeTest.build(everyone, self.n_tasks, self.n_shots, self.random_state)
        self.aptitude_test_ = test.to_dict()
        profiles = test.profiles(everyone)
        self.vectors_ = vars(
            CapabilityVectors.fit(profiles, test.majority_datasets(table), self.n_directions)
        )
        self.capability_ = self._capability(profiles[: table.n_llms])
        self.levels_ = self._levels(profiles[: table.n_llms])
        wanted = targets(everyone, self.targets, self.prior, self.random_state)
        share = np.full(everyone.n_llms, 1.0)
        if pool is not None:
            share[: table.n_llms] = self.zoo_share / table.n_llms
            share[table.n_llms :] = (1 - self.zoo_share) / pool.n_llms
        lessons = Lessons(
            table.datasets, wanted, self._capability(profiles), self._levels(profiles), share
        )
        questions = list(table.questions)
        network = self._network(self._start(questions))
        self.loss_ = np.array(train(network, self._reader(questions), lessons, self._plan()))
        self.weights_ = network.weights()
        self._fit_level(table, network)

    def _fit_level(self, table: RoutingTable, network: ModelSATNetwork) -> None:
        """Learn the shift of each candidate's logits."""
        rng = np.random.default_rng(self.random_state)
        rows = [
            rng.permutation(np.flatnonzero(table.datasets == name))[:_LEVEL_QUESTIONS]
            for name in np.unique(table.datasets)
        ]
        weights = np.concatenate([np.full(len(r), 1 / len(r) / len(rows)) for r in rows])
        few = np.concatenate(rows)
        self.level_questions_ = table.questions[few]
        self.level_weights_ = weights
        names = np.unique(table.datasets)
        means = shrunken_means(membership(names, table.datasets), table.scores, self.prior)
        self.shifts_ = np.zeros(table.n_llms)
        if self.level == "outcomes":
            said = self._logits(list(self.level_questions_), network)
            self.shifts_ = level_shifts(said, weights, np.clip(means.mean(axis=0), 0.01, 0.99))

    def _predict_scores(self, questions: list[str]) -> FloatArray:
        return expit(self._logits(questions) + self.shifts_)

    def _take_card(self, card: ProfileCard) -> None:
        card.require_test(AptitudeTest(**self.aptitude_test_))
        profile = card.numbers()[None]
        self.capability_ = np.vstack([self.capability_, self._capability(profile)])
        self.levels_ = np.append(self.levels_, self._levels(profile))
        self.shifts_ = np.append(self.shifts_, 0.0)

    def _logits(self, questions: list[str], network: ModelSATNetwork | None = None) -> FloatArray:
        from routers.model_sat.training import logits

        if network is None:
            network = self._network(self.weights_["bias"][0])
            network.load_weights(self.weights_)
        # llms of equal capability are one llm to the network: they tie exactly
        vectors, index = np.unique(self._seen(), axis=0, return_inverse=True)
        lengths = np.array([len(question) for question in questions])
        said = logits(network, self._reader(questions), lengths, vectors)
        return said[:, index.ravel()] + self.levels_

    def _seen(self) -> FloatArray:
        seen = self.capability_.copy()
        if self.profile == "swapped":
            seen = np.roll(seen, 1, axis=0)
        elif self.profile == "mean":
            seen[:, 1:] = 0
        elif self.profile == "constant":
            seen[:] = 0
        return seen

    def _capability(self, profiles: FloatArray) -> FloatArray:
        return CapabilityVectors(**self.vectors_).transform(profiles)

    def _levels(self, profiles: FloatArray) -> np.ndarray:
        means = complete(profiles, self.vectors_["task_means"]).mean(axis=1)
        return logit(np.clip(means, _CERTAIN, 1 - _CERTAIN))

    def _start(self, questions: list[str]) -> np.ndarray:
        """Return the mean state at the last token of the training prompts."""
        read = self._readings().get
        total = 0.0
        for question in questions:
            total = total + read([question])[0].states[0].float().numpy()
        return total / len(questions)

    def _plan(self) -> Plan:
        from routers.model_sat.training import Plan

        return Plan(
            n_steps=self.n_steps,
            n_questions=self.n_questions,
            n_llms=self.n_llms,
            learning_rate=self.learning_rate,
            lora_learning_rate=self.lora_learning_rate,
            contrast=self.contrast,
            random_state=self.random_state,
        )

    def _reader(self, questions: list[str]):
        readings = self._readings()
        return lambda rows: readings.get([questions[row] for row in rows])

    def _readings(self) -> Readings:
        from routers.model_sat.language_model import load_lm
        from routers.model_sat.readings import readings_of

        lm = load_lm(self.lm_path, self.depth, *resolve(self.dtype, self.device))
        return readings_of(
            lm, self.lm_path, self.max_question_tokens, self.cache_folder, self.prefix_cache_gb
        )

    def _network(self, start: np.ndarray) -> ModelSATNetwork:
        from routers.model_sat.network import ModelSATNetwork

        return ModelSATNetwork(
            self._readings().lm,
            self.capability_.shape[1],
            start,
            self.n_soft,
            self.inquiry,
            self.lora_rank,
            self.lora_scale,
            self.random_state,
        )
