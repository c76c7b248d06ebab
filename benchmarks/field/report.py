"""The field's metrics that rows can tell, an entry each: further columns of the leaderboard.

Scores are macro means; the best single llm is the floor, chosen on train, except in
``value_over_best_single``, whose source picks it on test. Seeds are pooled, except in ``brier`` and
``calibration_error``, means over llms and seeds (the bias of the latter depends on the sample's
size).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd

from benchmarks.field import calibration, llmrouterbench, routerarena, routerbench, routereval
from benchmarks.metric import Metric
from benchmarks.points import llm_points
from benchmarks.results import POINTS, Results
from benchmarks.scoring import chosen
from benchmarks.stored_rows import LLM, column_of, eligible, matrix

_SCORES, _COSTS = f"score/{LLM}", f"cost/{LLM}"
_PREDICTED = f"predicted_score/{LLM}"
_BEST = column_of("best_single")
_FIELD = ("field",)


def _llms(found: Results) -> pd.DataFrame:
    return llm_points(found.runs)


def _value_over_best_single(found: Results) -> float:
    scores = found.once(_llms)["score"].to_numpy()
    return routereval.value_over_best_single(found.score(), scores)


def _question_entropy(found: Results) -> float:
    predicted, scores = (matrix(found.rows, what) for what in ("predicted_score", "score"))
    return routereval.question_entropy(routereval.best_llm_probabilities(predicted, scores))


def _gain(over: str) -> Callable[[Results], float]:
    return lambda found: float(llmrouterbench.gain(found.score(), found.score(over)))


def _gap_oracle(found: Results) -> float:
    return float(llmrouterbench.gap_to_oracle(found.score(), found.score("oracle")))


def _few_solve(found: Results) -> tuple[float, float]:
    scores, choice = matrix(found.rows, "score"), found.rows["choice"].to_numpy()
    # how many llms solve a question is known only if each that can answer was asked
    whole = ~(np.isnan(scores) & eligible(found.rows)).any(axis=1)
    return llmrouterbench.score_where_few_solve(chosen(scores, choice)[whole], scores[whole])


def _calibration(found: Results) -> dict[str, float]:
    of_llms = calibration.by_llm(found.runs)
    return {name: float(of_llms[name].mean()) for name in ("brier", "calibration_error")}


def _points(found: Results) -> tuple[np.ndarray, np.ndarray]:
    """Return the costs and the scores of a router's operating points."""
    assert found.points is not None
    return found.points["cost"].to_numpy(), found.points["score"].to_numpy()


def _aiq(found: Results) -> tuple[float, float]:
    llms = found.once(_llms)
    return routerbench.aiq_over_zero(
        *_points(found), llms["cost"].to_numpy(), llms["score"].to_numpy()
    )


def _aiq_gain(found: Results) -> float:
    mine, zero = found.once(_aiq)
    return mine - zero


def _performance_gain(found: Results) -> float:
    _, scores = _points(found)
    return llmrouterbench.performance_gain(scores, found.score("best_single"))


def _cost_saved(found: Results) -> float:
    reference = found.cost("best_single"), found.score("best_single")
    return llmrouterbench.cost_saved(*_points(found), *reference)


def _arena_score(found: Results) -> float:
    costs, scores = _points(found)
    per_thousand = 1000 * costs[0] if found.cost_unit == "USD" else np.nan
    return routerarena.arena_score(scores[0], per_thousand)


def _optimality(found: Results) -> dict[str, float]:
    outcomes = (matrix(found.rows, what) for what in ("score", "cost"))
    return routerarena.optimality(found.rows["choice"].to_numpy(), *outcomes)


def _distance_to_front(found: Results) -> float:
    pool = found.points if found.pool is None else found.pool
    assert pool is not None
    return llmrouterbench.distance_to_front(
        *_points(found), pool["cost"].to_numpy(), pool["score"].to_numpy()
    )


_entry = partial(Metric, format=".3f", tables=())

