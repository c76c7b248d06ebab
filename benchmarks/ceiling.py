"""How much of the outcomes a linear probe reads from text embeddings.

Outcomes are taken apart into the *difficulty* of a question (the zoo's mean score on it) and the
*contrasts* between llms (what is left). Routing lives on contrasts alone: difficulty moves all
candidates together. The share of their variance that the probe explains on test questions is a
lower estimate of what text tells: readers that are not linear, or that read more than the
embedding holds, may find more.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from benchmarks.contrasts import comparable_llms, squared_errors_of, take_apart
from benchmarks.groups import group_column, per_unit, units_of
from benchmarks.intervals import drawn_again, interval
from benchmarks.splits import Fold
from routers._targets import column_means, membership, shrunken_means
from routers.capability_fusion.items import fit_ridge
from routers.constraints import SEED, Integer, Real
from routers.encoders import Encoder, encode_training
from routers.table import FloatArray, RoutingTable
from routers.validation import checked

PARTS = ("difficulty", "contrast")
_KNOWN = ("nothing", "dataset", "text")  # what a prediction knows of the question
_ERRORS = [f"{part}/{what}" for part in PARTS for what in _KNOWN]
_ROUNDING = 1e-18  # a mean squared error below it is what floating point leaves of equal scores


@checked(share=Real(0, 1, open_low=True), random_state=SEED)
def squared_errors(
    table: RoutingTable,
    encoder: Encoder,
    folds: Iterable[Fold],
    share: float = 1.0,
    random_state: int = 0,
) -> pd.DataFrame:
    """Predict difficulty and contrasts of test questions by what is known of them.

    Outcomes may be missing. The llms that count in a fold are those that its training questions
    compare (:func:`benchmarks.contrasts.comparable_llms`); a test question counts if at least two
    of them were observed on it, and its errors are estimated for all of them.

    Parameters
    ----------
    table : RoutingTable of n questions and m llms, m at least 2
    encoder : Encoder
        Its vectors are read by ridge regression, each penalty chosen by leave-one-out error on
        the training questions.
    folds : iterable of Fold
    share : float, default=1.0
        Of the training questions that are learned from, in (0, 1].
    random_state : int, default=0
        Of the draw of that share.

    Returns
    -------
    DataFrame
        One row per test question: ``question_id``, ``n_train``; ``n_llms`` that count in its fold
        and ``n_observed`` of them; for each of ``difficulty`` and ``contrast`` the squared error
        (summed over llms) of predicting the training mean (``<part>/nothing``), the mean of the
        question's dataset, told (``<part>/dataset``), and that plus what the vector says
        (``<part>/text``), NaN where the question does not count; and ``group``, if the
        table has any.

    Raises
    ------
    ValueError
        If the table has fewer than two llms.
    """
    if table.n_llms < 2:
        raise ValueError(f"'table' must hold at least 2 llms to compare, got {table.n_llms}.")
    rng = np.random.default_rng(random_state)
    parts = []
    for fold in folds:
        drawn = rng.permutation(len(fold.train))[: max(2, round(share * len(fold.train)))]
        learn, judge = table.rows(np.sort(fold.train[drawn])), table.rows(fold.test)
        errors = _errors_of_fold(learn, judge, encoder)
        parts.append(errors.assign(**group_column(table.groups, judge.groups)))
    return pd.concat(parts, ignore_index=True)


def _errors_of_fold(learn: RoutingTable, judge: RoutingTable, encoder: Encoder) -> pd.DataFrame:
    comparable = comparable_llms(learn.scores)
    truth = judge.scores[:, comparable]
    rows = pd.DataFrame(
        {
            "question_id": judge.ids,
            "n_train": len(learn),
            "n_llms": comparable.sum(),
            "n_observed": (~np.isnan(truth)).sum(axis=1),
        }
        | dict.fromkeys(_ERRORS, np.nan)
    )
    if not comparable.any():
        return rows
    fitted, vectors = encode_training(encoder, learn.questions)
    test_vectors = fitted.transform(judge.questions)
    predicted = [
        _predictions(learn, known, vectors, judge, test_vectors)
        for known in take_apart(learn.scores[:, comparable])
    ]
    for what in _KNOWN:
        errors = squared_errors_of(truth, *(of_part[what] for of_part in predicted))
        for part, error in zip(PARTS, errors, strict=True):
            rows[f"{part}/{what}"] = error
    return rows


def _predictions(
    learn: RoutingTable,
    known: FloatArray,
    vectors: FloatArray,
    judge: RoutingTable,
    test_vectors: FloatArray,
) -> dict[str, FloatArray]:
    """Predict (n_test, k) from training targets (n_train, k), by what is known of a question."""
    names = np.unique(learn.datasets)
    overall = column_means(known)
    members, seen = (membership(names, part.datasets) for part in (learn, judge))
    means = shrunken_means(members, known, prior=1.0)
    of_dataset = seen.T @ means + (1 - seen.sum(axis=0))[:, None] * overall
    from_text = _read(vectors, known - members.T @ means, test_vectors)
    predicted = (np.broadcast_to(overall, of_dataset.shape), of_dataset, of_dataset + from_text)
    return dict(zip(_KNOWN, predicted, strict=True))


def _read(vectors: FloatArray, targets: FloatArray, test_vectors: FloatArray) -> FloatArray:
    """Predict targets (n_test, k) from vectors; each is learned where it is known."""
    read = np.zeros((len(test_vectors), targets.shape[1]))
    patterns, pattern_of = np.unique(~np.isnan(targets), axis=1, return_inverse=True)
    for place, known in enumerate(patterns.T):  # targets known on the same questions share a fit
        columns = np.flatnonzero(pattern_of == place)
        if known.sum() > 1:  # leave-one-out needs one to leave
            ridge = fit_ridge(vectors[known], targets[np.ix_(known, columns)])
            read[:, columns] = ridge.predict(test_vectors).reshape(len(read), -1)
    return read


@checked(n_replicates=Integer(1), seed=SEED)
def explained(errors: pd.DataFrame, n_replicates: int = 1000, seed: int = 0) -> dict[str, float]:
    """Turn squared errors into shares of variance, with intervals over questions.

    Questions of one group are drawn together.

    Parameters
    ----------
    errors : DataFrame
        As :func:`squared_errors` returns.
    n_replicates : int, default=1000
    seed : int, default=0

    Returns
    -------
    dict
        ``n_train`` (mean over the test questions); what the shares rest on: ``n_questions`` that
        count of ``n_tested``, ``n_llms`` (the fewest of a fold), and on these questions
        ``n_observed`` outcomes of ``n_possible``; for each part the share of its variance that
        the dataset explains (``<part>_dataset``, 1 is all) and what the text adds to it
        (``<part>_text``), the latter with its 95% interval (``_low``, ``_high``). Negative where a
        prediction does harm, NaN where no question counts, or where it is not sure (97.5%) that
        anything varies.
    """
    counted = errors.dropna(subset=_ERRORS)
    found = {
        "n_train": float(errors["n_train"].mean()),
        "n_questions": len(counted),
        "n_tested": len(errors),
        "n_llms": int(counted["n_llms"].min()) if len(counted) else 0,
        "n_observed": int(counted["n_observed"].sum()),
        "n_possible": int(counted["n_llms"].sum()),
    }
    rng = np.random.default_rng(seed)
    units = units_of(counted["group"].to_numpy(dtype=object)) if "group" in counted else None
    n_units = len(counted) if units is None else len(set(units))
    draws = drawn_again(n_units, n_replicates, rng)
    for part in PARTS:
        nothing, dataset, text = (
            per_unit(counted[f"{part}/{what}"].to_numpy(), units) for what in _KNOWN
        )
        shares = _shares(nothing, dataset, text, draws)
        found |= {f"{part}_{name}": value for name, value in shares.items()}
    return found


def _shares(
    nothing: np.ndarray, dataset: np.ndarray, text: np.ndarray, draws: np.ndarray
) -> dict[str, float]:
    """Return the shares of one part's variance; ``draws`` (n_replicates, n) are of units."""
    totals = nothing[draws].sum(axis=1)
    if np.quantile(totals, 0.025) <= _ROUNDING * len(nothing):  # a share of nothing, or of noise
        return dict.fromkeys(("dataset", "text", "low", "high"), np.nan)
    low, high = interval((dataset - text)[draws].sum(axis=1) / totals)
    total = nothing.sum()
    return {
        "dataset": 1 - dataset.sum() / total,
        "text": (dataset - text).sum() / total,
        "low": low,
        "high": high,
    }
