"""The two losses of RouterDC, on small tensors; torch comes with what is given to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import rankdata

from routers.table import FloatArray

if TYPE_CHECKING:
    import torch


def places(scores: FloatArray, k: int) -> FloatArray:
    """Share of each llm in the ``k`` best places of each question, shape (n, m).

    Llms that tie share what places are left to them, whatever the order of the columns; one that
    was not observed has none.
    """
    first = rankdata(-scores, method="min", axis=1, nan_policy="omit")
    last = rankdata(-scores, method="max", axis=1, nan_policy="omit")
    share = np.clip((k - first + 1) / (last - first + 1), 0, 1)
    return np.nan_to_num(share).astype(np.float32)


def sample_llm_loss(
    logits: torch.Tensor, scores: torch.Tensor, best: torch.Tensor, worst: torch.Tensor
) -> torch.Tensor:
    """Mean over questions of the sum over the best llms of ``-log softmax`` against the worst.

    Parameters
    ----------
    logits, scores, best, worst : Tensor of shape (b, m)
        Cosines over temperature; outcomes, NaN where not observed; shares in the places.
    """
    worse = scores[:, None, :] < scores[:, :, None]  # (b, better llm, worse llm)
    ratio = (logits[:, None, :] - logits[:, :, None]).exp()
    against = (worst[:, None, :] * worse * ratio).sum(dim=2)
    return (best * against.log1p()).sum(dim=1).mean()


def sample_sample_loss(
    logits: torch.Tensor, label: torch.Tensor, draw: torch.Tensor, n_others: int
) -> torch.Tensor:
    """Mean ``-log softmax`` of a question of the same cluster against some of other clusters.

    Parameters
    ----------
    logits : Tensor of shape (b, b)
        Cosines between the questions of a batch, over temperature.
    label : Tensor of shape (b,)
        Cluster of each question; one without a mate or without others is left out.
    draw : Tensor of shape (b, b)
        Uniform in [0, 1): the mate and the others are those drawn highest.
    n_others : int
    """
    import torch

    same = label[:, None] == label
    mates = same & ~torch.eye(len(label), dtype=torch.bool)
    rows = mates.any(dim=1) & ~same.all(dim=1)
    if not rows.any():
        return logits.new_zeros(())
    mate = torch.where(mates, draw, -1.0).argmax(dim=1, keepdim=True)
    drawn, others = torch.where(same, -1.0, draw).topk(min(n_others, len(label)), dim=1)
    against = logits.gather(1, others).masked_fill(drawn < 0, -torch.inf)
    both = torch.cat([logits.gather(1, mate), against], dim=1)
    return -both.log_softmax(dim=1)[rows, 0].mean()
