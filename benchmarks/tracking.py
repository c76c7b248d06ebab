"""Optional experiment tracking: a function of what was run and what came of it."""

from __future__ import annotations

from typing import Any, Literal

from routers.constraints import NAME, PATH, OneOf
from routers.validation import checked


def none(about: dict[str, Any], figures: dict[str, Any]) -> None:
    """Track nothing (the default)."""


@checked(project=NAME, mode=OneOf("online", "offline", "disabled"), folder=PATH | None)
def wandb(
    about: dict[str, Any],
    figures: dict[str, Any],
    project: str = "proctor",
    mode: Literal["online", "offline", "disabled"] = "offline",
    folder: str | None = None,
) -> None:
    """Log a run to Weights & Biases.

    Parameters
    ----------
    about : dict
        Router, data, zoo, split, seed and configuration of the run.
    figures : dict
        Its leaderboard figures and timing.
    project : str, default="proctor"
    mode : {"offline", "online", "disabled"}, default="offline"
        Offline runs lie in ``folder`` until ``wandb sync`` sends them.
    folder : str, optional
        By default the current folder.
    """
    import wandb as client

    group = "/".join(str(about[name]) for name in ("data", "zoo", "split"))
    with client.init(
        project=project,
        mode=mode,
        dir=folder,
        group=group,
        config=about,
        name=f"{about['label']} seed {about['seed']}",
        reinit="finish_previous",
    ) as run:
        run.summary.update(figures)
