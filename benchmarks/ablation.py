"""An ablation: each setting of a sweep beside the default, paired by question and seed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.comparable import compared
from benchmarks.comparison import place_of
from benchmarks.composing import compose_job, expand
from benchmarks.experiment_work import config_of
from benchmarks.identity import canonical, text_of
from benchmarks.paired import Paired
from benchmarks.scoring import equal_by_luck
from benchmarks.store import Run
from benchmarks.stored_rows import BySeed, Panel, equals_by_luck, matrix, panel

_FLOOR = "recognised_dataset"
_UNKNOWN = (np.nan, np.nan, np.nan)
_COMPARED = ("seed", "router", "sweep", "data", "data.path", "zoo", "split", "results", "force")
_TIMING = ("fit_seconds", "route_qps")
UNNAMED = "default"  # the value of a default that the sweep does not name


@dataclass(frozen=True)
class Setting:
    """One setting of a sweep, whatever the seed.

    Attributes
    ----------
    router : str
    values : dict of str to str
        What was varied, by the name of the parameter, as the sweep writes it.
    identity : str
        What tells its runs from others.
    default : str
        The identity of the default: what the router is, were nothing varied.
    """

    router: str
    values: Mapping[str, str]
    identity: str
    default: str


def settings(overrides: Sequence[str], verbatim: Mapping[str, str] | None = None) -> list[Setting]:
    """Return the settings that a sweep runs, and the default of each of its routers.

    Parameters
    ----------
    overrides : sequence of str
        Those of the sweep, ``sweep=name`` among them.
    verbatim : dict, optional
        See :func:`benchmarks.composing.compose_job`.

    Returns
    -------
    list of Setting
        By router, then by what is varied: numbers by size, words in the sweep's order, a default
        that the sweep does not name first. Empty where nothing is varied of a router or its pool:
        that is no ablation.
    """
    jobs = [dict(map(_divided, job)) for job in expand(overrides)]
    names = [
        name for name in jobs[0] if name not in _COMPARED and len({job[name] for job in jobs}) > 1
    ]
    found: dict[str, Setting] = {}
    composed = _Composed(verbatim)
    for job in jobs if names else ():
        usual = composed.identity({name: job[name] for name in job if name not in names})
        own = composed.identity(job)
        values = {_short(name): job[name] for name in names}
        found.setdefault(own, Setting(job["router"], values, own, usual))
    for setting in list(found.values()):
        unnamed = dict.fromkeys(setting.values, UNNAMED)
        default = setting.default
        found.setdefault(default, Setting(setting.router, unnamed, default, default))
    return _ordered(list(found.values()))


def _divided(override: str) -> tuple[str, str]:
    name, _, value = override.partition("=")
    return name, value


def _short(name: str) -> str:
    """Return a parameter's name without the part that all of a router's have."""
    return name.split(".", 1)[-1]


class _Composed:
    """Composes every job of a sweep once, whatever the seed."""

    def __init__(self, verbatim: Mapping[str, str] | None):
        self._verbatim = verbatim
        self._found: dict[tuple[str, ...], str] = {}

    def identity(self, job: Mapping[str, str]) -> str:
        overrides = tuple(f"{name}={value}" for name, value in job.items() if name != "seed")
        if overrides not in self._found:
            cfg = compose_job("routing", overrides, self._verbatim).cfg
            self._found[overrides] = setting_of(config_of(cfg))
        return self._found[overrides]


def setting_of(config: Mapping[str, Any]) -> str:
    """Return what tells a run's setting from others of its comparison: router and pool."""
    return text_of({name: canonical(config[name]) for name in ("router", "pool")})


def _ordered(found: list[Setting]) -> list[Setting]:
    routers = list(dict.fromkeys(setting.router for setting in found))
    seen: dict[str, list[str]] = {}
    for setting in found:
        for name, value in setting.values.items():
            seen.setdefault(name, []).append(value)

    def place(setting: Setting) -> tuple:
        values = setting.values.items()
        return routers.index(setting.router), *(_place(v, seen[name]) for name, v in values)

    return sorted(found, key=place)


def _place(value: str, every: list[str]) -> tuple[bool, float]:
    number = as_number(value)
    return value != UNNAMED, every.index(value) if np.isnan(number) else number


def as_number(value: str) -> float:
    """Return the number that a value is, NaN for a word."""
    try:
        return float(value)
    except ValueError:
        return float("nan")


