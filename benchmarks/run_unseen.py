"""Unseen llms: a third of the zoo comes after the fit, each with a few scored questions.

``make unseen DATA=folder`` writes ``results/unseen/unseen.{csv,md}``: what each router scores when
it routes among llms that it was not fitted on, by the number of questions scored on each.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
from hydra.utils import instantiate
from omegaconf import DictConfig

from benchmarks.arrival_figures import leads
from benchmarks.commands import make_command, run_command
from benchmarks.composing import ROOT, compose_job
from benchmarks.loading import load_folds, load_table
from benchmarks.progress import Progress
from benchmarks.store import circumstances, made_by
from benchmarks.unseen import draw_unseen, judge_unseen
from benchmarks.writing import markdown, number, with_interval
from routers.base import Router
from routers.table import RoutingTable

_OVER = {"best_single": "best single", "recognised_dataset": "recognised dataset"}


def meet(cfg: DictConfig, table: RoutingTable, progress: Progress) -> pd.DataFrame:
    """Let every router meet unseen llms; return the rows of all sizes and seeds."""
    routers = {
        name: instantiate(cfg.routers[name], _convert_="all")
        for name in [*cfg.by_card, *cfg.by_labels]
    }
    with progress.stage("encoding", "text") as tell:
        for router in routers.values():
            router.precompute(list(table.questions), tell)
    rows = []
    with progress.stage("meeting unseen llms", "fit") as tell:
        of_seed, n = cfg.copy(), len(cfg.seeds) * len(cfg.n_scored)
        for seed in cfg.seeds:
            of_seed.seed = seed
            fold = load_folds(of_seed, table)[0]
            unseen = draw_unseen(table.llms, cfg.share, seed)
            for size in cfg.n_scored:
                by_card, by_labels = _sized(cfg, routers, size)
                found = judge_unseen(table, fold, unseen, by_card, by_labels)
                rows.append(found.assign(size=size, seed=seed))
                tell(len(rows), n)
    return pd.concat(rows, ignore_index=True)


def _sized(
    cfg: DictConfig, routers: Mapping[str, Router], size: int
) -> tuple[dict[str, Router], dict[str, Router]]:
    shape = {"n_tasks": max(1, size // cfg.n_shots), "n_shots": cfg.n_shots}
    by_card = {name: routers[name].set_params(**shape) for name in cfg.by_card}
    return by_card, {name: routers[name] for name in cfg.by_labels}


def summary(rows: pd.DataFrame) -> pd.DataFrame:
    """Return score and leads of every policy by size of the aptitude test.

    Parameters
    ----------
    rows : DataFrame
        As :func:`meet` returns.

    Returns
    -------
    DataFrame
        ``n_scored`` (largest number over seeds), ``policy``, ``score``, and for each of best
        single and recognised dataset ``lead``, ``low`` and ``high`` with a 95% interval.
    """
    parts = []
    for _, of_size in rows.groupby("size"):
        scored = int(of_size["n_scored"].max())
        plain = of_size.drop(columns=["size", "seed", "n_scored"])
        tables = [
            leads(plain, over).add_prefix(f"{over}_") for over in _OVER if over in plain.columns
        ]
        found = pd.concat(tables, axis=1)
        found.insert(0, "score", tables[0].iloc[:, 0])
        found = found.drop(columns=[f"{over}_score" for over in _OVER if over in plain.columns])
        parts.append(found.rename_axis("policy").reset_index().assign(n_scored=scored))
    return pd.concat(parts, ignore_index=True)


def to_markdown(found: pd.DataFrame, about: str) -> str:
    """Write a summary as a table, largest score first in each size."""
    over = [name for name in _OVER if f"{name}_lead" in found]
    lines = [
        f"{about} Every router was fitted on the other llms, and routes among the unseen alone. "
        "Each of these is known from its outcomes on the same scored questions. Leads with 95% "
        "intervals over questions, for the seeds that were run.",
        "",
        "| scored questions | policy | macro score |"
        + "".join(f" lead over {_OVER[name]} |" for name in over),
        "|---|---|---|" + "---|" * len(over),
    ]
    ordered = found.sort_values(["n_scored", "score"], ascending=[True, False])
    for row in ordered.to_dict("records"):
        columns = " | ".join(
            with_interval(row[f"{name}_lead"], row[f"{name}_low"], row[f"{name}_high"], "+.3f")
            for name in over
        )
        score = number(row["score"], ".3f")
        lines.append(f"| {row['n_scored']} | {markdown(row['policy'])} | {score} | {columns} |")
    return "\n".join(lines) + "\n"


def command(overrides: list[str], verbatim: dict[str, str]) -> int:
    """Run the experiment, write the tables, and print one."""
    job, progress = compose_job("unseen", overrides, verbatim), Progress()
    cfg = job.cfg
    with progress.stage(f"reading {cfg.data.name}", "outcome"):
        table = load_table(cfg)
    found = summary(meet(cfg, table, progress))
    n = int(draw_unseen(table.llms, cfg.share, 0).sum())
    about = f"{cfg.data.name}: {n} of {table.n_llms} llms are unseen, others for every seed."
    text = f"{to_markdown(found, about)}\n{made_by(make_command('unseen', job), circumstances())}"
    folder = Path(ROOT, cfg.results)
    folder.mkdir(parents=True, exist_ok=True)
    found.to_csv(folder / "unseen.csv", index=False, float_format="%.5g")
    (folder / "unseen.md").write_text(text)
    sys.stdout.write(text)
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line."""
    return run_command("run_unseen", str(__doc__), command, arguments)


if __name__ == "__main__":
    sys.exit(main())
