"""A source of outcomes that is made up, a router that notes its pool: named in configurations."""

from __future__ import annotations

import numpy as np
import pandas as pd
from omegaconf import DictConfig, OmegaConf

from benchmarks.sources.source import Source
from routers.baselines import BestSingle
from routers.table import RoutingTable
from routers.validation import NotApplicableError

LOADED: list[str] = []  # the kind of each table that was loaded
POOLS: list[list[str] | None] = []  # the llms of each pool that a router was given
TRACKED: list[tuple[dict, dict]] = []
NAN = float("nan")
QUESTIONS = [  # the second and the third are the same
    "alpha: who wrote the first of all novels?",
    "alpha: in which year did it snow in June?",
    "alpha: In which year did it snow in June?",
    "alpha: name a prime above ninety",
    "alpha: where do eels go when they are old?",
    "alpha: what is heavier than lead",
    "beta: translate the word for bread into Finnish",
    "beta: sum up the plot of a play that you like",
]
LLMS = ("delta", "alpha", "echo", "bravo", "charlie")


def load(kind: str = "whole", path: str | None = None) -> RoutingTable | Source | None:
    """Load eight questions and five llms, neither in order.

    ``kind`` says what is missing; of "known" something is known, of others there is a table alone,
    and "no table" is none.
    """
    if kind == "no table":
        return None
    LOADED.append(kind)
    n = 8
    scores = (np.arange(n)[:, None] + np.arange(5)) % 3 / 2
    eligible = np.ones((n, 5), dtype=bool)
    zoo = [LLMS.index("alpha"), LLMS.index("bravo")]
    if kind == "gaps":  # q0 and q5 were asked of others only; of beta, q6 and q7, nobody can answer
        scores[np.ix_([0, 5], zoo)] = NAN
        eligible[np.ix_([6, 7], zoo)] = False
    if kind == "unheard":
        scores[:, zoo] = NAN
    scores[~eligible] = NAN
    turned = np.arange(n)[::-1]
    table = RoutingTable(
        questions=QUESTIONS,
        scores=scores,
        llms=list(LLMS),
        ids=[f"q{i}" for i in range(n)],
        datasets=["alpha"] * 6 + ["beta"] * 2,
        costs=np.where(eligible, 1.0 + np.arange(5), NAN),
        eligible=eligible,
    )
    if kind == "known":
        llms = pd.DataFrame({"family": ["birds"]}, index=["echo"])
        questions = pd.DataFrame({"needs": ["image"]}, index=["q0"])
        return Source(table.rows(turned), llms, questions)
    return table.rows(turned)


class Noting(BestSingle):
    """Notes the llms of its pool; fails or does not apply if it is told to."""

    def __init__(self, fault: str = "", level: int = 0):
        super().__init__()
        self.fault = fault
        self.level = level

    def _fit_beside(self, table, pool):
        POOLS.append(None if pool is None else list(pool.llms))
        if self.fault == "not applicable":
            raise NotApplicableError("it needs what is not there")
        if self.fault:
            raise ValueError(self.fault)
        self._fit(table)


def track(about: dict, figures: dict) -> None:
    """Note what a run tells."""
    TRACKED.append((about, figures))


SETTINGS = {
    "router": {"_target_": "made_source.Noting", "level": 0},
    "recogniser": {
        "_target_": "routers.recognition.RecognisedDatasetRouter",
        "encoder": {"_target_": "made_boards.FirstWord"},
    },
    "data": {"_target_": "made_source.load", "name": "made up", "kind": "whole"},
    "zoo": {"llms": ["bravo", "alpha"]},
    "pool": {"size": None, "seed": 0},
    "split": {
        "_target_": "benchmarks.splits.holdout",
        "_partial_": True,
        "test_share": 0.5,
        "near_duplicates": None,
    },
    "tracking": {"_target_": "hydra.utils.get_method", "path": "made_source.track"},
    "seed": 0,
    "force": False,
    "results": "results",
}


def settings(**changes: object) -> DictConfig:
    """Return a configuration of which some settings, ``data__kind``, are others."""
    cfg = OmegaConf.create(SETTINGS)
    for name, value in changes.items():
        OmegaConf.update(cfg, name.replace("__", "."), value, force_add=True)
    return cfg
