"""How cost grows with questions, llms and routers."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.speed.made_up import random_table, store_runs
from routers.encoders import Encoder
from routers.table import RoutingTable

QUESTIONS = (1_000, 10_000, 100_000)  # with 8 llms
LLMS = (8, 64, 512, 8_500)  # on 2,000 questions
ROUTERS = (3, 10, 30)  # on one leaderboard of 2,000 questions and 8 llms
METHODS = ("knn", "kmeans_routereval", "logistic", "svm")
_ROUTED = 1_000


def case_growth() -> dict[str, float]:
    """Fit some routers and route 1,000 questions, and derive leaderboards, in CPU time.

    The figures are powers: cost at the largest size against that at the one before, 1 where it
    grows in proportion.
    """
    return {
        "power_of_questions": _of_methods("questions", QUESTIONS, lambda n: (n, 8)),
        "power_of_llms": _of_methods("llms", LLMS, lambda m: (2_000, m)),
        "power_of_routers": _power(ROUTERS, [_leaderboard(n) for n in ROUTERS]),
    }


def _of_methods(
    what: str, sizes: tuple[int, ...], shape: Callable[[int], tuple[int, int]]
) -> float:
    """Return the largest power at which the cost of a method grows, and tell all costs."""
    powers = []
    tables = {size: random_table(shape(size)[0] + _ROUTED, shape(size)[1], 384) for size in sizes}
    for name in METHODS:
        costs = []
        for size, (table, encoder) in tables.items():
            fit, route = _seconds(name, table, encoder)
            costs.append(fit + route)
            _tell(f"{name}, {size:,} {what}: fit {fit:,.2f} s, route {1e3 * route:,.0f} us each")
        powers.append(_power(sizes, costs))
    return max(powers)


def _seconds(name: str, table: RoutingTable, encoder: Encoder) -> tuple[float, float]:
    """Return the CPU time of fitting all but the last questions, and of routing these."""
    from benchmarks.speed.routing import configured

    n = len(table) - _ROUTED
    learn, questions = table.rows(slice(0, n)), list(table.questions[n:])
    router, start = configured(name, encoder), time.process_time()
    router.fit(learn)
    fit = time.process_time() - start
    router.route(questions)
    return fit, time.process_time() - start - fit


def _leaderboard(n_routers: int) -> float:
    from benchmarks.leaderboard import load_board

    with tempfile.TemporaryDirectory() as results:
        store_runs(Path(results), n_routers, 2_000, 8)
        start = time.process_time()
        load_board(Path(results))
        seconds = time.process_time() - start
    _tell(f"leaderboard, {n_routers} routers: {seconds:,.2f} s")
    return seconds


def _power(sizes: tuple[int, ...], costs: list[float]) -> float:
    return float(np.log(costs[-1] / costs[-2]) / np.log(sizes[-1] / sizes[-2]))


def _tell(line: str) -> None:
    sys.stderr.write(line + "\n")
