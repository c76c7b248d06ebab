"""The decision layer: hand-worked batches, brute force, the three solvers against each other."""

import itertools

import numpy as np
import pytest

from routers._batch import prepare
from routers._highs import by_relaxation
from routers._one_price import by_one_price
from routers._programme import at_quality, within_budget
from routers._repair import _Repair, repair
from routers.allocation import InfeasibleError, best_within_budget, cheapest_at_quality
from routers.choice import choose
from routers.dual import DualAllocator
from routers.pricing import price_for_budget, price_for_quality

# Three questions, two llms. Asking "big" instead of "small" gains .4, .1, .3 for 3 more.
SCORES = np.array([[0.9, 0.5], [0.8, 0.7], [0.6, 0.3]])
COSTS = np.array([[4.0, 1.0], [4.0, 1.0], [4.0, 1.0]])
LLMS = ["big", "small"]


def random_batch(seed, n, m, decimals=6):
    rng = np.random.default_rng(seed)
    skill = np.sort(rng.random(m))
    scores = 0.3 * rng.random((n, 1)) + 0.5 * skill + 0.2 * rng.random((n, m))
    costs = 1e-3 * np.exp(2 * skill + 0.3 * rng.normal(size=(n, m)))
    return scores.round(decimals), costs, [f"llm {j:02d}" for j in range(m)]


def brute_force(scores, costs, capacity, min_score=None, budget=None):
    """Best cost (or score) over all m ** n allocations; None if none keeps the constraints."""
    n, m = scores.shape
    every = np.arange(n)
    found = []
    for choice in itertools.product(range(m), repeat=n):
        load = np.bincount(choice, minlength=m)
        score, cost = scores[every, choice].mean(), costs[every, choice].mean()
        if (load > capacity).any() or np.isnan(score + cost):
            continue
        if min_score is not None and score >= min_score - 1e-9:
            found.append(cost)
        if budget is not None and cost <= budget + 1e-9:
            found.append(-score)
    return min(found, default=None)


def test_quality_by_hand():
    # all small: mean .5 at cost 1. A promise of .6 lacks .3 in sum: the first or the third
    # question alone gives it.
    found = cheapest_at_quality(SCORES, COSTS, LLMS, 0.6)
    assert found.cost == pytest.approx(2)
    assert found.score >= 0.6 - 1e-9
    assert found.bound == pytest.approx(2)
    # .73 lacks .69: both
    np.testing.assert_array_equal(cheapest_at_quality(SCORES, COSTS, LLMS, 0.73).choice, [0, 1, 0])
    # nothing to trade: the cheapest everywhere
    np.testing.assert_array_equal(cheapest_at_quality(SCORES, COSTS, LLMS, 0.5).choice, [1, 1, 1])


def test_budget_by_hand():
    # a mean of 2 pays for one big question: the first gains most
    found = best_within_budget(SCORES, COSTS, LLMS, 2.0)
    np.testing.assert_array_equal(found.choice, [0, 1, 1])
    assert found.score == found.bound == pytest.approx((0.9 + 0.7 + 0.3) / 3)
    np.testing.assert_array_equal(best_within_budget(SCORES, COSTS, LLMS, 3.9).choice, [0, 1, 0])
    np.testing.assert_array_equal(best_within_budget(SCORES, COSTS, LLMS, 9).choice, [0, 0, 0])


def test_capacity_by_hand():
    # small may take one question only, so big takes two: the two that gain most
    capacity = [3, 1]
    np.testing.assert_array_equal(
        best_within_budget(SCORES, COSTS, LLMS, 3.5, capacity).choice, [0, 1, 0]
    )
    # with room for one at big the promise of .6 goes to the question that gains enough
    found = cheapest_at_quality(SCORES, COSTS, LLMS, 0.61, [1, 3])
    np.testing.assert_array_equal(found.choice, [0, 1, 1])


