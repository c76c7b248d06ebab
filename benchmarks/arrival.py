"""Llms arrive one by one: what every policy scores on the zoo a router faces at each arrival."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from typing import cast

import numpy as np
import pandas as pd
from sklearn.base import clone

from benchmarks.arrival_setting import ArrivalSetting, NoStrangersError, arrival_zoos, strangers
from benchmarks.groups import group_column
from benchmarks.policy_rows import policy_scores
from benchmarks.splits import Fold
from routers.aptitude.cards import TakesCards, examined
from routers.aptitude.examination import AptitudeTest
from routers.base import Router
from routers.baselines import mean_scores
from routers.table import FloatArray, RoutingTable

LABELS = ("step", "newcomer", "question_id", "dataset", "zoo", "n_observed", "left_out", "group")
REFERENCES = ("best_single", "newcomer_alone", "zoo_mean", "oracle")  # policies that do not route

# Why an arrival, or a question of it, is left out.
NO_OUTCOME = "the newcomer has no training outcome"
NO_CARD = "the newcomer took less than half of an aptitude test"
NO_FAMILY = "the newcomer's family is not known"
NO_STRANGERS = "no llm known to be of another family has a training outcome"
NOBODY_BEFORE = "nobody arrived before"
NOT_OBSERVED = "the newcomer's outcome is not observed"

_DECIMALS = 9  # of a skill: the last bits of a sum must neither make nor break a tie


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

    Outcomes may be missing. An llm arrives in a fold if it has a training outcome and every
    router of ``by_card`` can examine it. What "best so far" goes by is its macro mean: the mean
    over the datasets in which it was observed on training questions. Each policy chooses among
    the llms of the zoo whose outcome on the question is observed
    (:func:`benchmarks.bounds.route_observed`), and a question counts at an arrival only if every
    policy has an outcome there, ``newcomer_alone`` included.

    Parameters
    ----------
    setting : ArrivalSetting
    folds : iterable of Fold
    by_card : dict of name to Router
        Unfitted, at least one, with an ``aptitude_test_`` once they are fitted.
    by_labels : dict of name to Router
        Unfitted.

    Returns
    -------
    DataFrame
        One row per arrival and test question; none for the first llm of the order, which meets
        nobody, in the folds in which it arrives.

        * ``step`` (place in the order, the first is 1), ``newcomer, question_id, dataset``
        * ``zoo`` (names, the newcomer last; empty where the arrival is not compared) and
          ``n_observed``, how many of them have an outcome on the question
        * ``left_out``: why the row does not count, ``""`` where it does
        * ``group``, if the table has any
        * the score of each router, of ``best_single`` (the best of the zoo on training questions,
          the earlier of equals), ``newcomer_alone``, ``zoo_mean`` and ``oracle``: in [0, 1], all
          NaN where the row does not count

    Raises
    ------
    ValueError
        If two policies, or a policy and a column, have the same name, or ``by_card`` is empty.
    """
    _check_names(by_card, by_labels)
    parts = []
    for fold in folds:
        stage = _Stage(setting, fold, by_card, by_labels)
        first_arrives = not stage.obstacles[setting.order[0]]
        parts += [
            stage.judge_arrival(step, newcomer)
            for step, newcomer in enumerate(setting.order, start=1)
            if step > 1 or not first_arrives
        ]
    return pd.concat(parts, ignore_index=True)


def _check_names(by_card: Mapping[str, Router], by_labels: Mapping[str, Router]) -> None:
    if not by_card:
        raise ValueError("'by_card' must hold at least one router, got none. Name one.")
    names = [*LABELS, *REFERENCES, *by_card, *by_labels]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(
            f"Policies must have names of their own, other than {', '.join(LABELS + REFERENCES)}; "
            f"got {twice} more than once. Rename the router or the card."
        )


