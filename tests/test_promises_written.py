"""The tables and figures of what promises were worth, written from stored runs."""

import numpy as np
import pandas as pd
import pytest
from test_promises import NAN, ROWS

from benchmarks import budget, publish, run_experiment
from benchmarks.experiments import budget as experiment
from benchmarks.store import invalidate, load_runs, save_run

ABOUT = {
    **{"data": "made", "zoo": "two", "split": "given", "data_hash": "0"},
    **{"cost_unit": "USD", "router": "r", "label": "r", "seed": 0},
}


@pytest.fixture
def results(tmp_path, monkeypatch):
    """Promise on prices alone: no solver is needed to see what is written."""
    monkeypatch.setattr(budget, "_SOLVERS", {"price": budget._price})
    return tmp_path


@pytest.fixture
def drawn(monkeypatch):
    """Return what is drawn, a frame each."""
    found = []
    monkeypatch.setattr(experiment, "draw", lambda axes, frame: found.append(frame))
    return found


def store(results, rows, **about):
    """Store a run; all its floors chose the first llm on each of two questions."""
    chosen = ("choice", "choice/best_single", "choice/recognised_dataset", "choice/dataset_best")
    rows = rows.assign(**{name: 0 for name in chosen if name not in rows})
    about = ABOUT | about
    place = (about[name] for name in ("data", "zoo", "split", "router"))
    folder = results.joinpath("runs", *place, str(about["seed"]))
    folder.parent.mkdir(parents=True, exist_ok=True)
    return save_run(folder, rows, about)


def ran(results, *typed):
    assert run_experiment.main(["budget", "--results", str(results), "shares=[0.5]", *typed]) == 0


def table_of(results, name="made-two-given"):
    return pd.read_csv(results / "figures" / name / "budget.csv")


def stored_parts(results):
    return {file.parent.name for file in results.glob("figures/*/parts/*/run.json")}


def test_one_folder_a_comparison_whose_costs_are_known(results, drawn, capsys):
    store(results, ROWS)
    store(results, ROWS, router="s", label="s")
    store(results, ROWS.assign(**{"cost/big": NAN, "cost/small": NAN}), zoo="unpriced")
    store(results, ROWS, split="holdout", cost_unit="seconds")
    ran(results)
    files = {str(file.relative_to(results)) for file in results.glob("figures/*/budget.*")}
    kinds = ("csv", "json", "md", "pdf", "png")
    assert files == {
        f"figures/made-two-{split}/budget.{kind}"
        for split in ("given", "holdout")
        for kind in kinds
    }
    said = capsys.readouterr()
    assert "made-unpriced-given: nothing can be promised, for no llm's cost is known." in said.err
    assert "budget: nothing could be measured, and nothing is written to" in said.err
    assert said.out.count("made, zoo two: 2 questions, 2 llms.") == 2
    by_name = {frame.attrs["comparison"]: frame for frame in drawn}
    assert set(by_name) == {"made-two-given", "made-two-holdout"}
    assert set(by_name["made-two-given"]["router"]) == {"r", "s"}
    assert by_name["made-two-given"].attrs["cost_unit"] == "USD"
    assert by_name["made-two-holdout"].attrs["cost_unit"] == "seconds"


def test_tables_have_six_digits_and_the_order_of_the_routers(results, drawn):
    store(results, ROWS, router="s", label="s")
    store(results, ROWS.assign(**{"score/big": [1 / 3, 0.7]}))
    ran(results)
    text = (results / "figures/made-two-given/budget.csv").read_text()
    assert text.startswith("router,kind,capacity,solver,share,n_questions,n_left_out,promise,")
    assert "0.316667," in text  # big, then small
    found = table_of(results)
    assert list(found["router"].unique()) == ["r", "s"]
    assert np.isinf(found["capacity"]).all()
    assert (found["n_batches"] == 1).all()


def test_nothing_is_allotted_twice(results, drawn, monkeypatch):
    first = store(results, ROWS)
    ran(results)
    before = stored_parts(results)
    text = (results / "figures/made-two-given/budget.csv").read_text()
    solved = []
    monkeypatch.setattr(
        experiment, "allot", lambda *given: solved.append(1) or budget.allot(*given)
    )
    ran(results)
    assert (solved, stored_parts(results)) == ([], before)
    assert (results / "figures/made-two-given/budget.csv").read_text() == text
    # another router is another part; a run that was done again is another one too
    store(results, ROWS, router="s", label="s")
    ran(results)
    assert len(solved) == 1
    invalidate(first, "Wrong.")
    store(results, ROWS.assign(**{"score/big": [0.1, 0.1]}))
    ran(results)
    assert len(solved) == 2
    assert len(stored_parts(results)) == 3
    assert table_of(results)["score"].iloc[0] == pytest.approx((0.1 + 0.3) / 2)
    ran(results, "room=2")
    assert len(solved) == 4


def test_a_test_without_a_choice_of_some_router_is_left_out_for_all(results, drawn):
    store(results, ROWS)
    store(results, ROWS, seed=1)
    ran(results)
    assert (table_of(results)["n_questions"] == 4).all()
    store(results, ROWS.assign(choice=[0, -1]), router="s", label="s")
    ran(results)
    found = table_of(results).set_index("router")["n_questions"]
    assert (found["r"] == 3).all()  # the other seed asks both
    assert (found["s"] == 1).all()
    (kept,) = {run.folder.name for run in load_runs(results) if run.about["router"] == "s"}
    assert kept == "0"


def test_it_is_published_from_what_is_stored(results, drawn, monkeypatch):
    store(results, ROWS)
    ran(results)
    monkeypatch.setattr(experiment, "measure", None)
    (results / "README.md").write_text("Nothing is quoted.\n")
    publish.publish_experiment(
        "promises", "budget", results / "figures/made-two-given", root=results
    )
    published = results / "results/published"
    assert (published / "promises.csv").read_text() == (
        results / "figures/made-two-given/budget.csv"
    ).read_text()
    assert {"promises.md", "promises.png"} <= {file.name for file in published.iterdir()}


def test_the_table_by_hand(results, drawn, monkeypatch, capsys):
    """Halfway from the cheapest (.5 for 1) to the best (.75 for 4); see ``test_promises``."""
    monkeypatch.setattr(budget, "_SOLVERS", {"lp": budget._programme})
    store(results, ROWS)
    ran(results)
    assert "| r | 50% | 0.625 | 0.550 [–] | 2.5 | 4 [–] |" in capsys.readouterr().out  # noqa: RUF001
