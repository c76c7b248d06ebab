"""Promises judged by the truth, from stored rows."""

import numpy as np
import pandas as pd
import pytest
from test_run import execute

from benchmarks import budget
from benchmarks.comparison import Comparison
from benchmarks.store import Run

_VALUES = ("predicted_score", "predicted_cost", "score", "cost")


def rows(optimism=0.0, folds=2, n=40):
    """Two llms whose scores are known exactly but for an optimism of the predictions."""
    rng = np.random.default_rng(0)
    chance = rng.random((folds * n, 2)) * 0.8
    frame = pd.DataFrame({"fold": np.repeat(np.arange(folds), n), "dataset": "made up"})
    for j, llm in enumerate(("big", "small")):
        frame[f"predicted_score/{llm}"] = chance[:, j] + optimism
        frame[f"predicted_cost/{llm}"] = [3.0, 1.0][j]
        frame[f"score/{llm}"] = chance[:, j]
        frame[f"cost/{llm}"] = [3.0, 1.0][j] * (1 + optimism)
    return frame


def comparison(*frames):
    """Return a table of one router, a frame per seed."""
    about = {"label": "r", "cost_unit": "USD"}
    by_seed = dict(enumerate(frames))
    return Comparison([[Run(None, about) for _ in frames]], [by_seed], [by_seed])


def test_exact_predictions_keep_every_promise():
    found = budget.measure([rows()])
    assert set(found["solver"]) == {"lp", "dual", "price"}
    assert found["violation"].max() < 1e-6
    assert found["gap"].between(-1e-6, 0.05).all()
    # one price serves where nothing is scarce only
    assert np.isinf(found.loc[found["solver"] == "price", "capacity"]).all()
    assert len(found) == 2 * 2 * len(budget.SHARES) * (3 + 2)


def test_optimism_is_a_broken_promise_of_that_size():
    found = budget.measure([rows(optimism=0.1)])
    scores = found[(found["kind"] == "score") & (found["solver"] != "price")]
    # what is promised above the least is kept up to one question; the optimism is not
    np.testing.assert_allclose(scores["violation"], 0.1, atol=1 / 40)
    costs = found[(found["kind"] == "cost") & (found["solver"] == "lp")]
    np.testing.assert_allclose(costs["violation"], 0.1 * costs["promise"], atol=0.06)


def test_unknown_outcomes_are_not_asked():
    frame = rows()
    frame.loc[frame.index % 2 == 0, "score/big"] = np.nan
    frame.loc[0, "cost/small"] = np.nan
    batches = list(budget.batches(frame))
    assert [len(batch.scores) for batch in batches] == [39, 40]
    assert np.isnan(batches[0].scores[:, 0]).sum() == 19
    assert np.isfinite(budget.measure([frame])["score"]).all()
    found = budget.summary(comparison(frame))
    assert (found["n_questions"] == 79).all()
    assert (found["n_left_out"] == 1).all()


@pytest.mark.parametrize(
    ("changes", "known"),
    [
        ({"predicted_score/big": 0, "predicted_score/small": 0}, {"score"}),
        ({"predicted_cost/big": 0, "predicted_cost/small": 0}, {"cost"}),
        ({"predicted_cost/big": 1.0, "predicted_cost/small": 1.0}, {"score", "cost"}),
    ],
)
@pytest.mark.filterwarnings("error")
def test_the_gap_is_unknown_where_the_bound_is_0(changes, known, tmp_path):
    frame = rows().assign(**changes)
    found = budget.measure([frame])
    measured = found[found["solver"] != "price"].groupby("kind")["gap"].count()
    assert set(measured.index[measured > 0]) == known
    assert np.isfinite(found[["score", "cost", "violation"]]).all(axis=None)

    files = budget._write(tmp_path, budget.summary(comparison(frame)), "USD")
    assert files[1].stat().st_size > 10_000


def test_a_zoo_of_one_llm_keeps_its_promises():
    found = budget.measure([rows()[["fold", "dataset", *(f"{what}/big" for what in _VALUES)]]])
    assert found["violation"].max() < 1e-6


def test_error_counts_the_batches_of_one_seed_only(monkeypatch):
    monkeypatch.setattr(budget, "SHARES", (0.5,))

    once = budget.summary(comparison(rows(folds=3)))
    twice = budget.summary(comparison(rows(folds=3), rows(folds=3)))
    assert list(twice["n_batches"].unique()) == [6]
    # the same questions again: not a more certain figure
    # (constant costs leave every batch of a budget equally far from it, with no error to compare)
    ratio = (twice["violation_error"] / once["violation_error"])[once["kind"] == "score"]
    np.testing.assert_allclose(ratio, np.sqrt(2 / 5 * 2), rtol=1e-6)


def test_files_are_derived_from_stored_runs(tmp_path, monkeypatch):
    monkeypatch.setattr(budget, "SHARES", (0.5,))
    execute(tmp_path, "best_single")
    execute(tmp_path, "knn", 0, "encoder@router.encoder=tfidf", "router.k=5")
    files = budget.draw_all(tmp_path)
    assert [file.name for file in files] == ["budget.csv", "budget.png", "budget.pdf"]
    assert files[0].parent.name == "synthetic-all-holdout"
    found = pd.read_csv(files[0])
    assert {"promise", "score", "cost", "violation", "gap", "seconds"} <= set(found)
    assert set(found["router"]) == {"best_single", "knn encoder=tfidf k=5"}
    assert files[1].stat().st_size > 10_000


def test_stored_runs_without_costs_say_that_there_is_nothing_to_draw(tmp_path, monkeypatch, capsys):
    execute(tmp_path, "best_single")
    monkeypatch.setattr(budget, "summary", lambda groups: pd.DataFrame())
    budget.main(["--results", str(tmp_path)])
    assert "no stored run has known costs" in capsys.readouterr().out


def test_runs_without_costs_are_left_out_and_an_empty_store_says_what_to_do(tmp_path):
    frame = rows()
    frame[["cost/big", "cost/small"]] = np.nan
    assert budget.measure([frame]).empty
    with pytest.raises(SystemExit, match="make bench"):
        budget.main(["--results", str(tmp_path)])
