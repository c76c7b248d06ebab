"""What it takes to allot questions under a promise."""

from __future__ import annotations

import time

import numpy as np


def case_budget() -> dict[str, float]:
    """Allot 10,000 questions to 12 llms of limited capacity, and find a price without limits."""
    from routers.allocation import cheapest_at_quality
    from routers.dual import DualAllocator
    from routers.pricing import price_for_quality

    rng = np.random.default_rng(0)
    n, m = 10_000, 12
    skill = np.sort(rng.random(m))
    scores = 0.3 * rng.random((n, 1)) + 0.5 * skill + 0.2 * rng.random((n, m))
    costs = 1e-3 * np.exp(2 * skill + 0.3 * rng.normal(size=(n, m)))
    llms = [f"llm {j:02d}" for j in range(m)]
    promise, capacity = scores.mean() + 0.05, 1.5 * n / m
    laps = [time.perf_counter()]
    cheapest_at_quality(scores, costs, llms, promise, capacity)
    laps.append(time.perf_counter())
    DualAllocator(llms, min_score=promise, capacity=capacity).update(scores, costs)
    laps.append(time.perf_counter())
    price_for_quality(scores, costs, llms, promise)
    laps.append(time.perf_counter())
    names = ("programme_seconds", "dual_seconds", "price_seconds")
    return dict(zip(names, np.diff(laps).tolist(), strict=True))
