"""Llms arrive by month of release and are admitted from their aptitude tests alone.

``make arrival DATA=folder ROUTER=name`` writes ``results/arrival/``: every policy at each arrival,
and mean leads.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from omegaconf import DictConfig

from benchmarks import drawing
from benchmarks.arrival import REFERENCES, follow
from benchmarks.arrival_figures import by_dataset, curves, leads
from benchmarks.arrival_setting import ArrivalSetting, join_small_families
from benchmarks.arrival_text import to_markdown as _text
from benchmarks.composing import UsageError
from benchmarks.experiment import Work
from benchmarks.plots import colour
from benchmarks.sources.folder import read_facts
from routers.aptitude.cards import TakesCards
from routers.base import Router

TARGET = "arrival"

_LINES = {
    "oracle": ("oracle", "#222222", "-"),
    "knn": ("kNN", "#1f77b4", "-"),
    "recognised_dataset": ("recognised dataset", "#b8860b", "-."),
    "best_single": ("current best single", "#6b6b6b", "--"),
    "zoo_mean": ("zoo mean", "#9a9a9a", ":"),
}


def parts(cfg: DictConfig) -> list[dict[str, int]]:
    """Return the folds of every seed: each is met, and stored, apart."""
    n_folds = cfg.split.get("n_folds", 1)
    return [{"seed": seed, "fold": fold} for seed in cfg.seeds for fold in range(n_folds)]


def depends_on(work: Work) -> dict[str, dict[str, str]]:
    """Return the months of release, and the family of every llm: who is a stranger to whom."""
    return {"released": _months(work), "families": families_of(work.cfg)}


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


def draw(ax: Axes, frame: pd.DataFrame) -> Axes:
    """Draw the macro score of the policies at each arrival."""
    by_card = [name for name in map(str, frame) if name not in (*_LINES, *REFERENCES)]
    lines = {name: (f"{name}, from cards", colour(name), "-") for name in by_card}
    lines |= _LINES
    # a point between two unknown ones would not show on a line
    marker = "." if frame.isna().any(axis=None) else ""
    for name, (label, shade, style) in lines.items():
        if name in frame:
            (line,) = ax.plot(frame.index, frame[name], style, color=shade, linewidth=1.6)
            line.set(label=label, marker=marker)
    ax.set_xlabel("arrival (by month of release)")
    ax.set_ylabel("macro score of the zoo's router")
    ax.legend(frameon=False, loc="lower right", fontsize=8)
    return ax


def draw_leads(ax: Axes, frame: pd.DataFrame) -> Axes:
    """Draw what the routers lead the current best single llm by, with intervals."""
    shown = frame.loc[[name for name in frame.index if name not in REFERENCES]]
    heights = range(len(shown))[::-1]
    spread = [shown["lead"] - shown["low"], shown["high"] - shown["lead"]]
    ax.errorbar(shown["lead"], heights, xerr=spread, fmt="o", color="#1f77b4", capsize=3)
    ax.axvline(0, color="#6b6b6b", linestyle="--", linewidth=1)
    drawing.ticks(ax.yaxis, heights, shown.index)
    ax.set_ylim(-0.5, len(shown) - 0.5)
    ax.set_xlabel("lead over the current best single llm (macro score), 95% interval")
    return ax


def families_of(cfg: DictConfig) -> dict[str, str]:
    """Return the family of every llm: a column of ``llms.parquet``, or what the zoo says.

    A family that is missing there, or is one of ``cfg.unknown_families``, is ``""``.
    """
    if "path" not in cfg.data:
        raise UsageError(
            "The arrival experiment needs DATA=<folder> with facts of the llms in llms.parquet, "
            f"got DATA={cfg.data.name}."
        )
    facts = read_facts(Path(cfg.data.path))
    if cfg.family not in facts:
        raise UsageError(
            f"llms.parquet must have the column {cfg.family!r}, which tells families apart "
            f"(family=...), it has: {', '.join(map(str, facts.columns))}."
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
    families = join_small_families(families_of(cfg), work.pool.llms, cfg.join_families_below)
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
