"""The floor "recognized dataset": which dataset a text is of, and which llm is best there."""

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression

from routers.encoders import Encoder
from routers.recognition import RecognisedDatasetRouter
from routers.table import RoutingTable


class Words(Encoder):
    """One dimension for fish, one for bird."""

    def transform(self, texts):
        vectors = [["fish" in text, "bird" in text] for text in texts]
        return np.array(vectors, dtype=np.float32)


def recognizer(**parameters):
    return RecognisedDatasetRouter(Words(), **{"prior": 0.0} | parameters)


def test_the_likeliest_dataset_says_which_llm_is_good(tiny):
    router = recognizer().fit(tiny)
    assert list(router.classes_) == ["bird", "fish"]
    np.testing.assert_allclose(router.dataset_scores_, [[0, 1, 0.5], [1, 0.5, 0]])
    found = router.predict_scores(["two fish", "red bird"])
    np.testing.assert_allclose(found, [[1, 0.5, 0], [0, 1, 0.5]])


def test_soft_averages_over_datasets_by_their_probability(tiny):
    router = recognizer(soft=True).fit(tiny)
    p_bird, p_fish = router.recognise(["two fish"])[0]
    assert 0.5 < p_fish < 1
    np.testing.assert_allclose(
        router.predict_scores(["two fish"]),
        [[p_fish, 0.5 * p_fish + p_bird, 0.5 * p_bird]],
        atol=1e-6,
    )


def test_by_default_one_dataset_is_taken_and_one_question_lent():
    assert RecognisedDatasetRouter().get_params() == {
        "encoder": None,
        "soft": False,
        "strength": 10.0,
        "prior": 1.0,
    }


def test_the_probability_is_that_of_a_logistic_regression_of_this_strength(tiny):
    texts = ["one fish", "fish or bird", "neither"]
    X, y = Words().transform(tiny.questions), [name == "fish" for name in tiny.datasets]
    for strength in (0.05, 10.0):
        expected = LogisticRegression(C=strength, max_iter=1000).fit(X, y)
        found = recognizer(strength=strength).fit(tiny).recognise(texts)
        np.testing.assert_allclose(
            found[:, 1], expected.predict_proba(Words().transform(texts))[:, 1]
        )
        np.testing.assert_allclose(found.sum(axis=1), 1)


def test_a_prior_pulls_a_dataset_toward_the_mean_of_all(tiny):
    # a has mean 1/2: (2 right of 2 + 2 * 1/2) / (2 + 2) on fish
    router = recognizer(prior=2.0).fit(tiny)
    np.testing.assert_allclose(router.dataset_scores_[1, 0], 3 / 4)


def test_one_dataset_needs_no_recognition(tiny):
    router = recognizer().fit(tiny.rows([0, 1]))
    np.testing.assert_array_equal(router.recognise(["red bird", "?"]), [[1], [1]])
    np.testing.assert_allclose(router.predict_scores(["red bird"]), [[1, 0.5, 0]])


def test_told_is_what_would_be_predicted_were_the_dataset_known(tiny):
    nan = np.nan
    seen = RoutingTable(
        questions=tiny.questions,
        scores=np.column_stack([np.full(4, nan), tiny.scores[:, [2, 0]]]),
        llms=["unseen", "c", "a"],  # in another order than by name, and one never observed
        ids=tiny.ids,
        datasets=tiny.datasets,
    )
    router = recognizer(prior=1.0).fit(seen)
    # means of all: c 1/4, a 1/2; on bird c (1 + 1/4) / 3, a (0 + 1/2) / 3, to six decimals
    found = router.told(["bird", "plant", "fish"])
    expected = [[nan, 0.416667, 0.166667], [nan] * 3, [nan, 0.083333, 0.833333]]
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(found[:1], router.predict_scores(["red bird"]))
    assert router.told([]).shape == (0, 3)
    with pytest.raises(NotFittedError):
        recognizer().told(["bird"])


def outcomes_of(datasets, scores):
    return RoutingTable(
        questions=datasets,
        scores=np.reshape(scores, (-1, 1)),
        llms=["new"],
        ids=[f"n{i}" for i in range(len(datasets))],
        datasets=datasets,
    )


def test_a_newcomer_is_judged_by_dataset_and_by_all_that_it_was_asked(tiny):
    router = recognizer(prior=1.0).fit(tiny)
    router.admit("new", outcomes_of(["plant", "bird", "plant"], [0, 1, 0.5]))
    # its mean of all is 1/2: on bird (1 + 1/2) / 2, on fish, which it was not asked, 1/2
    np.testing.assert_allclose(router.told(["bird", "fish"])[:, 3], [3 / 4, 1 / 2])
    np.testing.assert_allclose(router.told(["bird"])[0, :3], [1 / 6, 11 / 12, 5 / 12], atol=1e-6)


@pytest.mark.parametrize("prior", [0.0, 1.0])
def test_a_newcomer_of_other_datasets_has_the_mean_of_all_that_it_was_asked(tiny, prior):
    router = recognizer(prior=prior).fit(tiny)
    router.admit("new", outcomes_of(["plant", "plant", "stone", "stone"], [1, 0, 1, 1]))
    np.testing.assert_allclose(router.predict_scores(["one fish", "red bird"])[:, 3], 3 / 4)


def test_a_copy_that_is_admitted_scores_as_what_it_copies(tiny):
    half = recognizer(prior=1.0).fit(tiny)
    half.admit("copy", RoutingTable(
        questions=tiny.questions, scores=tiny.scores[:, :1], llms=["copy"], ids=tiny.ids,
        datasets=tiny.datasets,
    ))  # fmt: skip
    np.testing.assert_allclose(half.dataset_scores_[:, 3], half.dataset_scores_[:, 0])


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        ({"soft": 2}, "soft"),
        ({"strength": 0.0}, "strength"),
        ({"prior": -0.1}, "prior"),
        ({"encoder": "tfidf"}, "encoder"),
    ],
)
def test_wrong_parameters_are_refused(tiny, wrong, what):
    with pytest.raises(ValueError, match=f"'{what}' must be"):
        RecognisedDatasetRouter(**{"encoder": Words()} | wrong).fit(tiny)


def test_no_prior_is_a_prior(tiny):
    assert recognizer(prior=0).fit(tiny).dataset_scores_[1, 0] == 1


def test_without_an_encoder_words_are_counted(tiny):
    router = RecognisedDatasetRouter().fit(tiny)
    assert router.route(["one fish", "red bird"]).tolist() == [0, 1]
