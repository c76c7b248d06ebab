"""Which device and which arithmetic a network runs with, asked of the machine at hand."""

from __future__ import annotations

import os
import platform
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

# Values of ONEDNN_MAX_CPU_ISA that keep torch's CPU library from instructions for bfloat16.
_WITHOUT_BFLOAT16 = {
    "SSE41",
    "AVX",
    "AVX2",
    "AVX2_VNNI",
    "AVX2_VNNI_2",
    "AVX512_CORE",
    "AVX512_CORE_VNNI",
}


def bfloat16_is_native() -> bool:
    """Tell whether this CPU multiplies bfloat16 matrices natively, and may.

    It may not where ``ATEN_CPU_CAPABILITY`` or ``ONEDNN_MAX_CPU_ISA`` restrict torch to older
    instructions. Elsewhere bfloat16 is emulated: slower than float32, where it works at all.
    """
    import torch

    if platform.machine().lower() in ("arm64", "aarch64"):
        supported = getattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: False)
        return bool(torch.backends.mkldnn.is_available() and supported())
    if not torch.backends.cpu.get_cpu_capability().startswith("AVX512"):
        return False
    if os.environ.get("ONEDNN_MAX_CPU_ISA", "").upper() in _WITHOUT_BFLOAT16:
        return False
    return bool(getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)())


def resolve_device(device: str | None) -> torch.device:
    """Return the device that was asked for; by default a GPU where torch finds one."""
    import torch

    return torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))


def resolve(dtype: str, device: str | None) -> tuple[torch.dtype, torch.device]:
    """Return the arithmetic and the device to use for what was asked.

    Parameters
    ----------
    dtype : {"auto", "float32", "bfloat16", "float16"}
        ``"auto"`` is 16 bits on a GPU, bfloat16 on a CPU that has it natively, else float32.
    device : str or None
        As torch names it; by default a GPU where there is one.
    """
    import torch

    where = resolve_device(device)
    if dtype != "auto":
        return getattr(torch, dtype), where
    if where.type == "cuda":
        return (torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16), where
    native = where.type == "cpu" and bfloat16_is_native()
    return (torch.bfloat16 if native else torch.float32), where


def arithmetic(dtype: str, device: str | None) -> str:
    """Return in words what :func:`resolve` gives, such as ``"float32 on cpu"``."""
    number_type, where = resolve(dtype, device)
    return f"{str(number_type).removeprefix('torch.')} on {where.type}"
