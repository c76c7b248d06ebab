"""``Encoder``, the interface of everything that turns texts into vectors."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
from sklearn.base import BaseEstimator

from routers.precomputing import Precomputing
from routers.table import FloatArray, Texts
from routers.validation import check_parameters


class Encoder(Precomputing, BaseEstimator, ABC):
    """Turns texts into vectors of unit length; fitted on training texts only."""

    def fit(self, texts: Texts) -> Encoder:
        """Learn from training texts; a pretrained encoder has nothing to learn."""
        check_parameters(self)
        return self

    @abstractmethod
    def transform(self, texts: Texts) -> FloatArray:
        """Return float32 vectors of shape (n, d) and Euclidean length 1 (0 for no known word)."""


def unit_length(vectors: FloatArray) -> FloatArray:
    """Divide each row (n, d) by its Euclidean length; a row of zeros stays."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0).astype(
        np.float32
    )
