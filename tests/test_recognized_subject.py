"""Recognized subject: means on subjects worked by hand, their weight, and what is recognized."""

from dataclasses import replace

import numpy as np
import pytest

from routers._subjects import WEIGHTS, Subjects, best_weight, dataset_means, subject_means
from routers.encoders import TfidfEncoder
from routers.recognition import RecognisedDatasetRouter, RecognizedSubjectRouter
from routers.table import RoutingTable

NAN = np.nan


def made(scores, datasets, subjects, questions=None, **more) -> RoutingTable:
    n = len(scores)
    return RoutingTable(
        questions=questions or [f"question {i}" for i in range(n)],
        scores=scores,
        llms=["a", "b"][: len(scores[0])],
        ids=[f"q{i:03}" for i in range(n)],
        datasets=datasets,
        subjects=subjects,
        **more,
    )


@pytest.fixture
def science():
    """Two subjects of one dataset, and another dataset whose subject bears a name of the first."""
    return made(
        [[1, 0], [1, 1], [0, 1], [0, 1], [0, 0], [1, 0]],
        ["exam"] * 4 + ["quiz"] * 2,
        ["law", "law", "art", "art", "art", "art"],
    )


def test_subjects_are_told_apart_by_dataset_and_sorted(science):
    subjects = Subjects.of(science)
    assert list(subjects.datasets) == ["exam", "quiz"]
    assert list(subjects.names) == ["art", "law", "art"]
    assert subjects.dataset_of.tolist() == [0, 0, 1]
    assert subjects.numbers(science).tolist() == [1, 1, 0, 0, 2, 2]
    strange = replace(science, subjects=["law", "law", "art", "sport", "law", "art"])
    assert subjects.numbers(strange).tolist() == [1, 1, 0, -1, -1, 2]


def test_means_on_datasets_are_pulled_towards_the_overall_mean(science):
    # a is right on 2 of 4 and 1 of 2, b on 3 of 4 and 0 of 2; overall both 3 of 6
    found = dataset_means(Subjects.of(science), science, 2.0)
    np.testing.assert_allclose(found, [[3 / 6, 4 / 6], [2 / 4, 1 / 4]])


def test_means_on_subjects_are_pulled_towards_the_dataset(science):
    subjects = Subjects.of(science)
    # without a prior the datasets' means are (1/2, 3/4) and (1/2, 0); two questions of each
    # subject depart from them: art of exam by (-1/2, 1/4), law by (1/2, -1/4), art of quiz by 0
    found = subject_means(subjects, science, 0.0, 2.0)
    np.testing.assert_allclose(found, [[0.25, 0.875], [0.75, 0.625], [0.5, 0]])
    found = subject_means(subjects, science, 0.0, 0.0)
    np.testing.assert_allclose(found, [[0, 1], [1, 0.5], [0.5, 0]])
    found = subject_means(subjects, science, 0.0, np.inf)
    np.testing.assert_allclose(found, [[0.5, 0.75], [0.5, 0.75], [0.5, 0]])


def test_what_was_not_observed_and_subjects_that_are_not_known(science):
    subjects = Subjects.of(science)
    scores = science.scores.copy()
    scores[0, 0] = NAN
    # a: exam 1 of 3, law one question that departs by 2/3, pulled by one pseudo-question
    found = subject_means(subjects, replace(science, scores=scores), 0.0, 1.0)
    assert found[1, 0] == pytest.approx(1 / 3 + (2 / 3) / 2)
    assert found[1, 1] == pytest.approx(3 / 4 + (-1 / 2) / 3)
    # a question of an unheard-of subject counts for its dataset alone
    strange = replace(science, subjects=["law", "law", "art", "sport", "art", "art"])
    found = subject_means(subjects, strange, 0.0, 1.0)
    assert found[0, 1] == pytest.approx(3 / 4 + (1 / 4) / 2)
    assert found[1, 1] == pytest.approx(3 / 4 + (-1 / 2) / 3)
    # and a dataset without any question falls back on the overall mean
    elsewhere = replace(science, datasets=["exam"] * 6, subjects=["law"] * 6)
    assert subject_means(subjects, elsewhere, 0.0, 1.0)[2] == pytest.approx([3 / 6, 3 / 6])


def by_subject(chance_a, n=400, seed=0):
    """Draw outcomes of two llms, of which one is right where the other is not."""
    subject = np.arange(n) % len(chance_a)
    right = np.random.default_rng(seed).random(n) < np.array(chance_a)[subject]
    scores = np.column_stack([right, ~right]).astype(float)
    return made(scores, ["exam"] * n, [f"s{k}" for k in subject])


@pytest.mark.parametrize(
    ("table", "low", "high"),
    [
        (by_subject([0.95, 0.05]), 2, 2),  # subjects decide
        (by_subject([0.5, 0.5]), 160, np.inf),  # they say nothing
        (
            by_subject([0.6, 0.4] * 20, n=2000),
            5,
            80,
        ),  # they say something, and few questions are of each
    ],
    ids=["decide", "nothing", "something"],
)
def test_the_weight_is_as_large_as_subjects_say_little(table, low, high):
    assert low <= best_weight(Subjects.of(table), table, 1.0, 0) <= high


