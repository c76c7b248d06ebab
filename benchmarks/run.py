"""One run: compose the configuration, evaluate the router, store what happened.

``python -m benchmarks.run router=knn data=synthetic`` or, with ``-m``, a sweep over any group.
"""

from __future__ import annotations

import json
import logging
import os
from functools import lru_cache
from pathlib import Path
from typing import Any

import hydra
import numpy as np
from hydra.core.hydra_config import HydraConfig
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from benchmarks import metrics, store
from benchmarks.carriers import cache_folder, model_folder
from benchmarks.evaluate import evaluate
from benchmarks.splits import duplicate_groups
from routers.base import Router
from routers.constraints import SEED, Integer
from routers.table import RoutingTable
from routers.validation import checked

os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")  # the sweep has a bar of its own

log = logging.getLogger(__name__)
ROOT = Path(__file__).resolve().parent.parent
_MAKE = {"DATA": "small_llms", "ZOO": "all", "SPLIT": "kfold"}  # the Makefile's defaults


def _carrier(name: str) -> str:
    return str(model_folder(name))


def _cache(name: str) -> str:
    return str(cache_folder() / name)


def register_resolvers() -> None:
    """Register ``${carrier:name}`` (folder of packaged weights), ``${cache:name}`` and the like."""
    OmegaConf.register_new_resolver("carrier", _carrier, replace=True)
    OmegaConf.register_new_resolver("cache", _cache, replace=True)
    OmegaConf.register_new_resolver("folder_name", lambda path: Path(path).name, replace=True)


def run_config(cfg: DictConfig) -> dict[str, Any]:
    """Return the part of the configuration that determines a result, resolvers left as text."""
    groups = {
        name: cfg[name] for name in ("router", "recogniser", "data", "zoo", "pool", "split", "seed")
    }
    config = OmegaConf.to_container(OmegaConf.create(groups), resolve=False)
    config["data"].pop("path", None)  # type: ignore[union-attr, index, call-overload]
    return config  # type: ignore[return-value]


@lru_cache(maxsize=1)
def _load_everyone(data: str) -> RoutingTable:
    """Load a source once for all jobs of a sweep; ``data`` is its configuration as JSON."""
    return instantiate(json.loads(data)).canonical()


@lru_cache(maxsize=2)
def _load_table(data: str, llms: tuple[str, ...] | None) -> RoutingTable:
    everyone = _load_everyone(data)
    return everyone.select(llms).canonical() if llms else everyone


@checked("pool", size=Integer(0) | None, seed=SEED)
@lru_cache(maxsize=2)
def _load_pool(data: str, zoo: tuple[str, ...], size: int | None, seed: int) -> RoutingTable | None:
    everyone = _load_everyone(data)
    others = sorted(set(everyone.llms) - set(zoo))
    if size is not None and size < len(others):
        others = sorted(np.random.default_rng(seed).choice(others, size, replace=False))
    return everyone.select(others) if others else None


def _source(cfg: DictConfig) -> str:
    data: dict[str, Any] = OmegaConf.to_container(cfg.data, resolve=True)  # type: ignore[assignment]
    data.pop("name")
    return json.dumps(data)


def load_table(cfg: DictConfig) -> RoutingTable:
    """Return the outcomes of the configured zoo, sorted by question id and llm name."""
    return _load_table(_source(cfg), tuple(cfg.zoo.llms) if cfg.zoo.llms else None)


def load_pool(cfg: DictConfig) -> RoutingTable | None:
    """Return what the source holds of llms outside the zoo, or some of them; None without any."""
    if cfg.pool.size == 0:
        return None
    zoo = tuple(load_table(cfg).llms)
    return _load_pool(_source(cfg), zoo, cfg.pool.size, cfg.pool.seed)


@lru_cache(maxsize=2)
def _recogniser(config: str) -> Router:
    """Build the floor once for all jobs of a sweep, so that its choices can be kept."""
    return instantiate(json.loads(config), _convert_="all")


def describe(cfg: DictConfig, choices: dict[str, str], overrides: list[str]) -> dict[str, Any]:
    """Return the names under which a run is stored and listed."""
    changed = [
        item
        for item in overrides
        if item.startswith(("router.", "pool")) or "@router" in item.split("=")[0]
    ]
    label = " ".join([choices["router"], *(item.split(".", 1)[-1] for item in changed)])
    return {
        "router": choices["router"],
        "label": label,
        "data": cfg.data.name,
        "zoo": choices["zoo"],
        "split": choices["split"],
        "seed": cfg.seed,
    }


def make_command(target: str, cfg: DictConfig, hydra_config: Any) -> str:
    """Return the ``make`` command of an experiment: its data, and every setting that was changed.

    Parameters
    ----------
    target : str
        Of the Makefile.
    cfg : DictConfig
    hydra_config : HydraConf
        Of the same job, ``HydraConfig.get()``.
    """
    data = hydra_config.runtime.choices["data"]
    said = {"DATA": f"<folder>/{cfg.data.name}" if data == "folder" else data}
    rest = []
    for override in hydra_config.overrides.task:
        name, _, value = override.partition("=")
        if name in ("zoo", "split"):
            said[name.upper()] = value
        elif name not in ("data", "data.path", "results"):  # where it is written changes nothing
            rest.append(override)
    named = [f"{name}={value}" for name, value in said.items() if value != _MAKE[name]]
    arguments = [f'ARGS="{" ".join(rest)}"'] if rest else []
    return " ".join([f"make {target}", *named, *arguments])


def execute(cfg: DictConfig, about: dict[str, Any]) -> Path:
    """Evaluate and store one run, unless it is stored already; return its folder."""
    table = load_table(cfg)
    key = store.run_key(run_config(cfg), table.content_hash)
    place = [about[name] for name in ("data", "zoo", "split", "router")]
    folder = Path(ROOT, cfg.results, "runs", *place, key)
    if store.is_finished(folder) and not cfg.force:
        log.info("%s seed %s is stored already; force=true redoes it", about["label"], cfg.seed)
        return folder
    folds = instantiate(cfg.split)(table, cfg.seed)
    router = instantiate(cfg.router, _convert_="all")
    recogniser = _recogniser(json.dumps(OmegaConf.to_container(cfg.recogniser, resolve=True)))
    found = evaluate(router, table, folds, recogniser, load_pool(cfg))
    about = about | {
        "key": key,
        "config": OmegaConf.to_container(cfg, resolve=False),
        "data_hash": table.content_hash,
        "cost_unit": table.cost_unit,
        # the splits keep duplicates on one side; how many there are is for the reader to know
        "n_duplicates": len(table) - len(set(duplicate_groups(table))),
        "timing": found.timing,
    }
    store.save_run(folder, found.rows, about)
    figures = metrics.summary([found.rows])
    log.info(
        "%s: macro %.3f, gap closed %+.2f; fit %.1f s per fold, peak memory %.1f GB",
        about["label"],
        figures["macro_score"],
        figures["gap_closed"],
        found.timing["fit_seconds"],
        found.timing["peak_memory_mb"] / 1024,
    )
    instantiate(cfg.tracking)(about, figures | found.timing)
    return folder


@hydra.main(version_base="1.3", config_path="../configs", config_name="config")
def main(cfg: DictConfig) -> None:
    """Run what Hydra composed."""
    hydra_config = HydraConfig.get()
    execute(cfg, describe(cfg, dict(hydra_config.runtime.choices), hydra_config.overrides.task))


register_resolvers()
if __name__ == "__main__":
    main()
