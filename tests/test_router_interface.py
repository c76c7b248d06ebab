"""What ``Router`` itself promises, whatever the method: by a method that only writes down."""

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

from routers.base import CannotAdmitError, Router
from routers.constraints import Integer
from routers.table import RoutingTable

NAN = np.nan


class Diary(Router):
    """Predicts an llm's mean score, a thousandth more per letter; remembers what it was given."""

    parameter_constraints = {"k": Integer(1)}

    def __init__(self, k=1):
        self.k = k

    def _fit(self, table):
        self.table_ = table
        self.means_ = np.nanmean(table.scores, axis=0)

    def _predict_scores(self, questions):
        return [self.means_ + len(question) / 1000 for question in questions]


class Open(Diary):
    """Takes in new llms, and looks at a pool."""

    def _fit_beside(self, table, pool):
        super()._fit_beside(table, pool)
        self.pool_ = pool

    def _admit(self, llm, outcomes):
        self.admitted_ = outcomes
        self.means_ = np.append(self.means_, np.nanmean(outcomes.scores))


def table_of(scores, llms, ids=None, costs=None):
    ids = [f"q{i}" for i in range(len(scores))] if ids is None else ids
    return RoutingTable(
        questions=[f"text of {name}" for name in ids],
        scores=scores,
        llms=llms,
        ids=ids,
        datasets=["d"] * len(ids),
        costs=costs,
    )


@pytest.fixture
def mixed():
    """Neither questions nor llms are in order; "m" was never observed."""
    return table_of(
        [[0, NAN, 1], [1, NAN, 0.5]], ["z", "m", "a"], ["q2", "q1"], [[2, 3, NAN], [4, 3, NAN]]
    )


def test_a_method_is_given_what_was_observed_in_one_order(mixed):
    router = Diary()
    assert router.fit(mixed) is router
    assert list(router.table_.llms) == ["a", "z"]
    assert list(router.table_.ids) == ["q1", "q2"]
    assert list(router.llms_) == ["z", "m", "a"]
    np.testing.assert_array_equal(router.mean_costs_, [3, 3, NAN])


def test_predictions_stand_in_the_order_of_the_table(mixed):
    router = Diary().fit(mixed)
    found = router.predict_scores(["", "letters"])
    np.testing.assert_allclose(found, [[0.5, NAN, 0.75], [0.507, NAN, 0.757]])
    assert found.dtype == np.float64
    np.testing.assert_array_equal(router.predict_costs(["", "x"]), [[3, 3, NAN]] * 2)
    assert router.predict_scores([]).shape == router.predict_costs([]).shape == (0, 3)
    costs = router.predict_costs(["x"])
    costs[:] = 0  # what is returned is the caller's
    assert router.mean_costs_[0] == 3


def test_predictions_are_rounded_so_that_no_last_bit_breaks_a_tie():
    router = Diary().fit(table_of([[1 / 3, 0.25]], ["a", "b"]))
    np.testing.assert_array_equal(router.predict_scores([""]), [[0.333333, 0.25]])


def test_routing_asks_price_and_eligibility():
    router = Diary().fit(table_of([[0.9, 0.6, 0.5]], ["a", "b", "c"], costs=[4.0, 1.0, 9.0]))
    texts = ["one", "two"]
    assert router.route(texts).tolist() == [0, 0]
    assert router.route(texts, 0.099).tolist() == [0, 0]
    assert router.route(texts, 0.101).tolist() == [1, 1]
    assert router.route(texts, eligible=[False, True, True]).tolist() == [1, 1]
    able = [[True, True, True], [False, False, True]]
    assert router.route(texts, eligible=able).tolist() == [0, 2]
    assert router.route(texts, 0.101, able).tolist() == [1, 2]
    for wrong in ([True, True], [[True] * 3], [1, 1, 1]):
        with pytest.raises(ValueError, match="'eligible' must be booleans of shape"):
            router.route(texts, eligible=wrong)


def test_what_was_learned_before_is_forgotten(mixed):
    router = Open().fit(mixed)
    router.admit("new", table_of([[1]], ["new"], ["q9"]))
    router.fit(table_of([[1, 0]], ["x", "y"]))
    assert list(router.llms_) == ["x", "y"]
    assert not hasattr(router, "admitted_")
    assert router.k == 1


