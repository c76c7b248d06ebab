"""What routing by Model-SAT costs: with more llms, and beside the order of the paper."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from routers.table import RoutingTable

if TYPE_CHECKING:
    from routers.model_sat.router import ModelSATRouter

_LLMS = (8, 64, 1000)
_FRESH, _KEPT = 9, 16  # questions, of about 75 tokens
_VIEWS = 2  # orders of tasks that the paper averages over


def case_model_sat() -> dict[str, float]:
    """Score questions of about 75 tokens for 8, 64 and 1,000 llms with SmolLM2-135M.

    CPU time per question, all in one process. *Whole*: the question was never read; the ratios
    are of this. *Kept*: its reading is kept, which is what every further zoo, seed or fold costs;
    it grows with the llms, each of which is a token on its way through the upper layers. *Paper's
    order*: the profile first, in two orders of tasks, by ``model_sat_paper`` with the same LM.
    """
    router = _fitted()
    whole, kept = {}, {}
    few = [_question(number) for number in range(_KEPT)]
    router.precompute(few)
    for n_llms in _LLMS:
        score = _scoring(router, n_llms)
        fresh = [_question(1000 * n_llms + number) for number in range(_FRESH)]
        score(few[:1])  # to warm up
        whole[n_llms] = _seconds(score, [[question] for question in fresh])
        kept[n_llms] = _seconds(score, [few] * 5)
    paper = {n_llms: _paper_seconds(n_llms, repeats) for n_llms, repeats in ((8, 3), (64, 1))}
    _tell(whole, kept, paper)
    return {
        "cost_of_64_llms_in_8": whole[64] / whole[8],
        "cost_of_1000_llms_in_8": whole[1000] / whole[8],
        "papers_order_8_llms": paper[8] / whole[8],
        "papers_order_64_llms": paper[64] / whole[64],
        "mb_of_1000_readings": 1000 * _megabytes(router, few[0]),
    }


def _tell(*found: dict[int, float]) -> None:
    for name, seconds in zip(("whole", "kept", "paper's order"), found, strict=True):
        costs = ", ".join(f"{n_llms:,} llms {1e3 * s:,.1f} ms" for n_llms, s in seconds.items())
        sys.stderr.write(f"{name:14} {costs} of CPU time per question\n")


def _question(number: int) -> str:
    return f"{number}. " + "Which of these is a law of motion, and who found it? " * 6


def _fitted() -> ModelSATRouter:
    """Return the configured router after one step of training: what it learns costs no time."""
    from hydra.utils import instantiate

    from benchmarks.composing import compose_job

    router = instantiate(compose_job("routing", ["router=model_sat"]).cfg.router, _convert_="all")
    router.set_params(teaching__n_steps=1, reader__cache_folder=None)
    n, n_llms = 24, 16
    rng = np.random.default_rng(0)
    table = RoutingTable(
        questions=[_question(number) for number in range(n)],
        scores=(rng.random((n, n_llms)) < 0.5).astype(float),
        llms=[f"llm {number:02d}" for number in range(n_llms)],
        ids=[f"{number:02d}" for number in range(n)],
        datasets=np.repeat(["one", "two"], n // 2).astype(object),
    )
    router.precompute(list(table.questions))
    return router.fit(table)


def _scoring(router: ModelSATRouter, n_llms: int) -> Callable[[list[str]], object]:
    """Return what scores questions for so many llms, no two alike: those are one llm to it."""
    size = n_llms, router.capability_.shape[1]
    vectors = np.random.default_rng(1).normal(size=size).astype(np.float32)
    return lambda questions: router._logits(questions, vectors)


def _seconds(score: Callable[[list[str]], object], parts: list[list[str]]) -> float:
    """Return the median CPU time per question; that of other processes does not count."""
    times = []
    for part in parts:
        start = time.process_time()
        score(part)
        times.append((time.process_time() - start) / len(part))
    return float(np.median(times))


def _megabytes(router: ModelSATRouter, question: str) -> float:
    (reading,) = router.reader.readings().get([question])
    return (reading.states.nbytes + reading.memory.nbytes) / 1e6


def _paper_seconds(n_llms: int, repeats: int) -> float:
    import torch

    from benchmarks.carriers import model_folder
    from routers.model_sat_paper.network import NetworkConfig, ScoringNetwork

    path = str(model_folder("smollm2_135m"))
    network = ScoringNetwork(NetworkConfig(path, 50, order="profile_first"))
    size = _VIEWS * n_llms, 50
    capability = torch.from_numpy(np.random.default_rng(0).normal(size=size).astype(np.float32))

    def score(questions: list[str], vectors: torch.Tensor = capability) -> None:
        with torch.no_grad():
            network([network.prefix(questions[0])], vectors)

    score([_question(0)], capability[:2])  # to warm up
    return _seconds(score, [[_question(number)] for number in range(repeats)])