def test_prices_by_hand():
    # the gains per cost are .133, .033, .1: the price stands just below what it must still pay
    price = price_for_quality(SCORES, COSTS, LLMS, 0.7)
    assert price == pytest.approx(0.3 / 3)
    np.testing.assert_array_equal(choose(SCORES, COSTS, LLMS, price), [0, 1, 0])
    price = price_for_budget(SCORES, COSTS, LLMS, 2.5)
    assert price == pytest.approx(0.3 / 3)
    np.testing.assert_array_equal(choose(SCORES, COSTS, LLMS, price), [0, 1, 1])
    assert price_for_budget(SCORES, COSTS, LLMS, 4) == 0
    np.testing.assert_array_equal(
        choose(SCORES, COSTS, LLMS, price_for_quality(SCORES, COSTS, LLMS, 0)), [1, 1, 1]
    )


@pytest.mark.parametrize("exact", [True, False], ids=["whole", "relaxed"])
@pytest.mark.parametrize("seed", range(12))
def test_against_brute_force(seed, exact, monkeypatch):
    """Small batches are optimal; the relaxation is within its guarantee and keeps the limits."""
    if not exact:
        monkeypatch.setattr("routers._solve._EXACT", 0)
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(2, 7)), int(rng.integers(2, 4))
    scores, costs, llms = random_batch(seed, n, m, decimals=2)
    scores[rng.random((n, m)) < 0.15] = np.nan
    scores[:, 0] = 0.5  # usable throughout
    capacity = rng.integers(1, n + 1, size=m)
    capacity[0] = n
    low, high = np.nanmin(scores), np.nanmax(scores)
    for share in (0.3, 0.6, 0.9):
        asked = {"min_score": low + share * (high - low)}
        best = brute_force(scores, costs, capacity, **asked)
        if best is None:
            with pytest.raises(InfeasibleError):
                cheapest_at_quality(scores, costs, llms, **asked, capacity=capacity)
            continue
        found = cheapest_at_quality(scores, costs, llms, **asked, capacity=capacity)
        check_allocation(found, scores, costs, capacity, **asked)
        assert found.bound <= best + 1e-9
        spread = np.ptp(costs, axis=1).max() if not exact else 0
        assert best - 1e-9 <= found.cost <= best + (m + 1) / n * spread + 1e-9
        budget = costs.min() + share * np.ptp(costs)
        best = brute_force(scores, costs, capacity, budget=budget)
        if best is not None:
            found = best_within_budget(scores, costs, llms, budget, capacity)
            check_allocation(found, scores, costs, capacity, budget=budget)
            assert found.bound >= -best - 1e-9
            spread = (high - low) if not exact else 0
            assert -best + 1e-9 >= found.score >= -best - (m + 1) / n * spread - 1e-9


@pytest.mark.parametrize("seed", range(6))
def test_without_capacities_one_price_gives_the_relaxation_exactly(seed):
    n, m = 40 + seed, 4
    scores, costs, llms = random_batch(seed, n, m, decimals=1 if seed % 2 else 6)
    scores[np.random.default_rng(seed).random((n, m)) < 0.2] = np.nan
    scores[:, 0] = 0.5
    batch = prepare(scores, costs, llms)
    best = np.nanmax(scores, axis=1).mean()
    asked = [at_quality(batch, best - short) for short in (0.01, 0.1, 0.9)]
    asked += [
        within_budget(batch, np.nanmin(batch.costs, axis=1).mean() * f) for f in (1.01, 1.3, 9)
    ]
    for problem in asked:
        choice, bound, price = by_one_price(problem)
        _, least = by_relaxation(problem)
        assert bound == pytest.approx(least, abs=1e-6)
        assert problem.keeps(choice)
        assert price >= 0
        # at the price no choice is better than the bound says
        paid = np.nanmin(problem.objective + price * problem.weight, axis=1).mean()
        most = problem.limit + problem.slack / n
        assert paid - price * most == pytest.approx(bound, abs=1e-9)
        spread = (np.nanmax(problem.objective, axis=1) - np.nanmin(problem.objective, axis=1)).max()
        assert problem.totals(choice)[0] / n <= bound + spread / n + 1e-9


