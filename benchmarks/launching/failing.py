"""A job's end: what it returned, or in words why it did not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.launching import Finished


def reason(error: BaseException) -> str:
    """Return kind, text and notes of an error in a line."""
    text = " ".join(str(error).split())
    return " ".join([f"{type(error).__name__}: {text}", *getattr(error, "__notes__", [])])


def finished(position: int, function: Callable[[Any], Any], item: Any) -> Finished:
    """Call a function on an item; an error is told in words: itself it may not survive the way."""
    try:
        return Finished(position, function(item))
    except Exception as error:
        return Finished(position, error=reason(error))
