"""``Tagger``, the interface of every tagger, and the cache of those whose answers are costly."""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from sklearn.base import BaseEstimator

from routers.table import Texts


class Tags(NamedTuple):
    """Tags of one question, the most important first; either list may be empty."""

    capabilities: list[str]
    knowledge: list[str]


class Tagger(BaseEstimator, ABC):
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
        """Tag questions never seen before; each answer is stored as soon as it is yielded."""

    def tag(self, questions: Texts) -> list[Tags]:
        """Return the tags of each question; only questions never seen before cost anything."""
        cache = _tag_cache(self.fingerprint, self.cache_folder)
        missing = sorted({text for text in questions if cache.get(text) is None})
        unheard: dict[str, Tags] = {}
        for text, tags in self._answers(missing) if missing else ():
            if any(tags):
                cache.add(text, tags)
            else:  # nothing usable came back: worth asking again another time
                unheard[text] = tags
        return [cache.get(text) or unheard[text] for text in questions]


class TagCache:
    """Tags by question: in memory, and one small file a question in a folder if one is given.

    Files are written beside and renamed, so that processes can share the folder and a killed run
    leaves only whole answers.
    """

    def __init__(self, folder: Path | None):
        self.folder = folder
        self._known: dict[str, Tags] = {}

    def get(self, question: str) -> Tags | None:
        """Return what is known of a question, None if nothing is."""
        if question not in self._known and self.folder:
            file = self._file(self.folder, question)
            if file.is_file():
                self._known[question] = Tags(*json.loads(file.read_text(encoding="utf-8")))
        return self._known.get(question)

    def add(self, question: str, tags: Tags) -> None:
        """Remember the tags of a question."""
        self._known[question] = tags
        if self.folder:
            self.folder.mkdir(parents=True, exist_ok=True)
            part = self.folder / f"{uuid.uuid4().hex}.part"
            part.write_text(json.dumps(tags), encoding="utf-8")
            part.replace(self._file(self.folder, question))

    @staticmethod
    def _file(folder: Path, question: str) -> Path:
        return folder / f"{hashlib.sha256(question.encode()).hexdigest()}.json"


@lru_cache(maxsize=8)
def _tag_cache(fingerprint: str, folder: str | None) -> TagCache:
    return TagCache(Path(folder) / fingerprint if folder else None)


def clean_phrase(text: str) -> str:
    """Return a phrase in lower case, its words joined by single spaces, without outer signs."""
    return re.sub(r"\s+", " ", text).strip(" \t\n.,;:!?\"'`*-_()[]{}").lower()


def unique(tags: Iterable[str]) -> list[str]:
    """Drop empty and repeated tags; of a repeated one the best rank stays."""
    return [tag for tag in dict.fromkeys(tags) if tag]
