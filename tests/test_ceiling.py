"""How much of outcomes a linear probe on text embeddings explains."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from hydra import compose, initialize_config_dir

from benchmarks.ceiling import explained, squared_errors
from benchmarks.composing import ROOT, register_resolvers
from benchmarks.experiments.ceiling import draw, text_of
from benchmarks.splits import kfold
from routers.encoders import TfidfEncoder
from routers.table import RoutingTable

COLOURS = {"red": [1.0, 0.0], "blue": [0.0, 1.0]}


def table_of(scores_of, n=120, noise=0.0, datasets=("one",)) -> RoutingTable:
    """Questions about a colour; which llm is right depends on it as ``scores_of`` says."""
    rng = np.random.default_rng(0)
    colours = rng.choice(["red", "blue"], size=n)
    where = rng.choice(datasets, size=n)
    scores = np.array(
        [scores_of(colour, place) for colour, place in zip(colours, where, strict=True)]
    )
    flip = rng.random(scores.shape) < noise
    return RoutingTable(
        questions=[f"{colour} thing number {i}" for i, colour in enumerate(colours)],
        scores=np.where(flip, 1 - scores, scores),
        llms=["a", "b"],
        ids=[f"q{i:03}" for i in range(n)],
        datasets=list(where),
    )


def shares(table: RoutingTable, **arguments) -> dict[str, float]:
    folds = kfold(table, seed=0, n_folds=3)
    return explained(squared_errors(table, TfidfEncoder(dim=8), folds, **arguments))


def test_contrasts_that_the_text_tells_are_found():
    found = shares(table_of(lambda colour, _: COLOURS[colour]))
    assert found["contrast_dataset"] == pytest.approx(0, abs=0.02)  # one dataset says nothing
    assert found["contrast_text"] > 0.9
    assert found["contrast_low"] > 0.85
    assert found["contrast_low"] <= found["contrast_text"] <= found["contrast_high"]


def test_what_the_dataset_tells_is_not_credited_to_the_text():
    table = table_of(
        lambda _, place: [1.0, 0.0] if place == "one" else [0.0, 1.0], datasets=("one", "two")
    )
    found = shares(table)
    assert found["contrast_dataset"] > 0.95
    assert abs(found["contrast_text"]) < 0.05


def test_difficulty_is_no_contrast():
    found = shares(table_of(lambda colour, _: [1.0, 1.0] if colour == "red" else [0.0, 0.0]))
    assert found["difficulty_text"] > 0.9
    assert np.isnan(found["contrast_text"])  # the llms are equal: nothing to explain


def test_luck_is_not_explained():
    found = shares(table_of(lambda *_: [1.0, 0.0], noise=0.5, n=300))
    assert found["contrast_text"] < 0.05
    assert found["contrast_low"] < 0.01


def test_a_share_of_the_training_questions():
    table = table_of(lambda colour, _: COLOURS[colour])
    assert shares(table, share=0.25)["n_train"] == 20
    with pytest.raises(ValueError, match=r"'share' must be a number in \(0, 1\]"):
        shares(table, share=0)
    with pytest.raises(ValueError, match="at least 2 llms"):
        shares(table.select(["a"]))


def test_table_and_figure():
    found = shares(table_of(lambda colour, _: COLOURS[colour], noise=0.1))
    rows = pd.DataFrame([{"encoder": "tfidf"} | found])
    text = text_of(rows, {"data": "Colours", "zoo": "all", "n_questions": 120, "n_llms": 2})
    assert text.startswith("Colours, zoo all: 120 questions, 2 llms. Shares of variance")
    assert "| tfidf | 80 | 120 of 120 | 2 | 240 of 240 |" in text
    figure, panels = plt.subplots(1, 2)
    draw(panels, rows)
    assert [text.get_text() for text in panels[0].get_legend().get_texts()] == ["tfidf"]
    height = panels[0].containers[0].lines[0].get_ydata()[0]
    assert height == pytest.approx(100 * found["difficulty_text"])
    plt.close(figure)


def test_it_composes():
    register_resolvers()
    with initialize_config_dir(str(ROOT / "configs"), version_base="1.3"):
        cfg = compose("ceiling", ["data=synthetic"])
    assert list(cfg.encoders) == ["tfidf", "minilm", "lm_reading"]
    assert max(cfg.shares) == 1
