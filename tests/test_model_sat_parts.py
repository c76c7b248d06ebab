"""Model-SAT's parts without an LM: capability vectors, targets and levels."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit

from routers._subjects import WEIGHTS, Subjects, best_weight, subject_means
from routers.aptitude.profiles import complete
from routers.model_sat.capability import CapabilityVectors
from routers.model_sat.lessons import Teaching
from routers.model_sat.level import fit_card_means, level_questions, level_shifts
from routers.model_sat.targets import targets
from routers.table import RoutingTable
from routers.validation import check_parameters

NAN = float("nan")


class TestCapability:
    DATASETS = np.array(["a", "a", "b"])

    def test_the_first_numbers_are_means_of_datasets_over_their_spread(self):
        profiles = np.array([[0.2, 0.4, 0.9], [0.6, 0.8, 0.1], [0.4, 0.6, 0.5]])
        found = CapabilityVectors.fit(profiles, self.DATASETS, 0).transform(profiles)
        # departures on a: -.2, .2, 0; on b: .4, -.4, 0; their mean: .1, -.1, 0
        raw = np.array([[0.1, -0.3, 0.3], [-0.1, 0.3, -0.3], [0, 0, 0]])
        np.testing.assert_allclose(found, raw / raw.std(axis=0), atol=1e-6)

    def test_directions_hold_what_datasets_do_not_say(self):
        rng = np.random.default_rng(0)
        profiles = rng.random((30, 6))
        datasets = np.repeat(["a", "b"], 3)
        vectors = CapabilityVectors.fit(profiles, datasets, 8)
        found = vectors.transform(profiles)
        assert found.shape == (30, 3 + 4)  # of 6 dimensions the datasets take 2
        centered = profiles - profiles.mean(axis=0)
        rest = centered - found[:, :3].astype(float) @ vectors.fill
        spread = found[:, 3:].std(axis=0)
        assert (np.diff(spread) < 0).all()
        assert (rest**2).sum() > 0.1
        # nothing is lost: the vector says the whole profile
        said = found @ np.linalg.lstsq(found, centered, rcond=1e-5)[0]
        np.testing.assert_allclose(said, centered, atol=1e-5)

    def test_what_was_not_observed_is_the_task_s_mean_shifted_by_the_rest(self):
        means = np.array([0.5, 0.5, 0.2])
        found = complete(np.array([[0.7, 0.7, NAN], [NAN, NAN, NAN], [0.9, NAN, 0.9]]), means)
        np.testing.assert_allclose(found, [[0.7, 0.7, 0.4], [0.5, 0.5, 0.2], [0.9, 1.0, 0.9]])

    def test_one_llm_and_one_dataset_do(self):
        vectors = CapabilityVectors.fit(np.array([[0.5, NAN]]), np.array(["a", "a"]), 8)
        found = vectors.transform(np.array([[0.5, NAN], [1.0, 1.0]]))
        assert found.shape == (2, 2)
        assert np.isfinite(found).all()


def asked(n_per_subject=40, seed=0, llms=3):
    """Two datasets; the subjects of one tell the llms apart, those of the other do not."""
    rng = np.random.default_rng(seed)
    subjects = np.repeat(["a1", "a2", "b1", "b2"], n_per_subject)
    p = {"a1": [0.9, 0.1, 0.5], "a2": [0.1, 0.9, 0.5], "b1": [0.5] * 3, "b2": [0.5] * 3}
    chance = np.array([p[name][:llms] for name in subjects])
    return RoutingTable(
        questions=[f"{name} {i}" for i, name in enumerate(subjects)],
        scores=(rng.random(chance.shape) < chance).astype(float),
        llms=list("xyz")[:llms],
        ids=[f"q{i:03d}" for i in range(len(subjects))],
        datasets=[name[0] for name in subjects],
        subjects=subjects,
    )


class TestTargets:
    def test_outcomes_datasets_and_subjects(self):
        table = asked()
        assert targets(table, "outcome", 1.0, 0) is table.scores
        by_dataset = targets(table, "dataset", 0.0, 0)
        for name in ("a", "b"):
            here = table.datasets == name
            np.testing.assert_allclose(
                by_dataset[here], np.tile(table.scores[here].mean(axis=0), (80, 1))
            )
        by_subject = targets(table, "subject", 0.0, 0)
        here = table.subjects == "a1"
        raw = table.scores[here].mean(axis=0)
        assert np.abs(by_subject[here][0] - raw).max() < 0.1
        assert np.abs(by_subject[here][0] - by_dataset[here][0]).max() > 0.3

    def test_shuffled_targets_are_those_of_other_questions(self):
        table = asked()
        found, whole = (targets(table, rung, 1.0, 0) for rung in ("shuffled", "subject"))
        assert np.abs(found - whole).max() > 0.1
        np.testing.assert_allclose(np.sort(found, axis=0), np.sort(whole, axis=0))
        np.testing.assert_array_equal(found, targets(table, "shuffled", 1.0, 0))
        assert np.abs(found - targets(table, "shuffled", 1.0, 1)).max() > 0.1

    @pytest.mark.parametrize("rung", ["subject", "dataset", "outcome", "shuffled"])
    def test_every_rung_can_be_asked_for(self, rung):
        check_parameters(Teaching(targets=rung))
        assert targets(asked(), rung, 1.0, 0).shape == (160, 3)

    def test_an_llm_has_no_target_on_a_dataset_that_it_never_met(self):
        table = asked()
        scores = table.scores.copy()
        scores[:80, 1] = NAN
        partly = replace(table, scores=scores)
        for rung in ("dataset", "subject"):
            found = np.isnan(targets(partly, rung, 1.0, 0))
            assert found[:80, 1].all()
            assert found.sum() == 80
            scores = table.scores.copy()
            scores[:40, 1] = NAN  # the rest of the dataset says what it is expected to do
            assert np.isfinite(targets(replace(table, scores=scores), rung, 1.0, 0)).all()

    def test_a_subject_is_pulled_by_its_weight(self):
        table = asked().rows(slice(0, 80))
        subjects = Subjects.of(table)
        mean = table.scores.mean(axis=0)
        first = table.scores[:40].mean(axis=0)
        found = subject_means(subjects, table, 0.0, 10.0)
        np.testing.assert_allclose(found[0], mean + (first - mean) * 40 / 50, rtol=1e-6)
        np.testing.assert_allclose(subject_means(subjects, table, 0.0, np.inf)[0], mean, rtol=1e-6)

    def test_unobserved_outcomes_and_unknown_subjects(self):
        table = asked()
        scores = table.scores.copy()
        scores[:40, 0] = NAN  # nothing of x on a1: it is what it is on a
        partly = replace(table, scores=scores)
        subjects = Subjects.of(partly)
        found = subject_means(subjects, partly, 0.0, 10.0)
        assert np.isfinite(found).all()
        assert found[0, 0] == pytest.approx(np.nanmean(scores[:80, 0]))
        few = Subjects.of(partly.rows(slice(40, 160)))
        assert list(few.numbers(partly)[[0, 40, 80]]) == [-1, 0, 1]
        assert subject_means(few, partly, 0.0, 10.0).shape == (3, 3)

    def test_the_weight_is_large_where_subjects_say_nothing(self):
        table = asked(seed=1)
        a, b = (table.rows(table.datasets == name) for name in "ab")
        assert best_weight(Subjects.of(a), a, 1.0, 0) <= 5
        assert best_weight(Subjects.of(b), b, 1.0, 0) == WEIGHTS[-1]


class TestLevel:
    def test_levels_are_met_by_shifting_logits(self):
        rng = np.random.default_rng(0)
        logits = rng.normal(size=(50, 4))
        weights = rng.random(50)
        weights /= weights.sum()
        means = np.array([0.05, 0.4, 0.6, 0.99])
        shifts = level_shifts(logits, weights, means)
        np.testing.assert_allclose(weights @ expit(logits + shifts), means, atol=1e-9)

    def test_nothing_is_certain_and_no_shift_is_endless(self):
        logits, weights = np.zeros((2, 3)), np.array([0.5, 0.5])
        shifts = level_shifts(logits, weights, np.array([0.0, 1.0, 0.5]))
        np.testing.assert_allclose(expit(shifts), [0.01, 0.99, 0.5], atol=1e-9)
        far = level_shifts(np.array([[90.0, -90]]), np.ones(1), np.array([0.5, 0.5]))
        np.testing.assert_allclose(far, [-20, 20])

    def test_some_questions_of_each_dataset_weigh_alike(self):
        datasets = np.array(["a"] * 100 + ["b"] * 7 + ["c"] * 40)
        rows, weights = level_questions(datasets, 0)
        assert len(set(rows)) == len(rows) == 67
        assert (datasets[rows] == "a").sum() == 30
        assert set(rows) > set(range(100, 107))
        for name in ("a", "b", "c"):
            np.testing.assert_allclose(weights[datasets[rows] == name].sum(), 1 / 3)
            assert len(set(weights[datasets[rows] == name])) == 1
        np.testing.assert_array_equal(rows, level_questions(datasets, 0)[0])
        assert set(rows) != set(level_questions(datasets, 1)[0])

    def test_of_few_llms_the_mean_of_the_tasks_is_moved_by_how_they_differ(self):
        profiles = np.array([[0.2, 0.4], [0.6, 0.4]])
        found = fit_card_means(profiles, np.array([0.5, 0.8]))
        np.testing.assert_allclose(found, [0.5, 0.5, 0.65 - 0.4])

    def test_of_many_llms_it_is_learned_what_each_task_says(self):
        rng = np.random.default_rng(0)
        profiles = rng.random((400, 2))
        found = fit_card_means(profiles, 0.1 + 0.6 * profiles[:, 0])
        np.testing.assert_allclose(found, [0.6, 0, 0.1], atol=0.01)
        eleven = fit_card_means(profiles[:11], 0.1 + 0.6 * profiles[:11, 0])
        np.testing.assert_allclose(eleven[:2], 0.5)
        twelve = fit_card_means(profiles[:12], 0.1 + 0.6 * profiles[:12, 0])
        assert twelve[0] > twelve[1] + 0.2
