from conftest import ROUTERS
from test_families import Words

from benchmarks.speed import __main__ as speed
from benchmarks.speed import model_sat, routing
from benchmarks.speed.targets import TARGETS


def test_every_case_has_targets_and_ratios_point_the_right_way():
    assert set(speed.CASES) == set(TARGETS)
    (good, bad) = speed.report("knn", {"questions_per_second": 40_000, "peak_memory_mb": 800})
    assert "ratio   2.00  reached" in good
    assert "ratio   0.50  MISSED" in bad


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
