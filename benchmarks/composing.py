"""Configurations from what was typed, and one sentence for what cannot be one."""

from __future__ import annotations

import difflib
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import ConfigCompositionException, HydraException
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from benchmarks.carriers import cache_folder, model_folder
from benchmarks.store import ROOT

CONFIGS = ROOT / "configs"


class UsageError(Exception):
    """What was asked for cannot be done; the message is a sentence for whoever asked."""


@dataclass(frozen=True)
class Job:
    """A composed configuration.

    Attributes
    ----------
    cfg : DictConfig
    choices : dict
        The file that was taken of each group of ``configs/``.
    overrides : list of str
        What was set, as Hydra writes it: ``router.k=5``.
    """

    cfg: DictConfig
    choices: dict[str, str]
    overrides: list[str]


def register_resolvers() -> None:
    """Register ``${carrier:name}`` (folder of packaged weights), ``${cache:name}`` and the like."""
    OmegaConf.register_new_resolver("carrier", lambda name: str(model_folder(name)), replace=True)
    OmegaConf.register_new_resolver("cache", lambda name: str(cache_folder() / name), replace=True)
    OmegaConf.register_new_resolver("folder_name", _folder_name, replace=True)


def _folder_name(path: str) -> str:
    return Path(path).resolve().name or "root"


def data_overrides(data: str) -> tuple[list[str], dict[str, str]]:
    """Return what ``DATA=`` means: a source of ``configs/data``, or else somebody's folder.

    Parameters
    ----------
    data : str
        The name of a source, names divided by commas, or the path of a folder.

    Returns
    -------
    list of str, dict
        Overrides to compose with, and settings that no grammar must read, see :func:`compose_job`.

    Raises
    ------
    UsageError
        If it is neither.
    """
    known = [name for name in options("data") if name != "folder"]  # which needs a path
    names = data.split(",")
    if set(names) <= set(known):
        return [f"data={data}"], {}
    if "/" in data or (data and Path(data).is_dir()):
        if not Path(data).is_dir():
            what = "a file" if Path(data.rstrip("/")).exists() else "not there"
            raise UsageError(f"DATA={data} must be a folder with outcomes, and is {what}.")
        return ["data=folder"], {"data.path": str(Path(data).absolute())}
    unknown = next((name for name in names if name not in known), data)
    raise UsageError(
        f"DATA must name a source of configs/data or the path of a folder, got {unknown!r}"
        f"{_nearest(unknown, known)}"
    )


def data_choice(name: str) -> list[str]:
    """Return what composes the settings of a source of ``configs/data``, or of somebody's folder.

    Of a folder its name is enough, for what is read from it is not asked for.
    """
    return [f"data={name}"] if name in options("data") else ["data=folder", f"data.path={name!r}"]


def expand(overrides: Sequence[str]) -> list[list[str]]:
    """Return the overrides of every job: one for each combination of what is to be varied.

    ``router=knn,kmeans`` varies the router, ``sweep=name`` what ``configs/sweep/name.yaml`` says;
    what was typed goes before what the sweep says, and of what was typed twice the last counts.

    Raises
    ------
    UsageError
        If something cannot be read, or there is no such sweep.
    """
    parsed = list({item.get_key_element(): item for item in _parsed(overrides)}.values())
    typed = {override.get_key_element() for override in parsed}
    swept = [
        f"{name}={values}"
        for override in parsed
        if override.key_or_group == "sweep"
        for name, values in _sweep_params(str(override.value())).items()
        if name not in typed
    ]
    axes = [_values(override) for override in [*_parsed(swept), *parsed]]
    return [list(job) for job in itertools.product(*axes)]


def compose_job(
    name: str, overrides: Sequence[str], verbatim: Mapping[str, str] | None = None
) -> Job:
    """Compose ``configs/<name>.yaml`` with overrides.

    Parameters
    ----------
    name : str
    overrides : sequence of str
        In Hydra's grammar, without choices to vary.
    verbatim : dict, optional
        Settings whose value is taken as it is, whatever signs it holds: paths.

    Raises
    ------
    UsageError
        If there is no such setting or choice, or a value is missing.
    """
    for override in _parsed(overrides):
        _check_choice(override)
    try:
        cfg = _compose(name, overrides)
    except (HydraException, OmegaConfBaseException) as error:
        raise UsageError(_explained(name, overrides, error)) from error
    hydra = cfg.hydra
    with open_dict(cfg):
        del cfg["hydra"]
    for key, value in (verbatim or {}).items():
        OmegaConf.update(cfg, key, value.replace("${", "\\${"))
    _refuse_names_of_parts(overrides)
    for key in _missing("", OmegaConf.to_container(cfg, resolve=False)):
        raise UsageError(f"{key} must be given: say {key}=..., there is no default.")
    return Job(cfg, dict(hydra.runtime.choices), list(overrides))


def _check_choice(override: Override) -> None:
    """Refuse what is no file of a group: Hydra would take lists, nothing, and ``knn.yaml`` too."""
    group, value = str(override.key_or_group), override.value()
    if group not in _groups() or override.is_sweep_override():
        return
    if not isinstance(value, str) or value not in options(group):
        raise UsageError(no_choice(group, "" if value is None else str(value), options(group)))


