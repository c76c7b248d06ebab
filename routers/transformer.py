"""A fine-tuned transformer with one output per llm."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from scipy.special import expit

from routers._targets import column_means, log_odds
from routers.base import Router
from routers.constraints import DEVICE, PATH, SEED, Constraints, Integer, OneOf, Real
from routers.devices import arithmetic, resolve_device
from routers.table import FloatArray, RoutingTable

if TYPE_CHECKING:
    from torch import Tensor

# Names of the head among the trained weights; no pretrained parameter is called so.
_HEAD = ("multilabel_head.weight", "multilabel_head.bias")
_BATCH_TO_ROUTE = 32


class MultiLabelTransformerRouter(Router):
    """Pretrained encoder, fine-tuned to predict from the text which llms answer right.

    The mean of the last hidden states goes through a linear layer with one sigmoid output per llm.
    That layer starts at the llms' mean scores, so that before anything is learned, and where all
    outputs are far below zero, the llms are ranked by how good they are overall (one source falls
    back on the first column). Trained with AdamW; the epoch with the best validation loss is kept.
    The sources choose it by micro-F1, or keep the last.

    Parameters
    ----------
    path : str
        Folder (or hub name) of the pretrained encoder and its tokenizer, e.g. all-MiniLM-L6-v2,
        ``roberta-base`` or ``distilbert-base-uncased``.
    loss : {"bce", "balanced"}, default="bce"
        Binary cross-entropy, plain or with right answers weighted by the mean score of the zoo
        over the llm's own, which raises the predictions for llms that are seldom right.
    epochs : int, default=3
        Largest number of passes over the training questions.
    batch_size : int, default=16
    learning_rate : float, default=5e-5
        Of the pretrained layers.
    head_learning_rate : float, default=1e-3
    weight_decay : float, default=0.01
    warm_up : float, default=0.1
        Share of the steps; the learning rates then fall along a cosine.
    trainable_layers : int or None, default=2
        Number of layers that are trained, counted from the last; None for all weights, the
        embeddings included.
    max_tokens : int, default=128
        Longer questions are cut.
    validation_fraction : float, default=0.15
        Share of the training questions on which the epoch is chosen.
    patience : int, default=2
        Epochs without a better validation loss after which training stops.
    device : str or None, default=None
        As torch names it; by default a GPU where there is one.
    random_state : int, default=0

    Attributes
    ----------
    weights_ : dict of ndarray
        What was trained; the rest is read from ``path``.
    history_ : dict
        Validation loss per epoch, and the epoch kept.

    References
    ----------
    Srivatsa, Maurya and Kochmar, "Harnessing the Power of Multiple Minds: Lessons Learned from LLM
    Routing", Workshop on Insights from Negative Results 2024 (multi-label classifier); Huang et
    al., "RouterEval", EMNLP Findings 2025 (MLC).
    """

    parameter_constraints: ClassVar[Constraints] = {
        "path": PATH,
        "loss": OneOf("bce", "balanced"),
        "epochs": Integer(1),
        "batch_size": Integer(1),
        "learning_rate": Real(0),
        "head_learning_rate": Real(0),
        "weight_decay": Real(0),
        "warm_up": Real(0, 0.9),
        "trainable_layers": Integer(0) | None,
        "max_tokens": Integer(1),
        "validation_fraction": Real(0, 0.9),
        "patience": Integer(1),
        "device": DEVICE | None,
        "random_state": SEED,
    }

    def __init__(
        self,
        path: str,
        loss: str = "bce",
        epochs: int = 3,
        batch_size: int = 16,
        learning_rate: float = 5e-5,
        head_learning_rate: float = 1e-3,
        weight_decay: float = 0.01,
        warm_up: float = 0.1,
        trainable_layers: int | None = 2,
        max_tokens: int = 128,
        validation_fraction: float = 0.15,
        patience: int = 2,
        device: str | None = None,
        random_state: int = 0,
    ):
        self.path = path
        self.loss = loss
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.head_learning_rate = head_learning_rate
        self.weight_decay = weight_decay
        self.warm_up = warm_up
        self.trainable_layers = trainable_layers
        self.max_tokens = max_tokens
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.device = device
        self.random_state = random_state

    @property
    def arithmetic(self) -> str:
        """What the encoder computes with, such as ``"float32 on cpu"``."""
        return arithmetic("float32", self.device)

    def _fit(self, table: RoutingTable) -> None:
        import torch

        backbone = self._backbone()
        names = backbone.trainable(self.trainable_layers)
        devices = [backbone.device] if backbone.device.type == "cuda" else []
        with torch.random.fork_rng(devices=devices):  # drop-out draws from the global generator
            torch.manual_seed(self.random_state)
            weights = backbone.copies(names) | self._new_head(table.scores, backbone)
            self.history_ = self._train(backbone, weights, table)
        self.weights_ = {name: value.detach().cpu().numpy() for name, value in weights.items()}

    def _predict_scores(self, questions: list[str]) -> FloatArray:
        import torch

        backbone = self._backbone()
        weights = {
            name: torch.from_numpy(value).to(backbone.device)
            for name, value in self.weights_.items()
        }
        tokens = backbone.tokens(questions, self.max_tokens)
        logits = np.empty((len(questions), len(self.weights_[_HEAD[1]])))
        with torch.no_grad():
            for rows in _by_length(tokens, _BATCH_TO_ROUTE):
                logits[rows] = backbone.logits(weights, [tokens[i] for i in rows]).cpu().numpy()
        return expit(logits)

    # Steps of fitting -----------------------------------------------------------------------------

    def _train(
        self, backbone: Backbone, weights: dict[str, Tensor], table: RoutingTable
    ) -> dict[str, object]:
        import torch

        from routers._training import Plan, train

        tokens = backbone.tokens(list(table.questions), self.max_tokens)
        head = [weights[name] for name in _HEAD]
        rest = [value for name, value in weights.items() if name not in _HEAD]
        groups: list[dict[str, Any]] = [
            {"params": head, "lr": self.head_learning_rate},
            {"params": rest, "lr": self.learning_rate},
        ]
        history = train(
            lambda rows: backbone.logits(weights, [tokens[i] for i in rows]),
            torch.optim.AdamW(groups, weight_decay=self.weight_decay),
            table.scores,
            self._loss_function(table.scores, backbone.device),
            Plan(
                epochs=self.epochs,
                batch_size=self.batch_size,
                patience=self.patience,
                warm_up=self.warm_up,
                validation_fraction=self.validation_fraction,
                random_state=self.random_state,
            ),
        )
        return {"validation": history.validation, "best_epoch": history.best_epoch}

    def _new_head(self, scores: FloatArray, backbone: Backbone) -> dict[str, Tensor]:
        import torch

        values = (torch.zeros(scores.shape[1], backbone.width), torch.from_numpy(log_odds(scores)))
        return {
            name: value.to(backbone.device).requires_grad_()
            for name, value in zip(_HEAD, values, strict=True)
        }

    def _loss_function(self, scores: FloatArray, device: Any) -> Any:
        import torch

        from routers._training import pointwise

        if self.loss == "bce":
            return pointwise
        weight = torch.from_numpy(balanced_weights(scores)).to(device)
        return partial(pointwise, positive_weight=weight)

    def _backbone(self) -> Backbone:
        return _load_backbone(self.path, self.device)


class Backbone:
    """A pretrained encoder, never changed: what is trained are copies of its weights.

    Parameters
    ----------
    path : str
        Folder or hub name.
    device : str or None
    """

    def __init__(self, path: str, device: str | None):
        import torch
        from transformers import AutoModel, AutoTokenizer

        self.device = resolve_device(device)
        self._tokenizer = AutoTokenizer.from_pretrained(path)
        with torch.random.fork_rng(devices=[]):  # loading initialises before it reads
            network = AutoModel.from_pretrained(path, dtype=torch.float32)
        self._network: Any = network.requires_grad_(False).to(self.device)
        self.width: int = network.config.hidden_size

    def tokens(self, texts: list[str], max_tokens: int) -> list[list[int]]:
        """Return the token ids of each text, special tokens included."""
        return self._tokenizer(texts, truncation=True, max_length=max_tokens)["input_ids"]

    def trainable(self, n_layers: int | None) -> list[str]:
        """Return the names of the weights of the last layers, or of all."""
        from torch import nn

        if n_layers is None:
            return [name for name, _ in self._network.named_parameters()]
        stacks = {
            name: len(module)
            for name, module in self._network.named_modules()
            if isinstance(module, nn.ModuleList)
        }
        stack = max(stacks, key=lambda name: stacks[name])  # the layers: the longest list
        first = stacks[stack] - n_layers
        start = len(stack) + 1
        return [
            name
            for name, _ in self._network.named_parameters()
            if name.startswith(f"{stack}.") and int(name[start:].split(".")[0]) >= first
        ]

    def copies(self, names: list[str]) -> dict[str, Tensor]:
        """Return copies of some weights, to be trained."""
        known = dict(self._network.named_parameters())
        return {name: known[name].detach().clone().requires_grad_() for name in names}

    def logits(self, weights: dict[str, Tensor], tokens: list[list[int]]) -> Tensor:
        """Return the logits of each llm, shape (b, m).

        Parameters
        ----------
        weights : dict of Tensor
            The head's, and those that stand in for pretrained ones.
        tokens : list of list of int
            Token ids of b texts.
        """
        import torch

        padded = self._tokenizer.pad({"input_ids": tokens}, return_tensors="pt").to(self.device)
        replaced = {name: value for name, value in weights.items() if name not in _HEAD}
        self._network.train(torch.is_grad_enabled())  # drop-out is for training only
        inputs = {name: padded[name] for name in ("input_ids", "attention_mask")}
        states = torch.func.functional_call(self._network, replaced, kwargs=inputs)
        mask = padded["attention_mask"].unsqueeze(-1).float()  # (b, t, 1)
        pooled = (states.last_hidden_state * mask).sum(dim=1) / mask.sum(dim=1)  # (b, d)
        return torch.nn.functional.linear(pooled, *(weights[name] for name in _HEAD))


def balanced_weights(scores: FloatArray) -> FloatArray:
    """Weight of a right answer per llm: mean score of the zoo over its own, shape (m,).

    Parameters
    ----------
    scores : ndarray of shape (n, m)
        NaN where not observed; an llm observed to be never right weighs as one right in a hundred.
    """
    means = np.clip(column_means(scores), 0.01, None)
    return (means.mean() / means).astype(np.float32)


def _by_length(tokens: list[list[int]], size: int) -> Iterator[np.ndarray]:
    """Yield positions in batches of like length, so that little is padded."""
    order = np.argsort([len(ids) for ids in tokens], kind="stable")
    for start in range(0, len(order), size):
        yield order[start : start + size]


@lru_cache(maxsize=2)
def _load_backbone(path: str, device: str | None) -> Backbone:
    return Backbone(path, device)
