"""Llms arrive one by one and are admitted from cards."""

from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from sklearn.base import clone

from benchmarks.arrival import follow
from benchmarks.arrival_figures import leads
from benchmarks.arrival_setting import ArrivalSetting, strangers
from benchmarks.arrival_text import to_markdown
from benchmarks.composing import ROOT, register_resolvers
from benchmarks.experiments.arrival import draw, draw_leads, families_of, summarise
from benchmarks.sources import synthetic
from benchmarks.splits import kfold
from routers.capability_fusion.router import CapabilityFusionRouter
from routers.encoders import TfidfEncoder
from routers.neighbors import KNNRouter
from routers.table import RoutingTable


@pytest.fixture
def setting():
    table = synthetic.load(90, seed=1).table
    rng = np.random.default_rng(0)
    columns, names = [], []
    for llm, scores in zip(table.llms, table.scores.T, strict=True):
        for copy in range(5):
            columns.append(np.where(rng.random(len(scores)) < 0.1, 1 - scores, scores))
            names.append(f"{llm}/{copy}")
    pool = RoutingTable(
        questions=table.questions,
        scores=np.stack(columns, axis=1),
        llms=names,
        ids=table.ids,
        datasets=table.datasets,
    )
    order = list(table.llms)
    families = {name: name.split("/")[0] for name in [*names, *order]}
    return ArrivalSetting(table, pool, order, families, keep=2)


def test_what_a_newcomer_is_judged_by_has_seen_no_relative(setting):
    newcomer = setting.order[2]
    found = strangers(setting, newcomer)
    assert len(found.llms) == 5 * (len(setting.order) - 1)
    assert not [name for name in found.llms if name.startswith(newcomer)]
    unknown = setting.families | dict.fromkeys(setting.pool.llms, "")
    alone = ArrivalSetting(setting.table, setting.pool, setting.order, unknown)
    with pytest.raises(ValueError, match="Give a pool of several families"):
        strangers(alone, newcomer)


def test_every_policy_is_judged_on_the_same_zoo(setting):
    folds = kfold(setting.table, seed=0, n_folds=2)
    by_card = CapabilityFusionRouter(TfidfEncoder(dim=16), n_tasks=6, n_shots=8, n_factors=2)
    small = clone(by_card).set_params(n_tasks=1)
    cards = {"fusion": by_card, "one task": small}
    rows = follow(setting, folds, cards, {"knn": KNNRouter(k=5)})
    n_arrivals = len(setting.order) - 1
    assert len(rows) == n_arrivals * len(setting.table)
    assert set(rows["newcomer"]) == set(setting.order[1:])
    assert not rows.isna().any().any()
    for policy in ("fusion", "one task", "knn", "best_single", "newcomer_alone", "zoo_mean"):
        assert (rows[policy] <= rows["oracle"] + 1e-6).all()
    newest = rows[rows["step"] == 3].set_index("question_id")["newcomer_alone"]
    column = list(setting.table.llms).index(setting.order[2])
    truth = dict(zip(setting.table.ids, setting.table.scores[:, column], strict=True))
    assert all(newest[name] == truth[name] for name in newest.index)


def test_leads_by_hand():
    rows = pd.DataFrame(
        {
            "step": [2, 3, 2, 3],
            "newcomer": ["b", "c", "b", "c"],
            "question_id": ["x", "x", "y", "y"],
            "dataset": ["one", "one", "two", "two"],
            "zoo": [("a", "b"), ("a", "b", "c")] * 2,
            "n_observed": [2, 3, 1, 3],
            "left_out": [""] * 4,
            "model_sat": [1.0, 1.0, 0.0, 1.0],
            "best_single": [1.0, 0.0, 0.0, 0.0],
            "recognised_dataset": [0.0, 0.0, 0.0, 0.0],
        }
    )
    table = leads(rows)
    assert table.loc["model_sat", "score"] == 0.75
    assert table.loc["model_sat", "lead"] == 0.5
    assert table.loc["best_single", "lead"] == 0
    # one question a dataset does not tell how much questions vary
    assert "| model_sat | 0.750 | +0.500 [–] |" in to_markdown(rows, 5, ["x"])  # noqa: RUF001
    more = pd.concat([rows, rows.replace({"question_id": {"x": "v", "y": "w"}})])
    assert leads(more).loc["best_single", ["lead", "low", "high"]].tolist() == [0, 0, 0]


def test_the_experiment_composes_and_knows_every_family(tmp_path):
    """Families come from the source, those that it does not know from the zoo."""
    known = pd.DataFrame({"arch": ["X", "error", None]}, index=["a", "b", "c"])
    register_resolvers()
    with initialize_config_dir(str(ROOT / "configs"), version_base="1.3"):
        cfg = compose("arrival", [f"data.path={tmp_path}"])
    assert len(cfg.zoo.llms) == len(cfg.zoo.released) == 57
    assert set(cfg.by_labels) <= set(cfg.routers)
    assert cfg.cards == {}
    found = families_of(SimpleNamespace(cfg=cfg, source=SimpleNamespace(llms=known)))
    assert (found["a"], found["b"], found["c"]) == ("X", "", "")
    assert found["google/gemma-2b"] == "GemmaForCausalLM"


@pytest.mark.parametrize("cards", ["tasks", "shots"])
def test_cards_of_other_sizes_compose(cards):
    register_resolvers()
    with initialize_config_dir(str(ROOT / "configs"), version_base="1.3"):
        cfg = compose("arrival", ["data.path=folder", f"cards={cards}"])
    own = instantiate(cfg.examined, _convert_="all").get_params(deep=False)
    changes = list(cfg.cards.values())
    assert changes[0].items() <= own.items()  # the first one is the default's size
    assert all(set(change) <= set(own) for change in changes)


def test_figures_are_drawn_for_the_policies_there_are():
    rows = pd.DataFrame(
        {
            "step": [2, 3],
            "newcomer": ["b", "c"],
            "question_id": ["x", "y"],
            "dataset": ["one", "two"],
            "5 tasks": [1.0, 0.0],
            "best_single": [0.0, 1.0],
            "oracle": [1.0, 1.0],
        }
        | {"left_out": "", "n_observed": 2, "zoo": [["a", "b"], ["a", "c"]]}
    )
    frames = summarise(rows)
    figure, (first, second) = plt.subplots(2)
    draw(first, frames[""])
    labels = [text.get_text() for text in first.get_legend().get_texts()]
    assert labels == ["5 tasks, from cards", "oracle", "current best single"]
    draw_leads(second, frames["leads"])
    assert [text.get_text() for text in second.get_yticklabels()] == ["5 tasks"]
    plt.close(figure)
