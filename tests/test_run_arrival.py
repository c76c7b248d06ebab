"""The command of the arrival experiment, on a folder of outcomes with holes."""

import numpy as np
import pandas as pd

from benchmarks import run_experiment
from benchmarks.sources import synthetic

ZOO = {"bird-0": "2024-01", "ship-0": "2024-02", "cheap-0": "2024-03", "bird-1": "2024-04"}
SMALL = ["n_tasks=3", "n_shots=6", "n_factors=2"]


def write_outcomes(folder):
    """Four families of four llms; a tenth is missing, as are a family and a newcomer's dataset."""
    table, rng = synthetic.load(60, seed=1).table, np.random.default_rng(0)
    rows, facts = [], []
    for k, family in enumerate(["bird", "ship", "bread", "cheap"]):
        for copy in range(4):
            llm = f"{family}-{copy}"
            facts.append((llm, None if llm == "ship-0" else family))
            scores = np.where(rng.random(60) < 0.1, 1 - table.scores[:, k], table.scores[:, k])
            asked = rng.random(60) > 0.1
            asked &= (llm != "bird-1") | (table.datasets != "ships")
            rows += [(table.ids[i], llm, float(scores[i])) for i in np.flatnonzero(asked)]
    questions = {"question_id": table.ids, "dataset": table.datasets, "question": table.questions}
    pd.DataFrame(questions).to_parquet(folder / "questions.parquet")
    columns = ["question_id", "llm", "score"]
    pd.DataFrame(rows, columns=columns).to_parquet(folder / "outcomes.parquet")
    pd.DataFrame(facts, columns=["llm", "arch"]).to_parquet(folder / "llms.parquet")


def test_what_takes_no_cards_is_refused(tmp_path, capsys):
    write_outcomes(tmp_path)
    settings = ["zoo=all", f"zoo.llms=[{','.join(ZOO)}]", "+zoo.families={}"]
    settings += ["+zoo.released=['2024-01','2024-02','2024-03','2024-04']"]
    typed = ["--data", str(tmp_path), "--results", str(tmp_path / "out"), *settings]
    assert run_experiment.main(["arrival", *typed, "router@examined=knn"]) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("ROUTER must take profile cards, as model_sat")
    assert last.endswith("got knn.")


def test_the_command_copes_with_missing_outcomes(tmp_path, capsys):
    write_outcomes(tmp_path)
    names, months = ",".join(ZOO), ",".join(f"'{month}'" for month in ZOO.values())
    settings = [f"zoo.llms=[{names}]", f"+zoo.released=[{months}]", "+zoo.families={}", "zoo=all"]
    settings += ["router@examined=capability_fusion"]
    settings += [f"examined.{setting}" for setting in SMALL]
    settings += [
        f"encoder@{name}.encoder=tfidf"
        for name in ("examined", "routers.knn", "routers.recognised_dataset")
    ]
    typed = ["--data", str(tmp_path), "--results", str(tmp_path / "out"), "keep=2", "seeds=[0,1]"]
    assert run_experiment.main(["arrival", *typed, *settings, "split.n_folds=2"]) == 0
    text = capsys.readouterr().out
    assert "by its card alone: capability_fusion. The other" in text
    assert "| capability_fusion | 0." in text
    assert "make arrival DATA=<folder>/" in text
    assert "ROUTER=capability_fusion ARGS=" in text
    assert "rests on 2 of 3 arrivals, 4 llms" in text
    assert "| 2 | ship-0 | 0 of 120 | the newcomer's family is not known (120) |" in text
    counts = pd.read_csv(tmp_path / "out/arrival-datasets.csv").set_index(["newcomer", "dataset"])
    assert counts.loc[("bird-1", "ships"), "n_compared"] == 0
    assert np.isnan(counts.loc[("bird-1", "ships"), "oracle"])
    assert counts.groupby("newcomer")["n_tested"].sum().tolist() == [120] * 3
    assert {path.name for path in (tmp_path / "out").glob("*.png")} == {
        "arrival.png",
        "arrival-leads.png",
    }
