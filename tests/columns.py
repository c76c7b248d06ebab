"""Columns of numbers for tests."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def arrays(*columns: Sequence[float]) -> list[np.ndarray]:
    """Return each sequence of numbers as an array of floats."""
    return [np.array(column, dtype=float) for column in columns]
