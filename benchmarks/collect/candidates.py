"""The llms that are asked: a network in one mode each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Candidate:
    """An llm that is asked: a network and the mode it answers in.

    Parameters
    ----------
    llm : str
        Name in the outcome table.
    network : str
        Name for `benchmarks.carriers.model_folder`.
    mode : {"direct", "steps"}
    chat : bool
        Whether the network was tuned to follow a chat template.
    params_b : float
        Parameters, in billions.
    licence : str
    released : str
        Month of release, ``YYYY-MM``.
    """

    llm: str
    network: str
    mode: str
    chat: bool
    params_b: float
    licence: str
    released: str


_SMOL = ("smollm2-135m-instruct", "smollm2_135m", True, 0.135, "Apache-2.0", "2024-11")
_GEMMA = ("gemma-3-270m", "gemma3_270m", False, 0.268, "Gemma terms", "2025-08")
_QWEN_S = ("qwen2.5-coder-0.5b-instruct", "qwen25_coder_0_5b", True, 0.494, "Apache-2.0", "2024-11")
_QWEN_M = ("qwen2.5-coder-1.5b-instruct", "qwen25_coder_1_5b", True, 1.544, "Apache-2.0", "2024-09")


def _candidate(of: tuple[Any, ...], mode: str) -> Candidate:
    name, network, chat, params_b, licence, released = of
    llm = name if mode == "direct" else f"{name}/{mode}"
    return Candidate(llm, network, mode, chat, params_b, licence, released)


CANDIDATES: dict[str, Candidate] = {
    candidate.llm: candidate
    for candidate in [
        *(_candidate(of, "direct") for of in (_SMOL, _GEMMA, _QWEN_S, _QWEN_M)),
        *(_candidate(of, "steps") for of in (_QWEN_S, _QWEN_M)),
    ]
}
