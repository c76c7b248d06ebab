from benchmarks import speed


def test_every_case_has_targets_and_ratios_point_the_right_way():
    assert set(speed.CASES) == set(speed.TARGETS)
    (good, bad) = speed.report("knn", {"questions_per_second": 40_000, "peak_memory_mb": 800})
    assert "ratio   2.00  reached" in good
    assert "ratio   0.50  MISSED" in bad


def test_import_case_measures():
    assert 0 < speed.case_import()["seconds"] < 60
