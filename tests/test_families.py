"""Hand-worked cases of each method."""

import dataclasses

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB

from routers._targets import best_shares, log_odds, shrunken_means
from routers.baselines import BestSingle
from routers.classifiers import ClassifierRouter
from routers.clusters import KMeansRouter
from routers.encoders import Encoder
from routers.logistic import SoftLabelLogistic
from routers.mlp import SoftLabelMLP
from routers.neighbors import KNNRouter


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


def test_one_cluster_is_the_best_single_llm(tiny):
    router = KMeansRouter(Words(), n_clusters=1, prior=0).fit(tiny)
    micro = BestSingle(macro=False).fit(tiny)
    np.testing.assert_allclose(router.predict_scores(["x"]), micro.predict_scores(["x"]))


def test_two_clusters_find_the_topics(tiny):
    router = KMeansRouter(Words(), n_clusters=2, prior=0).fit(tiny)
    np.testing.assert_allclose(router.predict_scores(["one fish"]), [[1, 0.5, 0]])
    np.testing.assert_allclose(router.predict_scores(["red bird"]), [[0, 1, 0.5]])


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


def test_a_classifier_with_next_to_no_right_answers_predicts_the_mean(table):
    scores = np.zeros((len(table), 4))
    scores[:2, 0] = scores[:45, 1:] = 1
    router = ClassifierRouter(GaussianNB()).fit(dataclasses.replace(table, scores=scores))
    questions = list(table.questions)
    np.testing.assert_allclose(router.predict_scores(questions)[:, 0], 2 / 90, atol=1e-6)
    assert len(np.unique(router.predict_scores(questions)[:, 1])) > 1


def test_shares_of_the_best_by_hand():
    scores = np.array([[1, 1, 0], [0.5, 0.2, np.nan], [0, 0, 0], [np.nan] * 3])
    expected = [[0.5, 0.5, 0], [1, 0, np.nan], [1 / 3] * 3, [np.nan] * 3]
    np.testing.assert_allclose(best_shares(scores), expected)


def test_the_target_best_is_learned_in_shares(tiny):
    same = dataclasses.replace(tiny, questions=["fish"] * 4)
    router = ClassifierRouter(SoftLabelLogistic(), Words(), target="best").fit(same)
    assert router.relative_scores
    # shares of a: 1, .5, 0, 0; of b: 0, .5, 1, .5; of c: 0, 0, 0, .5
    expected = [[1.5 / 4, 2 / 4, 0.5 / 4]]
    np.testing.assert_allclose(router.predict_scores(["fish"]), expected, atol=2e-3)
    assert not ClassifierRouter().relative_scores


def test_perceptron_learns_what_no_line_can():
    rng = np.random.default_rng(0)
    X = rng.choice([-1.0, 1.0], size=(300, 2))
    y = np.stack([X[:, 0] * X[:, 1] > 0, X[:, 0] * X[:, 1] < 0], axis=1) * 0.8 + 0.1
    y[:100, 1] = np.nan
    fitted = SoftLabelMLP(hidden=(16,), max_iter=40, learning_rate=0.02).fit(X, y)
    np.testing.assert_allclose(fitted.predict(X)[:, 0], y[:, 0], atol=0.1)
    np.testing.assert_allclose(fitted.predict(X)[100:, 1], y[100:, 1], atol=0.1)
    np.testing.assert_array_equal(
        SoftLabelMLP(hidden=(16,), max_iter=3).fit(X, y).predict(X),
        SoftLabelMLP(hidden=(16,), max_iter=3).fit(X, y).predict(X),
    )


def test_perceptron_keeps_the_best_epoch_of_its_validation_questions():
    rng = np.random.default_rng(1)
    X, y = rng.normal(size=(120, 20)), (rng.random((120, 3)) < 0.7).astype(float)
    # nothing to learn: many epochs on noise must not move it far from the means
    given = {"hidden": (64,), "max_iter": 60, "learning_rate": 0.01}
    stopped = SoftLabelMLP(**given).fit(X, y).predict(rng.normal(size=(200, 20)))
    overfit = SoftLabelMLP(**given, validation_fraction=0.0).fit(X, y)
    assert stopped.std() < 0.2 < overfit.predict(rng.normal(size=(200, 20))).std()
    np.testing.assert_allclose(log_odds(y), np.log(y.mean(0) / (1 - y.mean(0))), rtol=1e-5)


@pytest.mark.parametrize(
    ("router", "message"),
    [
        (KNNRouter(Words(), k=0), "KNNRouter: parameter 'k' must be an integer of at least 1"),
        (KNNRouter(Words(), k="five"), "got 'five'"),
        (KMeansRouter(Words(), n_clusters=0), "'n_clusters'"),
        (ClassifierRouter(encoder=Words(), target="worst"), "must be one of 'score' or 'best'"),
    ],
)
def test_bad_parameters_are_refused_in_fit(router, message, tiny):
    with pytest.raises(ValueError, match=message):
        router.fit(tiny)
