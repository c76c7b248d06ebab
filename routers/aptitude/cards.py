"""Profile cards: what an aptitude test says of one llm, as a small JSON document."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Self, cast

import numpy as np

from routers.aptitude.examination import AptitudeTest
from routers.base import Router
from routers.table import RoutingTable

_VERSION = 1
# Below this share of the test observed, a card says too little.
_MIN_COVERAGE = 0.5


@dataclass(frozen=True)
class ProfileCard:
    """The result of one llm in one aptitude test.

    Parameters
    ----------
    llm : str
    test : str
        Fingerprint of the aptitude test: which questions, in which tasks.
    accuracies : list of float or None, length T
        Mean observed score per task in [0, 1]; None where no question was observed.
    shots : list of int, length T
        Observed questions per task.
    version : int
        Of the format.
    """

    llm: str
    test: str
    accuracies: list[float | None]
    shots: list[int]
    version: int = _VERSION

    @classmethod
    def examine(cls, llm: str, test: AptitudeTest, outcomes: RoutingTable) -> ProfileCard:
        """Make the card of an llm from a table with its outcomes in one column.

        Raises
        ------
        ValueError
            If less than half of the test was observed.
        """
        if not examined(test, outcomes)[0]:
            taken = int(test.coverage(outcomes)[0])
            raise ValueError(
                f"admit: {llm!r} must have taken at least {_MIN_COVERAGE:.0%} of the "
                f"{test.n_questions} questions of the aptitude test, got {taken}. Their ids are "
                "in 'aptitude_test_[\"tasks\"]'."
            )
        accuracies = test.profiles(outcomes)[0]
        listed = [None if np.isnan(value) else float(value) for value in accuracies]
        return cls(llm, test.fingerprint, listed, test.shots(outcomes)[0].tolist())

    def numbers(self) -> np.ndarray:
        """Return the accuracies as an array of shape (T,), NaN where not observed."""
        return np.array([np.nan if a is None else a for a in self.accuracies], dtype=np.float64)

    def require_test(self, test: AptitudeTest) -> None:
        """Raise ValueError unless the card is of this aptitude test."""
        if self.test != test.fingerprint:
            raise ValueError(
                f"The card of {self.llm!r} must be of aptitude test {test.fingerprint}, got "
                f"{self.test}. Let the llm answer the questions of this router's test."
            )

    def to_json(self) -> str:
        """Return the card as a JSON object."""
        return json.dumps(asdict(self), indent=1)

    @classmethod
    def from_json(cls, text: str) -> ProfileCard:
        """Read a card that :meth:`to_json` wrote.

        Raises
        ------
        ValueError
            If a field is missing or unknown, or the format is of another version.
        """
        found = json.loads(text)
        wanted = set(cls.__dataclass_fields__)
        if not isinstance(found, dict) or set(found) != wanted:
            got = sorted(found) if isinstance(found, dict) else type(found).__name__
            raise ValueError(f"A profile card must hold {sorted(wanted)}, got {got}.")
        if found["version"] != _VERSION:
            raise ValueError(
                f"A profile card must be of version {_VERSION}, got {found['version']!r}. "
                "Make it again from the llm's outcomes."
            )
        if len(found["accuracies"]) != len(found["shots"]):
            raise ValueError("A profile card must have as many accuracies as shots.")
        return cls(**found)


def examined(test: AptitudeTest, outcomes: RoutingTable) -> np.ndarray:
    """Tell which llms of a table have taken enough of a test for a card: half of its questions.

    Parameters
    ----------
    test : AptitudeTest
    outcomes : RoutingTable of m llms

    Returns
    -------
    ndarray of bool, shape (m,)
    """
    return test.coverage(outcomes) >= _MIN_COVERAGE * test.n_questions


class TakesCards(ABC):
    """What a :class:`Router` with an aptitude test does with profile cards (a mix-in).

    A subclass overrides ``_take_card``: what an llm is to it, from the card alone.
    """

    aptitude_test_: dict

    def card(self, llm: str, outcomes: RoutingTable) -> ProfileCard:
        """Return the card of an llm from its outcomes on the aptitude test.

        Parameters
        ----------
        llm : str
            A column of ``outcomes``, candidate or not.
        outcomes : RoutingTable
            Holding (some of) the test's questions; others are not looked at.

        Raises
        ------
        ValueError
            If less than half of the test was observed.
        """
        router = cast(Router, self)
        router._require_fitted()
        router._require_table(outcomes, "card")
        return self._card(llm, outcomes.select([llm]))

    def admit_card(self, card: ProfileCard) -> Self:
        """Add a candidate from its card alone; its cost is unknown.

        Raises
        ------
        ValueError
            If the card is of another aptitude test, or the llm is in the zoo already.
        """
        router = cast(Router, self)
        router._require_fitted()
        if card.llm in set(router.llms_):
            raise ValueError(f"admit_card: {card.llm!r} is in the zoo already. Fit again.")
        self._take_card(card)
        router._append_llm(card.llm, np.nan)
        return self

    def retain(self, llms: Sequence[str]) -> Self:
        """Keep some of the candidates only; others can be admitted by card later.

        Parameters
        ----------
        llms : sequence of str
            Each a candidate, in any order; none to keep what was learned alone.

        Raises
        ------
        ValueError
            If one of them is not in the zoo.
        """
        router = cast(Router, self)
        router._require_fitted()
        strange = sorted(set(llms) - set(router.llms_))
        if strange:
            raise ValueError(
                f"retain: {strange[0]!r} must be in the zoo of {len(router.llms_)} llms, it is "
                "not. Name candidates only."
            )
        kept = np.isin(router.llms_, list(llms))
        known = np.isin(router._known_, list(llms))
        self._retain(np.flatnonzero(known))
        router._set_zoo(router._known_[known], router.llms_[kept], router.mean_costs_[kept])
        return self

    def _admit(self, llm: str, outcomes: RoutingTable) -> None:
        self._take_card(self._card(llm, outcomes))

    def _card(self, llm: str, outcomes: RoutingTable) -> ProfileCard:
        return ProfileCard.examine(llm, AptitudeTest(**self.aptitude_test_), outcomes)

    @abstractmethod
    def _take_card(self, card: ProfileCard) -> None:
        """Add a last llm from its card, whose aptitude test may be another one (an error)."""

    @abstractmethod
    def _retain(self, places: np.ndarray) -> None:
        """Keep the llms at some places of the order in which they are known."""
