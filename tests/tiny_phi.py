"""A causal LM of some kilobytes laid out as Phi-3-mini, with random weights, for quick tests."""

from __future__ import annotations

from pathlib import Path

_TEXTS = [
    "Question: Will this question be answered correctly by the assistant? Yes No Answer:",
    "abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ 0123456789 .,;:!?",
]


def build_tiny_phi(folder: str | Path) -> str:
    """Save a random two-layer Phi-3 and a SentencePiece tokenizer to a folder, and return its path.

    As in Phi-3-mini, query, key and value are one matrix, gate and up are another, attention sees
    a window, and the tokenizer puts a space before whatever it is given. The weights are the same
    every time.
    """
    import torch
    from transformers import Phi3Config, Phi3ForCausalLM

    tokenizer = _tokenizer()
    config = Phi3Config(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=1024,
        sliding_window=511,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=2,
        # wider than the usual 0.02: attention of a random network must not be uniform
        initializer_range=0.3,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = Phi3ForCausalLM(config)
    network.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


def _tokenizer():
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()  # no token spans two words
    special = ["<unk>", "<s>", "</s>"]
    single = [f"<0x{byte:02X}>" for byte in range(256)]
    trainer = trainers.BpeTrainer(
        vocab_size=440, special_tokens=[*special, *single], show_progress=False
    )
    tokenizer.train_from_iterator(_TEXTS * 4, trainer)
    tokenizer.pre_tokenizer = None
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    )
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", unk_token="<unk>"
    )
