"""RouterEval: value over references, how choices and predictions spread, and the mixed oracle."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from scipy.optimize import brentq
from scipy.special import softmax

from benchmarks.scoring import FloatArray, selection_entropy

# Accuracy of a strong reference system on each benchmark, as the released code has them.
STRONG_REFERENCE: Mapping[str, float] = MappingProxyType(
    {
        "ARC": 0.852,
        "HellaSwag": 0.953,
        "MMLU": 0.864,
        "TruthfulQA": 0.669,
        "WinoGrande": 0.875,
        "GSM8K": 0.92,
        "IFEval": 0.7689,
        "BBH": 0.8303,
        "GPQA": 0.397,
        "MATH": 0.4,
        "MuSR": 0.699,
        "MMLU-Pro": 0.637,
    }
)


def value_over_reference(score: float, reference: float) -> float:
    """V_R: a router's mean score (mu_o) over a given reference's, at least 0; 1 equals it.

    Parameters
    ----------
    score, reference : float in [0, 1]
        ``STRONG_REFERENCE`` holds the references of the source; they are whole-benchmark scores,
        hence comparable only where the whole benchmark was asked.

    References
    ----------
    Huang et al., "RouterEval: A Comprehensive Benchmark for Routing LLMs", 2025, released code.
    """
    return score / reference if reference > 0 else float("nan")


def value_over_best_single(score: float, llm_scores: FloatArray) -> float:
    """V_B: a router's mean score over that of the llm that is best *on the test questions*.

    As in the released code the best single llm is picked in hindsight, so V_B = 1 is harder to
    reach than equality with the floor "best single", which is chosen on train.

    Parameters
    ----------
    score : float in [0, 1]
    llm_scores : ndarray of shape (m,)
        Mean test score of each llm, averaged as ``score`` is; NaN is left out.

    References
    ----------
    Huang et al., "RouterEval: A Comprehensive Benchmark for Routing LLMs", 2025, released code.
    """
    known = llm_scores[~np.isnan(llm_scores)]
    return value_over_reference(score, float(known.max())) if len(known) else float("nan")


def choice_entropy(choice: np.ndarray) -> float:
    """E_p made comparable: entropy in bits of where the questions are sent, 0 to log2 m.

    The released code averages the entropy of each router's own "probabilities", which are
    softmaxes of accuracies for one router and normalised distances for another; those numbers say
    how a router was written. The selection histogram means the same for all.

    Parameters
    ----------
    choice : ndarray of int, shape (n,)
        -1 (nothing to choose) is left out.
    """
    count = np.bincount(choice[choice >= 0])
    if not len(count):
        return float("nan")
    return selection_entropy({str(j): share for j, share in enumerate(count / count.sum())})


def question_entropy(probabilities: FloatArray) -> float:
    """E_p as the released code averages it: mean entropy in bits of each row, 0 to log2 m.

    Parameters
    ----------
    probabilities : ndarray of shape (n, m)
        Rows sum to 1; NaN without any. Give ``best_llm_probabilities`` to make routers comparable.
    """
    if not len(probabilities):
        return float("nan")
    p = np.where(probabilities > 0, probabilities, 1)
    return float(-(p * np.log2(p)).sum(axis=1).mean())


def best_llm_probabilities(predicted: FloatArray, scores: FloatArray) -> FloatArray:
    """Turn predicted scores into probabilities of being a best llm, on one scale for all routers.

    A softmax of the predictions, with the one temperature under which the llms that truly are
    best (weight shared among equals) are likeliest. The temperature is fitted on the very rows it
    describes: a description of a router, with which nothing is chosen.

    Parameters
    ----------
    predicted, scores : ndarray of shape (n, m)
        NaN scores are not observed and get probability 0; questions on which all observed llms
        score the same, or are predicted to, say nothing about the temperature.

    Returns
    -------
    ndarray of shape (n, m)
        Uniform over the observed llms if no question tells them apart.
    """
    logits = np.where(np.isnan(scores) | np.isnan(predicted), -np.inf, predicted)
    observed = np.isfinite(logits)
    known = observed.any(axis=1)
    logits, scores, observed = logits[known], scores[known], observed[known]
    best = observed & (scores == np.where(observed, scores, -np.inf).max(axis=1, keepdims=True))
    differ = np.where(observed, logits, np.inf).min(axis=1) < logits.max(axis=1)
    telling = (best.sum(axis=1) < observed.sum(axis=1)) & differ
    scale = _likeliest_scale(logits[telling], best[telling]) if telling.any() else 0.0
    return softmax(np.multiply(logits, scale, out=logits, where=observed), axis=1)


def _likeliest_scale(logits: FloatArray, best: np.ndarray) -> float:
    """Return the factor, within exp(-7) and exp(7), under which the best llms are likeliest.

    The mean log-probability is concave in the factor: the largest is where its slope is 0.
    """
    level = np.where(best, logits, 0).sum(axis=1, keepdims=True) / best.sum(axis=1, keepdims=True)
    short = np.where(np.isfinite(logits), level - logits, 0)

    def slope(log_scale: float) -> float:
        return float((softmax(logits * np.exp(log_scale), axis=1) * short).sum())

    low, high = -7.0, 7.0
    if slope(high) >= 0:
        return float(np.exp(high))
    return float(np.exp(low if slope(low) <= 0 else brentq(slope, low, high)))


def mixed_oracle(oracle: float, random: float, p: float) -> float:
    """r_o(p): expected score of the oracle with probability ``p``, else a random llm.

    The closed form ``p * oracle + (1 - p) * random``, exact where the source averages a thousand
    draws.

    Parameters
    ----------
    oracle, random : float in [0, 1]
        Mean score of the oracle, and mean over llms of their mean scores.
    p : float in [0, 1]

    References
    ----------
    Huang et al., "RouterEval: A Comprehensive Benchmark for Routing LLMs", 2025.
    """
    return p * oracle + (1 - p) * random