def test_of_weights_that_err_alike_the_largest_is_taken():
    table = by_subject([0.7], n=40)  # one subject is its dataset
    assert best_weight(Subjects.of(table), table, 0.0, 0) == WEIGHTS[-1]
    easy = made([[0.0, 0], [1, 1]] * 20, ["exam"] * 40, ["hard", "easy"] * 20)
    # subjects differ in how hard they are, which no choice depends on
    assert best_weight(Subjects.of(easy), easy, 1.0, 0) == WEIGHTS[-1]


@pytest.mark.parametrize("seed", range(6))
def test_the_weight_errs_least_on_the_inner_folds(seed):
    table = by_subject([0.8, 0.3, 0.5], n=60, seed=seed)
    subjects, number = Subjects.of(table), np.arange(60) % 3
    above = table.scores - table.scores.mean(axis=0)
    above -= above.mean(axis=1, keepdims=True)
    fold = np.random.default_rng(4).permutation(60) % 5
    errors = []
    for weight in WEIGHTS:
        error = 0.0
        for i in range(60):
            same = (number == number[i]) & (fold != fold[i])
            error += ((above[i] - above[same].sum(axis=0) / (same.sum() + weight)) ** 2).sum()
        errors.append(error)
    assert best_weight(subjects, table, 0.0, 4) == WEIGHTS[int(np.argmin(errors))]


WORDS = {
    ("birds", "sea"): "gull tern",
    ("birds", "land"): "owl robin",
    ("ships", "all"): "mast sail",
}


@pytest.fixture
def nature():
    """Three subjects that words tell apart; the second llm is better on land birds alone."""
    kinds = [list(WORDS)[i % 3] for i in range(90)]
    scores = [[0.2, 0.9] if kind == ("birds", "land") else [0.8, 0.3] for kind in kinds]
    return made(
        scores,
        [dataset for dataset, _ in kinds],
        [subject for _, subject in kinds],
        [f"{i} {WORDS[kind]}" for i, kind in enumerate(kinds)],
    )


def fitted(table):
    return RecognizedSubjectRouter(TfidfEncoder(dim=16), strength=1000.0, prior=0).fit(table)


def test_the_subject_is_recognized_within_its_dataset(nature):
    router = fitted(nature)
    found = router.recognize(["7 owl robin", "8 gull tern", "9 mast sail"])
    assert found.shape == (3, 3)
    np.testing.assert_allclose(found.sum(axis=1), 1)
    assert found.argmax(axis=1).tolist() == [0, 1, 2]  # land, sea, all
    assert found.max(axis=1).min() > 0.9
    vectors = router.encoder_.transform(["7 owl robin"])
    dataset = router.dataset_classifier_.predict_proba(vectors)[0]
    land, sea = router.subject_classifiers_[0].predict_proba(vectors)[0]
    np.testing.assert_allclose(
        found[0], [dataset[0] * land, dataset[0] * sea, dataset[1]], rtol=1e-4
    )


def test_scores_are_the_means_by_the_chance_of_each_subject(nature):
    router = fitted(nature)
    assert router.weight_ == 2
    texts = ["7 owl robin", "8 gull tern", "owl mast"]
    found = router.predict_scores(texts)
    np.testing.assert_allclose(found, router.recognize(texts) @ router.subject_scores_, atol=1e-6)
    assert router.route(texts[:2]).tolist() == [1, 0]
    coarse = RecognisedDatasetRouter(TfidfEncoder(dim=16)).fit(nature)
    assert coarse.told(["birds"])[0] == pytest.approx([0.5, 0.6], abs=0.01)
    assert router.subject_scores_[0] == pytest.approx([0.2, 0.9], abs=0.03)


def test_with_one_subject_nothing_is_recognized():
    table = by_subject([0.7], n=40)
    router = RecognizedSubjectRouter(TfidfEncoder(dim=4)).fit(table)
    assert router.dataset_classifier_ is None
    assert router.subject_classifiers_ == [None]
    np.testing.assert_array_equal(router.recognize(["x", "y"]), [[1], [1]])
    np.testing.assert_allclose(
        router.predict_scores(["x"])[0], table.scores.mean(axis=0), atol=1e-6
    )


def test_a_newcomer_is_known_by_its_own_means_and_the_weight_of_the_zoo(nature):
    router = fitted(nature)
    router.admit("twin of b", replace(nature, llms=["a", "twin of b"]))
    assert router.subject_scores_.shape == (3, 3)
    np.testing.assert_allclose(router.subject_scores_[:, 2], router.subject_scores_[:, 1])
    some = nature.rows(nature.subjects == "land")
    router.admit("c", replace(some, llms=["a", "c"]))
    np.testing.assert_allclose(router.subject_scores_[:, 3], 0.9)  # all that is known of it
