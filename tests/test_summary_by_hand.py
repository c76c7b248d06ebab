"""The figures of a leaderboard row, worked out by hand from rows that are written by hand."""

import math

import numpy as np
import pandas as pd
import pytest
from stored_by_hand import asked, stored, summary, two_seeds

from benchmarks.headline import selection_share
from benchmarks.price_curve import operating_points
from benchmarks.scoring import selection_entropy

CURVE = pd.DataFrame({"price": [0.0], "score": [1.0], "cost": [1.0]})  # quick, where none is meant


def test_every_figure_of_two_seeds():
    # dataset d holds five tests, e two: macro means weigh both alike, all seeds together
    found = summary(two_seeds())
    expected = {
        "n_seeds": 2,
        "n_questions": 5,
        "n_llms": 2,
        "macro_score": (3 / 5 + 0.5 / 2) / 2,
        "micro_score": 3.5 / 7,
        "score_d": 3 / 5,
        "score_e": 0.5 / 2,
        "random": (2.5 / 5 + 0.75 / 2) / 2,
        "cheapest": (2 / 5 + 1 / 2) / 2,
        "best_single": (2 / 5 + 1.5 / 2) / 2,
        "recognised_dataset": (3 / 5 + 1 / 2) / 2,
        "dataset_best": (4 / 5 + 0.5 / 2) / 2,
        "oracle": (5 / 5 + 1.5 / 2) / 2,
        "gap_closed": (0.425 - 0.575) / (0.875 - 0.575),
        "lift_recognised": 0.425 - 0.55,
        "regret": 0.875 - 0.425,
        "cost": (14 / 5 + 12 / 2) / 2,
        "cost_known": 1,
        "cost_random": (2.5 + 4) / 2,
        "cost_cheapest": (1 + 2) / 2,
        "cost_best_single": (11 / 5 + 8 / 2) / 2,
        "cost_recognised_dataset": (14 / 5 + 4 / 2) / 2,
        "cost_dataset_best": (17 / 5 + 12 / 2) / 2,
        "cost_oracle": (14 / 5 + 8 / 2) / 2,
        "largest_share": 5 / 7,
        "selection_entropy": -(2 * math.log2(2 / 7) + 5 * math.log2(5 / 7)) / 7,
    }
    assert {name: found[name] for name in expected} == pytest.approx(expected)
    assert np.isnan(found["corrected_oracle"])  # nobody knows of options
    assert "cost_corrected_oracle" not in found  # a bound that asks no llm
    assert not {"router", "cost_router"} & set(found)  # they have names of their own


@pytest.fixture
def steady():
    """One llm beyond chance: the oracle leads best single by half a point on every question."""
    rng = np.random.default_rng(3)
    single, recognised = rng.uniform(0, 0.5, 60), rng.uniform(0.2, 0.5, 60)
    router = single + rng.uniform(0, 0.5, 60)
    score = np.column_stack([single, recognised, router])
    ones = np.ones(60, dtype=int)
    return stored(
        ["single", "recognized", "router"],
        question_id=[f"q{i:02d}" for i in range(60)],
        dataset=["d"] * 60,
        chance=0 * single,
        score=score,
        cost=np.tile([1.0, 2, 3], (60, 1)),
        predicted_score=score,
        predicted_cost=np.tile([1.0, 2, 3], (60, 1)),
        random_score=score.mean(axis=1),
        oracle_score=single + 0.5,
        oracle_cost=ones,
        choice=2 * ones,
        choice_cheapest=0 * ones,
        choice_best_single=0 * ones,
        choice_recognised_dataset=ones,
        choice_dataset_best=ones,
    )


def t_interval(values):
    """Return the interval of a mean: scipy.stats.t.ppf(.975, 59) is 2.001."""
    error = 2.001 * values.std(ddof=1) / math.sqrt(len(values))
    return pytest.approx((values.mean() - error, values.mean() + error), abs=0.1 * error)


def test_intervals_are_of_paired_differences_to_their_own_reference(steady):
    found = summary([steady], points=CURVE)
    single, recognised, router = (
        steady[f"score/{name}"].to_numpy() for name in ("single", "recognized", "router")
    )
    assert (found["macro_low"], found["macro_high"]) == t_interval(router)
    assert (found["lift_low"], found["lift_high"]) == t_interval(router - recognised)
    assert (found["gap_low"], found["gap_high"]) == t_interval((router - single) / 0.5)
    assert (found["lead_low"], found["lead_high"]) == t_interval(router - single)
    assert found["lead_best_single"] == pytest.approx((router - single).mean())


def test_intervals_keep_to_what_is_possible(steady):
    row = steady.iloc[:6].copy()
    row["score/router"] = [1, 1, 1, 1, 1, 0.9]
    row["score/single"], row["oracle_score"] = [0.1, 0.3, 0.2, 0.4, 0.3, 0.2], [1, 1, 1, 1, 1, 1]
    found = summary([row], points=CURVE)
    assert found["macro_high"] == found["gap_high"] == 1
    assert found["macro_low"] < 59 / 60
    row["score/router"] = [0, 0, 0, 0, 0, 0.1]
    worse = summary([row.assign(oracle_score=row["score/single"] + 0.2)], points=CURVE)
    assert worse["macro_low"] == 0
    assert worse["gap_low"] < worse["gap_closed"] < -1  # nothing bounds it from below


