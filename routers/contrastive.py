"""RouterDC: bring questions near the llms that answer them, by two contrastive losses."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
from scipy.special import expit, logit
from sklearn.cluster import KMeans

from routers._contrast import places, sample_llm_loss, sample_sample_loss
from routers._distinct import n_distinct
from routers._likelihood import most_probable
from routers._targets import column_means, observed
from routers._weighing import best_share, inner_folds, moved
from routers.base import Router
from routers.constraints import ENCODER, SEED, Boolean, Constraints, Integer, Real
from routers.encoders import Encoder, encode_training
from routers.table import FloatArray, RoutingTable

if TYPE_CHECKING:
    import torch

_FLAT = 1e-3  # least slope from cosine to logit: the order of the llms is the cosine's
_CERTAIN = 0.01  # no mean is nearer to 0 or 1 in log-odds
_LEAN = 4.0  # sets the llms apart at the start, where all are near the mean question


class RouterDC(Router):
    """Rank llms by the cosine between their trained vector and the projected question.

    Two losses are summed over small batches. *Sample-LLM*: for each of the ``n_positive`` best
    llms of a question, a softmax of its cosine against those of the ``n_negative`` worst.
    *Sample-sample*: a softmax of the question's cosine with one of its k-means cluster against
    ``n_others`` of other clusters.

    Where it differs from the source: the sentence encoder is frozen and a square projection of
    its vectors is trained, from the identity, in place of a 100M encoder; llms that tie share the
    places among the best and worst, and only a strictly worse llm counts against one, so that a
    question on which all tie teaches nothing; an llm's vector starts at the mean question, leant
    toward those it answers better than the zoo, so that nothing depends on names; clusters are
    of the vectors, not of their t-SNE picture; the number of steps is fixed, where the source
    keeps the step that is best on the test questions.

    The source ranks by the cosine alone, in which how good an llm is overall is worth no more than
    where the questions lie: on questions of one dataset it loses to the best single llm. Here an
    llm's score is its training mean, moved in log-odds by how far the cosine lies above the llm's
    mean cosine, times a slope; slope and share of it are chosen on inner folds of the training
    questions, and the share is 0 unless it helps visibly. ``weigh=False`` is the source's ranking,
    put in [0, 1] by one rising logistic curve of the cosine for all llms, fitted on the training
    questions.

    Parameters
    ----------
    encoder : Encoder, default=TfidfEncoder()
    n_positive, n_negative : int, default=3
    n_clusters : int, default=5
    n_others : int, default=3
    sample_weight : float, default=1.0
        Of the sample-sample loss, at least 0.
    temperature : float, default=1.0
        Divides the cosines in both losses.
    n_steps : int, default=100
        Chosen, like ``learning_rate``, on inner folds of one training part of 775 questions
        (about eight passes); 600 steps were worse.
    batch_size : int, default=64
    learning_rate : float, default=1e-3
    weight_decay : float, default=0.01
    weigh : bool, default=True
        Start from each llm's training mean, which takes five more trainings; otherwise rank by the
        cosine alone.
    random_state : int, default=0

    Attributes
    ----------
    projection_ : ndarray of shape (d, d)
    llm_vectors_ : ndarray of shape (m, d)
        Of length 1.
    share_ : float
        Share of the cosine that is used, in [0, 1]; with ``weigh`` only.

    References
    ----------
    Chen et al., "RouterDC: Query-Based Router by Dual Contrastive Learning for Assembling Large
    Language Models", NeurIPS 2024.
    """

    parameter_constraints: ClassVar[Constraints] = {
        "encoder": ENCODER | None,
        "n_positive": Integer(1),
        "n_negative": Integer(1),
        "n_clusters": Integer(1),
        "n_others": Integer(1),
        "sample_weight": Real(0),
        "temperature": Real(1e-3),
        "n_steps": Integer(1),
        "batch_size": Integer(1),
        "learning_rate": Real(0),
        "weight_decay": Real(0),
        "weigh": Boolean(),
        "random_state": SEED,
    }

    def __init__(
        self,
        encoder: Encoder | None = None,
        n_positive: int = 3,
        n_negative: int = 3,
        n_clusters: int = 5,
        n_others: int = 3,
        sample_weight: float = 1.0,
        temperature: float = 1.0,
        n_steps: int = 100,
        batch_size: int = 64,
        learning_rate: float = 1e-3,
        weight_decay: float = 0.01,
        weigh: bool = True,
        random_state: int = 0,
    ):
        self.encoder = encoder
        self.n_positive = n_positive
        self.n_negative = n_negative
        self.n_clusters = n_clusters
        self.n_others = n_others
        self.sample_weight = sample_weight
        self.temperature = temperature
        self.n_steps = n_steps
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.weigh = weigh
        self.random_state = random_state

    def _fit(self, table: RoutingTable) -> None:
        self.encoder_, vectors = encode_training(self.encoder, table.questions)
        self.projection_, self.llm_vectors_ = self._train(vectors, table.scores)
        cosines = self._cosines(vectors)
        if self.weigh:
            self.means_, self.mean_cosines_ = observed(table.scores)[2], cosines.mean(axis=0)
            self.slope_, self.share_ = self._weigh(vectors, table.scores)
        else:
            curve = _curve(_with_constant(cosines.ravel()), 0.0, table.scores)
            self.curve_ = np.array([max(curve[0], _FLAT), curve[1]])

    def _weigh(self, vectors: FloatArray, scores: FloatArray) -> tuple[float, float]:
        """Return the slope from cosine to log-odds, and its share, by questions held out."""
        expected, lead = np.full(scores.shape, 0.5), np.zeros(scores.shape)
        fold = inner_folds(len(scores), self.random_state)
        for k in np.unique(fold) if len(scores) > 1 else ():
            rest, held_out = fold != k, fold == k
            learned = self._train(vectors[rest], scores[rest])
            expected[held_out] = observed(scores[rest])[2]
            typical = _cosines(vectors[rest], *learned).mean(axis=0)
            lead[held_out] = _cosines(vectors[held_out], *learned) - typical
        start = logit(np.clip(expected, _CERTAIN, 1 - _CERTAIN)).ravel()
        slope = max(float(_curve(lead.reshape(-1, 1), start, scores)[0]), _FLAT)
        return slope, best_share(expected, [slope * lead], scores)[1]

    def _train(self, vectors: FloatArray, scores: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the projection (d, d) and the llms' vectors (m, d)."""
        import torch

        x, label = torch.from_numpy(vectors), torch.from_numpy(self._clusters(vectors))
        best = torch.from_numpy(places(scores, self.n_positive))
        worst = torch.from_numpy(places(-scores, self.n_negative))
        outcome = torch.tensor(scores)
        shift = torch.zeros(x.shape[1], x.shape[1], requires_grad=True)
        llms = torch.from_numpy(_start(vectors, scores)).requires_grad_()
        optimizer = torch.optim.AdamW(
            [shift, llms], lr=self.learning_rate, weight_decay=self.weight_decay
        )
        rng = np.random.default_rng(self.random_state)
        for batch in _batches(len(x), self.batch_size, self.n_steps, rng):
            question = _unit(x[batch] + x[batch] @ shift)
            cosines = question @ _unit(llms).T / self.temperature
            loss = sample_llm_loss(cosines, outcome[batch], best[batch], worst[batch])
            draw = torch.from_numpy(rng.random((len(batch), len(batch)), dtype=np.float32))
            pairs = question @ question.T / self.temperature
            alike = sample_sample_loss(pairs, label[batch], draw, self.n_others)
            optimizer.zero_grad()
            (loss + self.sample_weight * alike).backward()
            optimizer.step()
        projection = np.eye(x.shape[1], dtype=np.float32) + shift.detach().numpy()
        return projection, _unit(llms.detach()).numpy()

    def _clusters(self, vectors: FloatArray) -> np.ndarray:
        k = n_distinct(vectors, self.n_clusters)
        return KMeans(k, n_init=10, random_state=self.random_state).fit(vectors).labels_

    def _cosines(self, vectors: FloatArray) -> FloatArray:
        return _cosines(vectors, self.projection_, self.llm_vectors_)

    def _predict_scores(self, questions: list[str]) -> FloatArray:
        cosines = self._cosines(self.encoder_.transform(questions))
        if self.weigh:
            lead = self.share_ * self.slope_ * (cosines - self.mean_cosines_)
            return moved(np.broadcast_to(self.means_, lead.shape), lead)
        slope, offset = self.curve_
        return expit(slope * cosines + offset)


