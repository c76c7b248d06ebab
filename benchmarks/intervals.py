"""Intervals of macro scores, and of what is derived from them: differences and ratios.

Replicates of every policy's macro score are drawn together, so that whatever is computed from them
keeps the pairing of policies by question.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmarks.groups import per_unit
from benchmarks.scoring import FloatArray
from benchmarks.stored_rows import Panel

# Degrees of freedom that the pooled variance counts for beside a dataset's own (n - 1).
PRIOR_DF = 4
# Below it `python -m benchmarks.coverage` finds intervals that hold the truth too rarely.
FEWEST_QUESTIONS = 5


def bootstrap_macro(
    found: Panel, rng: np.random.Generator, n_replicates: int = 2000
) -> dict[str, np.ndarray]:
    r"""Draw replicates of every policy's macro score, paired: a parametric bootstrap.

    Parameters
    ----------
    found : Panel
    rng : numpy Generator
    n_replicates : int, default=2000

    Returns
    -------
    dict of policy to ndarray of shape (n_replicates,)
        May leave [0, 1]; see ``within`` of :func:`interval`. Policies of the same scores get the
        same replicates. NaN for a policy that was not observed on some dataset, and for all where
        no dataset has two questions, so that nothing tells how they vary.

    Notes
    -----
    *What is estimated* is the macro score over the questions that each dataset's were drawn from,
    of the routers that the seeds have fitted. The number of questions per dataset is fixed. Seeds
    ask the same questions again, so a question's mean over its seeds is the unit that is drawn;
    how its seeds differ is part of how questions differ. That a router would score otherwise under
    other seeds, on all questions alike, is not covered: no interval from one seed could. The
    permutation test of ``benchmarks.significance`` judges the same seeds. Cross-validation
    estimates this mean over fitted routers (Bayle et al.).

    Replicates are :math:`\bar y + t_f`, with :math:`\bar y` the macro scores of the policies and
    :math:`t_f` multivariate t with covariance :math:`\frac{1}{D^2} \sum_d V_d / n_d`. Within
    dataset :math:`d` of :math:`n_d` questions, with sums of squares and products :math:`Q_d`
    around its mean, the variance is moderated by the pooled one of all datasets (Smyth):

    .. math:: V_d = \frac{Q_d + \nu P}{n_d - 1 + \nu}, \quad
              P = \frac{\sum_d Q_d}{\sum_d (n_d - 1)}

    *Groups.* Questions of one group (a passage, paraphrases) are one unit, with all their seeds:
    :math:`n_d` is the number of groups in the dataset, and :math:`Q_d` is of what each group adds
    to the error of the mean, which stays the mean over questions (the linearized variance of a
    ratio, cluster-robust: Field & Welsh). Of a group that spans datasets each part is a unit of its
    dataset, and what the parts have in common is counted: to the covariance is added

    .. math:: \frac{1}{D^2} \sum_g \sum_{d \ne d'} e_{gd} e_{gd'}^T
              \Big/ \sqrt{n_d (n_d - 1) n_{d'} (n_{d'} - 1)}

    with :math:`e_{gd}` the terms whose squares :math:`Q_d` sums up, and :math:`f` is at most the
    number of all groups less 1.

    The divisor :math:`n_d - 1` counts: drawing :math:`n_d` of :math:`n_d` questions with
    replacement, a dataset's variance would be too small by :math:`(n_d - 1) / n_d` (Davison &
    Hinkley, section 3.2), and that of a lone question, or of five that all were answered, would
    be 0. :math:`f` is Satterthwaite's for datasets that vary alike.

    A policy that is right on every question of some datasets and wrong on every one of the others
    leaves no variance to go by. Half of its replicates depart from that by Beta(1, :math:`n_d`):
    their 95% interval over one dataset is the rule of three, [1 - 3/n, 1].

    Two policies that scored the same on every question count as one policy, and their difference
    as 0 without error. That is too sure where they chose differently: by the rule of three they
    may differ by 3/n. ``metrics.summary`` has no interval then.

    References
    ----------
    Davison and Hinkley, "Bootstrap Methods and their Application", 1997.
    Efron and Tibshirani, "An Introduction to the Bootstrap", 1993.
    Field and Welsh, "Bootstrapping clustered data", JRSS B 2007.
    Owen, "The pigeonhole bootstrap", Annals of Applied Statistics 2007.
    Smyth, "Linear models and empirical Bayes methods for assessing differential expression", 2004.
    Bayle, Bayle, Janson and Mackey, "Cross-validation confidence intervals for test error", 2020.
    Hanley and Lippman-Hand, "If nothing goes wrong, is everything all right?", JAMA 1983.
    """
    if all(np.isnan(values).all() for values in found.scores.values()):
        return {name: np.full(n_replicates, np.nan) for name in found.scores}
    # the same scores are drawn once, so that a policy never differs from itself, not by rounding
    first: dict[bytes, str] = {}
    same_as = {name: first.setdefault(v.tobytes(), name) for name, v in found.scores.items()}
    names = list(first.values())
    values = np.stack([found.scores[name] for name in names])
    strata = _strata(values, found.datasets, found.groups)
    drawn = strata.macro + _deviations(strata, rng, n_replicates)
    drawn += _unseen_errors(strata, rng, n_replicates)
    return {name: drawn[:, names.index(of)] for name, of in same_as.items()}


@dataclass(frozen=True)
class _Strata:
    """What D datasets tell of p policies."""

    sizes: np.ndarray  # (D,) questions, or groups of them
    means: FloatArray  # (D, p)
    products: FloatArray  # (D, p, p): sums of squares and products around the means
    shared: FloatArray  # (p, p): what groups of several datasets add to the variance of a sum
    n_spanned: int  # groups in all where some span datasets, else 0

    @property
    def macro(self) -> FloatArray:
        return self.means.mean(axis=0)


def _strata(values: FloatArray, datasets: np.ndarray, groups: np.ndarray | None) -> _Strata:
    """Sum up values (p, n_seeds, n): the unit is the question, whatever the number of its seeds.

    Where there are groups (n,), the unit is the group.
    """
    seen = ~np.isnan(values)
    total, count = np.where(seen, values, 0).sum(axis=1), seen.sum(axis=1)  # (p, n)
    asked = count.any(axis=0)
    means, errors, units = [], [], []
    for name in np.unique(datasets[asked]):
        here = asked & (datasets == name)
        weight = np.where(count[:, here].any(axis=1), count[:, here].sum(axis=1), np.nan)
        mean = total[:, here].sum(axis=1) / weight
        own = np.flatnonzero(here) if groups is None else groups[here]
        found = pd.unique(own)
        # what each unit adds to the error of the mean; a question that fewer seeds tested, less
        part = (total[:, here] - count[:, here] * mean[:, None]) / weight[:, None]
        means.append(mean)
        errors.append(per_unit(part, None if groups is None else own) * len(found))
        units.append(found)
    sizes = np.array([len(found) for found in units])
    products = np.array([error @ error.T for error in errors])
    n_units = len(np.unique(np.concatenate(units)))
    if n_units == sizes.sum():
        return _Strata(sizes, np.array(means), products, np.zeros_like(products[0]), 0)
    return _Strata(sizes, np.array(means), products, _shared(errors, units), n_units)


def _shared(errors: list[FloatArray], units: list[np.ndarray]) -> FloatArray:
    """Sum up (p, p) how the means of datasets vary together, from the units (n_d,) of each."""
    # the error of a lone unit is 0, whatever it is divided by
    sizes = [np.sqrt(max(1, len(own) * (len(own) - 1))) for own in units]
    apart = np.hstack([error / size for error, size in zip(errors, sizes, strict=True)])
    together = per_unit(apart, np.concatenate(units))
    return together @ together.T - apart @ apart.T


def _deviations(strata: _Strata, rng: np.random.Generator, n_replicates: int) -> FloatArray:
    """Draw (n_replicates, p) from the multivariate t around 0 that the variances make."""
    own = strata.sizes - 1
    if not own.sum():
        return np.full((n_replicates, strata.means.shape[1]), np.nan)
    lent = np.minimum(PRIOR_DF, own.sum() - own)  # the others' degrees of freedom, at most
    pooled = strata.products.sum(axis=0) / own.sum()
    within = strata.products + lent[:, None, None] * pooled
    variance = within / ((own + lent) * strata.sizes)[:, None, None]
    covariance = (variance.sum(axis=0) + strata.shared) / len(own) ** 2
    share = 1 / strata.sizes
    df = share.sum() ** 2 / (share**2 / (own + lent)).sum()
    if strata.n_spanned:  # datasets of the same groups tell no more of them than one
        df = min(df, strata.n_spanned - 1)
    scale = np.sqrt(df / rng.chisquare(df, size=(n_replicates, 1)))
    known = ~np.isnan(strata.macro)
    drawn = np.full((n_replicates, len(known)), np.nan)
    normal = rng.standard_normal((n_replicates, known.sum()))
    drawn[:, known] = scale * (normal @ _root(covariance[np.ix_(known, known)]))
    return drawn


def _root(covariance: FloatArray) -> FloatArray:
    """Symmetric root of a covariance matrix: unlike Cholesky's, the same in any order."""
    eigenvalues, vectors = np.linalg.eigh(covariance)
    return (vectors * np.sqrt(np.maximum(eigenvalues, 0))) @ vectors.T


