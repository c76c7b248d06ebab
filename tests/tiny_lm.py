"""A causal LM of some kilobytes, with random weights and its own tokenizer, for quick tests."""

from __future__ import annotations

from pathlib import Path

_TEXTS = [
    "Question: Will this question be answered correctly by the assistant? Yes No Answer:",
    "abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ 0123456789 .,;:!?",
]


def build_tiny_lm(folder: str | Path) -> str:
    """Save a random two-layer Llama and a byte-level tokenizer to a folder, and return its path.

    Parameters
    ----------
    folder : str or Path
        Made if it is not there.

    Returns
    -------
    str
        The folder, for ``from_pretrained``. The weights are the same every time.
    """
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<s>", "</s>"],
        show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    tokenizer.train_from_iterator(_TEXTS * 4, trainer)
    wrapped = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>")
    config = LlamaConfig(
        vocab_size=len(wrapped),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=1024,
        bos_token_id=0,
        eos_token_id=1,
        # wider than the usual 0.02: attention of a random network must not be uniform
        initializer_range=0.3,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = LlamaForCausalLM(config)
    network.save_pretrained(folder)
    wrapped.save_pretrained(folder)
    return str(folder)
