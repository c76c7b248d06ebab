"""What predicted scores are worth as probabilities, by hand."""

import numpy as np
import pandas as pd
import pytest

from benchmarks.field import calibration

pytestmark = pytest.mark.filterwarnings("error")


def test_brier_by_hand():
    predicted = np.array([[0.8, 0.5], [0.8, np.nan], [0.2, 0.5], [0.2, 0.5]])
    scores = np.array([[1, 1], [0, 1], [0, np.nan], [0, 0.5]])
    np.testing.assert_allclose(calibration.brier(predicted, scores), [0.19, 0.125])
    assert np.isnan(calibration.brier(np.full((2, 1), np.nan), np.ones((2, 1)))).all()


def test_error_over_bins_of_both_kinds():
    predicted, scores = np.array([[0.1, 0.2, 0.6, 0.9]]).T, np.array([[0, 1, 1, 1.0]]).T
    # two bins of equal mass: .15 against .5, .75 against 1
    mass = calibration.calibration_error(predicted, scores, n_bins=2)
    np.testing.assert_allclose(mass, [0.3])
    # ten of equal width: every prediction on its own
    width = calibration.calibration_error(predicted, scores, equal_mass=False)
    np.testing.assert_allclose(width, [(0.1 + 0.8 + 0.4 + 0.1) / 4])


def test_equal_predictions_share_a_bin_in_any_order():
    predicted = np.full((100, 1), 0.5)
    scores = (np.arange(100) < 50).astype(float)[:, None]
    assert calibration.calibration_error(predicted, scores) == 0
    assert calibration.calibration_error(predicted, scores[::-1]) == 0
    assert np.isnan(calibration.calibration_error(predicted * np.nan, scores)).all()


def test_honest_predictions_are_calibrated():
    predicted = np.random.default_rng(0).random((20_000, 1))
    scores = (np.random.default_rng(1).random((20_000, 1)) < predicted).astype(float)
    for equal_mass in (True, False):
        found = calibration.calibration_error(predicted, scores, equal_mass=equal_mass)
        assert found[0] < 0.02


def test_by_llm_by_hand():
    def run(predicted):
        return pd.DataFrame(
            {
                "score/a": [1.0, 0.0],
                "predicted_score/a": predicted,
                "score/b": [1.0, np.nan],
                "predicted_score/b": [0.5, 0.5],
            }
        )

    found = calibration.by_llm([run([1.0, 0.0]), run([0.6, 0.6])])
    assert found.loc["a", ["score", "predicted"]].tolist() == [0.5, pytest.approx(0.55)]
    assert found.loc["a", "brier"] == pytest.approx((0 + (0.16 + 0.36) / 2) / 2)
    assert found.loc["a", "calibration_error"] == pytest.approx(0.1 / 2)
    assert found.loc["b"].tolist() == [2, 1.0, 0.5, 0.25, 0.5]


def test_pairs_are_left_out_one_by_one():
    predicted = np.array([[0.5, np.nan], [np.nan, 0.0], [1.0, 0.0]])
    scores = np.array([[1.0, 1.0], [1.0, np.nan], [1.0, 1.0]])
    np.testing.assert_allclose(calibration.brier(predicted, scores), [0.125, 1])
    np.testing.assert_allclose(calibration.calibration_error(predicted, scores), [0.25, 1])


def test_equal_width_bins_hold_their_upper_edge():
    # halves: (0, .5] and (.5, 1]; .5 falls in the lower and pairs with .1
    predicted, scores = np.array([[0.1, 0.5, 0.9]]).T, np.array([[1.0, 0.0, 1.0]]).T
    found = calibration.calibration_error(predicted, scores, n_bins=2, equal_mass=False)
    np.testing.assert_allclose(found, [(abs(0.6 - 1) + 0.1) / 3])
    # predictions outside [0, 1] fall in the bins at the ends
    predicted, scores = np.array([[-1.0, 0.2, 2.0]]).T, np.array([[0.0, 0.0, 1.0]]).T
    found = calibration.calibration_error(predicted, scores, n_bins=2, equal_mass=False)
    np.testing.assert_allclose(found, [(0.8 + 1.0) / 3])


def test_bins_of_equal_width_are_where_they_are_whatever_is_predicted():
    # all in the lower half; of equal mass: {.1, .2}, .7 short in all, and {.3}
    predicted, scores = np.array([[0.1, 0.2, 0.3]]).T, np.array([[1.0, 0.0, 0.0]]).T
    width = calibration.calibration_error(predicted, scores, n_bins=2, equal_mass=False)
    np.testing.assert_allclose(width, [0.4 / 3])
    mass = calibration.calibration_error(predicted, scores, n_bins=2)
    np.testing.assert_allclose(mass, [(0.7 + 0.3) / 3])


def test_an_edge_is_a_prediction_however_close_the_next_one_is():
    # the two in the middle are neighbors, and no number lies between them
    low = np.nextafter(0.5, 1)
    predicted = np.array([[0.1, low, np.nextafter(low, 1), 0.9]]).T
    found = calibration.calibration_error(predicted, np.array([[0, 0, 1.0, 1]]).T, n_bins=2)
    np.testing.assert_allclose(found, [((0.1 + 0.5) + (0.5 + 0.1)) / 4])


def test_ten_bins_of_equal_mass_by_default():
    # twenty predictions, in pairs that are off in opposite directions: in ten bins they cancel
    predicted = np.arange(20)[:, None] / 20
    off = np.tile([0.1, -0.1], 10)[:, None]
    assert calibration.calibration_error(predicted, predicted - off) == pytest.approx(0)
    found = calibration.calibration_error(predicted, predicted - off, n_bins=20)
    np.testing.assert_allclose(found, [0.1])


def test_single_precision_is_added_in_double():
    predicted = np.full((300_000, 1), 0.1, dtype=np.float32)
    found = calibration.calibration_error(predicted, np.zeros_like(predicted))
    assert found[0] == pytest.approx(float(np.float32(0.1)), abs=1e-9)


def test_an_llm_without_predictions_is_unknown_in_every_column():
    frame = pd.DataFrame(
        {
            "score/a": [1.0, 0.0],
            "predicted_score/a": [np.nan, np.nan],
            "score/b": [1.0, np.nan],
            "predicted_score/b": [0.25, 1.0],
        }
    )
    found = calibration.by_llm([frame])
    assert found.index.name == "llm"
    assert list(found.columns) == ["n_pairs", "score", "predicted", "brier", "calibration_error"]
    assert found["n_pairs"].dtype == int
    assert found.loc["a", "n_pairs"] == 0
    assert found.loc["a"].drop("n_pairs").isna().all()
    assert found.loc["b"].tolist() == pytest.approx([1, 1, 0.25, 0.75**2, 0.75])
