import json
import shutil

import pandas as pd
import pytest
from conftest import ROOT

from benchmarks import identity as names
from benchmarks import invalidate, run, store
from benchmarks.comparison import COMPARISON
from benchmarks.identity import identity
from benchmarks.leaderboard import leaderboard

ROWS = pd.DataFrame({"question_id": ["a", "b"], "score/x": [0.0, 1.0]})


def folder_in(tmp_path, key="k"):
    return tmp_path / "runs" / "data" / "zoo" / "split" / "router" / key


def test_what_is_saved_is_loaded(tmp_path):
    folder = store.save_run(folder_in(tmp_path), ROWS, {"seed": 3})
    assert store.is_finished(folder)
    (run,) = store.load_runs(tmp_path)
    pd.testing.assert_frame_equal(run.rows(), ROWS)
    assert run.about["seed"] == 3
    assert {"commit", "finished", "machine", "versions"} <= set(run.about)


def test_a_killed_write_leaves_nothing_that_counts(tmp_path, monkeypatch):
    folder = folder_in(tmp_path)

    def killed(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(store, "circumstances", killed)
    with pytest.raises(KeyboardInterrupt):
        store.save_run(folder, ROWS, {})
    assert not store.is_finished(folder)
    assert list(folder.parent.iterdir()) == []
    # a process that dies without cleaning up leaves a hidden part, which nobody reads
    part = folder.with_name(".k.0123.part")
    part.mkdir()
    (part / "run.json").write_text("{}")
    assert store.load_runs(tmp_path) == []


def test_a_run_is_never_rewritten(tmp_path):
    folder = store.save_run(folder_in(tmp_path), ROWS, {"seed": 1})
    with pytest.raises(FileExistsError, match="holds a run"):
        store.save_run(folder, ROWS.iloc[:1], {"seed": 2})
    assert json.loads((folder / "run.json").read_text())["seed"] == 1


def test_what_is_invalidated_does_not_count_and_is_kept_with_the_reason(tmp_path, capsys):
    first = store.save_run(folder_in(tmp_path), ROWS, {"seed": 1})
    kept = store.invalidate(first, "Its data were wrong.")
    assert kept == (tmp_path / "invalidated/data/zoo/split/router/k").resolve()
    assert store.load_runs(tmp_path) == []
    assert not first.exists()
    said = json.loads((kept / "invalidated.json").read_text())
    assert said["reason"] == "Its data were wrong."
    assert said["when"].endswith("+00:00")
    assert json.loads((kept / "run.json").read_text())["seed"] == 1
    second = store.save_run(folder_in(tmp_path), ROWS, {"seed": 2})
    invalidate.main([str(second), "Again."])
    assert capsys.readouterr().out.strip() == f"{kept}-1"
    with pytest.raises(SystemExit, match="must be the folder of a stored run, and is none"):
        invalidate.main([str(second), "Again."])
    with pytest.raises(SystemExit, match="REASON must say why"):
        invalidate.main([str(second), " "])


def settings(**changes):
    config = {
        "router": {"_target_": "routers.neighbors.KNNRouter", "k": 5, "cache_folder": "/a"},
        "pool": {"seed": 0, "size": None},
        "split": {"_target_": "benchmarks.splits.holdout", "_partial_": True, "test_share": 0.3},
        "recogniser": {"_target_": "routers.recognition.RecognisedDatasetRouter", "prior": 1.0},
        "seed": 0,
    }
    return config | changes


def run_id(data="data", pool="", **changes):
    return store.RunId(identity(settings(**changes)), data, pool)


def test_the_key_follows_what_determines_a_result():
    others = [
        run_id("other"),
        run_id(pool="pool"),
        run_id(seed=1),
        run_id(pool={"seed": 1, "size": None}),
        run_id(split={"_target_": "benchmarks.splits.kfold", "test_share": 0.3}),
        run_id(recogniser={"_target_": "x.RecognisedDatasetRouter", "prior": 2.0}),
        run_id(router={"_target_": "routers.neighbors.KNNRouter", "k": 6}),
        run_id(router={"_target_": "routers.neighbors.OtherRouter", "k": 5}),
    ]
    assert len({run.key for run in [run_id(), *others]}) == len(others) + 1


def test_the_key_does_not_follow_where_something_stands():
    moved = {"k": 5, "_target_": "elsewhere.KNNRouter", "cache_folder": "/b"}
    assert run_id(router=moved).key == run_id().key
    assert run_id(results="elsewhere").key == run_id().key


def test_the_key_does_not_follow_how_many_threads_there_were():
    def trees(n_jobs):
        part = {"_target_": "xgboost.XGBRegressor", "n_jobs": n_jobs, "max_depth": 4}
        return {"_target_": "routers.classifiers.ClassifierRouter", "estimator": part}

    assert run_id(router=trees(1)).key == run_id(router=trees(2)).key


def test_runs_of_k_means_from_before_it_said_its_starts_had_ten():
    def clusters(**more):
        return run_id(router={"_target_": "routers.clusters.KMeansRouter", "n_clusters": 3} | more)

    assert clusters().key == clusters(n_starts=10).key != clusters(n_starts=1).key


def test_the_key_stays_what_it_was():
    """Else stored runs would be looked for in vain where they stand."""
    assert run_id().key == "ab25fa808c26"


def test_renamed_and_added_parameters_are_read_as_today_s(monkeypatch):
    monkeypatch.setattr(names, "CLASSES", {"KNNRouter": "Neighbors"})
    monkeypatch.setattr(names, "PARAMETERS", {"Neighbors": {"k": "n_neighbors"}})
    monkeypatch.setattr(names, "ADDED", {"Neighbors": {"weights": "alike"}})
    today = {"_target_": "routers.near.Neighbors", "n_neighbors": 5, "weights": "alike"}
    assert identity(settings(router=today)) == identity(settings())
    nested = {"_target_": "a.Calibrated", "router": settings()["router"], "parts": [today]}
    found = names.canonical(nested)
    assert found["router"] == found["parts"][0] == names.canonical(today)
    assert identity(settings(router=today | {"weights": "distance"})) != identity(settings())


def test_a_run_is_found_by_its_key_or_by_what_it_says(tmp_path):
    place, run = folder_in(tmp_path).parent, run_id(pool="p")
    assert store.find_run(place, run) is None
    about = {"config": settings(), "data_hash": "data"}
    store.save_run(place / "old", ROWS, about | {"data_hash": "other"})
    store.save_run(place / "pool", ROWS, about | {"pool_hash": "q"})
    store.save_run(place / "seed", ROWS, about | {"config": settings(seed=1)})
    assert store.find_run(place, run) is None
    store.save_run(place / "without", ROWS, about)  # as runs were stored once
    assert store.find_run(place, run) == place / "without"
    store.save_run(place / run.key, ROWS, about | {"pool_hash": "p"})
    assert store.find_run(place, run) == place / run.key


class TestHistoric:
    """Runs that earlier versions stored."""

    JOB = ("--data", "synthetic", "data.n_questions=40", "split=holdout", "seed=0")
    FLOOR = "encoder@recogniser.encoder=tfidf"
    KNN = ("router=knn", "encoder@router.encoder=tfidf", "router.k=3")

    @pytest.fixture
    def results(self, tmp_path):
        return shutil.copytree(ROOT / "tests" / "historic", tmp_path / "results")

    def test_they_are_not_done_again(self, results, capsys):
        for router in (["router=best_single"], self.KNN):
            assert run.main([*self.JOB, self.FLOOR, *router, "--results", str(results)]) == 0
        assert capsys.readouterr().err.count("is stored already") == 2
        assert len(list(results.rglob("run.json"))) == 2

    def test_they_are_compared_with_new_ones(self, results, capsys):
        new = ["router=cheapest", "--results", str(results)]
        assert run.main([*self.JOB, self.FLOOR, *new]) == 0
        board = leaderboard(store.load_runs(results))
        assert len(board.groupby(list(COMPARISON))) == 1
        scores = board.set_index("router")["macro_score"]
        assert scores["knn encoder=tfidf k=3"] == pytest.approx(2 / 3)
        assert scores["best_single"] == pytest.approx(7 / 12)
        assert scores["cheapest"] == pytest.approx(board["cheapest"][0])


def test_what_is_stored_is_kept_what_is_not_is_measured(tmp_path):
    place = tmp_path / "runs" / "d" / "z" / "s" / "r"
    run = store.RunId({"seed": 0}, "data", "")
    measured = []

    def measure():
        measured.append(len(measured))
        return ROWS, {
            "key": run.key,
            "identity": run.settings,
            "data_hash": "data",
            "n": measured[-1],
        }

    folder, is_new = store.keep(place, run, measure)
    assert (folder, is_new, measured) == (place / run.key, True, [0])
    assert store.keep(place, run, measure) == (folder, False)
    assert measured == [0]
    assert store.keep(place, run, measure, again=True) == (folder, True)
    assert store.load_run(folder).about["n"] == 1
    assert (
        store.load_run(tmp_path / "invalidated" / folder.relative_to(tmp_path / "runs")).about["n"]
        == 0
    )