def _unseen_errors(strata: _Strata, rng: np.random.Generator, n_replicates: int) -> FloatArray:
    """Draw (n_replicates, p) departures of policies whose outcome never varied; 0 for others."""
    constant = np.einsum("dpp->p", strata.products) == 0
    settled = constant & np.isin(strata.means, (0, 1)).all(axis=0)
    size = (n_replicates, len(strata.sizes))
    departs = rng.beta(1, strata.sizes, size) * rng.integers(0, 2, (n_replicates, 1))
    towards = np.where(settled, 1 - 2 * strata.means, 0)
    return departs @ towards / len(strata.sizes)


def interval(
    replicates: np.ndarray, level: float = 0.95, within: tuple[float, float] = (-np.inf, np.inf)
) -> tuple[float, float]:
    """Percentile interval of replicates.

    Parameters
    ----------
    replicates : ndarray of shape (n_replicates,)
        NaN where undefined: it may lie anywhere, so it counts beyond both ends.
    level : float, default=0.95
    within : pair of float, optional
        What the true value cannot leave, by default anything; the ends are brought back to it.

    Returns
    -------
    low, high : float
        Both NaN where so many replicates are undefined that an end could be anywhere.

    Notes
    -----
    Of a ratio of differences it is Fieller's set: the share of replicates below a value is the
    share in which numerator - value * denominator is negative. Where the denominator is not
    told apart from 0 that set has no bounds, and neither has the ratio an interval.

    References
    ----------
    Fieller, "Some problems in interval estimation", JRSS B 1954.
    """
    undefined, tail = np.isnan(replicates), (1 - level) / 2
    share = undefined.mean()
    if share >= tail:
        return float("nan"), float("nan")
    tail = (tail - share) / (1 - share)
    low, high = np.quantile(replicates[~undefined], [tail, 1 - tail]).clip(*within)
    return float(low), float(high)


def drawn_again(n_units: int, n_replicates: int, rng: np.random.Generator) -> np.ndarray:
    """Draw units with replacement, as many as there are: positions (n_replicates, n_units).

    For ratios of sums that :func:`bootstrap_macro` does not know of.
    """
    return rng.integers(max(1, n_units), size=(n_replicates, n_units))


def small_dataset_note(
    datasets: Iterable[str], fewest: int = FEWEST_QUESTIONS, units: str = "questions"
) -> str:
    """Return the sentence that names datasets of too few questions; "" if there are none.

    Parameters
    ----------
    datasets : iterable of str
        The dataset of each question, or of each group of them.
    fewest : int, default=5
        Questions, or groups, that a dataset needs.
    units : str, default="questions"
        What they are.
    """
    counts = sorted((n, name) for name, n in Counter(map(str, datasets)).items() if n < fewest)
    if not counts:
        return ""
    named = ", ".join(f"{name} ({n})" for n, name in counts)
    return (
        f"There are too few {units} to tell how much scores vary within {named}: each of these "
        "datasets weighs as much in the macro score as any other, so the intervals are rough and "
        "may be too short."
    )
