"""Measuring: prompts, parsing, storing, going on where it was killed."""

import json
from decimal import Decimal

import pandas as pd
import pytest
import torch

from benchmarks.collect import __main__ as command
from benchmarks.collect import answering, finishing, measuring
from benchmarks.collect.answering import answer_batch
from benchmarks.collect.candidates import CANDIDATES, Candidate
from benchmarks.collect.finishing import finish, summary
from benchmarks.collect.log import Log, log_of
from benchmarks.collect.measuring import BATCH_SIZE, BATCH_TOKENS, batches, measure
from benchmarks.collect.network import Network, pack_linear
from benchmarks.collect.prompts import NUMBER_TOKENS, Ask, make_ask, prompts_hash
from benchmarks.collect.scoring import number_score, numbers_in
from benchmarks.pins import WEIGHTS
from benchmarks.sources import folder
from benchmarks.sources.small_llms import DATA, question_hash

CHAT = Candidate("chatty", "none", "direct", True, 1.0, "CC0", "2026-01")
BASE = Candidate("basic", "none", "direct", False, 1.0, "CC0", "2026-01")
STEPS = Candidate("chatty/steps", "none", "steps", True, 1.0, "CC0", "2026-01")
CHOICE = {
    "question_id": "mmlu/x/1",
    "dataset": "mmlu",
    "question": "Wet?",
    "choices": ["sea", "sun"],
    "answer": "sea",
}
NUMBER = {
    "question_id": "gsm8k/1",
    "dataset": "gsm8k",
    "question": "1 + 1?",
    "choices": None,
    "answer": "2",
}


class Tokenizer:
    bos_token = "<s>"

    def apply_chat_template(self, messages, tokenize, add_generation_prompt):
        return f"<user>{messages[0]['content']}<llm>"


class FakeNetwork:
    """Counts characters as tokens, writes "thinking", and always answers B, or 2."""

    tokenizer = Tokenizer()
    arithmetic = "float32 on cpu"

    def __init__(self, folder=None):
        self.read_so_far = []

    def encode(self, text):
        return list(text)

    def read(self, prompts):
        self.read_so_far = [*self.read_so_far, *prompts]
        return list(prompts)

    def add(self, reading, text):
        reading[:] = [prompt + text for prompt in reading]

    def letters(self, reading, options):
        return ["B"] * len(reading)

    def write(self, reading, limit):
        text = " 2" if limit == NUMBER_TOKENS else "thinking"
        return [(text, len(text))] * len(reading)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("PROCTOR_CACHE", str(tmp_path))
    monkeypatch.setattr(measuring, "model_folder", lambda name: tmp_path)
    monkeypatch.setattr(measuring, "Network", FakeNetwork)
    return tmp_path


@pytest.fixture
def questions() -> pd.DataFrame:
    """40 questions, every fourth one open; B is right on two choices of three."""
    rows = []
    for i in range(40):
        kind = NUMBER if i % 4 == 0 else CHOICE
        answer = {"answer": "sun"} if kind is CHOICE and i % 3 else {}
        rows.append(kind | {"question_id": f"d{i % 4}/{i}", "question": "?" * (i + 1)} | answer)
    return pd.DataFrame(rows)


# prompts


def test_chat_prompt_ends_where_the_answer_begins():
    ask = make_ask(CHOICE, CHAT, Tokenizer())
    assert ask.prompt.startswith("<user>Wet?\nA. sea\nB. sun\n")
    assert ask.prompt.endswith("<llm>Answer:")
    assert (ask.options, ask.answer) == (2, "A")


def test_steps_prompt_leaves_room_to_think():
    assert make_ask(NUMBER, STEPS, Tokenizer()).prompt.endswith("<llm>")


def test_base_prompt_shows_examples_of_the_same_kind():
    choice, number = (make_ask(row, BASE, Tokenizer()) for row in (CHOICE, NUMBER))
    assert choice.prompt.startswith("<s>Question: ")
    assert choice.prompt.endswith("\nQuestion: Wet?\nA. sea\nB. sun\nAnswer:")
    assert choice.prompt.count("\nB. ") == 4
    assert "\nB. " not in number.prompt
    assert (number.options, number.answer) == (0, "2")


