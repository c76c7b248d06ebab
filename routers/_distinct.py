"""How many clusters some vectors can make."""

from __future__ import annotations

from routers.table import FloatArray


def n_distinct(vectors: FloatArray, most: int) -> int:
    """Return how many different rows there are, counted up to ``most``.

    Parameters
    ----------
    vectors : ndarray of shape (n, d)
        Without NaN.
    most : int, at least 1
    """
    seen: set[bytes] = set()
    for row in vectors:
        seen.add((row + 0.0).tobytes())  # -0 is 0
        if len(seen) == most:
            break
    return len(seen)
