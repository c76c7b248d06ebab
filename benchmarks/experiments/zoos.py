"""Many zoos, drawn at random from the same llms: how much is a router ahead, and in how many.

``make run EXPERIMENT=zoos DATA=folder`` writes ``results/zoos/``: what each router leads the best
single llm and the recognizers by, over all zoos, and in each. One zoo may favor a router by luck;
its mean over zoos is what to expect on another zoo of such llms.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from omegaconf import DictConfig, OmegaConf
from sklearn.base import clone

from benchmarks.composing import UsageError
from benchmarks.experiment_work import Work
from benchmarks.identity import canonical
from benchmarks.policy_rows import policy_rows
from benchmarks.splits import Fold
from benchmarks.zoo_leads import summarise
from benchmarks.zoo_leads_figure import draw
from benchmarks.zoo_leads_text import BETWEEN, to_markdown
from routers.base import Router

AXES = ("routers", "compared", "draws")
PANELS = 3
__all__ = ["draw", "summarise", "to_markdown"]


def parts(cfg: DictConfig) -> list[dict[str, Any]]:
    """Return each router with each zoo and seed."""
    return [
        {"seed": seed, "draw": draw, "router": router}
        for seed in cfg.seeds
        for draw in cfg.draws
        for router in cfg.compared
    ]


def depends_on(work: Work) -> dict[str, Any]:
    """Return the settings of the part's router: those of others do not matter to it."""
    settings: Any = OmegaConf.to_container(_settings(work), resolve=False)
    return {"router": canonical(settings)}


def draw_zoo(llms: np.ndarray, size: int, draw: int) -> list[str]:
    """Draw the llms of a zoo.

    Parameters
    ----------
    llms : ndarray of str, shape (m,)
    size : int
    draw : int
        The same number draws the same zoo, whatever the order of the llms.

    Raises
    ------
    ValueError
        If there are not more llms than a zoo takes.
    """
    if not 2 <= size < len(llms):
        raise ValueError(
            f"The size of a drawn zoo must be from 2 to {len(llms) - 1}, fewer than there are llms "
            f"to draw from, got {size}. Set size=... or name another zoo."
        )
    ordered = np.sort(np.asarray(llms, dtype=str))
    return sorted(np.random.default_rng(draw).choice(ordered, size, replace=False).tolist())


def measure(work: Work) -> pd.DataFrame:
    """Fit a router on one zoo, with all other llms as the pool, and let it route.

    Returns
    -------
    DataFrame
        One row per test question: ``question_id, dataset, seed, draw, router``, ``zoo`` (names),
        ``score`` of the llm chosen, the bounds ``oracle`` and ``zoo_mean``; and ``group``, if the
        table has any.
    """
    part = work.part
    work = work.among(draw_zoo(work.table.llms, work.cfg.size, part["draw"]))
    router: Router = work.made(_settings(work))
    with work.progress.stage("encoding", "text") as tell:
        router.precompute(list(work.table.questions), tell)
    with work.progress.stage("fitting and routing", "fit"):
        found = [_routed(router, work, fold) for fold in work.folds]
    return pd.concat(found, ignore_index=True).assign(**part, zoo=BETWEEN.join(work.table.llms))


def _routed(router: Router, work: Work, fold: Fold) -> pd.DataFrame:
    beside = None if work.pool is None else work.pool.rows(fold.train)
    fitted = clone(router).fit(work.table.rows(fold.train), beside)
    judge = work.table.rows(fold.test)
    predicted = fitted.predict_scores(list(judge.questions))
    return policy_rows(judge, {"score": predicted}, work.table)


def _settings(work: Work) -> DictConfig:
    name = work.part["router"]
    if name not in work.cfg.routers:
        raise UsageError(
            f"compared must name routers of this experiment, got {name!r}, it has: "
            f"{', '.join(work.cfg.routers)}. Add one: +router@routers.{name}={name}."
        )
    found: DictConfig = work.cfg.routers[name]
    return found
