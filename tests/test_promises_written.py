"""The table and the figure of what promises were worth, written from stored runs."""

import numpy as np
import pandas as pd
import pytest
from test_promises import NAN, ROWS

from benchmarks import budget, budget_plots
from benchmarks.store import save_run

ABOUT = {
    **{"data": "made", "zoo": "two", "split": "given", "data_hash": "0"},
    **{"cost_unit": "USD", "router": "r", "label": "r", "seed": 0},
}


@pytest.fixture
def results(tmp_path, monkeypatch):
    """Promise halfway, of prices alone: no solver is needed to see what is written."""
    monkeypatch.setattr(budget, "SHARES", (0.5,))
    monkeypatch.setattr(budget, "_SOLVERS", {"price": budget._price})
    return tmp_path


@pytest.fixture
def drawn(monkeypatch):
    """Return what is drawn, a tuple each."""
    found = []
    monkeypatch.setattr(budget_plots, "draw", lambda *given: found.append(given))
    return found


def store(results, rows, **about):
    """Store a run; all its floors chose the first llm on each of two questions."""
    chosen = ("choice", "choice/best_single", "choice/recognised_dataset", "choice/dataset_best")
    rows = rows.assign(question_id=["p", "q"], **dict.fromkeys(chosen, 0))
    about = ABOUT | about
    place = (about[name] for name in ("data", "zoo", "split", "router"))
    folder = results.joinpath("runs", *place, "0")
    folder.parent.mkdir(parents=True)
    save_run(folder, rows, about)


def test_one_folder_a_comparison_whose_costs_are_known(results, drawn):
    store(results, ROWS)
    store(results, ROWS, router="s", label="s")
    store(results, ROWS.assign(**{"cost/big": NAN, "cost/small": NAN}), zoo="unpriced")
    store(results, ROWS, split="holdout", cost_unit="seconds")
    files = budget.draw_all(results)
    assert [str(file.relative_to(results / "figures")) for file in files] == [
        "made-two-given/budget.csv",
        "made-two-given/budget.png",
        "made-two-given/budget.pdf",
        "made-two-holdout/budget.csv",
        "made-two-holdout/budget.png",
        "made-two-holdout/budget.pdf",
    ]
    by_name = {name: (found, unit, stem) for found, unit, name, stem in drawn}
    assert set(by_name) == {"made-two-given", "made-two-holdout"}
    found, unit, stem = by_name["made-two-given"]
    assert (set(found["router"]), unit) == ({"r", "s"}, "USD")
    assert stem == results / "figures" / "made-two-given" / "budget"
    assert by_name["made-two-holdout"][1] == "seconds"


def test_figures_have_six_digits_and_names(results, drawn):
    store(results, ROWS.assign(**{"score/big": [1 / 3, 0.7]}))
    for _ in range(2):  # again, over what was written
        table, *_ = budget.draw_all(results)
    assert table.read_text().startswith("router,kind,capacity,solver,share,n_questions,")
    found = pd.read_csv(table)
    row = found[found["kind"] == "score"].iloc[0]
    assert row["score"] == pytest.approx((1 / 3 + 0.3) / 2, abs=1e-6)  # big, then small
    assert "0.316667," in table.read_text()
    assert np.isinf(row["capacity"])
    assert row["n_batches"] == 1


def test_the_command_says_what_was_written(results, drawn, capsys):
    store(results, ROWS)
    budget.main(["--results", str(results)])
    folder = results / "figures" / "made-two-given"
    files = [folder / f"budget.{kind}" for kind in ("csv", "png", "pdf")]
    assert capsys.readouterr().out == "".join(f"{file}\n" for file in files)


def test_an_empty_store_says_where_it_looked(results):
    with pytest.raises(SystemExit, match=f"no run is stored in {results}/runs"):
        budget.main(["--results", str(results)])
