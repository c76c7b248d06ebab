"""What xgboost says of wrong parameters: before any work is done, and in one sentence.

Its estimators declare no constraints; their C++ code complains amid a fit, with a stack trace.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, clone, is_classifier

from routers.constraints import Integer
from routers.table import FloatArray
from routers.validation import InvalidParameterError, require

_ROUNDS = Integer(1) | None  # xgboost takes -1 without a word, and then learns nothing


def try_out(estimator: Any) -> None:
    """Fit a copy of an estimator of xgboost on a few made-up rows.

    Raises
    ------
    InvalidParameterError
        If a parameter is wrong, with what xgboost says of it.
    """
    require(type(estimator).__name__, "n_estimators", estimator.n_estimators, _ROUNDS)
    copy = clone(estimator).set_params(n_estimators=1)
    label = np.arange(8) % 2
    rows = np.eye(8, dtype=np.float32)
    fit(copy, rows, label if is_classifier(estimator) else 0.25 + 0.5 * label)


def is_of_xgboost(thing: object) -> bool:
    """Whether an estimator or an error is one of xgboost's; does not import it."""
    return any(base.__module__.split(".")[0] == "xgboost" for base in type(thing).__mro__)


def fit(estimator: Any, vectors: FloatArray, targets: np.ndarray, **more: Any) -> BaseEstimator:
    """Fit any estimator; a complaint of xgboost becomes one sentence that names the estimator."""
    try:
        return estimator.fit(vectors, targets, **more)
    except ValueError as error:  # an XGBoostError is one
        if not is_of_xgboost(error):
            raise
        name, why = type(estimator).__name__, in_one_line(str(error)).rstrip(".")
        raise InvalidParameterError(f"{name}: xgboost refuses its parameters: {why}.") from None


def in_one_line(message: str) -> str:
    r"""Return what xgboost says without the time, the place in its code and the stack trace.

    Examples
    --------
    >>> in_one_line("[22:01:50] /src/a.cc:27: No such word\nCandidate: x\nCandidate: y")
    'No such word (Candidate: x, y)'
    """
    message = re.sub(r"^\[[\d:]+\] \S+:\d+: ", "", message.split("Stack trace")[0].strip())
    first, *rest = [line.strip() for line in message.splitlines() if line.strip()]
    by_label: dict[str, list[str]] = {}
    for label, _, text in (line.partition(": ") for line in rest):
        by_label.setdefault(label, []).append(text)
    notes = "; ".join(f"{label}: {', '.join(texts)}" for label, texts in by_label.items())
    return f"{first} ({notes})" if notes else first
