"""Model-SAT's parts without an LM: capability vectors, targets and levels."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit

from routers._subjects import WEIGHTS, Subjects, best_weight, subject_means
from routers.aptitude.profiles import complete
from routers.model_sat.capability import CapabilityVectors
from routers.model_sat.level import level_shifts
from routers.model_sat.targets import targets
from routers.table import RoutingTable

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

    def test_an_llm_has_no_target_on_a_dataset_that_it_never_met(self):
        table = asked()
        scores = table.scores.copy()
        scores[:80, 1] = NAN
        partly = replace(table, scores=scores)
        for rung in ("dataset", "subject"):
            found = np.isnan(targets(partly, rung, 1.0, 0))
            assert found[:80, 1].all()
            assert found.sum() == 80

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


def test_levels_are_met_by_shifting_logits():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(50, 4))
    weights = rng.random(50)
    weights /= weights.sum()
    means = np.array([0.05, 0.4, 0.6, 0.99])
    shifts = level_shifts(logits, weights, means)
    np.testing.assert_allclose(weights @ expit(logits + shifts), means, atol=1e-9)
