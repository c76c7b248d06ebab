"""One run: what the router is given, what is written down of a question, and how it is timed."""

import contextlib
from types import SimpleNamespace

import numpy as np
import pytest
from made_boards import FirstWord

from benchmarks import evaluate as module
from benchmarks.evaluate import PeakMemory, evaluate
from benchmarks.splits import Fold
from routers.base import Router
from routers.precomputing import CLOCK
from routers.recognition import RecognisedDatasetRouter
from routers.table import RoutingTable

NAN = float("nan")
TEXTS = ["alpha one", "alpha two", "beta three", "beta four", "alpha five", "beta six"]
TRAIN, TEST = np.array([0, 2, 3]), np.array([5, 1, 4])
PREDICTED = {"alpha": [0.75, 0.25, 0.5], "beta": [0.125, 0.5, 1.0]}


class Clock:
    """A clock that goes on only when it is told to."""

    now = 0.0

    def perf_counter(self):
        return self.now


class Spy(Router):
    """Notes what it is given; predicts by the first word; fits in two seconds, routes in one."""

    fits: list = []
    routed: list = []
    clock = Clock()

    def _fit(self, table):
        raise AssertionError("it is fitted beside a pool")

    def _fit_beside(self, table, pool):
        self.fits.append((table, pool))
        self.clock.now += 2
        CLOCK.seconds += 0.5  # of which it encodes for half a second

    def _predict_scores(self, questions):
        self.routed.append(list(questions))
        self.clock.now += 1
        return [PREDICTED[question.split()[0]][: len(self.llms_)] for question in questions]

    def _predict_costs(self, questions):
        return np.tile([3.0, 2.0, 1.0][: len(self.llms_)], (len(questions), 1))


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    """Return the clock that runs are timed by."""
    monkeypatch.setattr(Spy, "fits", [])
    monkeypatch.setattr(Spy, "routed", [])
    monkeypatch.setattr(Spy, "clock", Clock())
    monkeypatch.setattr(module, "time", Spy.clock)
    monkeypatch.setattr(CLOCK, "seconds", CLOCK.seconds)
    return Spy.clock


def table_of(scores, llms=("x", "y", "z"), **more):
    return RoutingTable(
        questions=TEXTS,
        scores=scores,
        llms=list(llms),
        ids=[f"q{i}" for i in range(6)],
        datasets=[text.split()[0] for text in TEXTS],
        **more,
    )


WHOLE = {
    "subjects": ["s", "t", "s", "t", "u", "v"],
    "chance": [0.25, 0.5, 0, 0, 0.2, 0.5],
    "costs": [[4.0, 2.0, 1.0]] * 6,
}
SCORES = np.array(
    [[1, 0, 0], [0, 1, 0.25], [1, 0, 0], [1, 0, 1], [0.5, 0.5, NAN], [NAN, 0, 1]], dtype=float
)


def run(table=None, folds=((TRAIN, TEST),), **more):
    table = table_of(SCORES, **WHOLE) if table is None else table
    floor = RecognisedDatasetRouter(FirstWord())
    return evaluate(Spy(), table, [Fold(*fold) for fold in folds], floor, **more)


def test_a_router_is_fitted_on_train_and_routes_test():
    run()
    ((learned, pool),) = Spy.fits
    assert list(learned.ids) == ["q0", "q2", "q3"]
    assert pool is None
    assert [TEXTS[place] for place in TEST] in Spy.routed


def test_the_pool_is_handed_over_with_the_training_questions_alone():
    pool = table_of(np.arange(6)[:, None] / 8, llms=["other"])
    run(pool=pool)
    ((learned, beside),) = Spy.fits
    assert list(beside.llms) == ["other"]
    assert list(beside.ids) == list(learned.ids) == ["q0", "q2", "q3"]
    np.testing.assert_allclose(beside.scores[:, 0], [0, 2 / 8, 3 / 8])


def test_what_is_written_down_of_a_question():
    rows = run().rows.set_index("question_id")
    assert list(rows.index) == ["q1", "q4", "q5"]  # sorted
    assert list(rows["dataset"]) == ["alpha", "alpha", "beta"]
    assert list(rows["subject"]) == ["t", "u", "v"]
    assert list(rows["chance"]) == [0.5, 0.2, 0.5]
    assert list(rows["fold"]) == [0, 0, 0]
    assert list(rows["choice"]) == [0, 0, 2]  # the best that is predicted, if it was observed
    # x is best in training; of beta, on which it was not observed, z: it is right on one of two
    assert list(rows["best_single_llm"]) == [0, 0, 0]
    assert list(rows["choice/best_single"]) == [0, 0, 2]
    assert list(rows["choice/cheapest"]) == [2, 1, 2]
    assert list(rows["random_score"]) == pytest.approx([1.25 / 3, 0.5, 0.5])
    assert list(rows["oracle_score"]) == [1, 0.5, 1]
    assert list(rows["oracle_cost"]) == [2, 2, 1]  # of q4 the cheaper of two that are as good
    columns = {
        "predicted_score": [[0.75, 0.25, 0.5]] * 2 + [[0.125, 0.5, 1.0]],
        "predicted_cost": [[3.0, 2.0, 1.0]] * 3,
        "score": SCORES[[1, 4, 5]],
        "cost": [[4.0, 2.0, 1.0]] * 3,
    }
    for name, expected in columns.items():
        found = rows[[f"{name}/{llm}" for llm in "xyz"]]
        np.testing.assert_array_equal(found, expected, err_msg=name)
        assert (found.dtypes == np.float32).all()  # half of the room on disk
    assert not [name for name in rows if name.startswith("eligible")]


