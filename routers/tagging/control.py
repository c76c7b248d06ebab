"""The lower control: tags that say nothing about a question."""

from __future__ import annotations

import hashlib
from typing import ClassVar

from routers.constraints import SEED, Constraints, Integer
from routers.table import Texts
from routers.tagging.base import Tagger, Tags, unique
from routers.tagging.vocabulary import CAPABILITIES
from routers.validation import check_parameters


class RandomTagger(Tagger):
    """Draws tags from a hash of the text: the same for the same text, related to nothing.

    What a profile over these tags reaches is what a profile reaches without information.

    Parameters
    ----------
    n_phrases : int, default=32
        Phrases to draw from.
    n_tags : int, default=3
        Draws of each kind per question; a tag drawn twice counts once.
    random_state : int, default=0
    """

    parameter_constraints: ClassVar[Constraints] = {
        "n_phrases": Integer(1),
        "n_tags": Integer(1, 8),  # a draw takes 4 of the hash's 32 bytes
        "random_state": SEED,
    }

    def __init__(self, n_phrases: int = 32, n_tags: int = 3, random_state: int = 0):
        self.n_phrases = n_phrases
        self.n_tags = n_tags
        self.random_state = random_state

    def fit(self, questions: Texts) -> RandomTagger:
        """Check the parameters; there is nothing to learn."""
        check_parameters(self)
        return self

    def tag(self, questions: Texts) -> list[Tags]:
        """Return tags drawn for each question."""
        names = list(CAPABILITIES)
        drawn = []
        for text in questions:
            digest = hashlib.sha256(f"{self.random_state} {text}".encode()).digest()
            draws = [int.from_bytes(digest[4 * i : 4 * i + 4]) for i in range(self.n_tags)]
            capabilities = [names[draw % len(names)] for draw in draws]
            phrases = [f"topic {draw // len(names) % self.n_phrases}" for draw in draws]
            drawn.append(Tags(unique(capabilities), unique(phrases)))
        return drawn
