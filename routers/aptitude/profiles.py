"""Profiles as numbers without gaps, and as text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from routers._targets import column_means
from routers.table import FloatArray


def profile_text(profile: FloatArray, descriptions: Sequence[str]) -> str:
    """Write a profile (T,) out as the paper does: one clause per task, in per cent."""
    clauses = [
        f"{100 * accuracy:.0f}% on {words}"
        for accuracy, words in zip(profile, descriptions, strict=True)
    ]
    return "This assistant answers correctly " + "; ".join(clauses) + "."


def complete(profiles: FloatArray, task_means: np.ndarray) -> FloatArray:
    """Fill unobserved accuracies with the task's mean, shifted by how the llm does elsewhere.

    Parameters
    ----------
    profiles : ndarray of shape (m, T)
        NaN where not observed.
    task_means : ndarray of shape (T,)
        Mean accuracy of the training zoo.

    Returns
    -------
    ndarray of shape (m, T)
        In [0, 1], without NaN.
    """
    shift = np.nan_to_num(column_means((profiles - task_means).T), nan=0.0)  # (m,)
    guess = np.clip(task_means + shift[:, None], 0, 1)
    return np.where(np.isnan(profiles), guess, profiles)
