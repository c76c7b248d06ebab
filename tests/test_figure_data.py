"""The numbers that figures show, worked out by hand."""

import numpy as np
import pandas as pd
import pytest
from board_rows import row
from made_boards import MadeRun
from stored_by_hand import asked, stored

from benchmarks import figure_data
from benchmarks.comparison import Comparison
from benchmarks.figure_data import ALL, pareto_front

IDS = ["q1", "q2", "q3", "q4", "q5"]
TOLD = [1, 1, 1, 0, 0]  # dataset-best: llm b on d, llm a on e
NAN = float("nan")


def board(*rows):
    """Return a board of rows that say what differs from one given by hand."""
    lead = {"lead_best_single": 0.2, "lead_low": 0.1, "lead_high": 0.3}
    return pd.DataFrame([row(**(lead | changes)) for changes in rows])


def comparison(**choices):
    """Return a comparison of routers by what each chose on the five questions, per seed."""
    rows = [
        {
            seed: asked(
                IDS,
                choice=choice,
                choice_cheapest=[0] * 5,
                choice_best_single=[1] * 5,
                choice_recognised_dataset=TOLD,
                choice_dataset_best=TOLD,
            )
            for seed, choice in enumerate(seeds)
        }
        for seeds in choices.values()
    ]
    runs = [
        [MadeRun({"label": label, "cost_unit": "USD"}, found) for found in by_seed.values()]
        for label, by_seed in zip(choices, rows, strict=True)
    ]
    return Comparison(runs, rows, rows)


class TestLeads:
    def test_differences_and_references_are_those_of_the_board(self):
        worse = {"router": "worse", "macro_score": 0.4, "lead_best_single": -0.1, "lead_low": NAN}
        rows, references = figure_data.leads(board(worse, {}))
        assert rows["router"].tolist() == rows["label"].tolist() == ["mine", "worse"]
        assert rows["lead"].tolist() == [0.2, -0.1]
        assert rows["lift"].tolist() == [0.1, 0.1]
        assert rows[["lift_low", "lift_high"]].iloc[0].tolist() == [0.05, 0.15]
        assert np.isnan(rows["lead_low"].iloc[1])
        told = references.loc["told the dataset"]
        assert told.tolist() == pytest.approx([0.125, 0.025])  # .625 over .5 and .6
        assert references.loc["oracle"].tolist() == pytest.approx([0.4, 0.3])

    def test_a_bound_that_is_not_known_is_left_out(self):
        _, references = figure_data.leads(board({"corrected_oracle": NAN}))
        assert list(references.index) == ["told the dataset", "oracle"]
        assert list(figure_data.REFERENCES.values())[1] == "oracle without luck"

    def test_who_ran_with_other_seeds_than_most_says_so(self):
        most = {"seeds": "0 1", "n_seeds": 2, "dataset_best": 0.7}
        rows, references = figure_data.leads(
            board(most, most | {"router": "b"}, {"router": "c", "macro_score": 0.9})
        )
        assert rows["label"].tolist() == ["c (seed 0)", "b", "mine"]
        assert references.loc["told the dataset", "lead"] == pytest.approx(0.2)  # of most seeds


def test_the_front_by_hand():
    points = pd.DataFrame({"cost": [1, 2, 2, 3, 4], "score": [0.5, 0.4, 0.6, 0.6, 0.9]})
    assert list(pareto_front(points)["cost"]) == [1, 2, 4]
    assert pareto_front(points[:0]).empty


