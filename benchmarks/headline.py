"""The suite's own metrics: scores, what they lead by, costs, choices and time. An entry each."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from benchmarks.intervals import interval
from benchmarks.metric import Metric
from benchmarks.points import cost_to_match
from benchmarks.results import POINTS, Results
from benchmarks.scoring import dataset_means, gap_closed, mean, selection_entropy
from benchmarks.stored_rows import LLM, column_of, llm_names

_BEST, _GUESSED = "best_single", "recognised_dataset"
_CHOICES = ("choice", f"score/{LLM}")

# What each floor and bound is: how tables call it, and the glossary.
REFERENCES = {
    "random": (
        "random, analytic",
        "floor: an llm drawn evenly from those observed, its score worked out exactly",
    ),
    "cheapest": ("cheapest", "floor: the llm of the lowest mean cost in train"),
    _BEST: (
        "best single, chosen on train",
        "floor: one llm always, of the best macro score in train",
    ),
    _GUESSED: (
        "recognised dataset",
        "floor: guess the dataset from the text, take the llm that is best on it in train",
    ),
    "dataset_best": (
        "dataset-best, told the dataset",
        "reference: the same without guessing; chosen on train, so it can be beaten",
    ),
    "corrected_oracle": (
        "oracle without lucky guesses",
        "bound: an oracle that cannot foresee luck on multiple choice",
    ),
    "oracle": ("oracle", "bound: the best llm of each question, known afterwards"),
}
_ASKS_NONE = "corrected_oracle"  # a bound that no llm stands for, so that it costs nothing


def _gap(found: Results) -> float:
    return gap_closed(found.score(), found.score(_BEST), found.score("oracle"))


def _gap_interval(found: Results) -> tuple[float, float]:
    drawn = found.paired.replicates
    gaps = gap_closed(drawn["router"], drawn[_BEST], drawn["oracle"])
    if not np.isnan(_gap(found)):  # who scores as the best single llm closes none, however wide
        gaps = np.where(drawn["router"] == drawn[_BEST], 0.0, gaps)
    return found.interval_against(_BEST, gaps, (-np.inf, 1))  # none beats the oracle


def _lead(over: str) -> Callable[[Results], float]:
    return lambda found: found.score() - found.score(over)


def _lead_interval(over: str) -> Callable[[Results], tuple[float, float]]:
    def ends(found: Results) -> tuple[float, float]:
        drawn = found.paired.replicates
        return found.interval_against(over, drawn["router"] - drawn[over])

    return ends


def _macro_interval(found: Results) -> tuple[float, float]:
    return interval(found.paired.replicates["router"], within=(0, 1))


def _known_share(found: Results) -> float:
    scored = ~np.isnan(found.panel.scores["router"])
    known = scored & ~np.isnan(found.panel.costs["router"])
    return float(known.sum() / (scored.sum() or np.nan))


def _cost_to_match(found: Results) -> float:
    assert found.points is not None
    return cost_to_match(found.points, found.score(_BEST), found.cost(_BEST))


def selection_share(runs: list[pd.DataFrame]) -> dict[str, float]:
    """Share of questions sent to each llm, over all seeds; NaN if nothing could be sent."""
    names = llm_names(runs[0])
    choice = np.concatenate([run["choice"].to_numpy() for run in runs])
    count = np.bincount(choice[choice >= 0], minlength=len(names))
    share = count / (count.sum() or np.nan)
    return dict(zip(names, share.tolist(), strict=True))


def _shares(found: Results) -> dict[str, float]:
    return selection_share(found.runs)


def _of_datasets(found: Results) -> dict[str, float]:
    return dataset_means(found.panel.scores["router"], found.panel.by_dataset)


def _seconds(name: str) -> Callable[[Results], float]:
    return lambda found: float(np.mean(found.timing[name]))


def _reference(policy: str) -> Metric:
    label, explanation = REFERENCES[policy]
    return Metric(
        policy,
        lambda found: found.score(policy),
        label,
        explanation,
        better="higher",
        format=".3f",
        needs=(column_of(policy),),
        tables=(),
    )


def _reference_cost(policy: str) -> Metric:
    label = f"cost of {REFERENCES[policy][0].partition(',')[0]}"
    return Metric(
        f"cost_{policy}",
        lambda found: found.cost(policy),
        label,
        f"mean {label}",
        better="lower",
        needs=(column_of(policy), column_of(policy, "cost")),
        tables=(),
    )


def _timing(name: str, label: str, explanation: str, better: str, shown: bool = False) -> Metric:
    tables = ("leaderboard",) if shown else ()
    needs = (name,)
    return Metric(name, _seconds(name), label, explanation, better, needs=needs, tables=tables)


COUNTS = (
    Metric(
        "n_seeds",
        lambda found: len(found.runs),
        "seeds",
        "number of seeds that it was run with",
        format=",d",
        needs=("question_id",),
        tables=(),
    ),
    Metric(
        "n_questions",
        lambda found: len(found.panel.datasets),
        "questions",
        "number of questions that it was compared on",
        format=",d",
        needs=("question_id",),
        tables=(),
    ),
    Metric(
        "n_llms",
        lambda found: len(llm_names(found.runs[0])),
        "llms",
        "size of the zoo",
        format=",d",
        needs=(f"score/{LLM}",),
        tables=(),
    ),
)

SCORES = (
    Metric(
        "macro_score",
        lambda found: found.score(),
        "macro score",
        "mean over datasets of the mean score within each, the headline",
        better="higher",
        format=".3f",
        interval=_macro_interval,
        ends="macro",
    ),
    Metric(
        "micro_score",
        lambda found: mean(found.panel.scores["router"]),
        "micro score",
        "mean score over all questions alike, whatever their dataset",
        better="higher",
        format=".3f",
        tables=(),
    ),
    Metric(
        "gap_closed",
        _gap,
        "gap closed",
        "(router − best single) / (oracle − best single): 0 is the best single llm, 1 the oracle",  # noqa: RUF001
        better="higher",
        format="+.2f",
        needs=("score", column_of(_BEST), column_of("oracle")),
        interval=_gap_interval,
        ends="gap",
    ),
    Metric(
        "lead_best_single",
        _lead(_BEST),
        "lead over best single",
        "macro score above best single",
        better="higher",
        format="+.3f",
        needs=("score", column_of(_BEST)),
        interval=_lead_interval(_BEST),
        ends="lead",
        tables=(),
    ),
    Metric(
        "lift_recognised",
        _lead(_GUESSED),
        "lift over recognised dataset",
        "macro score above recognised dataset",
        better="higher",
        format="+.3f",
        needs=("score", column_of(_GUESSED)),
        interval=_lead_interval(_GUESSED),
        ends="lift",
    ),
    Metric(
        "regret",
        lambda found: found.score("oracle") - found.score(),
        "regret",
        "macro score below the oracle",
        better="lower",
        format=".3f",
        needs=("score", column_of("oracle")),
        tables=(),
    ),
)

COSTS = (
    Metric(
        "cost",
        lambda found: found.cost(),
        "cost",
        "mean cost of its choices, averaged as the macro score is; unknown if one of them is",
        better="lower",
        needs=("score", "cost"),
    ),
    Metric(
        "cost_known",
        _known_share,
        "cost known",
        "share of its choices whose cost is known",
        format=".0%",
        needs=("score", "cost"),
        tables=(),
    ),
    *(_reference_cost(policy) for policy in REFERENCES if policy != _ASKS_NONE),
    Metric(
        "cost_to_match_best_single",
        _cost_to_match,
        "cost to match best single",
        "least cost among its operating points at no loss against best single",
        better="lower",
        needs=(POINTS, column_of(_BEST), column_of(_BEST, "cost")),
        tables=(),
    ),
)

CHOICES = (
    Metric(
        "selection_entropy",
        lambda found: selection_entropy(found.once(_shares)),
        "entropy, bits",
        "entropy of the shares of questions sent to each llm: 0 if always the same, to log2 m",
        format=".2f",
        needs=_CHOICES,
        tables=("leaderboard", "field"),
    ),
    Metric(
        "largest_share",
        lambda found: max(found.once(_shares).values()),
        "largest share",
        "largest of these shares",
        format=".1%",
        needs=_CHOICES,
        tables=(),
    ),
)

BESIDE = (
    *map(_reference, REFERENCES),
    Metric(
        "score_<dataset>",
        _of_datasets,
        "score on a dataset",
        "mean score within a dataset, a column each",
        better="higher",
        format=".3f",
        tables=(),
    ),
)

TIMES = (
    _timing("fit_seconds", "fit, s", "seconds to fit, mean over folds and seeds", "lower", True),
    _timing("route_qps", "questions/s", "questions that it routes in a second", "higher", True),
    _timing(
        "encode_seconds",
        "encoding, s",
        "seconds that a question takes in pretrained networks, mean over seeds",
        "lower",
    ),
    Metric(
        "peak_memory_mb",
        lambda found: float(max(found.timing["peak_memory_mb"])),
        "peak memory, MB",
        "largest resident memory of the process, over seeds",
        better="lower",
        needs=("peak_memory_mb",),
        tables=(),
    ),
)

HEADLINE = (*COUNTS, *SCORES, *COSTS, *CHOICES, *BESIDE)
