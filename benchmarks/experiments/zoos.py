"""Many zoos, drawn at random from the same llms: how much is a router ahead, and in how many.

``make run EXPERIMENT=zoos DATA=folder`` writes ``results/zoos/``: what each router leads the best
single llm and the recognizers by, over all zoos, and in each. One zoo may favor a router by luck;
its mean over zoos is what to expect on another zoo of such llms.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from omegaconf import DictConfig, OmegaConf
from scipy import stats
from sklearn.base import clone

from benchmarks import drawing, palette
from benchmarks.arrival import policy_scores
from benchmarks.arrival_figures import leads
from benchmarks.composing import UsageError
from benchmarks.experiment import Work
from benchmarks.groups import group_column
from benchmarks.identity import canonical
from benchmarks.router_families import family_of
from benchmarks.splits import Fold
from benchmarks.writing import markdown, number, with_interval
from routers.base import Router

AXES = ("routers", "compared", "draws")
PANELS = 3

_LABELS = ["seed", "draw", "question_id", "dataset", "group"]
_BETWEEN = "; "  # of the names of a zoo
_BOUNDS = ("zoo_mean", "oracle")
_OVER = {
    "best_single": "best single",
    "recognised_dataset": "recognized dataset",
    "recognized_subject": "recognized subject",
}


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
    return pd.concat(found, ignore_index=True).assign(**part, zoo=_BETWEEN.join(work.table.llms))


def _routed(router: Router, work: Work, fold: Fold) -> pd.DataFrame:
    beside = None if work.pool is None else work.pool.rows(fold.train)
    fitted = clone(router).fit(work.table.rows(fold.train), beside)
    judge = work.table.rows(fold.test)
    labels = {"question_id": judge.ids, "dataset": judge.datasets}
    labels |= group_column(work.table.groups, judge.groups)
    scores = policy_scores(judge, {"score": fitted.predict_scores(list(judge.questions))})
    return pd.concat([pd.DataFrame(labels), scores], axis=1)


def _settings(work: Work) -> DictConfig:
    name = work.part["router"]
    if name not in work.cfg.routers:
        raise UsageError(
            f"compared must name routers of this experiment, got {name!r}, it has: "
            f"{', '.join(work.cfg.routers)}. Add one: +router@routers.{name}={name}."
        )
    found: DictConfig = work.cfg.routers[name]
    return found


def summarise(rows: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return mean scores and leads of every router over all zoos, and in each zoo.

    Parameters
    ----------
    rows : DataFrame
        As :func:`measure` returns, of all parts.

    Returns
    -------
    dict of str to DataFrame
        ``""``: ``router, score``; for each of best single, recognized dataset and recognized
        subject that was run, ``lead_<name>`` (mean over zoos of the difference of macro scores)
        with ``_low`` and ``_high``, a 95% interval over questions with these zoos;
        ``_zoos_low`` and ``_zoos_high``, one over zoos (Student's t) with these questions; and
        ``_ahead``, the number of zoos in which the router is above.
        ``"zoos"``: ``draw, router, score`` and the leads in each zoo, mean over seeds.
    """
    table = side_by_side(rows)
    policies = [name for name in map(str, table) if name not in _LABELS]
    table = table.dropna(subset=policies)
    over = [name for name in _OVER if name in policies]
    each = _in_each_zoo(table, policies, over)
    plain = table.drop(columns=["seed", "draw"])
    columns = {"score": each.groupby("router")["score"].mean()[policies].to_numpy()}
    for name in over:
        found = leads(plain, name).loc[policies]
        of_zoos = each.pivot(index="draw", columns="router", values=f"lead_{name}")
        columns |= _lead_columns(f"lead_{name}", found, of_zoos[policies].to_numpy())
    summary = pd.DataFrame({"router": policies} | columns)
    ordered = summary.sort_values("score", ascending=False, ignore_index=True)
    return {"": ordered, "zoos": each}


def _lead_columns(lead: str, found: pd.DataFrame, of_zoos: np.ndarray) -> dict[str, np.ndarray]:
    low, high = _t_interval(of_zoos)
    return {
        lead: found["lead"].to_numpy(),
        f"{lead}_low": found["low"].to_numpy(),
        f"{lead}_high": found["high"].to_numpy(),
        f"{lead}_zoos_low": low,
        f"{lead}_zoos_high": high,
        f"{lead}_ahead": (of_zoos > 0).sum(axis=0),
    }


def side_by_side(rows: pd.DataFrame) -> pd.DataFrame:
    """Return one row per seed, zoo and question, with a column for each router and bound.

    A router that was not tested on a question, or had no outcome there, has NaN.
    """
    keys = [name for name in _LABELS if name in rows]
    scores = rows.pivot(index=keys, columns="router", values="score")
    bounds = rows.groupby(keys)[list(_BOUNDS)].first()
    return pd.concat([scores, bounds], axis=1).reset_index()


