"""What an llm is to the network: a few numbers from its aptitude test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from routers._targets import column_means
from routers.aptitude.profiles import complete, profile_text
from routers.encoders import Encoder
from routers.model_sat.connector import Connector
from routers.table import FloatArray
from routers.validation import refusal


@dataclass(frozen=True)
class CapabilityVectors:
    """From a profile (accuracy per task) to a capability vector.

    The vector holds the llm's mean over datasets, its departure from that on each dataset, and
    the leading directions in which profiles depart from what these say, each measured against
    the llms that were learned from.

    Attributes
    ----------
    task_means : ndarray of shape (t,)
        Mean accuracy of the llms learned from; stands for tasks that an llm did not take, shifted
        by how it does on the others.
    groups : ndarray of shape (n_datasets, t)
        Share of each task in a dataset's mean.
    scales : ndarray of shape (1 + n_datasets,)
    fill : ndarray of shape (1 + n_datasets, t)
        What the first numbers say of each task.
    directions : ndarray of shape (c - 1 - n_datasets, t)
    """

    task_means: np.ndarray
    groups: np.ndarray
    scales: np.ndarray
    fill: np.ndarray
    directions: np.ndarray

    @classmethod
    def fit(
        cls, profiles: FloatArray, datasets: np.ndarray, n_directions: int = 8
    ) -> CapabilityVectors:
        """Learn what is typical from the profiles (m, t) of some llms.

        Parameters
        ----------
        profiles : ndarray of shape (m, t)
            Accuracies in [0, 1], NaN where not observed.
        datasets : ndarray of str, shape (t,)
            The dataset that a task belongs to.
        n_directions : int, default=8
            At most; there are no more than the profiles have.
        """
        means = np.nan_to_num(column_means(profiles), nan=0.5)
        names = np.unique(datasets)
        groups = (names[:, None] == datasets).astype(np.float64)
        groups /= groups.sum(axis=1, keepdims=True)
        departures = complete(profiles, means) - means
        few = _of_datasets(departures, groups)
        scales = np.where(few.std(axis=0) > 1e-9, few.std(axis=0), 1.0)
        few = few / scales
        fill = np.linalg.lstsq(few, departures, rcond=1e-6)[0]
        rest = departures - few @ fill
        _, size, rows = np.linalg.svd(rest, full_matrices=False)
        n = min(n_directions, int((size > 1e-6 * np.linalg.norm(departures)).sum()))
        unit = np.sqrt((rest**2).mean()) * np.sqrt(rest.shape[1])
        directions = _signed(rows[:n]) / (unit if unit > 1e-9 else 1.0)
        return cls(means, groups, scales, fill, directions)

    def transform(self, profiles: FloatArray) -> FloatArray:
        """Return the vectors (m, c), float32, of profiles (m, t)."""
        departures = complete(profiles, self.task_means) - self.task_means
        few = _of_datasets(departures, self.groups) / self.scales
        rest = departures - few @ self.fill
        return np.hstack([few, rest @ self.directions.T]).astype(np.float32)


@dataclass(frozen=True)
class TextVectors:
    """From the vector of a profile's text to a capability vector: its leading directions.

    Attributes
    ----------
    task_means : ndarray of shape (t,)
        As in :class:`CapabilityVectors`.
    center : ndarray of shape (d,)
    directions : ndarray of shape (c, d)
        Scaled so that vectors are as long as those made of numbers.
    """

    task_means: np.ndarray
    center: np.ndarray
    directions: np.ndarray

    @classmethod
    def fit(
        cls,
        profiles: FloatArray,
        descriptions: Sequence[str],
        n_directions: int,
        encoder: Encoder,
    ) -> TextVectors:
        """Learn what is typical from the profiles (m, t) of some llms.

        Parameters
        ----------
        profiles : ndarray of shape (m, t)
            Accuracies in [0, 1], NaN where not observed.
        descriptions : sequence of str, length t
        n_directions : int
            At most.
        encoder : Encoder
            Fitted, or one that needs no fitting.
        """
        means = np.nan_to_num(column_means(profiles), nan=0.5)
        vectors = _text_vectors(profiles, means, descriptions, encoder)
        center = vectors.mean(axis=0)
        _, size, rows = np.linalg.svd(vectors - center, full_matrices=False)
        n = min(n_directions, int((size > 1e-6).sum()))
        unit = np.sqrt((size[:n] ** 2).sum() / len(vectors) / max(n, 1))
        return cls(means, center, _signed(rows[:n]) / (unit if unit > 1e-9 else 1.0))

    def transform(
        self, profiles: FloatArray, descriptions: Sequence[str], encoder: Encoder
    ) -> FloatArray:
        """Return the vectors (m, c), float32, of profiles (m, t)."""
        vectors = _text_vectors(profiles, self.task_means, descriptions, encoder)
        return ((vectors - self.center) @ self.directions.T).astype(np.float32)


def learn_vectors(
    connector: Connector, profiles: FloatArray, datasets: np.ndarray, descriptions: Sequence[str]
) -> dict[str, np.ndarray]:
    """Learn from profiles (m, t) what a connector's capability vectors are made by.

    Parameters
    ----------
    connector : Connector
        Of numbers, or of texts; then there are as many directions as numbers would have.
    profiles : ndarray of shape (m, t)
    datasets : ndarray of str, shape (t,)
        The dataset that a task belongs to.
    descriptions : sequence of str, length t

    Raises
    ------
    InvalidParameterError
        If texts are asked for without an encoder.
    """
    n = connector.n_directions
    if connector.capability == "numbers":
        return vars(CapabilityVectors.fit(profiles, datasets, n))
    n += 1 + len(np.unique(datasets))
    return vars(TextVectors.fit(profiles, descriptions, n, _encoder_of(connector)))


def capability_vectors(
    connector: Connector,
    learned: dict[str, np.ndarray],
    profiles: FloatArray,
    descriptions: Sequence[str],
) -> FloatArray:
    """Return the capability vectors (m, c) of profiles (m, t), as :func:`learn_vectors` learned."""
    if connector.capability == "numbers":
        return CapabilityVectors(**learned).transform(profiles)
    return TextVectors(**learned).transform(profiles, descriptions, _encoder_of(connector))


def _encoder_of(connector: Connector) -> Encoder:
    if connector.text_encoder is None:
        raise refusal("Connector", "text_encoder", "an Encoder for capability='text'", None)
    return connector.text_encoder


def _text_vectors(
    profiles: FloatArray, task_means: np.ndarray, descriptions: Sequence[str], encoder: Encoder
) -> FloatArray:
    texts = [profile_text(profile, descriptions) for profile in complete(profiles, task_means)]
    return encoder.transform(texts).astype(np.float64)


def _of_datasets(departures: FloatArray, groups: np.ndarray) -> FloatArray:
    """Return the mean over datasets and each dataset's departure from it, shape (m, 1 + D)."""
    by_dataset = departures @ groups.T
    overall = by_dataset.mean(axis=1, keepdims=True)
    return np.hstack([overall, by_dataset - overall])


def _signed(directions: np.ndarray) -> np.ndarray:
    """Turn each direction so that its largest entry is positive: a singular vector has no sign."""
    rows = np.arange(len(directions))
    largest = np.abs(directions).argmax(axis=1) if directions.size else rows
    return directions * np.sign(directions[rows, largest])[:, None]
