"""Prefixes of questions, kept in memory: what a frozen LM reads is computed once."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from functools import lru_cache

import torch

from routers.model_sat_paper.arrangements import Prefix
from routers.model_sat_paper.network import ScoringNetwork


@lru_cache(maxsize=1)
def _kept_prefixes(key: Hashable) -> dict[str, Prefix]:
    """Return the prefixes kept for one LM and prompt, by question: empty at first.

    A prefix depends on neither the llms nor the connector, so that the folds and seeds of a sweep
    compute it once between them.
    """
    return {}


class PrefixStore:
    """Prefixes of questions, each computed when first needed and kept while memory lasts.

    Kept in 16 bits: on a machine whose LM runs in 32 bits this halves the memory and moves the
    logits by less than the noise of training.

    Parameters
    ----------
    network : ScoringNetwork
    questions : sequence of str
    budget : float
        Bytes.
    """

    def __init__(self, network: ScoringNetwork, questions: Sequence[str], budget: float):
        self.network, self.questions = network, questions
        self._kept = _kept_prefixes(network.prefix_key)
        self.left = budget - sum(prefix.n_bytes for prefix in self._kept.values())

    def get(self, rows: Sequence[int]) -> list[Prefix]:
        """Return the prefixes of some questions; those of an adapted LM are never kept."""
        wanted = [self.questions[row] for row in rows]
        if self.network.adapted:
            return [self.network.prefix(question) for question in wanted]
        return [self._kept.get(question) or self._compute(question) for question in wanted]

    def _compute(self, question: str) -> Prefix:
        prefix = self.network.prefix(question)
        if prefix.states.dtype == torch.float32:
            prefix = Prefix(prefix.length, prefix.states.half())
        if prefix.n_bytes <= self.left:
            self.left -= prefix.n_bytes
            self._kept[question] = prefix
        return prefix