def _in_each_zoo(table: pd.DataFrame, policies: list[str], over: list[str]) -> pd.DataFrame:
    """Return macro scores and leads by zoo: mean over questions, datasets, then seeds."""
    of_dataset = table.groupby(["draw", "seed", "dataset"])[policies].mean()
    scores = of_dataset.groupby("draw").mean()
    kinds = {"score": scores} | {f"lead_{x}": scores.sub(scores[x], axis=0) for x in over}
    long = [
        frame.melt(var_name="router", value_name=kind, ignore_index=False).set_index(
            "router", append=True
        )
        for kind, frame in kinds.items()
    ]
    return pd.concat(long, axis=1).reset_index()


def _t_interval(of_zoos: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends of 95% intervals of means over zoos, (p,) each, from leads (zoos, p)."""
    n = len(of_zoos)
    if n < 2:
        unknown = np.full(of_zoos.shape[1], np.nan)
        return unknown, unknown
    reach = stats.t.ppf(0.975, n - 1) * of_zoos.std(axis=0, ddof=1) / np.sqrt(n)
    return of_zoos.mean(axis=0) - reach, of_zoos.mean(axis=0) + reach


def to_markdown(rows: pd.DataFrame, about: Mapping[str, Any]) -> str:
    """Write the main frame as a table."""
    found = summarise(rows)[""]
    over = [name for name in _OVER if f"lead_{name}" in found]
    n_zoos, n_left_out = rows["draw"].nunique(), int(side_by_side(rows).isna().any(axis=1).sum())
    size = len(str(rows["zoo"].iloc[0]).split(_BETWEEN))
    lines = [
        f"{markdown(about['data'])}: {n_zoos} zoos of {size} llms, drawn from "
        f"{about['n_llms']}; a router may learn from all others too. Leads in macro score, mean "
        "over zoos, with 95% intervals over questions (these zoos given), then over zoos (these "
        "questions given), and the number of zoos in which the router is above."
        + _left_out(n_left_out),
        "",
        "| router | macro score |" + "".join(f" lead over {_OVER[name]} |" for name in over),
        "|---|---|" + "---|" * len(over),
    ]
    for row in found.to_dict("records"):
        cells = "".join(f" {_told(row, f'lead_{name}', n_zoos)} |" for name in over)
        lines.append(f"| {markdown(row['router'])} | {number(row['score'], '.3f')} |{cells}")
    return "\n".join(lines) + "\n"


def _left_out(n: int) -> str:
    if not n:
        return ""
    return (
        f" Of the pairs of zoo and question {n:,} are left out: not every router was tested on "
        "them, or not every choice has an outcome."
    )


def _told(row: Mapping[Any, Any], lead: str, n_zoos: int) -> str:
    if row["router"] == lead.removeprefix("lead_"):
        return ""
    of_questions = with_interval(row[lead], row[f"{lead}_low"], row[f"{lead}_high"], "+.3f")
    ends = (number(row[f"{lead}_zoos_{end}"], "+.3f") for end in ("low", "high"))
    return f"{of_questions}, [{', '.join(ends)}], {row[f'{lead}_ahead']} of {n_zoos}"


def draw(panels: Sequence[Axes], found: pd.DataFrame) -> None:
    """Draw the leads of each router with intervals over questions (thick) and over zoos (thin).

    Parameters
    ----------
    panels : sequence of Axes
        One for each llm or router that leads are counted from.
    found : DataFrame
        The main frame of :func:`summarise`.
    """
    table = found[~found["router"].isin(_BOUNDS)].reset_index(drop=True)
    for ax, (name, title) in zip(panels, _OVER.items(), strict=True):
        ax.set_title(f"lead over {title}")
        ax.set_yticks([])
        if f"lead_{name}" in table:
            _draw_leads(ax, table, f"lead_{name}")
    drawing.ticks(panels[0].yaxis, range(len(table)), table["router"])
    for ax in panels:
        ax.set_ylim(len(table) - 0.4, -0.6)
        ax.tick_params(axis="y", length=0)
    panels[1].set_xlabel("macro score, mean over zoos; 95% over questions (thick), zoos (thin)")


def _draw_leads(ax: Axes, table: pd.DataFrame, lead: str) -> None:
    for place, row in enumerate(table.to_dict("records")):
        family = family_of(row["router"])
        for over, width in (("_zoos", 0.8), ("", 2.2)):
            ends = [row[f"{lead}{over}_low"], row[f"{lead}{over}_high"]]
            ax.plot(ends, [place, place], color=family.color, lw=width)
        ax.plot(row[lead], place, family.marker, ms=4.5, color=family.color)
    ax.axvline(0, color=palette.INK, lw=0.8, zorder=1)
    ax.grid(axis="x")