class TestDatasets:
    def test_differences_are_to_who_is_told_the_dataset(self):
        # right on q1 to q3 and on q4: a third more on d than b alone, the same on e
        found = comparison(clever=[[0, 1, 1, 0, 0]], b=[[1] * 5, [1] * 5])
        shown = figure_data.dataset_differences(
            board({"router": "b", "macro_score": 0.4}, {"router": "clever"}), found
        )
        assert list(shown.values.index) == ["clever", "b"]
        assert list(shown.values) == [ALL, "d", "e"]
        assert shown.values.loc["clever"].tolist() == pytest.approx([1 / 6, 1 / 3, 0])
        assert shown.values.loc["b"].tolist() == pytest.approx([-1 / 8, 0, -1 / 4])
        assert shown.reference.tolist() == pytest.approx([7 / 12, 2 / 3, 1 / 2])

    def test_a_difference_is_clear_if_its_interval_leaves_out_0(self):
        found = comparison(b=[[1] * 5], told=[TOLD])
        shown = figure_data.dataset_differences(board({"router": "b"}, {"router": "told"}), found)
        assert not shown.clear.any(axis=None)  # two questions tell nothing; nor does no difference

    def test_clear_gains_and_clear_losses(self):
        n = 20
        right = (np.arange(2 * n) % n > 1).astype(float)  # of who is right on nearly all
        score = np.column_stack([np.r_[right[:n], 1 - right[n:]], np.r_[1 - right[:n], right[n:]]])
        found = stored(
            ["a", "b"],
            question_id=[f"q{i:02d}" for i in range(2 * n)],
            dataset=["d"] * n + ["e"] * n,
            **{"chance": np.zeros(2 * n), "score": score, "cost": score + 1},
            **{"choice": [0] * 2 * n, "choice_dataset_best": [1] * 2 * n},
            **{"random_score": score.mean(axis=1)},
            **{"oracle_score": score.max(axis=1), "oracle_cost": [1] * 2 * n},
        )
        runs = [[MadeRun({"label": "a"}, found)]]
        one = Comparison(runs, [{0: found}], [{0: found}])
        shown = figure_data.dataset_differences(board({"router": "a"}), one)
        assert shown.values.loc["a"].tolist() == pytest.approx([0, 0.8, -0.8])
        assert shown.clear.loc["a"].tolist() == [False, True, True]
        assert list(shown.clear) == list(shown.values)
        again = figure_data.dataset_differences(board({"router": "a"}), one)
        assert again.clear.equals(shown.clear)
        # were each dataset's questions of two passages, two would not be enough to tell
        halves = found.assign(group=[f"passage {i // 10}" for i in range(2 * n)])
        grouped = figure_data.dataset_differences(
            board({"router": "a"}), Comparison(runs, [{0: halves}], [{0: halves}])
        )
        assert grouped.values.equals(shown.values)
        assert not grouped.clear.any(axis=None)


class TestShares:
    def test_the_most_chosen_come_first(self):
        found = comparison(x=[[0, 1, 1, 1, 1], [1] * 5], y=[[0, 0, 1, 1, 1]])
        rows = board({"router": "y", "macro_score": 0.6}, {"router": "x"})
        shares = figure_data.selection_shares(rows, found)
        assert list(shares.index) == ["x", "y"]
        assert list(shares) == ["b", "a"]
        assert shares.loc["x"].tolist() == pytest.approx([0.9, 0.1])

    def test_the_rest_of_many_is_one_sum(self, monkeypatch):
        share = {f"llm{i:02d}": (1 + i) / 78 for i in range(12)}
        monkeypatch.setattr(figure_data, "selection_share", lambda rows: share)
        shares = figure_data.selection_shares(board({"router": "x"}), comparison(x=[TOLD]))
        assert list(shares) == [f"llm{i:02d}" for i in range(11, 3, -1)] + ["4 others"]
        assert shares["4 others"].iloc[0] == pytest.approx(10 / 78)
        assert shares.sum(axis=1).iloc[0] == pytest.approx(1)

    @pytest.mark.parametrize(("n", "last"), [(8, "llm7"), (9, "1 other"), (10, "2 others")])
    def test_eight_are_named(self, monkeypatch, n, last):
        share = {f"llm{i}": 1 / n for i in range(n)}
        monkeypatch.setattr(figure_data, "selection_share", lambda rows: share)
        shares = figure_data.selection_shares(board({"router": "x"}), comparison(x=[TOLD]))
        assert list(shares)[:8] == [f"llm{i}" for i in range(8)]  # equals by name
        assert list(shares)[-1] == last

    def test_nothing_could_be_sent(self, monkeypatch):
        share = {f"llm{i}": NAN for i in range(10)}
        monkeypatch.setattr(figure_data, "selection_share", lambda rows: share)
        shares = figure_data.selection_shares(board({"router": "x"}), comparison(x=[TOLD]))
        assert np.isnan(shares["2 others"].iloc[0])


