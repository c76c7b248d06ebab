"""``PaperModelSATRouter``: profiles, network and training behind the interface of every router."""

from __future__ import annotations

import logging
import re
from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from scipy.special import expit, logit
from sklearn.base import clone

from routers.aptitude.cards import ProfileCard, TakesCards
from routers.aptitude.examination import AptitudeTest
from routers.base import Router
from routers.choice import choose
from routers.constraints import (
    DEVICE,
    ENCODER,
    NUMBER_TYPE,
    PATH,
    SEED,
    Boolean,
    Constraints,
    Integer,
    OneOf,
    Real,
    Text,
)
from routers.devices import arithmetic
from routers.encoders import Encoder, content_fingerprint
from routers.model_sat_paper.calibration import average_views, calibrate
from routers.model_sat_paper.capability import CapabilityEncoder, complete, tasks_read
from routers.model_sat_paper.checkpoints import Checkpoint, training_key
from routers.model_sat_paper.pool import draw_stratified
from routers.precomputing import Progress
from routers.table import FloatArray, RoutingTable, Texts
from routers.validation import refusal

if TYPE_CHECKING:
    from routers.model_sat_paper.network import NetworkConfig, ScoringNetwork
    from routers.model_sat_paper.training import Examples, History

log = logging.getLogger(__name__)

# Fewer held-out questions than this say nothing: then all questions are trained on.
_MIN_VALIDATION = 8


def _is_pattern(text: str) -> bool:
    try:
        re.compile(text)
    except re.error:
        return False
    return bool(text)


