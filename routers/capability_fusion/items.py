"""Item factors: in which ways questions are hard, learned from many llms, predicted from text."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from sklearn.utils.extmath import randomized_svd

from routers._ridge import fit_ridge
from routers.constraints import SEED, Constraints, Integer
from routers.table import FloatArray
from routers.validation import check_parameters


class ItemFactors:
    """Leading factors of an outcome matrix, and a ridge regression that reads them off a vector.

    Parameters
    ----------
    n_factors : int
        At most; 0 for none. Fewer where there are fewer llms or questions.
    random_state : int
        Of the singular value decomposition.

    Attributes
    ----------
    ridge_ : RidgeCV or None
        None where there is no factor.
    explained_ : ndarray of shape (k,)
        Share of each factor's variance that the text explains, by leave-one-out.
    """

    parameter_constraints: ClassVar[Constraints] = {
        "n_factors": Integer(0),
        "random_state": SEED,
    }

    def __init__(self, n_factors: int, random_state: int = 0):
        self.n_factors = n_factors
        self.random_state = random_state

    def fit(
        self,
        vectors: FloatArray,
        departures: FloatArray,
        learned_from: np.ndarray | None = None,
    ) -> FloatArray:
        """Learn the factors and how to read them; return the loadings of the llms.

        Parameters
        ----------
        vectors : ndarray of shape (n, d)
            What was read of each question.
        departures : ndarray of shape (n, m)
            Outcomes minus what is expected of the llm without the item, in the unit that loadings
            shall have; NaN where not observed.
        learned_from : ndarray of int, optional
            The llms (columns) whose departures make the factors, all by default; the others
            get loadings on them.

        Returns
        -------
        ndarray of shape (m, k)
        """
        check_parameters(self)
        known = np.nan_to_num(departures, nan=0.0).astype(np.float64)
        self.ridge_, self.explained_ = None, np.empty(0)
        part = known if learned_from is None else known[:, learned_from]
        items, reliability = leading_factors(part, self.n_factors, self.random_state)
        if items.shape[1]:
            self.ridge_ = fit_ridge(vectors, items)
            self.explained_ = np.clip(1 + self.ridge_.best_score_, 0, 1)
        return known.T @ items / len(known) * reliability

    def predict(self, vectors: FloatArray) -> FloatArray:
        """Return the expected factors (n, k) of questions."""
        if self.ridge_ is None:
            return np.zeros((len(vectors), 0))
        return self.ridge_.predict(vectors).reshape(len(vectors), -1)


def leading_factors(
    departures: FloatArray, n_factors: int, random_state: int
) -> tuple[FloatArray, np.ndarray]:
    """Return the leading factors of departures, and how far loadings on them are to be trusted.

    The loadings of an llm are its departures' mean product with the factors, times the latter.

    Parameters
    ----------
    departures : ndarray of shape (n, m)
        0 where not observed.
    n_factors : int
        At most; k is less where there are fewer llms or questions, and 0 where nothing departs.
    random_state : int
        Of the singular value decomposition.

    Returns
    -------
    items : ndarray of shape (n, k)
        Of unit mean square.
    reliability : ndarray of shape (k,)
        In [0, 1]. An llm's own luck is in its loadings: they are shrunk by signal / (signal +
        noise).
    """
    k = min(n_factors, min(departures.shape) - 1)
    if k < 1 or not departures.any():
        return np.zeros((len(departures), 0)), np.zeros(0)
    left, singular, _ = randomized_svd(departures, k, random_state=random_state)
    noise = (departures**2).mean() * departures.shape[1]
    return left * np.sqrt(len(departures)), singular**2 / (singular**2 + noise)
