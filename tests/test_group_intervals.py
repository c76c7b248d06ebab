"""What groups of questions do to intervals: the variances by hand, with draws that are known."""

import numpy as np
import pandas as pd
import pytest
from test_interval_variances import Known

from benchmarks.ablation import _aligned
from benchmarks.arrival_figures import leads
from benchmarks.ceiling import PARTS, explained
from benchmarks.intervals import bootstrap_macro
from benchmarks.stored_rows import Panel

NAN = np.nan


def error_of(datasets, groups, scores, rng=None):
    """Return how far a replicate lies from the macro score: one deviation."""
    values = np.atleast_2d(np.asarray(scores, dtype=float))
    units = None if groups is None else np.asarray(groups)
    found = Panel(np.asarray(datasets, dtype=object), {"router": values}, {}, units)
    means = [np.nanmean(values[:, np.equal(datasets, name)]) for name in sorted(set(datasets))]
    return bootstrap_macro(found, rng or Known(), 1)["router"][0] - np.mean(means)


def test_groups_of_one_size_are_as_good_as_their_means():
    scores, rng = [0, 0.5, 1, 1, 0.25, 0.75, 1, 0], Known()
    groups = [5, 5, 2, 2, 9, 9, 4, 4]
    found = error_of(["d"] * 8, groups, scores, rng)
    means = [0.25, 1, 0.5, 0.5]
    assert found == pytest.approx(np.std(means, ddof=1) / 4**0.5)
    assert rng.degrees_of_freedom == [pytest.approx(3)]


def test_a_large_group_adds_more_to_the_error():
    # over seven questions the mean is .5: a group of three right ones adds (3 - 3 / 2) / 7
    scores, groups = [1, 1, 1, 0, 0.5, 0, 0], [0, 0, 0, 1, 2, 3, 3]
    mean = 3.5 / 7
    adds = np.array([3 - 3 * mean, 0 - mean, 0.5 - mean, 0 - 2 * mean]) / 7
    expected = (adds @ adds * 4 / 3) ** 0.5
    assert error_of(["d"] * 7, groups, scores) == pytest.approx(expected)


def test_all_seeds_of_a_group_are_one_unit():
    scores = [[1, 0, NAN, 0.5], [1, NAN, 0, NAN]]
    # the mean is 2.5 / 5; the first group adds (2 - 3 / 2) / 5, the others (0 - 1 / 2) / 5 and 0
    adds = np.array([0.5, -0.5, 0]) / 5
    found = error_of(["d"] * 4, [0, 0, 1, 2], scores)
    values = np.asarray(scores)
    assert np.nanmean(values) == 0.5
    assert found == pytest.approx((adds @ adds * 3 / 2) ** 0.5)


def test_groups_of_one_question_change_no_digit():
    rng = np.random.default_rng(0)
    datasets = np.array(["d", "e", "f"] * 20, dtype=object)
    scores = {name: rng.random((2, 60)) for name in ("router", "other")}
    units = rng.permutation(60)
    alone, plain = (
        bootstrap_macro(Panel(datasets, scores, {}, groups), np.random.default_rng(1))
        for groups in (units, None)
    )
    for name in scores:
        np.testing.assert_array_equal(alone[name], plain[name])


def test_the_order_of_questions_does_not_matter():
    rng = np.random.default_rng(3)
    datasets, groups = np.array(["d"] * 9 + ["e"] * 6), rng.integers(5, size=15)
    scores, turned = rng.random(15), rng.permutation(15)
    found = error_of(datasets[turned], groups[turned], scores[turned])
    assert found == pytest.approx(error_of(datasets, groups, scores))


def test_what_datasets_have_in_common_is_counted():
    """The same questions in two languages, scored alike: two datasets tell no more than one."""
    scores, rng = [0, 0.5, 1, 1, 0.25], Known()
    found = error_of(["d"] * 5 + ["e"] * 5, [0, 1, 2, 3, 4] * 2, scores * 2, rng)
    assert found == pytest.approx(np.std(scores, ddof=1) / 5**0.5)
    assert rng.degrees_of_freedom == [4]
    # scored the opposite way the two make up for each other
    opposite = [*scores, *(1 - np.array(scores))]
    assert error_of(["d"] * 5 + ["e"] * 5, [0, 1, 2, 3, 4] * 2, opposite) == pytest.approx(
        0, abs=1e-8
    )


