"""Tokens of texts that continue another one, which not every tokenizer gives by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def continuing(tokenizer: Any) -> Callable[[str], list[int]]:
    """Return what gives the token ids of a text that continues another, without special tokens.

    Some tokenizers put a space before whatever they are given: a token of its own, unless it
    melts into the first word. Alone it is taken away, or " Yes" and " No" would begin alike.

    Parameters
    ----------
    tokenizer : tokenizer of transformers
    """

    def plain(text: str) -> list[int]:
        return tokenizer(text, add_special_tokens=False)["input_ids"]

    mark = plain("\n")[:-1]
    n = len(mark)

    def tokens(text: str) -> list[int]:
        ids = plain(text)
        return ids[n:] if len(ids) > n and ids[:n] == mark else ids

    return tokens
