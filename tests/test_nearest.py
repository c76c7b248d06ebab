"""The search for nearest rows finds what sorting all products finds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routers import _nearest
from routers._nearest import largest, nearest_rows, row_blocks


def by_sorting(values, k):
    return np.sort(np.argsort(-values, axis=1, kind="stable")[:, :k], axis=1)


@settings(deadline=None)
@given(st.integers(1, 5), st.integers(1, 90), st.data())
def test_largest_are_those_that_sorting_finds(n, m, data):
    k = data.draw(st.integers(1, m))
    values = np.random.default_rng(m).permuted(np.tile(np.arange(m), (n, 1)), axis=1)
    found = largest(values.astype(np.float32), k)
    np.testing.assert_array_equal(np.sort(found, axis=1), by_sorting(values, k))


def test_of_equal_entries_each_is_found_once():
    found = largest(np.zeros((3, 1000), dtype=np.float32), 7)
    assert all(len(set(row)) == 7 for row in found.tolist())
    assert found.max() < 1000


@pytest.mark.parametrize("k", [1, 4, 150, 151])
def test_nearest_rows_are_ascending_and_the_same_in_blocks_of_any_size(monkeypatch, k):
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(40, 6)).astype(np.float32)
    reference = rng.normal(size=(150, 6)).astype(np.float32)
    expected = by_sorting(vectors @ reference.T, min(k, 150))
    for block in (1, 600 * 7, 2**25):
        monkeypatch.setattr(_nearest, "_BLOCK_BYTES", block)
        np.testing.assert_array_equal(nearest_rows(vectors, reference, k), expected)


def test_blocks_cover_all_rows_within_their_memory():
    parts = list(row_blocks(100_000, 1000))
    assert [part.start for part in parts[1:]] == [part.stop for part in parts[:-1]]
    assert parts[0].start == 0
    assert parts[-1].stop >= 100_000
    assert 4 * 1000 * (parts[0].stop - parts[0].start) <= 32 * 2**20
    assert list(row_blocks(0, 5)) == []
    assert list(row_blocks(2, 0)) == [slice(0, 2**23)]
