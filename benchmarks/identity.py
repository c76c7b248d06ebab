"""What a run is: the names and parameters that determine its result, by what they are called today.

Modules move, classes and parameters are renamed, new parameters appear. A stored run stays what it
was: its identity names classes without their modules, old names are read as today's, and what only
says where something is kept is left out. Whoever renames something adds a line here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

Names = Mapping[str, str]

# Old name: today's.
CLASSES: Names = MappingProxyType({})
# Of a class as it is called today, old name of a parameter: today's.
PARAMETERS: Mapping[str, Names] = MappingProxyType({})
# Of a class, a parameter that it did not have once, and the value under which it does as it did.
ADDED: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "Teaching": {"token_dropout": 0.0, "steps_per_kind": 25},
        "KMeansRouter": {"n_starts": 10},
    }
)

# Where something is kept, and with how many threads it is worked out: the same result comes of it.
_NEUTRAL = ("cache_folder", "checkpoint", "prefix_cache_gb", "n_jobs")


def identity(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return what determines a run's result, beside the outcomes.

    Parameters
    ----------
    config : mapping
        A run's whole configuration, resolvers left as text.

    Returns
    -------
    dict
        ``router``, ``pool``, ``split``, ``floor`` and ``seed``, JSON-able. Two runs on the same
        outcomes are the same if theirs are equal.
    """
    return {
        "router": canonical(config["router"]),
        "pool": canonical(config.get("pool")),
        "split": canonical(config["split"]),
        "floor": canonical(config["recogniser"]),
        "seed": config["seed"],
    }


def text_of(part: object) -> str:
    """Return a part of an identity as text, the same for equal ones."""
    return json.dumps(part, sort_keys=True)


def canonical(node: Any) -> Any:
    """Return a part of a configuration, or of an identity, with today's names of all in it."""
    if isinstance(node, Mapping):
        if "_target_" in node or "class" in node:
            return _of_class(node)
        return {key: canonical(value) for key, value in node.items()}
    return [canonical(item) for item in node] if isinstance(node, list | tuple) else node


def _of_class(node: Mapping[str, Any]) -> dict[str, Any]:
    last = str(node.get("_target_", node.get("class"))).rpartition(".")[2]
    name = CLASSES.get(last, last)
    renamed = PARAMETERS.get(name, {})
    given = {
        renamed.get(key, key): canonical(value)
        for key, value in node.items()
        if not key.startswith("_") and key != "class" and key not in _NEUTRAL
    }
    return {"class": name, **ADDED.get(name, {}), **given}