def test_without_capacities_what_cannot_be_kept_is_told():
    batch = prepare(SCORES, COSTS, LLMS)
    with pytest.raises(InfeasibleError, match="budget") as told:
        by_one_price(within_budget(batch, 0.9))
    assert told.value.reachable == pytest.approx(1)


def test_the_dual_is_exact_without_capacities():
    scores, costs, llms = random_batch(3, 120, 5, decimals=3)
    allocator = DualAllocator(llms, min_score=0.6)
    found = allocator.update(scores, costs)
    expected = cheapest_at_quality(scores, costs, llms, 0.6)
    np.testing.assert_array_equal(found.choice, expected.choice)
    assert found.bound == expected.bound
    assert (allocator.tolls_ == 0).all()
    routed = allocator.route(scores, costs)  # all but the questions that pay the price exactly
    assert (routed != found.choice).sum() <= 2


def check_allocation(found, scores, costs, capacity=np.inf, min_score=None, budget=None):
    """The figures are those of the choice, and all constraints hold."""
    n, m = scores.shape
    every = np.arange(n)
    assert found.score == pytest.approx(scores[every, found.choice].mean())
    assert found.cost == pytest.approx(costs[every, found.choice].mean())
    assert (np.bincount(found.choice, minlength=m) <= capacity).all()
    if min_score is not None:
        assert found.score >= min_score - 1e-5 / n
        assert found.cost >= found.bound * (1 - 1e-6)
    if budget is not None:
        assert found.cost <= budget + 1e-5 * costs[~np.isnan(costs)].mean() / n
        assert found.score <= found.bound * (1 + 1e-6)


def reachable(scores, costs, llms, capacity):
    """What a batch can reach at most, and what it must cost at least."""
    with pytest.raises(InfeasibleError) as quality:
        cheapest_at_quality(scores, costs, llms, 2.0, capacity)
    with pytest.raises(InfeasibleError) as budget:
        best_within_budget(scores, costs, llms, -1.0, capacity)
    return quality.value.reachable, budget.value.reachable


@pytest.mark.parametrize("room", [None, 1.5, 1.0])
@pytest.mark.parametrize(("seed", "n", "m"), [(0, 120, 3), (1, 200, 5), (2, 240, 8)])
def test_dual_is_close_to_the_programme(seed, n, m, room):
    scores, costs, llms = random_batch(seed, n, m)
    capacity = np.inf if room is None else np.ceil(room * n / m)
    most, least = reachable(scores, costs, llms, capacity)
    asked = {"min_score": 0.3 * scores.mean() + 0.7 * most}
    reference = cheapest_at_quality(scores, costs, llms, **asked, capacity=capacity)
    check_allocation(reference, scores, costs, capacity, **asked)
    found = DualAllocator(llms, **asked, capacity=capacity).update(scores, costs)
    check_allocation(found, scores, costs, capacity, **asked)
    assert found.cost <= 1.015 * reference.bound
    assert 0.99 * reference.bound <= found.bound <= reference.bound * (1 + 1e-6)
    asked = {"budget": 0.5 * costs.mean() + 0.5 * least}
    if asked["budget"] < least:
        asked["budget"] = 1.1 * least
    reference = best_within_budget(scores, costs, llms, **asked, capacity=capacity)
    check_allocation(reference, scores, costs, capacity, **asked)
    found = DualAllocator(llms, **asked, capacity=capacity).update(scores, costs)
    check_allocation(found, scores, costs, capacity, **asked)
    assert found.score >= 0.985 * reference.bound
    assert reference.bound * (1 - 1e-6) <= found.bound <= 1.01 * reference.bound


