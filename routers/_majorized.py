"""Many convex problems on the same questions, solved at once with one shared factorization."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from routers.table import FloatArray

_ROWS = 1_000  # up to which sums of float32 are exact enough for the tolerance as it is
Descent = Callable[[FloatArray], FloatArray]


class SharedCurvature:
    """An upper bound of the curvature of a linear model's penalized loss, factored once.

    The bound ``curvature * X'X + diag(penalty)`` holds for every output (llm), whatever its labels
    and whichever rows it leaves out. Hence one Cholesky factor serves all of them, and a step for
    all outputs is two matrix products [1]_.

    Parameters
    ----------
    design : ndarray of shape (n, d), float32
    curvature : float
        Largest second derivative of a row's loss by its prediction.
    penalty : ndarray of shape (d,)
        Half of it times the square of a weight is added to the loss; above 0.

    References
    ----------
    .. [1] Boehning and Lindsay, "Monotonicity of quadratic-approximation algorithms", 1988.
    """

    def __init__(self, design: FloatArray, curvature: float, penalty: FloatArray):
        self._design = design
        self._penalty = penalty
        bound = (design.T @ design).astype(np.float64) * curvature
        self._factor = cho_factor(bound + np.diag(penalty))

    def minimize(self, descent: Descent, n_outputs: int, max_iter: int, tol: float) -> FloatArray:
        """Minimize the losses of several outputs by accelerated majorize-minimize steps.

        Parameters
        ----------
        descent : callable
            Takes predictions (n, n_outputs) and returns minus the derivative of the loss by each.
        n_outputs, max_iter : int
        tol : float
            Stop when no entry of the gradient (summed over rows) is larger; of more than 1,000
            rows, a thousand times its mean: sums of many are rounded more.

        Returns
        -------
        ndarray of shape (d, n_outputs)
        """
        coef = np.zeros((self._design.shape[1], n_outputs))
        tol *= max(1.0, len(self._design) / _ROWS)
        ahead, momentum = coef, 1.0
        for _ in range(max_iter):
            residual = descent(self._design @ ahead.astype(np.float32))
            gradient = self._design.T @ residual - self._penalty[:, None] * ahead
            step = ahead + cho_solve(self._factor, gradient)
            if np.abs(gradient).max() < tol:
                return step
            # restart the momentum of an output whose step has turned against it
            faster = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
            forward = ((step - coef) * (ahead - step)).sum(axis=0) <= 0
            ahead = step + (momentum - 1) / faster * forward * (step - coef)
            coef, momentum = step, faster if forward.any() else 1.0
        return coef


def with_intercept(X: FloatArray) -> FloatArray:
    """Return vectors (n, d) with a last column of ones, shape (n, d + 1), float32."""
    return np.hstack([X, np.ones((len(X), 1))]).astype(np.float32)
