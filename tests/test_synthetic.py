import numpy as np

from benchmarks.sources import synthetic


def test_synthetic_optimum_is_what_its_docstring_says():
    table = synthetic.load(3000, seed=0).table
    expected = synthetic.expected_scores(table.datasets)
    np.testing.assert_allclose(expected.max(axis=1), 0.9)
    np.testing.assert_allclose(expected.mean(axis=0), 0.5, atol=0.01)
    np.testing.assert_allclose(table.scores.mean(axis=0), expected.mean(axis=0), atol=0.03)
