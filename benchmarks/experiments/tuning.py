"""Tuning: what settings of a router score on folds of the training questions.

``make tune`` searches, see :mod:`benchmarks.tune`; this measures a setting. The test questions of
the split are not looked at: what was chosen is judged on them by ``make bench``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from omegaconf import OmegaConf, open_dict
from sklearn.base import clone

from benchmarks import drawing, palette
from benchmarks.arrival_figures import leads
from benchmarks.composing import Job, UsageError
from benchmarks.experiment_work import Work
from benchmarks.policy_rows import policy_rows
from benchmarks.scoring import macro_mean
from benchmarks.splits import kfold
from benchmarks.writing import markdown, number, table_of, with_interval
from routers.base import Router

AXES = ("n_trials", "at_once", "space")
DEFAULT = "default"
_SHOWN = 15  # settings in the table and the figure
_FACTS = ("question_id", "dataset", "group", "score", "oracle", "zoo_mean")


def parts(cfg: Any) -> list[dict[str, Any]]:
    """Return the default setting."""
    return [{"params": {}}]


def with_params(job: Job, params: Mapping[str, Any]) -> Job:
    """Return a job whose router has other parameters."""
    cfg = job.cfg.copy()
    for name, value in params.items():
        OmegaConf.update(cfg.router, name, value, force_add=False)
    with open_dict(cfg):
        cfg.params = dict(params)
    return Job(cfg, job.choices, job.overrides)


def measure(work: Work) -> pd.DataFrame:
    """Fit a setting on each fold's other training questions, and let it route the fold.

    Returns
    -------
    DataFrame
        One row per training question of the split: ``question_id, dataset``, ``score`` of the llm
        chosen, ``oracle``, ``zoo_mean``, the parameters; and ``group``, if the table has any.
    """
    (outer, *more) = work.folds
    if more:
        raise UsageError(
            f"SPLIT must have one training part to tune on, got one of {len(more) + 1}: what one "
            "tests, another learns from. Name SPLIT=holdout."
        )
    known = work.table.rows(outer.train)
    pool = None if work.pool is None else work.pool.rows(outer.train)
    router: Router = work.made(work.cfg.router)
    with work.progress.stage("encoding", "text") as tell:
        router.precompute(list(known.questions), tell)
    found = []
    with work.progress.stage("fitting and routing", "fold") as tell:
        folds = kfold(known, work.cfg.seed, work.cfg.n_folds)
        for number, fold in enumerate(folds, 1):
            beside = None if pool is None else pool.rows(fold.train)
            fitted = clone(router).fit(known.rows(fold.train), beside)
            judge = known.rows(fold.test)
            predicted = fitted.predict_scores(list(judge.questions))
            found.append(policy_rows(judge, {"score": predicted}, known))
            tell(number, len(folds))
    return pd.concat(found, ignore_index=True).assign(**work.cfg.params)


def score_of(rows: pd.DataFrame) -> float:
    """Return what a setting scores on validation: the macro mean, in [0, 1], higher is better."""
    return macro_mean(rows["score"].to_numpy()[None], rows["dataset"].to_numpy())


def labels(about: Mapping[str, Any]) -> dict[str, Any]:
    """Return what tells the rows of a setting from those of others."""
    return {"setting": name_of(about["part"]["params"])}


def name_of(params: Mapping[str, Any]) -> str:
    """Return what a setting is called."""
    said = (f"{k}={v:.4g}" if isinstance(v, float) else f"{k}={v}" for k, v in params.items())
    return " ".join(said) or DEFAULT


def summarise(rows: pd.DataFrame) -> pd.DataFrame:
    """Return what every setting scores, and its lead over the first one, the default's.

    Returns
    -------
    DataFrame
        ``setting``, ``is_default``, its parameters, ``score``, and ``lead`` with ``lead_low`` and
        ``lead_high``, a
        95% interval over questions; the best score first.
    """
    keys = [name for name in ("question_id", "dataset", "group") if name in rows]
    first, names = rows["setting"].iloc[0], rows["setting"].unique()
    wide = rows.pivot(index=keys, columns="setting", values="score")[names].reset_index()
    found = leads(wide, first).rename(columns={"low": "lead_low", "high": "lead_high"})
    params = rows.drop(columns=[name for name in _FACTS if name in rows])
    params = params.drop_duplicates("setting").set_index("setting")
    table = params.join(found).rename_axis("setting")
    table.insert(0, "is_default", table.index == first)
    return table.sort_values("score", ascending=False, kind="stable").reset_index()


def to_markdown(rows: pd.DataFrame, about: Mapping[str, Any]) -> str:
    """Write the best settings and the default as a table."""
    found = summarise(rows)
    shown = found[(found.index < _SHOWN) | found["is_default"]]
    lines = [
        f"{markdown(about['data'])}, zoo {markdown(about['zoo'])}: {len(found)} settings on "
        f"{rows['question_id'].nunique()} training questions, which each was fitted without. The "
        "best of many looks better than it is: judge it on the test questions.",
        "",
    ]
    cells = []
    for row in shown.to_dict("records"):
        lead = with_interval(row["lead"], row["lead_low"], row["lead_high"], "+.3f")
        cells.append([markdown(_title(row)), number(row["score"], ".3f"), lead])
    return (
        "\n".join(lines) + "\n" + table_of(["setting", "macro score", "lead over default"], cells)
    )


def _title(row: Mapping[Any, Any]) -> str:
    return f"{row['setting']} ({DEFAULT})" if row["is_default"] else str(row["setting"])


def draw(ax: Axes, frame: pd.DataFrame) -> None:
    """Draw the leads of the best settings over the default, with intervals."""
    table = frame.head(_SHOWN).reset_index(drop=True)
    places = range(len(table))
    ends = [table["lead"] - table["lead_low"], table["lead_high"] - table["lead"]]
    ax.errorbar(table["lead"], places, xerr=ends, fmt="o", ms=4, lw=1.2, color=palette.INK)
    ax.axvline(0, color=palette.GREY, lw=0.8)
    drawing.ticks(ax.yaxis, places, map(_title, table.to_dict("records")))
    ax.set_ylim(len(table) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    ax.set_xlabel("lead over the default on validation, 95% interval")
