"""Who arrives, whom a newcomer meets, and who is no relative of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from routers.constraints import Integer, Real
from routers.table import FloatArray, RoutingTable
from routers.validation import checked

SMALL_FAMILIES = "a small family"


@checked(keep=Integer(1))
def arrival_zoos(
    names_in_order: Sequence[str], scores: Sequence[float] | FloatArray, keep: int = 5
) -> list[tuple[str, ...]]:
    """Return the zoo at each arrival: the ``keep`` best of those before, and the newcomer.

    Parameters
    ----------
    names_in_order : sequence of str, length m
        Llms in order of arrival, each once.
    scores : sequence of float, length m
        What "best so far" goes by, higher is better, one known score per llm. To keep a router's
        test questions closed, take it from other questions.
    keep : int, default=5
        At least 1.

    Returns
    -------
    list of m tuples of str
        Best first (the earlier of equals), the newcomer last; ``keep + 1`` names, fewer while
        fewer have arrived.

    Raises
    ------
    ValueError
        If a name stands twice, a score is missing, or ``keep`` is below 1.

    References
    ----------
    Zhang, Zhan and Ye, "Capability Instruction Tuning: A New Paradigm for Dynamic LLM Routing",
    AAAI 2025, figure 5.
    """
    names, values = list(names_in_order), np.asarray(scores, dtype=np.float64)
    if len(set(names)) < len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise ValueError(f"'names_in_order' must name each llm once, got {twice} more than once.")
    if values.shape != (len(names),) or np.isnan(values).any():
        raise ValueError(
            f"'scores' must hold one known score for each of {len(names)} llms, got shape "
            f"{values.shape} with {int(np.isnan(values).sum())} NaN. Leave unscored llms out."
        )
    zoos = []
    for i, newcomer in enumerate(names):
        best = np.argsort(-values[:i], kind="stable")[:keep]
        zoos.append((*(names[j] for j in best), newcomer))
    return zoos


@dataclass(frozen=True)
class ArrivalSetting:
    """What an arrival experiment is run on.

    Attributes
    ----------
    table : RoutingTable
        Outcomes of the arriving llms.
    pool : RoutingTable
        Outcomes of llms that never arrive, on the same questions in the same order.
    order : list of str
        The arriving llms, the first first.
    families : dict of str to str
        Family of every llm; ``""``, or no entry, where it is not known.
    keep : int
        Size of the zoo a newcomer meets.
    """

    table: RoutingTable
    pool: RoutingTable
    order: list[str]
    families: dict[str, str]
    keep: int = 5

    def family(self, llm: str) -> str:
        """Return the family of an llm, ``""`` where it is not known."""
        return self.families.get(llm, "")


@checked(share=Real(0, 1))
def join_small_families(
    families: Mapping[str, str], pool: Iterable[str], share: float
) -> dict[str, str]:
    """Let small families be one: a network is trained for each, and few of them cost less.

    Newcomers of a small family then meet what was trained without any small family, which is more
    than they need.

    Parameters
    ----------
    families : dict of str to str
        Family of every llm; ``""`` where it is not known.
    pool : iterable of str
        Llms that are learned from.
    share : float
        Families that hold less than this share of the pool's llms of known family are small.

    Returns
    -------
    dict of str to str
    """
    sizes = Counter(families[llm] for llm in pool if families.get(llm))
    fewest = share * sizes.total()
    return {
        llm: SMALL_FAMILIES if family and sizes[family] < fewest else family
        for llm, family in families.items()
    }


class NoStrangersError(ValueError):
    """Nothing can be learned for a newcomer that has surely seen no relative of it."""


def strangers(setting: ArrivalSetting, newcomer: str) -> RoutingTable:
    """Return the pool without the newcomer's family, and without llms of unknown family.

    What is learned from it has seen neither the newcomer nor a relative: "unseen" is true.

    Raises
    ------
    NoStrangersError
        If the newcomer's family is not known, or no llm of the pool is known to be of another.
    """
    family = setting.family(newcomer)
    if not family:
        raise NoStrangersError(
            f"The family of {newcomer!r} must be known to leave its relatives out of the pool, got "
            "none. Name it in llms.parquet or in 'families' of the zoo."
        )
    others = [llm for llm in setting.pool.llms if setting.family(llm) not in ("", family)]
    if not others:
        raise NoStrangersError(
            f"No llm of the pool is known to be of another family than {newcomer!r} ({family!r}). "
            "Give a pool of several families."
        )
    return setting.pool.select(others)
