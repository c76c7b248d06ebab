"""RouteLLM: one weak and one strong llm, and how few calls of the strong one suffice.

References
----------
Ong et al., "RouteLLM: Learning to Route LLMs with Preference Data", 2024, and its released code.
"""

from __future__ import annotations

import numpy as np

from benchmarks.scoring import FloatArray


def gap_recovered(score: FloatArray, weak: float, strong: float) -> FloatArray:
    """PGR: ``(score - weak) / (strong - weak)``, 0 the weak llm, 1 the strong one.

    Not bounded: below 0 and above 1 happen. NaN where the strong llm is not the better one.
    """
    score = np.asarray(score, dtype=np.float64)
    return (score - weak) / (strong - weak) if strong > weak else np.full(score.shape, np.nan)


def strong_share_curve(
    preference: FloatArray, weak: FloatArray, strong: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Score as a function of the share of calls that go to the strong llm.

    Questions are sent to the strong llm in order of preference for it; of questions with equal
    preference a random part goes, which is a straight piece of the curve. Every threshold is
    taken, where the released code takes ten quantiles.

    Parameters
    ----------
    preference : ndarray of shape (n,)
        For instance predicted score of the strong llm less that of the weak one.
    weak, strong : ndarray of shape (n,)
        Scores of both llms.

    Returns
    -------
    shares, scores : ndarray of shape (k,)
        From share 0 (always weak) to 1 (always strong).
    """
    _, group, moved = np.unique(-preference, return_inverse=True, return_counts=True)
    gained = np.bincount(group, weights=strong - weak)
    shares = np.concatenate([[0], moved.cumsum()]) / len(weak)
    scores = weak.mean() + np.concatenate([[0], gained.cumsum()]) / len(weak)
    return shares, scores


def mean_gap_recovered(shares: FloatArray, recovered: FloatArray) -> float:
    """APGR: area under the gap recovered, over all shares from 0 to 1. A random router has .5.

    The ends are known without measuring (always weak recovers 0, always strong 1), so they are
    added; where the curve reaches them already, that adds no area. By trapezoids.

    Parameters
    ----------
    shares, recovered : ndarray of shape (k,)
        Shares increasing, in [0, 1]; ``gap_recovered`` at each.
    """
    shares, recovered = np.append(0, shares), np.append(0, recovered)
    return float(np.trapezoid(np.append(recovered, 1), np.append(shares, 1)))


def mean_gap_recovered_released(shares: FloatArray, recovered: FloatArray) -> float:
    """APGR as the released code computes it: mean height over the shares that were observed."""
    span = float(np.ptp(shares))
    return float(np.trapezoid(recovered, shares) / span) if span > 0 else float("nan")


def share_needed(shares: FloatArray, recovered: FloatArray, level: float) -> float:
    """CPT(level): least share of strong calls that recovers ``level`` of the gap.

    The first crossing of the curve, which is to invert its running maximum. The released code
    interpolates share over quality as if quality never fell; where it does, that returns some
    later crossing. A random router needs a share of ``level``.

    Parameters
    ----------
    shares, recovered : ndarray of shape (k,)
        Shares increasing; as observed, no end is added.
    level : float in [0, 1]

    Returns
    -------
    float in [0, 1]
        Infinite where the level is never reached.
    """
    if np.isnan(recovered).any():
        return float("nan")
    reached = recovered >= level
    if not reached.any():
        return float("inf")
    after = int(np.argmax(reached))
    if after == 0:
        return float(shares[0])
    low, high = recovered[after - 1], recovered[after]  # below the level, and not
    part = (level - low) / (high - low)
    return float(shares[after - 1] + part * (shares[after] - shares[after - 1]))
