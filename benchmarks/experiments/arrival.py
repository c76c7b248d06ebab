"""Llms arrive by month of release and are admitted from their aptitude tests alone.

``make arrival DATA=folder ROUTER=name`` writes ``results/arrival/``: every policy at each arrival,
and mean leads.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from omegaconf import DictConfig

from benchmarks.arrival import follow
from benchmarks.arrival_drawing import draw_curves, draw_leads
from benchmarks.arrival_figures import by_dataset, curves, leads
from benchmarks.arrival_setting import ArrivalSetting, join_small_families
from benchmarks.arrival_text import to_markdown as _text
from benchmarks.composing import UsageError
from benchmarks.experiment_work import Work
from routers.aptitude.cards import TakesCards
from routers.base import Router

TARGET = "arrival"
draw = draw_curves  # the main frame is that of the curves
__all__ = ["draw", "draw_leads"]


def parts(cfg: DictConfig) -> list[dict[str, int]]:
    """Return the folds of every seed: each is met, and stored, apart."""
    n_folds = cfg.split.get("n_folds", 1)
    return [{"seed": seed, "fold": fold} for seed in cfg.seeds for fold in range(n_folds)]


def depends_on(work: Work) -> dict[str, dict[str, str]]:
    """Return the months of release, and the family of every llm: who is a stranger to whom."""
    return {"released": _months(work), "families": families_of(work)}


def measure(work: Work) -> pd.DataFrame:
    """Let the llms arrive in one fold, see :func:`benchmarks.arrival.follow`."""
    cfg = work.cfg
    by_card = known_by_card(work)
    by_labels = {name: work.made(cfg.routers[name]) for name in cfg.by_labels}
    with work.progress.stage("encoding", "text") as tell:
        for router in [*by_labels.values(), *by_card.values()]:
            router.precompute(list(work.table.questions), tell)
    with work.progress.stage("letting the llms arrive", "fold"):
        return follow(setting_of(work), [work.folds[work.part["fold"]]], by_card, by_labels)


def summarise(rows: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the macro score at each arrival, the scores on each dataset, and mean leads."""
    return {
        "": curves(rows),
        "datasets": by_dataset(rows),
        "leads": leads(rows).rename_axis("policy"),
    }


def to_markdown(rows: pd.DataFrame, about: Mapping[str, Any]) -> str:
    """Write mean scores and leads, what they rest on, and what is left out."""
    config = about["config"]
    examined = about["choices"]["router@examined"]
    by_card = dict.fromkeys([*(config["cards"] or {examined: {}}), *config["by_card"]])
    return _text(rows, config["keep"], list(by_card))


def families_of(work: Work) -> dict[str, str]:
    """Return the family of every llm: what the source says in a column, or what the zoo says.

    A family that is missing there, or is one of ``cfg.unknown_families``, is ``""``.
    """
    cfg, facts = work.cfg, work.source.llms
    if facts.empty:
        raise UsageError(
            "The arrival experiment needs DATA=<folder> with facts of the llms in llms.parquet, "
            f"got DATA={cfg.data.name}, of whose llms nothing is known."
        )
    if cfg.family not in facts:
        raise UsageError(
            f"What is known of the llms must have the column {cfg.family!r}, which tells families "
            f"apart (family=...), it has: {', '.join(map(str, facts.columns))}."
        )
    unknown = set(cfg.unknown_families)
    found = {
        str(llm): "" if pd.isna(family) or family in unknown else str(family)
        for llm, family in facts[cfg.family].items()
    }
    return found | dict(cfg.zoo.families)


def _months(work: Work) -> dict[str, str]:
    zoo = work.cfg.zoo
    if "released" not in zoo:
        raise UsageError(
            "The arrival experiment needs a zoo whose file has months of release, such as "
            f"zoo=dated, got zoo={work.job.choices['zoo']}."
        )
    return dict(zip(zoo.llms, map(str, zoo.released), strict=True))


def setting_of(work: Work) -> ArrivalSetting:
    """Say who arrives, in which order, and which llms the newcomers are strangers to."""
    cfg, months = work.cfg, _months(work)
    order = sorted(months, key=lambda llm: (months[llm], llm))
    if work.pool is None:
        raise UsageError("The arrival experiment needs llms outside the zoo, to learn from.")
    families = join_small_families(families_of(work), work.pool.llms, cfg.join_families_below)
    return ArrivalSetting(work.table, work.pool, order, families, cfg.keep)


def known_by_card(work: Work) -> dict[str, Router]:
    """Return the routers that know llms from cards: ``cfg.examined``, by name, and the others.

    Raises
    ------
    UsageError
        If one of them takes no cards.
    """
    cfg, examined = work.cfg, work.job.choices["router@examined"]
    by_card = {
        name: work.made(cfg.examined, **changes)
        for name, changes in (cfg.cards or {examined: {}}).items()
    }
    for name in cfg.by_card:
        by_card.setdefault(name, work.made(cfg.routers[name]))
    for name, router in by_card.items():
        if not isinstance(router, TakesCards):
            raise UsageError(
                "ROUTER must take profile cards, as model_sat and capability_fusion do, got "
                f"{name}."
            )
    return by_card
