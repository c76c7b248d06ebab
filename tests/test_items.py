"""Item factors against what they promise, worked by linear algebra of our own."""

import numpy as np
import pytest
from sklearn.linear_model import RidgeCV

from routers._ridge import fit_ridge
from routers.capability_fusion.items import ItemFactors
from routers.validation import InvalidParameterError


def two_ways(n=60, m=12, noise=0.0, seed=0):
    """Questions that are hard in two ways, both in the text, the second half as strong."""
    rng = np.random.default_rng(seed)
    ways, _ = np.linalg.qr(rng.normal(size=(n, 2)))
    tastes, _ = np.linalg.qr(rng.normal(size=(m, 2)))
    departures = ways * [4.0, 2.0] @ tastes.T + rng.normal(size=(n, m)) * noise
    vectors = np.column_stack([ways * np.sqrt(n), rng.normal(size=(n, 3))])
    return vectors, departures


def test_factors_have_unit_mean_square_and_loadings_their_unit():
    vectors, departures = two_ways()
    factors = ItemFactors(2)
    loadings = factors.fit(vectors, departures)
    items = factors.predict(vectors)
    np.testing.assert_allclose((items**2).mean(axis=0), 1, rtol=0.01)
    # the part of the departures that is not an llm's own luck: each factor's squared size against
    # itself and a question's mean square times the llms, here (16 + 4) / 60
    share = np.array([16 / (16 + 20 / 60), 4 / (4 + 20 / 60)])
    sizes = np.linalg.norm(items[:, None, :] * loadings[None], axis=(0, 1))
    np.testing.assert_allclose(sizes, [4 * share[0], 2 * share[1]], rtol=0.02)


def test_items_times_loadings_are_the_departures_less_what_is_shrunk():
    vectors, departures = two_ways(n=2000)
    factors = ItemFactors(2)
    loadings = factors.fit(vectors, departures)
    again = factors.predict(vectors) @ loadings.T
    np.testing.assert_allclose(again, departures, atol=0.01 * np.abs(departures).max())


def test_loadings_of_noise_are_shrunk_towards_nothing():
    """With noise alone a factor is as large as chance makes it, and half of it is taken back."""
    rng = np.random.default_rng(0)
    departures = rng.normal(size=(50, 50))
    loadings = ItemFactors(1).fit(rng.normal(size=(50, 3)), departures)
    largest = np.linalg.svd(departures)[1][0]
    expected = largest / np.sqrt(50) * largest**2 / (largest**2 + (departures**2).mean() * 50)
    assert np.linalg.norm(loadings) == pytest.approx(expected, rel=0.01)


def test_explained_is_the_share_that_text_tells_of_questions_left_out():
    vectors, departures = two_ways(n=200)
    noise = np.random.default_rng(1).normal(size=(200, 4))
    half = np.column_stack([vectors[:, 0], noise])  # tells of the first way only
    factors = ItemFactors(2)
    factors.fit(half, departures)
    assert factors.explained_.shape == (2,)
    assert factors.explained_[0] > 0.99
    assert 0 <= factors.explained_[1] < 0.1
    blind = ItemFactors(2)
    blind.fit(noise, departures)
    assert (blind.explained_ < 0.1).all()
    assert (blind.explained_ >= 0).all()


def test_what_was_not_observed_departs_from_nothing():
    vectors, departures = two_ways()
    departures[::7, 3] = np.nan
    found = ItemFactors(2).fit(vectors, departures)
    np.testing.assert_array_equal(found, ItemFactors(2).fit(vectors, np.nan_to_num(departures)))


def test_single_precision_outcomes_are_computed_with_in_double():
    vectors, departures = two_ways(noise=0.1)
    single = departures.astype(np.float32)
    found = ItemFactors(2).fit(vectors, single)
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, ItemFactors(2).fit(vectors, single.astype(np.float64)))


