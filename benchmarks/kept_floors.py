"""What the floors chose on a fold, kept for all processes: a sweep asks for each router again."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import sklearn
from sklearn.base import BaseEstimator

import routers
from benchmarks.carriers import cache_folder
from routers.content_store import ContentStore
from routers.recognition import RecognisedDatasetRouter
from routers.table import RoutingTable

Found = tuple[dict[str, np.ndarray], int]  # choices by floor, and the best single llm


def kept(key: bytes, find: Callable[[], Found]) -> Found:
    """Return what is kept under a key, or find it, while other processes wait for it, and keep it.

    Parameters
    ----------
    key : bytes
        Of all that it depends on: :func:`key_of`.
    find : callable
    """
    store = ContentStore(cache_folder() / "floors.sqlite")
    with store.alone():
        if key in (rows := store.get([key])):
            choices, best_single = json.loads(rows[key][0])
            return {name: np.array(choice) for name, choice in choices.items()}, best_single
        began = time.perf_counter()
        found, best_single = find()
        choices = {name: choice.tolist() for name, choice in found.items()}
        content = json.dumps([choices, best_single]).encode()
        store.add([(key, content, time.perf_counter() - began)])
    return found, best_single


def key_of(
    table: RoutingTable, train: bytes, test: bytes, recogniser: RecognisedDatasetRouter
) -> bytes:
    """Return the key of floors: of outcomes, fold, recognizer, and the code that routes.

    Parameters
    ----------
    table : RoutingTable
        Its order counts: choices are positions.
    train, test : bytes
        Positions of the fold's questions.
    recogniser : RecognisedDatasetRouter
        Unfitted.
    """
    order = [list(table.llms), list(table.ids)]
    versions = [sklearn.__version__, np.__version__]
    told = json.dumps([table.content_hash, order, versions, _described(recogniser)])
    digest = hashlib.sha256(told.encode())
    code = [Path(__file__).with_name("bounds.py"), *Path(routers.__file__).parent.rglob("*.py")]
    for part in (train, test, *(file.read_bytes() for file in sorted(code))):
        digest.update(hashlib.sha256(part).digest())
    return digest.digest()


def _described(part: object) -> str:
    """Return a router or an encoder by its class, its weights and its parameters."""
    if not isinstance(part, BaseEstimator):
        return repr(part)
    given = {name: _described(value) for name, value in part.get_params(deep=False).items()}
    return repr((type(part).__qualname__, getattr(part, "fingerprint", None), given))