def test_asks_of_all_candidates_carry_the_same_question_hash():
    hashes = {make_ask(CHOICE, candidate, Tokenizer()).text for candidate in CANDIDATES.values()}
    assert hashes == {question_hash(CHOICE)}


def test_candidates_are_named_by_network_and_mode():
    for llm, candidate in CANDIDATES.items():
        assert candidate.llm == llm
        assert llm.endswith("/steps") == (candidate.mode == "steps")
        assert candidate.network in WEIGHTS
        assert candidate.chat or candidate.mode == "direct"


# answers


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("", []),
        ("none at all", []),
        (" $1,234.50 left", ["1234.50"]),
        ("-3 and 0.5, then 7.", ["-3", "0.5", "7"]),
        ("\\(\\boxed{36}\\)", ["36"]),
        ("80%", ["80"]),
    ],
)
def test_numbers_in(text, numbers):
    assert numbers_in(text) == [Decimal(number) for number in numbers]


@pytest.mark.parametrize(
    ("forced", "reasoning", "score"),
    [
        (" 18", "", 1),
        (" $18.00.", "", 1),
        (" 10 + 8 = 18", "", 1),  # a sum after the cue: its result counts
        (" 18 = 9 * 2", "", 0),
        (" 9 * 2 =", "", 0),  # cut off before the result
        (" the same", "so 9 and 9 make 18", 1),  # no number after the cue: the last one before
        (" 19", "18", 0),
        (" 18 or 19", "", 1),
        ("", "", 0),
    ],
)
def test_number_score(forced, reasoning, score):
    assert number_score(forced, reasoning, "18") == score


def test_answer_batch_scores_and_shares_the_cost(monkeypatch):
    clock = iter([10.0, 13.0])
    monkeypatch.setattr(answering.time, "process_time", lambda: next(clock))
    batch = [Ask("q1", "h", "1" * 9, 2, "B"), Ask("q2", "h", "1" * 19, 2, "A")]
    first, second = answer_batch(FakeNetwork(), batch, "direct")
    assert (first["score"], second["score"]) == (1.0, 0.0)
    assert (first["prompt_tokens"], first["output_tokens"]) == (9, 1)
    assert first["cost"] == pytest.approx(3.0 * 10 / 30)
    assert second["cost"] == pytest.approx(3.0 * 20 / 30)


def test_steps_are_counted_and_the_cue_forces_an_answer():
    row = answer_batch(FakeNetwork(), [Ask("q", "h", "1 + 1?", 0, "2")], "steps")[0]
    assert row["score"] == 1.0
    assert row["output_tokens"] == len("thinking") + len(" 2")
    assert row["said"] == ("thinking", " 2")


def test_batches_hold_one_kind_each_question_once_and_keep_limits():
    asks = [Ask(f"q{i:03}", "h", "x", 4 * (i % 3 > 0), "A") for i in range(200)]
    lengths = [10 + 37 * i % 900 for i in range(200)]
    length = dict(zip((ask.question_id for ask in asks), lengths, strict=True))
    for mode in ("direct", "steps"):
        groups = list(batches(asks, lengths, mode))
        assert sorted(ask.question_id for group in groups for ask in group) == sorted(length)
        for group in groups:
            work = "read" if mode == "direct" and group[0].options else "generate"
            assert len({ask.options > 0 for ask in group}) == 1
            assert len(group) <= BATCH_SIZE[work]
            longest = max(length[ask.question_id] for ask in group)
            assert longest * len(group) <= BATCH_TOKENS[work]
        assert groups == list(batches(asks[::-1], lengths[::-1], mode))


# storing


