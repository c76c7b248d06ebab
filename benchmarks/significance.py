"""Which routers cannot be told apart: tests paired by question, and letters for groups."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from string import ascii_lowercase

import numpy as np
import pandas as pd
from scipy import stats

from benchmarks.groups import per_unit
from benchmarks.scoring import FloatArray, macro_weights
from benchmarks.stored_rows import BySeed, router_score, stored_units

# The least p-value that n sign flips can give is 1 / (n + 1). For 31 routers it is below .025 after
# Holm's correction for their pairs; more routers need more flips, else none could be told apart.
N_PERMUTATIONS = 20_000
_FLIPS_PER_PAIR = 40
_BLOCK = 1000  # permutations whose signs are drawn at a time
_PART = 100  # of them, whose signs are held as numbers: what is held in memory


def question_scores(runs: list[pd.DataFrame]) -> pd.Series:
    """Return a router's score on each question, the mean over its seeds, by question id."""
    taken = [router_score(run).set_axis(run["question_id"]) for run in runs]
    return pd.concat(taken).groupby(level=0).mean()


def permutation_p_values(
    values: FloatArray,
    datasets: np.ndarray,
    rng: np.random.Generator,
    n_permutations: int | None = None,
    groups: np.ndarray | None = None,
) -> FloatArray:
    """Test every pair of routers for a difference in macro score, two-sided, paired by question.

    If two routers are alike, swapping their scores on a question changes nothing in
    distribution, so the sign of each question's difference is flipped at random; the statistic is
    the difference of macro scores. All pairs see the same flips. The differences of a group of
    questions are flipped together, in whatever datasets they are.

    Parameters
    ----------
    values : ndarray of shape (k, n)
        Score of each router on each question (mean over seeds), without NaN.
    datasets : ndarray of str, shape (n,)
    rng : numpy Generator
    n_permutations : int, optional
        By default 20,000, or 40 for each pair of routers if that is more.
    groups : ndarray of int, shape (n,), optional
        The same number for questions of one group; by default each is its own.

    Returns
    -------
    ndarray of shape (k, k)
        Symmetric, 1 on the diagonal, at least ``1 / (n_permutations + 1)``; not corrected.

    References
    ----------
    Good, "Permutation, Parametric and Bootstrap Tests of Hypotheses", 2005.
    """
    weighted = per_unit(values * macro_weights(datasets), groups)
    first, second = np.triu_indices(len(values), k=1)
    if n_permutations is None:
        n_permutations = max(N_PERMUTATIONS, _FLIPS_PER_PAIR * len(first))
    # less a hair, so that a flip that restores the observed difference counts as one
    observed = np.abs((weighted[first] - weighted[second]).sum(axis=1)) - 1e-12
    reached = np.ones(len(first))  # the observed labelling is one of them
    for done in range(0, n_permutations, _BLOCK):
        size = (min(_BLOCK, n_permutations - done), weighted.shape[1])
        drawn = rng.integers(2, size=size, dtype=np.int8)
        for start in range(0, len(drawn), _PART):
            signs = drawn[start : start + _PART].astype(np.float64)
            signs *= 2
            signs -= 1
            flipped = signs @ weighted.T
            reached += (np.abs(flipped[:, first] - flipped[:, second]) >= observed).sum(axis=0)
    return _symmetric(reached / (n_permutations + 1), len(values))


def friedman_p_value(values: FloatArray, groups: np.ndarray | None = None) -> float:
    """Friedman's test that routers rank alike over questions; needs at least three routers.

    Parameters
    ----------
    values : ndarray of shape (k, n)
    groups : ndarray of int, shape (n,), optional
        The same number for questions of one group, which are one block: routers are ranked by
        their means over it. By default each question is a block.
    """
    return float(stats.friedmanchisquare(*_blocks(values, groups)).pvalue)


def nemenyi_p_values(values: FloatArray, groups: np.ndarray | None = None) -> FloatArray:
    """Compare every pair by mean rank over questions: the usual alternative to permutation.

    It is corrected for the number of pairs already, but weighs every question the same whatever
    its dataset, sees only the order of routers on a question, and pays for their many ties
    (scores are mostly 0 or 1); hence not the leaderboard's test.

    Parameters
    ----------
    values : ndarray of shape (k, n)
    groups : ndarray of int, shape (n,), optional
        As in :func:`friedman_p_value`.

    Returns
    -------
    ndarray of shape (k, k)

    References
    ----------
    Demšar, "Statistical Comparisons of Classifiers over Multiple Data Sets", JMLR 2006.
    """
    blocks = _blocks(values, groups)
    return mean_rank_p_values(stats.rankdata(blocks, axis=0).mean(axis=1), blocks.shape[1])


def _blocks(values: FloatArray, groups: np.ndarray | None) -> FloatArray:
    """Average values (k, n) over the questions of each group."""
    return per_unit(values, groups) / per_unit(np.ones(values.shape[1]), groups)


def mean_rank_p_values(ranks: FloatArray, n_blocks: int) -> FloatArray:
    """Nemenyi's p-values (k, k) of mean ranks (k,) over ``n_blocks`` questions."""
    k = len(ranks)
    first, second = np.triu_indices(k, k=1)
    error = np.sqrt(k * (k + 1) / (12 * n_blocks))
    q = np.abs(ranks[first] - ranks[second]) / error
    return _symmetric(stats.studentized_range.sf(q, k, np.inf), k)


