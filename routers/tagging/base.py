"""``Tagger``, the interface of every tagger, and the cache of those whose answers are costly."""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from sklearn.base import BaseEstimator

from routers.content_store import ContentStore, content_key
from routers.precomputing import CLOCK, Precomputing, Progress
from routers.table import Texts


class Tags(NamedTuple):
    """Tags of one question, the most important first; either list may be empty."""

    capabilities: list[str]
    knowledge: list[str]


class Tagger(Precomputing, BaseEstimator, ABC):
    """Assigns each question ranked capabilities (a closed list) and knowledge phrases (open)."""

    def fit(self, questions: Texts) -> Tagger:
        """Learn from training questions; a pretrained tagger has nothing to learn."""
        return self

    @abstractmethod
    def tag(self, questions: Texts) -> list[Tags]:
        """Return the tags of each question, a function of its text alone."""


class CachedTagger(Tagger):
    """A tagger whose answers are kept by content: in memory, and in ``cache_folder`` if given."""

    cache_folder: str | None

    @property
    @abstractmethod
    def fingerprint(self) -> str:
        """Hash of what determines an answer besides the question."""

    @abstractmethod
    def _answers(self, questions: list[str]) -> Iterator[tuple[str, Tags]]:
        """Tag questions that have no tags yet; each answer is kept as soon as it is yielded."""

    def precompute(self, questions: Texts, progress: Progress | None = None) -> int:
        """Tag the questions that have no tags yet, and return how many that were.

        Every answer is kept as it comes, so that a process that is killed goes on from there.

        Parameters
        ----------
        questions : sequence of str
        progress : callable, optional
            Called after every answer with how many of the questions are done, of how many.
        """
        return len(self._fill(questions, progress)[1])

    def tag(self, questions: Texts) -> list[Tags]:
        """Return the tags of each question; only questions without tags cost anything."""
        kept, empty = self._fill(questions)
        return [kept.get(text) or empty[text] for text in questions]

    def _fill(
        self, questions: Texts, progress: Progress | None = None
    ) -> tuple[dict[str, Tags], dict[str, Tags]]:
        """Ask for what is not kept; return all tags, and those of the questions just asked."""
        cache = _tag_cache(self.fingerprint, self.cache_folder)
        kept = cache.get(questions)
        if all(text in kept for text in questions):
            return kept, {}
        with cache.alone():
            kept = cache.get(questions)  # another process may have asked meanwhile
            absent = sorted({text for text in questions if text not in kept})
            asked = self._ask_all(cache, absent, progress)
        return kept | {text: tags for text, tags in asked.items() if any(tags)}, asked

    def _ask_all(
        self, cache: TagCache, absent: list[str], progress: Progress | None
    ) -> dict[str, Tags]:
        asked: dict[str, Tags] = {}
        with CLOCK.running():
            for text, tags in self._answers(absent) if absent else ():
                asked[text] = tags
                if any(tags):  # of an answer that cannot be used, the question is asked again
                    cache.add(text, tags)
                if progress:
                    progress(len(asked), len(absent))
        return asked


class TagCache:
    """Tags by question: in memory, and in a file if one is given.

    Parameters
    ----------
    file : Path or None
        See :class:`routers.content_store.ContentStore`.
    """

    def __init__(self, file: Path | None):
        self._store = ContentStore(file) if file else None
        self._kept: dict[str, Tags] = {}

    def alone(self) -> AbstractContextManager[None]:
        """See :meth:`routers.content_store.ContentStore.alone`."""
        return self._store.alone() if self._store else nullcontext()

    def get(self, questions: Texts) -> dict[str, Tags]:
        """Return the tags of those questions that have some."""
        keys = {content_key(text): text for text in questions if text not in self._kept}
        if self._store and keys:
            for key, (value, _) in self._store.get(list(keys)).items():
                self._kept[keys[key]] = Tags(*json.loads(value))
        return {text: self._kept[text] for text in questions if text in self._kept}

    def add(self, question: str, tags: Tags) -> None:
        """Keep the tags of a question."""
        self._kept[question] = tags
        if self._store:
            self._store.add([(content_key(question), json.dumps(tags).encode(), float("nan"))])


@lru_cache(maxsize=8)
def _tag_cache(fingerprint: str, folder: str | None) -> TagCache:
    return TagCache(Path(folder) / f"{fingerprint}.sqlite" if folder else None)


def clean_phrase(text: str) -> str:
    """Return a phrase in lower case, its words joined by single spaces, without outer signs."""
    return re.sub(r"\s+", " ", text).strip(" \t\n.,;:!?\"'`*-_()[]{}").lower()


def unique(tags: Iterable[str]) -> list[str]:
    """Drop empty and repeated tags; of a repeated one the best rank stays."""
    return [tag for tag in dict.fromkeys(tags) if tag]
