"""Shared fixtures: the configuration, the synthetic table, every router made cheap."""

import copy
import logging
import os
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

# One thread a process: on arrays this small more of them only wait for each other, the more so
# beside other workers. It must stand before numpy is loaded.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import joblib
import numpy as np
import pytest
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from omegaconf import OmegaConf

from benchmarks.composing import ROOT, register_resolvers
from benchmarks.sources import synthetic
from routers.table import RoutingTable

ROUTERS = sorted(file.stem for file in (ROOT / "configs" / "router").glob("*.yaml"))
CHEAP = {
    "routers.encoders.SentenceEncoder": {
        "_target_": "routers.encoders.TfidfEncoder",
        "dim": 32,
        "random_state": 0,
    },
}
MOST_WORKERS = 8  # each takes a GB of memory and ten seconds of imports
SMALLER = {
    "n_estimators": 20,
    "epochs": 1,
    "n_tasks": 4,
    "n_shots": 4,
    "min_samples_leaf": 1,
    "k": 5,
    "n_clusters": 5,
    "n_steps": 30,
    "max_iter": 30,
}


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Work with a worker a core; alone on one core, or if files are named: workers start slowly."""
    files_are_named = any(".py" in name for name in config.option.file_or_dir)
    cores = joblib.cpu_count()  # that this process may use
    return 0 if files_are_named or cores == 1 else min(cores, MOST_WORKERS)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol():
    """Undo what a test, or the code that it runs, did to torch's threads and to logging."""
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    result = yield
    root.setLevel(level)
    root.handlers[:] = handlers
    logging.captureWarnings(False)
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    return result


@cache
def _composed(overrides: tuple[str, ...], return_hydra_config: bool):
    register_resolvers()
    with initialize_config_dir(str(ROOT / "configs"), version_base="1.3"):
        return compose("routing", list(overrides), return_hydra_config)


def composed(*overrides: str, return_hydra_config: bool = False):
    """Compose a configuration: the first time in 0.2 s, then as a copy of what was composed."""
    return copy.deepcopy(_composed(overrides, return_hydra_config))


def _made_cheap(node: object, stand_in: Callable[[str], Path]) -> object:
    """Replace pretrained weights by small stand-ins (fixtures, by name) and shorten training."""
    if isinstance(node, list):
        return [_made_cheap(item, stand_in) for item in node]
    if not isinstance(node, dict):
        return node
    if node.get("_target_") in CHEAP:
        return CHEAP[node["_target_"]]
    changed = {name: _made_cheap(value, stand_in) for name, value in node.items()}
    changed |= {name: value for name, value in SMALLER.items() if name in node}
    if "lm_path" in node:
        changed |= {"lm_path": str(stand_in("tiny_lm")), "dtype": "float32"}
    if "trainable_layers" in node:
        changed |= {"path": str(stand_in("tiny_encoder"))}
    return changed


@pytest.fixture(scope="session")
def tiny_lm(tmp_path_factory) -> Path:
    from tiny_lm import build_tiny_lm

    return Path(build_tiny_lm(tmp_path_factory.mktemp("tiny_lm")))


@pytest.fixture(scope="session")
def tiny_phi(tmp_path_factory) -> Path:
    from tiny_phi import build_tiny_phi

    return Path(build_tiny_phi(tmp_path_factory.mktemp("tiny_phi")))


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory) -> Path:
    from tiny_encoder import build_tiny_encoder

    return Path(build_tiny_encoder(tmp_path_factory.mktemp("tiny_encoder")))


@pytest.fixture(scope="session")
def build_router(request):
    """Build a router of ``configs/router`` by name, on stand-ins for pretrained weights."""

    def build(name: str, seed: int = 0):
        config = OmegaConf.to_container(composed(f"router={name}").router, resolve=False)
        config = OmegaConf.create(
            {"seed": seed, "router": _made_cheap(config, request.getfixturevalue)}
        )
        return instantiate(config.router, _convert_="all")

    return build


@pytest.fixture(scope="session")
def fitted_router(build_router):
    """Return a router by name, fitted once on what ``table`` holds: each time a copy of its own."""

    @cache
    def fit(name: str):
        np.random.seed(7)  # noqa: NPY002 - check_same_seed_same_scores fits under another state
        return build_router(name).fit(synthetic.load(90, seed=1).table)

    return lambda name: copy.deepcopy(fit(name))


@pytest.fixture
def table() -> RoutingTable:
    """Return 90 questions on three topics; a right choice is right nine times in ten."""
    return synthetic.load(90, seed=1).table


@pytest.fixture
def tiny() -> RoutingTable:
    """4 questions, 3 llms, two datasets: small enough to work out by hand."""
    return RoutingTable(
        questions=["one fish", "two fish", "red bird", "blue bird"],
        scores=[[1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 1, 1]],
        llms=["a", "b", "c"],
        ids=["q1", "q2", "q3", "q4"],
        datasets=["fish", "fish", "bird", "bird"],
        costs=np.array([1.0, 2.0, 4.0]),
        chance=[0.5, 0.5, 0, 0],
    )