def test_a_torn_last_line_is_left_out_and_written_after(tmp_path):
    log = Log(tmp_path / "deep" / "log.jsonl")
    assert log.rows() == []
    rows = [{"question_id": f"q{i}", "text": "h", "score": 1.0} for i in range(3)]
    log.append(rows[:2])
    whole = log.path.read_bytes()
    log.path.write_bytes(whole[:-9])  # killed in the middle of the second line
    assert log.rows() == rows[:1]
    log.append(rows[1:])
    assert log.rows() == rows


def test_only_the_newline_was_lost(tmp_path):
    log = Log(tmp_path / "log.jsonl")
    rows = [{"question_id": f"q{i}", "text": "h"} for i in range(2)]
    log.append(rows[:1])
    log.path.write_bytes(log.path.read_bytes()[:-1])
    log.append(rows[1:])
    assert log.rows() == rows


def test_of_a_question_asked_twice_the_first_answer_stands(tmp_path):
    log = Log(tmp_path / "log.jsonl")
    row = {"question_id": "q", "text": "h", "score": 1.0}
    log.append([row, row | {"score": 0.0}, row | {"text": "changed"}])
    assert log.rows() == [row, row | {"text": "changed"}]


# going on


def test_a_killed_measurement_goes_on_where_it_was(questions, monkeypatch):
    class Killed(FakeNetwork):
        def letters(self, reading, options):
            if len(self.read_so_far) > 20:
                raise KeyboardInterrupt
            return super().letters(reading, options)

    monkeypatch.setattr(measuring, "Network", Killed)
    with pytest.raises(KeyboardInterrupt):
        measure(CHAT, questions)
    before = log_of(CHAT).rows()
    assert 0 < len(before) < len(questions)

    second = FakeNetwork()
    monkeypatch.setattr(measuring, "Network", lambda folder: second)
    measure(CHAT, questions)
    assert len(second.read_so_far) == len(questions) - len(before)
    assert log_of(CHAT).rows()[: len(before)] == before
    assert {row["question_id"] for row in log_of(CHAT).rows()} == set(questions["question_id"])

    def never(folder):
        raise AssertionError("a complete candidate must not be loaded")

    monkeypatch.setattr(measuring, "Network", never)
    measure(CHAT, questions)


def test_a_changed_question_is_asked_again(questions):
    measure(CHAT, questions)
    questions.loc[3, "question"] = "another?"
    measure(CHAT, questions)
    assert len(log_of(CHAT).rows()) == len(questions) + 1


def test_finish_writes_complete_candidates_only(questions, monkeypatch, tmp_path):
    known = {"chatty": CHAT, "chatty/steps": STEPS}
    monkeypatch.setattr(finishing, "CANDIDATES", known)
    monkeypatch.setattr(finishing, "WEIGHTS", {"none": WEIGHTS["smollm2_135m"]})
    with pytest.raises(SystemExit, match="No llm has answered every question"):
        finish(questions, tmp_path / "out")
    measure(CHAT, questions)
    measure(STEPS, questions.head(10))
    finish(questions, tmp_path / "out")
    outcomes = pd.read_parquet(tmp_path / "out" / "outcomes.parquet")
    llms = pd.read_parquet(tmp_path / "out" / "llms.parquet")
    measured = json.loads((tmp_path / "out" / "measured.json").read_text())
    assert list(llms["llm"]) == ["chatty"]
    assert len(outcomes) == measured["questions"] == len(questions)
    right = (questions["answer"] == "sun") | (questions["answer"] == "2")
    assert outcomes["score"].mean() == pytest.approx(right.mean())
    assert "said" not in outcomes
    # outside the committed folder the texts are there, and it is a data folder
    table = folder.load(tmp_path / "out").table
    assert len(table) == len(questions)
    assert list(table.llms) == ["chatty"]


def test_arc_challenge_is_asked_on_request_and_never_committed(questions, monkeypatch):
    drawn = questions.head(1).assign(question_id="arc_challenge/1")
    monkeypatch.setattr(command, "arc_challenge", lambda n: drawn.head(n))
    assert command.with_arc(questions, 0) is questions
    assert list(command.with_arc(questions, 1)["question_id"])[-1] == "arc_challenge/1"
    with pytest.raises(SystemExit):
        command.main(["--arc", "5", "--finish"])


