"""Which stored runs are compared: those on the same outcomes, zoo, split and settings."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from types import MappingProxyType
from typing import Any

from benchmarks.comparable import compared, counts
from benchmarks.identity import canonical, text_of
from benchmarks.store import Run
from benchmarks.stored_rows import BySeed
from routers.recognition import RecognisedDatasetRouter

COMPARISON = ("data", "zoo", "split", "settings", "settings_hash", "data_hash")
Place = tuple[str, ...]
# What decides which questions are tested and what routers are measured by. The router, its pool
# and the seed are what is compared; data and zoo are told apart by the hash of the outcomes.
_SETTINGS = ("split", "recogniser")
_FLOOR = RecognisedDatasetRouter().get_params()
_NOTHING: Mapping[str, Any] = MappingProxyType({})


def place_of(run: Run) -> Place:
    """Return the comparison that a run belongs to, the values of ``COMPARISON``."""
    names = names_of(run)
    return tuple(names[name] for name in COMPARISON)


def names_of(run: Run) -> dict[str, str]:
    """Return the names of a run's comparison, and the unit of its costs.

    ``settings`` are for a reader: the parameters of the split, and those of the floor that differ
    from its defaults. ``settings_hash`` is of all that can be set of both.
    """
    config = run.about.get("config", {})
    rules = {name: config.get(name) or {} for name in _SETTINGS}
    text = text_of({name: canonical(rule) for name, rule in rules.items()})
    shown = _shown(rules["split"], "") + _shown(rules["recogniser"], "recogniser.", _FLOOR)
    return {
        **{name: str(run.about[name]) for name in ("data", "zoo", "split")},
        "settings": " ".join(shown),
        "settings_hash": hashlib.sha256(text.encode()).hexdigest()[:8],
        "data_hash": str(run.about["data_hash"]),
        "cost_unit": str(run.about["cost_unit"]),
    }


def _shown(
    config: Mapping[str, Any], prefix: str, usual: Mapping[str, Any] = _NOTHING
) -> list[str]:
    """Return ``name=value`` of the parameters that are numbers or words and not the usual ones."""
    return [
        f"{prefix}{name}={value}"
        for name, value in sorted(config.items())
        if isinstance(value, int | float | str)
        and not name.startswith("_")
        and usual.get(name) != value
    ]


def group_runs(runs: Iterable[Run]) -> list[list[Run]]:
    """Gather the runs that differ in their seed only: one leaderboard row each.

    Where a run was stored again under changed defaults, the latest of each seed counts.
    """
    groups: dict[Place, dict[int, Run]] = {}
    for run in sorted(runs, key=lambda run: run.about["finished"]):
        row = *place_of(run), str(run.about["label"])
        groups.setdefault(row, {})[run.about["seed"]] = run
    return [[by_seed[seed] for seed in sorted(by_seed)] for _, by_seed in sorted(groups.items())]


def runs_of(runs: list[Run], show: str | None) -> list[Run]:
    """Return the runs of ``DATA/ZOO/SPLIT``, or all of them."""
    return [run for run in runs if show in (None, shown_as(place_of(run)))]


def shown_as(place: Place) -> str:
    """Return ``DATA/ZOO/SPLIT``, the name under which a comparison is asked for."""
    return "/".join(place[:3])


def folder_names(places: Iterable[Place]) -> dict[Place, str]:
    """Return a folder's name for each comparison: ``data-zoo-split``, with hashes if need be."""
    found = {}
    every = sorted(set(places))
    short = ["-".join(place[:3]) for place in every]
    for place, name in zip(every, short, strict=True):
        hashes = dict(zip(COMPARISON, place, strict=True))
        apart = f"-{hashes['settings_hash']}-{hashes['data_hash']}"
        found[place] = name + (apart if short.count(name) > 1 else "")
    return found


@dataclass(frozen=True)
class Comparison:
    """The routers of one table.

    Attributes
    ----------
    groups : list of list of Run
        The runs of each router, one per seed.
    tested : list of dict of seed to DataFrame
        The rows of each router, as they are stored.
    rows : list of dict of seed to DataFrame
        Those that all policies are compared on.
    """

    groups: list[list[Run]]
    tested: Sequence[BySeed]
    rows: Sequence[BySeed]

    @property
    def place(self) -> Place:
        """What is compared, the values of ``COMPARISON``."""
        return place_of(self.groups[0][0])

    @property
    def labels(self) -> list[str]:
        """Names of the routers."""
        return [str(group[0].about["label"]) for group in self.groups]

    @cached_property
    def counts(self) -> list[dict[str, float | str]]:
        """What the figures of each router rest on, see :func:`benchmarks.comparable.counts`."""
        return [counts(*pair) for pair in zip(self.tested, self.rows, strict=True)]

    @property
    def cost_unit(self) -> str:
        """What costs are counted in."""
        return str(self.groups[0][0].about["cost_unit"])


def comparisons(runs: Iterable[Run]) -> Iterator[Comparison]:
    """Gather stored runs into tables, one at a time: their rows are read here."""
    for _, gathered in groupby(group_runs(runs), key=lambda group: place_of(group[0])):
        groups = list(gathered)
        tested = [{run.about["seed"]: run.rows() for run in group} for group in groups]
        yield Comparison(groups, tested, compared(tested))
