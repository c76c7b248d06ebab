"""Sources, tables, pools and folds of a configuration, each loaded once for all jobs of a sweep."""

from __future__ import annotations

import json
import logging
from functools import lru_cache
from typing import Any

import numpy as np
from hydra.utils import get_method, instantiate
from omegaconf import DictConfig, OmegaConf

from benchmarks.near_duplicates import (
    REPORTED_AT,
    near_duplicate_groups,
    near_duplicates_across,
)
from benchmarks.sources.source import Source
from benchmarks.splits import Fold
from routers.constraints import SEED, Integer
from routers.table import RoutingTable
from routers.validation import checked

log = logging.getLogger(__name__)
_WHY = {
    "unanswerable": "can be answered by no llm of the zoo",
    "unasked": "have no outcome of any llm of the zoo",
}


def load_source(cfg: DictConfig) -> Source:
    """Return all that the configured source holds, sorted by question id and llm name."""
    return _load_source(_data(cfg))


def load_table(cfg: DictConfig) -> RoutingTable:
    """Return the outcomes of the configured zoo, sorted by question id and llm name.

    Questions without an outcome of any of its llms are left out, with a remark: there is nothing
    to learn from them, nor to judge by.
    """
    return _load_table(_data(cfg), _llms(cfg))[0]


def left_out(cfg: DictConfig) -> dict[str, int]:
    """Return how many questions :func:`load_table` leaves out: ``unanswerable``, ``unasked``.

    No llm of the zoo can answer the former; the latter some could, but nobody asked.
    """
    return dict(_load_table(_data(cfg), _llms(cfg))[1])


def _llms(cfg: DictConfig) -> tuple[str, ...] | None:
    return tuple(cfg.zoo.llms) if cfg.zoo.llms else None


def load_pool(cfg: DictConfig) -> RoutingTable | None:
    """Return what the source holds of llms outside the zoo, or some of them; None without any."""
    table = load_table(cfg)
    pool = _load_pool(_data(cfg), tuple(table.llms), cfg.pool.size, cfg.pool.seed)
    if pool is None or len(pool) == len(table):
        return pool
    return pool.rows(np.isin(pool.ids, table.ids))


def load_folds(cfg: DictConfig, table: RoutingTable) -> list[Fold]:
    """Return the folds of the configured split and seed.

    Near-duplicates that a fold has on both sides are counted, in a remark.
    """
    split = json.dumps(OmegaConf.to_container(cfg.split, resolve=True))
    return _load_folds(table, split, cfg.seed)


def _data(cfg: DictConfig) -> str:
    data: dict[str, Any] = OmegaConf.to_container(cfg.data, resolve=True)  # type: ignore[assignment]
    data.pop("name")
    return json.dumps(data)


@lru_cache(maxsize=1)
def _load_source(data: str) -> Source:
    """Load a source; ``data`` is its configuration as JSON."""
    arguments = json.loads(data)
    # called here, for Hydra would look for interpolations in a path
    found = get_method(arguments.pop("_target_"))(**arguments)
    # somebody's function may return a table alone: nothing else is known then
    return (found if isinstance(found, Source) else Source(found)).canonical()


@lru_cache(maxsize=2)
def _load_table(data: str, llms: tuple[str, ...] | None) -> tuple[RoutingTable, dict[str, int]]:
    """Return the outcomes of a zoo, and how many questions were left out for which reason."""
    everyone = _load_source(data).table
    zoo = everyone.select(llms).canonical() if llms else everyone
    asked = ~np.isnan(zoo.scores).all(axis=1)
    if asked.all() or not asked.any():
        return zoo, {}
    answerable = zoo.eligible.any(axis=1)
    lost = {"unanswerable": ~answerable, "unasked": answerable & ~asked}
    for name, which in lost.items():
        _tell(_WHY[name], zoo.datasets, which)
    return zoo.rows(asked), {name: int(which.sum()) for name, which in lost.items()}


def _tell(why: str, datasets: np.ndarray, lost: np.ndarray) -> None:
    if not lost.any():
        return
    whole = sorted(set(datasets) - set(datasets[~lost]))
    among = f", among them all of {', '.join(map(repr, whole))}" if whole else ""
    log.warning("%d of %d questions %s and are left out%s.", lost.sum(), len(lost), why, among)


@checked("pool", size=Integer(0) | None, seed=SEED)
@lru_cache(maxsize=2)
def _load_pool(data: str, zoo: tuple[str, ...], size: int | None, seed: int) -> RoutingTable | None:
    everyone = _load_source(data).table
    others = sorted(set(everyone.llms) - set(zoo))
    if size is not None and size < len(others):
        others = sorted(np.random.default_rng(seed).choice(others, size, replace=False))
    return everyone.select(others) if others else None


@lru_cache(maxsize=16)
def _load_folds(table: RoutingTable, split: str, seed: int) -> list[Fold]:
    folds = instantiate(json.loads(split))(table, seed)
    _tell_near_duplicates(table, folds)
    return folds


def _tell_near_duplicates(table: RoutingTable, folds: list[Fold]) -> None:
    groups = near_duplicate_groups(table, REPORTED_AT)
    across = [near_duplicates_across(groups, fold.train, fold.test) for fold in folds]
    n_across, n_test = sum(map(len, across)), sum(len(fold.test) for fold in folds)
    if not n_across:
        return
    fold, positions = next(pair for pair in zip(folds, across, strict=True) if len(pair[1]))
    one = positions[0]
    other = fold.train[np.argmax(groups[fold.train] == groups[one])]
    log.warning(
        "%d of %d test questions are near-duplicates of training questions (similarity %g or "
        "more), such as %r of %r; split.near_duplicates=%g keeps them on one side.",
        *(n_across, n_test, REPORTED_AT, table.ids[one], table.ids[other], REPORTED_AT),
        extra={"once": "near-duplicates"},  # another seed counts others
    )
