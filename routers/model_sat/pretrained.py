"""A network trained once on a pool of llms, kept in a folder, for any zoo of other llms.

The folder holds ``router.skops`` (what :func:`routers.persistence.save_router` writes) and
``card.json``: what it was trained on, and the hash of the former.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from sklearn.base import clone

from routers.aptitude.cards import examined
from routers.aptitude.examination import AptitudeTest
from routers.content_store import content_key
from routers.persistence import load_router, save_router
from routers.table import RoutingTable

if TYPE_CHECKING:
    from routers.model_sat.router import ModelSATRouter

log = logging.getLogger(__name__)

_VERSION = 1
_ROUTER, _CARD, _STATE = "router.skops", "card.json", "training.pt"
# What a network has learned that does not depend on candidates.
_LEARNED = (
    "aptitude_test_",
    "vectors_",
    "weights_",
    "card_means_",
    "level_questions_",
    "level_weights_",
    "loss_",
    "lm_",
)


@dataclass(frozen=True)
class PretrainingCard:
    """What a network was trained on.

    Parameters
    ----------
    name : str
        Of the outcomes, as whoever trained it calls them.
    datasets : dict of str to int
        Training questions of each.
    questions : list of str
        Hash of each training question's text.
    llms : list of str
        Whose outcomes were learned from.
    lm : str
        Hash of the LM's weights, the cut and the preparation of a question.
    router : str
        With its parameters.
    sha256 : str
        Of the router's file.
    n_steps : int
    loss : float
        Mean of the last tenth of the steps.
    version : int
        Of the format.
    """

    name: str
    datasets: dict[str, int]
    questions: list[str]
    llms: list[str]
    lm: str
    router: str
    sha256: str
    n_steps: int
    loss: float
    version: int = _VERSION


def pretrain(
    router: ModelSATRouter, table: RoutingTable, folder: str | Path, name: str
) -> PretrainingCard:
    """Train a network on the llms of a table and keep it in a folder.

    A call that was interrupted goes on where it stood when it is made again.

    Parameters
    ----------
    router : ModelSATRouter
        Not changed.
    table : RoutingTable
        Training questions only, of llms that will not be candidates.
    folder : str or Path
        A value of the parameter ``pretrained`` afterwards.
    name : str
        What the outcomes are called on the card.

    Raises
    ------
    ValueError
        If the folder holds a network already, or the state of another training.
    """
    folder = Path(folder)
    if (folder / _CARD).exists():
        raise ValueError(
            f"{folder} must be a folder without a pretrained network, it holds one of "
            f"{read_card(folder).name!r}. Name another folder."
        )
    teaching = clone(router.taught).set_params(checkpoint=str(folder / _STATE))
    router = clone(router).set_params(teaching=teaching)
    router.fit(table)
    router.retain([])
    teaching.set_params(checkpoint=None)
    card = _card(router, table, save_router(router, folder / _ROUTER), name)
    part = folder / f".{_CARD}.part"
    part.write_text(json.dumps(asdict(card), indent=1) + "\n")
    part.replace(folder / _CARD)  # last: a folder with a card is whole
    (folder / _STATE).unlink(missing_ok=True)
    return card


def _card(router: ModelSATRouter, table: RoutingTable, file: Path, name: str) -> PretrainingCard:
    loss = router.loss_
    return PretrainingCard(
        name,
        dict(sorted(Counter(map(str, table.datasets)).items())),
        sorted(content_key(question).hex() for question in set(table.questions)),
        sorted(map(str, table.llms)),
        router.lm_,
        " ".join(repr(router).split()),
        _sha256(file),
        len(loss),
        float(np.mean(loss[-max(1, len(loss) // 10) :])),
    )


def read_card(folder: str | Path) -> PretrainingCard:
    """Read the card of a pretrained network.

    Raises
    ------
    ValueError
        If there is none, or one of another format.
    """
    file = Path(folder) / _CARD
    if not file.exists():
        raise ValueError(
            f"{folder} must be a folder with a pretrained network, it has no {_CARD}. Make one "
            "with `make pretrain`, or let an interrupted one end."
        )
    found = json.loads(file.read_text())
    if set(found) != set(PretrainingCard.__dataclass_fields__) or found["version"] != _VERSION:
        raise ValueError(
            f"{file} must be a card of version {_VERSION}, got version {found.get('version')!r}. "
            "Train the network again."
        )
    return PretrainingCard(**found)


def take_over(router: ModelSATRouter, table: RoutingTable) -> None:
    """Let a router begin with what a pretrained network has learned.

    Parameters
    ----------
    router : ModelSATRouter
        Its parameter ``pretrained`` names the folder.
    table : RoutingTable
        Outcomes of the candidates.

    Raises
    ------
    ValueError
        If the folder is not whole, its network stands on another LM, or a candidate has not taken
        half of its aptitude test.
    """
    folder = Path(str(router.pretrained))
    card = read_card(folder)
    if _sha256(folder / _ROUTER) != card.sha256:
        raise ValueError(
            f"{folder / _ROUTER} must be the file that the card beside it is of, its hash is "
            "another one. Copy the whole folder again."
        )
    _require_lm(router, card, folder)
    learned = load_router(folder / _ROUTER)
    for name in _LEARNED:
        setattr(router, name, getattr(learned, name))
    router.pretraining_ = {
        "questions": card.questions,
        "connector": learned.connected,
        "teaching": learned.taught,
    }
    _require_examined(AptitudeTest(**router.aptitude_test_), table, folder)
    both = sorted(set(card.llms) & set(map(str, table.llms)))
    if both:
        log.warning(
            "%d of %d candidates are among the llms that %s was trained on, such as %r.",
            *(len(both), table.n_llms, folder, both[0]),
            extra={"once": "pretrained-on-candidates"},
        )


def tell_trained_on(questions: list[str], trained_on: list[str]) -> None:
    """Say so where questions were trained on: a score on them is no test."""
    known = set(trained_on)
    n = sum(content_key(question).hex() in known for question in questions)
    if n:
        log.warning(
            "%d of %d questions to route are among those that the network was trained on.",
            *(n, len(questions)),
            extra={"once": "pretrained-on-questions"},
        )


def _require_lm(router: ModelSATRouter, card: PretrainingCard, folder: Path) -> None:
    found = router.reader.fingerprint
    if found != card.lm:
        raise ValueError(
            f"{folder} must stand on the LM of 'reader' ({found}), it stands on {card.lm}: other "
            f"weights, depth, length or arithmetic. It was trained by {card.router}."
        )


def _require_examined(test: AptitudeTest, table: RoutingTable, folder: Path) -> None:
    passed = examined(test, table)
    if not passed.all():
        raise ValueError(
            f"ModelSATRouter.fit: every candidate must have taken half of the {test.n_questions} "
            f"questions of the aptitude test of {folder}, {table.llms[~passed][0]!r} has not. Let "
            "it answer them (their ids are in 'aptitude_test_'), or train without 'pretrained'."
        )


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
