"""Runs are compared that agree on outcomes, zoo, split and settings; of each seed the latest."""

import random

from benchmarks import comparison
from benchmarks.store import Run
from routers.recognition import RecognisedDatasetRouter


def run(seed=0, finished="2026-01-01", **about):
    names = {"data": "tables", "zoo": "all", "split": "kfold", "data_hash": "abc", "label": "knn"}
    return Run(None, names | {"cost_unit": "USD", "seed": seed, "finished": finished} | about)


def settings(**config):
    return comparison.names_of(run(config=config))


def test_a_run_is_named_by_what_it_is_compared_on():
    found = comparison.names_of(run(data="x", zoo="y", split="z", cost_unit="params_b"))
    assert len(found.pop("settings_hash")) == 8
    assert found == {
        "data": "x",
        "zoo": "y",
        "split": "z",
        "settings": "",
        "data_hash": "abc",
        "cost_unit": "params_b",
    }
    names = comparison.names_of(run())
    assert comparison.place_of(run()) == (
        "tables", "all", "kfold", "", names["settings_hash"], "abc",
    )  # fmt: skip


def test_settings_show_numbers_and_words_of_the_split_and_what_is_unusual_of_the_floor():
    usual = RecognisedDatasetRouter().get_params()
    found = settings(
        split={"_target_": "benchmarks.splits.kfold", "seed": "s", "n_folds": 5, "near": None},
        recogniser=usual | {"_target_": "x", "strength": 0.1, "prior": 1.0, "encoder": {"dim": 3}},
        router={"k": 3},
    )
    assert found["settings"] == "n_folds=5 seed=s recogniser.strength=0.1"
    same = settings(split={"strength": usual["strength"]})
    assert same["settings"] == f"strength={usual['strength']}"


def test_the_hash_is_of_all_that_can_be_set_of_split_and_floor_and_of_nothing_else():
    plain = settings(split={"n_folds": 5, "given": None}, recogniser={"prior": 1.0})
    turned = settings(recogniser={"prior": 1.0}, split={"given": None, "n_folds": 5}, seed=4)
    assert plain == turned
    assert settings() == settings(split=None, recogniser={}) == comparison.names_of(run())
    others = [
        plain,
        settings(split={"n_folds": 4, "given": None}, recogniser={"prior": 1.0}),
        settings(split={"n_folds": 5, "given": [1]}, recogniser={"prior": 1.0}),
        settings(split={"n_folds": 5, "given": None}, recogniser={"prior": 1.0, "encoder": {}}),
        settings(),
    ]
    assert len({names["settings_hash"] for names in others}) == len(others)


def test_runs_that_differ_in_their_seed_only_are_one_row():
    runs = [
        run(2),
        run(10),
        run(1),
        run(1, label="svm"),
        run(1, data_hash="abd"),
        run(1, zoo="part"),
        run(1, config={"split": {"n_folds": 3}}),
    ]
    random.Random(0).shuffle(runs)
    groups = comparison.group_runs(runs)
    seeds = sorted([member.about["seed"] for member in group] for group in groups)
    assert seeds == [[1], [1], [1], [1], [1, 2, 10]]
    places = [comparison.place_of(group[0]) for group in groups]
    assert places == sorted(places)  # tables one after the other
    assert comparison.group_runs([]) == []


def test_the_latest_run_of_a_seed_counts():
    old = run(1, "2026-01-01T10:00")
    new = run(1, "2026-03-01T09:00")
    other = run(0, "2026-02-01T00:00")
    for runs in ([old, new, other], [new, other, old]):
        assert comparison.group_runs(runs) == [[other, new]]


def test_runs_are_asked_for_by_data_zoo_and_split():
    runs = [run(), run(split="holdout"), run(data_hash="abd")]
    assert comparison.runs_of(runs, None) == runs
    assert comparison.runs_of(runs, "tables/all/kfold") == [runs[0], runs[2]]
    assert comparison.runs_of(runs, "tables/all") == []


def test_a_folder_is_named_shortly_unless_two_would_be_the_same():
    alone, first, second = (
        ("text", "all", "kfold", "", "s1", "d1"),
        ("code", "all", "kfold", "n=3", "s1", "d1"),
        ("code", "all", "kfold", "", "s2", "d1"),
    )
    assert comparison.folder_names(iter([alone, first, second, first])) == {
        alone: "text-all-kfold",
        first: "code-all-kfold-s1-d1",
        second: "code-all-kfold-s2-d1",
    }
    assert comparison.folder_names([first, first]) == {first: "code-all-kfold"}
