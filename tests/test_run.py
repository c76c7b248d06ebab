import copy
import inspect
import itertools
from functools import cache

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT, ROUTERS, composed
from hydra.utils import instantiate
from omegaconf import OmegaConf
from routed import folder_of

from benchmarks import comparison, leaderboard, plots, publish, store
from benchmarks.commands import make_command
from benchmarks.composing import UsageError, compose_job
from benchmarks.experiments import routing

CHEAP = [
    "data=synthetic",
    "data.n_questions=60",
    "split=holdout",
    "encoder@recogniser.encoder=tfidf",
]


def execute(tmp_path, router, seed=0, *extra):
    job = copy.deepcopy(_job(f"router={router}", f"seed={seed}", *CHEAP, *extra))
    job.cfg.results = str(tmp_path)
    return folder_of(job)


@cache
def _job(*overrides):
    return compose_job("routing", overrides)


def test_a_finished_run_is_skipped_and_force_redoes_it(tmp_path):
    first = execute(tmp_path, "best_single")
    written = (first / "run.json").stat().st_mtime_ns
    assert execute(tmp_path, "best_single") == first
    assert (first / "run.json").stat().st_mtime_ns == written
    execute(tmp_path, "best_single", 0, "force=true")
    assert (first / "run.json").stat().st_mtime_ns > written
    assert execute(tmp_path, "best_single", 1) != first


def test_leaderboard_and_plots_are_derived_from_the_rows(tmp_path, capsys):
    for seed in (0, 1):
        execute(tmp_path, "best_single", seed)
        execute(tmp_path, "knn", seed, "encoder@router.encoder=tfidf", "router.k=5")
    board = leaderboard.write(tmp_path)
    stored = pd.read_csv(tmp_path / "leaderboard.csv")
    required = {
        "router",
        "data",
        "zoo",
        "split",
        "n_questions",
        "n_llms",
        "macro_score",
        "macro_low",
        "macro_high",
        "gap_closed",
        "lift_recognised",
        "oracle",
        "best_single",
        "dataset_best",
        "recognised_dataset",
        "route_qps",
        "fit_seconds",
        "group",
        "aiq_gain",
        "brier",
        "distance_to_front",
    }
    assert required <= set(stored)
    assert list(stored["router"]) == ["knn encoder=tfidf k=5", "best_single"]
    assert list(stored["n_seeds"]) == [2, 2]
    assert board["gap_closed"].iloc[1] == 0
    assert list(board["group"]) == ["a", "b"]
    per_llm = pd.read_csv(tmp_path / "calibration.csv")
    assert len(per_llm) == 2 * board["n_llms"].iloc[0]
    means = per_llm.groupby("router")["brier"].mean()
    assert np.allclose(means[stored["router"]], stored["brier"], atol=1e-5)
    field = (tmp_path / "field.md").read_text()
    assert field.count("| **knn encoder=tfidf k=5** |") == 1
    capsys.readouterr()
    leaderboard.main(["--results", str(tmp_path), "--field", "--show", "synthetic/all/holdout"])
    assert capsys.readouterr().out == field
    text = (tmp_path / "leaderboard.md").read_text()
    for name in ("oracle", "dataset-best", "recognised dataset", "best_single", "random, analytic"):
        assert name in text
    files = plots.draw_all(tmp_path)
    names = {"leaderboard", "datasets", "selection", "cost", "calibration"}
    assert {file.name for file in files} == {
        f"{n}.{kind}" for n in names for kind in ("png", "pdf")
    }
    assert all(file.stat().st_size > 5_000 for file in files)


def test_letters_stand_beside_their_routers(tmp_path):
    for router in ("best_single", "cheapest"):
        execute(tmp_path, router)
    execute(tmp_path, "knn", 0, "encoder@router.encoder=tfidf", "router.k=5")
    board = leaderboard.leaderboard(store.load_runs(tmp_path))
    assert board["router"].iloc[0] == "knn encoder=tfidf k=5"
    assert list(board["group"]) == ["a", "b", "b"]


def test_one_comparison_is_published_with_its_field_metrics(tmp_path, monkeypatch):
    execute(tmp_path, "best_single")
    execute(tmp_path, "best_single", 0, "data.n_questions=40", "data.name=other")
    (tmp_path / "README.md").write_text("no table is quoted here\n")
    asked = []
    monkeypatch.setattr(plots, "draw_all", lambda *arguments: asked.append(arguments) or [])
    publish.publish("mine", "synthetic/all/holdout", "make bench", tmp_path, tmp_path)
    folder = tmp_path / "results" / "published"
    short, long = {"mine.md", "mine.csv"}, {"mine-field.md", "mine-calibration.csv"}
    assert {file.name for file in folder.iterdir()} == short | long
    for name in ("mine.md", "mine-field.md"):
        text = (folder / name).read_text()
        assert text.count("| **best_single** |") == 1
        assert "Made by `make bench`" in text
    assert list(pd.read_csv(folder / "mine.csv")["data"]) == ["synthetic"]
    assert asked == [(tmp_path, "synthetic/all/holdout")]
    execute(tmp_path, "best_single", 0, "split.test_share=0.5")
    with pytest.raises(ValueError, match=r"must be one comparison to be published, got 2"):
        publish.publish("mine", "synthetic/all/holdout", "make bench", tmp_path, tmp_path)
    with pytest.raises(FileNotFoundError, match="no run of a/b/c"):
        leaderboard.load_board(tmp_path, "a/b/c")


