"""Train Model-SAT once on a pool of llms, and keep the network for any zoo of other llms.

``make pretrain DATA=outcomes FOLDER=networks/first`` learns from every llm in DATA, with
``ZOO=small8`` from those outside that zoo. A run that was interrupted goes on when it is started
again. ``make bench ARGS="router.pretrained=networks/first"`` then knows candidates from their
profiles alone.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from hydra.utils import instantiate
from omegaconf import DictConfig

from benchmarks.commands import run_command
from benchmarks.composing import Job, UsageError, compose_job
from benchmarks.loading import load_folds, load_pool, load_table
from benchmarks.progress import Progress
from routers.model_sat.pretrained import PretrainingCard, pretrain
from routers.model_sat.router import ModelSATRouter
from routers.table import RoutingTable

_PARTS = ("all", "train")


def learned_from(job: Job) -> RoutingTable:
    """Return the outcomes to learn from: of llms outside the zoo, on the asked-for questions.

    Raises
    ------
    UsageError
        If nobody is left to learn from, or ``questions`` is not known.
    """
    cfg = job.cfg
    if cfg.questions not in _PARTS:
        raise UsageError(f"questions must be one of {', '.join(_PARTS)}, got {cfg.questions!r}.")
    table = load_table(cfg)
    others = table if job.choices["zoo"] == "all" else load_pool(cfg)
    if others is None:
        raise UsageError("There is no llm outside the zoo to learn from: name a smaller zoo.")
    rows = load_folds(cfg, table)[0].train if cfg.questions == "train" else np.arange(len(table))
    others = others.rows(np.isin(others.ids, table.ids[rows]))
    return others.select(others.llms[~np.isnan(others.scores).all(axis=0)])


def to_text(card: PretrainingCard, folder: Path) -> str:
    """Return in a few lines what was trained."""
    questions = ", ".join(f"{n:,} of {name}" for name, n in card.datasets.items())
    return (
        f"{folder} holds a network of {card.n_steps:,} steps (loss {card.loss:.3f}), trained on\n"
        f"{len(card.llms):,} llms and {sum(card.datasets.values()):,} questions of {card.name}: "
        f"{questions}.\nUse it for llms that are not among these: "
        f'make bench ROUTER=model_sat ARGS="router.pretrained={folder}"\n'
    )


def _router(cfg: DictConfig) -> ModelSATRouter:
    router = instantiate(cfg.router, _convert_="all")
    if not isinstance(router, ModelSATRouter):
        raise UsageError(f"router must be a Model-SAT, got {type(router).__name__}.")
    return router


def command(overrides: list[str], verbatim: dict[str, str]) -> int:
    """Train, keep, and say what was kept."""
    job, progress = compose_job("pretrain", overrides, verbatim), Progress()
    cfg, router = job.cfg, _router(job.cfg)
    if not cfg.folder:  # which would be the folder that one stands in
        raise UsageError("FOLDER must name the folder to keep the network in, got none.")
    with progress.stage(f"reading {cfg.data.name}", "outcome"):
        table = learned_from(job)
    with progress.stage("encoding", "text") as tell:
        router.precompute(list(table.questions), tell)
    folder = Path(cfg.folder).absolute()
    with progress.stage("training", "step"):
        card = pretrain(router, table, folder, cfg.data.name)
    sys.stdout.write(to_text(card, folder))
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line."""
    return run_command("pretrain", str(__doc__), command, arguments)


if __name__ == "__main__":
    sys.exit(main())