def test_who_met_a_floor_by_luck_has_no_interval_against_it(steady):
    lucky = steady.assign(**{"score/router": steady["score/recognized"]})
    found = summary([lucky], points=CURVE)
    assert found["lift_recognised"] == 0
    assert np.isnan([found["lift_low"], found["lift_high"]]).all()
    assert found["gap_low"] < found["gap_closed"] < found["gap_high"]
    lucky = steady.assign(**{"score/router": steady["score/single"]})
    found = summary([lucky], points=CURVE)
    assert found["gap_closed"] == 0
    assert found["lead_best_single"] == 0
    assert np.isnan(
        [found[f"{name}_{end}"] for name in ("gap", "lead") for end in ("low", "high")]
    ).all()
    assert found["lift_low"] < found["lift_recognised"] < found["lift_high"]


def test_replicates_follow_the_seed_that_is_given(steady):
    names = ["macro_low", "gap_low", "lift_high"]
    zero, again, one = (
        [summary([steady], *seed, points=CURVE)[name] for name in names]
        for seed in ((), (0,), (1,))
    )
    assert zero == again
    assert all(np.not_equal(zero, one))


def test_who_chooses_as_the_best_single_llm_closes_no_gap_however_small_the_gap():
    row = asked(
        ["q1", "q2", "q3"],
        choice=[1, 1, 1],
        choice_best_single=[1, 1, 1],
        choice_recognised_dataset=[1, 1, 1],
        choice_dataset_best=[1, 1, 1],
    )
    found = summary([row], points=CURVE)
    assert [found[name] for name in ("gap_closed", "gap_low", "gap_high")] == [0, 0, 0]
    assert [found[name] for name in ("lead_best_single", "lead_low", "lead_high")] == [0, 0, 0]
    assert [found[name] for name in ("lift_recognised", "lift_low", "lift_high")] == [0, 0, 0]
    assert np.isnan([found["cheapest"], found["cost_cheapest"]]).all()  # it was not run
    nothing = summary([row[1:]], points=CURVE)  # here it is the oracle, too
    assert np.isnan([nothing["gap_closed"], nothing["gap_low"], nothing["gap_high"]]).all()


def test_the_cost_to_match_is_the_least_on_the_curve_at_no_loss(steady):
    best = summary([steady], points=CURVE)["best_single"]
    curve = pd.DataFrame(
        {"price": [0, 1, 2, 3], "score": [1, best + 0.1, best, best - 0.1], "cost": [9, 7, 5, 3]}
    )
    assert summary([steady], 0, curve)["cost_to_match_best_single"] == 5
    # made of the run itself: at a price above .5 / 1 everyone asks the cheapest, best single
    own = operating_points([steady])
    assert summary([steady], 0, own)["cost_to_match_best_single"] == 1
    assert np.isnan(summary([steady], 0, curve[3:])["cost_to_match_best_single"])
    edge = pd.DataFrame({"price": [0.0], "score": [best - 1e-12], "cost": [4.0]})
    assert summary([steady], 0, edge)["cost_to_match_best_single"] == 4
    edge["score"] -= 1e-12
    assert np.isnan(summary([steady], 0, edge)["cost_to_match_best_single"])
    unpriced = steady.assign(**{"cost/single": math.nan})
    assert np.isnan(summary([unpriced], 0, curve)["cost_to_match_best_single"])
    curve.loc[2, "cost"] = math.nan
    assert summary([steady], 0, curve)["cost_to_match_best_single"] == 7


def test_a_router_without_any_choice_has_no_figures():
    found = summary([two_seeds()[0].iloc[:0]])
    assert found["n_questions"] == 0
    unknown = ("macro_score", "micro_score", "cost", "cost_known", "largest_share", "oracle")
    assert np.isnan([found[name] for name in (*unknown, "selection_entropy", "gap_low")]).all()


def test_shares_of_a_selection_are_over_what_was_sent():
    first, second = two_seeds()
    assert selection_share([first, second]) == pytest.approx({"a": 2 / 7, "b": 5 / 7})
    first["choice"] = [0, -1, -1, -1]
    second["choice"] = -1
    assert selection_share([first, second]) == {"a": 1, "b": 0}
    assert selection_entropy({"a": 1, "b": 0}) == 0


def test_the_known_share_of_costs_is_of_choices():
    first, _ = two_seeds()
    first["cost/b"] = [math.nan, math.nan, 6, math.nan]  # asked for q4 and q2 only
    found = summary([first], points=CURVE)
    assert found["cost_known"] == 3 / 4
    assert np.isnan(found["cost"])
    assert found["cost_best_single"] == (1 + 2) / 2
