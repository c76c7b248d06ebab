"""What each floor would predict after training on the training questions of a fold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction

from reference.facts import DECIMALS, Prediction, Question, mean

NEEDED = ("best_single", "recognised_dataset", "dataset_best")  # to compare a test at all


def trained_llms(train: Iterable[Question]) -> set[str]:
    """Return the llms with an observed training outcome."""
    return {llm for question in train for llm in question.scores}


def mean_costs(train: Sequence[Question]) -> dict[str, Fraction]:
    """Return each llm's mean over the training questions on which its cost is known."""
    seen: dict[str, list[Fraction]] = {}
    for question in train:
        for llm, cost in question.costs.items():
            seen.setdefault(llm, []).append(cost)
    return {llm: mean(costs) for llm, costs in seen.items()}


def observed(train: Iterable[Question], llm: str, dataset: str | None = None) -> list[Fraction]:
    """Return the observed training scores of an llm, of one dataset or of all."""
    return [
        question.scores[llm]
        for question in train
        if llm in question.scores and dataset in (None, question.dataset)
    ]


def macro_means(train: Sequence[Question]) -> dict[str, Fraction]:
    """Return each llm's mean over the datasets of which it was observed of the mean within each."""
    datasets = {question.dataset for question in train}
    means = {}
    for llm in trained_llms(train):
        within = [observed(train, llm, dataset) for dataset in datasets]
        means[llm] = round(mean(mean(scores) for scores in within if scores), DECIMALS)
    return means


def shrunken_means(train: Sequence[Question], dataset: str) -> dict[str, Fraction]:
    """Return each llm's mean on a dataset with one pseudo-question of its mean on everything."""
    means = {}
    for llm in trained_llms(train):
        pseudo, scores = mean(observed(train, llm)), observed(train, llm, dataset)
        means[llm] = round((sum(scores) + pseudo) / (len(scores) + 1), DECIMALS)
    return means


def floors(train: Sequence[Question], dataset: str, guess: str) -> dict[str, Prediction]:
    """Return what each floor predicts of a question of ``dataset``, which looks like ``guess``."""
    costs, single = mean_costs(train), macro_means(train)
    is_known = any(question.dataset == dataset for question in train)
    cheap = {llm: Fraction(0) for llm in trained_llms(train) if llm in costs}
    return {
        "best_single": Prediction(single, costs),
        "cheapest": Prediction(cheap, costs),
        "recognised_dataset": Prediction(shrunken_means(train, guess), costs),
        "dataset_best": Prediction(shrunken_means(train, dataset) if is_known else single, costs),
    }
