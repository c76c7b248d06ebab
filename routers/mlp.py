"""A multi-layer perceptron with soft and missing labels."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import ClassVar

import numpy as np
from scipy.special import expit
from sklearn.base import BaseEstimator, RegressorMixin

from routers._targets import log_odds
from routers.constraints import SEED, Constraints, Integer, Real, SequenceOf
from routers.table import FloatArray
from routers.validation import check_parameters


class SoftLabelMLP(RegressorMixin, BaseEstimator):
    """Perceptron with ReLU layers and one sigmoid output per llm, by binary cross-entropy.

    scikit-learn's perceptrons take either hard labels or a squared loss, and no missing label.
    Trained with torch; predicting needs numpy alone.

    Parameters
    ----------
    hidden : sequence of int, default=(256, 256)
        Widths of the hidden layers; the default is the source's.
    learning_rate : float, default=1e-3
        Of AdamW, rising for a tenth of the steps, then falling along a cosine.
    weight_decay : float, default=1e-2
    max_iter : int, default=100
        Largest number of epochs, the source's number.
    batch_size : int, default=32
    patience : int, default=10
        Epochs without a better validation loss after which training stops. (The source keeps the
        last epoch.)
    validation_fraction : float, default=0.15
    random_state : int, default=0

    Attributes
    ----------
    coefs_, intercepts_ : list of ndarray
        Of each layer, shapes (inputs, outputs) and (outputs,).

    References
    ----------
    Huang et al., "RouterEval", EMNLP Findings 2025 (its baseline MLPR).
    """

    soft_labels = True  # one fit for all llms, labels in [0, 1], NaN where not observed

    parameter_constraints: ClassVar[Constraints] = {
        "hidden": SequenceOf(Integer(1)),
        "learning_rate": Real(0),
        "weight_decay": Real(0),
        "max_iter": Integer(1),
        "batch_size": Integer(1),
        "patience": Integer(1),
        "validation_fraction": Real(0, 0.9),
        "random_state": SEED,
    }

    def __init__(
        self,
        hidden: Sequence[int] = (256, 256),
        learning_rate: float = 1e-3,
        weight_decay: float = 1e-2,
        max_iter: int = 100,
        batch_size: int = 32,
        patience: int = 10,
        validation_fraction: float = 0.15,
        random_state: int = 0,
    ):
        self.hidden = hidden
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.max_iter = max_iter
        self.batch_size = batch_size
        self.patience = patience
        self.validation_fraction = validation_fraction
        self.random_state = random_state

    def fit(self, X: FloatArray, y: FloatArray) -> SoftLabelMLP:
        """Fit all outputs.

        Parameters
        ----------
        X : ndarray of shape (n, d)
        y : ndarray of shape (n, m)
            Labels in [0, 1]; NaN where not observed.
        """
        check_parameters(self)
        import torch

        from routers._training import Plan, pointwise, train

        inputs = torch.as_tensor(X, dtype=torch.float32)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.random_state)
            layers = _layers([X.shape[1], *self.hidden, y.shape[1]])
        with torch.no_grad():  # the first guess is each llm's mean
            layers[-1].bias.copy_(torch.as_tensor(log_odds(y)))
        network = torch.nn.Sequential(*layers)
        plan = Plan(
            epochs=self.max_iter,
            batch_size=self.batch_size,
            patience=self.patience,
            validation_fraction=self.validation_fraction,
            random_state=self.random_state,
        )
        optimizer = torch.optim.AdamW(
            network.parameters(), lr=self.learning_rate, weight_decay=self.weight_decay
        )
        train(lambda rows: network(inputs[rows]), optimizer, y, pointwise, plan)
        linear = [layer for layer in layers if isinstance(layer, torch.nn.Linear)]
        self.coefs_ = [layer.weight.detach().numpy().T.copy() for layer in linear]
        self.intercepts_ = [layer.bias.detach().numpy().copy() for layer in linear]
        return self

    def predict(self, X: FloatArray) -> FloatArray:
        """Return the probability of a right answer, shape (n, m)."""
        values = np.asarray(X, dtype=np.float32)
        for coef, intercept in zip(self.coefs_[:-1], self.intercepts_[:-1], strict=True):
            values = np.maximum(values @ coef + intercept, 0)
        return expit(values @ self.coefs_[-1] + self.intercepts_[-1])


def _layers(widths: list[int]) -> list:
    from torch import nn

    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(widths):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    return layers[:-1]
