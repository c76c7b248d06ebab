import numpy as np
import pytest

from benchmarks import metrics
from benchmarks.evaluate import PeakMemory, evaluate
from benchmarks.splits import holdout, kfold
from routers.base import Router
from routers.encoders import TfidfEncoder
from routers.neighbors import KNNRouter
from routers.recognition import RecognisedDatasetRouter

RECOGNISER = RecognisedDatasetRouter(TfidfEncoder())


def test_rows_hold_what_happened(table):
    found = evaluate(KNNRouter(k=5), table, kfold(table, 0), RECOGNISER)
    rows = found.rows
    assert list(rows["question_id"]) == sorted(table.ids)
    assert metrics.llm_names(rows) == list(table.llms)
    place = {name: i for i, name in enumerate(table.ids)}
    order = [place[name] for name in rows["question_id"]]
    np.testing.assert_array_equal(metrics.matrix(rows, "score"), table.scores[order])
    np.testing.assert_array_equal(metrics.matrix(rows, "cost"), table.costs[order])
    best = metrics.matrix(rows, "predicted_score").max(axis=1)
    taken = metrics.chosen(metrics.matrix(rows, "predicted_score"), rows["choice"])
    np.testing.assert_array_equal(taken, best)
    assert set(found.timing) == {"fit_seconds", "route_qps", "encode_seconds", "peak_memory_mb"}
    assert all(value > 0 for name, value in found.timing.items() if name != "encode_seconds")


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
        metrics.summary([evaluate(KNNRouter(k=5), t, kfold(t, 0), RECOGNISER).rows])
        for t in (table.canonical(), turned)
    ]
    assert figures[0] == pytest.approx(figures[1], nan_ok=True)


def test_peak_memory_sees_an_allocation():
    with PeakMemory() as small:
        pass
    with PeakMemory() as large:
        block = np.ones(40 * 2**20 // 8)
        large._done.wait(0.1)
    assert large.peak_mb - small.peak_mb > 30
    del block
