"""The search for parameters: on folds of the training questions alone, resumable, judged apart."""

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest
from omegaconf import OmegaConf

from benchmarks import tune
from benchmarks.composing import UsageError, compose_job, options
from benchmarks.experiment import work_of
from benchmarks.experiments import tuning
from benchmarks.progress import Progress
from benchmarks.tune import drawn, judging, space_of

QUICK = ["data=synthetic", "data.n_questions=60", "encoder@router.encoder=tfidf", "n_folds=2"]


def job_of(*more, router="knn"):
    return compose_job("tuning", [f"router={router}", *QUICK, *more])


def work(*more, params=None, **choice):
    job = tuning.with_params(job_of(*more, **choice), params or {})
    return work_of(job, {"params": params or {}}, Progress())


class Drawing:
    """Notes what it is asked to suggest, and suggests the least."""

    def __init__(self):
        self.asked = []

    def suggest_int(self, name, low, high, log):
        self.asked.append((name, "int", low, high, log))
        return low

    def suggest_float(self, name, low, high, log):
        self.asked.append((name, "float", low, high, log))
        return low

    def suggest_categorical(self, name, choices):
        self.asked.append((name, choices))
        return choices[0]


def test_a_space_is_drawn_by_the_names_of_parameters():
    space = {
        "k": {"low": 1, "high": 9},
        "teaching.rate": {"low": 0.1, "high": 1, "log": True},
        "kind": ["a", "b"],
    }
    trial = Drawing()
    assert drawn(trial, space) == {"k": 1, "teaching.rate": 0.1, "kind": "a"}
    assert trial.asked == [
        ("k", "int", 1, 9, False),
        ("teaching.rate", "float", 0.1, 1, True),
        ("kind", ["a", "b"]),
    ]


@pytest.mark.parametrize("router", options("space"))
def test_every_space_is_one_of_parameters_that_hold_its_default(router):
    job = compose_job("tuning", [f"router={router}"])
    space = space_of(job)
    assert space
    for name, of in space.items():
        usual = OmegaConf.select(job.cfg.router, name)
        if isinstance(of, dict):
            assert of["low"] <= usual <= of["high"], name
            assert of["low"] > 0 or not of.get("log")
        else:
            assert usual in of, name


def test_a_router_without_a_space_needs_one():
    with pytest.raises(UsageError, match=r"no configs/space/random\.yaml.*There are: .*knn"):
        space_of(compose_job("tuning", ["router=random", "data=synthetic"]))
    named = compose_job("tuning", ["router=viable_tfidf", "space=knn", "space.k.high=7"])
    assert space_of(named)["k"]["high"] == 7


def test_a_setting_is_scored_on_the_training_questions_that_it_was_fitted_without():
    of = work(params={"k": 3})
    rows = tuning.measure(of)
    (outer,) = of.folds
    assert sorted(rows["question_id"]) == sorted(of.table.ids[outer.train])
    assert not set(rows["question_id"]) & set(of.table.ids[outer.test])
    assert (rows["k"] == 3).all()
    other = tuning.measure(work(params={"k": 20}))
    assert not np.array_equal(rows["score"], other["score"])
    by_hand = rows.groupby("dataset")["score"].mean().mean()
    assert tuning.score_of(rows) == pytest.approx(by_hand)


def test_test_questions_change_nothing(monkeypatch):
    of = work()
    rows = tuning.measure(of)
    (outer,) = of.folds
    scores = of.table.scores.copy()
    scores[outer.test] = 1 - scores[outer.test]
    turned = work()
    turned.__dict__["table"] = dataclasses.replace(of.table, scores=scores)
    turned.__dict__["folds"] = of.folds
    pd.testing.assert_frame_equal(tuning.measure(turned), rows)


def test_groups_are_kept_whichever_fold_has_them():
    of = work()
    (outer,) = of.folds
    groups = np.full(len(of.table), "", dtype=object)
    groups[outer.train[:2]] = "a passage"  # which stay in one fold
    of.__dict__["table"] = dataclasses.replace(of.table, groups=groups)
    rows = tuning.measure(of)
    assert (rows["group"] == "a passage").sum() == 2
    assert (rows["group"] == "").sum() == len(outer.train) - 2


def test_a_split_of_several_training_parts_is_refused():
    with pytest.raises(UsageError, match=r"one training part to tune on.*SPLIT=holdout"):
        tuning.measure(work("split=kfold"))


