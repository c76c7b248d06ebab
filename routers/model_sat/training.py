"""How the network learns: steps of a few questions and llms, towards expectations by kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from routers._training import learning_rate_schedule
from routers.batching import batches_by_length
from routers.model_sat.checkpoint import Checkpoint
from routers.model_sat.language_model import Reading
from routers.model_sat.lessons import Lessons, Teaching, steps_for
from routers.model_sat.network import Memory, ModelSATNetwork, side_by_side
from routers.model_sat_paper.losses import total_loss
from routers.table import FloatArray

_MAX_GRADIENT = 1.0
_WARM_UP = 0.1  # share of the steps in which the rates rise; they then fall along a cosine
_READOUT_RATE = 0.02  # of gain, shift and taste
_START_QUESTIONS = 16
_FEWEST = 10

Read = Callable[[np.ndarray], list[Reading]]  # of questions, by position


def train(
    network: ModelSATNetwork,
    read: Read,
    lessons: Lessons,
    teaching: Teaching,
    seed: int,
    checkpoint: Checkpoint | None = None,
) -> list[float]:
    """Train a network in place.

    What a step draws depends on the seed and on its number only: a training that was
    interrupted and resumed is the same as one that was not.

    Parameters
    ----------
    network : ModelSATNetwork
    read : callable
    lessons : Lessons
    teaching : Teaching
    seed : int
    checkpoint : Checkpoint, optional
        Where the state is kept now and then, and taken up.

    Returns
    -------
    list of float
        The loss of every step.
    """
    _center(network, read, lessons, seed)
    optimizer = torch.optim.AdamW(_rates(network, teaching), betas=(0.9, 0.95), weight_decay=0.0)
    n_steps = teaching.n_steps or steps_for(lessons.targets, teaching.steps_per_kind)
    schedule = learning_rate_schedule("cosine", _WARM_UP, n_steps)
    chance = _question_chances(lessons.datasets)
    losses = checkpoint.resume(network, optimizer) if checkpoint else []
    for step in range(len(losses), n_steps):
        rng = np.random.default_rng([seed, step])
        rows = _draw(rng, chance, teaching.n_questions)
        llms = _draw(rng, lessons.draw, teaching.n_llms)
        _set_rates(optimizer, schedule(step))
        optimizer.zero_grad()
        memory = side_by_side(read(rows), network.lm)
        memory = hide_tokens(memory, teaching.token_dropout, rng)
        loss = _loss(network, memory, lessons, rows, llms, teaching)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), _MAX_GRADIENT)
        optimizer.step()
        losses.append(float(loss.detach()))
        if checkpoint:
            checkpoint.keep(network, optimizer, losses)
    return losses


@torch.no_grad()
def logits(
    network: ModelSATNetwork,
    read: Read,
    lengths: np.ndarray,
    capability: FloatArray,
    tokens_at_a_time: int = 4096,
) -> FloatArray:
    """Return what a network says of every question and llm.

    Parameters
    ----------
    network : ModelSATNetwork
    read : callable
    lengths : ndarray of int, shape (n,)
        Of the questions, in characters: those of alike length are sent together.
    capability : ndarray of shape (m, c)
    tokens_at_a_time : int, default=4096
        Soft tokens sent together, about.

    Returns
    -------
    ndarray of shape (n, m)
    """
    vectors = torch.as_tensor(capability, device=network.lm.device)
    found = np.empty((len(lengths), len(vectors)))
    at_a_time = max(1, tokens_at_a_time // max(1, len(vectors)))
    for rows in batches_by_length(lengths.tolist(), max_size=min(16, at_a_time)):
        memory = side_by_side(read(rows), network.lm)
        parts = [network(memory, part) for part in vectors.split(512)]
        found[rows] = torch.cat(parts, dim=1).cpu().numpy()
    return found


def _loss(
    network: ModelSATNetwork,
    memory: Memory,
    lessons: Lessons,
    rows: np.ndarray,
    llms: np.ndarray,
    teaching: Teaching,
) -> Tensor:
    device = network.lm.device
    capability = torch.as_tensor(lessons.capability[llms], device=device)
    prior = torch.as_tensor(lessons.prior[llms], dtype=torch.float32, device=device)
    wanted = torch.as_tensor(
        lessons.targets[np.ix_(rows, llms)], dtype=torch.float32, device=device
    )
    said = network(memory, capability) + prior
    loss = total_loss(teaching.loss, said, wanted)
    if teaching.contrast:
        loss = loss + teaching.contrast * contrast_loss(torch.sigmoid(said), wanted)
    return loss


def hide_tokens(memory: Memory, share: float, rng: np.random.Generator) -> Memory:
    """Hide a random share of each question's tokens, all but its first, from soft tokens.

    Parameters
    ----------
    memory : Memory of b questions of at most p tokens
    share : float
        In [0, 1).
    rng : numpy Generator
        Draws which, (b, p) numbers.
    """
    if not share:
        return memory
    b, p = memory.padding.shape[0], memory.padding.shape[-1]
    hidden = rng.random((b, p)) < share
    hidden[:, 0] = False  # attention rests on the first token where nothing else is of interest
    mask = torch.from_numpy(hidden).to(memory.padding.device)[:, None, None]
    return replace(memory, padding=memory.padding.masked_fill(mask, -torch.inf))


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


def _rates(network: ModelSATNetwork, teaching: Teaching) -> list[dict]:
    groups = [
        ([network.weight, network.bias], teaching.learning_rate),
        (list(network.lora.parameters()), teaching.lora_learning_rate),
        ([network.gain, network.shift, network.taste], _READOUT_RATE),
    ]
    return [{"params": params, "lr": rate, "top": rate} for params, rate in groups if params]


def _set_rates(optimizer: torch.optim.Optimizer, share: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = share * group["top"]


@torch.no_grad()
def _center(network: ModelSATNetwork, read: Read, lessons: Lessons, seed: int) -> None:
    """Shift the logits so that those of some training questions have mean 0."""
    rng = np.random.default_rng(seed)
    few = _draw(rng, np.ones(len(lessons.datasets)), _START_QUESTIONS)
    none = torch.zeros(1, lessons.capability.shape[1], device=network.lm.device)
    network.shift.sub_(network(side_by_side(read(few), network.lm), none).mean())
