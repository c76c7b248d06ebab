"""The aptitude test: a few hundred training questions, by task, that say what an llm is good at."""

from __future__ import annotations

import hashlib
import logging
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from sklearn.cluster import KMeans
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

from routers._distinct import n_distinct
from routers._targets import column_means
from routers.encoders import TfidfEncoder
from routers.table import FloatArray, RoutingTable

log = logging.getLogger(__name__)

_N_KEYWORDS = 5
_WORD = re.compile(r"[^\W\d_]{3,}")
_CLUSTER_DIMENSIONS = 64


@dataclass(frozen=True)
class AptitudeTest:
    """Questions that every llm of a zoo is examined on, grouped into tasks.

    Parameters
    ----------
    tasks : list of list of str
        Question ids of each task.
    descriptions : list of str
        Each task's five most characteristic words; no name of a dataset or an llm.

    References
    ----------
    Zhang, Zhan and Ye, "Capability Instruction Tuning: A New Paradigm for Dynamic LLM Routing"
    (Model-SAT), AAAI 2025. The paper states its sampling rule without a formula; ours draws with
    probability proportional to ``4 p (1 - p)``.
    """

    tasks: list[list[str]]
    descriptions: list[str]

    @classmethod
    def build(
        cls, table: RoutingTable, n_tasks: int = 50, n_shots: int = 20, random_state: int = 0
    ) -> AptitudeTest:
        """Draw a test from a training table.

        A task is a subject with at least ``n_shots`` distinguishing questions; what is left of a
        dataset (thin subjects, or all of it) is cut into clusters of about that size. Within a
        task, questions are drawn without replacement with probability proportional to their
        distinguishability.

        Parameters
        ----------
        table : RoutingTable
            Training questions only; the order of rows and columns does not matter.
        n_tasks : int, default=50
            Largest number of tasks, shared among datasets by their number of questions.
        n_shots : int, default=20
            Largest number of questions of a task.
        random_state : int, default=0

        Returns
        -------
        AptitudeTest
        """
        table = table.canonical()
        rng = np.random.default_rng(random_state)
        weights = distinguishability(table.scores)
        if not weights.any():
            # a zoo of one, or of equals: no question tells its llms apart, any is as good
            log.warning("No question distinguishes the llms: the aptitude test is drawn uniformly.")
            weights = (~np.isnan(table.scores)).any(axis=1).astype(np.float64)
        with np.errstate(divide="ignore"):
            keys = np.log(weights) + rng.gumbel(size=len(table))  # Gumbel top-k
        groups = _group(table, weights > 0, n_tasks, n_shots, random_state)
        drawn = [group[np.argsort(-keys[group], kind="stable")[:n_shots]] for group in groups]
        descriptions = describe([[table.questions[row] for row in group] for group in groups])
        log.debug("Aptitude test: %d questions in %d tasks", sum(map(len, drawn)), len(drawn))
        return cls([sorted(map(str, table.ids[rows])) for rows in drawn], descriptions)

    @property
    def n_questions(self) -> int:
        """Number of questions in the whole test."""
        return sum(map(len, self.tasks))

    def profiles(self, table: RoutingTable) -> FloatArray:
        """Return what the test says of each llm in a table.

        Parameters
        ----------
        table : RoutingTable of m llms
            Holding (some of) the test's questions; others are not looked at.

        Returns
        -------
        ndarray of shape (m, n_tasks)
            Mean observed score per task in [0, 1], NaN where nothing was observed.
        """
        row_of = {str(name): row for row, name in enumerate(table.ids)}
        rows = [[row_of[name] for name in task if name in row_of] for task in self.tasks]
        return np.stack([column_means(table.scores[task]) for task in rows], axis=1)

    def shots(self, table: RoutingTable) -> np.ndarray:
        """Count the questions of each task observed of each llm in a table, shape (m, n_tasks)."""
        row_of = {str(name): row for row, name in enumerate(table.ids)}
        seen = ~np.isnan(table.scores)
        rows = [[row_of[name] for name in task if name in row_of] for task in self.tasks]
        return np.stack([seen[task].sum(axis=0) for task in rows], axis=1)

    def majority_datasets(self, table: RoutingTable) -> np.ndarray:
        """Return the dataset that most questions of each task are from, shape (n_tasks,)."""
        dataset = dict(zip(table.ids, table.datasets, strict=True))
        counts = [Counter(dataset[name] for name in task if name in dataset) for task in self.tasks]
        names = [max(sorted(count), key=lambda name: count[name]) for count in counts]
        return np.array(names, dtype=object)

    @property
    def fingerprint(self) -> str:
        """Hash of the questions of each task: cards of equal fingerprint can be compared."""
        return hashlib.sha256(repr(self.tasks).encode()).hexdigest()[:16]

    def coverage(self, table: RoutingTable) -> np.ndarray:
        """Count the test's questions observed of each llm in a table, shape (m,)."""
        return (~np.isnan(self.asked(table).scores)).sum(axis=0)

    def asked(self, table: RoutingTable) -> RoutingTable:
        """Return those questions of a table that the test asks."""
        test = set().union(*self.tasks)
        return table.rows(np.array([name in test for name in table.ids], dtype=bool))

    def to_dict(self) -> dict:
        """Return the test as plain lists, to be saved."""
        return asdict(self)


