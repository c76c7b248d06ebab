"""The Model-SAT network: a trained connector in front of a causal LM.

References
----------
* Zhang, Zhan and Ye, "Capability Instruction Tuning: A New Paradigm for Dynamic LLM Routing",
  AAAI 2025: capability text -> encoder -> connector -> soft token before question and inquiry;
  an llm's score on a question is P(Yes).
* Lester, Al-Rfou and Constant, "The Power of Scale for Parameter-Efficient Prompt Tuning", EMNLP
  2021: soft tokens in front of a frozen LM.

Letters in shape comments: b questions, m llms, c numbers in a capability vector, k soft tokens,
d width of the LM.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from routers.devices import resolve
from routers.model_sat_paper.arrangements import ARRANGEMENTS, Prefix
from routers.model_sat_paper.language_model import LoRA, load_lm, with_adapters

_SOFT = " assistant"  # what a soft token stands for before it has learned anything
_YES, _NO = " Yes", " No"
# More llms than these are computed in several passes: memory grows with the square of one.
_LLMS_PER_PASS = 64


@dataclass(frozen=True)
class NetworkConfig:
    """What determines the network but for its weights.

    Parameters
    ----------
    lm_path : str
        Folder (or hub name) of a causal LM and its tokenizer.
    n_inputs : int
        Length c of a capability vector.
    n_soft : int, default=1
        Soft tokens k per llm.
    order : {"question_first", "profile_first"}
        Whether the question comes first, so that one pass over it serves all llms, or the
        capability does, as in the paper.
    readout : {"yes_no", "yes", "linear"}
        Logit of P(Yes) against P(No), the raw logit of Yes (the authors' release), or a trained
        linear layer that starts as the first (a variant that the paper names).
    max_question_tokens : int, default=192
        Of a longer question, the first and the last half of that many are kept.
    dtype : {"auto", "float32", "bfloat16", "float16"}
        Arithmetic of the LM; "auto" is bfloat16 where it is native, else float32.
    device : str or None
        As torch names it; by default a GPU where there is one.
    lora : LoRA or None
        How the LM can be adapted, see :meth:`ScoringNetwork.adapt`.
    """

    lm_path: str
    n_inputs: int
    n_soft: int = 1
    order: str = "question_first"
    readout: str = "yes_no"
    max_question_tokens: int = 192
    dtype: str = "auto"
    device: str | None = None
    lora: LoRA | None = None


class Connector(nn.Module):
    """One linear layer from a capability vector to soft tokens, in units of the LM's embeddings.

    It starts blind to the vector: all soft tokens are the embedding of a word, so that the LM
    starts from a sentence it understands and all llms start equal.

    Parameters
    ----------
    n_inputs, n_soft : int
        c and k.
    start : Tensor of shape (d,)
        The word's embedding.
    unit : float
        Root mean square entry of the LM's embeddings. Weights are learned in this unit, so that
        one learning rate suits every LM.
    """

    def __init__(self, n_inputs: int, n_soft: int, start: Tensor, unit: float):
        super().__init__()
        self.n_soft, self.unit = n_soft, unit
        self.weight = nn.Parameter(torch.zeros(n_soft * len(start), n_inputs))
        self.bias = nn.Parameter((start.float() / unit).repeat(n_soft))

    def forward(self, capability: Tensor) -> Tensor:
        """Map (m, c) to soft tokens (m, k, d)."""
        soft = nn.functional.linear(capability, self.weight, self.bias) * self.unit
        return soft.view(len(capability), self.n_soft, -1)


class ScoringNetwork(nn.Module):
    """Logits of "this llm answers this question correctly".

    Parameters
    ----------
    config : NetworkConfig

    Raises
    ------
    ValueError
        If Yes and No begin with the same token, so that no logit tells them apart.
    """

    def __init__(self, config: NetworkConfig):
        super().__init__()
        self.config = config
        self.lm = load_lm(config.lm_path, *resolve(config.dtype, config.device))
        start = self.lm.embed(self.lm.tokens(_SOFT)).float().mean(dim=0)
        self.connector = Connector(config.n_inputs, config.n_soft, start, self.lm.embedding_rms)
        # What a logit of the LM is worth, learned with the connector.
        self.scale = nn.Parameter(torch.ones(()))
        self.shift = nn.Parameter(torch.zeros(()))
        self.lora = nn.ParameterDict()  # none until the LM is adapted
        self.arrangement = ARRANGEMENTS[config.order](self.lm, config.max_question_tokens)
        if self.lm.tokens(_YES)[:1] == self.lm.tokens(_NO)[:1]:
            raise ValueError(
                f"The tokenizer of 'lm_path' must tell {_YES!r} from {_NO!r} by the first token, "
                f"got {self.lm.tokens(_YES)[:1]} for both of {config.lm_path!r}. Use another LM."
            )
        self.direction, self.offset = self.lm.output_weights(_YES)  # (d,), ()
        if config.readout != "yes":
            no, no_bias = self.lm.output_weights(_NO)
            self.direction, self.offset = self.direction - no, self.offset - no_bias
        self.turn = nn.Parameter(torch.zeros(self.lm.width)) if config.readout == "linear" else None
        self.to(self.lm.device)

    @property
    def prefix_key(self) -> tuple[object, ...]:
        """What a question's prefix depends on besides the question, for a frozen LM."""
        config = self.config
        return (
            config.lm_path,
            self.lm.dtype,
            self.lm.device,
            config.order,
            config.max_question_tokens,
        )

    @property
    def adapted(self) -> bool:
        """Whether the LM has adapters that learn."""
        return len(self.lora) > 0

    def adapt(self, seed: int) -> None:
        """Give the LM adapters of this network's own; they add nothing until they have learned."""
        if self.config.lora is None:
            raise ValueError("'lora' of the NetworkConfig must say how to adapt the LM, got None.")
        self.lm, learned = with_adapters(self.lm, self.config.lora, seed)
        # a parameter's name must hold no dot
        self.lora.update({name.replace(".", "/"): value for name, value in learned.items()})
        self.arrangement.lm = self.lm

    def prefix(self, question: str) -> Prefix:
        """Compute what all llms share of a question.

        Each question is computed alone and unpadded: in 16 bits the logits of one would otherwise
        depend by some hundredths on what else was in its batch. A frozen LM's needs no gradient.
        """
        with torch.set_grad_enabled(self.adapted and torch.is_grad_enabled()):
            return self.arrangement.prefix(question)

    def forward(self, prefixes: Sequence[Prefix], capability: Tensor) -> Tensor:
        """Return logits (b, m) for capability vectors (m, c)."""
        soft = self.connector(capability).to(self.lm.dtype)  # (m, k, d)
        passes = [self.arrangement.hidden(prefixes, part) for part in soft.split(_LLMS_PER_PASS)]
        hidden = torch.cat(passes, dim=1)  # (b, m, d)
        direction = self.direction
        if self.turn is not None:
            # in a unit of the order of 1 / d, a step of the optimizer moves a logit by about its
            # learning rate, as a step on scale and shift does
            direction = direction + self.turn * (2 / self.lm.width)
        return self.scale * (hidden.float() @ direction + self.offset) + self.shift

    def weights(self) -> dict[str, np.ndarray]:
        """Return the learned weights, adapters included, as plain arrays."""
        state = self.state_dict()
        return {name: value.detach().cpu().numpy().copy() for name, value in state.items()}

    def load_weights(self, weights: dict[str, np.ndarray]) -> None:
        """Take over what :meth:`weights` returned; adapt the LM if the weights hold adapters."""
        if not self.adapted and any(name.startswith("lora.") for name in weights):
            self.adapt(seed=0)
        state = {name: torch.from_numpy(np.array(value)) for name, value in weights.items()}
        self.load_state_dict(state)
