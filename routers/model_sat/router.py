"""``ModelSATRouter``: an llm's profile becomes a token that meets the question in an LM."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from scipy.special import expit, logit

from routers._targets import membership, shrunken_means
from routers.aptitude.cards import ProfileCard, TakesCards
from routers.aptitude.examination import AptitudeTest
from routers.aptitude.profiles import complete
from routers.base import Router
from routers.constraints import PATH, SEED, Constraints, InstanceOf, Integer, OneOf
from routers.model_sat.capability import capability_vectors, learn_vectors
from routers.model_sat.connector import Connector
from routers.model_sat.lessons import Lessons, Teaching, draw_shares
from routers.model_sat.level import fit_card_means, level_questions, level_shifts
from routers.model_sat.pretrained import take_over, tell_trained_on
from routers.model_sat.reader import QuestionReader
from routers.model_sat.targets import targets
from routers.table import FloatArray, RoutingTable

if TYPE_CHECKING:
    from routers.model_sat.checkpoint import Checkpoint
    from routers.model_sat.network import ModelSATNetwork

log = logging.getLogger(__name__)
_CERTAIN = 0.02


class ModelSATRouter(TakesCards, Router):
    """Model-SAT: an llm's profile, as a soft token, meets the question in a causal LM.

    An aptitude test says how well an llm does on each of some tasks. A connector turns this
    profile into a soft token, which follows the question in a small causal LM:

    ``score(m, x) = sigmoid(g (w_Yes - w_No) . h(x, c_m) + b + v . c_m + prior_m + level_m)``

    ``c_m`` is the llm's capability vector, ``h`` the LM's last state at the soft token, and
    ``prior_m`` the log-odds of the mean of its profile. Where it differs from the source:

    * The question comes first. It is read once by the frozen LM, and its keys and values in the
      upper layers are kept; an llm costs one token on its way through these layers.
    * That token alone meets adapters (LoRA), trained together with the connector in one stage.
    * The profile is given as numbers; ``connector.capability="text"`` gives its text's vector.
    * What is taught is an llm's accuracy on questions of a kind, not one outcome, most of which
      is luck, by cross-entropy and the error of contrasts between llms of a question. The
      paper's loss compares questions for one llm: it does not see how strong an llm is.
    * ``level_m`` brings the llm's mean score to what is known of it.

    Llms that are not candidates teach the network as well (``fit(table, pool)``): it learns what
    a profile means, not who an llm is. Without a pool it is trained on the zoo itself, and says
    so. ``pretrained`` takes over a network that was trained before on other llms.

    Parameters
    ----------
    reader : QuestionReader
        The LM that reads the questions.
    connector : Connector, optional
        From a profile to soft tokens.
    teaching : Teaching, optional
        Targets, loss and steps of the training.
    n_tasks : int, default=50
    n_shots : int, default=20
        Size of the aptitude test, see :class:`AptitudeTest`.
    level : {"outcomes", "card", "none"}, default="outcomes"
        What an llm's mean score is brought to: its mean over the datasets on training questions;
        what its card says of that, which a newcomer's always is; or nothing.
    profile : {"card", "swapped", "mean", "constant"}, default="card"
        Controls: the next llm's capability vector, what it says of the mean alone, or the typical
        one for all. Prior and level stay the llm's own.
    pretrained : str or None, default=None
        A folder that :func:`routers.model_sat.pretrained.pretrain` made. Nothing is trained then:
        candidates come by their profiles alone. Its aptitude test, connector and teaching are
        those of the folder.
    random_state : int, default=0

    Attributes
    ----------
    aptitude_test_ : dict
        Question ids of each task, and its description.
    capability_ : ndarray of shape (m, c)
        Capability vectors.
    means_ : ndarray of shape (m,)
        The mean score that each llm is brought to.
    shifts_ : ndarray of shape (m,)
        What brings it there, in the unit of logits; NaN until it is asked for.
    loss_ : ndarray of shape (n_steps,)
        Of each training step.

    References
    ----------
    Zhang, Zhan and Ye, "Capability Instruction Tuning: A New Paradigm for Dynamic LLM Routing"
    (Model-SAT), AAAI 2025; Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models",
    ICLR 2022.
    """

    parameter_constraints: ClassVar[Constraints] = {
        "reader": InstanceOf(QuestionReader),
        "connector": InstanceOf(Connector) | None,
        "teaching": InstanceOf(Teaching) | None,
        "n_tasks": Integer(1),
        "n_shots": Integer(1),
        "level": OneOf("outcomes", "card", "none"),
        "profile": OneOf("card", "swapped", "mean", "constant"),
        "pretrained": PATH | None,
        "random_state": SEED,
    }

    def __init__(
        self,
        reader: QuestionReader,
        connector: Connector | None = None,
        teaching: Teaching | None = None,
        n_tasks: int = 50,
        n_shots: int = 20,
        level: str = "outcomes",
        profile: str = "card",
        pretrained: str | None = None,
        random_state: int = 0,
    ):
        self.reader = reader
        self.connector = connector
        self.teaching = teaching
        self.n_tasks = n_tasks
        self.n_shots = n_shots
        self.level = level
        self.profile = profile
        self.pretrained = pretrained
        self.random_state = random_state

    # Overridden hooks -------------------------------------------------------------------------

    def _fit(self, table: RoutingTable) -> None:
        self._fit_beside(table, None)

    def _fit_beside(self, table: RoutingTable, pool: RoutingTable | None) -> None:
        if self.pretrained is None:
            self._teach(table, pool)
        else:
            take_over(self, table)
        profiles = AptitudeTest(**self.aptitude_test_).profiles(table)
        self.capability_ = self._capability(profiles)
        self.priors_ = self._priors(profiles)
        self.means_ = self._card_means(profiles)
        if self.level == "outcomes":
            self.means_ = _macro_means(table, self.taught.prior)
        self.shifts_ = np.full(table.n_llms, np.nan)

    def _predict_scores(self, questions: list[str]) -> FloatArray:
        if self.pretrained is not None:
            tell_trained_on(questions, self.pretraining_["questions"])
        self._bring_to_level()
        return expit(self._logits(questions, self._seen()) + self.priors_ + self.shifts_)

    def _take_card(self, card: ProfileCard) -> None:
        card.require_test(AptitudeTest(**self.aptitude_test_))
        profile = card.numbers()[None]
        self.capability_ = np.vstack([self.capability_, self._capability(profile)])
        self.priors_ = np.append(self.priors_, self._priors(profile))
        self.means_ = np.append(self.means_, self._card_means(profile))
        self.shifts_ = np.append(self.shifts_, np.nan)

    def _retain(self, places: np.ndarray) -> None:
        for name in ("capability_", "priors_", "means_", "shifts_"):
            setattr(self, name, getattr(self, name)[places])

    # Steps of fitting -------------------------------------------------------------------------

    def _teach(self, table: RoutingTable, pool: RoutingTable | None) -> None:
        """Train the network on the zoo and the pool; learn what is typical of profiles."""
        if pool is None:
            log.warning(
                "Model-SAT is trained on the %d llms that it is fitted on, and no others: there is "
                "no pool of llms that answered the same questions.",
                table.n_llms,
                extra={"once": "model-sat-without-pool"},
            )
        self.lm_ = self.reader.fingerprint
        everyone = table if pool is None else table.beside(pool)
        test = AptitudeTest.build(everyone, self.n_tasks, self.n_shots, self.random_state)
        self.aptitude_test_ = test.to_dict()
        profiles = test.profiles(everyone)
        self.vectors_ = learn_vectors(
            self.connected, profiles, test.majority_datasets(table), test.descriptions
        )
        teaching = self.taught
        lessons = Lessons(
            table.datasets,
            targets(everyone, teaching.targets, teaching.prior, self.random_state),
            self._capability(profiles),
            self._priors(profiles),
            draw_shares(table.n_llms, everyone.n_llms - table.n_llms, teaching.zoo_share),
        )
        self._train(list(table.questions), lessons)
        rows, self.level_weights_ = level_questions(table.datasets, self.random_state)
        self.level_questions_ = list(map(str, table.questions[rows]))
        completed = complete(profiles, self.vectors_["task_means"])
        self.card_means_ = fit_card_means(completed, _macro_means(everyone, teaching.prior))

    def _train(self, questions: list[str], lessons: Lessons) -> None:
        from routers.model_sat.training import train

        readings = self.reader.readings()
        read = readings.reader_of(questions)
        network = self._network(lessons.capability.shape[1])
        network.begin_at(readings.mean_state(questions))
        checkpoint = self._checkpoint(lessons)
        losses = train(network, read, lessons, self.taught, self.random_state, checkpoint)
        self.loss_, self.weights_ = np.array(losses), network.weights()

    def _checkpoint(self, lessons: Lessons) -> Checkpoint | None:
        if self.taught.checkpoint is None:
            return None
        from routers.model_sat.checkpoint import Checkpoint

        teaching = self.taught.get_params() | {"checkpoint": None}  # wherever the state is kept
        parts = (self.lm_, self.connected.get_params(), teaching, self.random_state)
        return Checkpoint(Path(self.taught.checkpoint), lessons.digest(repr(parts)))

    # An llm, from its profile -----------------------------------------------------------------

    def _capability(self, profiles: FloatArray) -> FloatArray:
        words = self.aptitude_test_["descriptions"]
        return capability_vectors(self.connected, self.vectors_, profiles, words)

    def _priors(self, profiles: FloatArray) -> np.ndarray:
        means = complete(profiles, self.vectors_["task_means"]).mean(axis=1)
        return logit(np.clip(means, _CERTAIN, 1 - _CERTAIN))

    def _card_means(self, profiles: FloatArray) -> np.ndarray:
        """Return what cards say of mean scores, shape (m,)."""
        completed = complete(profiles, self.vectors_["task_means"])
        return completed @ self.card_means_[:-1] + self.card_means_[-1]

    def _bring_to_level(self) -> None:
        """Find the levels that are not known yet, of all llms or of newcomers."""
        new = np.isnan(self.shifts_)
        if self.level == "none":
            self.shifts_[new] = 0
        elif new.any():
            said = self._logits(self.level_questions_, self._seen()[new]) + self.priors_[new]
            self.shifts_[new] = level_shifts(said, self.level_weights_, self.means_[new])

    # The network ------------------------------------------------------------------------------

    @property
    def connected(self) -> Connector:
        """The connector: the one given, the pretrained network's, or the default one."""
        given = self.connector or Connector()
        return given if self.pretrained is None else self.pretraining_["connector"]

    @property
    def taught(self) -> Teaching:
        """How the network is taught, or was."""
        given = self.teaching or Teaching()
        return given if self.pretrained is None else self.pretraining_["teaching"]

    def _seen(self) -> FloatArray:
        """Return the capability vectors as the control wants them seen."""
        seen = self.capability_.copy()
        if self.profile == "swapped":
            return np.roll(seen, 1, axis=0)
        if self.profile == "mean":
            seen[:, 1:] = 0
        elif self.profile == "constant":
            seen[:] = 0
        return seen

    def _network(self, n_inputs: int) -> ModelSATNetwork:
        from routers.model_sat.network import ModelSATNetwork

        connector = self.connected
        return ModelSATNetwork(
            self.reader.readings().lm,
            n_inputs,
            connector.n_soft,
            connector.inquiry,
            connector.lora_rank,
            connector.lora_scale,
            self.random_state,
        )

    def _logits(self, questions: list[str], capability: FloatArray) -> FloatArray:
        from routers.model_sat.training import logits

        network = self._network(capability.shape[1])
        network.load_weights(self.weights_)
        # llms of equal capability are one llm to the network: they tie exactly
        vectors, index = np.unique(capability, axis=0, return_inverse=True)
        lengths = np.array([len(question) for question in questions])
        read = self.reader.readings().reader_of(questions)
        return logits(network, read, lengths, vectors)[:, index.ravel()]


def _macro_means(table: RoutingTable, prior: float) -> np.ndarray:
    """Return each llm's mean over the datasets of its mean scores, shape (m,)."""
    names = np.unique(table.datasets)
    return shrunken_means(membership(names, table.datasets), table.scores, prior).mean(axis=0)
