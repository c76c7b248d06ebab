"""A tiny source with a known optimum: for tests and the first five minutes."""

from __future__ import annotations

import numpy as np

from benchmarks.sources.source import Source
from routers.constraints import SEED, Integer
from routers.table import RoutingTable
from routers.validation import checked

_TOPICS = {
    "birds": "feather wing nest egg beak song flight owl robin hawk",
    "ships": "hull mast sail anchor harbour deck rudder cargo port crew",
    "bread": "flour yeast oven crust dough knead loaf rye wheat bake",
}
# How often each llm is right on each topic: an expert per topic, and a cheap llm that is middling.
_SKILL = {
    "bird expert": (0.9, 0.3, 0.3),
    "ship expert": (0.3, 0.9, 0.3),
    "bread expert": (0.3, 0.3, 0.9),
    "cheap allrounder": (0.5, 0.5, 0.5),
}
_COST = {"bird expert": 4.0, "ship expert": 4.0, "bread expert": 4.0, "cheap allrounder": 1.0}


@checked("synthetic", n_questions=Integer(1), seed=SEED)
def load(n_questions: int = 300, seed: int = 0) -> Source:
    """Draw questions on three topics and the outcomes of four llms.

    The topics are the datasets. Sending each topic to its expert is the best that can be done
    without luck: an expected score of .9, against .5 for every single llm.

    Parameters
    ----------
    n_questions : int, default=300
        At least 1.
    seed : int, default=0

    Returns
    -------
    Source
        With the true expected scores recoverable by :func:`expected_scores`.
    """
    rng = np.random.default_rng(seed)
    topics = rng.permutation(np.resize(list(_TOPICS), n_questions))
    questions = [
        f"Item {i}: " + " ".join(rng.choice(_TOPICS[topic].split(), size=5, replace=False)) + "?"
        for i, topic in enumerate(topics)
    ]
    scores = rng.random((n_questions, len(_SKILL))) < expected_scores(topics)
    table = RoutingTable(
        questions=questions,
        scores=scores.astype(float),
        llms=list(_SKILL),
        ids=[f"synthetic/{i}" for i in range(n_questions)],
        datasets=topics.astype(object),
        costs=list(_COST.values()),
        cost_unit="made-up units",
    )
    return Source(table)


def expected_scores(topics: np.ndarray) -> np.ndarray:
    """Return each llm's probability of being right, shape (n, m), given the topics (n,)."""
    skill = np.array(list(_SKILL.values()))
    column = [list(_TOPICS).index(topic) for topic in topics]
    return skill[:, column].T