def _missing(prefix: str, node: object) -> Iterator[str]:
    """Yield the names of settings that have no value yet; nothing is resolved for it."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield from _missing(f"{prefix}.{key}" if prefix else str(key), value)
    elif node == "???":
        yield prefix


def _compose(name: str, overrides: Sequence[str]) -> DictConfig:
    register_resolvers()
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        return compose(name, list(overrides), return_hydra_config=True)


def _parsed(overrides: Sequence[str]) -> list[Override]:
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        parser = OverridesParser.create(GlobalHydra.instance().config_loader())
        return [_parse(parser, override) for override in overrides]


def _parse(parser: OverridesParser, override: str) -> Override:
    try:
        (parsed,) = parser.parse_overrides([override])
    except HydraException as error:
        raise UsageError(
            f"{override!r} must be a setting name=value, and cannot be read. Put quotes around a "
            "value with signs: \"name='value'\"."
        ) from error
    if parsed.is_delete():
        raise UsageError(f"{override!r} must give a setting another value: none can be taken out.")
    return parsed


def _values(override: Override) -> list[str]:
    if not override.is_sweep_override():
        return [str(override.input_line)]
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        return [f"{override.get_key_element()}={v}" for v in override.sweep_string_iterator()]


def _groups() -> list[str]:
    return sorted(folder.name for folder in CONFIGS.iterdir() if folder.is_dir())


def options(group: str) -> list[str]:
    """Return the choices of a group of ``configs``."""
    return sorted(file.stem for file in (CONFIGS / group).glob("*.yaml"))


def backends() -> list[str]:
    """Return the names of the backends: each is a setting where it is chosen."""
    return options("backend")


def sweep_of(overrides: Sequence[str]) -> str:
    """Return the name of the sweep that overrides ask for, "" for none."""
    named = [str(item.value()) for item in _parsed(overrides) if item.key_or_group == "sweep"]
    return named[-1] if named else ""


def _sweep_params(name: str) -> dict[str, Any]:
    known = options("sweep")
    if name not in known:
        raise UsageError(no_choice("sweep", name, known))
    sweep: Any = OmegaConf.load(CONFIGS / "sweep" / f"{name}.yaml")
    return dict(sweep.hydra.sweeper.params)


def no_choice(group: str, name: str, known: Iterable[str]) -> str:
    """Say that there is nothing of a kind by a name, which is nearest, and what there is."""
    known = sorted(known)
    others = [other for other in _groups() if name in options(other)]
    hint = f": that is a {others[0]}." if others else _nearest(name, known)
    return f"There is no {group} {name!r}{hint} There are: {', '.join(known)}."


def _nearest(name: str, known: Iterable[str], prefix: str = "") -> str:
    """End a sentence with the nearest of some names, if one is near."""
    by_lower = {entry.lower(): entry for entry in known}
    typed = name.lower().removesuffix(".yaml")
    close = difflib.get_close_matches(typed, by_lower, n=1, cutoff=0.6)
    return f": did you mean {prefix + by_lower[close[0]]!r}?" if close else "."


def _explained(name: str, overrides: Sequence[str], error: Exception) -> str:
    """Say in a sentence why a configuration cannot be composed."""
    text = str(error)
    if found := re.search(r"You must specify '([^']+)'", text):
        if unknown := _unknown_heads(name, overrides):
            return _no_setting(name, [], unknown[0])
        known = ", ".join(options(found[1]))
        return f"No {found[1]} was named. Name one: {known}."
    if isinstance(error, ConfigCompositionException) and (
        found := re.search(r"Could not (?:override|append to config|delete).*?'([^']+)'", text)
    ):
        return _no_setting(name, overrides, found[1])
    return " ".join(text.split())


def _no_setting(name: str, overrides: Sequence[str], key: str) -> str:
    """Say which setting there is none of, and what there is in its place."""
    rest = [override for override in overrides if _key(override) != key]
    parent, _, last = key.rpartition(".")
    node = None
    if parent and "@" not in key and len(rest) < len(overrides):
        node = OmegaConf.select(compose_job(name, rest).cfg, parent)
    if not isinstance(node, DictConfig):
        known, head = sorted(_heads(name)), key.partition(".")[0]
        group = next((group for group in _groups() if head in options(group)), None)
        hint = f": it comes with {group}={head}." if group and head != key else _nearest(key, known)
        return f"There is no setting {key!r} here{hint} There are: {_list(known)}."
    known = sorted(str(entry) for entry in node if not str(entry).startswith("_"))
    hint = _nearest(last, known, f"{parent}.")
    return f"There is no setting {key!r} here{hint} {parent!r} has: {_list(known)}."


def _list(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"


def _key(override: str) -> str:
    return override.split("=")[0].lstrip("+~")


def _heads(name: str) -> set[str]:
    """Return what the name of a setting may begin with: entries of the file, and groups."""
    entries: Any = OmegaConf.load(CONFIGS / f"{name}.yaml")
    return (set(entries) - {"defaults"}) | set(_groups())


def _unknown_heads(name: str, overrides: Sequence[str]) -> list[str]:
    known = _heads(name)
    keys = [_key(override) for override in overrides]
    return [key for key in keys if re.split(r"[.@]", key)[0] not in known]


def _refuse_names_of_parts(overrides: Sequence[str]) -> None:
    """Refuse ``router.encoder=minilm``: a part of its own is chosen by ``@``."""
    for override in overrides:
        key, _, value = override.partition("=")
        group = key.rpartition(".")[2]
        if "." in key and "@" not in key and value in options(group):
            raise UsageError(f"{override!r} must be written {group}@{key}={value}.")
