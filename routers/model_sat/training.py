"""How the network learns: steps of a few questions and llms, towards expectations by kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from routers._training import learning_rate_schedule, pointwise
from routers.batching import batches_by_length
from routers.model_sat.language_model import Reading
from routers.model_sat.network import ModelSATNetwork, side_by_side
from routers.table import FloatArray

_MAX_GRADIENT = 1.0
_START_QUESTIONS = 16
_FEWEST = 10

Read = Callable[[np.ndarray], list[Reading]]  # of questions, by position


@dataclass(frozen=True)
class Plan:
    """How long and in which steps to train.

    Parameters
    ----------
    n_steps, n_questions, n_llms : int
        Steps, and what is drawn for each.
    learning_rate, lora_learning_rate, readout_learning_rate : float
        Of the connector, in units of the LM's states; of the adapters; of gain, shift and taste.
    contrast : float
        Weight of the loss of contrasts.
    warm_up : float
        Share of the steps in which the rates rise; they then fall along a cosine.
    random_state : int
    """

    n_steps: int = 300
    n_questions: int = 16
    n_llms: int = 8
    learning_rate: float = 0.03
    lora_learning_rate: float = 5e-3
    readout_learning_rate: float = 0.02
    contrast: float = 4.0
    warm_up: float = 0.1
    random_state: int = 0


@dataclass(frozen=True)
class Lessons:
    """What is taught.

    Parameters
    ----------
    datasets : ndarray of str, shape (n,)
    targets : ndarray of shape (n, m)
        In [0, 1]; NaN where there is nothing to learn.
    capability : ndarray of shape (m, c)
    prior : ndarray of shape (m,)
        Added to an llm's logits.
    draw : ndarray of shape (m,)
        How often an llm is drawn, relative to others.
    """

    datasets: np.ndarray
    targets: FloatArray
    capability: FloatArray
    prior: np.ndarray
    draw: np.ndarray


def train(network: ModelSATNetwork, read: Read, lessons: Lessons, plan: Plan) -> list[float]:
    """Train a network in place; return the loss of every step."""
    rng = np.random.default_rng(plan.random_state)
    _center(network, read, lessons, rng)
    optimizer = torch.optim.AdamW(_rates(network, plan), betas=(0.9, 0.95), weight_decay=0.0)
    schedule = learning_rate_schedule("cosine", plan.warm_up, plan.n_steps)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, schedule)
    chance = _question_chances(lessons.datasets)
    losses = []
    for _ in range(plan.n_steps):
        rows = _draw(rng, chance, plan.n_questions)
        llms = _draw(rng, lessons.draw, plan.n_llms)
        optimizer.zero_grad()
        loss = _loss(network, read(rows), lessons, rows, llms, plan.contrast)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), _MAX_GRADIENT)
        optimizer.step()
        scheduler.step()
        losses.append(float(loss.detach()))
    return losses


@torch.no_grad()
def logits(
    network: ModelSATNetwork, readings: Callable[[np.ndarray], list[Reading]], lengths: np.ndarray,
    capability: FloatArray, tokens_at_a_time: int = 4096,
) -> FloatArray:
    """Return the network's logits (n, m); ``lengths`` (n,) are the questions', in characters."""
    vectors = torch.as_tensor(capability, device=network.lm.device)
    found = np.empty((len(lengths), len(vectors)))
    at_a_time = max(1, tokens_at_a_time // max(1, len(vectors)))
    for rows in batches_by_length(lengths.tolist(), max_size=min(16, at_a_time)):
        memory = side_by_side(readings(rows), network.lm)
        parts = [network(memory, part) for part in vectors.split(512)]
        found[rows] = torch.cat(parts, dim=1).cpu().numpy()
    return found


def _loss(
    network: ModelSATNetwork,
    readings: list[Reading],
    lessons: Lessons,
    rows: np.ndarray,
    llms: np.ndarray,
    contrast: float,
) -> Tensor:
    device = network.lm.device
    capability = torch.as_tensor(lessons.capability[llms], device=device)
    prior = torch.as_tensor(lessons.prior[llms], dtype=torch.float32, device=device)
    wanted = torch.as_tensor(
        lessons.targets[np.ix_(rows, llms)], dtype=torch.float32, device=device
    )
    said = network(side_by_side(readings, network.lm), capability) + prior
    loss = pointwise(said, wanted)
    if contrast:
        loss = loss + contrast * contrast_loss(torch.sigmoid(said), wanted)
    return loss


def contrast_loss(predicted: Tensor, wanted: Tensor) -> Tensor:
    """Mean squared error of how far each llm lies above the others on the same question.

    Parameters
    ----------
    predicted, wanted : Tensor of shape (b, m)
        ``wanted`` NaN where there is nothing to learn.
    """
    known = ~wanted.isnan()
    error = torch.where(known, predicted - wanted.nan_to_num(), 0.0)
    count = known.sum(dim=1, keepdim=True).clamp(min=1)
    error = torch.where(known, error - error.sum(dim=1, keepdim=True) / count, 0.0)
    return error.square().sum() / known.sum().clamp(min=1)


def _question_chances(datasets: np.ndarray) -> np.ndarray:
    """Draw from all datasets alike, for each counts the same in the headline; from tiny ones less.

    A question of a dataset of fewer than ten would be drawn again and again.
    """
    _, of_dataset, size = np.unique(datasets, return_inverse=True, return_counts=True)
    return 1 / np.maximum(size[of_dataset], _FEWEST)


def _draw(rng: np.random.Generator, weights: np.ndarray, size: int) -> np.ndarray:
    size = min(size, int((weights > 0).sum()))
    return rng.choice(len(weights), size, replace=False, p=weights / weights.sum())


def _rates(network: ModelSATNetwork, plan: Plan) -> list[dict]:
    groups = [
        ([network.weight, network.bias], plan.learning_rate),
        (list(network.lora.parameters()), plan.lora_learning_rate),
        ([network.gain, network.shift, network.taste], plan.readout_learning_rate),
    ]
    return [{"params": params, "lr": rate} for params, rate in groups if params]


@torch.no_grad()
def _center(
    network: ModelSATNetwork, read: Read, lessons: Lessons, rng: np.random.Generator
) -> None:
    """Shift the logits so that those of some training questions have mean 0."""
    few = _draw(rng, np.ones(len(lessons.datasets)), _START_QUESTIONS)
    none = torch.zeros(1, lessons.capability.shape[1], device=network.lm.device)
    network.shift -= network(side_by_side(read(few), network.lm), none).mean()
