"""Routers share a letter exactly if counting every sign flip does not tell them apart."""

from itertools import combinations

import numpy as np
import pytest
from made_boards import Board, ToldRouter
from reference.significance import corrected_p_values

from benchmarks.leaderboard import leaderboard
from benchmarks.splits import Fold
from routers.table import RoutingTable

LEVEL = 0.05
# right on how many of 24 questions of one dataset and of 12 of another, and with which seeds
SKILLS = {"best": (24, 12), "good": (19, 11), "fair": (17, 7), "poor": (6, 2)}
SEEDS = {
    "one seed": dict.fromkeys(SKILLS, (0,)),
    "two seeds": dict.fromkeys(SKILLS, (0, 1)),
    "seeds of their own": {"best": (0, 1), "good": (0,), "fair": (1, 2), "poor": (2,)},
}


def board(seeds):
    """Return a board of two llms, one right and one wrong; each seed leaves out a fifth."""
    sizes = {"alpha": 24, "beta": 12}
    names = [(dataset, number) for dataset, size in sizes.items() for number in range(size)]
    texts = [f"{dataset} {number}" for dataset, number in names]
    table = RoutingTable(
        questions=texts,
        scores=np.tile([1.0, 0.0], (len(texts), 1)),
        llms=["right", "wrong"],
        ids=texts,
        datasets=[dataset for dataset, _ in names],
        costs=[2.0, 1.0],
    )
    plan = {
        router: (ToldRouter(told(dict(zip(sizes, skill, strict=True)), names)), seeds[router])
        for router, skill in SKILLS.items()
    }
    every = np.arange(len(texts))
    folds = {seed: [Fold(every, every[every % 5 != seed])] for seed in range(3)}
    return Board(table, folds, plan)


def told(skill, names):
    return {
        f"{dataset} {number}": [1, 0] if number < skill[dataset] else [0, 1]
        for dataset, number in names
    }


@pytest.mark.parametrize("seeds", SEEDS)
def test_letters(seeds):
    made = board(SEEDS[seeds])
    group = leaderboard(made.runs).set_index("router")["group"]
    exact = corrected_p_values(made.comparison)
    told_apart = {pair: p <= LEVEL for pair, p in exact.items()}
    assert all(abs(p - LEVEL) > 0.01 for p in exact.values())  # what is drawn cannot decide
    assert set(told_apart.values()) == {True, False}
    for pair in combinations(sorted(SKILLS), 2):
        share = bool(set(group[pair[0]]) & set(group[pair[1]]))
        assert share != told_apart[pair], (pair, exact[pair])
    assert "a" in group["best"]