def _cosines(vectors: FloatArray, projection: FloatArray, llms: FloatArray) -> FloatArray:
    question = vectors @ projection
    length = np.linalg.norm(question, axis=1, keepdims=True)
    return question @ llms.T / np.maximum(length, 1e-6)


def _curve(traits: FloatArray, start: FloatArray | float, scores: FloatArray) -> FloatArray:
    """Weights of the traits in the log-odds of the scores, which are taken row by row."""
    return most_probable(traits, start, scores.ravel(), np.full(traits.shape[1], 1e-3))


def _start(vectors: FloatArray, scores: FloatArray) -> FloatArray:
    lead = np.nan_to_num(scores - column_means(scores.T)[:, None])
    return ((1 + _LEAN * lead).T @ vectors / len(vectors)).astype(np.float32)


def _batches(n: int, size: int, steps: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Positions of each step's questions: every question once before any comes again."""
    size = min(size, n)
    passes = [rng.permutation(n)[: n // size * size] for _ in range(-(-steps // (n // size)))]
    return list(np.concatenate(passes).reshape(-1, size)[:steps])


def _unit(x: torch.Tensor) -> torch.Tensor:
    import torch

    return torch.nn.functional.normalize(x, dim=-1, eps=1e-6)


def _with_constant(column: FloatArray) -> FloatArray:
    return np.column_stack([column, np.ones(len(column))])
