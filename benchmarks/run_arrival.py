"""The arrival experiment: new llms come by month of release, nothing is trained again for them.

``make arrival DATA=folder ROUTER=name`` writes ``results/arrival/arrival.{csv,md}`` and two
figures: every policy at each arrival, and mean leads.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
from hydra.utils import instantiate
from omegaconf import DictConfig

from benchmarks import arrival_drawing
from benchmarks.arrival import follow
from benchmarks.arrival_figures import by_dataset, curves, leads
from benchmarks.arrival_setting import ArrivalSetting, join_small_families
from benchmarks.arrival_text import to_markdown
from benchmarks.commands import make_command, run_command
from benchmarks.composing import ROOT, Job, UsageError, compose_job
from benchmarks.loading import load_folds, load_pool, load_table
from benchmarks.progress import Progress
from benchmarks.sources.folder import read_facts
from benchmarks.store import circumstances, made_by
from routers.aptitude.cards import TakesCards
from routers.base import Router


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


def setting_of(job: Job, progress: Progress) -> ArrivalSetting:
    """Read who arrives, in which order, and the llms that the newcomers are strangers to."""
    cfg = job.cfg
    with progress.stage(f"reading {cfg.data.name}", "outcome"):
        table, pool = load_table(cfg), load_pool(cfg)
    if "released" not in cfg.zoo:
        raise UsageError(
            "The arrival experiment needs a zoo whose file has months of release, such as "
            f"zoo=dated, got zoo={job.choices['zoo']}."
        )
    months = dict(zip(cfg.zoo.llms, cfg.zoo.released, strict=True))
    order = sorted(cfg.zoo.llms, key=lambda llm: (months[llm], llm))
    if pool is None:
        raise UsageError("The arrival experiment needs llms outside the zoo, to learn from.")
    families = join_small_families(families_of(cfg), pool.llms, cfg.join_families_below)
    return ArrivalSetting(table, pool, order, families, cfg.keep)


def known_by_card(cfg: DictConfig, examined: str) -> dict[str, Router]:
    """Return the routers that know llms from cards: ``cfg.examined``, by name, and the others.

    Raises
    ------
    UsageError
        If one of them takes no cards.
    """
    by_card = {
        name: instantiate(cfg.examined, _convert_="all", **changes)
        for name, changes in (cfg.cards or {examined: {}}).items()
    }
    for name in cfg.by_card:
        by_card.setdefault(name, instantiate(cfg.routers[name], _convert_="all"))
    for name, router in by_card.items():
        if not isinstance(router, TakesCards):
            raise UsageError(
                "ROUTER must take profile cards, as model_sat and capability_fusion do, got "
                f"{name}."
            )
    return by_card


def let_arrive(
    cfg: DictConfig, by_card: Mapping[str, Router], setting: ArrivalSetting, progress: Progress
) -> pd.DataFrame:
    """Run the experiment with the configured routers and seeds; return the rows of all seeds."""
    by_labels = {name: instantiate(cfg.routers[name], _convert_="all") for name in cfg.by_labels}
    with progress.stage("encoding", "text") as tell:
        for router in [*by_labels.values(), *by_card.values()]:
            router.precompute(list(setting.table.questions), tell)
    seeds = []
    with progress.stage("letting the llms arrive", "seed") as tell:
        of_seed = cfg.copy()
        for seed in cfg.seeds:
            of_seed.seed = seed
            folds = load_folds(of_seed, setting.table)
            seeds.append(follow(setting, folds, by_card, by_labels))
            tell(len(seeds), len(cfg.seeds))
    return pd.concat(seeds, ignore_index=True)


def command(overrides: list[str], verbatim: dict[str, str]) -> int:
    """Let the llms arrive, write table and figures, and print the table."""
    job, progress = compose_job("arrival", overrides, verbatim), Progress()
    examined = job.choices["router@examined"]
    by_card = known_by_card(job.cfg, examined)
    rows = let_arrive(job.cfg, by_card, setting_of(job, progress), progress)
    folder = Path(ROOT, job.cfg.results)
    folder.mkdir(parents=True, exist_ok=True)
    by_dataset(rows).to_csv(folder / "arrival.csv", float_format="%.5g")
    made = made_by(make_command("arrival", job), circumstances())
    text = f"{to_markdown(rows, job.cfg.keep, list(by_card))}\n{made}"
    (folder / "arrival.md").write_text(text)
    arrival_drawing.curves_picture(curves(rows), examined, folder / "arrival")
    arrival_drawing.leads_picture(leads(rows), folder / "arrival-leads")
    sys.stdout.write(text)
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line."""
    return run_command("run_arrival", str(__doc__), command, arguments)


if __name__ == "__main__":
    sys.exit(main())