def test_a_newcomer_stands_last_and_is_judged_by_what_it_was_asked(mixed):
    router = Open().fit(mixed)
    outcomes = table_of(
        [[0, 1.0], [0, NAN], [0, 0.5]], ["other", "new"], ["q7", "q8", "q3"],
        [[9, 1], [9, 7], [9, 2]],
    )  # fmt: skip
    assert router.admit("new", outcomes) is router
    assert list(router.llms_) == ["z", "m", "a", "new"]
    assert list(router.admitted_.llms) == ["new"]
    assert list(router.admitted_.ids) == ["q3", "q7"]  # in one order, observed ones alone
    np.testing.assert_array_equal(router.predict_scores([""]), [[0.5, NAN, 0.75, 0.75]])
    np.testing.assert_array_equal(router.mean_costs_, [3, 3, NAN, 1.5])
    assert router.route(["x"], eligible=[True, True, False, True]).tolist() == [3]


def test_what_cannot_be_admitted_is_refused(mixed):
    outcomes = table_of([[NAN, 1.0]], ["new", "z"])
    with pytest.raises(CannotAdmitError, match="Diary cannot admit 'z2'"):
        Diary().fit(mixed).admit("z2", table_of([[1.0]], ["z2"]))
    with pytest.raises(ValueError, match="'z' is in the zoo already"):
        Open().fit(mixed).admit("z", outcomes)
    with pytest.raises(ValueError, match="no outcome of 'new' is observed"):
        Open().fit(mixed).admit("new", outcomes)
    with pytest.raises(TypeError, match=r"Open\.admit must be given a RoutingTable, got list"):
        Open().fit(mixed).admit("new", [[1.0]])
    with pytest.raises(NotFittedError):
        Open().admit("new", outcomes)


def test_a_pool_is_shown_on_the_training_questions_in_their_order(mixed):
    scores = [[1, NAN, 0], [0, NAN, 0.5], [1, 1, NAN]]
    pool = table_of(scores, ["y", "never", "b"], ["q1", "q3", "q2"])
    never = pool.rows([0, 1, 2])
    router = Open().fit(mixed, never)
    assert list(router.pool_.ids) == ["q1", "q2"]
    assert list(router.pool_.llms) == ["b", "never", "y"]
    np.testing.assert_array_equal(router.pool_.scores, [[0, NAN, 1], [NAN, 1, 1]])
    assert list(router.llms_) == ["z", "m", "a"]
    assert Open().fit(mixed).pool_ is None
    unseen = table_of([[NAN, 1], [NAN, 0]], ["never", "y"], ["q1", "q2"])
    assert list(Open().fit(mixed, unseen).pool_.llms) == ["y"]
    assert Open().fit(mixed, unseen.select(["never"])).pool_ is None
    assert Diary().fit(mixed, pool).means_.tolist() == [0.75, 0.5]  # most do not look


def test_a_pool_that_cannot_be_one_is_refused(mixed):
    with pytest.raises(ValueError, match="must hold other llms than the zoo, got 'm' in both"):
        Open().fit(mixed, mixed.select(["z", "m"]))
    with pytest.raises(ValueError, match="question 'q2' is not in it"):
        Open().fit(mixed, table_of([[1]], ["y"], ["q1"]))
    with pytest.raises(TypeError, match=r"Open\.fit must be given a RoutingTable, got dict"):
        Open().fit(mixed, {})


def test_wrong_input_is_refused_by_name(mixed):
    with pytest.raises(ValueError, match="'k' must be an integer"):
        Diary(k=0).fit(mixed)
    with pytest.raises(TypeError, match=r"Diary\.fit must be given a RoutingTable, got int"):
        Diary().fit(3)
    for empty in (mixed.select(["m"]), mixed.rows([])):
        with pytest.raises(ValueError, match="needs at least one observed score"):
            Diary().fit(empty)
    for ask in (Diary().predict_scores, Diary().predict_costs, Diary().route):
        with pytest.raises(NotFittedError):
            ask(["x"])
    router = Diary().fit(mixed)
    for ask in (router.predict_scores, router.predict_costs, router.route):
        with pytest.raises(TypeError, match="must be a sequence of str, got one str"):
            ask("one text")
        with pytest.raises(TypeError, match=r"'questions\[1\]' must be a str, got int"):
            ask(["x", 3])
    assert router.predict_scores(np.array(["x", "y"], dtype=object)).shape == (2, 3)


@pytest.mark.parametrize("given", [[[1.0]], [[1.0, NAN]], [[1.0, np.inf]]])
def test_a_method_that_returns_nonsense_is_caught(mixed, given):
    router = Diary().fit(mixed)
    router._predict_scores = lambda questions: given
    with pytest.raises(RuntimeError, match=r"Diary\._predict_scores must return finite"):
        router.predict_scores(["?"])


def test_scores_are_estimates_unless_a_method_says_otherwise():
    assert Diary.relative_scores is False
    assert Router.parameter_constraints == {}
