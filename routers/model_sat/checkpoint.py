"""The state of a training on disk, so that an interrupted one goes on where it stood."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

import torch

from routers.model_sat.network import ModelSATNetwork

_SECONDS = 30.0  # between two writes, at least


@dataclass
class Checkpoint:
    """A file that holds where a training stands.

    Parameters
    ----------
    path : Path
        Written beside and renamed: a failure leaves the older state whole.
    identity : str
        What is trained, and on what. A state of something else is never taken up.
    """

    path: Path
    identity: str
    _written: float = field(default_factory=time.monotonic, init=False)

    def resume(self, network: ModelSATNetwork, optimizer: torch.optim.Optimizer) -> list[float]:
        """Take up the state that is kept, if any; return the losses of the steps done.

        Raises
        ------
        ValueError
            If it is that of another training.
        """
        if not self.path.exists():
            return []
        state = torch.load(self.path, map_location=network.lm.device, weights_only=True)
        if state["identity"] != self.identity:
            raise ValueError(
                f"{self.path} must hold the state of this training, got that of another one "
                "(other outcomes, parameters or weights). Name another folder, or remove it."
            )
        network.load_state_dict(state["network"])
        optimizer.load_state_dict(state["optimizer"])
        return state["losses"]

    def keep(
        self, network: ModelSATNetwork, optimizer: torch.optim.Optimizer, losses: list[float]
    ) -> None:
        """Write the state, unless that was done a moment ago."""
        if time.monotonic() - self._written < _SECONDS:
            return
        state = {
            "identity": self.identity,
            "network": network.state_dict(),
            "optimizer": optimizer.state_dict(),
            "losses": losses,
        }
        self.path.parent.mkdir(parents=True, exist_ok=True)
        part = self.path.with_name(f".{self.path.name}.part")
        torch.save(state, part)
        part.replace(self.path)
        self._written = time.monotonic()
