"""``Teaching``: what the network is taught, by which loss, for how long."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from sklearn.base import BaseEstimator

from routers.constraints import PATH, Constraints, Integer, OneOf, Real
from routers.model_sat.targets import RUNGS
from routers.table import FloatArray

_FEWEST_KINDS, _MOST_KINDS = 16, 60  # that the number of steps goes by


class Teaching(BaseEstimator):
    """How the network learns: its targets, the loss, and the steps.

    Parameters
    ----------
    targets : {"subject", "dataset", "outcome", "shuffled"}, default="subject"
        What an llm is expected to score on a question: its accuracy on the question's subject,
        pulled towards that on the dataset as far as inner folds say; on the dataset; or the one
        outcome that was seen, as in the paper. ``"shuffled"`` is a control: what is expected on
        another question.
    prior : float, default=1
        Pseudo-questions that pull an accuracy on a dataset towards the llm's overall accuracy.
    loss : {"pointwise", "question_groups", "llm_groups", "both_groups"}, default="pointwise"
        Cross-entropy of each target, or over groups; ``"llm_groups"`` is the paper's.
    contrast : float, default=4
        Weight of the squared error of contrasts between the llms of a question.
    zoo_share : float, default=0.5
        Share of the steps' llms that are drawn from the zoo, the others from the pool; 0 to never
        train on a candidate. Without a pool all are the zoo's.
    token_dropout : float, default=0.6
        Share of a question's tokens, in [0, 1), that are hidden from the soft tokens, others at
        every step: what is learned must not hang on a few words of a training question.
    n_steps : int or None, default=None
        By default ``steps_per_kind`` for each kind of question that the targets tell apart, of
        which 16 are counted at least and 60 at most.
    steps_per_kind : int, default=50
    n_questions : int, default=16
        Of a step, of all datasets alike.
    n_llms : int, default=8
        Of a step.
    learning_rate : float, default=0.03
        Of the connector, in units of the LM's states.
    lora_learning_rate : float, default=5e-3
        Of the adapters.
    checkpoint : str or None, default=None
        File in which the state of a training is kept, so that an interrupted one goes on where
        it stood; removed by whoever named it.
    """

    parameter_constraints: ClassVar[Constraints] = {
        "targets": OneOf(*RUNGS),
        "prior": Real(0),
        "loss": OneOf("pointwise", "question_groups", "llm_groups", "both_groups"),
        "contrast": Real(0),
        "zoo_share": Real(0, 1),
        "token_dropout": Real(0, 1, open_high=True),
        "n_steps": Integer(1) | None,
        "steps_per_kind": Integer(1),
        "n_questions": Integer(1),
        "n_llms": Integer(1),
        "learning_rate": Real(0),
        "lora_learning_rate": Real(0),
        "checkpoint": PATH | None,
    }

    def __init__(
        self,
        targets: str = "subject",
        prior: float = 1.0,
        loss: str = "pointwise",
        contrast: float = 4.0,
        zoo_share: float = 0.5,
        token_dropout: float = 0.6,
        n_steps: int | None = None,
        steps_per_kind: int = 50,
        n_questions: int = 16,
        n_llms: int = 8,
        learning_rate: float = 0.03,
        lora_learning_rate: float = 5e-3,
        checkpoint: str | None = None,
    ):
        self.targets = targets
        self.prior = prior
        self.loss = loss
        self.contrast = contrast
        self.zoo_share = zoo_share
        self.token_dropout = token_dropout
        self.n_steps = n_steps
        self.steps_per_kind = steps_per_kind
        self.n_questions = n_questions
        self.n_llms = n_llms
        self.learning_rate = learning_rate
        self.lora_learning_rate = lora_learning_rate
        self.checkpoint = checkpoint


def steps_for(targets: FloatArray, per_kind: int) -> int:
    """Return how many steps it takes to learn targets (n, m): more for more kinds of questions."""
    n_kinds = len(np.unique(np.nan_to_num(targets, nan=-1), axis=0))
    return per_kind * int(np.clip(n_kinds, _FEWEST_KINDS, _MOST_KINDS))


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

    def digest(self, more: str) -> str:
        """Hash the lessons, and what else makes a training."""
        found = hashlib.sha256(repr((more, list(map(str, self.datasets)))).encode())
        for part in (self.targets, self.capability, self.prior, self.draw):
            found.update(np.ascontiguousarray(part).tobytes())
        return found.hexdigest()


def draw_shares(n_zoo: int, n_pool: int, zoo_share: float) -> np.ndarray:
    """Return how often each llm is drawn, the zoo's first, shape (n_zoo + n_pool,), of sum 1."""
    if not n_pool:
        return np.full(n_zoo, 1 / n_zoo)
    of_zoo = np.full(n_zoo, zoo_share / n_zoo)
    return np.concatenate([of_zoo, np.full(n_pool, (1 - zoo_share) / n_pool)])
