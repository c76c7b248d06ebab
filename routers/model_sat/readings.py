"""Readings of questions on disk: what a frozen LM holds of a text is computed once.

A reading depends on the LM, the cut and the text, not on llms: zoos, seeds and folds share it.
Numbers are kept in 16 bits and mapped into memory, so that a process holds what it uses only.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache
from pathlib import Path
from uuid import uuid4

import numpy as np
import torch

from routers.batching import run_batches
from routers.content_store import ContentStore, content_key
from routers.encoders import content_fingerprint
from routers.model_sat.language_model import CutLM, Reading
from routers.model_sat.network import require_same_path
from routers.model_sat.plain import without_template
from routers.precomputing import CLOCK, Progress
from routers.table import Texts

log = logging.getLogger(__name__)

_FORMAT = 1
_CHUNK_SECONDS = 5.0  # of reading, at most, are lost when a process is killed


class Readings:
    """The readings of one LM, kept by content.

    Parameters
    ----------
    lm : CutLM
    max_tokens : int
        Longer questions lose their middle.
    folder : Path or None
        Where readings are kept, by LM and cut; by default in this process only.
    limit_gb : float
        Readings beyond this size are computed whenever they are needed.
    fingerprint : str, default=""
        Of the LM and how it reads.
    plain : bool, default=False
        Whether questions lose their template, see :func:`routers.model_sat.plain.without_template`.
    """

    def __init__(
        self,
        lm: CutLM,
        max_tokens: int,
        folder: Path | None,
        limit_gb: float,
        fingerprint: str = "",
        plain: bool = False,
    ):
        self.plain = plain
        self.fingerprint = fingerprint
        self.lm, self.max_tokens, self.limit = lm, max_tokens, limit_gb * 1e9
        self._files = _Files(folder) if folder else None
        self._kept: dict[bytes, np.ndarray] = {}
        self._n_bytes = self._files.n_bytes if self._files else 0

    def fill(self, texts: Texts, progress: Progress | None = None) -> int:
        """Read what is not kept yet and fits; return how many texts that were."""
        if not self._absent(texts):
            return 0
        with self._files.alone() if self._files else nullcontext():
            absent = self._absent(texts)  # another process may have read them meanwhile
            with CLOCK.running():
                return self._fill(sorted(absent), progress)

    def get(self, texts: Sequence[str]) -> list[Reading]:
        """Return the readings of some texts, reading anew those that are not kept."""
        self._absent(texts)
        return [self._reading(text) for text in texts]

    def reader_of(self, texts: Sequence[str]) -> Callable[[np.ndarray], list[Reading]]:
        """Keep what fits of some texts; return what returns the readings of some, by position."""
        self.fill(texts)
        return lambda rows: self.get([texts[row] for row in rows])

    def mean_state(self, texts: Sequence[str]) -> np.ndarray:
        """Return the mean of what enters the upper layers at the last token of prompts, (d,)."""
        states = [self.get([text])[0].states[0].float().cpu().numpy() for text in texts]
        return np.asarray(np.mean(states, axis=0, dtype=np.float64))

    def _fill(self, texts: list[str], progress: Progress | None) -> int:
        chunk: dict[bytes, np.ndarray] = {}
        written = time.perf_counter()
        done = 0
        try:
            for text, numbers in self._read(texts):
                if self._n_bytes + numbers.nbytes > self.limit:
                    self._tell_full(len(texts) - done)
                    break
                self._n_bytes += numbers.nbytes
                chunk[content_key(text)] = numbers
                done += 1
                if progress:
                    progress(done, len(texts))
                if time.perf_counter() - written > _CHUNK_SECONDS:
                    self._keep(chunk)
                    chunk, written = {}, time.perf_counter()
        finally:
            self._keep(chunk)
        return done

    def _read(self, texts: list[str]) -> Iterator[tuple[str, np.ndarray]]:
        prompts = [self._prompt(text) for text in texts]

        def read(rows: np.ndarray) -> np.ndarray:
            return _flat(self.lm.read(prompts[rows[0]]))

        order = np.random.default_rng(0).permutation(len(texts))  # so that the pace is even
        batches = [order[i : i + 1] for i in range(len(order))]
        for rows, numbers in run_batches(read, batches, self.lm.device.type == "cpu"):
            yield texts[rows[0]], numbers

    def _prompt(self, text: str) -> list[int]:
        asked = without_template(text) if self.plain else text
        return self.lm.prompt(asked, self.max_tokens)

    def _keep(self, chunk: dict[bytes, np.ndarray]) -> None:
        if self._files:
            self._kept |= self._files.add(chunk)
        else:
            self._kept |= chunk

    def _absent(self, texts: Texts) -> set[str]:
        absent = {text: key for text in texts if (key := content_key(text)) not in self._kept}
        if absent and self._files:
            self._kept |= self._files.get(list(absent.values()))
        return {text for text, key in absent.items() if key not in self._kept}

    def _reading(self, text: str) -> Reading:
        numbers = self._kept.get(content_key(text))
        if numbers is None:
            numbers = _flat(self.lm.read(self._prompt(text)))
        return self._unfolded(numbers)

    def _unfolded(self, numbers: np.ndarray) -> Reading:
        config, d = self.lm.decoder.config, self.lm.width
        heads, n_layers = config.num_key_value_heads, len(self.lm.upper)
        found = torch.from_numpy(np.array(numbers))
        e = self.lm.upper[0].self_attn.head_dim
        return Reading(found[: 2 * d].view(2, d), found[2 * d :].view(n_layers, 2, heads, -1, e))

    def _tell_full(self, left: int) -> None:
        log.warning(
            "%d questions are read anew whenever they are needed: %.1f GB of readings are kept, "
            "and no more may be (prefix_cache_gb).",
            left,
            self._n_bytes / 1e9,
            extra={"once": "readings-full"},
        )


def _flat(reading: Reading) -> np.ndarray:
    both = torch.cat([reading.states.flatten(), reading.memory.flatten()])
    return both.to(torch.float16).cpu().numpy()


class _Files:
    """Numbers by key in a folder: an index, and files that are only ever added to.

    A process writes to a file of its own, and names what it wrote in the index afterwards: what
    the index names is there.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self._index = ContentStore(folder / "index.sqlite")
        self._own = folder / f"{uuid4().hex}.f16"
        self._maps: dict[str, np.memmap] = {}

    @property
    def n_bytes(self) -> int:
        """Size of what all processes have written."""
        return sum(file.stat().st_size for file in self.folder.glob("*.f16"))

    def alone(self) -> AbstractContextManager[None]:
        """See :meth:`routers.content_store.ContentStore.alone`."""
        return self._index.alone()

    def get(self, keys: Sequence[bytes]) -> dict[bytes, np.ndarray]:
        """Return the numbers of those keys that are there."""
        return {
            key: self._slice(*json.loads(place))
            for key, (place, _) in self._index.get(keys).items()
        }

    def add(self, chunk: dict[bytes, np.ndarray]) -> dict[bytes, np.ndarray]:
        """Write numbers by key, and return them as they are mapped."""
        if not chunk:
            return {}
        self.folder.mkdir(parents=True, exist_ok=True)
        places = []
        with self._own.open("ab") as file:
            for numbers in chunk.values():
                places.append([self._own.name, file.tell() // 2, len(numbers)])
                file.write(numbers.tobytes())
            file.flush()
            os.fsync(file.fileno())
        rows = zip(chunk, places, strict=True)
        self._index.add([(key, json.dumps(place).encode(), 0.0) for key, place in rows])
        return self.get(list(chunk))

    def _slice(self, name: str, start: int, length: int) -> np.ndarray:
        mapped = self._maps.get(name)
        if mapped is None or len(mapped) < start + length:
            file = self.folder / name  # whose last number a killed process may have cut
            shape = file.stat().st_size // 2
            mapped = np.memmap(file, dtype=np.float16, mode="r", shape=shape)
            self._maps[name] = mapped
        return mapped[start : start + length]


@lru_cache(maxsize=2)
def readings_of(
    lm: CutLM, path: str, max_tokens: int, plain: bool, folder: str | None, limit_gb: float
) -> Readings:
    """Return the readings of an LM, one object per process.

    Parameters
    ----------
    lm : CutLM
    path : str
        Where its weights are from.
    max_tokens, plain, limit_gb : int, bool, float
        See :class:`Readings`.
    folder : str or None

    Raises
    ------
    InvalidParameterError
        If soft tokens would not pass the LM's layers as its own tokens do.
    """
    require_same_path(lm, path)
    preparation: tuple = (_FORMAT, lm.cut, max_tokens, str(lm.dtype))
    preparation += ("plain",) * plain + ("untrained",) * (not lm.trained)
    name = content_fingerprint(path, preparation)
    return Readings(lm, max_tokens, Path(folder) / name if folder else None, limit_gb, name, plain)
