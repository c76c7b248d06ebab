"""The arrival experiment computed again, slowly, from its definitions alone, in plain Python.

Outcomes are a dict of (question, llm) to score; what is not observed is not in it. Routers are
:class:`Parity`, whose predictions are easy to compute again.
"""

import numpy as np

from routers.aptitude.cards import TakesCards
from routers.base import Router

KEEP = 2


class Parity(TakesCards, Router):
    """Predicts an llm's mean on questions whose last digit is as even, or as odd.

    With ``examines`` an admitted llm is known from an aptitude test alone: every second question,
    the even or the odd places by the number of llms it was fitted on.
    """

    def __init__(self, examines=False):
        self.examines = examines

    def _fit(self, table):
        ids = asked_by(list(table.ids), table.n_llms)
        self.aptitude_test_ = {"tasks": [ids[::2], ids[1::2]], "descriptions": ["", ""]}
        self.means_ = np.array([self._means(table.select([llm])) for llm in table.llms])

    def _admit(self, llm, outcomes):
        if self.examines:
            ids = [name for task in self.aptitude_test_["tasks"] for name in task]
            outcomes = outcomes.rows(np.isin(outcomes.ids.astype(str), ids))
        self.means_ = np.vstack([self.means_, self._means(outcomes)])

    def _take_card(self, card):
        raise NotImplementedError

    def _retain(self, places):
        self.means_ = self.means_[places]

    def _predict_scores(self, questions):
        return self.means_[:, [parity(question) for question in questions]].T

    def _means(self, table):
        pairs = zip(table.questions, table.scores[:, 0].tolist(), strict=True)
        return means({question: score for question, score in pairs if score == score})


def parity(question):
    return int(question[-1]) % 2


def asked_by(ids, n_llms):
    """Return the aptitude test of a router that was fitted on so many llms."""
    return sorted(ids)[n_llms % 2 :: 2]


def mean(values):
    values = list(values)
    return sum(values) / len(values)


def means(scores):
    """Mean over the even and over the odd questions; one half where there is none."""
    found = []
    for side in (0, 1):
        of_side = [score for question, score in scores.items() if parity(question) == side]
        found.append(mean(of_side) if of_side else 0.5)
    return found


def macro(scores, dataset):
    """Mean over datasets of the mean within each; None without scores."""
    within = {}
    for question, score in scores.items():
        within.setdefault(dataset[question], []).append(score)
    return mean(map(mean, within.values())) if within else None


def seen(outcomes, llm, questions):
    return {q: outcomes[q, llm] for q in questions if (q, llm) in outcomes}


def best(predicted, names):
    """Return the name of the largest prediction, the first in alphabetical order of equals."""
    return min(names, key=lambda llm: (-round(predicted[llm], 6), llm))


def aptitude_tests(outcomes, train, order, pool, families):
    """The questions that a router asks which was fitted on strangers of a family, by family."""
    tests = {}
    for newcomer in [llm for llm in order if seen(outcomes, llm, train)][1:]:
        family = families[newcomer]
        others = [p for p in pool if family and families[p] and families[p] != family]
        observed = [p for p in others if seen(outcomes, p, train)]
        if observed:
            tests[family] = asked_by(train, len(observed))
    return tests


def follow_fold(outcomes, dataset, train, test, order, pool, families):
    """Return {(step, question): scores of the policies, or None} and {step: why not}."""
    skill = {llm: macro(seen(outcomes, llm, train), dataset) for llm in order}
    tests = aptitude_tests(outcomes, train, order, pool, families)
    rows, why, arrived = {}, {}, []
    for step, newcomer in enumerate(order, start=1):
        family = families[newcomer]
        if skill[newcomer] is None:
            why[step] = "training outcome"
        elif any(2 * len(seen(outcomes, newcomer, ids)) < len(ids) for ids in tests.values()):
            why[step] = "aptitude test"
        else:
            older = sorted(arrived, key=lambda llm: (-round(skill[llm], 9), arrived.index(llm)))
            zoo = [*older[:KEEP], newcomer]
            arrived.append(newcomer)
            if len(zoo) == 1:
                why[step] = "nobody arrived before"
            elif not family:
                why[step] = "not known"
            elif family not in tests:
                why[step] = "another family"
            else:
                asked = tests[family]
                for q in test:
                    rows[step, q] = judge(outcomes, q, zoo, skill, train, asked)
                continue
        rows |= {(step, q): None for q in test}
    if why.get(1) == "nobody arrived before":
        rows = {key: row for key, row in rows.items() if key[0] > 1}
    return rows, why


def judge(outcomes, question, zoo, skill, train, asked):
    """Return the score of every policy on a question; None if the newcomer has none."""
    scores = {llm: outcomes[question, llm] for llm in zoo if (question, llm) in outcomes}
    newcomer = zoo[-1]
    if newcomer not in scores:
        return None
    side = parity(question)
    card = {llm: means(seen(outcomes, llm, asked))[side] for llm in zoo}
    label = {llm: means(seen(outcomes, llm, train))[side] for llm in zoo}
    label[newcomer] = card[newcomer]
    single = min(scores, key=lambda llm: (-round(skill[llm], 9), zoo.index(llm)))
    return {
        "card": scores[best(card, scores)],
        "label": scores[best(label, scores)],
        "best_single": scores[single],
        "newcomer_alone": scores[newcomer],
        "zoo_mean": mean(scores.values()),
        "oracle": max(scores.values()),
        "n_observed": len(scores),
        "zoo": tuple(zoo),
    }
