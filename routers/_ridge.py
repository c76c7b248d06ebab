"""Ridge regressions, each penalty chosen by leave-one-out error."""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import RidgeCV

from routers.table import FloatArray

_PENALTIES = tuple(10.0**power for power in np.arange(-1, 4.5, 0.5))


def fit_ridge(inputs: FloatArray, targets: FloatArray) -> RidgeCV:
    """Fit a ridge regression per target, each penalty chosen by leave-one-out error."""
    return RidgeCV(alphas=_PENALTIES, alpha_per_target=True).fit(inputs, targets)
