"""Turn a quantized gguf into weights that load in a second."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from io import StringIO
from pathlib import Path
from typing import Any

from benchmarks.install.report import duration, size

log = logging.getLogger(__name__)


def dequantize(gguf: Path, folder: Path) -> None:
    """Load a gguf once, and keep it as bfloat16 safetensors with its tokenizer.

    Takes about a minute; loading the result takes a second.

    Parameters
    ----------
    gguf : Path
    folder : Path
        Made; ``from_pretrained`` can load it.
    """
    log.info("Dequantizing %s (once; about a minute)", gguf.name)
    began = time.monotonic()
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    where = {"pretrained_model_name_or_path": str(gguf.parent), "gguf_file": gguf.name}
    with _silence():
        tokenizer = AutoTokenizer.from_pretrained(**where)
        network: Any = AutoModelForCausalLM.from_pretrained(**where, dtype=torch.bfloat16)
        # The weights are plain bfloat16 by now; as long as the network believes itself quantized,
        # save_pretrained refuses.
        network.hf_quantizer = None
        network.is_quantized = False
        if hasattr(network.config, "quantization_config"):
            del network.config.quantization_config
        # how it was looked for is no part of it: the hash of the folder goes by what it holds
        tokenizer.init_kwargs.pop("local_files_only", None)
        network.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    weighs = sum(path.stat().st_size for path in folder.iterdir())
    log.info("Dequantized %s: %s, %s", gguf.name, size(weighs), duration(time.monotonic() - began))


@contextmanager
def _silence() -> Iterator[None]:
    """Keep progress bars and remarks of transformers to itself; what it raises is still heard."""
    from transformers.utils import logging as transformers_logging

    level = transformers_logging.get_verbosity()
    transformers_logging.set_verbosity_error()
    try:
        with redirect_stderr(StringIO()):
            yield
    finally:
        transformers_logging.set_verbosity(level)
