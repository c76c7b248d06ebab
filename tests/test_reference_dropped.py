"""A tenth of outcomes and of costs is dropped: every table shows the reference's figures."""

import math
import random
from dataclasses import replace

import numpy as np
import pytest
from held_together import disagreements
from made_boards import NAN, HashRouter
from promised import measured
from recipes import NAMES, Recipe
from reference import leaderboard_rows
from reference.facts import questions_of

from benchmarks import budget
from benchmarks.leaderboard import leaderboard
from benchmarks.leaderboard_text import to_field_markdown
from benchmarks.writing import number

WHOLE = Recipe(
    n_llms=4, sizes=(30, 20, 10), scores="quarters", chance="mixed", seeds=((0, 1), (0,), (0,))
)
FIELD = {  # as field.md shows them
    "value_over_best_single": ".3f",
    "selection_entropy": ".2f",
    "aiq_gain": "+.3f",
    "gain_best_single": "+.1%",
    "gap_oracle": ".1%",
    "brier": ".3f",
    "calibration_error": ".3f",
    "few_solve_score": ".3f",
}


def without_a_tenth(values, llms, seed):
    """Return values (n, m) without a tenth of them, all of these llms."""
    values = values.copy()
    pairs = [(row, llm) for row in range(len(values)) for llm in llms]
    for place in random.Random(seed).sample(pairs, values.size // 10):
        values[place] = NAN
    return values


@pytest.fixture(scope="module", params=["at random", "of one llm"])
def dropped(request):
    board = WHOLE.board()
    table = board.table
    of_scores, of_costs = (range(4), range(4)) if request.param == "at random" else ([1], [2])
    table = replace(
        table,
        scores=without_a_tenth(table.scores, of_scores, 0),
        costs=without_a_tenth(table.costs, of_costs, 1),
    )
    return replace(board, table=table)


def test_leaderboard_and_calibration(dropped):
    assert disagreements(dropped) == []
    row = leaderboard(dropped.runs).iloc[0]
    assert (row["n_pairs"], row["n_outcomes"], row["n_not_compared"]) == (240, 216, 0)


def test_field(dropped):
    text = to_field_markdown(leaderboard(dropped.runs))
    for router, row in leaderboard_rows(dropped.comparison).items():
        values = [math.nan if row[name] is None else float(row[name]) for name in FIELD]
        shown = " | ".join(map(number, values, FIELD.values()))
        assert f"| **{router}** | {shown} |" in text


@pytest.fixture
def asked(monkeypatch):
    """Return a list that each solver appends to: what it was promised, and what it chose."""
    calls = []

    def recorded(solve):
        def solver(batch, kind, promise, capacity):
            choice, bound = solve(batch, kind, promise, capacity)
            calls.append((promise, capacity, choice))
            return choice, bound

        return solver

    for name, solve in list(budget._SOLVERS.items()):
        monkeypatch.setitem(budget._SOLVERS, name, recorded(solve))
    return calls


def askable(board, router, fold):
    """Return predictions and outcomes of a fold: what is fully known, by llm, of each question."""
    questions, told = questions_of(board.table), board.comparison.predictions[router][0]
    for name in sorted(board.comparison.folds[0][fold][1]):
        parts = [told[name].scores, told[name].costs, questions[name].scores, questions[name].costs]
        known = set.intersection(*map(set, parts))
        if known:
            yield {llm: [float(part[llm]) for part in parts] for llm in known}


def promised(batch, kind, share):
    """Return what is promised where nothing is scarce: a share of the way from worst to best."""
    cheapest = [min(llms.values(), key=lambda of: (of[1], -of[0])) for llms in batch]
    best = [min(llms.values(), key=lambda of: (-of[0], of[1])) for llms in batch]
    low, high = (np.mean(ends, axis=0)[int(kind == "cost")] for ends in (cheapest, best))
    return low + share * (high - low)


def test_budget(dropped, asked):
    """Promises are made on what is predicted and judged by what was observed."""
    names = ["predicted_score", "predicted_cost", "score", "cost"]
    found = measured(dropped.run("r", HashRouter(1), 0).rows())
    batches = [list(askable(dropped, "hash", fold)) for fold in range(2)]
    for place, (promise, capacity, choice) in enumerate(asked):
        row = found.iloc[place]
        batch = batches[2 * place // len(asked)]  # as many promises for either
        assert (row["n_questions"], row["promise"]) == (len(batch), promise)
        if np.isinf(capacity):
            assert promise == pytest.approx(promised(batch, row["kind"], row["share"]))
        taken = [llms[NAMES[place]] for llms, place in zip(batch, choice, strict=True)]
        means = dict(zip(names, np.mean(taken, axis=0), strict=True))
        assert dict(row[names]) == pytest.approx(means)
        missed = promise - means["score"], means["cost"] - promise
        assert row["violation"] == pytest.approx(missed[row["kind"] == "cost"])
    assert len(asked) == len(found) > 0
