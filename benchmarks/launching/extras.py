"""Packages that only some people need."""

from __future__ import annotations

import importlib
from typing import Any

from benchmarks.composing import UsageError


def extra(package: str, name: str) -> Any:
    """Import a package that comes with an extra of this one.

    Raises
    ------
    UsageError
        Saying how it is installed, if it is not.
    """
    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise UsageError(
            f"{package} must be installed for this, and is not: "
            f"pip install 'proctor-llm-routing[{name}]'."
        ) from error
