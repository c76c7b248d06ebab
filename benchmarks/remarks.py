"""What a reader must know of a table: what was left out, and what its figures rest on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.comparable import left_out
from benchmarks.comparison import Comparison
from benchmarks.intervals import small_dataset_note
from benchmarks.stored_rows import equals_by_luck, llm_names, matrix, stored_units

_NAMED = 3  # llms, datasets or routers that a sentence names, of more


def remarks(comparison: Comparison) -> list[str]:
    """Return sentences on what a comparison could not compare; none if all was as it should be."""
    found = [
        *_of_data(comparison.groups[0][0].about.get("left_out", {})),
        *_near_duplicates(comparison.groups[0][0].about),
        *_not_compared(comparison),
        *_choices(comparison),
        _small_datasets(comparison),
        *_seeds(comparison),
        *_equals_by_luck(comparison),
    ]
    return [sentence for sentence in found if sentence]


def _of_data(lost: dict[str, int]) -> Iterable[str]:
    if n := lost.get("unanswerable"):
        yield f"{_questions(n)} that no llm of the zoo can answer {_are(n)} left out."
    if n := lost.get("unasked"):
        yield f"{_questions(n)} without an outcome of any llm of the zoo {_are(n)} left out."


def _near_duplicates(about: Mapping[str, Any]) -> Iterable[str]:
    """Speak of near-duplicates unless the split keeps them on one side."""
    n = about.get("n_near_duplicates", 0) - about.get("n_duplicates", 0)
    kept = (about.get("config", {}).get("split") or {}).get("near_duplicates")
    if n > 0 and kept is None:
        at = about["near_duplicates_at"]
        yield (
            f"{_questions(n)} nearly {'repeat' if n != 1 else 'repeats'} another one (similarity "
            f"{at} or more), maybe on the other side of the split; split.near_duplicates={at} "
            "keeps them on one."
        )


def _not_compared(comparison: Comparison) -> Iterable[str]:
    lost = left_out(comparison.tested, comparison.rows)
    if lost.empty:
        return
    n_of = [f"{n} of {name}" for name, n in lost["dataset"].value_counts().items()]
    llms = np.array(llm_names(lost))[~np.isnan(matrix(lost, "score")).all(axis=0)]
    yield (
        f"{_questions(len(lost))} ({_some(n_of)}) {_are(len(lost))} left out for every policy "
        "alike: what was observed there is of llms that have no outcome in training "
        f"({_some(llms)})."
    )
    if gone := sorted(set(lost["dataset"]) - set(_questions_of(comparison)["dataset"])):
        yield f"So there is no figure for {_some(gone)}."


def _small_datasets(comparison: Comparison) -> str:
    """Name the datasets of few questions; where questions are grouped, of few groups."""
    questions = _questions_of(comparison)
    units = stored_units([questions], pd.Index(questions["question_id"]))
    if units is None:
        return small_dataset_note(questions["dataset"])
    once = questions.assign(unit=units).drop_duplicates(["dataset", "unit"])
    return small_dataset_note(once["dataset"], units="groups of questions")


def _questions_of(comparison: Comparison) -> pd.DataFrame:
    """Return a row of each question that is compared."""
    frames = [rows for by_seed in comparison.rows for rows in by_seed.values()]
    return pd.concat(frames).drop_duplicates("question_id")


def _choices(comparison: Comparison) -> Iterable[str]:
    if len(llm_names(next(iter(comparison.rows[0].values())))) == 1:
        return
    choice = min(float(row["choice_share"]) for row in comparison.counts)
    if choice == 0:
        yield (
            "Nothing can be told from this table: of every question the outcome of one llm only is "
            "known, so that all policies make the same choices."
        )
    elif choice < 1:
        yield f"There is a choice between llms on {choice:.1%} of the tests."
    single = min(float(row["best_single_share"]) for row in comparison.counts)
    if single < 1:
        yield (
            f"The best single llm was observed on {single:.1%} of the tests; elsewhere the floor "
            "of that name takes the next best that was: it is a mixture."
        )


def _seeds(comparison: Comparison) -> Iterable[str]:
    by_router = {
        label: " ".join(map(str, rows))
        for label, rows in zip(comparison.labels, comparison.rows, strict=True)
    }
    if len(set(by_router.values())) == 1:
        return
    yield (
        "Routers were run with different seeds: compare one with the floors and bounds of its own "
        "seeds, as its gap and its lift do. Letters come from the seeds that both have."
    )
    if alone := [label for label in by_router if not _shares_a_seed(label, by_router)]:
        yield f"No letter compares what shares no seed with any other router: {_some(alone)}."


def _shares_a_seed(label: str, by_router: dict[str, str]) -> bool:
    others = " ".join(seeds for name, seeds in by_router.items() if name != label)
    return bool(set(by_router[label].split()) & set(others.split()))


def _equals_by_luck(comparison: Comparison) -> Iterable[str]:
    """Name the routers that have no interval against a floor."""
    for floor, figure in (("recognised_dataset", "lift"), ("best_single", "gap closed")):
        lucky = [
            label
            for label, by_seed in zip(comparison.labels, comparison.rows, strict=True)
            if equals_by_luck(by_seed.values(), floor)
        ]
        if lucky:
            yield (
                f"{_some(lucky)} scored as {floor} on every question, though other llms were "
                f"chosen: that {figure} of 0 has no interval. In a dataset of n questions the "
                "scores may differ by 3/n."
            )


def _questions(n: int) -> str:
    return f"{n:,} question" + ("s" if n != 1 else "")


def _are(n: int) -> str:
    return "are" if n != 1 else "is"


def _some(names: Iterable[str]) -> str:
    """Return the names, or the first of them and how many there are."""
    every = list(map(str, names))
    more = f" and {len(every) - _NAMED} more" if len(every) > _NAMED else ""
    return ", ".join(every[:_NAMED]) + more
