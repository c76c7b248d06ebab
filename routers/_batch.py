"""A batch of predictions to be allotted, checked and put in an order of its own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from routers.table import FloatArray, Texts


class InfeasibleError(ValueError):
    """No allocation keeps the constraint.

    Attributes
    ----------
    reachable : float
        The tightest constraint that could be kept, in the unit of the one that was asked; NaN
        where the capacities alone leave a question without an llm.
    """

    def __init__(self, message: str, reachable: float = float("nan")):
        super().__init__(message)
        self.reachable = reachable


@dataclass(frozen=True)
class Allocation:
    """Which llm answers each question of a batch, and what that is predicted to give.

    Attributes
    ----------
    choice : ndarray of int, shape (n,)
        Index into the llms.
    score : float
        Mean predicted score, in [0, 1].
    cost : float
        Mean predicted cost per question.
    bound : float
        What no allocation under the same constraints can be better than: the least mean cost, or
        the largest mean score where the cost is constrained.
    """

    choice: np.ndarray
    score: float
    cost: float
    bound: float


@dataclass(frozen=True)
class Batch:
    """Predicted scores and costs with llms sorted by name and questions by their predictions.

    A solver that sees nothing but this order cannot depend on the order of its input; questions
    with the very same predictions are alike to it and keep their order.

    Attributes
    ----------
    scores, costs : ndarray of shape (n, m)
        NaN in both where an llm cannot be used: a score or a cost that is not known.
    llms : ndarray of str, shape (m,)
    capacity : ndarray of float, shape (m,)
        Questions each llm may take, a whole number of at most n.
    rows, columns : ndarray of int
        Where each question and llm stood in the input.
    """

    scores: FloatArray
    costs: FloatArray
    llms: np.ndarray
    capacity: np.ndarray
    rows: np.ndarray
    columns: np.ndarray

    def __len__(self) -> int:
        """Count the questions."""
        return len(self.rows)

    @property
    def usable(self) -> np.ndarray:
        """Whether each llm can be asked each question, shape (n, m)."""
        return ~np.isnan(self.scores)

    def allocation(self, choice: np.ndarray, bound: float) -> Allocation:
        """Return a choice, given in the order of the batch, in that of the input."""
        taken = np.arange(len(choice)), choice
        original = np.empty(len(choice), dtype=int)
        original[self.rows] = self.columns[choice]
        return Allocation(
            original, float(self.scores[taken].mean()), float(self.costs[taken].mean()), bound
        )


def prepare(
    scores: ArrayLike, costs: ArrayLike, llms: Texts, capacity: ArrayLike | None = None
) -> Batch:
    """Check the predictions of a batch and sort them.

    Parameters
    ----------
    scores, costs : array-like of shape (n, m)
        Predictions, NaN where unknown; n and m at least 1.
    llms : sequence of str, length m
    capacity : number or array-like of shape (m,), optional
        Most questions each llm may take; ``inf`` for no limit.

    Raises
    ------
    ValueError
        If shapes differ, a value is infinite, or a question has no llm with a score and a cost.
    InfeasibleError
        If the capacities together are below the number of questions.
    """
    names = np.array(list(llms), dtype=object)
    scores = np.array(scores, dtype=np.float64)
    costs = np.array(costs, dtype=np.float64)
    for what, values in (("scores", scores), ("costs", costs)):
        if values.ndim != 2 or values.shape[1] != len(names) or values.shape != scores.shape:
            raise ValueError(
                f"{what!r} must have shape (questions, {len(names)}), one column per llm and as "
                f"many rows as 'scores', got {values.shape}. Pass what a router predicts."
            )
        if not values.size or np.isinf(values).any():
            raise ValueError(
                f"{what!r} must hold at least one question and no infinity, got shape "
                f"{values.shape}. Use NaN for what is not known."
            )
    unusable = np.isnan(scores) | np.isnan(costs)
    if unusable.all(axis=1).any():
        row = int(np.argmax(unusable.all(axis=1)))
        raise ValueError(
            f"question {row} has no usable llm: each lacks a predicted score or a predicted cost. "
            "Leave the question out, or give costs to at least one llm."
        )
    limits = _checked_capacity(capacity, len(scores), names)
    columns = np.argsort(names, kind="stable")
    scores = np.where(unusable, np.nan, scores)[:, columns]
    costs = np.where(unusable, np.nan, costs)[:, columns]
    rows = np.lexsort(np.hstack([costs, scores]).T)
    return Batch(scores[rows], costs[rows], names[columns], limits[columns], rows, columns)


def _checked_capacity(capacity: ArrayLike | None, n: int, names: np.ndarray) -> np.ndarray:
    given = np.asarray(np.inf if capacity is None else capacity, dtype=np.float64)
    if given.ndim > 1 or (given.ndim and given.shape != names.shape) or not (given >= 0).all():
        raise ValueError(
            f"'capacity' must be a number or {len(names)} numbers, one per llm, each at least 0, "
            f"got {capacity!r}. Use inf for an llm without a limit."
        )
    limits = np.minimum(np.floor(np.broadcast_to(given, names.shape)), n)
    if limits.sum() < n:
        raise InfeasibleError(
            f"the capacities leave room for {limits.sum():.0f} questions, the batch holds {n}. "
            "Raise 'capacity' or send smaller batches."
        )
    return limits


def asked_too_much(what: str, asked: float, reachable: float, most: bool) -> InfeasibleError:
    """Return the error that names what could be asked instead.

    Parameters
    ----------
    what : str
        The parameter, "min_score" or "budget".
    asked, reachable : float
    most : bool
        Whether ``reachable`` is the most that can be asked, otherwise the least.
    """
    digits = 6 - int(np.floor(np.log10(abs(reachable)))) if reachable else 6
    shift = 10.0**digits
    # rounded to the side on which the advice still works
    value = (np.floor if most else np.ceil)(reachable * shift) / shift
    if most:
        message = f"mean score {asked:g} asked, at most {value:.8g} is predicted reachable; lower"
    else:
        message = f"mean cost {asked:g} allowed, at least {value:.8g} is predicted needed; raise"
    return InfeasibleError(f"{message} {what!r} to that, or loosen 'capacity'.", reachable)
