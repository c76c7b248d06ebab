"""Which arithmetic a network gets, on machines of other kinds than the one at hand."""

import numpy as np
import pytest
import torch

from routers import devices
from routers.lm_reading import LMReadingEncoder


@pytest.fixture
def machine(monkeypatch):
    """Pretend to be on a machine; return a function that sets what it is."""

    def pretend(processor="x86_64", capability="AVX512", bfloat16=True, limit=""):
        monkeypatch.setattr(devices.platform, "machine", lambda: processor)
        monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: bfloat16)
        monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: True)
        monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: bfloat16)
        monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", limit)

    return pretend


@pytest.mark.parametrize(
    ("kind", "native"),
    [
        ({}, True),
        ({"limit": "AVX512_CORE_AMX"}, True),
        ({"limit": "avx2"}, False),
        ({"limit": "AVX512_CORE_VNNI"}, False),
        ({"capability": "AVX2"}, False),
        ({"capability": "DEFAULT"}, False),
        ({"bfloat16": False}, False),
        ({"processor": "aarch64", "capability": "DEFAULT"}, True),
        ({"processor": "aarch64", "capability": "DEFAULT", "bfloat16": False}, False),
        ({"processor": "arm64", "capability": "DEFAULT", "bfloat16": False}, False),
    ],
)
def test_bfloat16_is_used_where_the_cpu_has_it_and_may_use_it(kind, native, machine):
    machine(**kind)
    expected = torch.bfloat16 if native else torch.float32
    assert devices.resolve("auto", "cpu") == (expected, torch.device("cpu"))
    assert devices.resolve("float32", "cpu")[0] == torch.float32
    assert devices.arithmetic("auto", "cpu") == f"{'bfloat16' if native else 'float32'} on cpu"


def test_a_torch_that_cannot_tell_means_no_bfloat16(machine, monkeypatch):
    machine()
    monkeypatch.delattr(torch.cpu, "_is_avx512_bf16_supported")
    assert not devices.bfloat16_is_native()


def test_vectors_of_another_arithmetic_are_other_vectors(tiny_lm, tmp_path, machine):
    def encoder(**changes):
        return LMReadingEncoder(str(tiny_lm), cache_folder=str(tmp_path), **changes)

    machine(capability="AVX2")
    assert encoder(dtype="auto").fingerprint == encoder().fingerprint
    machine()
    assert encoder(dtype="auto").arithmetic == "bfloat16 on cpu"
    assert encoder(dtype="auto").fingerprint != encoder().fingerprint
    exact, rounded = encoder().raw(["Yes"]), encoder(dtype="auto").raw(["Yes"])
    assert 0 < np.abs(exact - rounded).max() < 0.3