def test_summary_is_one_line_per_llm():
    outcomes = pd.DataFrame(
        {
            "question_id": ["a/1", "a/2", "b/1"],
            "llm": "x",
            "score": [1.0, 0.0, 1.0],
            "cost": [1.0, 2.0, 3.0],
            "output_tokens": [1, 1, 4],
        }
    )
    line = summary(outcomes).loc["x"]
    assert (line["a"], line["b"], line["macro"]) == (0.5, 1.0, 0.75)
    assert (line["cost"], line["output_tokens"]) == (2.0, 2.0)


# the network


@pytest.fixture
def network(tiny_lm, monkeypatch):
    """A random network in float32, where batches and single texts agree exactly."""
    monkeypatch.setattr("benchmarks.collect.network.LETTERS", "")
    network = Network(tiny_lm, dtype="float32")
    for layer in network.network.modules():
        layer.__dict__.pop("forward", None)
    return network


def test_a_row_does_not_depend_on_its_batch(network):
    prompts = ["Yes", "Question: will this be answered?", "No, 12345"]

    def converse(batch):
        reading = network.read(batch)
        first = network.write(reading, 9)
        network.add(reading, " Answer:")
        return list(zip(first, network.write(reading, 9), strict=True))

    together = converse(prompts)
    assert together == [converse([prompt])[0] for prompt in prompts]


def test_a_row_that_ended_writes_no_more(network):
    prompts = ["Yes", "Question: will this be answered?"]
    assert [count for _, count in network.write(network.read(prompts), 6)] == [6, 6]
    hidden = network.read(prompts).hidden.clone()  # no longer an inference tensor
    likeliest = network.network.get_output_embeddings()(hidden).argmax(-1)
    network.tokenizer.eos_token_id = int(likeliest[0])  # what the first row says at once
    assert network.write(network.read(prompts), 6)[0][1] == 1


def test_letters_must_be_single_tokens(tiny_lm):
    with pytest.raises(ValueError, match="Every option letter must be one token"):
        Network(tiny_lm)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_packed_layers_compute_the_same_where_the_cpu_can_pack_them(dtype):
    layer, x = two_layers(getattr(torch, dtype))
    with torch.inference_mode():
        plain = layer(x)
        pack_linear(layer)
        torch.testing.assert_close(layer(x), plain)


@pytest.mark.parametrize("fails", ["_reorder_linear_weight", "_linear_pointwise"])
def test_layers_stay_as_they_are_where_the_cpu_cannot_pack_them(fails, monkeypatch):
    """On AVX2 bfloat16 weights cannot be packed, under oneDNN's limits not computed with."""

    def refuse(*_):
        raise RuntimeError("needs the cpu support avx512bw")

    monkeypatch.setattr(torch.ops.mkldnn, fails, refuse)
    layer, x = two_layers(torch.float32)
    plain = layer(x)
    pack_linear(layer)
    assert all("forward" not in vars(part) for part in layer)
    torch.testing.assert_close(layer(x), plain)


def two_layers(dtype):
    layer = torch.nn.Sequential(torch.nn.Linear(32, 64), torch.nn.Linear(64, 8, bias=False))
    x = torch.randn(3, 5, 32, generator=torch.Generator().manual_seed(0))
    return layer.to(dtype), x.to(dtype)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_network_reads_in_either_arithmetic(dtype, tiny_lm, monkeypatch):
    monkeypatch.setattr("benchmarks.collect.network.LETTERS", "")
    network = Network(tiny_lm, dtype=dtype)
    assert network.arithmetic == f"{dtype} on cpu"
    assert network.network.dtype == getattr(torch, dtype)
    assert network.read(["Yes", "No, 12345"]).hidden.isfinite().all()


def test_the_prompts_are_those_that_the_stored_outcomes_were_measured_with():
    measured = json.loads((DATA / "measured.json").read_text())
    assert prompts_hash() == measured["prompts_sha256"]