@pytest.mark.parametrize("seed", range(4))
def test_one_price_equals_the_programme_up_to_one_question(seed):
    n, m = 150, 4
    scores, costs, llms = random_batch(seed, n, m)
    every = np.arange(n)
    for share in (0.2, 0.5, 0.8):
        low = scores[every, costs.argmin(axis=1)].mean()
        promise = low + share * (scores.max(axis=1).mean() - low)
        choice = choose(scores, costs, llms, price_for_quality(scores, costs, llms, promise))
        bound = cheapest_at_quality(scores, costs, llms, promise).bound
        assert scores[every, choice].mean() >= promise - 1e-9
        assert bound - 1e-12 <= costs[every, choice].mean() <= bound + np.ptp(costs) / n
        budget = costs.min(axis=1).mean() * (1 + share)
        choice = choose(scores, costs, llms, price_for_budget(scores, costs, llms, budget))
        bound = best_within_budget(scores, costs, llms, budget).bound
        assert costs[every, choice].mean() <= budget * (1 + 1e-9)
        assert bound + 1e-9 >= scores[every, choice].mean() >= bound - np.ptp(scores) / n


def test_questions_that_are_alike_move_together_at_one_price_but_not_in_the_programme():
    scores, costs = np.tile(SCORES[:1], (10, 1)), np.tile(COSTS[:1], (10, 1))
    price = price_for_quality(scores, costs, LLMS, 0.7)
    np.testing.assert_array_equal(choose(scores, costs, LLMS, price), np.zeros(10))
    found = cheapest_at_quality(scores, costs, LLMS, 0.7)
    assert sorted(found.choice) == [0] * 5 + [1] * 5
    assert DualAllocator(LLMS, min_score=0.7).update(scores, costs).cost == pytest.approx(2.5)


