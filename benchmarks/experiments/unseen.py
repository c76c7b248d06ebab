"""Unseen llms: a third of the zoo comes after the fit, each with a few scored questions.

``make unseen DATA=folder`` writes ``results/unseen/``: what each router scores when it routes among
llms that it was not fitted on, by the number of questions scored on each (UniRoute's protocol).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from omegaconf import DictConfig

from benchmarks.arrival_figures import leads
from benchmarks.experiment_work import Work
from benchmarks.unseen import draw_unseen, judge_unseen
from benchmarks.writing import markdown, number, table_of, with_interval
from routers.base import Router

TARGET = "unseen"
AXES = ("n_scored",)

_OVER = {"best_single": "best single", "recognised_dataset": "recognised dataset"}


def parts(cfg: DictConfig) -> list[dict[str, int]]:
    """Return each number of scored questions with each seed."""
    return [{"seed": seed, "size": size} for seed in cfg.seeds for size in cfg.n_scored]


def measure(work: Work) -> pd.DataFrame:
    """Let every router meet unseen llms, see :func:`benchmarks.unseen.judge_unseen`."""
    cfg, size = work.cfg, work.part["size"]
    shape = {"n_tasks": max(1, size // cfg.n_shots), "n_shots": cfg.n_shots}
    by_card = {n: _made(work, n).set_params(**shape) for n in cfg.by_card}
    by_labels = {name: _made(work, name) for name in cfg.by_labels}
    with work.progress.stage("encoding", "text") as tell:
        for router in (by_card | by_labels).values():
            router.precompute(list(work.table.questions), tell)
    unseen = draw_unseen(work.table.llms, cfg.share, cfg.seed)
    with work.progress.stage("meeting unseen llms", "fit"):
        found = judge_unseen(work.table, work.folds[0], unseen, by_card, by_labels)
    return found.assign(size=size, seed=cfg.seed, n_unseen=int(unseen.sum()))


def _made(work: Work, name: str) -> Router:
    router: Router = work.made(work.cfg.routers[name])
    return router


def summarise(rows: pd.DataFrame) -> pd.DataFrame:
    """Return score and leads of every policy by number of scored questions.

    Parameters
    ----------
    rows : DataFrame
        As :func:`measure` returns.

    Returns
    -------
    DataFrame
        ``n_scored`` (largest number over seeds), ``policy``, ``score``, and for each of best
        single and recognised dataset ``lead``, ``low`` and ``high`` with a 95% interval.
    """
    tables = []
    for _, of_size in rows.groupby("size"):
        scored = int(of_size["n_scored"].max())
        plain = of_size.drop(columns=["size", "seed", "n_scored", "n_unseen"])
        found = [leads(plain, over).add_prefix(f"{over}_") for over in _OVER if over in plain]
        table = pd.concat(found, axis=1)
        table.insert(0, "score", found[0].iloc[:, 0])
        table = table.drop(columns=[f"{over}_score" for over in _OVER if over in plain])
        tables.append(table.rename_axis("policy").reset_index().assign(n_scored=scored))
    return pd.concat(tables, ignore_index=True)


def to_markdown(rows: pd.DataFrame, about: Mapping[str, Any]) -> str:
    """Write the summary as a table, largest score first in each size."""
    return text_of(summarise(rows), int(rows["n_unseen"].max()), about)


def text_of(found: pd.DataFrame, n_unseen: int, about: Mapping[str, Any]) -> str:
    """Write a summary as a table."""
    over = [name for name in _OVER if f"{name}_lead" in found]
    lines = [
        f"{markdown(about['data'])}: {n_unseen} of {about['n_llms']} llms are "
        "unseen, others for every seed. Every router was fitted on the other llms, and routes "
        "among the unseen alone. Each of these is known from its outcomes on the same scored "
        "questions. Leads with 95% intervals over questions, for the seeds that were run.",
        "",
    ]
    heads = ["scored questions", "policy", "macro score"]
    heads += [f"lead over {_OVER[name]}" for name in over]
    cells = []
    ordered = found.sort_values(["n_scored", "score"], ascending=[True, False])
    for row in ordered.to_dict("records"):
        found_leads = [
            with_interval(row[f"{name}_lead"], row[f"{name}_low"], row[f"{name}_high"], "+.3f")
            for name in over
        ]
        score = number(row["score"], ".3f")
        cells.append([str(row["n_scored"]), markdown(row["policy"]), score, *found_leads])
    return "\n".join(lines) + "\n" + table_of(heads, cells)