def test_the_oracle_may_take_any_llm():
    rows = run(folds=[(TEST, TRAIN)]).rows
    assert list(rows["oracle_score"]) == [1, 1, 1]
    assert list(rows["oracle_cost"]) == [4, 4, 1]  # x, x, and z, which is as good and cheaper


def test_of_the_next_best_where_the_best_single_was_not_observed():
    scores = SCORES.copy()
    scores[[0, 2, 3], 1] = 0.75  # y is the next best in training
    rows = run(table_of(scores, **WHOLE)).rows.set_index("question_id")
    assert rows.loc["q5", "choice/best_single"] == 1


def test_nothing_observed_leaves_no_choice_and_no_oracle():
    scores = SCORES.copy()
    scores[5] = NAN
    row = run(table_of(scores, **WHOLE)).rows.set_index("question_id").loc["q5"]
    assert row["choice"] == row["choice/best_single"] == -1
    assert np.isnan([row["oracle_score"], row["oracle_cost"], row["random_score"]]).all()


def test_of_llms_that_cannot_answer_all_questions_it_is_written_which_they_can():
    eligible = np.ones((6, 3), dtype=bool)
    eligible[[0, 5], [1, 0]] = False  # one in training, one in test
    scores = np.where(eligible, SCORES, NAN)
    costs = np.where(eligible, WHOLE["costs"], NAN)
    rows = run(table_of(scores, **WHOLE | {"costs": costs}, eligible=eligible)).rows
    assert [name for name in rows if name.startswith("eligible")] == ["eligible/x", "eligible/y"]
    assert list(rows["eligible/x"]) == [True, True, False]
    assert list(rows["eligible/y"]) == [True, True, True]


def test_seconds_are_counted_by_fold_without_those_of_encoding():
    found = run(folds=[(TRAIN, TEST), (TEST, TRAIN), (TRAIN[:2], TEST[:2])])
    assert found.timing["fit_seconds"] == pytest.approx(2 - 0.5)
    # eight questions; a second for each of three folds
    assert found.timing["route_qps"] == pytest.approx(8 / 3)
    assert found.timing["precompute_seconds"] == pytest.approx(3 * 0.5)
    assert found.timing["n_precomputed"] == 0
    assert np.isnan(found.timing["encode_seconds"])  # it has no encoder
    assert found.rows["fold"].value_counts().to_dict() == {0: 3, 1: 3, 2: 2}
    assert list(found.rows.index) == list(range(8))
    assert list(found.rows["question_id"]) == sorted(found.rows["question_id"])


def test_seconds_per_text_are_those_that_the_encoder_knows(monkeypatch):
    def fit_beside(self, table, pool):
        self.encoder_ = SimpleNamespace(seconds_per_text=0.125 * len(table))

    monkeypatch.setattr(Spy, "_fit_beside", fit_beside)
    found = run(folds=[(TRAIN[:1], TEST), (TRAIN, TEST)])
    assert found.timing["encode_seconds"] == 0.125 * 3  # the last fold knows best


def test_what_is_encoded_beforehand_is_counted_of_router_and_floor(monkeypatch):
    def precompute(self, texts, progress=None):
        assert list(texts) == TEXTS
        progress(len(texts), len(texts))
        return 4 if isinstance(self, Spy) else 3

    monkeypatch.setattr(Spy, "precompute", precompute)
    monkeypatch.setattr(RecognisedDatasetRouter, "precompute", precompute)
    stages = []

    @contextlib.contextmanager
    def stage(what, unit):
        told = []
        stages.append((what, unit, told))
        yield lambda done, of: told.append((done, of))

    found = run(folds=[(TRAIN, TEST)] * 2, stage=stage)
    assert found.timing["n_precomputed"] == 7
    assert stages == [
        ("encoding", "text", [(6, 6), (6, 6)]),
        ("fitting and routing", "fold", [(1, 2), (2, 2)]),
    ]


def test_the_arithmetic_is_that_of_the_router(monkeypatch):
    monkeypatch.setattr(Spy, "arithmetic", "float32 on cpu", raising=False)
    assert run().arithmetic == {"": "float32 on cpu"}


def test_the_given_router_is_not_fitted():
    router, floor = Spy(), RecognisedDatasetRouter(FirstWord())
    evaluate(router, table_of(SCORES, **WHOLE), [Fold(TRAIN, TEST)], floor)
    assert not hasattr(router, "llms_")
    assert not hasattr(floor, "llms_")


def test_memory_is_the_largest_that_was_seen(monkeypatch):
    sizes = [300, 500, 400]
    seen = iter(sizes)
    last = []

    class Process:
        def memory_info(self):
            size = next(seen, sizes[-1])
            last.append(size)
            return SimpleNamespace(rss=size * 2**20)

    monkeypatch.setattr(module.psutil, "Process", Process)
    with PeakMemory() as memory:
        for _ in range(5_000):
            if len(last) >= len(sizes):
                break
            memory._done.wait(0.001)
    assert memory.peak_mb == 500
    assert not memory._thread.is_alive()
    assert memory._thread.daemon  # who ends the program does not wait for it


def test_memory_is_seen_once_at_least(monkeypatch):
    process = SimpleNamespace(memory_info=lambda: SimpleNamespace(rss=2**20))
    monkeypatch.setattr(module.psutil, "Process", lambda: process)
    with PeakMemory() as memory:
        pass
    assert memory.peak_mb == 1
