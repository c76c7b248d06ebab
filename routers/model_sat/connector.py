"""``Connector``: what is handed to the LM of an llm's profile, and what may adapt to it."""

from __future__ import annotations

from typing import ClassVar

from sklearn.base import BaseEstimator

from routers.constraints import ENCODER, Boolean, Constraints, Integer, OneOf, Real
from routers.encoders import Encoder


class Connector(BaseEstimator):
    """From an llm's profile to soft tokens, and their way through the upper layers of the LM.

    Parameters
    ----------
    capability : {"numbers", "text"}, default="numbers"
        What of the profile is handed over: numbers made of the accuracies, or directions of the
        vector of the profile written out as a text, which is the paper's.
    n_directions : int, default=8
        Of the profile, beside the mean and a number per dataset (``"numbers"``), or of the
        text's vector, beside as many (``"text"``).
    text_encoder : Encoder, optional
        Reads the text of a profile; needed by ``"text"`` alone.
    n_soft : int, default=1
        Soft tokens per llm.
    inquiry : bool, default=False
        Whether P(Yes) is read off a question mark behind the soft tokens instead of the last of
        them.
    lora_rank : int, default=8
        Of the adapters of the soft tokens' path; 0 for none.
    lora_scale : float, default=2
        What the product of an adapter's two matrices is multiplied by.
    """

    parameter_constraints: ClassVar[Constraints] = {
        "capability": OneOf("numbers", "text"),
        "n_directions": Integer(0),
        "text_encoder": ENCODER | None,
        "n_soft": Integer(1),
        "inquiry": Boolean(),
        "lora_rank": Integer(0),
        "lora_scale": Real(0),
    }

    def __init__(
        self,
        capability: str = "numbers",
        n_directions: int = 8,
        text_encoder: Encoder | None = None,
        n_soft: int = 1,
        inquiry: bool = False,
        lora_rank: int = 8,
        lora_scale: float = 2.0,
    ):
        self.capability = capability
        self.n_directions = n_directions
        self.text_encoder = text_encoder
        self.n_soft = n_soft
        self.inquiry = inquiry
        self.lora_rank = lora_rank
        self.lora_scale = lora_scale
