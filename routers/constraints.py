"""What a parameter can be asked to be: constraints, from which ``routers.validation`` checks."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from math import inf
from pathlib import Path

import numpy as np

_BOOLEANS = (bool, np.bool_)
_INTEGERS = (int, np.integer)
_NUMBERS = (int, float, np.integer, np.floating)


class Constraint(ABC):
    """What a parameter must be. ``constraint | None`` and ``one | other`` allow either."""

    @abstractmethod
    def accepts(self, value: object) -> bool:
        """Whether the value is allowed."""

    @abstractmethod
    def __str__(self) -> str:
        """Return what completes "parameter 'k' must be ..."."""

    def advice(self, value: object) -> str:
        """Return a sentence that helps whoever gave a wrong value, or nothing."""
        return ""

    def __or__(self, other: Constraint | None) -> Constraint:
        return Either((self, Nothing() if other is None else other))


Constraints = dict[str, Constraint]


@dataclass(frozen=True)
class Integer(Constraint):
    """A whole number of Python or numpy; neither a boolean nor a float such as 5.0."""

    low: int | None = None
    high: int | None = None

    def accepts(self, value: object) -> bool:
        """Whether the value is an integer within the bounds, both included."""
        if isinstance(value, _BOOLEANS) or not isinstance(value, _INTEGERS):
            return False
        above = self.low is None or value >= self.low
        return bool(above and (self.high is None or value <= self.high))

    def __str__(self) -> str:
        if self.high is not None:
            return f"an integer in [{self.low}, {self.high}]"
        return "an integer" if self.low is None else f"an integer of at least {self.low}"


@dataclass(frozen=True)
class Real(Constraint):
    """A number of Python or numpy, integers included; never NaN, and not a boolean.

    Parameters
    ----------
    low, high : float
        Bounds, included unless ``open_low`` or ``open_high``.
    infinite : bool, default=False
        Whether infinity is a number too, where the bounds allow it.
    integers : bool, default=True
        Whether 1 will do for 1.0: not where an integer means something else.
    """

    low: float = -inf
    high: float = inf
    open_low: bool = False
    open_high: bool = False
    infinite: bool = False
    integers: bool = True

    def accepts(self, value: object) -> bool:
        """Whether the value is a number within the bounds."""
        if isinstance(value, _BOOLEANS) or not isinstance(value, _NUMBERS):
            return False
        if isinstance(value, _INTEGERS) and not self.integers:
            return False
        above = self.low < value if self.open_low else self.low <= value
        below = value < self.high if self.open_high else value <= self.high
        return bool(above and below and (self.infinite or -inf < value < inf))

    def __str__(self) -> str:
        noun = "number" if self.integers else "float"
        if -inf < self.low and self.high < inf:
            left, right = "(" if self.open_low else "[", ")" if self.open_high else "]"
            return f"a {noun} in {left}{self.low:g}, {self.high:g}{right}"
        kind = f"a {noun}" if self.infinite else f"a finite {noun}"
        limit = ""
        if -inf < self.low:
            limit = f" above {self.low:g}" if self.open_low else f" of at least {self.low:g}"
        return f"{kind}{limit}"


@dataclass(frozen=True, init=False)
class OneOf(Constraint):
    """One of a few words."""

    words: tuple[str, ...]

    def __init__(self, *words: str):
        object.__setattr__(self, "words", words)  # the dataclass is frozen

    def accepts(self, value: object) -> bool:
        """Whether the value is one of the words, spelled the same."""
        return isinstance(value, str) and value in self.words

    def __str__(self) -> str:
        *others, last = [repr(word) for word in self.words]
        return f"one of {', '.join(others)} or {last}"

    def advice(self, value: object) -> str:
        """Name the word that is spelled most alike, if any is."""
        by_lower = {word.lower(): word for word in self.words}
        near = get_close_matches(value.lower(), by_lower, n=1) if isinstance(value, str) else []
        return f"Did you mean {by_lower[near[0]]!r}?" if near else ""


@dataclass(frozen=True)
class Boolean(Constraint):
    """True or False, of Python or numpy; not 0, 1 or a word."""

    def accepts(self, value: object) -> bool:
        """Whether the value is a boolean."""
        return isinstance(value, _BOOLEANS)

    def __str__(self) -> str:
        return "True or False"


@dataclass(frozen=True)
class Text(Constraint):
    """A str; with a rule, one that keeps it.

    Parameters
    ----------
    what : str, default="a text"
        Such as ``"a text that is not empty"``.
    rule : callable, optional
        Whether a str will do.
    """

    what: str = "a text"
    rule: Callable[[str], object] | None = None

    def accepts(self, value: object) -> bool:
        """Whether the value is a str that keeps the rule."""
        return isinstance(value, str) and (self.rule is None or bool(self.rule(value)))

    def __str__(self) -> str:
        return self.what


@dataclass(frozen=True)
class InstanceOf(Constraint):
    """An object of a class.

    Parameters
    ----------
    kind : type or str
        The class, or its full name where importing it would be slow or circular.
    what : str, optional
        In words; by default the name of the class.
    """

    kind: type | str
    what: str = ""

    def accepts(self, value: object) -> bool:
        """Whether the value is an object of the class or of one derived from it."""
        if isinstance(self.kind, type):
            return isinstance(value, self.kind)
        bases = type(value).__mro__
        return any(f"{base.__module__}.{base.__qualname__}" == self.kind for base in bases)

    def __str__(self) -> str:
        name = self.kind if isinstance(self.kind, str) else self.kind.__name__
        name = name.split(".")[-1]
        return self.what or f"{'an' if name[0] in 'AEIOU' else 'a'} {name}"


@dataclass(frozen=True)
class SequenceOf(Constraint):
    """A list, tuple or one-dimensional array, each entry of which keeps a constraint."""

    entry: Constraint
    fewest: int = 0

    def accepts(self, value: object) -> bool:
        """Whether the value is such a sequence."""
        sequence = isinstance(value, Sequence) and not isinstance(value, str | bytes)
        if not sequence and not (isinstance(value, np.ndarray) and value.ndim == 1):
            return False
        entries: list = list(value)  # type: ignore[call-overload]
        return len(entries) >= self.fewest and all(map(self.entry.accepts, entries))

    def __str__(self) -> str:
        some = f" of at least {self.fewest}" if self.fewest else ""
        return f"a sequence{some}, each entry {self.entry}"


@dataclass(frozen=True)
class Nothing(Constraint):
    """None."""

    def accepts(self, value: object) -> bool:
        """Whether the value is None."""
        return value is None

    def __str__(self) -> str:
        return "None"


@dataclass(frozen=True)
class Either(Constraint):
    """What one of several constraints accepts; written ``one | other``."""

    options: tuple[Constraint, ...]

    def accepts(self, value: object) -> bool:
        """Whether any of them accepts the value."""
        return any(option.accepts(value) for option in self.options)

    def __str__(self) -> str:
        return " or ".join(map(str, self.options))

    def advice(self, value: object) -> str:
        """Return the first advice that one of them has."""
        return next(filter(None, (option.advice(value) for option in self.options)), "")


# Constraints that several classes share --------------------------------------------------------

SEED = Integer(0, 2**32 - 1)  # what numpy's and scikit-learn's generators all take
NAME = Text("a text that is not empty", bool)
PATH = NAME | InstanceOf(Path)
NUMBER_TYPE = OneOf("auto", "float32", "bfloat16", "float16")
DEVICE = Text(
    "a device as torch names it, such as 'cpu' or 'cuda:0'",
    re.compile(r"(cpu|cuda|hpu|mps|mtia|npu|xla|xpu)(:\d+)?").fullmatch,
)
ENCODER = InstanceOf("routers.encoders.base.Encoder")