def rows_of(scores):
    """Make rows of settings, a list of scores of four questions in two datasets each."""
    parts = [
        pd.DataFrame(
            {
                "question_id": list("wxyz"),
                "dataset": ["one", "one", "one", "two"],
                "score": of,
                "oracle": 1.0,
                "zoo_mean": 0.5,
                "k": k,
                "setting": f"k={k}",
            }
        )
        for k, of in scores.items()
    ]
    return pd.concat(parts, ignore_index=True)


def test_the_summary_by_hand():
    found = tuning.summarise(rows_of({40: [1, 0, 0, 1], 2: [1, 1, 0, 1], 9: [0, 0, 0, 0]}))
    assert list(found["setting"]) == ["k=2", "k=40", "k=9"]
    assert list(found["k"]) == [2, 40, 9]
    assert list(found["is_default"]) == [False, True, False]
    np.testing.assert_allclose(found["score"], [5 / 6, 4 / 6, 0])
    np.testing.assert_allclose(found["lead"], [1 / 6, 0, -4 / 6])
    assert (found["lead_low"] <= found["lead"]).all()
    assert (found["lead_high"] >= found["lead"]).all()


def test_the_default_is_shown_wherever_it_stands(monkeypatch):
    monkeypatch.setattr(tuning, "_SHOWN", 1)
    rows = rows_of({40: [1, 0, 0, 1], 2: [1, 1, 0, 1], 9: [0, 0, 0, 0]})
    text = tuning.to_markdown(rows, {"data": "d", "zoo": "z"})
    assert "| k=2 | 0.833 |" in text
    assert "| k=40 (default) | 0.667 | +0.000" in text
    assert "k=9" not in text
    assert text.startswith("d, zoo z: 3 settings on 4 training questions")


def test_how_the_best_is_judged():
    job = job_of("zoo=all", "n_trials=9", "at_once=2", "router.prior=2", "space.k.high=9", "seed=3")
    assert judging(job, {"k": 5}) == (
        "make bench DATA=synthetic ROUTER=knn SPLIT=holdout "
        'ARGS="data.n_questions=60 encoder@router.encoder=tfidf router.prior=2 router.k=5 seed=3"'
    )


class TestSearch:
    """With Optuna itself, where it is installed."""

    @pytest.fixture(autouse=True)
    def _optuna(self):
        pytest.importorskip("optuna", reason="pip install -e '.[tune]' to test the search")

    @staticmethod
    def tuned(results, *more):
        typed = ["router=knn", *QUICK, f"results={results}", *more]
        return tune.main(typed)

    def test_it_goes_on_where_it_stood(self, tmp_path, capsys):
        assert self.tuned(tmp_path, "n_trials=3") == 0
        first = capsys.readouterr()
        assert "trial 1, k=40 prior=1: macro 0." in first.err
        assert "k=40 prior=1 (default)" in first.out
        assert "Judge it: make bench DATA=synthetic ROUTER=knn SPLIT=holdout" in first.out
        assert self.tuned(tmp_path, "n_trials=5", "at_once=2") == 0
        again = capsys.readouterr()
        assert "trial 3" not in again.err
        assert "trial 5" in again.err
        assert len(list(tmp_path.glob("parts/*/run.json"))) == 5
        assert len(pd.read_csv(tmp_path / "tuning.csv")) == 5
        assert (tmp_path / "tuning.pdf").exists()
        assert self.tuned(tmp_path, "n_trials=5") == 0
        assert "trial" not in capsys.readouterr().err

    def test_a_trial_that_was_cut_off_is_tried_again(self, tmp_path, monkeypatch, capsys):
        def killed(*_):
            raise KeyboardInterrupt

        with monkeypatch.context() as patched:
            patched.setattr(tuning, "score_of", killed)
            assert self.tuned(tmp_path, "n_trials=2") == 130
        assert self.tuned(tmp_path, "n_trials=2") == 0
        assert "k=40 prior=1: macro 0." in capsys.readouterr().err
        stored = [json.loads(f.read_text())["part"] for f in tmp_path.glob("parts/*/run.json")]
        assert {"params": {"k": 40, "prior": 1.0}} in stored
        assert len(stored) == 2

    def test_another_space_or_other_outcomes_are_another_search(self, tmp_path):
        for more in ([], ["space.k.high=9", "router.k=5"], ["data.n_questions=61"]):
            assert self.tuned(tmp_path, "n_trials=1", *more) == 0
        assert len(list(tmp_path.glob("*.journal"))) == 3

    def test_a_setting_that_fails_ends_the_search_with_its_reason(self, tmp_path, capsys):
        assert self.tuned(tmp_path, "n_trials=1", "n_folds=99") == 1
        assert "trial 1, k=40 prior=1: " in capsys.readouterr().err