def test_latest_of_two_runs_of_a_seed_counts(tmp_path):
    execute(tmp_path, "best_single")
    execute(tmp_path, "best_single", 0, "router.macro=false")
    labels = [group[0].about["label"] for group in comparison.group_runs(store.load_runs(tmp_path))]
    assert labels == ["best_single", "best_single macro=false"]


def test_empty_store_says_what_to_do(tmp_path):
    with pytest.raises(FileNotFoundError, match="make bench"):
        leaderboard.write(tmp_path)
    with pytest.raises(SystemExit, match="make bench"):
        plots.main(["--results", str(tmp_path)])


def files_of(group):
    return sorted((ROOT / "configs" / group).glob("*.yaml"))


@pytest.mark.parametrize("group", ["router", "data", "zoo", "pool", "split", "encoder", "tracking"])
def test_every_configuration_composes(group):
    for file in files_of(group):
        override = f"{'encoder@router.encoder' if group == 'encoder' else group}={file.stem}"
        overrides = [override] if group == "router" else ["router=knn", override]
        assert composed(*overrides).seed == 0


@pytest.mark.parametrize("file", files_of("sweep"), ids=lambda file: file.stem)
def test_every_job_of_every_sweep_composes(file):
    assert f"SWEEP={file.stem}" in file.read_text().splitlines()[1]
    sweep = composed("router=knn", f"sweep={file.stem}", return_hydra_config=True)
    assert sweep.hydra.mode.name == "MULTIRUN"
    axes = {name: str(values) for name, values in sweep.hydra.sweeper.params.items()}
    del axes["seed"]  # composing does not depend on it
    if axes["router"] == "glob(*,exclude=*_paper)":
        axes["router"] = ",".join(name for name in ROUTERS if not name.endswith("_paper"))
    for values in itertools.product(*(choices.split(",") for choices in axes.values())):
        composed(*(f"{name}={value}" for name, value in zip(axes, values, strict=True)))


def test_configuration_and_constructor_agree_on_defaults():
    """Of a class with several configurations, one is its default and the others name the change."""
    strays: dict[str, list[set[str]]] = {}
    for name in ROUTERS:
        if name.endswith("_paper"):  # the settings of a paper, not ours
            continue
        given = OmegaConf.to_container(composed(f"router={name}").router, resolve=False)
        router_class = instantiate({"_target_": "hydra.utils.get_class", "path": given["_target_"]})
        defaults = inspect.signature(router_class.__init__).parameters
        strays.setdefault(given["_target_"], []).append(
            {
                f"{name}.{key}"
                for key, value in given.items()
                if key != "_target_"
                and not isinstance(value, dict)
                and "${" not in str(value)
                and defaults[key].default != value
            }
        )
    assert [found for found in strays.values() if all(found)] == []


def test_packages_are_named_for_the_build():
    import tomllib

    found = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert found["tool"]["setuptools"]["packages"]["find"]["include"] == ["routers*", "benchmarks*"]


@pytest.mark.parametrize(
    ("overrides", "command"),
    [
        (["data=small_llms", "zoo=all", "split=kfold"], "make ceiling"),
        (["data=synthetic"], "make ceiling DATA=synthetic"),
        (
            ["data=folder", "data.path=/some/where/mine", "zoo=small8", "results=elsewhere"],
            "make ceiling DATA=<folder>/mine ZOO=small8",
        ),
        (
            ["data=folder", "data.path=/mine", "split=holdout", "seed=3", "shares=[1.0]"],
            'make ceiling DATA=<folder>/mine SPLIT=holdout ARGS="seed=3 shares=[1.0]"',
        ),
    ],
)
def test_the_command_that_makes_a_table_again(overrides, command):
    assert make_command("ceiling", compose_job("ceiling", overrides)) == command


@pytest.mark.parametrize(
    ("target", "command"),
    [
        ("arrival", "make arrival ZOO=all SPLIT=kfold"),  # whose own zoo is another
        ("run EXPERIMENT=toy", "make run EXPERIMENT=toy DATA=small_llms ZOO=all SPLIT=kfold"),
        ("sweep", "make sweep"),
        ("tune", "make tune ZOO=all SPLIT=kfold"),
    ],
)
def test_only_the_defaults_of_its_own_target_are_left_unsaid(target, command):
    job = compose_job("ceiling", ["data=small_llms", "zoo=all", "split=kfold"])
    assert make_command(target, job) == command


@pytest.mark.parametrize(
    ("target", "command"), [("bench", "make bench"), ("sweep", "make sweep ROUTER=model_sat")]
)
def test_the_router_is_said_where_the_target_has_no_default_of_it(target, command):
    job = compose_job("routing", ["router=model_sat", "backend=processes", "processes.threads=2"])
    assert make_command(target, job) == command


def test_the_floor_is_a_recognizer_of_datasets():
    with pytest.raises(UsageError, match=r"must be recognised_dataset.*got BestSingle"):
        routing._recogniser('{"_target_": "routers.baselines.BestSingle"}')
