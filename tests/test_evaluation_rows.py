"""Every column that a run leaves behind, worked out by hand; what the router was shown."""

import dataclasses

import numpy as np
import pytest
from sklearn.base import clone

from benchmarks.evaluate import evaluate
from benchmarks.splits import Fold
from routers.base import Router
from routers.encoders import Encoder
from routers.recognition import RecognisedDatasetRouter
from routers.table import RoutingTable

NAN = np.nan


class FirstWord(Encoder):
    """Tells "one", "two" and colors apart."""

    def transform(self, texts):
        words = ["one", "two", "red", "blue"]
        return np.array([[text.startswith(word) for word in words] for text in texts], np.float32)


RECOGNIZER = RecognisedDatasetRouter(FirstWord())
SEEN = []


class Spy(Router):
    """Prefers c, then b; notes which questions it was shown, of the zoo and of the pool."""

    def __init__(self, salt=0):
        self.salt = salt

    def _fit(self, table):
        pass

    def _fit_beside(self, table, pool):
        shown = None if pool is None else (list(pool.llms), list(pool.ids), pool.scores[:, 0])
        SEEN.append((list(table.ids), shown))

    def _predict_scores(self, questions):
        return np.tile([0.25, 0.5, 0.75], (len(questions), 1))


@pytest.fixture(autouse=True)
def _seen():
    SEEN.clear()


FOLDS = [Fold(np.array([2, 0]), np.array([3, 1])), Fold(np.array([1, 3]), np.array([0, 2]))]


def test_every_column(tiny):
    rows = evaluate(Spy(), tiny, FOLDS, RECOGNIZER).rows
    expected = {
        "question_id": ["q1", "q2", "q3", "q4"],
        "dataset": ["fish", "fish", "bird", "bird"],
        "subject": ["fish", "fish", "bird", "bird"],
        "chance": [0.5, 0.5, 0, 0],
        "fold": [1, 0, 1, 0],
        "choice": [2, 2, 2, 2],
        # fold 0 learns of fish a 1, of bird b 1: a is the cheaper; fold 1 of fish a and b, of
        # bird b and c: b
        "choice/best_single": [1, 0, 1, 0],
        "choice/cheapest": [0, 0, 0, 0],
        "choice/dataset_best": [1, 0, 1, 1],
        "best_single_llm": [1, 0, 1, 0],
        "random_score": [1 / 3, 2 / 3, 1 / 3, 2 / 3],
        "oracle_score": [1, 1, 1, 1],
        "oracle_cost": [1, 1, 2, 2],
        "score/a": [1, 1, 0, 0],
        "score/b": [0, 1, 1, 1],
        "score/c": [0, 0, 0, 1],
        "cost/a": [1] * 4,
        "cost/b": [2] * 4,
        "cost/c": [4] * 4,
        "predicted_score/a": [0.25] * 4,
        "predicted_score/b": [0.5] * 4,
        "predicted_score/c": [0.75] * 4,
        "predicted_cost/a": [1] * 4,
        "predicted_cost/b": [2] * 4,
        "predicted_cost/c": [4] * 4,
    }
    assert set(rows) - set(expected) == {"choice/recognised_dataset"}
    for name, values in expected.items():
        if isinstance(values[0], str):
            assert rows[name].tolist() == values, name
        else:
            np.testing.assert_allclose(rows[name], values, err_msg=name)
    assert list(rows.index) == [0, 1, 2, 3]
    pairs = [name for name in rows if name.split("/")[0] in ("score", "cost", "predicted_score")]
    assert {rows[name].dtype for name in pairs} == {np.dtype(np.float32)}


def test_the_floor_is_the_recognizer_that_is_given(tiny):
    def choices(recognizer):
        rows = evaluate(Spy(), tiny, FOLDS[:1], recognizer).rows
        return rows["choice/dataset_best"].tolist()

    # learned from one question each: on bird b; with a strong prior a and b are alike, a is cheaper
    assert choices(clone(RECOGNIZER)) == [0, 1]
    assert choices(RecognisedDatasetRouter(FirstWord(), prior=1e9)) == [0, 0]


def test_where_nothing_was_observed_nothing_is_chosen(tiny):
    scores = tiny.scores.copy()
    scores[3], scores[1, 2] = NAN, NAN
    rows = evaluate(Spy(), dataclasses.replace(tiny, scores=scores), FOLDS[:1], RECOGNIZER).rows
    assert rows["choice"].tolist() == [1, -1]
    assert rows["choice/best_single"].tolist() == [0, -1]
    assert rows["best_single_llm"].tolist() == [0, 0]
    for name in ("oracle_score", "oracle_cost", "random_score"):
        assert np.isnan(rows[name]).tolist() == [False, True], name


def test_who_cannot_answer_some_question_is_said(tiny):
    eligible = np.ones((4, 3), dtype=bool)
    eligible[1, 2] = False
    table = dataclasses.replace(tiny, eligible=eligible)
    rows = evaluate(Spy(), table, FOLDS, RECOGNIZER).rows
    assert [name for name in rows if name.startswith("eligible/")] == ["eligible/c"]
    assert rows["eligible/c"].tolist() == [True, False, True, True]
    assert rows["choice"].tolist() == [2, 1, 2, 2]


def test_the_router_is_shown_training_questions_alone_of_zoo_and_pool(tiny):
    pool = RoutingTable(
        questions=tiny.questions,
        scores=[[0.1], [0.2], [0.3], [0.4]],
        llms=["another"],
        ids=tiny.ids,
        datasets=tiny.datasets,
    )
    router = Spy(salt=3)
    evaluate(router, tiny, FOLDS, RECOGNIZER, pool)
    (ids, (llms, pool_ids, scores)), (ids_1, (_, pool_ids_1, scores_1)) = SEEN
    assert ids == pool_ids == ["q1", "q3"]
    assert llms == ["another"]
    np.testing.assert_allclose(scores, [0.1, 0.3])
    assert ids_1 == pool_ids_1 == ["q2", "q4"]
    np.testing.assert_allclose(scores_1, [0.2, 0.4])
    assert not hasattr(router, "llms_")  # a clone was fitted
    SEEN.clear()
    evaluate(router, tiny, FOLDS, RECOGNIZER)
    assert [shown for _, shown in SEEN] == [None, None]


def test_seconds_are_of_fitting_per_fold_and_of_routing_per_question(tiny, monkeypatch):
    now = [0.0]
    monkeypatch.setattr("benchmarks.evaluate.time.perf_counter", lambda: now[0])

    class Slow(Spy):
        def _fit_beside(self, table, pool):
            now[0] += 3 if "q1" in table.ids else 5

        def _predict_scores(self, questions):
            now[0] += 0.5 * len(questions)
            return super()._predict_scores(questions)

    timing = evaluate(Slow(), tiny, FOLDS, RECOGNIZER).timing
    assert timing["fit_seconds"] == 4
    assert timing["route_qps"] == 2
    assert np.isnan(timing["encode_seconds"])
    assert timing["n_precomputed"] == timing["precompute_seconds"] == 0
    assert timing["peak_memory_mb"] > 10
