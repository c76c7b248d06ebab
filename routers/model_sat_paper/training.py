"""Training of Model-SAT: the connector learns (stage 1), then LM and connector (stage 2).

References
----------
* Zhang, Zhan and Ye, "Capability Instruction Tuning" (Model-SAT), AAAI 2025: two stages, in the
  second a smaller learning rate for the LM.
* Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models", ICLR 2022.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from routers._training import learning_rate_schedule
from routers.model_sat_paper.calibration import average_views
from routers.model_sat_paper.checkpoints import Checkpoint
from routers.model_sat_paper.losses import outcome_weights, total_loss
from routers.model_sat_paper.network import ScoringNetwork
from routers.model_sat_paper.prefixes import PrefixStore
from routers.table import FloatArray

log = logging.getLogger(__name__)

_MAX_GRADIENT = 1.0


@dataclass(frozen=True)
class TrainingConfig:
    """How the network is trained.

    Parameters
    ----------
    loss : {"pointwise", "question_groups", "llm_groups", "both_groups"}
    group_size : int or None
        Of the group losses, see :func:`routers.model_sat_paper.losses.group_loss`.
    llm_weight, question_weight : float
        See :func:`routers.model_sat_paper.losses.outcome_weights`.
    epochs : int
        Largest number of passes over the training questions in stage 1: the LM is frozen.
    stage2_epochs : int
        The same in stage 2: LM and connector learn. 0 for no such stage.
    learning_rate : float
        Peak of the connector's schedule, in either stage.
    lm_learning_rate : float
        Peak of the LM's.
    weight_decay : float
    batch_size : int
        Questions per step.
    llms_per_step : int
        Of more llms, so many are drawn at each step.
    schedule : {"cosine", "constant"}
        After the warm-up, in each stage.
    warm_up : float
        Share of the steps of a stage in which the learning rate rises.
    patience : int
        Epochs without a better validation loss after which a stage stops.
    """

    loss: str = "pointwise"
    group_size: int | None = None
    llm_weight: float = 0.0
    question_weight: float = 0.0
    epochs: int = 4
    stage2_epochs: int = 0
    learning_rate: float = 0.1
    lm_learning_rate: float = 2e-4
    weight_decay: float = 0.0
    batch_size: int = 8
    llms_per_step: int = 16
    schedule: str = "cosine"
    warm_up: float = 0.1
    patience: int = 3


@dataclass(frozen=True)
class Examples:
    """Questions, llms, and what each llm scored on each question.

    Parameters
    ----------
    questions : sequence of str, length n
    scores : ndarray of shape (n, m)
        In [0, 1], NaN where not observed.
    capability : ndarray of shape (v, m, c)
        Capability vector of each llm, in v views of its profile.
    prior : ndarray of shape (m,)
        Added to the network's logits.
    """

    questions: Sequence[str]
    scores: FloatArray
    capability: FloatArray
    prior: FloatArray


@dataclass
class History:
    """What happened in training.

    Attributes
    ----------
    train, validation : list of float
        Mean loss per epoch, stage 2 after stage 1; no entry for validation where there are no such
        questions.
    stage1_epochs : int
        Epochs of stage 1, once there is a stage 2; 0 until then.
    best_epoch : int
        The epoch whose weights were kept, counted from 1.
    validation_logits : ndarray of shape (n, m) or None
        Of the validation questions, by the weights that were kept.
    """

    train: list[float] = field(default_factory=list)
    validation: list[float] = field(default_factory=list)
    stage1_epochs: int = 0
    best_epoch: int = 0
    validation_logits: FloatArray | None = None


class Trainer:
    """Trains a network in place.

    Parameters
    ----------
    network : ScoringNetwork
        Fresh.
    config : TrainingConfig
    seed : int
        Of the order of questions, of all other draws, and of the first weights of adapters.
    checkpoint : Checkpoint
        Where an interrupted training goes on.
    progress : bool, default=False
        Show a progress bar.
    """

    def __init__(
        self,
        network: ScoringNetwork,
        config: TrainingConfig,
        seed: int,
        checkpoint: Checkpoint,
        progress: bool = False,
    ):
        self.network, self.config, self.seed = network, config, seed
        self.checkpoint, self.progress = checkpoint, progress
        self.generator = torch.Generator().manual_seed(seed)
        self.history, self.best = History(), network.weights()

    def train(self, training: Examples, validation: Examples, prefix_cache_gb: float) -> History:
        """Train; the weights of the epoch with the best validation loss are kept.

        Parameters
        ----------
        training, validation : Examples
            Of the same llms or of others. Without validation questions all epochs run and the last
            one's weights are kept.
        prefix_cache_gb : float
            Memory that prefixes may hold; those that do not fit are computed again when needed.

        Returns
        -------
        History
        """
        texts = [*training.questions, *validation.questions]
        store = PrefixStore(self.network, texts, prefix_cache_gb * 2**30)
        saved = self.checkpoint.load()
        for stage, n_epochs in enumerate((self.config.epochs, self.config.stage2_epochs), start=1):
            if n_epochs and (saved is None or saved["stage"] <= stage):
                self._stage(stage, n_epochs, training, validation, store, saved)
                saved = None
        self.network.load_weights(self.best)
        return self.history

    def _stage(
        self,
        stage: int,
        n_epochs: int,
        training: Examples,
        validation: Examples,
        store: PrefixStore,
        saved: dict[str, Any] | None,
    ) -> None:
        """Run the epochs of a stage, from the one after the saved state if there is any."""
        if stage == 2:
            self.network.load_weights(self.best)
            self.network.adapt(self.seed)
            self.best = self.network.weights()
            self.history.stage1_epochs = len(self.history.train)
        optimizer, scheduler = self._optimizer(n_epochs, len(training.questions))
        done = self._restore(saved, optimizer, scheduler) if saved else 0
        for epoch in range(done + 1, n_epochs + 1):
            if self._stalls():
                break
            mean_loss = self._epoch(training, store, optimizer, scheduler)
            self.history.train.append(mean_loss)
            self._judge(validation, store, first=len(training.questions))
            log.info("Stage %d, epoch %d: loss %s", stage, epoch, _last(self.history))
            self.checkpoint.save(self._state(stage, epoch, optimizer, scheduler))

    def _optimizer(
        self, n_epochs: int, n_questions: int
    ) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LambdaLR]:
        config, adapters = self.config, list(self.network.lora.values())
        others = [p for n, p in self.network.named_parameters() if not n.startswith("lora.")]
        groups = [{"params": others, "lr": config.learning_rate}]
        if adapters:
            groups.append({"params": adapters, "lr": config.lm_learning_rate})
        optimizer = torch.optim.AdamW(groups, weight_decay=config.weight_decay)
        n_steps = n_epochs * math.ceil(n_questions / config.batch_size)
        schedule = learning_rate_schedule(config.schedule, config.warm_up, n_steps)
        return optimizer, torch.optim.lr_scheduler.LambdaLR(optimizer, schedule)

    def _stalls(self) -> bool:
        history = self.history
        since = len(history.train) - max(history.best_epoch, history.stage1_epochs)
        return since >= self.config.patience

    def _judge(self, validation: Examples, store: PrefixStore, first: int) -> None:
        """Keep the weights if they are the best so far on the validation questions."""
        history = self.history
        if len(validation.questions):
            rows = range(first, first + len(validation.questions))
            logits = self.logits(validation, store, rows)
            scores = torch.tensor(validation.scores)
            loss = total_loss(self.config.loss, torch.from_numpy(logits), scores)
            history.validation.append(float(loss))
            if loss > min(history.validation):
                return
            history.validation_logits = logits
        history.best_epoch, self.best = len(history.train), self.network.weights()

    def logits(self, examples: Examples, store: PrefixStore, rows: Sequence[int]) -> FloatArray:
        """Return logits with prior (len(rows), m), views averaged, without gradient."""
        with torch.no_grad():
            batches = [
                torch.stack(
                    [self._logits(examples, store, batch, view) for view in self._views(examples)]
                )
                for batch in self._batches(list(rows))
            ]
        return average_views(torch.cat(batches, dim=1).cpu().numpy())

    @staticmethod
    def _views(examples: Examples) -> range:
        return range(len(examples.capability))

    def _logits(
        self,
        examples: Examples,
        store: PrefixStore,
        rows: Sequence[int],
        view: int,
        llms: np.ndarray | slice = slice(None),
    ) -> Tensor:
        capability, prior = (
            torch.from_numpy(np.asarray(part[llms], dtype=np.float32)).to(self.network.lm.device)
            for part in (examples.capability[view], examples.prior)
        )
        return self.network(store.get(rows), capability) + prior

    def _epoch(
        self,
        examples: Examples,
        store: PrefixStore,
        optimizer: torch.optim.Optimizer,
        scheduler: torch.optim.lr_scheduler.LRScheduler,
    ) -> float:
        """Pass over the training questions once; return the mean loss."""
        config, scores = self.config, examples.scores
        weights = outcome_weights(scores, config.llm_weight, config.question_weight)
        order = torch.randperm(len(scores), generator=self.generator).tolist()
        total = 0.0
        for rows in self._batches(order, "epoch"):
            view, llms = self._draw(len(examples.capability)), self._draw_llms(scores.shape[1])
            logits = self._logits(examples, store, rows, view, llms)
            device = logits.device
            loss = total_loss(
                config.loss,
                logits,
                torch.from_numpy(scores[rows][:, llms]).to(device),
                torch.from_numpy(weights[rows][:, llms]).to(device),
                config.group_size,
                self.generator,
            )
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), _MAX_GRADIENT)
            optimizer.step()
            scheduler.step()
            total += loss.item() * len(rows)
        return total / len(scores)

    def _draw(self, n: int) -> int:
        """Draw one of n; nothing is drawn where there is no choice."""
        return 0 if n == 1 else int(torch.randint(n, (), generator=self.generator))

    def _draw_llms(self, m: int) -> np.ndarray | slice:
        """Draw the llms of a step, in their order."""
        if m <= self.config.llms_per_step:
            return slice(None)
        drawn = torch.randperm(m, generator=self.generator)[: self.config.llms_per_step]
        return np.sort(drawn.numpy())

    def _batches(self, rows: list[int], name: str = "") -> Iterator[list[int]]:
        size = self.config.batch_size
        batches = [rows[start : start + size] for start in range(0, len(rows), size)]
        if name and self.progress:
            from tqdm import tqdm

            return iter(tqdm(batches, desc=name, leave=False))
        return iter(batches)

    # What a checkpoint holds ------------------------------------------------------------------

    def _state(
        self,
        stage: int,
        epoch: int,
        optimizer: torch.optim.Optimizer,
        scheduler: torch.optim.lr_scheduler.LRScheduler,
    ) -> dict[str, Any]:
        history = dict(vars(self.history))
        if history["validation_logits"] is not None:
            history["validation_logits"] = torch.from_numpy(history["validation_logits"])
        return {
            "stage": stage,
            "epoch": epoch,
            "network": _tensors(self.network.weights()),
            "best": _tensors(self.best),
            "optimizer": optimizer.state_dict(),
            "scheduler": scheduler.state_dict(),
            "generator": self.generator.get_state(),
            "history": history,
        }

    def _restore(
        self,
        state: dict[str, Any],
        optimizer: torch.optim.Optimizer,
        scheduler: torch.optim.lr_scheduler.LRScheduler,
    ) -> int:
        """Take over a saved state of the present stage; return the epochs done in it."""
        self.network.load_weights(_arrays(state["network"]))
        self.best = _arrays(state["best"])
        optimizer.load_state_dict(state["optimizer"])
        scheduler.load_state_dict(state["scheduler"])
        self.generator.set_state(state["generator"])
        history = dict(state["history"])
        if history["validation_logits"] is not None:
            history["validation_logits"] = history["validation_logits"].numpy()
        self.history = History(**history)
        log.info("Going on after epoch %d of stage %d", state["epoch"], state["stage"])
        return state["epoch"]


def _tensors(weights: dict[str, np.ndarray]) -> dict[str, Tensor]:
    return {name: torch.from_numpy(value) for name, value in weights.items()}


def _arrays(weights: dict[str, Tensor]) -> dict[str, np.ndarray]:
    return {name: value.numpy() for name, value in weights.items()}


def _last(history: History) -> str:
    return ", ".join(f"{part[-1]:.4f}" for part in (history.train, history.validation) if part)
