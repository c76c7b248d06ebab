"""Dequantized weights: the folder holds what was unpacked, not how it was found."""

import transformers

from benchmarks.dequantize import dequantize


def test_how_a_tokenizer_was_looked_for_is_no_part_of_it(tiny_lm, tmp_path, monkeypatch):
    for kind in ("AutoTokenizer", "AutoModelForCausalLM"):
        load = getattr(transformers, kind).from_pretrained

        def found(load=load, kind=kind, **asked):
            more = {"local_files_only": offline} if kind == "AutoTokenizer" else {}
            return load(str(tiny_lm), **more)

        monkeypatch.setattr(getattr(transformers, kind), "from_pretrained", found)
    made = []
    for offline in (True, False):
        folder = tmp_path / str(offline)
        dequantize(tmp_path / "a.gguf", folder)
        files = sorted(file for file in folder.iterdir() if file.suffix == ".json")
        made.append({file.name: file.read_text() for file in files})
    assert "tokenizer_config.json" in made[0]
    assert made[0] == made[1]
