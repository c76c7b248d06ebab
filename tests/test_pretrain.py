"""The command that trains Model-SAT once: whom it learns from, and what it leaves behind."""

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("torch")
from relatives import pool_of

from benchmarks import pretrain
from benchmarks.composing import UsageError, compose_job
from benchmarks.sources import synthetic
from routers.model_sat.pretrained import read_card


@pytest.fixture
def outcomes(tmp_path):
    """A folder with outcomes of four llms, and of six relatives of each."""
    table = synthetic.load(60, seed=1).table
    everyone = table.beside(pool_of(table))
    folder = tmp_path / "outcomes"
    folder.mkdir()
    pd.DataFrame(
        {"question_id": table.ids, "question": table.questions, "dataset": table.datasets}
    ).to_parquet(folder / "questions.parquet")
    pd.DataFrame(
        {
            "question_id": np.repeat(everyone.ids, everyone.n_llms),
            "llm": np.tile(everyone.llms, len(everyone)),
            "score": everyone.scores.ravel(),
        }
    ).to_parquet(folder / "outcomes.parquet")
    return folder


@pytest.fixture
def settings(outcomes, tmp_path, tiny_lm):
    return [
        f"--data={outcomes}",
        f"folder={tmp_path / 'network'}",
        f"router.reader.lm_path={tiny_lm}",
        "router.reader.depth=0.5",
        "router.reader.cache_folder=null",
        "router.teaching.n_steps=3",
    ]


ZOO = "zoo.llms=[ship expert,bread expert]"


def learned(settings, *more):
    overrides = [item for item in settings if not item.startswith("--data")]
    job = compose_job(
        "pretrain", [*overrides, "data=folder", *more], {"data.path": settings[0][7:]}
    )
    return pretrain.learned_from(job)


def test_it_learns_from_the_llms_outside_the_zoo(settings):
    everyone = learned(settings)
    assert (len(everyone), everyone.n_llms) == (60, 28)


def test_it_learns_from_the_training_questions_alone_where_asked(settings):
    part = learned(settings, "questions=train", "split.test_share=0.4")
    assert len(part) == 36
    with pytest.raises(UsageError, match="questions must be one of all, train, got 'some'"):
        learned(settings, "questions=some")


def test_the_command_leaves_a_network_that_a_zoo_can_use(settings, tmp_path, capsys):
    assert pretrain.main([*settings, "zoo=small8", ZOO]) == 0
    assert "26 llms and 60 questions of outcomes" in capsys.readouterr().out
    card = read_card(tmp_path / "network")
    assert card.n_steps == 3
    assert "ship expert" not in card.llms
    assert pretrain.main(settings) == 1  # there is one already


def test_a_folder_must_be_named(settings, capsys):
    others = [item for item in settings if not item.startswith("folder=")]
    assert pretrain.main([*others, "folder="]) == 2
    assert "FOLDER must name the folder to keep the network in" in capsys.readouterr().err


def test_other_routers_are_refused(settings, capsys):
    assert pretrain.main([*settings[:2], "router=knn"]) == 2
    assert "router must be a Model-SAT, got KNNRouter" in capsys.readouterr().err
