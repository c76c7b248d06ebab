"""Points of cost and score: of a router by price, of one llm always; hulls and fronts of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction

from reference.facts import Number, Test, choose, mean

Point = tuple[Number | None, Number | None]  # mean cost, macro score
SLACK = Fraction(1, 10**12)


def macro(tests: Sequence[Test], value: Callable[[Test], Number | None]) -> Number | None:
    """Return the mean over datasets of the mean within each; None if a value is unknown."""
    within: dict[str, list[Number | None]] = {}
    for test in tests:
        within.setdefault(test.question.dataset, []).append(value(test))
    return mean(mean(values) for values in within.values())


def point(tests: Sequence[Test], choice: Callable[[Test], str | None]) -> Point:
    """Return mean cost and macro score of a policy; a missing choice makes both unknown."""
    return (
        macro(tests, lambda test: test.question.costs.get(choice(test))),
        macro(tests, lambda test: test.question.scores.get(choice(test))),
    )


def always(tests: Sequence[Test], llms: Iterable[str]) -> dict[str, Point]:
    """Return the points of asking one llm on every test."""
    return {llm: point(tests, lambda test, llm=llm: llm) for llm in llms}


def prices(tests: Sequence[Test], llms: Iterable[str]) -> list[float]:
    """Return the grid: 0, and 25 prices on the scale of the llms' mean known costs."""
    means = []
    for llm in llms:
        costs = [test.question.costs[llm] for test in tests if llm in test.question.costs]
        means += [mean(costs)] if costs else []
    scale = float(max(means) - min(means)) if means else 0.0
    exponents = [-3 + 5 * step / 24 for step in range(25)]
    return [0.0] + [10**exponent / scale for exponent in exponents if scale > 0]


def price_curve(tests: Sequence[Test], router: str, llms: Sequence[str]) -> list[Point]:
    """Return the point of a router at each price of the grid."""
    return [
        point(tests, lambda t, p=price: choose(t.predictions[router], t.question.scores, p))
        for price in prices(tests, llms)
    ]


def whole(points: Iterable[Point]) -> list[Point]:
    """Return the points of which cost and score are known."""
    return [(cost, score) for cost, score in points if cost is not None and score is not None]


def cheapest_at(points: Iterable[Point], score: Number) -> Number | None:
    """Return the lowest known cost of the points that score as much."""
    return min((cost for cost, reached in whole(points) if reached >= score - SLACK), default=None)


def hull_height(points: Sequence[Point], cost: Number) -> Number:
    """Return the best score of a mixture of points whose mean cost is at most ``cost``."""
    below = [p for p in points if p[0] <= cost]
    above = [p for p in points if p[0] > cost]
    heights = [score for _, score in below]
    for low, score in below:
        heights += [score + (s - score) * (cost - low) / (c - low) for c, s in above]
    return max(heights, default=0)


def mean_height(points: Sequence[Point], low: Number, high: Number) -> Number:
    """Return the mean height of the hull between two costs: it is straight between points."""
    points = list(set(points))
    if low == high:
        return hull_height(points, low)
    first = min((cost for cost, _ in points), default=high)  # left of it the height is 0
    ends = {min(max(low, first), high), high}
    stops = sorted(ends | {cost for cost, _ in points if min(ends) < cost < high})
    heights = [hull_height(points, stop) for stop in stops]
    area = sum(
        (stops[i + 1] - stops[i]) * (heights[i] + heights[i + 1]) / 2 for i in range(len(stops) - 1)
    )
    return area / (high - low)


def front_distances(curves: Sequence[Sequence[Point]]) -> list[float | None]:
    """Return each router's mean distance to the front of all routers' points."""
    logs = [
        [(math.log(cost), float(score)) for cost, score in whole(points) if cost > 0]
        for points in curves
    ]
    everything = [p for points in logs for p in points]
    front = [p for p in everything if not any(_beats(q, p) for q in everything)]
    spans = [_span([p[axis] for p in everything]) for axis in (0, 1)]

    def distance(p: tuple[float, float], q: tuple[float, float]) -> float:
        return math.hypot(*((p[axis] - q[axis]) / spans[axis] for axis in (0, 1)))

    return [mean(min(distance(p, q) for q in front) for p in points) for points in logs]


def _beats(one: tuple[float, float], other: tuple[float, float]) -> bool:
    return one[0] <= other[0] and one[1] >= other[1] and one != other


def _span(values: Sequence[float]) -> float:
    return (max(values) - min(values) if values else 0) or 1.0