SOLVERS = {
    "whole": lambda s, c, llms, q: cheapest_at_quality(s, c, llms, q).choice,
    "capacity": lambda s, c, llms, q: cheapest_at_quality(s, c, llms, q, len(s) // 2).choice,
    "budget": lambda s, c, llms, q: best_within_budget(s, c, llms, 0.5 * c.mean(), np.inf).choice,
    "dual": lambda s, c, llms, q: (
        DualAllocator(llms, min_score=q, capacity=len(s) // 2).update(s, c).choice
    ),
    "price": lambda s, c, llms, q: choose(s, c, llms, price_for_quality(s, c, llms, q)),
}


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("n", [12, 150])
def test_order_of_columns_and_rows_does_not_matter(solver, n):
    solve = SOLVERS[solver]
    rng = np.random.default_rng(0)
    # coarse values: many ties between llms and between questions
    scores = rng.integers(0, 4, size=(n, 4)) / 4 + np.linspace(0, 1e-3, n)[:, None]
    costs = np.tile([1.0, 1.0, 2.0, 2.0], (n, 1))
    costs[:, 3] = 4
    llms = np.array(["d", "b", "c", "a"])
    first = llms[solve(scores, costs, llms, 0.5)]
    columns, rows = np.array([2, 0, 3, 1]), rng.permutation(n)
    second = llms[columns][solve(scores[:, columns], costs[:, columns], llms[columns], 0.5)]
    np.testing.assert_array_equal(first, second)
    third = llms[solve(scores[rows], costs[rows], llms, 0.5)]
    np.testing.assert_array_equal(first[rows], third)


def test_what_the_solver_simplifies_away_is_found():
    # HiGHS, as it comes with scipy 1.17, calls this infeasible when it simplifies it first
    scores = [
        *(0.56115103, 0.169065, 0.848921, 0.66187102, 0.72661901, 0.44604301),
        *(0.859712, 0.72661901, 0.59352499, 0.420863, 0.56115103, 0.363309),
    ]
    costs = [
        *(35.0, 0.62, 111.0, 69.0, 8.02999973, 13.0),
        *(14.0, 3.81999993, 2.77999997, 7.23999977, 46.70000076, 1.63999999),
    ]
    asked = 0.7905813157558441
    found = cheapest_at_quality([scores], [costs], list("abcdefghijkl"), min_score=asked)
    assert found.choice.tolist() == [6]


def test_infeasible_says_what_can_be_asked():
    for solve in (
        lambda: cheapest_at_quality(SCORES, COSTS, LLMS, 0.9),
        lambda: price_for_quality(SCORES, COSTS, LLMS, 0.9),
        lambda: DualAllocator(LLMS, min_score=0.9).update(SCORES, COSTS),
    ):
        with pytest.raises(InfeasibleError, match=r"0\.9 asked, at most 0\.7666\d* .*'min_score'"):
            solve()
    for solve in (
        lambda: best_within_budget(SCORES, COSTS, LLMS, 0.5),
        lambda: price_for_budget(SCORES, COSTS, LLMS, 0.5),
        lambda: DualAllocator(LLMS, budget=0.5).update(SCORES, COSTS),
    ):
        with pytest.raises(InfeasibleError, match=r"0\.5 allowed, at least 1 .* raise 'budget'"):
            solve()
    # under a capacity less can be reached: two questions at small, the best one at big
    with pytest.raises(InfeasibleError) as error:
        cheapest_at_quality(SCORES, COSTS, LLMS, 0.9, capacity=[1, 2])
    assert error.value.reachable == pytest.approx((0.9 + 0.7 + 0.3) / 3)
    # what the error offers is then accepted
    cheapest_at_quality(SCORES, COSTS, LLMS, error.value.reachable, capacity=[1, 2])
    with pytest.raises(InfeasibleError, match="room for 2 questions, the batch holds 3"):
        cheapest_at_quality(SCORES, COSTS, LLMS, 0.1, capacity=1)
    scores = SCORES.copy()
    scores[:2, 1] = np.nan
    with pytest.raises(InfeasibleError, match="leave a question without an llm"):
        cheapest_at_quality(scores, COSTS, LLMS, 0.9, capacity=[1, 3])


def test_what_is_not_known_is_not_used():
    scores, costs = SCORES.copy(), COSTS.copy()
    scores[0, 0], costs[1, 1] = np.nan, np.nan
    for choice in (
        cheapest_at_quality(scores, costs, LLMS, 0.5).choice,
        best_within_budget(scores, costs, LLMS, 4).choice,
        DualAllocator(LLMS, min_score=0.6).update(scores, costs).choice,
    ):
        assert list(choice[:2]) == [1, 0]
    costs[0] = np.nan
    for solve in (cheapest_at_quality, best_within_budget, price_for_quality, price_for_budget):
        with pytest.raises(ValueError, match="question 0 has no usable llm"):
            solve(scores, costs, LLMS, 0.5)


def test_bad_input_is_a_clear_error():
    with pytest.raises(ValueError, match=r"'costs' must have shape \(questions, 2\)"):
        cheapest_at_quality(SCORES, COSTS[:2], LLMS, 0.5)
    with pytest.raises(ValueError, match="no infinity"):
        cheapest_at_quality(SCORES, COSTS * np.inf, LLMS, 0.5)
    with pytest.raises(ValueError, match="at least one question"):
        cheapest_at_quality(SCORES[:0], COSTS[:0], LLMS, 0.5)
    with pytest.raises(ValueError, match="'capacity' must be a number or 2 numbers"):
        cheapest_at_quality(SCORES, COSTS, LLMS, 0.5, capacity=[1, 2, 3])
    with pytest.raises(ValueError, match="'min_score' must be a finite number"):
        cheapest_at_quality(SCORES, COSTS, LLMS, np.nan)
    with pytest.raises(ValueError, match="exactly one of 'min_score' and 'budget'"):
        DualAllocator(LLMS).update(SCORES, COSTS)
    with pytest.raises(ValueError, match="Call 'update'"):
        DualAllocator(LLMS, budget=2).route(SCORES, COSTS)


def test_multipliers_are_kept_between_batches():
    scores, costs, llms = random_batch(0, 400, 5)
    capacity = 60
    stream = [(scores[i : i + 100], costs[i : i + 100]) for i in range(0, 400, 100)]
    asked = {"min_score": scores.mean() + 0.02, "capacity": capacity}
    warm = DualAllocator(llms, **asked)
    for batch in stream[:3]:
        warm.update(*batch)
    # what the held multipliers say of the next batch before any step is nearly the optimum
    best = cheapest_at_quality(*stream[3], llms, **asked).bound
    cold = DualAllocator(llms, **asked, max_iter=1).update(*stream[3])
    warm.max_iter = 1
    assert cold.bound < 0.8 * best < 0.98 * best < warm.update(*stream[3]).bound
    # and they decide single questions so that the promise holds on average
    choice = warm.route(scores, costs)
    assert scores[np.arange(400), choice].mean() == pytest.approx(asked["min_score"], abs=0.02)


def test_an_infeasible_batch_leaves_the_multipliers_alone():
    allocator = DualAllocator(LLMS, min_score=0.7)
    allocator.update(SCORES, COSTS)
    before = allocator.multiplier_
    with pytest.raises(InfeasibleError):
        allocator.update(SCORES - 0.3, COSTS)
    assert allocator.multiplier_ == before


def test_multiplier_is_the_price_of_the_promise():
    scores, costs, llms = random_batch(3, 200, 4)
    promise = scores.mean() + 0.05
    allocator = DualAllocator(llms, min_score=promise)
    allocator.update(scores, costs)
    price = price_for_quality(scores, costs, llms, promise)
    assert 1 / allocator.multiplier_ == pytest.approx(price, rel=0.02)
    budget = costs.mean() * 0.8
    allocator = DualAllocator(llms, budget=budget)
    allocator.update(scores, costs)
    assert allocator.multiplier_ == pytest.approx(
        price_for_budget(scores, costs, llms, budget), rel=0.02
    )


def test_repair_spends_what_the_promise_leaves_over():
    """All at big promises too much: the two least useful upgrades are undone, no more."""
    problem = at_quality(prepare(SCORES, COSTS, LLMS), 0.6)
    batch = prepare(SCORES, COSTS, LLMS)
    choice = repair(problem, np.zeros(3, dtype=int), problem.objective)
    found = batch.allocation(choice, 0.0)
    assert found.cost == pytest.approx(2)
    assert found.score >= 0.6 - 1e-9


def test_repair_unloads_where_that_costs_least():
    batch = prepare(SCORES, COSTS, LLMS, [1, 3])
    problem = at_quality(batch, 0.0)
    # with scores worth 10 each, leaving big costs the first question most: it may stay
    reduced = problem.objective + 10 * problem.weight
    loaded = _Repair(problem, np.zeros(3, dtype=int))
    assert loaded.unload(reduced)
    np.testing.assert_array_equal(batch.allocation(loaded.choice, 0.0).choice, [0, 1, 1])


@pytest.mark.parametrize("seed", range(3))
def test_dual_stands_one_dear_llm_and_many_ties(seed):
    """One llm ten times dearer than the rest sets the scale, and predictions come in groups."""
    rng = np.random.default_rng(seed)
    n, m = 300, 8
    skill = np.linspace(0.4, 0.75, m)
    scores = np.clip(skill + 0.12 * rng.normal(size=(15, m)), 0, 1).round(3)
    costs = np.exp(1.5 * skill + 0.2 * rng.normal(size=(15, m))) * 1e-4
    costs[:, -1] *= 20
    scores, costs = np.repeat(scores, n // 15, axis=0), np.repeat(costs, n // 15, axis=0)
    llms, capacity = [f"llm {j}" for j in range(m)], np.ceil(1.5 * n / m)
    most, _ = reachable(scores, costs, llms, capacity)
    for share in (0.5, 0.9):
        promise = share * most + (1 - share) * scores.mean()
        bound = cheapest_at_quality(scores, costs, llms, promise, capacity).bound
        found = DualAllocator(llms, min_score=promise, capacity=capacity).update(scores, costs)
        check_allocation(found, scores, costs, capacity, min_score=promise)
        assert found.cost <= 1.06 * bound
        assert found.bound >= 0.97 * bound