class TestCosts:
    def test_a_router_s_curve_keeps_its_best_points(self, monkeypatch):
        curves = {
            "flat": [(5.0, 0.5), (4.0, 0.5)],
            "steep": [(6.0, 0.8), (5.0, 0.9), (3.0, 0.3), (2.0, 0.35)],
            "unpriced": [(NAN, NAN), (2.0, 0.2)],
        }
        found = comparison(**{name: [TOLD] for name in curves})
        given = iter(curves[name] for name in sorted(curves))

        def curve(rows):
            assert rows[0]["question_id"].tolist() == IDS
            return pd.DataFrame(next(given), columns=["cost", "score"])

        monkeypatch.setattr(figure_data, "operating_points", curve)
        costs = figure_data.costs(found)
        steep = costs.curves[costs.curves["router"] == "steep"]
        assert steep[["cost", "score"]].to_numpy().tolist() == [[2, 0.35], [5, 0.9]]
        assert costs.defaults.loc["steep"].tolist() == [6, 0.8]
        assert "unpriced" not in costs.defaults.index
        # one llm always: a scores 5/12 at 1.5 on the mean, b 11/24 at 5
        assert costs.llms["cost"].tolist() == [1.5, 5]
        assert costs.front["cost"].tolist() == [1.5, 4, 5]
        assert costs.named == ["steep", "flat"]

    def test_who_has_most_of_the_front_is_named_and_the_recognizer_in_any_case(self):
        points = pd.DataFrame(
            [
                *[(1.0, 0.2, ""), (2.0, 0.7, "much"), (100.0, 0.9, "top")],
                *[(3.0 + i, 0.7 + 0.001 * (i + 1), f"r{i}") for i in range(5)],
                (50.0, 0.1, "recognised_dataset"),
            ],
            columns=["cost", "score", "router"],
        )
        named = figure_data._named(points, pareto_front(points))
        assert named[:2] == ["top", "much"]
        assert (len(named), named[-1]) == (4, "recognised_dataset")

    def test_what_the_front_would_lose_is_an_area_over_the_logarithm_of_cost(self):
        points = pd.DataFrame(
            [(0.1, 0.1, ""), (0.2, 0.2, "a"), (0.3, 0.5, "b"), (0.9, 0.6, "c"), (9, 0.61, "d")],
            columns=["cost", "score", "router"],
        )
        front = pareto_front(points)
        # d has the end; without b 0.3 of log 3 is lost, without a 0.1 of log 1.5,
        # without c 0.1 of log 10
        assert figure_data._named(points, front) == ["d", "b", "c"]
        lost = figure_data._area(points, 9) - figure_data._area(points[points["router"] != "b"], 9)
        assert lost == pytest.approx(0.3 * np.log(3))
        cheap = points.assign(cost=points["cost"] * [0, 1, 1, 1, 1])  # free counts as the cheapest
        assert figure_data._area(cheap, 9) == pytest.approx(
            0.2 * np.log(1.5) + 0.5 * np.log(3) + 0.6 * np.log(10)
        )

    def test_costs_may_be_0(self):
        points = pd.DataFrame({"cost": [0.0, 0, 2], "score": [0.4, 0.5, 0.6], "router": [*"abc"]})
        assert figure_data._named(points, pareto_front(points)) == ["c", "b"]
        free = points.assign(cost=0.0)
        assert figure_data._named(free, pareto_front(free)) == ["c"]


def test_calibration_errors_are_those_that_are_known():
    per_llm = pd.DataFrame(
        {"router": ["x", "x", "y", "y"], "calibration_error": [0.1, NAN, NAN, NAN], "brier": NAN}
    )
    found = figure_data.calibration_errors(board({"router": "y"}, {"router": "x"}), per_llm)
    assert {name: errors.tolist() for name, errors in found.items()} == {"x": [0.1], "y": []}
