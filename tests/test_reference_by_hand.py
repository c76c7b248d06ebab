"""Boards worked out by hand: the suite and the second implementation give the figures written here.

Each is trained on the questions that it is tested on, unless it says otherwise: what a floor
learns is then what one sees. ``range(33)``: right on the first 33 questions of a dataset.
"""

import math
from dataclasses import replace

import numpy as np
import pytest
from held_together import disagreements, same
from made_boards import NAN, RECOGNIZER, Board, ToldRouter
from reference import leaderboard_rows

from benchmarks.leaderboard import leaderboard
from benchmarks.splits import Fold
from routers.baselines import BestSingle
from routers.table import RoutingTable

PLAN = {"best single": (BestSingle(), [0]), "recognized": (RECOGNIZER, [0])}


def part(dataset, n, score=1.0, **right):
    """Return n questions of a dataset, answered by the llms that are named."""
    return [
        (dataset, {llm: score * (number in where) for llm, where in right.items()})
        for number in range(n)
    ]


def board_of(*parts, costs, train=None, plan=PLAN):
    """Return a board of parts; the training questions are the first ``train``, or all."""
    questions = [question for each in parts for question in each]
    table = RoutingTable(
        questions=[f"{dataset} {number}" for number, (dataset, _) in enumerate(questions)],
        scores=[[scores.get(llm, NAN) for llm in costs] for _, scores in questions],
        llms=list(costs),
        ids=[f"q{number:03d}" for number in range(len(questions))],
        datasets=[dataset for dataset, _ in questions],
        costs=list(costs.values()),
    )
    every = np.arange(len(questions))
    fold = Fold(every, every) if train is None else Fold(every[:train], every[train:])
    return Board(table, {0: [fold]}, plan)


def holds(board, router, **expected):
    """Check some figures of a router in the suite and in the reference, and that all agree."""
    found = leaderboard(board.runs).set_index("router").loc[router]
    reference = leaderboard_rows(board.comparison)[router]
    wrong = {
        name: (found[name], reference[name], value)
        for name, value in expected.items()
        if not (same(found[name], value) and same(reference[name], value))
    }
    assert not wrong
    assert disagreements(board) == []


def test_what_only_a_newcomer_answered_is_left_out_for_all():
    # tested on alpha: both right on 17, large alone on 16, small alone on 3, neither on 4
    board = board_of(
        part("alpha", 40, large=range(28), small=range(21)),
        part("alpha", 40, large=range(33), small=range(16, 36)),
        part("beta", 40, newcomer=range(10)),
        costs={"large": 1.0, "small": 0.1, "newcomer": 3.0},
        train=40,
    )
    holds(
        board,
        "best single",
        n_questions=40,
        n_not_compared=40,
        n_pairs=3 * 40,
        n_outcomes=2 * 40,
        choice_share=1,
        best_single_share=1,
        macro_score=33 / 40,
        best_single=33 / 40,
        cheapest=20 / 40,
        random=(33 + 20) / 80,
        oracle=36 / 40,
        cost_oracle=(16 * 1.0 + 24 * 0.1) / 40,  # large where it alone is right, else small
        gap_closed=0,
        regret=3 / 40,
        value_over_best_single=1,
        aiq=None,  # nobody knows what the newcomer would have scored on alpha
        few_solve_share=None,
        # predicted .7 and .525: squared errors of right and wrong answers; mean over llms
        brier=((33 * 0.3**2 + 7 * 0.7**2) / 40 + (0.475**2 + 0.525**2) / 2) / 2,
        calibration_error=((33 / 40 - 0.7) + (0.525 - 0.5)) / 2,
    )


def test_a_question_left_out_in_any_seed_counts_once():
    # the newcomer is alone on three questions; seed 0 tests the first two, seed 1 the last two
    board = board_of(
        part("alpha", 4, old=range(2)), part("beta", 3, new=[]), costs={"old": 1.0, "new": 2.0}
    )
    learn = np.arange(2)
    folds = {0: [Fold(learn, np.array([2, 4, 5]))], 1: [Fold(learn, np.array([3, 5, 6]))]}
    for seeds, left_out in (([0], 2), ([1], 2), ([0, 1], 3)):
        plan = {"best single": (BestSingle(), seeds)}
        made = Board(board.table, folds, plan)
        holds(made, "best single", n_questions=len(seeds), n_not_compared=left_out)


