"""How much of the outcomes a text could tell: what bounds every router that reads with an encoder.

Outcomes are taken apart into the *difficulty* of a question (the zoo's mean score on it) and the
*contrasts* between llms (what is left). Routing lives on contrasts alone: difficulty moves all
candidates together.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from benchmarks.intervals import interval
from benchmarks.splits import Fold
from routers._targets import column_means, membership, shrunken_means
from routers.constraints import SEED, Integer, Real
from routers.encoders import Encoder, encode_training
from routers.model_sat.items import fit_ridge
from routers.table import FloatArray, RoutingTable
from routers.validation import checked

PARTS = ("difficulty", "contrast")
_KNOWN = ("nothing", "dataset", "text")  # what a prediction knows of the question


@checked(share=Real(0, 1, open_low=True), random_state=SEED)
def squared_errors(
    table: RoutingTable,
    encoder: Encoder,
    folds: Iterable[Fold],
    share: float = 1.0,
    random_state: int = 0,
) -> pd.DataFrame:
    """Predict difficulty and contrasts of test questions by what is known of them.

    Parameters
    ----------
    table : RoutingTable of n questions and m llms, m at least 2
    encoder : Encoder
        Its vectors are read by ridge regression, each penalty chosen by leave-one-out error.
    folds : iterable of Fold
    share : float, default=1.0
        Of the training questions that are learned from, in (0, 1].
    random_state : int, default=0
        Of the draw of that share.

    Returns
    -------
    DataFrame
        One row per test question: ``n_train``, and for each of ``difficulty`` and ``contrast`` the
        squared error (summed over llms) of predicting the training mean (``<part>/nothing``), the
        mean of the question's dataset, told (``<part>/dataset``), and that plus what the vector
        says (``<part>/text``).
    """
    if table.n_llms < 2:
        raise ValueError(f"'table' must hold at least 2 llms to compare, got {table.n_llms}.")
    rng = np.random.default_rng(random_state)
    parts = []
    for fold in folds:
        drawn = rng.permutation(len(fold.train))[: max(2, round(share * len(fold.train)))]
        learn, judge = table.rows(np.sort(fold.train[drawn])), table.rows(fold.test)
        fitted, vectors = encode_training(encoder, learn.questions)
        rows = {"n_train": np.full(len(judge), len(learn))}
        test_vectors = fitted.transform(judge.questions)
        targets = zip(PARTS, _take_apart(learn.scores), _take_apart(judge.scores), strict=True)
        for part, known, truth in targets:
            for what, predicted in _predictions(learn, known, vectors, judge, test_vectors).items():
                rows[f"{part}/{what}"] = np.nansum((truth - predicted) ** 2, axis=1)
        parts.append(pd.DataFrame(rows))
    return pd.concat(parts, ignore_index=True)


def _take_apart(scores: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return difficulty (n, 1) and contrasts (n, m); NaN where nothing was observed."""
    difficulty = column_means(scores.T)[:, None]
    return difficulty, scores - difficulty


def _predictions(
    learn: RoutingTable,
    known: FloatArray,
    vectors: FloatArray,
    judge: RoutingTable,
    test_vectors: FloatArray,
) -> dict[str, FloatArray]:
    """Predict (n_test, k) from training targets (n_train, k), by what is known of a question."""
    names = np.unique(learn.datasets)
    overall = np.nan_to_num(column_means(known))
    members, seen = (membership(names, part.datasets) for part in (learn, judge))
    means = np.nan_to_num(shrunken_means(members, known, prior=1.0))
    of_dataset = seen.T @ means + (1 - seen.sum(axis=0))[:, None] * overall
    residual = np.nan_to_num(known - members.T @ means)
    from_text = fit_ridge(vectors, residual).predict(test_vectors).reshape(len(judge), -1)
    predicted = (np.broadcast_to(overall, of_dataset.shape), of_dataset, of_dataset + from_text)
    return dict(zip(_KNOWN, predicted, strict=True))


@checked(n_replicates=Integer(1), seed=SEED)
def explained(errors: pd.DataFrame, n_replicates: int = 1000, seed: int = 0) -> dict[str, float]:
    """Turn squared errors into shares of variance, with intervals over questions.

    Parameters
    ----------
    errors : DataFrame
        As :func:`squared_errors` returns.
    n_replicates : int, default=1000
    seed : int, default=0

    Returns
    -------
    dict
        ``n_train``; for each part the share of its variance that the dataset explains
        (``<part>_dataset``, 1 is all) and what the text adds to it (``<part>_text``), the latter
        with its 95% interval (``_low``, ``_high``). Negative where a prediction does
        harm, NaN where nothing varies.
    """
    rng = np.random.default_rng(seed)
    draws = rng.integers(len(errors), size=(n_replicates, len(errors)))
    found = {"n_train": float(errors["n_train"].mean())}
    for part in PARTS:
        nothing, dataset, text = (errors[f"{part}/{what}"].to_numpy() for what in _KNOWN)
        total = nothing.sum() or np.nan  # nothing varies: nothing to explain
        gains, totals = (dataset - text)[draws].sum(axis=1), nothing[draws].sum(axis=1)
        unknown = np.full(n_replicates, np.nan)
        low, high = interval(np.divide(gains, totals, out=unknown, where=totals > 0))
        found |= {
            f"{part}_dataset": 1 - dataset.sum() / total,
            f"{part}_text": (dataset - text).sum() / total,
            f"{part}_low": low,
            f"{part}_high": high,
        }
    return found
