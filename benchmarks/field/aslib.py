"""Algorithm selection: penalised runtime, and the gap closed where lower is better.

The gap closed in score is ``benchmarks.scoring.gap_closed``.

References
----------
Bischl et al., "ASlib: A Benchmark Library for Algorithm Selection", AIJ 2016.
Lindauer, van Rijn and Kotthoff, "The algorithm selection competitions 2015 and 2017", 2019.
"""

from __future__ import annotations

import numpy as np

from benchmarks.scoring import FloatArray, gap_closed


def penalised_runtime(
    runtime: FloatArray, timed_out: np.ndarray, cutoff: float, factor: float = 10.0
) -> float:
    """PAR10: mean runtime in which a timeout counts as ten times the cutoff; lower is better.

    Parameters
    ----------
    runtime : ndarray of shape (n,)
        Of the chosen algorithm; not looked at where it timed out. Questions that nobody solves
        are to be left out, as the source does.
    timed_out : ndarray of bool, shape (n,)
    cutoff : float
        In the unit of ``runtime``.
    factor : float, default=10
    """
    return float(np.where(timed_out, factor * cutoff, runtime).mean())


def runtime_gap_closed(system: float, single_best: float, virtual_best: float) -> float:
    """Gap closed where lower is better: ``(single - system) / (single - virtual)``.

    1 is the virtual best, 0 the single best (chosen on train), negative is harmful.
    """
    return float(gap_closed(-system, -single_best, np.float64(-virtual_best)))
