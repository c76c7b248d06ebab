"""How often intervals hold a known truth, and equal routers are told apart."""

import numpy as np
import pytest
from conftest import ROOT

from benchmarks import coverage
from benchmarks.stored_rows import Panel
from benchmarks.synthetic_scores import ROUTERS, Population


@pytest.mark.parametrize(
    ("n_questions", "shares", "n_seeds"),
    [(100, (50, 30, 15, 5), 1), (300, (40, 20, 10, 10, 10, 10), 2)],
)
def test_intervals_hold_the_truth_and_equal_routers_are_not_told_apart(
    n_questions, shares, n_seeds
):
    setting = coverage.Setting("", Population.make(len(shares)), shares, n_questions, n_seeds)
    found = coverage.simulate(setting, n_draws=250)
    error = (0.05 * 0.95 / 250) ** 0.5
    for figure in coverage.FIGURES:
        assert 0.95 - 2.6 * error < found[figure] < 0.99, figure
    for k in coverage.FAMILIES:
        assert found[f"apart_{k}"] < 0.05 + 2.6 * error, k
    assert found["apart_10"] > 0.005  # the correction gives little away


class Blind(Population):
    """Does not say which questions are a group."""

    def draw(self, sizes, n_seeds, rng):
        found = super().draw(sizes, n_seeds, rng)
        return Panel(found.datasets, found.scores, {})


def test_intervals_hold_the_truth_only_if_they_know_the_groups():
    shares, n_draws = (50, 30, 20), 200
    held = {
        kind: coverage.simulate(
            coverage.Setting("", kind.make(3, group_size=5), shares, 600, 1), n_draws
        )
        for kind in (Population, Blind)
    }
    error = (0.05 * 0.95 / n_draws) ** 0.5
    for figure in coverage.FIGURES:
        assert 0.95 - 2.6 * error < held[Population][figure] <= 1, figure
        assert held[Blind][figure] < 0.85, figure
    for k in coverage.FAMILIES:
        assert held[Population][f"apart_{k}"] < 0.05 + 2.6 * error, k
        assert held[Blind][f"apart_{k}"] > 0.15, k


def test_a_difference_that_was_never_seen_has_no_interval():
    two = (50, 50)
    setting = coverage.Setting("", Population.make(2, level=6, follow=1, skill=1), two, 100, 1)
    found = coverage.simulate(setting, n_draws=20)  # nobody is ever wrong
    assert found["lift"] == found["pair"] == found["unknown"] == 1


@pytest.mark.parametrize("group_size", [1, 4])
def test_true_values_of_the_made_up_routers(group_size):
    made = {"skill": 0.3, "seed_spread": 0.05, "group_size": group_size}
    population = Population.make(3, seed=1, **made)
    found = population.draw(np.full(3, 20_000), 2, np.random.default_rng(0))
    truth = population.truth()
    assert set(found.scores) == set(truth)
    for name in (ROUTERS[0], ROUTERS[9], "recognised_dataset", "best_single", "oracle"):
        tolerance = 0.02 if name in ROUTERS else 0.005  # two seeds of different skill
        assert found.scores[name].mean() == pytest.approx(truth[name], abs=tolerance)


def test_questions_of_a_group_are_mostly_one():
    population = Population.make(2, group_size=4)
    found = population.draw(np.array([4002, 402]), 1, np.random.default_rng(0))
    assert found.groups[:6].tolist() == [0, 0, 0, 0, 4, 4]
    assert found.groups[3998:4006].tolist() == [3996, 3996, 4000, 4000, 4002, 4002, 4002, 4002]
    assert np.unique(found.groups[4002:], return_counts=True)[1][-1] == 2  # the rest of 402
    oracle, first = found.scores["oracle"][0], found.scores["oracle"][0][found.groups]
    again = np.arange(4404) != found.groups
    share = oracle.mean()
    alike = 0.7 + 0.3 * (share**2 + (1 - share) ** 2)  # the same question, or the same by luck
    assert (oracle == first)[again].mean() == pytest.approx(alike, abs=0.02)
    assert Population.make(2).draw(np.array([3, 3]), 1, np.random.default_rng(0)).groups is None


def test_the_command_writes_the_table(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(coverage, "PATH", tmp_path / "coverage.md")
    one = coverage.settings()[:1]
    monkeypatch.setattr(coverage, "settings", lambda: one)
    coverage.main(["--draws", "2"])
    text = (tmp_path / "coverage.md").read_text()
    assert capsys.readouterr().out in text
    assert "make coverage" in text
    published = (ROOT / "results" / "published" / "coverage.md").read_text().splitlines()
    assert next(line for line in text.splitlines() if line.startswith("| routers")) in published
