"""Llms arrive one by one: the zoo a router faces at each arrival."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.base import clone

from benchmarks.intervals import bootstrap_macro, interval
from benchmarks.metrics import Panel, macro_mean
from benchmarks.splits import Fold
from routers.base import Router, choose
from routers.constraints import SEED, Integer
from routers.table import FloatArray, RoutingTable
from routers.validation import checked

_LABELS = ("step", "newcomer", "question_id", "dataset")


@checked(keep=Integer(1))
def arrival_zoos(
    names_in_order: Sequence[str], scores: Sequence[float] | FloatArray, keep: int = 5
) -> list[tuple[str, ...]]:
    """Return the zoo at each arrival: the ``keep`` best of those before, and the newcomer.

    Parameters
    ----------
    names_in_order : sequence of str, length m
        Llms in order of arrival, each once.
    scores : sequence of float, length m
        What "best so far" goes by, higher is better, one known score per llm. To keep a router's
        test questions closed, take it from other questions.
    keep : int, default=5
        At least 1.

    Returns
    -------
    list of m tuples of str
        Best first (the earlier of equals), the newcomer last; ``keep + 1`` names, fewer while
        fewer have arrived.

    Raises
    ------
    ValueError
        If a name stands twice, a score is missing, or ``keep`` is below 1.

    References
    ----------
    Zhang, Zhan and Ye, "Capability Instruction Tuning: A New Paradigm for Dynamic LLM Routing",
    AAAI 2025, figure 5.
    """
    names, values = list(names_in_order), np.asarray(scores, dtype=np.float64)
    if len(set(names)) < len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise ValueError(f"'names_in_order' must name each llm once, got {twice} more than once.")
    if values.shape != (len(names),) or np.isnan(values).any():
        raise ValueError(
            f"'scores' must hold one known score for each of {len(names)} llms, got shape "
            f"{values.shape} with {int(np.isnan(values).sum())} NaN. Leave unscored llms out."
        )
    zoos = []
    for i, newcomer in enumerate(names):
        best = np.argsort(-values[:i], kind="stable")[:keep]
        zoos.append((*(names[j] for j in best), newcomer))
    return zoos


@dataclass(frozen=True)
class ArrivalSetting:
    """What an arrival experiment is run on.

    Attributes
    ----------
    table : RoutingTable
        Outcomes of the arriving llms.
    pool : RoutingTable
        Outcomes of llms that never arrive, on the same questions in the same order.
    order : list of str
        The arriving llms, the first first.
    families : dict of str to str
        Family of every llm; ``""`` where it is not known.
    keep : int
        Size of the zoo a newcomer meets.
    """

    table: RoutingTable
    pool: RoutingTable
    order: list[str]
    families: dict[str, str]
    keep: int = 5


def strangers(setting: ArrivalSetting, newcomer: str) -> RoutingTable:
    """Return the pool without the newcomer's family, and without llms of unknown family.

    What is learned from it has seen neither the newcomer nor a relative: "unseen" is true.
    """
    family = setting.families[newcomer]
    others = [
        llm
        for llm in setting.pool.llms
        if setting.families[llm] and setting.families[llm] != family
    ]
    if not others:
        raise ValueError(
            f"No llm of the pool is known to be of another family than {newcomer!r} ({family!r}). "
            "Give a pool of several families."
        )
    return setting.pool.select(others)


def follow(
    setting: ArrivalSetting,
    folds: Iterable[Fold],
    by_card: Mapping[str, Router],
    by_labels: Mapping[str, Router],
) -> pd.DataFrame:
    """Let the llms arrive one by one and judge every policy on each zoo.

    Each router of ``by_card`` is fitted on strangers alone and knows all llms of the zoo from its
    aptitude test. Each of ``by_labels`` is fitted on all training outcomes of the older llms and
    admits the newcomer from the aptitude test of the first router of ``by_card``.

    Parameters
    ----------
    setting : ArrivalSetting
    folds : iterable of Fold
    by_card : dict of name to Router
        Unfitted, with an ``aptitude_test_`` once they are fitted.
    by_labels : dict of name to Router
        Unfitted.

    Returns
    -------
    DataFrame
        One row per arrival (from the second on) and test question: ``step, newcomer, question_id,
        dataset`` and the score of each router, ``best_single`` (of the zoo, on training
        questions), ``newcomer_alone``, ``zoo_mean`` and ``oracle``.
    """
    parts = []
    place = {name: j for j, name in enumerate(setting.table.llms)}
    for fold in folds:
        learn, judge = setting.table.rows(fold.train), setting.table.rows(fold.test)
        skill = _macro_means(learn)
        zoos = arrival_zoos(setting.order, [skill[name] for name in setting.order], setting.keep)
        predicted: dict[tuple[str, str], tuple[Router, FloatArray]] = {}
        fitted_on: dict[tuple[str, ...], Router] = {}  # the five best change at few arrivals
        for step, zoo in enumerate(zoos[1:], start=2):
            family = setting.families[zoo[-1]]
            choices = {}
            for name, router in by_card.items():
                if (name, family) not in predicted:
                    stranger = strangers(setting, zoo[-1]).rows(fold.train)
                    predicted[name, family] = _from_cards(router, stranger, learn, judge)
                _, scores = predicted[name, family]
                choices[name] = _choose(scores[:, [place[llm] for llm in zoo]], zoo)
            first, _ = predicted[next(iter(by_card)), family]
            asked = _aptitude_test(first, learn)
            for name, router in by_labels.items():
                older = (name, *zoo[:-1])
                if older not in fitted_on:
                    fitted_on[older] = clone(router).fit(learn.select(zoo[:-1]))
                known = deepcopy(fitted_on[older]).admit(zoo[-1], asked)
                choices[name] = _choose(known.predict_scores(list(judge.questions)), zoo)
            best = max(zoo, key=lambda name: skill[name])
            choices["best_single"] = np.full(len(judge), zoo.index(best))
            choices["newcomer_alone"] = np.full(len(judge), len(zoo) - 1)
            parts.append(_judged(judge.select(zoo), choices, step))
    return pd.concat(parts, ignore_index=True)


def _from_cards(
    by_card: Router, stranger: RoutingTable, learn: RoutingTable, judge: RoutingTable
) -> tuple[Router, FloatArray]:
    """Fit on strangers, admit everybody who arrives from a card; return it and their scores."""
    fitted = clone(by_card).fit(stranger)
    for name in learn.llms:
        fitted.admit(name, learn)
    return fitted, fitted.predict_scores(list(judge.questions))[:, stranger.n_llms :]


def _aptitude_test(fitted: Router, learn: RoutingTable) -> RoutingTable:
    """Return the questions that a fitted router asks a newcomer."""
    test = set().union(*fitted.aptitude_test_["tasks"])
    return learn.rows(np.array([name in test for name in learn.ids], dtype=bool))


def _choose(scores: FloatArray, zoo: Sequence[str]) -> np.ndarray:
    return choose(scores, np.full(scores.shape, np.nan), zoo)


def _judged(judge: RoutingTable, choices: Mapping[str, np.ndarray], step: int) -> pd.DataFrame:
    rows = {
        "step": step,
        "newcomer": judge.llms[-1],
        "question_id": judge.ids,
        "dataset": judge.datasets,
    }
    place = np.arange(len(judge))
    rows |= {name: judge.scores[place, choice] for name, choice in choices.items()}
    rows |= {"zoo_mean": judge.scores.mean(axis=1), "oracle": judge.scores.max(axis=1)}
    return pd.DataFrame(rows)


def _macro_means(table: RoutingTable) -> dict[str, float]:
    """Mean over datasets of the mean within each, per llm."""
    names = np.unique(table.datasets)
    means = np.mean([table.scores[table.datasets == name].mean(axis=0) for name in names], axis=0)
    return dict(zip(table.llms, means.tolist(), strict=True))


@checked(n_replicates=Integer(1), seed=SEED)
def leads(
    rows: pd.DataFrame, over: str = "best_single", n_replicates: int = 2000, seed: int = 0
) -> pd.DataFrame:
    """Average every policy over the arrivals, with paired intervals over the questions.

    Parameters
    ----------
    rows : DataFrame
        As :func:`follow` returns.
    over : str, default="best_single"
        The policy that leads are counted from.
    n_replicates : int, default=2000
    seed : int, default=0

    Returns
    -------
    DataFrame, index policy
        ``score`` (macro mean), ``lead`` over the policy named, ``low`` and ``high`` of its 95 %
        interval.
    """
    policies = [name for name in rows.columns if name not in _LABELS]
    by_question = rows.groupby("question_id")[policies].mean()
    datasets = rows.groupby("question_id")["dataset"].first().to_numpy(dtype=object)
    found = Panel(
        datasets,
        {"router": by_question[over].to_numpy()[None]}
        | {name: by_question[name].to_numpy()[None] for name in policies},
        {},
    )
    replicates = bootstrap_macro(found, np.random.default_rng(seed), n_replicates)
    scores = {name: macro_mean(found.scores[name], datasets) for name in policies}
    table = {}
    for name in policies:
        low, high = interval(replicates[name] - replicates[over])
        table[name] = (scores[name], scores[name] - scores[over], low, high)
    return pd.DataFrame.from_dict(table, orient="index", columns=["score", "lead", "low", "high"])
