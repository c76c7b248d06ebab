import time
from contextlib import contextmanager

import numpy as np
import pytest
from stored_by_hand import summary
from xgboost import XGBRegressor

from benchmarks.evaluate import PeakMemory, evaluate
from benchmarks.scoring import chosen
from benchmarks.splits import holdout, kfold
from benchmarks.stored_rows import llm_names, matrix
from routers.base import Router
from routers.classifiers import ClassifierRouter
from routers.constraints import Integer
from routers.encoders import CachedEncoder, TfidfEncoder
from routers.encoders.cached import _embedding_cache
from routers.neighbors import KNNRouter
from routers.policies import PolicyRouter
from routers.recognition import RecognisedDatasetRouter
from routers.validation import InvalidParameterError

RECOGNISER = RecognisedDatasetRouter(TfidfEncoder())


def test_rows_hold_what_happened(table):
    found = evaluate(KNNRouter(k=5), table, kfold(table, 0), RECOGNISER)
    rows = found.rows
    assert list(rows["question_id"]) == sorted(table.ids)
    assert llm_names(rows) == list(table.llms)
    place = {name: i for i, name in enumerate(table.ids)}
    order = [place[name] for name in rows["question_id"]]
    np.testing.assert_array_equal(matrix(rows, "score"), table.scores[order])
    np.testing.assert_array_equal(matrix(rows, "cost"), table.costs[order])
    best = matrix(rows, "predicted_score").max(axis=1)
    taken = chosen(matrix(rows, "predicted_score"), rows["choice"])
    np.testing.assert_array_equal(taken, best)
    positive = {"fit_seconds", "route_qps", "peak_memory_mb"}
    nothing = {"n_precomputed", "precompute_seconds"}  # TF-IDF learns from training texts alone
    assert set(found.timing) == positive | nothing | {"encode_seconds"}
    assert all(found.timing[name] > 0 for name in positive)
    assert all(found.timing[name] == 0 for name in nothing)


class SlowEncoder(CachedEncoder):
    """Takes two milliseconds a text, and remembers which texts it was given, and when."""

    parameter_constraints = {"speed": Integer(1)}
    fingerprint = "slow"
    arithmetic = "float32 on cpu"
    cache_folder = None

    def __init__(self, speed=1):
        self.speed = speed

    def _encode(self, texts):
        for position, text in enumerate(texts):
            time.sleep(0.002)
            ENCODED.append(text)
            vector = [text.count("feather"), text.count("hull"), text.count("yeast"), 1]
            yield np.array([position]), np.array([vector], dtype=np.float32)


ENCODED: list[str] = []


@pytest.fixture
def slow_encoder():
    ENCODED.clear()
    _embedding_cache.cache_clear()
    return SlowEncoder()


def test_encoding_is_a_step_of_its_own_and_never_part_of_a_fit(table, slow_encoder):
    stages = []

    @contextmanager
    def stage(what, unit):
        told = []
        stages.append((what, unit, told))
        yield lambda done, total: told.append((done, total))

    router = PolicyRouter(KNNRouter(slow_encoder, k=5))
    found = evaluate(router, table, kfold(table, 0), RECOGNISER, stage=stage)
    distinct = len(set(table.questions))
    assert sorted(ENCODED) == sorted(set(table.questions))
    assert found.timing["n_precomputed"] == distinct
    assert found.timing["precompute_seconds"] > 0.002 * distinct
    assert found.timing["fit_seconds"] < found.timing["precompute_seconds"] / 2
    assert found.arithmetic == {"router__encoder": "float32 on cpu"}
    encoding, routing = stages
    assert encoding[:2] == ("encoding", "text")
    assert encoding[2][-1] == (distinct, distinct)
    assert routing[2] == [(fold, 5) for fold in range(1, 6)]


def test_what_is_encoded_during_a_fit_is_not_charged_to_it(table, slow_encoder):
    """A fit may encode texts that nobody knew before, such as names of clusters."""

    class Naming(KNNRouter):
        def _fit(self, table):
            super()._fit(table)
            self.encoder_.transform([f"a name {i} of {table.ids[0]}" for i in range(100)])

    fold = kfold(table, 0)[0]
    found = evaluate(Naming(slow_encoder, k=5), table, [fold], RECOGNISER)
    assert len(ENCODED) == len(set(table.questions)) + 100
    assert found.timing["precompute_seconds"] > 0.002 * len(ENCODED)
    assert found.timing["fit_seconds"] < found.timing["precompute_seconds"] / 2


def test_a_wrong_parameter_is_found_before_anything_is_encoded(table, slow_encoder):
    wrong = [
        KNNRouter(slow_encoder, k=2.5),
        KNNRouter(SlowEncoder(speed=0)),
        ClassifierRouter(XGBRegressor(n_estimators=-1), slow_encoder),
        ClassifierRouter(XGBRegressor(max_depth=-2), slow_encoder),
    ]
    for router in wrong:
        with pytest.raises(InvalidParameterError, match=r"must be an integer|XGBRegressor"):
            evaluate(router, table, kfold(table, 0), RECOGNISER)
    assert not ENCODED


def test_router_is_given_train_only_and_text_only(table):
    seen = []

    class Spy(Router):
        def _fit(self, table):
            seen.append(("fit", set(table.questions)))

        def _predict_scores(self, questions):
            seen.append(("predict", set(questions)))
            return np.zeros((len(questions), 4))

    (fold,) = holdout(table, 0)
    evaluate(Spy(), table, [fold], RECOGNISER)
    assert seen == [
        ("fit", set(table.questions[fold.train])),
        ("predict", set(table.questions[fold.test])),
    ]


@pytest.mark.parametrize("turn", ["rows", "columns"])
def test_input_order_changes_no_figure(table, turn):
    turned = (
        table.rows(np.arange(len(table))[::-1])
        if turn == "rows"
        else table.select(table.llms[::-1])
    ).canonical()
    figures = [
        summary([evaluate(KNNRouter(k=5), t, kfold(t, 0), RECOGNISER).rows])
        for t in (table.canonical(), turned)
    ]
    assert figures[0] == pytest.approx(figures[1], nan_ok=True)


def test_peak_memory_sees_an_allocation():
    with PeakMemory() as small:
        pass
    with PeakMemory() as large:
        block = np.ones(200 * 2**20 // 8)
        for _ in range(200):  # some kernels count pages late: wait until they do
            if large.peak_mb - small.peak_mb > 100:
                break
            large._done.wait(0.1)
    assert large.peak_mb - small.peak_mb > 100
    del block