def test_a_group_of_two_datasets_by_hand():
    # on d the errors are .5, -.5 (two units) and on e 1/3, 1/3, -2/3 (three): 0 is in both
    datasets, groups = ["d", "d", "e", "e", "e"], [0, 1, 0, 2, 3]
    scores, rng = [1, 0, 1, 1, 0], Known()
    squares, own = np.array([1 / 2, 2 / 3]), np.array([1, 2])
    lent = np.array([2, 1])  # all that the other has
    variance = (squares + lent * squares.sum() / 3) / (own + lent) / np.array([2, 3])
    shared = 2 * (1 / 2 * 1 / 3) / (2 * 1 * 3 * 2) ** 0.5
    found = error_of(datasets, groups, scores, rng)
    assert found == pytest.approx(((variance.sum() + shared) / 4) ** 0.5)
    assert rng.degrees_of_freedom == [3]  # four groups; by the variances alone it were 2.9...


def test_a_dataset_of_one_group_tells_nothing_of_its_own():
    datasets, groups = ["d"] * 3 + ["e"] * 3, [0, 0, 0, 1, 2, 3]
    scores = [1, 0, 1, 0, 1, 1]
    squares, lent = 2 / 3, 2
    expected = (squares / 2 + (squares + 0) / 2 / 3) / 4  # e has none to borrow
    assert lent == 2
    assert error_of(datasets, groups, scores) == pytest.approx(expected**0.5)
    assert np.isnan(error_of(["d"] * 3, [0, 0, 0], [1, 0, 1]))


def test_what_never_varied_departs_by_the_number_of_groups():
    departs = Known(departs=1)
    # the mean of Beta(1, 3), not Beta(1, 6)
    assert error_of(["d"] * 6, [0, 0, 1, 1, 2, 2], [1] * 6, departs) == pytest.approx(-1 / 4)


def test_the_lead_on_arrival_is_over_groups():
    rng = np.random.default_rng(0)
    passages = np.repeat(rng.random(30) < 0.6, 4).astype(float)
    n = len(passages)
    rows = pd.DataFrame(
        {"step": 2, "newcomer": "b", "question_id": [f"q{i:03}" for i in range(n)], "dataset": "d"}
        | {"zoo": [("a", "b")] * n, "n_observed": 2, "left_out": ""}
        | {"group": [f"passage {i // 4}" for i in range(n)]}
        | {"card": passages, "best_single": 0.5}
    )
    grouped, plain = leads(rows), leads(rows.drop(columns="group"))
    assert list(grouped.index) == ["card", "best_single"]
    assert grouped["lead"].tolist() == plain["lead"].tolist()
    width, narrow = (found["high"] - found["low"] for found in (grouped, plain))
    # four questions tell as much as one: 30 units instead of 120
    assert width["card"] / narrow["card"] == pytest.approx((119 / 29) ** 0.5, rel=0.06)


def test_the_share_that_text_explains_is_drawn_by_groups():
    """As if each group were one question, with the errors of all of its questions."""
    rng = np.random.default_rng(0)
    units = rng.permutation(np.repeat(np.arange(20), [1, 2, 3, 4, 5] * 4))
    n = len(units)
    errors = pd.DataFrame({"n_train": 9, "n_llms": 2, "n_observed": np.full(n, 2)})
    for part in PARTS:
        for what, most in (("nothing", 1), ("dataset", 0.9), ("text", 0.6)):
            errors[f"{part}/{what}"] = most * rng.random(n)
    grouped = explained(errors.assign(group=[f"g{unit}" for unit in units]))
    once = explained(errors.groupby(units, sort=False).sum())
    for name in ("low", "high", "text", "dataset"):
        assert grouped[f"contrast_{name}"] == pytest.approx(once[f"contrast_{name}"]), name
    assert grouped["n_questions"] == n
    plain = explained(errors)
    assert explained(errors.assign(group=[f"g{i}" for i in range(n)])) == plain
    assert plain["contrast_low"] != pytest.approx(grouped["contrast_low"], abs=1e-3)


def test_settings_of_a_sweep_are_compared_by_groups():
    rows = pd.DataFrame(
        {"question_id": ["q1", "q2", "q3"], "dataset": "d", "group": ["g", "", "g"], "chance": 0.0}
        | {"score/a": [1.0, 0, 1], "cost/a": 1.0, "choice": 0, "choice/recognised_dataset": 0}
        | {"random_score": 0.5, "oracle_score": 1.0, "oracle_cost": 1.0}
    )
    assert _aligned({"default": {0: rows}}).groups.tolist() == [0, 1, 0]
