"""UniRoute's protocol: llms that no router was fitted on, each known from a few questions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import numpy as np
import pandas as pd
from sklearn.base import clone

from benchmarks.policy_rows import policy_rows
from benchmarks.splits import Fold
from routers.aptitude.cards import TakesCards
from routers.aptitude.examination import AptitudeTest
from routers.base import Router
from routers.baselines import mean_scores
from routers.table import FloatArray, RoutingTable


def draw_unseen(llms: np.ndarray, share: float, seed: int) -> np.ndarray:
    """Draw which llms are unseen: a bool (m,), at least two and not all but one.

    Raises
    ------
    ValueError
        If there are fewer than four llms.
    """
    m = len(llms)
    if m < 4:
        raise ValueError(
            f"The zoo must hold at least four llms, two to learn from and two to meet, got {m}. "
            "Name a larger one."
        )
    n = int(np.clip(round(share * m), 2, m - 2))
    unseen = np.zeros(m, dtype=bool)
    unseen[np.random.default_rng(seed).permutation(m)[:n]] = True
    return unseen


def judge_unseen(
    table: RoutingTable,
    fold: Fold,
    unseen: np.ndarray,
    by_card: Mapping[str, Router],
    by_labels: Mapping[str, Router],
) -> pd.DataFrame:
    """Fit on some llms, admit others from the same few questions, and route among these alone.

    Parameters
    ----------
    table : RoutingTable of m llms
    fold : Fold
    unseen : ndarray of bool, shape (m,)
        Who is admitted.
    by_card : dict of name to Router
        Unfitted, with an aptitude test; that of the first says which questions are scored.
    by_labels : dict of name to Router
        Unfitted; they admit an llm from its outcomes on these questions.

    Returns
    -------
    DataFrame
        One row per test question: ``question_id, dataset``, and the score of each router, of
        ``best_single`` (on the scored questions), ``zoo_mean`` and ``oracle``; NaN where a policy
        has no outcome; and ``group``, if the table has any. ``n_scored`` questions stood in for
        each llm's training.

    References
    ----------
    Jitkrittum et al., "Universal Model Routing for Efficient LLM Inference", 2025.
    """
    seen, others = table.llms[~unseen], table.llms[unseen]
    learn, judge = table.rows(fold.train), table.rows(fold.test).select(others)
    fitted = {
        name: clone(router).fit(learn.select(seen))
        for name, router in {**by_card, **by_labels}.items()
    }
    for name in by_card:
        cast(TakesCards, fitted[name]).retain([])
    first = cast(TakesCards, fitted[next(iter(by_card))])
    scored = AptitudeTest(**first.aptitude_test_).asked(learn)
    predicted = {name: _of_admitted(router, scored, judge) for name, router in fitted.items()}
    level = mean_scores(scored.select(others), macro=True)
    predicted["best_single"] = np.tile(level, (len(judge), 1))
    return policy_rows(judge, predicted, table).assign(n_scored=len(scored))


def _of_admitted(fitted: Router, scored: RoutingTable, judge: RoutingTable) -> FloatArray:
    """Admit the llms of ``judge`` from some questions; return the scores predicted of them."""
    for llm in judge.llms:
        fitted.admit(llm, scored)
    columns = [list(fitted.llms_).index(llm) for llm in judge.llms]
    return fitted.predict_scores(list(judge.questions))[:, columns]
