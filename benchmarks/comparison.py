"""Which stored runs are compared: those on the same outcomes, zoo and split."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from benchmarks.store import Run

COMPARISON = ("data", "zoo", "split", "data_hash")
Place = tuple[str, ...]


def place_of(run: Run) -> Place:
    """Return the comparison that a run belongs to, the values of ``COMPARISON``."""
    return tuple(str(run.about[name]) for name in COMPARISON)


def group_runs(runs: Iterable[Run]) -> list[list[Run]]:
    """Gather the runs that differ in their seed only: one leaderboard row each.

    Where a run was stored again under changed defaults, the latest of each seed counts.
    """

    def identity(run: Run) -> Place:
        return *place_of(run), str(run.about["label"])

    groups = []
    for _, members in groupby(sorted(runs, key=identity), key=identity):
        latest = {}
        for run in sorted(members, key=lambda run: run.about["finished"]):
            latest[run.about["seed"]] = run
        groups.append([latest[seed] for seed in sorted(latest)])
    return groups


def runs_of(runs: list[Run], show: str | None) -> list[Run]:
    """Return the runs of ``DATA/ZOO/SPLIT``, or all of them."""
    return [run for run in runs if show in (None, shown_as(place_of(run)))]


def shown_as(place: Place) -> str:
    """Return ``DATA/ZOO/SPLIT``, the name under which a comparison is asked for."""
    return "/".join(place[:3])
