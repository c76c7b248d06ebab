"""With groups of questions, suite and reference agree on who is told apart and on every error."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from recipes import Recipe
from reference.boards import is_compared
from reference.moments import macro_variance
from reference.significance import corrected_p_values
from test_interval_variances import Known

from benchmarks.intervals import bootstrap_macro
from benchmarks.scoring import macro_mean
from benchmarks.significance import holm, pair_p_values
from benchmarks.stored_rows import Panel, panel

GROUPS = ("none", "some", "across datasets", "one question each")
MISSING = {"groups": "some", "observed": "some"}
RECIPES = [
    *(Recipe(groups=name, sizes=(12, 8), seeds=((0,),) * 3, n_llms=4) for name in GROUPS),
    Recipe(groups="across datasets", sizes=(9, 1, 6), seeds=((0, 1),) * 3, scores="quarters"),
    Recipe(**MISSING, sizes=(15, 9), seeds=((0, 1), (0,), (1,))),
    Recipe(**MISSING, duplicates=True, sizes=(10, 6), seeds=((0,),) * 3),
]


def rows_by_seed(board):
    """Return the rows of each router by seed."""
    return {
        label: {run.about["seed"]: run.rows() for run in board.runs if run.about["label"] == label}
        for label in board.plan
    }


@pytest.mark.parametrize("recipe", RECIPES, ids=str)
def test_p_values(recipe):
    board = recipe.board()
    rows = rows_by_seed(board)
    left = {test.question.id for test in board.comparison.tests() if not is_compared(test)}
    routers = [
        {seed: run[~run["question_id"].isin(left)] for seed, run in rows[label].items()}
        for label in sorted(rows)
    ]
    exact = corrected_p_values(board.comparison)
    found = holm(np.nan_to_num(pair_p_values(routers), nan=1.0))
    for (place, one), (row, other) in combinations(enumerate(sorted(rows)), 2):
        assert found[place, row] == pytest.approx(float(exact[one, other]), abs=0.02)


def test_groups_change_p_values():
    """Else nothing would be held together above."""
    values = []
    for name in GROUPS:
        exact = corrected_p_values(replace(RECIPES[0], groups=name).board().comparison)
        values.append(sorted(exact.values()))
    assert values[0] == values[3]
    assert values[0] != values[1] != values[2]


@pytest.mark.parametrize("recipe", RECIPES, ids=str)
def test_errors_of_macro_scores(recipe):
    board = recipe.board()
    tests = [test for test in board.comparison.tests() if is_compared(test)]
    for label, by_seed in rows_by_seed(board).items():
        own = [test for test in tests if test.seed in by_seed]
        kept = {(test.seed, test.question.id) for test in own}
        runs = [
            run[[(seed, name) in kept for name in run["question_id"]]]
            for seed, run in by_seed.items()
        ]
        whole = panel(runs)
        alone = Panel(whole.datasets, {"router": whole.scores["router"]}, {}, whole.groups)
        point = macro_mean(alone.scores["router"], alone.datasets)
        error = bootstrap_macro(alone, Known(), 1)["router"][0] - point
        assert error**2 == pytest.approx(macro_variance(own, label), abs=1e-9), label
