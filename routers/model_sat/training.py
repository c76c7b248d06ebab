"""Stage 1 of Model-SAT: the connector learns, the LM does not.

References
----------
* Zhang, Zhan and Ye, "Capability Instruction Tuning" (Model-SAT), AAAI 2025: two stages; the
  InfoNCE loss over questions of one llm (:func:`group_loss` with ``dim=0``).
* van den Oord, Li and Vinyals, "Representation Learning with Contrastive Predictive Coding", 2018.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from routers.model_sat.network import Prefix, ScoringNetwork
from routers.table import FloatArray

log = logging.getLogger(__name__)

_MAX_GRADIENT = 1.0


@dataclass(frozen=True)
class TrainingConfig:
    """How the connector is trained.

    Parameters
    ----------
    loss : {"pointwise", "question_groups", "llm_groups", "both_groups"}
    epochs : int
        Largest number of passes over the training questions.
    learning_rate : float
        Peak of the schedule.
    weight_decay : float
    batch_size : int
        Questions per step; each comes with all llms.
    schedule : {"cosine", "constant"}
        After the warm-up.
    warm_up : float
        Share of the steps in which the learning rate rises.
    patience : int
        Epochs without a better validation loss after which training stops.
    prefix_cache_gb : float
        Memory that prefixes may hold; those that do not fit are computed again when needed.
    progress : bool
        Show a progress bar.
    """

    loss: str = "pointwise"
    epochs: int = 4
    learning_rate: float = 0.1
    weight_decay: float = 0.0
    batch_size: int = 8
    schedule: str = "cosine"
    warm_up: float = 0.1
    patience: int = 3
    prefix_cache_gb: float = 2.5
    progress: bool = False


@dataclass(frozen=True)
class Examples:
    """Questions with what each llm scored on them.

    Parameters
    ----------
    questions : sequence of str, length n
    scores : ndarray of shape (n, m)
        In [0, 1], NaN where not observed.
    """

    questions: Sequence[str]
    scores: FloatArray

    def rows(self, index: np.ndarray) -> Examples:
        """Return some of the examples."""
        return Examples([self.questions[i] for i in index], self.scores[index])


@dataclass
class History:
    """What happened in training.

    Attributes
    ----------
    train, validation : list of float
        Mean loss per epoch; no entry for validation where there are no such questions.
    best_epoch : int
        The epoch whose weights were kept, counted from 1.
    validation_logits : ndarray of shape (n, m) or None
        Of the validation questions, by the weights that were kept.
    """

    train: list[float] = field(default_factory=list)
    validation: list[float] = field(default_factory=list)
    best_epoch: int = 0
    validation_logits: FloatArray | None = None


@lru_cache(maxsize=1)
def _kept_prefixes(key: Hashable) -> dict[str, Prefix]:
    """Return the prefixes kept for one LM and prompt, by question: empty at first.

    A prefix depends on neither the llms nor the connector, so that the folds and seeds of a sweep
    compute it once between them.
    """
    return {}


class PrefixStore:
    """Prefixes of questions, each computed when first needed and kept while memory lasts.

    Kept in 16 bits: on a machine whose LM runs in 32 bits this halves the memory and moves the
    logits by less than the noise of training.

    Parameters
    ----------
    network : ScoringNetwork
    questions : sequence of str
    budget : float
        Bytes.
    """

    def __init__(self, network: ScoringNetwork, questions: Sequence[str], budget: float):
        self.network, self.questions = network, questions
        self._kept = _kept_prefixes(network.prefix_key)
        self.left = budget - sum(prefix.n_bytes for prefix in self._kept.values())

    def get(self, rows: Sequence[int]) -> list[Prefix]:
        """Return the prefixes of some questions."""
        wanted = [self.questions[row] for row in rows]
        return [self._kept.get(question) or self._compute(question) for question in wanted]

    def _compute(self, question: str) -> Prefix:
        prefix = self.network.prefix(question)
        if prefix.states.dtype == torch.float32:
            prefix = Prefix(prefix.length, prefix.states.half())
        if prefix.n_bytes <= self.left:
            self.left -= prefix.n_bytes
            self._kept[question] = prefix
        return prefix


class Trainer:
    """Trains the connector of a network in place.

    Parameters
    ----------
    network : ScoringNetwork
    capability : ndarray of shape (m, c)
        Capability vector of each llm.
    prior : ndarray of shape (m,)
        Added to the network's logits.
    config : TrainingConfig
    generator : torch.Generator
        Of the order of questions.
    """

    def __init__(
        self,
        network: ScoringNetwork,
        capability: FloatArray,
        prior: FloatArray,
        config: TrainingConfig,
        generator: torch.Generator,
    ):
        device = network.lm.device
        self.network, self.config, self.generator = network, config, generator
        self.capability = torch.from_numpy(capability).to(device)
        self.prior = torch.from_numpy(np.asarray(prior, dtype=np.float32)).to(device)
        self.loss = LOSSES[config.loss]
        self.optimizer = torch.optim.AdamW(
            network.parameters(),
            lr=config.learning_rate,
            weight_decay=config.weight_decay,
        )

    def train(self, training: Examples, validation: Examples) -> History:
        """Train; the weights of the epoch with the best validation loss are kept.

        Parameters
        ----------
        training, validation : Examples
            Without validation questions all epochs run and the last one's weights are kept.

        Returns
        -------
        History
        """
        config, n = self.config, len(training.questions)
        store = PrefixStore(
            self.network,
            [*training.questions, *validation.questions],
            config.prefix_cache_gb * 2**30,
        )
        n_steps = config.epochs * math.ceil(n / config.batch_size)
        schedule = learning_rate_schedule(config.schedule, config.warm_up, n_steps)
        scheduler = torch.optim.lr_scheduler.LambdaLR(self.optimizer, schedule)
        history, best = History(), self.network.weights()
        for epoch in range(1, config.epochs + 1):
            history.train.append(self._epoch(training.scores, store, scheduler, epoch))
            if len(validation.questions):
                logits = self.logits(store, range(n, n + len(validation.questions)))
                loss = self.loss(torch.from_numpy(logits), torch.from_numpy(validation.scores))
                history.validation.append(float(loss))
                if loss <= min(history.validation):
                    history.best_epoch, best = epoch, self.network.weights()
                    history.validation_logits = logits
            else:
                history.best_epoch, best = epoch, self.network.weights()
            log.info("Epoch %d: loss %s", epoch, _last(history))
            if epoch - history.best_epoch >= config.patience:
                break
        self.network.load_weights(best)
        return history

    def logits(self, store: PrefixStore, rows: Sequence[int]) -> FloatArray:
        """Return logits with prior (len(rows), m), without gradient."""
        with torch.no_grad():
            batches = [self._logits(store, batch) for batch in self._batches(list(rows))]
        return torch.cat(batches).cpu().numpy()

    def _logits(self, store: PrefixStore, rows: Sequence[int]) -> Tensor:
        return self.network(store.get(rows), self.capability) + self.prior

    def _epoch(
        self,
        scores: FloatArray,
        store: PrefixStore,
        scheduler: torch.optim.lr_scheduler.LRScheduler,
        epoch: int,
    ) -> float:
        """Pass over the training questions once; return the mean loss."""
        order = torch.randperm(len(scores), generator=self.generator).tolist()
        total = 0.0
        for rows in self._batches(order, f"epoch {epoch}"):
            logits = self._logits(store, rows)
            loss = self.loss(logits, torch.from_numpy(scores[rows]).to(logits.device))
            self.optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), _MAX_GRADIENT)
            self.optimizer.step()
            scheduler.step()
            total += loss.item() * len(rows)
        return total / len(scores)

    def _batches(self, rows: list[int], name: str = "") -> Iterator[list[int]]:
        size = self.config.batch_size
        batches = [rows[start : start + size] for start in range(0, len(rows), size)]
        if name and self.config.progress:
            from tqdm import tqdm

            return iter(tqdm(batches, desc=name, leave=False))
        return iter(batches)


def pointwise(logits: Tensor, scores: Tensor, positive_weight: Tensor | None = None) -> Tensor:
    """Mean binary cross-entropy of the observed scores, which need not be 0 or 1.

    Parameters
    ----------
    logits, scores : Tensor of shape (b, m)
        Scores in [0, 1], NaN where not observed.
    positive_weight : Tensor of shape (m,), optional
        How much a right answer of each llm counts against a wrong one; 1 if not given.

    Returns
    -------
    Tensor of shape ()
    """
    observed = ~scores.isnan()
    losses = torch.nn.functional.binary_cross_entropy_with_logits(
        logits, scores.nan_to_num(), reduction="none", pos_weight=positive_weight
    )
    return (losses * observed).sum() / observed.sum().clamp(min=1)


def group_loss(logits: Tensor, scores: Tensor, dim: int) -> Tensor:
    """InfoNCE over the groups along one dimension, every positive against all its negatives.

    A score y counts as a positive of weight y and as a negative of weight 1 - y, so that for
    scores of 0 and 1 each positive i of a group pays
    ``-log exp(z_i) / (exp(z_i) + sum over negatives j of exp(z_j))``.

    Parameters
    ----------
    logits, scores : Tensor of shape (b, m)
        Scores in [0, 1], NaN where not observed.
    dim : {0, 1}
        0: a group is the batch's questions for one llm (the paper's; blind to any offset of an
        llm). 1: a group is the zoo for one question.

    Returns
    -------
    Tensor of shape ()
        Mean over positives; 0 if there are none.
    """
    observed = ~scores.isnan()
    positive = torch.where(observed, scores.nan_to_num(), 0.0)
    negative = torch.where(observed, 1 - scores.nan_to_num(), 0.0)
    # the logarithm of a weight of 0 is kept finite: its gradient would be NaN
    against = torch.logsumexp(logits + negative.clamp(min=1e-12).log(), dim, keepdim=True)
    losses = torch.nn.functional.softplus(against - logits)
    return (losses * positive).sum() / positive.sum().clamp(min=1e-6)


LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "pointwise": pointwise,
    "question_groups": lambda logits, scores: group_loss(logits, scores, dim=1),
    "llm_groups": lambda logits, scores: group_loss(logits, scores, dim=0),
    "both_groups": lambda logits, scores: (
        group_loss(logits, scores, dim=0) + group_loss(logits, scores, dim=1)
    ),
}


def learning_rate_schedule(kind: str, warm_up: float, n_steps: int) -> Callable[[int], float]:
    """Return step -> share of the peak learning rate: a linear rise, then a cosine or a plateau."""
    rise = max(1, round(warm_up * n_steps))

    def share(step: int) -> float:
        if step < rise:
            return (step + 1) / rise
        if kind == "constant":
            return 1.0
        return 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1, n_steps - rise)))

    return share


def _last(history: History) -> str:
    return ", ".join(f"{part[-1]:.4f}" for part in (history.train, history.validation) if part)