def test_dataset_best_falls_back_on_best_single():
    # best single is x: (4/4 + 3/6) / 2 against (0/4 + 6/6) / 2; text it does not know looks like
    # beta, the more frequent dataset, on which y is best
    board = board_of(
        part("alpha", 4, x=range(4), y=[]),
        part("beta", 6, x=range(3), y=range(6)),
        part("gamma", 2, x=range(2), y=[]),
        costs={"x": 1.0, "y": 1.0},
        train=10,
    )
    holds(board, "recognized", dataset_best=1, best_single=1, recognised_dataset=0)


def test_dataset_best_breaks_ties_by_cost_whatever_the_last_digit():
    # on alpha x has (2 + 2/5) / 3 and y (1 + 3/5) / 2, both .8: the cheaper is taken
    board = board_of(
        part("alpha", 1, x=[0], y=[0]),
        part("alpha", 1, x=[0]),
        part("beta", 3, x=[], y=[0, 1]),
        part("beta", 1, y=[]),
        part("alpha", 2, x=range(2), y=[]),
        costs={"x": 1.0, "y": 2.0},
        train=6,
    )
    holds(board, "best single", dataset_best=1, cost_dataset_best=1)


def test_where_nothing_can_be_compared_everything_is_unknown():
    board = board_of(
        part("alpha", 4, old=range(2)),
        part("beta", 4, new=range(4)),
        costs={"old": 1.0, "new": 2.0},
        train=4,
    )
    unknown = ("macro_score", "oracle", "cost_known", "largest_share", "selection_entropy", "aiq")
    holds(board, "best single", n_questions=0, n_not_compared=4, **dict.fromkeys(unknown))


def test_a_log_of_one_llm_each_tells_nothing():
    board = board_of(
        part("alpha", 157, strong=range(104)),
        part("alpha", 143, weak=range(123)),
        costs={"strong": 1.0, "weak": 0.1},
    )
    all_alike = dict.fromkeys(("macro_score", "best_single", "oracle", "random"), 227 / 300)
    share = 143 / 300  # weak looks better; the rest goes to strong
    holds(
        board,
        "best single",
        **all_alike,
        choice_share=0,
        best_single_share=share,
        largest_share=1 - share,
        selection_entropy=-share * math.log2(share) - (1 - share) * math.log2(1 - share),
        gap_closed=None,
        value_over_best_single=None,
        cost=(157 * 1.0 + 143 * 0.1) / 300,
        cost_random=(157 * 1.0 + 143 * 0.1) / 300,
    )


def test_the_mean_cost_of_a_policy_that_asks_an_unpriced_llm_is_unknown():
    board = board_of(
        part("alpha", 50, cheap=range(18), mystery=range(44), paid=range(29, 50)),
        part("beta", 50, cheap=range(15), mystery=range(22), paid=range(48)),
        costs={"cheap": 0.1, "mystery": NAN, "paid": 2.0},
    )
    holds(
        board,
        "recognized",
        macro_score=(0.88 + 0.96) / 2,  # mystery on alpha, paid on beta
        cost=None,
        cost_known=1 / 2,
        cost_random=None,
        cost_oracle=None,  # mystery alone is right on some of alpha
        oracle=(50 + 48) / 100,
        best_single=(0.42 + 0.96) / 2,
        cost_best_single=2,
        cheapest=(0.36 + 0.30) / 2,
        cost_cheapest=0.1,
        # of known predicted cost at a small price: paid everywhere; at a larger one cheap on alpha,
        # which scores (.36 + .96) / 2, less than best single
        cost_to_match_best_single=2,
        cost_saved=0,
        performance_gain=0.92 / 0.69 - 1,
        arena_score=None,
        optimal_choice=None,
        optimal_score=(44 + 48) / 98,  # on beta nobody is right on two
    )
    holds(board, "best single", cost=2, cost_known=1, cost_to_match_best_single=2)


def test_a_question_that_nobody_was_asked_is_left_out():
    # right: alpha both 4, large 11, small 4; beta both 6, large 8, small 6
    board = board_of(
        part("alpha", 30, large=range(15), small=range(11, 19)),
        part("alpha", 1),
        part("beta", 30, large=range(14), small=range(8, 20)),
        costs={"large": 1.0, "small": 0.1},
    )
    holds(
        board,
        "best single",
        n_questions=60,
        n_not_compared=1,
        best_single=(15 + 14) / 60,
        oracle=39 / 60,
        corrected_oracle=None,  # no question has options
        random=(15 + 8 + 14 + 12) / 120,
        few_solve_share=29 / 60,  # one llm alone
        few_solve_score=19 / 29,
    )