def distinguishability(scores: FloatArray) -> np.ndarray:
    """Return ``4 p (1 - p)`` per question, p the mean observed score over the zoo.

    Parameters
    ----------
    scores : ndarray of shape (n, m)
        In [0, 1], NaN where not observed.

    Returns
    -------
    ndarray of shape (n,)
        In [0, 1]: 1 where half of the zoo succeeds, 0 where all or none do (or nothing is known).
    """
    p = column_means(np.asarray(scores).T)
    return np.nan_to_num(4 * p * (1 - p), nan=0.0)


def describe(tasks: Sequence[Sequence[str]]) -> list[str]:
    """Describe each task by the words most characteristic of it among the others.

    The weight of a word is its share of the task's words times ``log(1 + mean words per task /
    occurrences in all tasks)``, TF-IDF with tasks for documents; ties go to the first in
    alphabetical order.

    Parameters
    ----------
    tasks : sequence of sequences of str
        The questions of each task.

    Returns
    -------
    list of str
        Up to five words each, comma-separated, the most characteristic first.

    References
    ----------
    Grootendorst, "BERTopic: Neural topic modeling with a class-based TF-IDF procedure", 2022.
    """
    counts = [Counter(word for text in texts for word in _words(text)) for texts in tasks]
    overall = sum(counts, Counter())
    mean_size = overall.total() / max(1, len(counts))

    def weight(word: str, count: Counter) -> float:
        return count[word] / count.total() * np.log1p(mean_size / overall[word])

    best = [
        sorted(count, key=lambda word: (-weight(word, count), word))[:_N_KEYWORDS]
        for count in counts
    ]
    return [", ".join(words) for words in best]


def _words(text: str) -> list[str]:
    """List the words that can describe a task; one counts once per question."""
    return sorted(set(_WORD.findall(text.lower())) - ENGLISH_STOP_WORDS)


def _group(
    table: RoutingTable, usable: np.ndarray, n_tasks: int, n_shots: int, seed: int
) -> list[np.ndarray]:
    """Partition the usable rows into at most ``n_tasks`` tasks (some rows may be left out)."""
    names = sorted(set(table.datasets[usable]))
    rows = [np.flatnonzero(usable & (table.datasets == name)) for name in names]
    budgets = _share(np.array([len(r) for r in rows]), n_tasks)
    groups: list[np.ndarray] = []
    for of_dataset, budget in zip(rows, budgets, strict=True):
        groups += _group_dataset(table, of_dataset, int(budget), n_shots, seed)
    return groups


def _share(sizes: np.ndarray, total: int) -> np.ndarray:
    """Share a total in proportion to sizes by largest remainder, at least 1 while it lasts."""
    share = np.zeros(len(sizes), dtype=int)
    share[np.argsort(-sizes, kind="stable")[:total]] = 1
    left = total - share.sum()
    exact = left * sizes / max(1, sizes.sum())
    share += np.floor(exact).astype(int)
    remainder = np.argsort(-(exact - np.floor(exact)), kind="stable")
    share[remainder[: total - share.sum()]] += 1
    return share


def _group_dataset(
    table: RoutingTable, rows: np.ndarray, budget: int, n_shots: int, seed: int
) -> list[np.ndarray]:
    """Return the tasks of one dataset: thick subjects, then clusters of the rest."""
    subjects = table.subjects[rows]
    sizes = Counter(subjects)
    # one subject for the whole dataset says nothing that the clusters would not say better
    thick = [name for name in sizes if sizes[name] >= n_shots] if len(sizes) > 1 else []
    thick = sorted(thick, key=lambda name: (-sizes[name], name))[:budget]
    groups = [rows[subjects == name] for name in thick]
    rest = rows[[name not in thick for name in subjects]]
    n_clusters = min(budget - len(groups), max(1, len(rest) // n_shots))
    if len(rest) and n_clusters > 0:
        groups += _cluster(table.questions[rest], rest, n_clusters, seed)
    return groups


def _cluster(texts: np.ndarray, rows: np.ndarray, n_clusters: int, seed: int) -> list[np.ndarray]:
    """Cut rows into clusters of similar text (k-means on TF-IDF)."""
    if n_clusters == 1:
        return [rows]
    encoder = TfidfEncoder(dim=_CLUSTER_DIMENSIONS, random_state=seed).fit(list(texts))
    vectors = encoder.transform(list(texts))
    n_clusters = n_distinct(vectors, n_clusters)
    labels = KMeans(n_clusters, n_init=3, random_state=seed).fit_predict(vectors)
    return [rows[labels == label] for label in np.unique(labels)]
