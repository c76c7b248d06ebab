"""Different rows are counted, and no more than are asked for."""

import numpy as np

from routers._distinct import n_distinct


def test_rows_are_counted_up_to_the_most():
    rows = np.array([[1.0, 2], [1, 2], [0, 1], [-0.0, 1], [3, 3]], dtype=np.float32)
    assert [n_distinct(rows, most) for most in (1, 2, 3, 9)] == [1, 2, 3, 3]
    assert n_distinct(rows[:0], 4) == 0
