"""Parameters are checked once, here: a class or a function says what each of its own must be.

A class declares one attribute, ``parameter_constraints``: a dict of parameter name to constraint.
Its ``fit`` begins with :func:`check_parameters`, which also looks into the parameters that declare
constraints themselves (an encoder in a router), so that a slip fails before any work is done. A
function declares the same with the decorator :func:`checked`. Constructors only store.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import wraps
from inspect import Parameter, signature
from typing import Any, ParamSpec, TypeVar

import numpy as np

from routers.constraints import Constraint

_LONGEST = 80  # of a value that is shown
_P = ParamSpec("_P")
_R = TypeVar("_R")


class InvalidParameterError(ValueError, TypeError):
    """A parameter has a wrong type or value; the message says what it must be."""


class NotApplicableError(ValueError):
    """The method cannot be used on this table, which lacks what it needs (costs, say)."""


def check_parameters(owner: object) -> None:
    """Check the parameters of an object, and of the objects among them, however deep.

    Parameters
    ----------
    owner : object
        Its class declares ``parameter_constraints``. Estimators of scikit-learn among its
        parameters are held to the constraints that they declare.

    Raises
    ------
    InvalidParameterError
        Naming the class and the first parameter that is wrong.
    """
    for part in (owner, *_nested(owner)):
        for name, constraint in getattr(type(part), "parameter_constraints", {}).items():
            if hasattr(part, name):  # a class derived from this one may have dropped it
                require(type(part).__name__, name, getattr(part, name), constraint)
        if hasattr(type(part), "_parameter_constraints") and hasattr(part, "_validate_params"):
            _check_as_scikit_learn(part)
        if type(part).__module__.split(".")[0] == "xgboost":
            from routers._xgboost import try_out  # which imports this module

            try_out(part)  # it declares no constraints, and complains amid a fit


def _nested(owner: object) -> Iterator[object]:
    """Yield the parameters, those of parameters included (all of them are in a deep list)."""
    if hasattr(owner, "get_params"):
        yield from owner.get_params(deep=True).values()


def _check_as_scikit_learn(estimator: Any) -> None:
    """Do early what an estimator's own fit begins with, which comes after the encoding."""
    try:
        estimator._validate_params()
    except ValueError as error:
        raise InvalidParameterError(str(error)) from None  # the same sentence once is enough


def require(owner: str, name: str, value: object, constraint: Constraint) -> None:
    """Raise InvalidParameterError unless a parameter keeps its constraint."""
    if not constraint.accepts(value):
        raise refusal(owner, name, str(constraint), value, constraint.advice(value))


def refusal(owner: str, name: str, must: str, got: object, advice: str = "") -> Exception:
    """Return the error for a parameter that is wrong.

    Parameters
    ----------
    owner : str
        Name of the class or the function.
    name : str
        Of the parameter.
    must : str
        What it must be.
    got : object
        What it is.
    advice : str, default=""
        One sentence on what to do.
    """
    return InvalidParameterError(sentence(owner, f"parameter {name!r}", must, got, advice))


def sentence(owner: str, what: str, must: str, got: object, advice: str = "") -> str:
    """Return "owner: what must be must, got got. advice", the one form that errors have."""
    return f"{owner}: {what} must be {must}, got {shown(got)}. {advice}".rstrip()


def shown(value: object) -> str:
    """Write a value in one line that is not too long; a number of numpy as a plain one."""
    text = repr(value.item() if isinstance(value, np.generic) else value)
    text = re.sub(r"\s*\n\s*", " ", text)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def checked(
    owner: str | None = None, /, **constraints: Constraint
) -> Callable[[Callable[_P, _R]], Callable[_P, _R]]:
    """Decorate a function so that its parameters are checked when it is called.

    Parameters
    ----------
    owner : str, default=the function's name
        How errors call the function.
    **constraints : Constraint
        By name of the parameter; others are not checked.
    """

    def decorate(function: Callable[_P, _R]) -> Callable[_P, _R]:
        parameters = signature(function).parameters
        order = list(parameters)
        checks = [
            (name, order.index(name), parameters[name].default, constraint)
            for name, constraint in constraints.items()
        ]

        @wraps(function)
        def checking(*args: _P.args, **kwargs: _P.kwargs) -> _R:
            # by hand: binding them all takes longer than what many a function does
            for name, place, default, constraint in checks:
                value = kwargs.get(name, args[place] if place < len(args) else default)
                if value is not Parameter.empty:  # else the call itself says what is missing
                    require(owner or function.__name__, name, value, constraint)
            return function(*args, **kwargs)

        checking.parameter_constraints = constraints  # type: ignore[attr-defined]
        return checking

    return decorate