class PaperModelSATRouter(TakesCards, Router):
    """Capability profile and question to a small causal LM; the score is its P(Yes).

    An aptitude test drawn from the training questions gives each llm a profile: its accuracy per
    task. A connector turns the profile into soft tokens; a causal LM reads the question, the soft
    tokens and an inquiry, and its logit of Yes against No (plus, by default, the llm's prior) is
    the llm's score. Stage 1 of the training learns the connector, the LM is frozen; stage 2, off
    by default, learns both, the LM through LoRA adapters. Llms of a pool, where there is one, are
    learned from as well. A new llm is admitted from its aptitude test alone, or from a card of it.

    Parameters
    ----------
    encoder : Encoder
        Of task descriptions (or of whole profiles, see ``capability``).
    lm_path : str
        Folder (or hub name) of the causal LM.
    n_tasks : int, default=50
        Largest number of tasks of the aptitude test.
    n_shots : int, default=20
        Largest number of questions per task.
    capability : {"pooled", "numbers", "text"}, default="pooled"
        How a profile becomes a vector, see
        :class:`routers.model_sat_paper.capability.CapabilityEncoder`.
    n_soft : int, default=1
        Soft tokens per llm.
    order : {"question_first", "profile_first"}, default="question_first"
        The question before the capability, so that one pass over it serves the whole zoo, or
        after it (the paper's order; one pass per llm).
    readout : {"yes_no", "yes", "linear"}, default="yes_no"
        Logit of Yes against No, of Yes alone (the authors' release), or a trained linear layer
        that starts as the former (a variant that the paper names).
    prior : bool, default=True
        Add to each llm's logits the log-odds of its mean accuracy in the aptitude test, so that
        the network need only learn how questions differ.
    shuffles : int, default=1
        Views of a profile: the test's own order of tasks, and random ones. Each training step
        takes one of them, and P(Yes) is averaged over all (perturbation averaging). Only
        ``capability="text"`` has an order; otherwise there is always one view.
    loss : {"pointwise", "question_groups", "llm_groups", "both_groups"}, default="pointwise"
        Binary cross-entropy, or InfoNCE over the llms of a question, over the questions of an llm
        (the paper's), or the sum of both.
    group_size : int or None, default=None
        k of the groups: each positive meets k - 1 negatives drawn from its group; by default all
        the negatives that the batch holds.
    llm_weight : float, default=0.0
        Outcomes count in proportion to the llm's mean accuracy to this power (the paper gives
        stronger llms more weight).
    question_weight : float, default=0.0
        They count in proportion to ``4 p (1 - p)`` to this power, p the share of llms that are
        right on the question.
    max_pool : int, default=64
        Llms of the pool that are learned from, drawn from strata of equal size by mean accuracy;
        0 for none.
    llms_per_step : int, default=16
        Of more llms, candidates and pool, so many are drawn at each training step.
    pool_only : bool, default=False
        Learn from the pool and not from the candidates, which then are all new to the network.
    epochs : int, default=4
        Largest number of passes over the training questions in stage 1.
    stage2_epochs : int, default=0
        The same in stage 2.
    lora_rank : int, default=16
    lora_alpha : float, default=32.0
        An adapter's product of two thin matrices is multiplied by alpha / rank.
    lora_targets : str
        Regular expression of the names of the LM's modules that are adapted; by default the
        query and value projections of the attention (with the key's where they are one matrix).
    learning_rate : float, default=0.1
        Of the connector, in units of the LM's embeddings.
    lm_learning_rate : float, default=2e-4
        Of the adapters.
    weight_decay : float, default=0.0
    batch_size : int, default=8
        Questions per training step, each with the whole zoo.
    schedule : {"cosine", "constant"}, default="cosine"
    warm_up : float, default=0.1
        Share of the training steps.
    validation_fraction : float, default=0.15
        Share of the training questions, per dataset, on which training stops and predictions
        are calibrated.
    patience : int, default=3
        Epochs without a better validation loss after which training stops.
    max_question_tokens : int, default=192
        Longer questions lose their middle.
    prefix_cache_gb : float, default=2.5
        Memory for what is computed of the training questions once and used in every epoch.
    dtype : {"auto", "float32", "bfloat16", "float16"}, default="auto"
        Arithmetic of the LM; ``"auto"`` is bfloat16 where it is native, else float32.
    device : str or None, default=None
        As torch names it; by default a GPU where there is one.
    checkpoint_folder : str or None, default=None
        Where a fit that is interrupted leaves its state, once per epoch, for the next fit with the
        same parameters and data to go on from. Files are small, and may be deleted.
    random_state : int, default=0
    progress : bool, default=False
        Show a progress bar while training.

    Attributes
    ----------
    aptitude_test_ : dict
        Question ids of each task, and its description.
    profiles_ : ndarray of shape (m, n_tasks)
        Accuracies in [0, 1] of the llms known, NaN where not observed.
    views_ : list of dict
        What is typical of the llms learned from, per order in which tasks are listed.
    connector_ : dict of ndarray
        Learned weights, those of LoRA adapters included.
    calibration_ : ndarray of shape (2,)
        Slope and intercept of the logits, learned on the validation questions.
    history_ : dict
        Loss per epoch, and the epoch kept.

    Notes
    -----
    Weights by strength and by information follow the paper, which gives no formula. Rank and alpha
    are those of the published re-implementation ORBIT (Qwen3-4B, LoRA of rank 16, alpha 32), the
    adapters' learning rate is that of Hu et al. for GPT-3.

    References
    ----------
    Zhang, Zhan and Ye, "Capability Instruction Tuning: A New Paradigm for Dynamic LLM Routing",
    AAAI 2025; Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models", ICLR 2022.
    """

    parameter_constraints: ClassVar[Constraints] = {
        "encoder": ENCODER,
        "lm_path": PATH,
        "n_tasks": Integer(1),
        "n_shots": Integer(1),
        "capability": CapabilityEncoder.parameter_constraints["mode"],
        "n_soft": Integer(1),
        "order": OneOf("question_first", "profile_first"),
        "readout": OneOf("yes_no", "yes", "linear"),
        "prior": Boolean(),
        "shuffles": Integer(1),
        "loss": OneOf("pointwise", "question_groups", "llm_groups", "both_groups"),
        "group_size": Integer(2) | None,
        "llm_weight": Real(0),
        "question_weight": Real(0),
        "max_pool": Integer(0),
        "llms_per_step": Integer(1),
        "pool_only": Boolean(),
        "epochs": Integer(1),
        "stage2_epochs": Integer(0),
        "lora_rank": Integer(1),
        "lora_alpha": Real(0),
        "lora_targets": Text("a regular expression", _is_pattern),
        "learning_rate": Real(0),
        "lm_learning_rate": Real(0),
        "weight_decay": Real(0),
        "batch_size": Integer(1),
        "schedule": OneOf("cosine", "constant"),
        "warm_up": Real(0, 0.9),
        "validation_fraction": Real(0, 0.9),
        "patience": Integer(1),
        "max_question_tokens": Integer(1),
        "prefix_cache_gb": Real(0),
        "dtype": NUMBER_TYPE,
        "device": DEVICE | None,
        "checkpoint_folder": PATH | None,
        "random_state": SEED,
        "progress": Boolean(),
    }

    def __init__(
        self,
        encoder: Encoder,
        lm_path: str,
        n_tasks: int = 50,
        n_shots: int = 20,
        capability: str = "pooled",
        n_soft: int = 1,
        order: str = "question_first",
        readout: str = "yes_no",
        prior: bool = True,
        shuffles: int = 1,
        loss: str = "pointwise",
        group_size: int | None = None,
        llm_weight: float = 0.0,
        question_weight: float = 0.0,
        max_pool: int = 64,
        llms_per_step: int = 16,
        pool_only: bool = False,
        epochs: int = 4,
        stage2_epochs: int = 0,
        lora_rank: int = 16,
        lora_alpha: float = 32.0,
        lora_targets: str = r".*\.(q_proj|v_proj|qkv_proj)",
        learning_rate: float = 0.1,
        lm_learning_rate: float = 2e-4,
        weight_decay: float = 0.0,
        batch_size: int = 8,
        schedule: str = "cosine",
        warm_up: float = 0.1,
        validation_fraction: float = 0.15,
        patience: int = 3,
        max_question_tokens: int = 192,
        prefix_cache_gb: float = 2.5,
        dtype: str = "auto",
        device: str | None = None,
        checkpoint_folder: str | None = None,
        random_state: int = 0,
        progress: bool = False,
    ):
        self.encoder = encoder
        self.lm_path = lm_path
        self.n_tasks = n_tasks
        self.n_shots = n_shots
        self.capability = capability
        self.n_soft = n_soft
        self.order = order
        self.readout = readout
        self.prior = prior
        self.shuffles = shuffles
        self.loss = loss
        self.group_size = group_size
        self.llm_weight = llm_weight
        self.question_weight = question_weight
        self.max_pool = max_pool
        self.llms_per_step = llms_per_step
        self.pool_only = pool_only
        self.epochs = epochs
        self.stage2_epochs = stage2_epochs
        self.lora_rank = lora_rank
        self.lora_alpha = lora_alpha
        self.lora_targets = lora_targets
        self.learning_rate = learning_rate
        self.lm_learning_rate = lm_learning_rate
        self.weight_decay = weight_decay
        self.batch_size = batch_size
        self.schedule = schedule
        self.warm_up = warm_up
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.max_question_tokens = max_question_tokens
        self.prefix_cache_gb = prefix_cache_gb
        self.dtype = dtype
        self.device = device
        self.checkpoint_folder = checkpoint_folder
        self.random_state = random_state
        self.progress = progress

    # Overridden hooks -------------------------------------------------------------------------

    @property
    def arithmetic(self) -> str:
        """What the LM computes with, such as ``"float32 on cpu"``."""
        return arithmetic(self.dtype, self.device)

    def precompute(self, texts: Texts, progress: Progress | None = None) -> int:
        """Compute nothing: the encoder reads profiles, which are not known before ``fit``."""
        return 0

    def _fit(self, table: RoutingTable) -> None:
        self._fit_beside(table, None)

    def _fit_beside(self, table: RoutingTable, pool: RoutingTable | None) -> None:
        learned, judged = self._who_teaches(table, pool)
        test = AptitudeTest.build(learned, self.n_tasks, self.n_shots, self.random_state)
        self.aptitude_test_ = test.to_dict()
        self.profiles_ = test.profiles(table)
        self.encoder_ = clone(self.encoder).fit(list(table.questions))
        self.views_ = self._fit_views(test.profiles(learned))
        self._log_what_is_read()
        held_out = self._held_out(table)
        training = self._examples(learned.rows(~held_out), test.profiles(learned))
        validation = self._examples(judged.rows(held_out), test.profiles(judged))
        history = self._train(training, validation)
        self.history_ = {
            "train": history.train,
            "validation": history.validation,
            "stage1_epochs": history.stage1_epochs,
            "best_epoch": history.best_epoch,
        }

    def _predict_scores(self, questions: list[str]) -> FloatArray:
        return self._calibrated(average_views(self._view_logits(questions)))

    def _take_card(self, card: ProfileCard) -> None:
        card.require_test(AptitudeTest(**self.aptitude_test_))
        self.profiles_ = np.vstack([self.profiles_, card.numbers()])

    def _retain(self, places: np.ndarray) -> None:
        self.profiles_ = self.profiles_[places]

    # Robustness to the order of tasks ---------------------------------------------------------

    def flip_rate(self, questions: Texts) -> float:
        """Return how often the choice depends on the order of tasks in a profile.

        Parameters
        ----------
        questions : sequence of str

        Returns
        -------
        float
            Share of the questions on which two views choose different llms, mean over all pairs of
            the ``shuffles`` views; 0 where there is one view.
        """
        questions = self._checked_questions(questions)
        if not questions or len(self.views_) == 1:
            return 0.0
        scores = np.round(self._calibrated(self._view_logits(questions)), 6)
        costs = self._predict_costs(questions)[:, self._columns_]
        pairs = combinations([choose(view, costs, self._known_) for view in scores], 2)
        return float(np.mean([(first != second).mean() for first, second in pairs]))

    # Steps of fitting -------------------------------------------------------------------------

    def _who_teaches(
        self, table: RoutingTable, pool: RoutingTable | None
    ) -> tuple[RoutingTable, RoutingTable]:
        """Return the outcomes to learn from, and those that say when to stop."""
        if pool is None or self.max_pool == 0:
            if self.pool_only:
                raise refusal(
                    type(self).__name__,
                    "pool_only",
                    "False where there is no pool",
                    self.pool_only,
                    "Give 'fit' a pool of llms that are not candidates, and 'max_pool' at least 1.",
                )
            return table, table
        drawn = draw_stratified(pool, self.max_pool, self.random_state)
        return (drawn, drawn) if self.pool_only else (table.beside(drawn).canonical(), table)

    def _held_out(self, table: RoutingTable) -> np.ndarray:
        """Mark validation questions, the same share of every dataset; none if they are few."""
        rng = np.random.default_rng(self.random_state)
        held_out = np.zeros(len(table), dtype=bool)
        for name in np.unique(table.datasets):
            rows = np.flatnonzero(table.datasets == name)
            held_out[rng.permutation(rows)[: round(self.validation_fraction * len(rows))]] = True
        return held_out if held_out.sum() >= _MIN_VALIDATION else np.zeros_like(held_out)

    def _examples(self, table: RoutingTable, profiles: FloatArray) -> Examples:
        from routers.model_sat_paper.training import Examples

        views, prior = self._views(profiles), self._prior(profiles)
        return Examples(list(table.questions), table.scores, views, prior)

    def _train(self, training: Examples, validation: Examples) -> History:
        from routers.model_sat_paper.training import Trainer, TrainingConfig

        config = TrainingConfig(
            loss=self.loss,
            group_size=self.group_size,
            llm_weight=self.llm_weight,
            question_weight=self.question_weight,
            epochs=self.epochs,
            stage2_epochs=self.stage2_epochs,
            learning_rate=self.learning_rate,
            lm_learning_rate=self.lm_learning_rate,
            weight_decay=self.weight_decay,
            batch_size=self.batch_size,
            llms_per_step=self.llms_per_step,
            schedule=self.schedule,
            warm_up=self.warm_up,
            patience=self.patience,
        )
        network = self._network(training.capability.shape[-1])
        checkpoint = self._checkpoint(network.config, config, training, validation)
        trainer = Trainer(network, config, self.random_state, checkpoint, self.progress)
        history = trainer.train(training, validation, self.prefix_cache_gb)
        self.connector_ = network.weights()
        self.calibration_ = np.array([1.0, 0.0])
        if history.validation_logits is not None:
            self.calibration_ = calibrate(history.validation_logits, validation.scores)
        return history

    def _checkpoint(
        self, network: NetworkConfig, config: object, training: Examples, validation: Examples
    ) -> Checkpoint:
        if self.checkpoint_folder is None:
            return Checkpoint(None, "")
        lm = content_fingerprint(self.lm_path, ())
        both = (training, validation)
        texts = [part.questions for part in both]
        settings = [lm, replace(network, lm_path=""), config, self.random_state, texts]
        arrays = [a for part in both for a in (part.scores, part.capability, part.prior)]
        return Checkpoint(self.checkpoint_folder, training_key(settings, arrays))

    def _log_what_is_read(self) -> None:
        if self.capability != "text":
            return
        descriptions = self.aptitude_test_["descriptions"]
        profile = complete(self.profiles_, self.views_[0]["task_means"])[0]
        read = tasks_read(self.encoder_, profile, descriptions)
        log.info("The encoder reads %d of the %d tasks of a profile", read, len(descriptions))

    # Steps of predicting ----------------------------------------------------------------------

    def _view_logits(self, questions: list[str]) -> FloatArray:
        """Return the logits (v, n, m) of every view of the llms known, prior included."""
        import torch

        views = self._views(self.profiles_)  # (v, m, c)
        n_views, m, c = views.shape
        network = self._network(c)
        network.load_weights(self.connector_)
        # Llms of equal profile are one llm to the network: they tie exactly, and neither the
        # order nor the number of copies of an llm can touch the others.
        vectors, index = np.unique(views.reshape(-1, c), axis=0, return_inverse=True)
        capability = torch.from_numpy(vectors).to(network.lm.device)
        logits = np.empty((len(questions), len(vectors)))
        with torch.no_grad():
            for row, question in enumerate(questions):
                # one by one: in 16 bits a logit depends on the shape of its batch
                prefix = network.prefix(question)
                logits[row] = network([prefix], capability)[0].cpu().numpy()
        by_view = logits[:, index.ravel()].reshape(len(questions), n_views, m)
        return by_view.transpose(1, 0, 2) + self._prior(self.profiles_)

    def _calibrated(self, logits: FloatArray) -> FloatArray:
        slope, intercept = self.calibration_
        return expit(slope * logits + intercept)

    # What an llm is to the network ------------------------------------------------------------

    def _capability_encoder(self) -> CapabilityEncoder:
        return CapabilityEncoder(
            self.capability, self.encoder_, self.aptitude_test_["descriptions"]
        )

    def _fit_views(self, profiles: FloatArray) -> list[dict]:
        """Return the state of each view: the test's own order of tasks, then random ones.

        Each view is centred on its own zoo: what an order does to all llms alike is left out.
        """
        rng, encoder = np.random.default_rng(self.random_state), self._capability_encoder()
        n_orders = self.shuffles if self.capability == "text" else 1
        orders = [None, *(rng.permutation(profiles.shape[1]) for _ in range(1, n_orders))]
        return [encoder.fit(profiles, order) for order in orders]

    def _views(self, profiles: FloatArray) -> FloatArray:
        """Return the capability vectors of profiles (m, T) in each view, shape (v, m, c)."""
        encoder = self._capability_encoder()
        return np.stack([encoder.transform(profiles, view) for view in self.views_])

    def _prior(self, profiles: FloatArray) -> np.ndarray:
        """Return the log-odds of each llm's mean accuracy over tasks, shape (m,)."""
        if not self.prior:
            return np.zeros(len(profiles))
        means = complete(profiles, self.views_[0]["task_means"]).mean(axis=1)
        return logit(np.clip(means, 0.02, 0.98))

    def _network(self, n_inputs: int) -> ScoringNetwork:
        from routers.model_sat_paper.language_model import LoRA
        from routers.model_sat_paper.network import NetworkConfig, ScoringNetwork

        config = NetworkConfig(
            lm_path=self.lm_path,
            n_inputs=n_inputs,
            n_soft=self.n_soft,
            order=self.order,
            readout=self.readout,
            dtype=self.dtype,
            device=self.device,
            max_question_tokens=self.max_question_tokens,
            lora=LoRA(self.lora_rank, self.lora_alpha, self.lora_targets),
        )
        return ScoringNetwork(config)
