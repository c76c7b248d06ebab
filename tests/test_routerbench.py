"""The hull of operating points, its mean height, and the router that reads nothing."""

import numpy as np
import pytest
from columns import arrays

from benchmarks.field import routerbench

COSTS, SCORES = arrays([3, 1, 2, 5, 4, 6, np.nan], [0.8, 0.5, 0.4, 0.85, 0.82, 0.7, 1])


def test_hull():
    # (2, .4) is below its left; (4, .82) is under the chord from (3, .8) to (5, .85), at .825;
    # (6, .7) is dearer and worse
    found = routerbench.hull(COSTS, SCORES)
    np.testing.assert_allclose(found, [[1, 0.5], [3, 0.8], [5, 0.85]])


def test_hull_of_one_point_and_of_none():
    np.testing.assert_array_equal(routerbench.hull(*arrays([2], [0.7])), [[2, 0.7]])
    empty = routerbench.hull(*arrays([np.nan], [0.7]))
    assert empty.shape == (0, 2)
    assert np.isnan(routerbench.aiq(empty, 0, 1))


def test_hull_is_above_every_point_concave_and_rising():
    rng = np.random.default_rng(0)
    for _ in range(50):
        costs, scores = rng.integers(1, 9, size=12) / 2, rng.integers(0, 9, size=12) / 8
        found = routerbench.hull(costs, scores)
        for cost, score in zip(costs, scores, strict=True):
            assert routerbench.score_at(found, cost) >= score - 1e-12
        steps = np.diff(found, axis=0)
        assert (steps > 0).all()
        assert (np.diff(steps[:, 1] / steps[:, 0]) < 0).all()


def test_aiq_by_hand():
    found = routerbench.hull(COSTS, SCORES)
    assert routerbench.aiq(found, 1, 5) == pytest.approx((2 * 0.65 + 2 * 0.825) / 4)
    # flat to the right, nothing to the left
    assert routerbench.aiq(found, 1, 7) == pytest.approx((2.95 + 2 * 0.85) / 6)
    assert routerbench.aiq(found, 0, 5) == pytest.approx(2.95 / 5)
    assert routerbench.aiq(found, 0, 1) == 0
    assert routerbench.aiq(found, 2, 2) == pytest.approx(0.65)


def test_constant_score_has_its_own_aiq_in_the_papers_form_only():
    found = routerbench.hull(*arrays([2], [0.7]))
    assert routerbench.aiq(found, 2, 10) == pytest.approx(0.7)
    assert routerbench.aiq_released(found, 10) == pytest.approx(0.7 * 8 / 10)


def test_gain_over_the_zero_router():
    llms = arrays([1, 2, 3], [0.4, 0.5, 0.8])
    assert routerbench.aiq_over_zero(*llms, *llms) == pytest.approx((0.6, 0.6))
    aiq, zero = routerbench.aiq_over_zero(*arrays([1, 2], [0.4, 0.8]), *llms)
    assert (aiq, zero) == pytest.approx((0.7, 0.6))
    unknown = routerbench.aiq_over_zero(*llms, *arrays([1, np.nan, 3], [0.4, 0.5, 0.8]))
    assert np.isnan(unknown).all()


def test_hull_is_of_floats_and_keeps_the_best_of_equal_costs():
    found = routerbench.hull(np.array([1, 1, 1, 2]), np.array([0, 1, 0, 1]))
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, [[1, 1]])


def test_points_on_a_chord_are_no_vertices():
    found = routerbench.hull(*arrays([1, 2, 3], [0.25, 0.5, 0.75]))
    np.testing.assert_array_equal(found, [[1, 0.25], [3, 0.75]])


def test_as_many_vertices_as_gains_that_diminish():
    points = arrays([0, 1, 2, 3, 4], [0, 0.4, 0.7, 0.9, 1])
    np.testing.assert_array_equal(routerbench.hull(*points), np.transpose(points))


def test_a_later_point_may_drop_several_vertices():
    found = routerbench.hull(*arrays([0, 1, 2, 3], [0, 0.2, 0.35, 0.9]))
    np.testing.assert_allclose(found, [[0, 0], [3, 0.9]])


def test_score_at_a_cost():
    vertices = np.array([[1.0, 0.5], [3.0, 0.8]])
    assert [routerbench.score_at(vertices, c) for c in (0.9, 1, 2, 3, 9)] == pytest.approx(
        [0, 0.5, 0.65, 0.8, 0.8]
    )
    assert np.isnan(routerbench.score_at(np.empty((0, 2)), 1.0))


def test_ranges_that_make_no_sense_have_no_aiq():
    vertices = np.array([[1.0, 0.5], [3.0, 0.8]])
    assert np.isnan(routerbench.aiq(vertices, 3, 1))
    assert np.isnan(routerbench.aiq(vertices, np.nan, 1))
    assert routerbench.aiq(vertices, 3, 3) == pytest.approx(0.8)
    assert np.isnan(routerbench.aiq_released(vertices, 0))
    assert np.isnan(routerbench.aiq_released(vertices, np.nan))
    assert routerbench.aiq_released(vertices, 0.5) == 0
    assert np.isnan(routerbench.aiq_released(np.empty((0, 2)), 3))


def test_area_ends_inside_the_hull():
    vertices = np.array([[1.0, 0.5], [3.0, 0.7], [5.0, 0.8]])
    assert routerbench.aiq(vertices, 2, 4) == pytest.approx((0.65 + 0.725) / 2)
    assert routerbench.aiq(vertices, 1.5, 2.5) == pytest.approx(0.6)
    assert routerbench.aiq(vertices, 0, 2) == pytest.approx(0.55 / 2)
    assert routerbench.aiq(vertices, 4, 8) == pytest.approx((0.775 + 3 * 0.8) / 4)


def test_one_unknown_cost_of_an_llm_leaves_no_range():
    costs, scores = arrays([1, 2, np.nan], [0.4, 0.5, 0.8])
    assert np.isnan(routerbench.aiq_over_zero(costs, scores, costs, scores)).all()
