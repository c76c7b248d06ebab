"""A transformer encoder of some kilobytes, with random weights, for quick tests."""

from __future__ import annotations

import string
from pathlib import Path


def build_tiny_encoder(folder: str | Path) -> str:
    """Save a random two-layer BERT and a tokenizer of letters to a folder, and return its path.

    The weights are the same every time.
    """
    import torch
    from transformers import BertConfig, BertModel, BertTokenizerFast

    letters = string.ascii_lowercase + string.digits
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{x}" for x in letters)]
    vocabulary = Path(folder, "vocab.txt")
    vocabulary.write_text("\n".join(words))
    tokenizer = BertTokenizerFast(vocab=str(vocabulary))
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=512,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = BertModel(config)
    network.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


def build_tiny_e5(folder: str | Path) -> str:
    """Save a random encoder laid out as E5-large-v2 to a folder, and return its path.

    A BERT whose tokens are averaged, scaled to length 1, for sentence-transformers.
    """
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer

    bert = Path(folder, "bert")
    bert.mkdir()
    tokens = Transformer(build_tiny_encoder(bert))
    pooling = Pooling(tokens.get_embedding_dimension(), pooling_mode="mean")
    whole = Path(folder, "e5")
    SentenceTransformer(modules=[tokens, pooling, Normalize()], device="cpu").save(str(whole))
    return str(whole)
