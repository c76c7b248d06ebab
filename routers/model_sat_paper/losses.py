"""What the training of Model-SAT minimises: pointwise, or over groups of questions or of llms.

References
----------
* Zhang, Zhan and Ye, "Capability Instruction Tuning" (Model-SAT), AAAI 2025: InfoNCE over
  questions of one llm (:func:`group_loss` with ``dim=0``), stronger llms weighted more.
* van den Oord, Li and Vinyals, "Representation Learning with Contrastive Predictive Coding", 2018.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from routers._targets import column_means
from routers._training import pointwise
from routers.aptitude.examination import distinguishability
from routers.table import FloatArray

# The dimensions of (questions, llms) along which groups are formed; none: each outcome alone.
LOSSES: dict[str, tuple[int, ...]] = {
    "pointwise": (),
    "question_groups": (1,),
    "llm_groups": (0,),
    "both_groups": (0, 1),
}


def total_loss(
    name: str,
    logits: Tensor,
    scores: Tensor,
    weights: Tensor | None = None,
    size: int | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Return a loss by its name: see ``pointwise`` and :func:`group_loss`."""
    if not LOSSES[name]:
        return pointwise(logits, scores, weights)
    parts = [group_loss(logits, scores, dim, weights, size, generator) for dim in LOSSES[name]]
    return torch.stack(parts).sum()


def group_loss(
    logits: Tensor,
    scores: Tensor,
    dim: int,
    weights: Tensor | None = None,
    size: int | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    """InfoNCE over the groups along one dimension, every positive against negatives.

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
    weights : Tensor of shape (b, m), optional
        Of the positives, at least 0.
    size : int, optional
        k: each positive meets k - 1 negatives drawn from its group (all, where there are fewer);
        by default all of them.
    generator : torch.Generator, optional
        Of the draws.

    Returns
    -------
    Tensor of shape ()
        Mean over positives; 0 if there are none.
    """
    if dim == 0:
        logits, scores = logits.T, scores.T
        weights = None if weights is None else weights.T
    positive = scores.nan_to_num()
    negative = torch.where(scores.isnan(), 0.0, 1 - scores.nan_to_num())
    # the logarithm of a weight of 0 is kept finite: its gradient would be NaN
    against = logits + negative.clamp(min=1e-12).log()
    if size is None:
        rivals = torch.logsumexp(against, dim=1, keepdim=True)
    else:
        drawn = draw_negatives(negative, size - 1, generator)  # (groups, positives, entries)
        # one that was not drawn counts as little as one of weight 0
        rivals = torch.logsumexp(torch.where(drawn, against[:, None], -1e4), dim=2)
    losses = torch.nn.functional.softplus(rivals - logits) * positive
    return (losses if weights is None else losses * weights).sum() / positive.sum().clamp(min=1e-6)


def draw_negatives(negative: Tensor, n: int, generator: torch.Generator | None) -> Tensor:
    """Draw ``n`` entries of positive weight without replacement, anew for each entry of a group.

    Parameters
    ----------
    negative : Tensor of shape (g, e)
        Weight of each entry of each group as a negative.
    n : int
        All, where there are fewer.
    generator : torch.Generator or None

    Returns
    -------
    Tensor of bool, shape (g, e, e)
        Whether the last axis' entry was drawn for the middle one's.
    """
    groups, entries = negative.shape
    keys = torch.rand((groups, entries, entries), generator=generator).to(negative.device)
    keys = torch.where(negative[:, None] > 0, keys, -1.0)
    rank = keys.argsort(dim=2, descending=True).argsort(dim=2)
    return (rank < n) & (keys >= 0)


def outcome_weights(
    scores: FloatArray, llm_weight: float = 0.0, question_weight: float = 0.0
) -> FloatArray:
    """Weigh outcomes by how good the llm is and by how well the question tells llms apart.

    ``mean_m ** llm_weight * (4 p_x (1 - p_x)) ** question_weight``, each factor divided by its
    mean; p is the mean score on the question. A factor that is 0 everywhere is left out.

    Parameters
    ----------
    scores : ndarray of shape (n, m)
        NaN where not observed.
    llm_weight, question_weight : float
        At least 0; 0 for no such weight.

    Returns
    -------
    float32 ndarray of shape (n, m)
    """
    strength = np.nan_to_num(column_means(scores)) ** llm_weight
    information = distinguishability(scores) ** question_weight
    return (_mean_one(information)[:, None] * _mean_one(strength)).astype(np.float32)


def _mean_one(weights: np.ndarray) -> np.ndarray:
    mean = weights.mean() if len(weights) else 0.0
    return weights / mean if mean > 0 else np.ones_like(weights)