@pytest.mark.parametrize(("asked", "n", "m", "given"), [(9, 60, 4, 3), (9, 3, 8, 2), (2, 60, 8, 2)])
def test_there_are_fewer_factors_than_llms_and_questions(asked, n, m, given):
    rng = np.random.default_rng(0)
    factors = ItemFactors(asked)
    assert factors.fit(rng.normal(size=(n, 4)), rng.normal(size=(n, m))).shape == (m, given)
    assert factors.predict(rng.normal(size=(5, 4))).shape == (5, given)
    assert factors.explained_.shape == (given,)


@pytest.mark.parametrize(
    ("asked", "departures"),
    [(0, np.eye(4)), (3, np.zeros((4, 6))), (3, np.full((4, 6), np.nan)), (3, np.ones((4, 1)))],
)
def test_none_where_none_is_asked_for_or_nothing_departs(asked, departures):
    factors = ItemFactors(asked)
    assert factors.fit(np.eye(4), departures).shape == (departures.shape[1], 0)
    assert factors.ridge_ is None
    assert factors.explained_.shape == (0,)
    assert factors.predict(np.eye(4)[:3]).shape == (3, 0)


def test_one_factor_is_a_column():
    vectors, departures = two_ways()
    factors = ItemFactors(1)
    assert factors.fit(vectors, departures).shape == (12, 1)
    assert factors.predict(vectors[:5]).shape == (5, 1)


def test_the_seed_decides():
    rng = np.random.default_rng(0)
    vectors, departures = rng.normal(size=(300, 4)), rng.normal(size=(300, 200))
    first, again, other = (
        ItemFactors(5, random_state=seed).fit(vectors, departures) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    np.testing.assert_array_equal(
        ItemFactors(5).fit(vectors, departures),
        ItemFactors(5, random_state=0).fit(vectors, departures),
    )


@pytest.mark.parametrize("wrong", [{"n_factors": -1}, {"n_factors": 1.5}, {"random_state": "x"}])
def test_parameters_are_checked(wrong):
    with pytest.raises(InvalidParameterError, match=next(iter(wrong))):
        ItemFactors(**{"n_factors": 2} | wrong).fit(np.eye(4), np.eye(4))


def test_each_target_has_its_own_penalty():
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(80, 5))
    told, noise = inputs @ rng.normal(size=5), rng.normal(size=80)
    together = fit_ridge(inputs, np.column_stack([told, noise]))
    assert together.alpha_[0] == pytest.approx(0.1)  # the least: nothing to smooth away
    assert together.alpha_[1] > 10
    for column, target in enumerate((told, noise)):
        alone = RidgeCV(alphas=10.0 ** np.linspace(-1, 4, 11)).fit(inputs, target)
        assert together.alpha_[column] == pytest.approx(alone.alpha_)
        np.testing.assert_allclose(together.coef_[column], alone.coef_, rtol=1e-6)


def test_penalties_are_half_a_power_of_ten_apart():
    """A noisy line is best smoothed by a penalty between two powers of ten."""
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(60, 5))
    targets = inputs @ rng.normal(size=(5, 40)) + 3 * rng.normal(size=(60, 40))
    powers = np.log10(fit_ridge(inputs, targets).alpha_)
    np.testing.assert_allclose(2 * powers, np.round(2 * powers), atol=1e-9)
    assert (np.abs(powers - np.round(powers)) > 0.4).sum() > 5


def test_llms_that_the_factors_are_not_learned_from_get_loadings_on_them():
    vectors, departures = two_ways(n=200)
    rng = np.random.default_rng(1)
    strangers = 3 * rng.normal(size=(200, 30))
    alone, both = ItemFactors(2), ItemFactors(2)
    expected = alone.fit(vectors, departures)
    found = both.fit(vectors, np.hstack([strangers, departures, departures]), np.arange(30, 42))
    np.testing.assert_allclose(both.predict(vectors), alone.predict(vectors), atol=1e-9)
    np.testing.assert_allclose(found[30:42], expected, atol=1e-9)
    np.testing.assert_allclose(found[42:], expected, atol=1e-9)
    items = alone.predict(vectors)
    share = np.linalg.norm(expected, axis=0) / np.linalg.norm(departures.T @ items / 200, axis=0)
    np.testing.assert_allclose(found[:30], strangers.T @ items / 200 * share, atol=0.01)
