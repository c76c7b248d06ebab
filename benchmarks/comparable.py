"""Which tests all policies of a table can be compared on, and how many there are of what.

A policy can be judged on a question only if an llm that it knows was observed there. Were each
averaged over the questions that it happens to have a choice on, a floor could stand above the
oracle. So a test (a question in a seed) on which any of them has none is left out for all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import pandas as pd

from benchmarks.comparison import Place, group_runs, place_of
from benchmarks.store import Run
from benchmarks.stored_rows import eligible, matrix

# "cheapest" is not among them: where a cost is unknown it is the floor that is unknown.
_CHOICES = ("choice", "choice/best_single", "choice/recognised_dataset", "choice/dataset_best")

BySeed = Mapping[int, pd.DataFrame]


@dataclass(frozen=True)
class Comparison:
    """The routers of one table.

    Attributes
    ----------
    groups : list of list of Run
        The runs of each router, one per seed.
    tested : list of dict of seed to DataFrame
        The rows of each router, as they are stored.
    rows : list of dict of seed to DataFrame
        Those that all policies are compared on.
    """

    groups: list[list[Run]]
    tested: Sequence[BySeed]
    rows: Sequence[BySeed]

    @property
    def place(self) -> Place:
        """What is compared, see ``benchmarks.comparison``."""
        return place_of(self.groups[0][0])

    @property
    def labels(self) -> list[str]:
        """Names of the routers."""
        return [str(group[0].about["label"]) for group in self.groups]

    @property
    def cost_unit(self) -> str:
        """What costs are counted in."""
        return str(self.groups[0][0].about["cost_unit"])


def comparisons(runs: Iterable[Run]) -> Iterator[Comparison]:
    """Gather stored runs into tables, one at a time: their rows are read here."""
    for _, gathered in groupby(group_runs(runs), key=lambda group: place_of(group[0])):
        groups = list(gathered)
        tested = [{run.about["seed"]: run.rows() for run in group} for group in groups]
        yield Comparison(groups, tested, compared(tested))


def has_choice(rows: pd.DataFrame) -> np.ndarray:
    """Return on which tests the router and the floors have a choice, shape (n,)."""
    return (rows[list(_CHOICES)] >= 0).all(axis=1).to_numpy()


def without_choice(rows: pd.DataFrame) -> set[str]:
    """Return the ids of the questions on which the router or a floor has no choice."""
    return set(rows.loc[~has_choice(rows), "question_id"])


def compared(routers: Sequence[BySeed]) -> list[dict[int, pd.DataFrame]]:
    """Return the rows of each router and seed without the tests that some router has no choice on.

    Parameters
    ----------
    routers : sequence of dict of seed to DataFrame
        ``Evaluation.rows`` of the routers of one table.
    """
    without: dict[int, set[str]] = {}
    for by_seed in routers:
        for seed, rows in by_seed.items():
            without.setdefault(seed, set()).update(without_choice(rows))
    return [
        {seed: _without(rows, without[seed]) for seed, rows in by_seed.items()}
        for by_seed in routers
    ]


def _without(rows: pd.DataFrame, ids: set[str]) -> pd.DataFrame:
    return rows[~rows["question_id"].isin(ids)] if ids else rows


def counts(tested: BySeed, rows: BySeed) -> dict[str, float | str]:
    """Return what one router's figures rest on: pairs, outcomes, and how often there is a choice.

    Parameters
    ----------
    tested, rows : dict of seed to DataFrame
        Of one router of a :class:`Comparison`.

    Returns
    -------
    dict
        ``seeds``; ``n_not_compared``: questions of which some test is left out; ``n_pairs``,
        ``n_outcomes``: (question, llm) pairs of the others that are eligible, and observed;
        ``choice_share``: share of tests on which at least two llms can be chosen;
        ``best_single_share``: share on which the best single llm itself was observed. Shares are
        NaN where there is no test, the latter also in rows that do not say which llm it is.
    """
    tests = pd.concat(rows.values())
    questions = tests.drop_duplicates("question_id")
    possible = ~np.isnan(matrix(tests, "score") + matrix(tests, "predicted_score"))
    return {
        "seeds": " ".join(map(str, rows)),
        "n_not_compared": len(left_out([tested], [rows])),
        "n_pairs": int(eligible(questions).sum()),
        "n_outcomes": int((~np.isnan(matrix(questions, "score"))).sum()),
        "choice_share": _share(possible.sum(axis=1) > 1),
        "best_single_share": _best_single_share(tests),
    }


def left_out(tested: Sequence[BySeed], rows: Sequence[BySeed]) -> pd.DataFrame:
    """Return the stored tests that are not compared, one row per question."""
    parts = [
        whole[~whole["question_id"].isin(rows[place][seed]["question_id"])]
        for place, by_seed in enumerate(tested)
        for seed, whole in by_seed.items()
    ]
    return pd.concat(parts).drop_duplicates("question_id")


def _best_single_share(tests: pd.DataFrame) -> float:
    if "best_single_llm" not in tests:
        return float("nan")
    scores, best = matrix(tests, "score"), tests["best_single_llm"].to_numpy()
    return _share(~np.isnan(scores[np.arange(len(tests)), best]))


def _share(flags: np.ndarray) -> float:
    return float(flags.mean()) if len(flags) else float("nan")
