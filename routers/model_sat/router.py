"""``ModelSATRouter``: profiles, network and training behind the interface of every router."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np
from sklearn.base import clone

from routers.base import Router
from routers.encoders import Encoder
from routers.model_sat import capability as capability_module
from routers.model_sat.aptitude import AptitudeTest
from routers.model_sat.capability import CapabilityEncoder, complete, tasks_read
from routers.table import FloatArray, RoutingTable

if TYPE_CHECKING:
    from routers.model_sat.network import ScoringNetwork
    from routers.model_sat.training import Examples, History

log = logging.getLogger(__name__)

# An llm can be admitted from at least this share of the aptitude test.
_MIN_COVERAGE = 0.5
# Fewer held-out questions than this say nothing: then all questions are trained on.
_MIN_VALIDATION = 8


class ModelSATRouter(Router):
    """Capability profile and question to a small causal LM; the score is its P(Yes).

    An aptitude test drawn from the training questions gives each llm a profile: its accuracy per
    task. A connector turns the profile into soft tokens; a frozen causal LM reads the question,
    the soft tokens and an inquiry, and its logit of Yes against No (plus, by default, the llm's
    prior) is the llm's score. Only the connector is trained (stage 1 of the paper). A new llm is
    admitted from its aptitude test alone.

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
        How a profile becomes a vector, see :class:`routers.model_sat.capability.CapabilityEncoder`.
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
    loss : {"pointwise", "question_groups", "llm_groups", "both_groups"}, default="pointwise"
        Binary cross-entropy, or InfoNCE over the llms of a question, over the questions of an llm
        (the paper's), or the sum of both.
    epochs : int, default=4
        Largest number of passes over the training questions.
    learning_rate : float, default=0.1
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
    random_state : int, default=0
    progress : bool, default=False
        Show a progress bar while training.

    Attributes
    ----------
    aptitude_test_ : dict
        Question ids of each task, and its description.
    profiles_ : ndarray of shape (m, n_tasks)
        Accuracies in [0, 1] of the llms known, NaN where not observed.
    connector_ : dict of ndarray
        Learned weights.
    calibration_ : ndarray of shape (2,)
        Slope and intercept of the logits, learned on the validation questions.
    history_ : dict
        Loss per epoch, and the epoch kept.

    References
    ----------
    Zhang, Zhan and Ye, "Capability Instruction Tuning: A New Paradigm for Dynamic LLM Routing",
    AAAI 2025.
    """

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
        loss: str = "pointwise",
        epochs: int = 4,
        learning_rate: float = 0.1,
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
        self.loss = loss
        self.epochs = epochs
        self.learning_rate = learning_rate
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
        self.random_state = random_state
        self.progress = progress

    # Overridden hooks -------------------------------------------------------------------------

    def _fit(self, table: RoutingTable) -> None:
        self._check_parameters()
        test = AptitudeTest.build(table, self.n_tasks, self.n_shots, self.random_state)
        self.aptitude_test_ = test.to_dict()
        self.profiles_ = test.profiles(table)
        self.encoder_ = clone(self.encoder).fit(list(table.questions))
        self.capability_state_ = self._capability_encoder().fit(self.profiles_)
        self._log_what_is_read()
        training, validation = self._split(table)
        history = self._train(training, validation)
        self.history_ = {
            "train": history.train,
            "validation": history.validation,
            "best_epoch": history.best_epoch,
        }

    def _predict_scores(self, questions: list[str]) -> FloatArray:
        import torch

        network = self._network()
        network.load_weights(self.connector_)
        # Llms of equal profile are one llm to the network: they tie exactly, and neither the
        # order nor the number of copies of an llm can touch the others.
        vectors, index = np.unique(self._capability(), axis=0, return_inverse=True)
        capability = torch.from_numpy(vectors).to(network.lm.device)
        logits = np.empty((len(questions), len(vectors)))
        with torch.no_grad():
            for row, question in enumerate(questions):
                # one by one: in 16 bits a logit depends on the shape of its batch
                prefix = network.prefix(question)
                logits[row] = network([prefix], capability)[0].cpu().numpy()
        slope, intercept = self.calibration_
        return _sigmoid(slope * (logits[:, index.ravel()] + self._prior()) + intercept)

    def _admit(self, llm: str, outcomes: RoutingTable) -> None:
        test = AptitudeTest(**self.aptitude_test_)
        taken = int(test.coverage(outcomes)[0])
        if taken < _MIN_COVERAGE * test.n_questions:
            raise ValueError(
                f"admit: {llm!r} must have taken at least {_MIN_COVERAGE:.0%} of the "
                f"{test.n_questions} questions of the aptitude test, got {taken}. Their ids are "
                "in 'aptitude_test_[\"tasks\"]'."
            )
        self.profiles_ = np.concatenate([self.profiles_, test.profiles(outcomes)])

    # Steps of fitting -------------------------------------------------------------------------

    def _check_parameters(self) -> None:
        from routers.model_sat.network import ORDERS, READOUTS
        from routers.model_sat.training import LOSSES

        choices = {
            "capability": capability_module.MODES,
            "order": ORDERS,
            "readout": READOUTS,
            "loss": tuple(LOSSES),
            "schedule": ("cosine", "constant"),
            "dtype": ("auto", "float32", "bfloat16", "float16"),
        }
        for name, allowed in choices.items():
            if getattr(self, name) not in allowed:
                raise ValueError(
                    f"ModelSATRouter: '{name}' must be one of {list(allowed)}, got "
                    f"{getattr(self, name)!r}."
                )
        for name in (
            "n_tasks",
            "n_shots",
            "n_soft",
            "epochs",
            "batch_size",
            "patience",
            "max_question_tokens",
        ):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 1:
                raise ValueError(f"ModelSATRouter: '{name}' must be an int >= 1, got {value!r}.")
        for name in ("validation_fraction", "warm_up"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(
                    f"ModelSATRouter: '{name}' must be in [0, 1), got {getattr(self, name)!r}."
                )

    def _split(self, table: RoutingTable) -> tuple[Examples, Examples]:
        """Return training and validation examples, the same share of every dataset."""
        from routers.model_sat.training import Examples

        rng = np.random.default_rng(self.random_state)
        held_out = np.zeros(len(table), dtype=bool)
        for name in np.unique(table.datasets.astype(str)):
            rows = np.flatnonzero(table.datasets == name)
            held_out[rng.permutation(rows)[: round(self.validation_fraction * len(rows))]] = True
        if held_out.sum() < _MIN_VALIDATION:
            held_out[:] = False
        return tuple(  # type: ignore[return-value]
            Examples(list(table.questions[rows]), table.scores[rows])
            for rows in (~held_out, held_out)
        )

    def _train(self, training: Examples, validation: Examples) -> History:
        import torch

        from routers.model_sat.training import Trainer, TrainingConfig

        generator = torch.Generator().manual_seed(self.random_state)
        network = self._network()
        config = TrainingConfig(
            loss=self.loss,
            epochs=self.epochs,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            batch_size=self.batch_size,
            schedule=self.schedule,
            warm_up=self.warm_up,
            patience=self.patience,
            prefix_cache_gb=self.prefix_cache_gb,
            progress=self.progress,
        )
        trainer = Trainer(network, self._capability(), self._prior(), config, generator)
        history = trainer.train(training, validation)
        self.connector_ = network.weights()
        self.calibration_ = np.array([1.0, 0.0])
        if history.validation_logits is not None:
            self.calibration_ = calibrate(history.validation_logits, validation.scores)
        return history

    def _log_what_is_read(self) -> None:
        if self.capability != "text":
            return
        descriptions = self.aptitude_test_["descriptions"]
        profile = complete(self.profiles_, self.capability_state_["task_means"])[0]
        read = tasks_read(self.encoder_, profile, descriptions)
        log.info("The encoder reads %d of the %d tasks of a profile", read, len(descriptions))

    # What an llm is to the network ------------------------------------------------------------

    def _capability_encoder(self) -> CapabilityEncoder:
        return CapabilityEncoder(
            self.capability, self.encoder_, self.aptitude_test_["descriptions"]
        )

    def _capability(self) -> FloatArray:
        """Return the capability vectors of the llms known, shape (m, c)."""
        return self._capability_encoder().transform(self.profiles_, self.capability_state_)

    def _prior(self) -> np.ndarray:
        """Return the log-odds of each llm's mean accuracy over tasks, shape (m,)."""
        if not self.prior:
            return np.zeros(len(self.profiles_))
        means = complete(self.profiles_, self.capability_state_["task_means"]).mean(axis=1)
        means = np.clip(means, 0.02, 0.98)
        return np.log(means / (1 - means))

    def _network(self) -> ScoringNetwork:
        from routers.model_sat.network import NetworkConfig, ScoringNetwork

        config = NetworkConfig(
            lm_path=self.lm_path,
            n_inputs=self._capability().shape[1],
            n_soft=self.n_soft,
            order=self.order,
            readout=self.readout,
            dtype=self.dtype,
            device=self.device,
            max_question_tokens=self.max_question_tokens,
        )
        return ScoringNetwork(config)


def calibrate(logits: FloatArray, scores: FloatArray, strength: float = 1.0) -> np.ndarray:
    """Fit ``sigmoid(slope * logit + intercept)`` to held-out scores (Platt scaling).

    Parameters
    ----------
    logits, scores : ndarray of shape (n, m)
        Scores in [0, 1], NaN where not observed.
    strength : float, default=1.0
        Of the pull towards slope 1 and intercept 0, in units of outcomes.

    Returns
    -------
    ndarray of shape (2,)
        Slope (at least 0.01: calibrating never reverses a ranking) and intercept.

    References
    ----------
    Platt, "Probabilistic Outputs for Support Vector Machines", 1999.
    """
    observed = ~np.isnan(scores)
    x = np.stack([logits[observed], np.ones(observed.sum())], axis=1).astype(np.float64)
    y = scores[observed].astype(np.float64)
    start = np.array([1.0, 0.0])
    theta = start.copy()
    for _ in range(50):  # Newton's method
        p = _sigmoid(x @ theta)
        gradient = x.T @ (p - y) + strength * (theta - start)
        hessian = (x * (p * (1 - p))[:, None]).T @ x + strength * np.eye(2)
        step = np.linalg.solve(hessian, gradient)
        theta -= np.clip(step, -1, 1)
        if np.abs(step).max() < 1e-8:
            break
    return np.array([max(theta[0], 0.01), theta[1]])


def _sigmoid(logits: FloatArray) -> FloatArray:
    return 1 / (1 + np.exp(-np.clip(logits, -60, 60)))
