"""Promises judged by the truth, from stored rows."""

import numpy as np
import pandas as pd
import pytest
from promised import SHARES, measured, named, summed
from test_run import execute

from benchmarks import budget, budget_plots, canvas, run_experiment

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


def test_exact_predictions_keep_every_promise():
    found = measured(rows())
    assert set(found["solver"]) == {"lp", "dual", "price"}
    assert found["violation"].max() < 1e-6
    assert found["gap"].between(-1e-6, 0.05).all()
    # one price serves where nothing is scarce only
    assert np.isinf(found.loc[found["solver"] == "price", "capacity"]).all()
    assert len(found) == 2 * 2 * len(SHARES) * (3 + 2)


def test_optimism_is_a_broken_promise_of_that_size():
    found = measured(rows(optimism=0.1))
    scores = found[(found["kind"] == "score") & (found["solver"] != "price")]
    # what is promised above the least is kept up to one question; the optimism is not
    np.testing.assert_allclose(scores["violation"], 0.1, atol=1 / 40)
    costs = found[(found["kind"] == "cost") & (found["solver"] == "lp")]
    np.testing.assert_allclose(costs["violation"], 0.1 * costs["promise"], atol=0.06)


def test_unknown_outcomes_are_not_asked():
    frame = rows()
    frame.loc[frame.index % 2 == 0, "score/big"] = np.nan
    frame.loc[0, "cost/small"] = np.nan
    batches = list(budget.batches(named(frame)))
    assert [len(batch.scores) for batch in batches] == [39, 40]
    assert np.isnan(batches[0].scores[:, 0]).sum() == 19
    assert np.isfinite(measured(frame)["score"]).all()
    found = summed(r=[frame])
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
    found = measured(frame)
    known_gaps = found[found["solver"] != "price"].groupby("kind")["gap"].count()
    assert set(known_gaps.index[known_gaps > 0]) == known
    assert np.isfinite(found[["score", "cost", "violation"]]).all(axis=None)

    summed_up = summed(r=[frame])
    summed_up.attrs = {"comparison": "made up", "cost_unit": "USD"}
    with canvas.sheet(tmp_path / "budget", canvas.PAGE, 3, ncols=3) as (_, axes):
        budget_plots.draw(axes[0], summed_up)
    assert (tmp_path / "budget.png").stat().st_size > 10_000


def test_a_zoo_of_one_llm_keeps_its_promises():
    found = measured(rows()[["fold", "dataset", *(f"{what}/big" for what in _VALUES)]])
    assert found["violation"].max() < 1e-6


def test_error_counts_the_batches_of_one_seed_only():
    once = summed([0.5], r=[rows(folds=3)])
    twice = summed([0.5], r=[rows(folds=3), rows(folds=3)])
    assert list(twice["n_batches"].unique()) == [6]
    # the same questions again: not a more certain figure
    # (constant costs leave every batch of a budget equally far from it, with no error to compare)
    ratio = (twice["violation_error"] / once["violation_error"])[once["kind"] == "score"]
    np.testing.assert_allclose(ratio, np.sqrt(2 / 5 * 2), rtol=1e-6)


def test_files_are_derived_from_stored_runs(tmp_path, capsys):
    execute(tmp_path, "best_single")
    execute(tmp_path, "knn", 0, "encoder@router.encoder=tfidf", "router.k=5")
    assert run_experiment.main(["budget", "--results", str(tmp_path), "shares=[0.5]"]) == 0
    folder = tmp_path / "figures" / "synthetic-all-holdout"
    text = (folder / "budget.md").read_text()
    assert capsys.readouterr().out == text
    assert "synthetic, zoo all: 18 questions, 4 llms." in text
    assert "| knn encoder=tfidf k=5 | 50% | 0." in text
    assert 'Made by `make budget ARGS="shares=[0.5]"`' in text
    found = pd.read_csv(folder / "budget.csv")
    assert {"promise", "score", "cost", "violation", "gap", "seconds"} <= set(found)
    assert set(found["router"]) == {"best_single", "knn encoder=tfidf k=5"}
    assert (folder / "budget.png").stat().st_size > 10_000


def test_runs_without_costs_are_left_out_and_an_empty_store_says_what_to_do(tmp_path, capsys):
    frame = rows()
    frame[["cost/big", "cost/small"]] = np.nan
    assert measured(frame).empty
    assert run_experiment.main(["budget", "--results", str(tmp_path)]) == 1
    assert (
        f"no run is stored in {tmp_path}/runs. Run 'make bench' first." in capsys.readouterr().err
    )