class _Stage:
    """One fold: who can arrive in it, and what every policy does at each arrival.

    Attributes
    ----------
    obstacles : dict of str to str
        Why each llm of the order cannot arrive; ``""`` where it can.
    """

    def __init__(
        self,
        setting: ArrivalSetting,
        fold: Fold,
        by_card: Mapping[str, Router],
        by_labels: Mapping[str, Router],
    ):
        self._setting, self._by_labels = setting, by_labels
        self._policies = (*by_card, *by_labels, *REFERENCES)
        self._learn, self._judge = setting.table.rows(fold.train), setting.table.rows(fold.test)
        skill = mean_scores(self._learn, macro=True).round(_DECIMALS)
        self._skill = dict(zip(self._learn.llms, skill, strict=True))
        observed = [llm for llm in setting.order if not np.isnan(self._skill[llm])]
        # all families are met before anybody is admitted: whoever stands in a zoo has every card
        self._by_card: dict[str, dict[str, Router]] = {}
        for newcomer in observed[1:]:
            family = setting.family(newcomer)
            if family not in self._by_card:
                self._by_card[family] = _unseen(setting, newcomer, fold.train, by_card)
        self.obstacles = dict.fromkeys(setting.order, NO_OUTCOME)
        self.obstacles |= dict(zip(observed, self._card_obstacles(observed), strict=True))
        order = [llm for llm in setting.order if not self.obstacles[llm]]
        zoos = arrival_zoos(order, [self._skill[llm] for llm in order], setting.keep)
        self._zoos = {zoo[-1]: zoo for zoo in zoos}
        self._predicted = {
            family: {name: self._from_cards(router) for name, router in fitted.items()}
            for family, fitted in self._by_card.items()
        }
        self._fitted_on: dict[tuple[str, ...], Router] = {}  # the best change at few arrivals

    def _card_obstacles(self, llms: Sequence[str]) -> list[str]:
        passed = np.ones(self._learn.n_llms, dtype=bool)
        for fitted in self._by_card.values():
            for router in fitted.values():
                passed &= examined(_test_of(router), self._learn)
        has_cards = dict(zip(self._learn.llms, passed, strict=True))
        return ["" if has_cards[llm] else NO_CARD for llm in llms]

    def _from_cards(self, fitted: Router) -> pd.DataFrame:
        """Admit everybody who arrives from a card; return predicted scores, a column per llm."""
        names = [llm for llm in self._learn.llms if llm in self._zoos]
        for name in names:
            fitted.admit(name, self._learn)
        scores = fitted.predict_scores(list(self._judge.questions))
        return pd.DataFrame(scores, columns=names)

    def judge_arrival(self, step: int, newcomer: str) -> pd.DataFrame:
        """Return the rows of one arrival, see :func:`follow`."""
        why = self._why_not(newcomer)
        zoo = () if why else self._zoos[newcomer]
        n = len(self._judge)
        labels = {
            "step": step,
            "newcomer": newcomer,
            "question_id": self._judge.ids,
            "dataset": self._judge.datasets,
            "zoo": [zoo] * n,
        }
        labels |= group_column(self._setting.table.groups, self._judge.groups)
        if why:
            unknown = dict.fromkeys(self._policies, np.full(n, np.nan))
            return pd.DataFrame(labels | {"n_observed": 0, "left_out": why} | unknown)
        judge = self._judge.select(zoo)
        scores = policy_scores(judge, self._predictions(zoo))[list(self._policies)]
        counts = scores.notna().all(axis=1)
        labels |= {
            "n_observed": (~np.isnan(judge.scores)).sum(axis=1),
            "left_out": np.where(counts, "", NOT_OBSERVED).astype(object),
        }
        return pd.concat([pd.DataFrame(labels), scores.where(counts)], axis=1)

    def _why_not(self, newcomer: str) -> str:
        """Say why an arrival cannot be compared, ``""`` if it can."""
        if self.obstacles[newcomer]:
            return self.obstacles[newcomer]
        if len(self._zoos[newcomer]) == 1:
            return NOBODY_BEFORE
        family = self._setting.family(newcomer)
        if not family:
            return NO_FAMILY
        return "" if self._by_card[family] else NO_STRANGERS

    def _predictions(self, zoo: tuple[str, ...]) -> dict[str, FloatArray]:
        """Return the scores (n_test, size of the zoo) that each policy chooses the largest of."""
        family = self._setting.family(zoo[-1])
        found = {
            name: of_everyone[list(zoo)].to_numpy()
            for name, of_everyone in self._predicted[family].items()
        }
        asked = _test_of(next(iter(self._by_card[family].values()))).asked(self._learn)
        found |= {name: self._from_labels(name, zoo, asked) for name in self._by_labels}
        # the zoo stands best first, the newcomer last: of equals the sort leaves the earlier first
        ranked = sorted(zoo, key=lambda llm: -self._skill[llm])
        alone = [np.nan] * (len(zoo) - 1) + [1.0]
        for name, row in (
            ("best_single", [-ranked.index(llm) for llm in zoo]),
            ("newcomer_alone", alone),
        ):
            found[name] = np.tile(np.array(row), (len(self._judge), 1))
        return found

    def _from_labels(self, name: str, zoo: tuple[str, ...], asked: RoutingTable) -> FloatArray:
        """Fit on all training outcomes of the older llms, admit the newcomer by its test."""
        key = (name, *zoo[:-1])
        if key not in self._fitted_on:
            router = clone(self._by_labels[name])
            self._fitted_on[key] = router.fit(self._learn.select(zoo[:-1]))
        known = deepcopy(self._fitted_on[key]).admit(zoo[-1], asked)
        return known.predict_scores(list(self._judge.questions))


def _unseen(
    setting: ArrivalSetting, newcomer: str, train: np.ndarray, by_card: Mapping[str, Router]
) -> dict[str, Router]:
    """Fit the routers on strangers of the newcomer; none if there is nothing to fit them on."""
    try:
        known = strangers(setting, newcomer).rows(train)
    except NoStrangersError:
        return {}
    if np.isnan(known.scores).all():
        return {}
    fitted = {name: clone(router).fit(known) for name, router in by_card.items()}
    for router in fitted.values():
        cast(TakesCards, router).retain([])  # the strangers are no candidates
    return fitted


def _test_of(fitted: Router) -> AptitudeTest:
    return AptitudeTest(**fitted.aptitude_test_)