@pytest.mark.parametrize(
    ("told", "entropy"),
    [
        # right where it matters: the sharper the likelier, up to t = exp(7) = 1096.6; where it does
        # not matter the second llm then has a share of about exp(-.01 t) = exp(-10.966)
        ([[1, 0], [0.01, 0]], math.exp(-10.966) * (10.966 + 1) / math.log(2) / 2),
        # alike where it matters: nothing is said of t
        ([[0.5, 0.5], [1, 0]], 1),
        # wrong where it matters: the flatter the likelier, down to t = exp(-7)
        ([[0, 1], [0, 1]], 1),
    ],
)
def test_entropy_of_a_question(told, entropy):
    router = ToldRouter({f"alpha {number}": scores for number, scores in enumerate(told)})
    board = board_of(
        part("alpha", 2, x=range(2), y=range(1, 2)),  # it matters on the first question only
        costs={"x": 1.0, "y": 2.0},
        plan={"told": (router, [0])},
    )
    holds(board, "told", question_entropy=entropy)


def test_hull_over_llms_that_cost_the_same():
    # always x, and always y, cost (1 + 3) / 2; the router asks the dearer one of each question
    board = board_of(
        part("alpha", 2, x=range(2), y=range(2)),
        costs={"x": 1.0, "y": 1.0},
        plan={"dear": (ToldRouter({"alpha 0": [0, 1], "alpha 1": [1, 0]}), [0])},
    )
    table = replace(board.table, costs=np.array([[1.0, 3.0], [3.0, 1.0]]))
    made = Board(table, board.folds, board.plan)
    holds(made, "dear", macro_score=1, cost=3, aiq=0, aiq_zero=1, aiq_gain=-1)


def test_a_score_of_95_hundredths_solves_a_question():
    board = board_of(part("alpha", 4, 0.95, x=range(2), y=range(1)), costs={"x": 1.0, "y": 1.0})
    holds(board, "best single", few_solve_share=1 / 4, few_solve_score=0.95)


def test_cheapest_is_unknown_if_it_has_no_choice_in_one_of_the_seeds():
    # y is asked on the first two questions, and the cost of x is known on the first alone
    board = board_of(
        part("alpha", 2, x=range(2), y=range(2)),
        part("alpha", 2, x=range(1)),
        costs={"x": 1.0, "y": 2.0},
    )
    costs = np.array([[1.0, 2.0], [NAN, 2.0], [NAN, 2.0], [NAN, 2.0]])
    table, every = replace(board.table, costs=costs), np.arange(4)
    folds = {0: [Fold(every[:2], every[2:])], 1: [Fold(every[1:2], every[2:])]}
    for seeds, cheapest in (([0], 1 / 2), ([1], None), ([0, 1], None)):
        plan = {"best single": (BestSingle(), seeds)}
        holds(Board(table, folds, plan), "best single", cheapest=cheapest, best_single=1 / 2)


def test_an_llm_without_training_outcomes_is_not_the_cheapest():
    # only the newcomer has a price, and nobody knows it when routing is learned
    board = board_of(
        part("alpha", 4, old=range(2)),
        part("alpha", 4, old=range(2), new=range(4)),
        costs={"old": NAN, "new": 1.0},
        train=4,
    )
    holds(board, "best single", cheapest=None, best_single=1 / 2, oracle=1, choice_share=0)


def test_luck_is_taken_out_of_the_seeds_that_have_options():
    # seed 0 tests two questions of two options each, seed 1 two open ones; of two answers to two
    # options, one of them right, none is knowledge: the oracle of seed 0 is right by chance
    board = board_of(part("alpha", 4, x=[0, 2]), costs={"x": 1.0})
    table, every = replace(board.table, chance=np.array([0.5, 0.5, 0, 0])), np.arange(4)
    folds = {0: [Fold(every, every[:2])], 1: [Fold(every, every[2:])]}
    for seeds, corrected in (([0], 1 / 4), ([1], None), ([0, 1], 3 / 8)):
        plan = {"best single": (BestSingle(), seeds)}
        holds(Board(table, folds, plan), "best single", corrected_oracle=corrected, oracle=1 / 2)