FIELD = (
    _entry(
        "value_over_best_single",
        _value_over_best_single,
        "V_B",
        "macro score over that of the llm that is best on test (RouterEval)",
        better="higher",
        needs=("score", _SCORES),
        tables=_FIELD,
    ),
    _entry(
        "question_entropy",
        _question_entropy,
        "entropy of a question, bits",
        "how undecided its predictions are between llms, 0 to log2 m (RouterEval)",
        format=".2f",
        needs=(_PREDICTED, _SCORES),
    ),
    _entry(
        "gain_random",
        _gain("random"),
        "Gain@R",
        "macro score over random, less 1 (LLMRouterBench)",
        better="higher",
        format="+.1%",
        needs=("score", column_of("random")),
    ),
    _entry(
        "gain_best_single",
        _gain("best_single"),
        "Gain@B",
        "macro score over best single, less 1 (LLMRouterBench)",
        better="higher",
        format="+.1%",
        needs=("score", _BEST),
        tables=_FIELD,
    ),
    _entry(
        "gap_oracle",
        _gap_oracle,
        "Gap@O",
        "1 less macro score over oracle (LLMRouterBench)",
        better="lower",
        format=".1%",
        needs=("score", column_of("oracle")),
        tables=_FIELD,
    ),
    _entry(
        "few_solve_score",
        lambda found: found.once(_few_solve)[0],
        "score where few solve",
        "mean score on the questions that some but few llms solve (LLMRouterBench)",
        better="higher",
        needs=("choice", _SCORES),
        tables=_FIELD,
    ),
    _entry(
        "few_solve_share",
        lambda found: found.once(_few_solve)[1],
        "few solve",
        "share of the questions that some but few llms solve",
        format=".1%",
        needs=("choice", _SCORES),
    ),
    _entry(
        "brier",
        lambda found: found.once(_calibration)["brier"],
        "Brier",
        "mean squared error of the predicted scores, mean over llms",
        better="lower",
        needs=(_PREDICTED, _SCORES),
        tables=_FIELD,
    ),
    _entry(
        "calibration_error",
        lambda found: found.once(_calibration)["calibration_error"],
        "ECE",
        "how far predicted scores lie from those reached, in ten bins, mean over llms",
        better="lower",
        needs=(_PREDICTED, _SCORES),
        tables=_FIELD,
    ),
    _entry(
        "aiq",
        lambda found: found.once(_aiq)[0],
        "AIQ",
        "mean height of its cost-score hull over the range of the llms' costs (RouterBench)",
        better="higher",
        needs=(POINTS, _SCORES, _COSTS),
    ),
    _entry(
        "aiq_zero",
        lambda found: found.once(_aiq)[1],
        "AIQ of the zero router",
        "the same of a mixture of llms that reads no question",
        needs=(POINTS, _SCORES, _COSTS),
    ),
    _entry(
        "aiq_gain",
        _aiq_gain,
        "AIQ over zero router",
        "the difference of the two",
        better="higher",
        format="+.3f",
        needs=(POINTS, _SCORES, _COSTS),
        tables=_FIELD,
    ),
    _entry(
        "performance_gain",
        _performance_gain,
        "PerfGain",
        "best macro score among its operating points over best single, less 1 (LLMRouterBench)",
        better="higher",
        format="+.1%",
        needs=(POINTS, _BEST),
    ),
    _entry(
        "cost_saved",
        _cost_saved,
        "CostSave",
        "largest cut in cost among its operating points as good as best single (LLMRouterBench)",
        better="higher",
        format="+.1%",
        needs=(POINTS, _BEST, column_of("best_single", "cost")),
    ),
    _entry(
        "arena_score",
        _arena_score,
        "arena score",
        "macro score and cheapness in one, for costs in USD (RouterArena)",
        better="higher",
        needs=(POINTS,),
    ),
    _entry(
        "optimal_choice",
        lambda found: found.once(_optimality)["choice"],
        "optimal choices",
        "share of the solvable questions sent to a cheapest right llm (RouterArena)",
        better="higher",
        needs=("choice", _SCORES, _COSTS),
    ),
    _entry(
        "optimal_cost",
        lambda found: found.once(_optimality)["cost"],
        "optimal cost",
        "cost of always doing so over its own cost (RouterArena)",
        better="higher",
        needs=("choice", _SCORES, _COSTS),
    ),
    _entry(
        "optimal_score",
        lambda found: found.once(_optimality)["score"],
        "optimal score",
        "mean score on the solvable questions (RouterArena)",
        better="higher",
        needs=("choice", _SCORES, _COSTS),
    ),
    _entry(
        "distance_to_front",
        _distance_to_front,
        "ParetoDist",
        "mean distance of its operating points to the front of all routers (LLMRouterBench)",
        better="lower",
        needs=(POINTS,),
    ),
)
