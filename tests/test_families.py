"""Hand-worked cases of each method."""

import dataclasses

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB

from routers._targets import shrunken_means
from routers.baselines import BestSingle
from routers.classifiers import ClassifierRouter
from routers.clusters import KMeansRouter
from routers.encoders import Encoder
from routers.logistic import SoftLabelLogistic
from routers.neighbors import KNNRouter, nearest_rows
from routers.recognition import RecognisedDatasetRouter


class Words(Encoder):
    """One direction per word of a fixed list."""

    WORDS = ("fish", "bird", "one", "two", "red", "blue")

    def transform(self, texts):
        counts = np.array([[word in text.split() for word in self.WORDS] for text in texts], float)
        return (counts / np.maximum(np.linalg.norm(counts, axis=1, keepdims=True), 1)).astype(
            np.float32
        )


def test_shrunken_means_by_hand():
    scores = np.array([[1, np.nan], [0, 1], [1, np.nan]])
    weights = np.array([[1.0, 1, 0], [0, 0, 1]])
    # overall means 2/3 and 1; group sums (1, 1) of counts (2, 1), and (1, 0) of (1, 0)
    expected = [[(1 + 2 / 3) / 3, (1 + 1) / 2], [(1 + 2 / 3) / 2, 1]]
    np.testing.assert_allclose(shrunken_means(weights, scores, 1), expected)
    np.testing.assert_allclose(shrunken_means(csr_array(weights), scores, 1), expected)
    np.testing.assert_allclose(shrunken_means(weights, scores, 0), [[0.5, 1], [1, 1]])


def test_knn_by_hand(tiny):
    router = KNNRouter(Words(), k=2, prior=0).fit(tiny)
    # nearest to "fish": the two fish questions
    np.testing.assert_allclose(router.predict_scores(["fish"]), [[1, 0.5, 0]])
    np.testing.assert_allclose(router.predict_scores(["bird"]), [[0, 1, 0.5]])
    everyone = KNNRouter(Words(), k=100, prior=0).fit(tiny)
    np.testing.assert_allclose(everyone.predict_scores(["fish"]), [[0.5, 0.75, 0.25]])


def test_one_nearest_neighbour_recalls_the_training_scores(tiny):
    router = KNNRouter(Words(), k=1, prior=0).fit(tiny)
    np.testing.assert_allclose(router.predict_scores(tiny.questions), tiny.scores)


def test_knn_admits_from_new_and_old_questions(tiny):
    router = KNNRouter(Words(), k=2, prior=0).fit(tiny.select(["a", "b"]))
    newcomer = dataclasses.replace(
        tiny.select(["c"]),
        ids=["q1", "q2", "new 1", "new 2"],
        scores=[[1], [1], [0], [0]],
        questions=["one fish", "two fish", "one red bird", "one blue bird"],
    )
    router.admit("c", newcomer)
    np.testing.assert_allclose(router.predict_scores(["two fish"])[:, 2], [1])
    np.testing.assert_allclose(router.predict_scores(["one red bird"])[:, 2], [0])


def test_nearest_rows_finds_the_largest():
    similarity = np.array([[0.1, 0.9, 0.5, 0.7]])
    assert set(nearest_rows(similarity, 2)[0]) == {1, 3}
    assert list(nearest_rows(similarity, 9)[0]) == [0, 1, 2, 3]


def test_one_cluster_is_the_best_single_llm(tiny):
    router = KMeansRouter(Words(), n_clusters=1, prior=0).fit(tiny)
    micro = BestSingle(macro=False).fit(tiny)
    np.testing.assert_allclose(router.predict_scores(["x"]), micro.predict_scores(["x"]))


def test_two_clusters_find_the_topics(tiny):
    router = KMeansRouter(Words(), n_clusters=2, prior=0).fit(tiny)
    np.testing.assert_allclose(router.predict_scores(["one fish"]), [[1, 0.5, 0]])
    np.testing.assert_allclose(router.predict_scores(["red bird"]), [[0, 1, 0.5]])


def test_recognised_dataset_by_hand(tiny):
    router = RecognisedDatasetRouter(Words(), prior=0).fit(tiny)
    np.testing.assert_allclose(router.predict_scores(["two fish"]), [[1, 0.5, 0]])
    assert list(router.classes_) == ["bird", "fish"]
    soft = RecognisedDatasetRouter(Words(), prior=0, soft=True).fit(tiny)
    p_bird, p_fish = soft.recognise(["two fish"])[0]
    np.testing.assert_allclose(
        soft.predict_scores(["two fish"]),
        [[p_fish, 0.5 * p_fish + p_bird, 0.5 * p_bird]],
        atol=1e-6,
    )


@pytest.mark.parametrize("strength", [0.1, 1.0, 10.0])
def test_many_logistic_regressions_at_once_equal_one_by_one(strength):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 12)).astype(np.float32)
    slopes = rng.normal(size=(12, 5)) * 2
    p = 1 / (1 + np.exp(-(X @ slopes + [-3, -1, 0, 1, 3])))
    y = (rng.random((200, 5)) < p).astype(np.float32)
    y[:50, 2] = np.nan
    found = SoftLabelLogistic(strength, max_iter=2000, tol=1e-4).fit(X, y).predict(X)
    for j in range(5):
        seen = ~np.isnan(y[:, j])
        one = LogisticRegression(C=strength, tol=1e-10, max_iter=5000).fit(X[seen], y[seen, j])
        np.testing.assert_allclose(found[:, j], one.predict_proba(X)[:, 1], atol=2e-3)


def test_soft_labels_equal_repeated_hard_ones():
    X = np.array([[1.0], [0.0]])
    soft = SoftLabelLogistic().fit(np.repeat(X, 4, axis=0), np.repeat([[0.75], [0.25]], 4, axis=0))
    hard = SoftLabelLogistic().fit(
        np.repeat(X, 4, axis=0), np.array([[1, 1, 1, 0, 1, 0, 0, 0.0]]).T
    )
    np.testing.assert_allclose(soft.predict(X), hard.predict(X), atol=1e-4)


def test_a_classifier_is_fitted_per_llm_and_takes_fractions(table):
    constant = dataclasses.replace(
        table, scores=np.column_stack([np.ones(len(table)), table.scores[:, 1:]])
    )
    router = ClassifierRouter(GaussianNB()).fit(constant)
    predicted = router.predict_scores(list(table.questions))
    np.testing.assert_array_equal(predicted[:, 0], 1)  # always right: nothing to learn
    assert len(router.estimators_) == 4
    halves = dataclasses.replace(table, scores=np.full(table.scores.shape, 0.5))
    halves = dataclasses.replace(halves, scores=np.where(table.scores == 1, 0.5, 0.25))
    predicted = ClassifierRouter(GaussianNB()).fit(halves).predict_scores(list(table.questions))
    assert 0.2 < predicted.mean() < 0.55


@pytest.mark.parametrize(
    ("router", "message"),
    [
        (KNNRouter(Words(), k=0), "'k' parameter of KNNRouter must be a number at least 1"),
        (KNNRouter(Words(), k="five"), "Got 'five' instead"),
        (KMeansRouter(Words(), n_clusters=0), "'n_clusters'"),
    ],
)
def test_bad_parameters_are_refused_in_fit(router, message, tiny):
    with pytest.raises(ValueError, match=message):
        router.fit(tiny)