def holm(p_values: FloatArray) -> FloatArray:
    """Correct the p-values of all pairs together, so that 5 % is the chance of any false alarm.

    Parameters
    ----------
    p_values : ndarray of shape (k, k)
        Symmetric.

    Returns
    -------
    ndarray of shape (k, k)
        At most 1.

    References
    ----------
    Holm, "A simple sequentially rejective multiple test procedure", 1979.
    """
    upper = np.triu_indices(len(p_values), k=1)
    p = p_values[upper]
    order = np.argsort(p)
    steps = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    corrected = np.empty(len(p))
    corrected[order] = np.minimum(steps, 1)
    return _symmetric(corrected, len(p_values))


def letters(told_apart: np.ndarray) -> list[str]:
    """Give letters so that two routers share one exactly if they are not told apart.

    "Not told apart" is no equivalence (a may be like b, and b like c, though a beats c), so a
    router may carry several letters.

    Parameters
    ----------
    told_apart : ndarray of bool, shape (k, k)
        Symmetric; routers in the order in which letters are to be given, best first.

    Returns
    -------
    list of k str
        "a" for the best router and its equals.

    References
    ----------
    Piepho, "An Algorithm for a Letter-Based Representation of All-Pairwise Comparisons", 2004.
    """
    groups = {frozenset(range(len(told_apart)))}
    for i, j in combinations(range(len(told_apart)), 2):
        if told_apart[i, j]:
            groups = _largest({group - {out} for group in groups for out in (i, j)})
    ordered = sorted(groups, key=sorted)
    return [
        "".join(_letter(place) for place, group in enumerate(ordered) if i in group)
        for i in range(len(told_apart))
    ]


def _largest(groups: set[frozenset[int]]) -> set[frozenset[int]]:
    """Leave out the groups that lie within another."""
    return {group for group in groups if not any(group < other for other in groups)}


def _letter(place: int) -> str:
    turn, letter = divmod(place, len(ascii_lowercase))
    return ascii_lowercase[letter] + (str(turn) if turn else "")


def pair_p_values(routers: Sequence[BySeed], seed: int = 0) -> FloatArray:
    """Test every pair of routers on the seeds and the questions that both have.

    Paired permutation test of the macro mean over datasets, on scores averaged over the seeds;
    rows with a column ``group`` say which questions are flipped together.

    Parameters
    ----------
    routers : sequence of dict of seed to DataFrame
        Rows of each router, see ``benchmarks.comparable.compared``.
    seed : int, default=0
        Of the permutations.

    Returns
    -------
    ndarray of shape (k, k)
        Symmetric; NaN, as on the diagonal, for a pair that shares no test.
    """
    found = np.full((len(routers), len(routers)), np.nan)
    by_seeds: dict[tuple[int, ...], list[tuple[int, int]]] = {}
    for pair in combinations(range(len(routers)), 2):
        if both := set(routers[pair[0]]) & set(routers[pair[1]]):
            by_seeds.setdefault(tuple(sorted(both)), []).append(pair)
    for seeds, pairs in by_seeds.items():
        members = sorted({member for pair in pairs for member in pair})
        values, datasets, groups = _shared_scores([routers[member] for member in members], seeds)
        if len(datasets):
            rng = np.random.default_rng(seed)
            p_values = permutation_p_values(values, datasets, rng, groups=groups)
            for first, second in pairs:
                p = p_values[members.index(first), members.index(second)]
                found[first, second] = found[second, first] = p
    return found


def _shared_scores(
    routers: Sequence[BySeed], seeds: Sequence[int]
) -> tuple[FloatArray, np.ndarray, np.ndarray | None]:
    """Scores (k, n) averaged over some seeds, on questions that all have; datasets and groups."""
    scores = [question_scores([by_seed[seed] for seed in seeds]) for by_seed in routers]
    table = pd.concat(scores, axis=1).sort_index().dropna()
    first = [routers[0][seed] for seed in seeds]
    labels = pd.concat(run.set_index("question_id")["dataset"] for run in first)
    labels = labels[~labels.index.duplicated()].loc[table.index]
    return table.to_numpy().T, labels.to_numpy(dtype=object), stored_units(first, table.index)


def group_letters(routers: Sequence[BySeed], level: float = 0.05, seed: int = 0) -> list[str]:
    """Return the letters of routers given best first: those that share one are not told apart.

    The tests of :func:`pair_p_values`, with Holm's correction. A pair that shares no test is not
    told apart.

    Parameters
    ----------
    routers : sequence of dict of seed to DataFrame
    level : float, default=0.05
        Chance of telling any two equal routers apart.
    seed : int, default=0

    Returns
    -------
    list of str
        Empty strings if no two routers share a test, or if several all scored the same on each.
    """
    p_values = pair_p_values(routers, seed)
    several = len(routers) > 1
    if (several and (np.isnan(p_values).all() or _all_alike(routers))) or not _any_test(routers):
        return [""] * len(routers)
    return letters(holm(np.nan_to_num(p_values, nan=1.0)) <= level)


def _any_test(routers: Sequence[BySeed]) -> bool:
    return any(len(rows) for by_seed in routers for rows in by_seed.values())


def _all_alike(routers: Sequence[BySeed]) -> bool:
    """Tell whether on every test all routers that took it scored the same."""
    for seed in sorted(set().union(*routers)):
        scores = [question_scores([by_seed[seed]]) for by_seed in routers if seed in by_seed]
        table = pd.concat(scores, axis=1)
        if (table.max(axis=1) - table.min(axis=1) > 1e-12).any():
            return False
    return True


def _symmetric(of_pairs: FloatArray, k: int) -> FloatArray:
    """(k, k) matrix from the values of its upper triangle, 1 on the diagonal."""
    full = np.ones((k, k))
    full[np.triu_indices(k, k=1)] = of_pairs
    return np.minimum(full, full.T)
