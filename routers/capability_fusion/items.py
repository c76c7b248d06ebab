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

    def fit(self, vectors: FloatArray, departures: FloatArray) -> FloatArray:
        """Learn the factors and how to read them; return the loadings of the llms.

        Parameters
        ----------
        vectors : ndarray of shape (n, d)
            What was read of each question.
        departures : ndarray of shape (n, m)
            Outcomes minus what is expected of the llm without the item, in the unit that loadings
            shall have; NaN where not observed.

        Returns
        -------
        ndarray of shape (m, k)
        """
        check_parameters(self)
        known = np.nan_to_num(departures, nan=0.0).astype(np.float64)
        k = min(self.n_factors, min(known.shape) - 1)
        self.ridge_, self.explained_ = None, np.empty(0)
        if k < 1 or not known.any():
            return np.zeros((known.shape[1], 0))
        left, singular, right = randomized_svd(known, k, random_state=self.random_state)
        items = left * np.sqrt(len(known))  # unit mean square
        self.ridge_ = fit_ridge(vectors, items)
        self.explained_ = np.clip(1 + self.ridge_.best_score_, 0, 1)
        # an llm's own luck is in its loadings: shrink by signal / (signal + noise) per factor
        noise = (known**2).mean() * known.shape[1]
        reliability = singular**2 / (singular**2 + noise)
        return right.T * (singular / np.sqrt(len(known)) * reliability)

    def predict(self, vectors: FloatArray) -> FloatArray:
        """Return the expected factors (n, k) of questions."""
        if self.ridge_ is None:
            return np.zeros((len(vectors), 0))
        return self.ridge_.predict(vectors).reshape(len(vectors), -1)
