"""All machines at once are the machines that scikit-learn fits one by one."""

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.svm import LinearSVC

from routers import svm
from routers.svm import SoftLabelSVM, sigmoids


@pytest.fixture
def made_up():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(160, 6)).astype(np.float32)
    logits = X @ rng.normal(size=(6, 4)) + rng.logistic(size=(160, 4)) + [0, 1, -1, 2]
    return X, (logits > 0).astype(float)


def one_by_one(X, y, strength=0.1):
    machine = LinearSVC(C=strength, tol=1e-9, max_iter=100_000, random_state=0)
    return CalibratedClassifierCV(machine, cv=5, ensemble=False).fit(X, y > 0.5)


@pytest.mark.parametrize("strength", [0.1, 3.0])
@pytest.mark.parametrize("missing", [0.0, 0.2])
def test_probabilities_are_those_of_machines_fitted_alone(made_up, strength, missing):
    X, y = made_up
    y[np.random.default_rng(1).random(y.shape) < missing] = np.nan
    found = SoftLabelSVM(strength).fit(X, y).predict(X)
    for j in range(y.shape[1]):
        seen = ~np.isnan(y[:, j])
        alone = one_by_one(X[seen], y[seen, j], strength)
        np.testing.assert_allclose(found[:, j], alone.predict_proba(X)[:, 1], atol=2e-4)


def test_blocks_of_llms_do_not_matter(monkeypatch, made_up):
    X, y = made_up
    together = SoftLabelSVM().fit(X, y).predict(X)
    monkeypatch.setattr(svm, "_BLOCK", 6)
    np.testing.assert_allclose(SoftLabelSVM().fit(X, y).predict(X), together, atol=1e-4)


def test_a_soft_label_counts_as_both_weighted():
    X = np.array([[1.0], [1.0], [-1.0], [-1.0], [0.5]] * 6, dtype=np.float32)
    soft = np.tile([[0.75], [0.75], [0.25], [0.25], [0.5]], (6, 1))
    coef = SoftLabelSVM(0.2, tol=1e-6).fit(X, soft).coef_
    # each question four times, right in as many as its label says, at a quarter of the strength
    labels = np.concatenate([(soft[:, 0] * 4 > draw) for draw in (0.5, 1.5, 2.5, 3.5)])
    hard = LinearSVC(C=0.05, tol=1e-9, max_iter=100_000).fit(np.tile(X, (4, 1)), labels)
    assert coef[0, 0] == pytest.approx(hard.coef_[0, 0], abs=1e-4)
    assert coef[1, 0] == pytest.approx(hard.intercept_[0], abs=1e-4)


def test_few_labels_of_a_kind_give_the_mean(made_up):
    X, y = made_up
    y[:, 0] = 1
    y[:, 1] = np.arange(len(y)) < 4
    y[:, 2] = np.nan
    y[:2, 2] = [1, 0]
    found = SoftLabelSVM().fit(X, y).predict(X[:3])
    np.testing.assert_allclose(found[:, :3], np.tile([1, 4 / 160, 0.5], (3, 1)))
    assert (np.abs(found[:, 3] - 0.5) < 0.5).all()


def test_sigmoids_are_finite_where_margins_tell_all():
    margins = np.array([[-2.0], [-1.0], [1.0], [2.0]])
    scale, shift = sigmoids(margins, (margins > 0).astype(float))
    assert 0 < scale[0] < 10
    assert shift[0] == pytest.approx(0, abs=1e-3)
    probability = 1 / (1 + np.exp(-scale * margins - shift))
    targets = np.array([[0.25], [0.25], [0.75], [0.75]])  # by Laplace's rule, two of each kind
    assert (margins * (probability - targets)).sum() == pytest.approx(0, abs=1e-3)
