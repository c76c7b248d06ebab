"""A profile as one vector: what the connector of Model-SAT is given of an llm."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from routers._targets import column_means
from routers.aptitude.profiles import complete, profile_text
from routers.constraints import ENCODER, Constraints, OneOf, SequenceOf, Text
from routers.encoders import Encoder
from routers.table import FloatArray
from routers.validation import check_parameters

log = logging.getLogger(__name__)


class CapabilityEncoder:
    """Turns profiles into vectors, centred and scaled on the training zoo.

    The llms of a zoo resemble each other far more than they differ, so each block of numbers is
    centred on the training zoo and divided by the root mean square length of what remains:
    the connector sees differences, of length about 1 whatever the encoder.

    * ``"pooled"``: two blocks. ``A E / T``, the mean over tasks of the task's embedding weighted
      by the accuracy on it (after centring, tasks on which the llm differs from the zoo count, with
      their sign: similar tasks share strength), and the accuracies ``A`` themselves.
    * ``"numbers"``: the accuracies ``A``.
    * ``"text"``: the embedding of the whole profile as text, as the paper does. An encoder reads
      only the first tasks of it (:func:`tasks_read`).

    Parameters
    ----------
    mode : {"pooled", "numbers", "text"}
    encoder : Encoder
        Fitted; not used by ``"numbers"``.
    descriptions : sequence of str, length T
        Each task in a few words.

    References
    ----------
    Zhang, Zhan and Ye, "Capability Instruction Tuning" (Model-SAT), AAAI 2025.
    """

    parameter_constraints: ClassVar[Constraints] = {
        "mode": OneOf("pooled", "numbers", "text"),
        "encoder": ENCODER,
        "descriptions": SequenceOf(Text()),
    }

    def __init__(self, mode: str, encoder: Encoder, descriptions: Sequence[str]):
        self.mode = mode
        self.encoder = encoder
        self.descriptions = list(descriptions)

    def fit(self, profiles: FloatArray, order: np.ndarray | None = None) -> dict:
        """Learn what is typical of the training zoo.

        Parameters
        ----------
        profiles : ndarray of shape (m, T)
            Accuracies in [0, 1], NaN where not observed.
        order : ndarray of int, shape (T,), optional
            In which the tasks are listed in the text; nothing else depends on an order.

        Returns
        -------
        dict
            Plain arrays, to be handed to :meth:`transform`: ``task_means`` (T,), ``order`` (T,),
            and centre and scale per block.
        """
        check_parameters(self)
        task_means = np.nan_to_num(column_means(profiles), nan=0.5)
        order = np.arange(len(task_means)) if order is None else order
        blocks = self._blocks(complete(profiles, task_means), order)
        centres = [block.mean(axis=0) for block in blocks]
        scales = [_rms_length(block - c) for block, c in zip(blocks, centres, strict=True)]
        return {"task_means": task_means, "order": order, "centres": centres, "scales": scales}

    def transform(self, profiles: FloatArray, state: dict) -> FloatArray:
        """Return float32 vectors of shape (m, c) for profiles of shape (m, T)."""
        blocks = self._blocks(complete(profiles, state["task_means"]), state["order"])
        parts = zip(blocks, state["centres"], state["scales"], strict=True)
        scaled = [(block - centre) / scale for block, centre, scale in parts]
        return np.concatenate(scaled, axis=1).astype(np.float32)

    def _blocks(self, profiles: FloatArray, order: np.ndarray) -> list[FloatArray]:
        if self.mode == "numbers":
            return [profiles]
        if self.mode == "pooled":
            embeddings = self.encoder.transform(self.descriptions).astype(np.float64)  # (T, d)
            return [profiles @ embeddings / len(embeddings), profiles]
        words = [self.descriptions[task] for task in order]
        texts = [profile_text(profile[order], words) for profile in profiles]
        return [self.encoder.transform(texts).astype(np.float64)]


def tasks_read(encoder: Encoder, profile: FloatArray, descriptions: Sequence[str]) -> int:
    """Count the tasks of a profile text that an encoder reads before it cuts.

    Found from outside, hence for any encoder: the text of the first t tasks is as good as the
    whole from the point on where the vector no longer changes.
    """
    texts = [profile_text(profile[:t], descriptions[:t]) for t in range(1, len(descriptions) + 1)]
    vectors = encoder.transform(texts)
    same = (np.abs(vectors - vectors[-1]) < 1e-4).all(axis=1)
    return int(np.argmax(same)) + 1


def _rms_length(vectors: FloatArray) -> float:
    """Root mean square Euclidean length; 1 where all vectors are 0 (nothing to scale)."""
    length = float(np.sqrt((vectors**2).sum(axis=1).mean()))
    return length if length > 1e-12 else 1.0
