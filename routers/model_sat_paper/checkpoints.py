"""Where a training stands, on disk: a fit that was interrupted goes on as if it had not been."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np


class Checkpoint:
    """One file that is replaced after each epoch.

    Parameters
    ----------
    folder : str or None
        None keeps nothing.
    key : str
        Of the parameters and the data, see :func:`training_key`. It is in the file's name, and a
        file in which another one stands is not used.
    """

    def __init__(self, folder: str | None, key: str):
        self.key = key
        self.path = None if folder is None else Path(folder) / f"model_sat-{key}.pt"

    def load(self) -> dict[str, Any] | None:
        """Return the last state saved under this key, None if there is none."""
        import torch

        if self.path is None or not self.path.is_file():
            return None
        found = torch.load(self.path, map_location="cpu", weights_only=True)
        return found["state"] if found["key"] == self.key else None

    def save(self, state: dict[str, Any]) -> None:
        """Keep a state of plain numbers, text and tensors; a failure leaves the older one whole."""
        import torch

        if self.path is None:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        part = self.path.with_suffix(".part")
        torch.save({"key": self.key, "state": state}, part)
        part.replace(self.path)


def training_key(settings: Sequence[object], arrays: Sequence[np.ndarray]) -> str:
    """Hash everything that a training's result depends on, to 16 hex digits.

    Parameters
    ----------
    settings : sequence
        Whose text form says all of them.
    arrays : sequence of ndarray of numbers
    """
    digest = hashlib.sha256(repr(list(settings)).encode())
    for array in arrays:
        digest.update(repr((array.shape, array.dtype.str)).encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:16]
