"""``Router``, the interface of every method."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError

from routers._targets import column_means
from routers.choice import choose
from routers.constraints import Constraints
from routers.precomputing import Precomputing
from routers.table import FloatArray, RoutingTable, Texts
from routers.validation import check_parameters

# Predictions are rounded to this many decimals, so that the last bits of a matrix product, which
# depend on how many questions share a batch, can neither make nor break a tie.
DECIMALS = 6


class CannotAdmitError(NotImplementedError):
    """The method has no way to take in a new llm without being fitted again."""


class Router(Precomputing, BaseEstimator, ABC):
    """A function of text that says how well each llm of a zoo would answer.

    A family overrides ``_fit`` and ``_predict_scores``; where the method can take in a new llm
    without being fitted again it also overrides ``_admit``, and where it predicts costs,
    ``_predict_costs``. Constructors only store their parameters (scikit-learn's rule), so that
    ``get_params``, ``clone`` and ``repr`` work; what is learned ends in an underscore.

    The hooks see the table with questions sorted by id and llms by name, and only llms with at
    least one observed score: no result can depend on the order of rows or columns.

    Attributes
    ----------
    llms_ : ndarray of str, shape (m,)
        The zoo, in the order of the table given to ``fit``; admitted llms follow.
    mean_costs_ : ndarray of shape (m,)
        Mean observed cost on the training questions, NaN where none was observed.
    relative_scores : bool
        Whether predicted scores only compare the llms of this zoo (ranks, votes, shares) instead
        of estimating each: they change when an llm joins, and are nothing to calibrate.
    parameter_constraints : dict of str to Constraint
        What each parameter must be (``routers.constraints``); ``fit`` checks it.
    """

    relative_scores = False
    parameter_constraints: ClassVar[Constraints] = {}

    def fit(self, table: RoutingTable, pool: RoutingTable | None = None) -> Router:
        """Learn from the outcomes of a zoo on training questions.

        Parameters
        ----------
        table : RoutingTable of n questions and m llms
        pool : RoutingTable, optional
            Outcomes of llms that are not candidates on the same questions (others are not looked
            at): a method may learn from them how questions differ. Most methods do not.

        Returns
        -------
        Router
            This router; whatever it had learned before is forgotten.

        Raises
        ------
        TypeError
            If ``table`` is not a RoutingTable.
        InvalidParameterError
            If a parameter of the method, or of an object among its parameters, is of a wrong type
            or out of range; checked before anything else.
        ValueError
            If no outcome is observed, or a candidate is in the pool.
        """
        check_parameters(self)
        self._require_table(table, "fit")
        observed = ~np.isnan(table.scores).all(axis=0)
        if not len(table) or not observed.any():
            raise ValueError(
                f"{type(self).__name__}.fit needs at least one observed score, got a table of "
                f"{len(table)} questions without any. Check the scores or the split."
            )
        for name in [name for name in vars(self) if name.endswith("_")]:
            delattr(self, name)
        known = table if observed.all() else table.select(table.llms[observed])
        known = known.canonical()
        self._fit_beside(known, self._checked_pool(table, known, pool))
        self._set_zoo(known.llms, table.llms.copy(), column_means(table.costs))
        return self

    def predict_scores(self, questions: Texts) -> FloatArray:
        """Predict the score of each llm on each question, from the text alone.

        Parameters
        ----------
        questions : sequence of str, length n

        Returns
        -------
        ndarray of shape (n, m)
            Expected scores in the order of ``llms_``; a column is NaN if nothing was ever
            observed of that llm.
        """
        questions = self._checked_questions(questions)
        if not self._has_something_to_predict(questions):
            return np.full((len(questions), len(self.llms_)), np.nan)
        return self._as_scores(self._predict_scores(questions), len(questions))

    def predict_costs(self, questions: Texts) -> FloatArray:
        """Predict the cost of each llm on each question.

        Parameters
        ----------
        questions : sequence of str, length n

        Returns
        -------
        ndarray of shape (n, m)
            Expected costs in the unit of the training table: the training mean of each llm unless
            the method knows better; NaN where no cost was ever observed.
        """
        return self._predict_costs(self._checked_questions(questions))

    def predict(self, questions: Texts) -> tuple[FloatArray, FloatArray]:
        """Predict scores and costs at once, which a method may do with one reading of the text.

        Parameters
        ----------
        questions : sequence of str, length n

        Returns
        -------
        scores, costs : ndarray of shape (n, m)
            What :meth:`predict_scores` and :meth:`predict_costs` return.
        """
        questions = self._checked_questions(questions)
        if not self._has_something_to_predict(questions):
            return self.predict_scores(questions), self._predict_costs(questions)
        raw, costs = self._predict(questions)
        return self._as_scores(raw, len(questions)), costs

    def route(
        self, questions: Texts, price: float = 0.0, eligible: ArrayLike | None = None
    ) -> np.ndarray:
        """Choose an llm for each question.

        Parameters
        ----------
        questions : sequence of str, length n
        price : float, default=0.0
            Score one gives up per unit of cost.
        eligible : array-like of bool, shape (n, m) or (m,), optional
            Whether each llm of ``llms_`` can answer (its context window, images, tools, policy);
            by default each can. One row is taken for every question.

        Returns
        -------
        ndarray of int, shape (n,)
            Index into ``llms_``; see :func:`choose` for ties and unknown costs.

        Raises
        ------
        ValueError
            If ``eligible`` has another shape, or leaves a question without an llm.
        """
        scores, costs = self.predict(questions)
        able = None if eligible is None else self._checked_eligible(eligible, scores.shape)
        return choose(scores, costs, self.llms_, price, able)

    def admit(self, llm: str, outcomes: RoutingTable) -> Router:
        """Add a candidate from its outcomes alone, without fitting again.

        Parameters
        ----------
        llm : str
            Name of the newcomer, not yet in ``llms_``.
        outcomes : RoutingTable
            A table in which ``llm`` is a column: its aptitude test, on training questions or on
            new ones. Other columns are not looked at.

        Returns
        -------
        Router
            This router, with the newcomer last in ``llms_``.

        Raises
        ------
        CannotAdmitError
            If the method must be fitted again to know a new llm.
        ValueError
            If the llm is in the zoo already, or nothing of it was observed.
        """
        self._require_fitted()
        self._require_table(outcomes, "admit")
        if llm in set(self.llms_):
            raise ValueError(f"admit: {llm!r} is in the zoo already. Fit again to change it.")
        column = outcomes.select([llm]).canonical()
        column = column.rows(~np.isnan(column.scores[:, 0]))
        if not len(column):
            raise ValueError(f"admit: no outcome of {llm!r} is observed. Give it some questions.")
        self._admit(llm, column)
        self._append_llm(llm, float(column_means(column.costs)[0]))
        return self

    # What a family overrides ----------------------------------------------------------------

    @abstractmethod
    def _fit(self, table: RoutingTable) -> None:
        """Learn from a canonical table in which every llm has an observed score."""

    def _fit_beside(self, table: RoutingTable, pool: RoutingTable | None) -> None:
        """Learn from a canonical table and a canonical pool on the same questions, if any."""
        self._fit(table)

    @abstractmethod
    def _predict_scores(self, questions: list[str]) -> FloatArray:
        """Return finite scores (n, m) in the column order of the table given to ``_fit``."""

    def _admit(self, llm: str, outcomes: RoutingTable) -> None:
        """Add a last column for ``llm``; ``outcomes`` (k, 1) holds its observed scores only."""
        raise CannotAdmitError(
            f"{type(self).__name__} cannot admit {llm!r} without being fitted again: its method "
            "learns the zoo as a whole. Fit it on a table with the new llm."
        )

    def _predict_costs(self, questions: list[str]) -> FloatArray:
        return np.broadcast_to(self.mean_costs_, (len(questions), len(self.llms_))).copy()

    def _predict(self, questions: list[str]) -> tuple[FloatArray, FloatArray]:
        """Return what ``_predict_scores`` and ``_predict_costs`` do, what both need done once."""
        return self._predict_scores(questions), self._predict_costs(questions)

    # The candidates ---------------------------------------------------------------------------

    def _set_zoo(self, known: np.ndarray, llms: np.ndarray, costs: np.ndarray) -> None:
        """Name the candidates, those that a method has columns for in its order, and their costs.

        The one place that does: where each known llm stands is worked out here, not at each
        question.
        """
        self._known_, self.llms_, self.mean_costs_ = known, llms, costs
        position = {name: j for j, name in enumerate(llms)}
        self._columns_ = np.array([position[name] for name in known], dtype=np.intp)

    def _append_llm(self, llm: str, cost: float) -> None:
        """Name a candidate more, the last in every order; NaN if its cost is unknown."""
        known, llms = np.append(self._known_, llm), np.append(self.llms_, llm)
        self._set_zoo(known, llms, np.append(self.mean_costs_, cost))

    # Shared checks ----------------------------------------------------------------------------

    def _has_something_to_predict(self, questions: list[str]) -> bool:
        return bool(questions) and len(self._known_) > 0

    def _as_scores(self, raw: FloatArray, n: int) -> FloatArray:
        """Return what a method predicts, checked and in the order of ``llms_``, shape (n, m)."""
        raw, expected = np.asarray(raw, dtype=np.float64), (n, len(self._known_))
        if raw.shape != expected or not np.isfinite(raw).all():
            raise RuntimeError(
                f"{type(self).__name__}._predict_scores must return finite values of shape "
                f"{expected}, got shape {raw.shape}. This is a defect of the method."
            )
        predicted = np.full((n, len(self.llms_)), np.nan)
        predicted[:, self._columns_] = np.round(raw, DECIMALS)
        return predicted

    def _require_fitted(self) -> None:
        if not hasattr(self, "llms_"):
            raise NotFittedError(
                f"This {type(self).__name__} is not fitted yet. Call 'fit' with a RoutingTable "
                "before routing."
            )

    def _require_table(self, table: object, method: str) -> None:
        if not isinstance(table, RoutingTable):
            raise TypeError(
                f"{type(self).__name__}.{method} must be given a RoutingTable, got "
                f"{type(table).__name__}. Build one with routers.RoutingTable(...)."
            )

    def _checked_pool(
        self, table: RoutingTable, known: RoutingTable, pool: RoutingTable | None
    ) -> RoutingTable | None:
        """Return the pool on the questions of the table, in its order; None if nothing is left."""
        if pool is None:
            return None
        self._require_table(pool, "fit")
        both = sorted(set(pool.llms) & set(table.llms))
        if both:
            raise ValueError(
                f"{type(self).__name__}.fit: 'pool' must hold other llms than the zoo, got "
                f"{both[0]!r} in both. Leave the candidates out of the pool."
            )
        row = {name: i for i, name in enumerate(pool.ids)}
        missing = [name for name in known.ids if name not in row]
        if missing:
            raise ValueError(
                f"{type(self).__name__}.fit: 'pool' must hold every training question, question "
                f"{missing[0]!r} is not in it. Mark outcomes that were not observed as NaN."
            )
        pool = pool.rows(np.array([row[name] for name in known.ids]))
        observed = ~np.isnan(pool.scores).all(axis=0)
        return pool.select(sorted(pool.llms[observed])) if observed.any() else None

    def _checked_eligible(self, eligible: ArrayLike, shape: tuple[int, ...]) -> np.ndarray:
        able = np.asarray(eligible)
        if able.shape not in (shape, shape[1:]) or able.dtype != bool:
            raise ValueError(
                f"{type(self).__name__}.route: 'eligible' must be booleans of shape {shape} or "
                f"{shape[1:]}, got {able.dtype} of shape {able.shape}. Give one row per question, "
                "in the order of llms_."
            )
        return np.broadcast_to(able, shape)

    def _checked_questions(self, questions: Texts) -> list[str]:
        self._require_fitted()
        if isinstance(questions, str):
            raise TypeError(
                "'questions' must be a sequence of str, got one str. Wrap it in a list."
            )
        questions = list(questions)
        for position, question in enumerate(questions):
            if not isinstance(question, str):
                kind = type(question).__name__
                raise TypeError(f"'questions[{position}]' must be a str, got {kind}.")
        return questions
