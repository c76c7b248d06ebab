"""Every figure of the suite is that of the second implementation (tests/reference)."""

from dataclasses import replace

import pytest
from held_together import disagreements
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from made_boards import HashRouter
from recipes import Recipe

from benchmarks.leaderboard import leaderboard
from benchmarks.splits import holdout

MIXED_SEEDS = ((0, 1), (0,), (1,))
CORNERS = {
    "complete": Recipe(),
    "one llm": Recipe(n_llms=1, chance="even"),
    "six llms, a dataset of one question": Recipe(n_llms=6, sizes=(9, 1, 4, 2)),
    "fractional scores, options": Recipe(scores="quarters", chance="even"),
    "every llm alike": Recipe(scores="equal", costs="equal"),
    "constant scores": Recipe(scores="constant", costs="free"),
    "outcomes missing": Recipe(observed="some", n_llms=4, sizes=(9, 6)),
    "outcomes and costs missing": Recipe(observed="some", costs="some", sizes=(9, 6)),
    "a log of one llm each": Recipe(observed="one each", sizes=(9, 6)),
    "an llm without outcomes": Recipe(observed="not llm", chance="mixed"),
    "a dataset without outcomes": Recipe(observed="not dataset", sizes=(3, 6, 5)),
    "an llm without outcomes on a dataset": Recipe(observed="not both", costs="free"),
    "a newcomer": Recipe(observed="newcomer", split="uneven", sizes=(9, 6)),
    "newcomers": Recipe(observed="some", split="uneven", n_llms=5, sizes=(10, 6)),
    "no costs": Recipe(costs="none", scores="quarters"),
    "an llm without costs": Recipe(costs="not llm", seeds=((0,), (0,), (0,))),
    "costs missing": Recipe(costs="some", n_llms=2, sizes=(6, 6)),
    "a free llm": Recipe(costs="free", seeds=((0,), (0,), (0,))),
    "ineligible pairs": Recipe(eligible="some", n_llms=4, chance="mixed"),
    "an llm ineligible on a dataset": Recipe(eligible="not both", observed="some"),
    "numbers of options": Recipe(chance="mixed", sizes=(14, 8), split="holdout"),
    "questions twice": Recipe(duplicates=True, split="holdout", sizes=(12, 8)),
    "other seeds": Recipe(seeds=((0, 1, 2), (0,), (1,)), observed="some"),
    "no seed in common": Recipe(seeds=((0,), (1,)), split="uneven"),
    "groups": Recipe(groups="some", sizes=(12, 8)),
    "groups across datasets": Recipe(groups="across datasets", split="holdout", sizes=(12, 8)),
    "groups, outcomes missing": Recipe(groups="some", observed="some", duplicates=True),
    "groups of one question": Recipe(groups="one question each"),
    "costs by proxy": Recipe(cost_unit="core-seconds", split="uneven"),
}


@pytest.mark.parametrize("corner", CORNERS)
def test_figures_at_every_corner(corner):
    assert disagreements(CORNERS[corner].board()) == []


def one_of(*values):
    return st.sampled_from(values)


@settings(
    max_examples=12,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.generate],  # a board takes a second: too long to shrink
    suppress_health_check=list(HealthCheck),
)
@given(
    st.builds(
        Recipe,
        seed=st.integers(0, 1000),
        n_llms=st.integers(1, 6),
        sizes=one_of((4,), (7, 3), (9, 1, 5), (2, 8, 3, 1), (24, 16)),
        scores=one_of("binary", "quarters", "constant", "equal"),
        observed=one_of("all", "some", "one each", "not llm", "not both", "newcomer"),
        costs=one_of("known", "none", "some", "not llm", "free", "equal"),
        eligible=one_of("all", "some", "not both"),
        chance=one_of("open", "mixed", "even"),
        duplicates=st.booleans(),
        split=one_of("kfold", "holdout", "uneven"),
        seeds=one_of(((0,), (0,)), ((0, 1), (1, 2)), ((0,), (1,), (0, 1))),
        cost_unit=one_of("USD", "core-seconds"),
        groups=one_of("none", "some", "across datasets"),
    )
)
def test_figures_where_corners_meet(recipe):
    assert disagreements(recipe.board()) == []


def test_the_latest_run_of_a_seed_counts_whatever_the_order():
    board = Recipe().board()
    stale = board.run("hash", HashRouter(5), 0, finished="2026-01-01")
    expected = leaderboard(board.runs)
    for runs in ([stale, *board.runs], [*reversed(board.runs), stale]):
        assert leaderboard(runs).equals(expected)


def test_runs_of_other_settings_are_a_table_of_their_own():
    # same routers, seeds and outcomes: in one table the later run would hide the other
    board = Recipe(sizes=(12, 8)).board()
    small, large = (
        replace(
            board,
            folds={seed: holdout(board.table, seed, share) for seed in board.folds},
            config={"split": {"shares": [share]}},  # a list: column "settings" is blank
        )
        for share in (0.2, 0.8)
    )
    assert disagreements(small, beside=large.runs) == []
    assert disagreements(large, beside=small.runs) == []
