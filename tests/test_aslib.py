"""Penalised runtime, and the gap closed where lower is better."""

import numpy as np
import pytest

from benchmarks.field import aslib


def test_penalised_runtime():
    runtime, timed_out = np.array([1.0, 2, 10]), np.array([False, False, True])
    found = aslib.penalised_runtime(runtime, timed_out, cutoff=10)
    assert found == pytest.approx((1 + 2 + 100) / 3)
    # as coded in the source, where a timeout's time is one cutoff already
    assert found == pytest.approx((runtime.sum() + 9 * 10 * timed_out.sum()) / 3)
    assert aslib.runtime_gap_closed(6, single_best=10, virtual_best=2) == pytest.approx(0.5)
    assert aslib.runtime_gap_closed(12, 10, 2) == pytest.approx(-0.25)
    assert np.isnan(aslib.runtime_gap_closed(2, 2, 2))


def test_a_timeout_costs_the_factor_times_the_cutoff_whatever_was_measured():
    runtime, timed_out = np.array([4.0, np.nan]), np.array([False, True])
    assert aslib.penalised_runtime(runtime, timed_out, cutoff=5, factor=2) == 7
