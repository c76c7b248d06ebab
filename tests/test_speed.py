import time

import psutil
import pytest
from conftest import ROUTERS
from test_families import Words

from benchmarks.leaderboard import load_board
from benchmarks.sources import folder
from benchmarks.speed import __main__ as speed
from benchmarks.speed import growth, limits, made_up, model_sat, routing, suite
from benchmarks.speed.targets import TARGETS, Target


def test_every_case_has_targets_and_ratios_point_the_right_way():
    assert set(speed.CASES) == set(TARGETS)
    assert set(speed.CASES) >= speed.ON_ONE_CORE
    (good, bad) = speed.report("knn", {"questions_per_second": 40_000, "peak_memory_mb": 800})
    assert "ratio   2.00  reached" in good
    assert bad.endswith("ratio   0.50  MISSED")
    assert Target(10).ratio(5) == Target(5, more=True).ratio(10) == 2


def test_what_it_was_before_stands_beside():
    (line, _) = speed.report("svm", {"fit_seconds": 5, "route_us": 5})
    assert line.endswith("ratio   2.00  reached  was 217.00")


def test_made_up_runs_are_as_others_to_the_leaderboard(tmp_path):
    made_up.store_runs(tmp_path, 3, 80, 4)
    board = load_board(tmp_path)
    assert sorted(board["router"]) == ["router 00", "router 01", "router 02"]
    assert (board["n_questions"] == 80).all()
    assert (board["macro_score"] < board["oracle"]).all()


def test_made_up_outcomes_are_as_others_to_the_folder_source(tmp_path):
    suite._write_outcomes(tmp_path / "made_up", 40, 3)
    table = folder.load(tmp_path / "made_up").table
    assert table.scores.shape == (40, 3)
    assert len(set(table.datasets)) == 5


def test_growth_is_a_power():
    assert growth._power((1, 10, 100), [1.0, 3.0, 30.0]) == pytest.approx(1)
    assert growth._power((2, 4), [1.0, 4.0]) == pytest.approx(2)


def test_seconds_are_the_least_of_several_and_other_programs_end():
    waits = iter([0.03, 0.0, 0.02])

    def spin():
        end = time.process_time() + next(waits)
        while time.process_time() < end:
            pass

    assert limits._seconds(spin, times=3) < 0.01
    with limits._busy(1):
        (other,) = [
            child
            for child in psutil.Process().children()
            if "time.time() + 300" in str(child.cmdline())
        ]
    assert not other.is_running()


def test_the_case_of_model_sat_measures_what_it_has_targets_for(tiny_lm, monkeypatch, capsys):
    for module in ("composing", "carriers"):
        monkeypatch.setattr(f"benchmarks.{module}.model_folder", lambda name: tiny_lm)
    found = model_sat.case_model_sat()
    assert set(found) == set(TARGETS["model_sat"])
    assert all(value > 0 for value in found.values())
    said = capsys.readouterr().err.splitlines()[-3:]
    assert [line.split("8 llms")[0].strip() for line in said] == ["whole", "kept", "paper's order"]


def test_import_case_measures():
    assert 0 < routing.case_import()["seconds"] < 60


def test_families_are_configurations_whose_encoders_can_be_replaced():
    assert set(routing.FAMILIES) <= set(ROUTERS)
    router = routing.configured("policy_sorted", Words())
    assert isinstance(router.router.encoder, Words)
