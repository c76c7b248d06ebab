"""The training loop of the small networks: masked loss, early stopping on held-out questions.

Imported only by what needs torch.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from routers.table import FloatArray

# Fewer held-out questions than this say nothing: then all are trained on, for all epochs.
_MIN_VALIDATION = 8
_MAX_GRADIENT = 1.0


@dataclass(frozen=True)
class Plan:
    """How long and in which steps to train.

    Parameters
    ----------
    epochs : int
        Largest number of passes over the training questions.
    batch_size : int
    patience : int
        Epochs without a better validation loss after which training stops.
    warm_up : float
        Share of the steps in which the learning rate rises; it then falls along a cosine.
    validation_fraction : float
        Share of the training questions held out to choose the epoch.
    random_state : int
        Of the held-out questions and of the order of the others.
    """

    epochs: int
    batch_size: int
    patience: int
    warm_up: float = 0.1
    validation_fraction: float = 0.15
    random_state: int = 0


@dataclass
class History:
    """Mean validation loss per epoch, and the epoch (from 1) whose parameters were kept."""

    validation: list[float] = field(default_factory=list)
    best_epoch: int = 0


def train(
    logits: Callable[[np.ndarray], Tensor],
    optimizer: torch.optim.Optimizer,
    scores: FloatArray,
    loss: Callable[[Tensor, Tensor], Tensor],
    plan: Plan,
) -> History:
    """Train the optimizer's parameters in place; those of the best epoch are kept.

    Parameters
    ----------
    logits : callable
        Positions of b questions to logits (b, m); called with gradients on only to train.
    optimizer : torch.optim.Optimizer
    scores : ndarray of shape (n, m)
        In [0, 1], NaN where not observed.
    loss : callable
        Logits and scores (b, m) to a loss; it must ignore NaN.
    plan : Plan

    Returns
    -------
    History
    """
    rng = np.random.default_rng(plan.random_state)
    order = rng.permutation(len(scores))
    n_held_out = round(plan.validation_fraction * len(scores))
    n_held_out = n_held_out if n_held_out >= _MIN_VALIDATION else 0
    held_out, rows = np.sort(order[:n_held_out]), np.sort(order[n_held_out:])
    n_steps = plan.epochs * math.ceil(len(rows) / plan.batch_size)
    scheduler = torch.optim.lr_scheduler.LambdaLR(
        optimizer, learning_rate_schedule("cosine", plan.warm_up, n_steps)
    )
    history, best = History(), _copied(optimizer)
    for epoch in range(1, plan.epochs + 1):
        for batch in _batches(rng.permutation(rows), plan.batch_size):
            optimizer.zero_grad()
            _loss_of(logits(batch), scores[batch], loss).backward()
            torch.nn.utils.clip_grad_norm_(_parameters(optimizer), _MAX_GRADIENT)
            optimizer.step()
            scheduler.step()
        if n_held_out:
            history.validation.append(_mean_loss(logits, held_out, scores, loss, plan.batch_size))
        if not n_held_out or history.validation[-1] <= min(history.validation):
            history.best_epoch, best = epoch, _copied(optimizer)
        if epoch - history.best_epoch >= plan.patience:
            break
    with torch.no_grad():
        for parameter, value in zip(_parameters(optimizer), best, strict=True):
            parameter.copy_(value)
    return history


def _parameters(optimizer: torch.optim.Optimizer) -> list[Tensor]:
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]


def _copied(optimizer: torch.optim.Optimizer) -> list[Tensor]:
    return [parameter.detach().clone() for parameter in _parameters(optimizer)]


def _batches(rows: np.ndarray, size: int) -> list[np.ndarray]:
    return [rows[start : start + size] for start in range(0, len(rows), size)]


def _loss_of(
    logits: Tensor, scores: FloatArray, loss: Callable[[Tensor, Tensor], Tensor]
) -> Tensor:
    return loss(logits, torch.as_tensor(scores, dtype=logits.dtype, device=logits.device))


@torch.no_grad()
def _mean_loss(
    logits: Callable[[np.ndarray], Tensor],
    rows: np.ndarray,
    scores: FloatArray,
    loss: Callable[[Tensor, Tensor], Tensor],
    size: int,
) -> float:
    found = torch.cat([logits(batch) for batch in _batches(rows, size)])
    return float(_loss_of(found, scores[rows], loss))


def pointwise(
    logits: Tensor,
    scores: Tensor,
    weights: Tensor | None = None,
    positive_weight: Tensor | None = None,
) -> Tensor:
    """Mean binary cross-entropy of the observed scores, which need not be 0 or 1.

    Parameters
    ----------
    logits, scores : Tensor of shape (b, m)
        Scores in [0, 1], NaN where not observed.
    weights : Tensor of shape (b, m), optional
        Of the outcomes, at least 0.
    positive_weight : Tensor of shape (m,), optional
        How much a right answer of each llm counts against a wrong one; 1 if not given.

    Returns
    -------
    Tensor of shape ()
    """
    count = (~scores.isnan()) if weights is None else (~scores.isnan()) * weights
    losses = torch.nn.functional.binary_cross_entropy_with_logits(
        logits, scores.nan_to_num(), reduction="none", pos_weight=positive_weight
    )
    return (losses * count).sum() / (~scores.isnan()).sum().clamp(min=1)


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