def runs_of_settings(runs: Iterable[Run], asked: Sequence[Setting]) -> dict[str, dict[int, Run]]:
    """Return the runs of each setting that has any, by identity and seed; of equals the latest.

    Raises
    ------
    ValueError
        If they were run on other outcomes, splits or floors.
    """
    wanted = {setting.identity for setting in asked}
    found: dict[str, dict[int, Run]] = {}
    places = set()
    for run in sorted(runs, key=lambda run: run.about["finished"]):
        name = setting_of(run.about["config"])
        if name in wanted:
            found.setdefault(name, {})[run.about["seed"]] = run
            places.add(place_of(run))
    if len(places) > 1:
        raise ValueError(
            f"The runs of a sweep must be of one comparison, got {len(places)}, on other outcomes, "
            "splits or floors. Give a results folder with one of them."
        )
    return found


def ablation(runs: Iterable[Run], asked: Sequence[Setting]) -> pd.DataFrame:
    """Compare every setting with the default of its router.

    Parameters
    ----------
    runs : iterable of Run
        Of one comparison; those of other settings are passed over.
    asked : sequence of Setting

    Returns
    -------
    DataFrame
        One row for each setting that is stored, in order: ``router``, a column for each parameter
        varied, ``is_default``, ``seeds`` (those that all settings have), ``n_questions``,
        ``macro_score`` with ``low, high``; ``difference`` to the default, ``difference_low,
        difference_high``; the same of ``lift`` over recognised dataset; ``fit_seconds``,
        ``route_qps``. Intervals hold 95%.

    Raises
    ------
    ValueError
        If no setting is stored, they have no seed in common, or are of several comparisons.
    """
    by_setting = runs_of_settings(runs, asked)
    stored = [setting for setting in asked if setting.identity in by_setting]
    seeds = _common_seeds([by_setting[setting.identity] for setting in stored])
    rows = compared([{seed: by_setting[s.identity][seed].rows() for seed in seeds} for s in stored])
    aligned = dict(zip([s.identity for s in stored], rows, strict=True))
    scores = Paired(_aligned(aligned))
    lines = []
    for setting in stored:
        own, usual = setting.identity, setting.default
        timing = [by_setting[own][seed].about["timing"] for seed in seeds]
        lines.append(
            {"router": setting.router, **setting.values, "is_default": own == usual}
            | {"seeds": " ".join(map(str, seeds)), "n_questions": len(scores.found.datasets)}
            | _figures(own, usual, scores, aligned)
            | {name: float(np.mean([of_run[name] for of_run in timing])) for name in _TIMING}
        )
    return pd.DataFrame(lines)


def parameters_of(found: pd.DataFrame) -> list[str]:
    """Return what was varied: the columns of :func:`ablation` between router and figures."""
    columns = list(found.columns)
    return columns[1 : columns.index("is_default")]


def _common_seeds(found: Sequence[Mapping[int, Run]]) -> list[int]:
    seeds = set(found[0]).intersection(*found) if found else set()
    if not seeds:
        raise ValueError("The sweep must have a seed of which every setting is stored. Run it.")
    return sorted(seeds)


def _aligned(settings_rows: Mapping[str, BySeed]) -> Panel:
    """Align the scores of all settings, and of the floor, by question."""
    panels = {name: panel(list(by_seed.values())) for name, by_seed in settings_rows.items()}
    first = next(iter(panels.values()))
    scores = {name: found.scores["router"] for name, found in panels.items()}
    return Panel(first.datasets, scores | {_FLOOR: first.scores[_FLOOR]}, {}, first.groups)


def _figures(own: str, usual: str, scores: Paired, aligned: Mapping[str, BySeed]) -> dict[str, Any]:
    found: dict[str, Any] = dict(
        zip(("macro_score", "low", "high"), scores.score(own), strict=True)
    )
    for name, other in (("difference", usual), ("lift", _FLOOR)):
        value, low, high = scores.lead(own, other) if other in scores.scores else _UNKNOWN
        if other in scores.scores and _equal_by_luck(aligned[own], other, aligned):
            low, high = np.nan, np.nan
        found |= {name: value, f"{name}_low": low, f"{name}_high": high}
    return found


def _equal_by_luck(own: BySeed, other: str, aligned: Mapping[str, BySeed]) -> bool:
    if other == _FLOOR:
        return equals_by_luck(own.values(), _FLOOR)
    rows, theirs = (pd.concat(by_seed.values()) for by_seed in (own, aligned[other]))
    choices = [found["choice"].to_numpy(dtype=int) for found in (rows, theirs)]
    return equal_by_luck(matrix(rows, "score"), *choices)
