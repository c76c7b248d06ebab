"""Leads of routers over many zoos: means, and intervals over questions and over zoos."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from benchmarks.arrival_figures import leads
from benchmarks.scoring import macro_mean

LABELS = ["seed", "draw", "question_id", "dataset", "group"]
BOUNDS = ("zoo_mean", "oracle")
OVER = {
    "best_single": "best single",
    "recognised_dataset": "recognized dataset",
    "recognized_subject": "recognized subject",
}


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
    policies = [name for name in map(str, table) if name not in LABELS]
    table = table.dropna(subset=policies)
    over = [name for name in OVER if name in policies]
    each = _in_each_zoo(table, policies, over)
    plain = table.drop(columns=["seed", "draw"])
    columns = {"score": each.groupby("router")["score"].mean()[policies].to_numpy()}
    for name in over:
        found = leads(plain, name).loc[policies]
        of_zoos = each.pivot(index="draw", columns="router", values=f"lead_{name}")
        columns |= _lead_columns(f"lead_{name}", found, of_zoos[policies])
    summary = pd.DataFrame({"router": policies} | columns)
    ordered = summary.sort_values("score", ascending=False, ignore_index=True)
    return {"": ordered, "zoos": each}


def _lead_columns(lead: str, found: pd.DataFrame, of_zoos: pd.DataFrame) -> dict[str, np.ndarray]:
    low, high = _t_interval(of_zoos)
    return {
        lead: found["lead"].to_numpy(),
        f"{lead}_low": found["low"].to_numpy(),
        f"{lead}_high": found["high"].to_numpy(),
        f"{lead}_zoos_low": low.to_numpy(),
        f"{lead}_zoos_high": high.to_numpy(),
        f"{lead}_ahead": (of_zoos > 0).sum().to_numpy(),
    }


def side_by_side(rows: pd.DataFrame) -> pd.DataFrame:
    """Return one row per seed, zoo and question, with a column for each router and bound.

    A router that was not tested on a question, or had no outcome there, has NaN.
    """
    keys = [name for name in LABELS if name in rows]
    scores = rows.pivot(index=keys, columns="router", values="score")
    bounds = rows.groupby(keys)[list(BOUNDS)].first()
    return pd.concat([scores, bounds], axis=1).reset_index()


def _in_each_zoo(table: pd.DataFrame, policies: list[str], over: list[str]) -> pd.DataFrame:
    """Return macro scores and leads by zoo: mean over questions, datasets, then seeds."""
    found = {
        key: {
            name: macro_mean(of[name].to_numpy()[None], of["dataset"].to_numpy(object))
            for name in policies
        }
        for key, of in table.groupby(["draw", "seed"])
    }
    of_seeds = pd.DataFrame.from_dict(found, orient="index")
    scores = of_seeds.groupby(level=0).mean().rename_axis("draw")
    kinds = {"score": scores} | {f"lead_{x}": scores.sub(scores[x], axis=0) for x in over}
    long = [
        frame.melt(var_name="router", value_name=kind, ignore_index=False).set_index(
            "router", append=True
        )
        for kind, frame in kinds.items()
    ]
    return pd.concat(long, axis=1).reset_index()


def _t_interval(of_zoos: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Return the ends of 95% intervals of means over zoos by router, from leads (zoos, routers).

    NaN where there is one zoo only.
    """
    reach = stats.t.ppf(0.975, len(of_zoos) - 1) * of_zoos.sem()
    return of_zoos.mean() - reach, of_zoos.mean() + reach
