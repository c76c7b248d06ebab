"""Checks of hyper-parameters, made in ``fit`` (constructors only store)."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np


def at_least(owner: object, name: str, low: float, high: float = float("inf")) -> None:
    """Raise ValueError unless ``owner.name`` is a number in [low, high]."""
    value = getattr(owner, name)
    ok = (
        isinstance(value, (int, float, np.number))
        and not isinstance(value, bool)
        and low <= value <= high
    )
    if not ok:
        limit = f"at least {low}" if high == float("inf") else f"in [{low}, {high}]"
        raise ValueError(
            f"The {name!r} parameter of {type(owner).__name__} must be a number {limit}. "
            f"Got {value!r} instead."
        )


def one_of(owner: object, name: str, allowed: Collection[str]) -> None:
    """Raise ValueError unless ``owner.name`` is one of the allowed words."""
    value = getattr(owner, name)
    if value not in allowed:
        words = ", ".join(sorted(allowed))
        raise ValueError(
            f"The {name!r} parameter of {type(owner).__name__} must be one of: {words}. "
            f"Got {value!r} instead."
        )
