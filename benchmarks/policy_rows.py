"""What policies score on each question of a fold: the rows that experiments store."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from benchmarks.bounds import route_observed
from benchmarks.groups import group_column
from benchmarks.scoring import chosen, oracle, random_score
from routers.table import FloatArray, RoutingTable


def policy_rows(
    judge: RoutingTable, predictions: Mapping[str, FloatArray], everyone: RoutingTable
) -> pd.DataFrame:
    """Return one row per question: its labels, and what each policy scores on it.

    Parameters
    ----------
    judge : RoutingTable of n questions and m llms
    predictions : dict of name to ndarray of shape (n, m)
    everyone : RoutingTable
        All questions of the experiment: where none has a group, no row says it.

    Returns
    -------
    DataFrame of n rows
        ``question_id, dataset``, ``group`` if any question has one, and :func:`policy_scores`.
    """
    labels = {"question_id": judge.ids, "dataset": judge.datasets}
    labels |= group_column(everyone.groups, judge.groups)
    return pd.concat([pd.DataFrame(labels), policy_scores(judge, predictions)], axis=1)


def policy_scores(judge: RoutingTable, predictions: Mapping[str, FloatArray]) -> pd.DataFrame:
    """Return what each policy scores on each question, NaN where it has no outcome.

    Parameters
    ----------
    judge : RoutingTable of n questions and m llms
    predictions : dict of name to ndarray of shape (n, m)
        Each policy takes the llm of the largest whose outcome was observed.

    Returns
    -------
    DataFrame of n rows
        With ``oracle`` and ``zoo_mean``.
    """
    no_costs = np.full(judge.scores.shape, np.nan)
    found = {
        name: chosen(judge.scores, route_observed(predicted, no_costs, judge.scores, judge.llms))
        for name, predicted in predictions.items()
    }
    found["oracle"], _ = oracle(judge.scores, judge.costs)
    return pd.DataFrame(found | {"zoo_mean": random_score(judge.scores)})
