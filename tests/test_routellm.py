"""How much of the gap between two llms is recovered, and how few calls of the strong one do it."""

import numpy as np
import pytest
from columns import arrays

from benchmarks.field import routellm

pytestmark = pytest.mark.filterwarnings("error")


WEAK, STRONG = arrays([0, 0, 1, 0], [1, 0, 1, 1])


def test_curve_gap_and_area_by_hand():
    preference = np.array([0.9, 0.1, 0.5, 0.5])
    shares, scores = routellm.strong_share_curve(preference, WEAK, STRONG)
    np.testing.assert_allclose(shares, [0, 0.25, 0.75, 1])
    np.testing.assert_allclose(scores, [0.25, 0.5, 0.75, 0.75])
    recovered = routellm.gap_recovered(scores, 0.25, 0.75)
    np.testing.assert_allclose(recovered, [0, 0.5, 1, 1])
    area = 0.25 * 0.25 + 0.5 * 0.75 + 0.25
    assert routellm.mean_gap_recovered(shares, recovered) == pytest.approx(area)
    assert routellm.share_needed(shares, recovered, 0.8) == pytest.approx(0.55)


def test_random_router():
    shares, scores = routellm.strong_share_curve(np.zeros(4), WEAK, STRONG)
    recovered = routellm.gap_recovered(scores, 0.25, 0.75)
    assert routellm.mean_gap_recovered(shares, recovered) == pytest.approx(0.5)
    for level in (0, 0.2, 0.5, 0.8, 1):
        assert routellm.share_needed(shares, recovered, level) == pytest.approx(level)


def test_released_area_is_over_what_was_observed():
    shares, recovered = arrays([0.25, 0.75], [0.5, 1])
    assert routellm.mean_gap_recovered_released(shares, recovered) == pytest.approx(0.75)
    forced = routellm.mean_gap_recovered(shares, recovered)
    assert forced == pytest.approx(0.25 * 0.25 + 0.5 * 0.75 + 0.25)


def test_no_gap_to_recover():
    recovered = routellm.gap_recovered(np.array([0.5, 0.5]), 0.5, 0.5)
    assert np.isnan(recovered).all()
    assert np.isnan(routellm.share_needed(np.array([0.0, 1]), recovered, 0.5))


def test_no_gap_where_the_strong_llm_is_no_better():
    for strong in (0.5, 0.4):
        assert np.isnan(routellm.gap_recovered([0.4, 0.6], 0.5, strong)).all()


def test_whole_numbers_are_scores_too():
    found = routellm.gap_recovered([0, 1], 0, 2)
    assert routellm.gap_recovered(np.float32([0, 1]), 0, 2).dtype == np.float64
    np.testing.assert_array_equal(found, [0, 0.5])


def test_ends_are_added_only_where_they_are_missing():
    # a router that recovers .4 of the gap without a strong call, and .8 of it with all
    whole = arrays([0, 0.5, 1], [0.4, 0.6, 0.8])
    assert routellm.mean_gap_recovered(*whole) == pytest.approx(0.6)
    # from .5 on: a line from (0, 0); up to .5: a line to (1, 1)
    late = arrays([0.5, 1], [0.6, 0.8])
    assert routellm.mean_gap_recovered(*late) == pytest.approx(0.15 + 0.35)
    early = arrays([0, 0.5], [0.4, 0.6])
    assert routellm.mean_gap_recovered(*early) == pytest.approx(0.25 + 0.4)
    inside = arrays([0.2, 0.4, 0.6], [0.2, 0.4, 0.6])
    assert routellm.mean_gap_recovered(*inside) == pytest.approx(0.5)


def test_released_area_needs_two_shares():
    assert np.isnan(routellm.mean_gap_recovered_released(*arrays([0.5], [0.7])))
    found = routellm.mean_gap_recovered_released(*arrays([0.2, 0.6], [0.5, 0.7]))
    assert found == pytest.approx(0.6)


def test_share_needed_at_and_beyond_the_ends():
    shares, recovered = arrays([0.1, 0.4, 0.8], [0.3, 0.2, 0.6])
    assert routellm.share_needed(shares, recovered, 0.25) == pytest.approx(0.1)
    assert routellm.share_needed(shares, recovered, 0.3) == pytest.approx(0.1)
    assert routellm.share_needed(shares, recovered, 0.4) == pytest.approx(0.6)
    assert routellm.share_needed(shares, recovered, 0.61) == np.inf
