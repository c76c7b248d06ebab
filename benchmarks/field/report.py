"""The field's figures of one router from its stored rows: further columns of the leaderboard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from benchmarks import metrics
from benchmarks.field import calibration, llmrouterbench, routerarena, routerbench, routereval
from benchmarks.stored_rows import chosen, eligible, matrix


def field_figures(
    runs: list[pd.DataFrame],
    points: pd.DataFrame,
    figures: Mapping[str, object],
    cost_unit: str,
) -> dict[str, float]:
    """Return the figures of ``benchmarks.field`` that one router's rows can tell.

    Scores are macro means; the best single llm is the floor, chosen on train, except in
    ``value_over_best_single``, whose source picks it on test. Seeds are pooled, except in
    ``brier`` and ``calibration_error``, means over llms and seeds (the bias of the latter depends
    on the sample's size).

    Parameters
    ----------
    runs : list of DataFrame
        One per seed.
    points : DataFrame
        ``metrics.price_curve`` of the runs: columns ``price, score, cost``.
    figures : mapping
        From ``metrics.summary`` of the same runs.
    cost_unit : str
        ``arena_score`` is defined for "USD" only.
    """
    rows = pd.concat(runs)
    scores, predicted = matrix(rows, "score"), matrix(rows, "predicted_score")
    choice = rows["choice"].to_numpy()
    # how many llms solve a question is known only if each that can answer was asked
    whole = ~(np.isnan(scores) & eligible(rows)).any(axis=1)
    few_score, few_share = llmrouterbench.score_where_few_solve(
        chosen(scores, choice)[whole], scores[whole]
    )
    macro = {
        name: float(figures[name])  # type: ignore[arg-type]
        for name in ("macro_score", "random", "best_single", "oracle")
    }
    reached = macro["macro_score"]
    spread = routereval.best_llm_probabilities(predicted, scores)
    llms = metrics.llm_points(runs)
    best = routereval.value_over_best_single(reached, llms["score"].to_numpy())
    return {
        "value_over_best_single": best,
        "question_entropy": routereval.question_entropy(spread),
        "gain_random": float(llmrouterbench.gain(reached, macro["random"])),
        "gain_best_single": float(llmrouterbench.gain(reached, macro["best_single"])),
        "gap_oracle": float(llmrouterbench.gap_to_oracle(reached, macro["oracle"])),
        "few_solve_score": few_score,
        "few_solve_share": few_share,
        **calibration.by_llm(runs)[["brier", "calibration_error"]].mean().to_dict(),
        **_cost_figures(rows, points, llms, figures, cost_unit),
    }


def _cost_figures(
    rows: pd.DataFrame,
    points: pd.DataFrame,
    llms: pd.DataFrame,
    figures: Mapping[str, object],
    cost_unit: str,
) -> dict[str, float]:
    """Figures that need costs, NaN where these are not known."""
    costs, scores = points["cost"].to_numpy(), points["score"].to_numpy()
    aiq, aiq_zero = routerbench.aiq_over_zero(
        costs, scores, llms["cost"].to_numpy(), llms["score"].to_numpy()
    )
    single, single_cost = float(figures["best_single"]), float(figures["cost_best_single"])  # type: ignore[arg-type]
    optimal = routerarena.optimality(
        rows["choice"].to_numpy(), matrix(rows, "score"), matrix(rows, "cost")
    )
    per_thousand = 1000 * costs[0] if cost_unit == "USD" else np.nan
    return {
        "aiq": aiq,
        "aiq_zero": aiq_zero,
        "aiq_gain": aiq - aiq_zero,
        "performance_gain": llmrouterbench.performance_gain(scores, single),
        "cost_saved": llmrouterbench.cost_saved(costs, scores, single_cost, single),
        "arena_score": routerarena.arena_score(scores[0], per_thousand),
        **{f"optimal_{name}": value for name, value in optimal.items()},
    }


def distances_to_front(points: Sequence[pd.DataFrame]) -> list[float]:
    """ParetoDist of each router of a comparison, pooled over all of them.

    Parameters
    ----------
    points : sequence of DataFrame
        ``metrics.price_curve`` of each router.
    """
    pool = pd.concat(points)
    return [
        llmrouterbench.distance_to_front(
            part["cost"].to_numpy(),
            part["score"].to_numpy(),
            pool["cost"].to_numpy(),
            pool["score"].to_numpy(),
        )
        for part in points
    ]
