"""Taggers, one by one; the endpoint is a stub on this machine."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from conftest import ROOT, composed
from omegaconf import OmegaConf

from routers.encoders import Encoder, TfidfEncoder
from routers.profiles import ProfileRouter
from routers.tagging import local_lm
from routers.tagging.base import Tags, _tag_cache, clean_phrase, unique
from routers.tagging.canonical import PhraseMerger
from routers.tagging.control import RandomTagger
from routers.tagging.embedding import EmbeddingTagger, key_phrases
from routers.tagging.endpoint import EndpointTagger, TaggingError, parse_tags
from routers.tagging.local_lm import LocalLMTagger
from routers.tagging.vocabulary import CAPABILITIES


class Angles(Encoder):
    """Places known phrases on a circle, in degrees: two of them have a cosine to work out."""

    DEGREES = {"algebra": 0, "linear algebra": 30, "matrices": 60, "law": 180, "courts": 200}

    def transform(self, texts):
        angles = np.radians([self.DEGREES.get(text, 100) for text in texts])
        return np.column_stack([np.cos(angles), np.sin(angles)]).astype(np.float32)


class WordCounts(Encoder):
    """One direction per word of a fixed list."""

    WORDS = ("fish", "bird", "pencils", "function", "python")

    def transform(self, texts):
        counts = np.array([[word in text.lower() for word in self.WORDS] for text in texts], float)
        length = np.linalg.norm(counts.reshape(len(texts), -1), axis=1, keepdims=True)
        return (counts.reshape(len(texts), -1) / np.maximum(length, 1)).astype(np.float32)


LISTS = [["algebra", "law"], ["matrices"], ["algebra"], ["linear algebra"], ["courts", "law"]]


def test_phrases_join_the_most_frequent_name_within_the_threshold():
    merger = PhraseMerger(Angles(), 0.7, 1).fit(LISTS)
    # cos 30 = .87 joins; "matrices" is near "linear algebra" but not near the name (cos 60 = .5)
    assert merger.name_ == {
        "algebra": "algebra",
        "linear algebra": "algebra",
        "matrices": "matrices",
        "law": "law",
        "courts": "law",
    }
    assert PhraseMerger(Angles(), 0.4, 1).fit(LISTS).name_["matrices"] == "algebra"
    # as frequent as one another: the first in the alphabet names them
    assert set(PhraseMerger(Angles(), 0.7, 1).fit([["law", "courts"]]).kept_) == {"courts"}


def test_rare_groups_and_strange_phrases_are_other():
    merger = PhraseMerger(Angles(), 0.7, 3).fit(LISTS)
    assert sorted(merger.kept_) == ["algebra", "law"]
    assert merger.name_["matrices"] == "other"
    # 100 degrees is near to nothing kept; 200 degrees is near law
    Angles.DEGREES["judges"] = 170
    assert merger.transform([["poetry"], ["judges", "law"], ["courts", "poetry", "zen"], []]) == [
        ["other"],
        ["law"],
        ["law", "other"],
        [],
    ]
    nothing_kept = PhraseMerger(Angles(), 0.7, 99).fit(LISTS)
    assert nothing_kept.transform([["algebra", "judges"]]) == [["other"]]
    assert PhraseMerger(Angles(), 0.7, 1).fit([[], []]).transform([["law"], []]) == [["other"], []]


def test_merging_does_not_depend_on_the_order_of_questions():
    rng = np.random.default_rng(0)
    phrases = np.array(list(Angles.DEGREES))
    lists = [list(rng.choice(phrases, 2, replace=False)) for _ in range(40)]
    first = PhraseMerger(Angles(), 0.7, 5).fit(lists)
    for _ in range(5):
        shuffled = [lists[i] for i in rng.permutation(len(lists))]
        assert PhraseMerger(Angles(), 0.7, 5).fit(shuffled).name_ == first.name_


def test_key_phrases_are_frequent_here_and_rare_elsewhere():
    groups = [["the owl and the egg", "the owl common"], ["hull common", "hull sail"], ["1 + 1"]]
    assert key_phrases(groups) == ["owl egg common", "hull sail common", "topic 2"]


def test_the_embedding_tagger_ranks_by_nearness():
    questions = [f"{word} {i}" for word in ("fish", "bird") for i in range(20)]
    tagger = EmbeddingTagger(WordCounts(), n_capabilities=1, n_clusters=2).fit(questions)
    assert tagger.phrases_ == ["bird", "fish"] or tagger.phrases_ == ["fish", "bird"]
    found = tagger.tag(["a fish", "bird?", "how many pencils", "a Python function"])
    assert [tags.knowledge for tags in found[:2]] == [["fish"], ["bird"]]
    assert [tags.capabilities for tags in found[2:]] == [["reasoning"], ["coding"]]


def test_the_embedding_tagger_does_not_depend_on_the_order_of_questions(table):
    questions = list(table.questions)
    tagger = EmbeddingTagger(TfidfEncoder(16))
    first = tagger.fit(questions).tag(questions)
    shuffled = np.random.default_rng(0).permutation(questions)
    assert tagger.fit(shuffled).tag(questions) == first
    assert {len(tags.knowledge) for tags in first} == {2}  # of 11 clusters


def test_random_tags_depend_on_the_text_alone(table):
    questions = list(table.questions)
    tagger = RandomTagger(n_phrases=4).fit(questions)
    assert tagger.tag(questions)[::-1] == tagger.tag(questions[::-1])
    assert tagger.tag(questions) != RandomTagger(n_phrases=4, random_state=1).tag(questions)
    tags = tagger.tag(questions)
    assert {phrase for found in tags for phrase in found.knowledge} == {
        f"topic {i}" for i in range(4)
    }
    assert {name for found in tags for name in found.capabilities} == set(CAPABILITIES)


def test_phrases_are_cleaned():
    assert clean_phrase(' "Number\n  Theory".') == "number theory"
    assert unique(["b", "", "a", "b"]) == ["b", "a"]


# A local LM ------------------------------------------------------------------------------------


@pytest.fixture
def lm_tagger(tiny_lm):
    return LocalLMTagger(str(tiny_lm), max_question_tokens=24, max_phrase_tokens=4)


def test_a_capability_is_as_likely_as_one_pass_over_the_whole_text_says(lm_tagger):
    import torch

    reader = local_lm._load_reader(lm_tagger.lm_path, "float32", None)
    found = reader.likelihoods(reader.ask("what?", 24))
    start = reader.tokens(local_lm._PROMPT) + reader.tokens("Question: ")
    start += reader.tokens("what?") + reader.tokens("\nSkill:")
    for name in ("coding", "instruction following"):
        answer = reader.tokens(f" {name}")
        with torch.inference_mode():
            logits = reader.network(torch.tensor([start + answer])).logits[0].log_softmax(-1)
        expected = sum(logits[len(start) - 1 + i, token] for i, token in enumerate(answer))
        assert found[name] == pytest.approx(float(expected), abs=1e-3)


def test_lm_tags_depend_on_the_text_alone(lm_tagger):
    questions = ["the end " * 40, ""]
    together = lm_tagger.fit(questions).tag(questions)
    assert all(len(tags.capabilities) == 2 for tags in together)
    assert all(set(tags.capabilities) <= set(CAPABILITIES) for tags in together)
    _tag_cache.cache_clear()
    assert [lm_tagger.tag([text])[0] for text in questions[::-1]] == together[::-1]


def test_lm_tags_are_kept_in_the_folder(lm_tagger, tmp_path, monkeypatch):
    lm_tagger.set_params(cache_folder=str(tmp_path))
    first = lm_tagger.tag(["one", "two", "one"])
    assert first[0] == first[2]
    _tag_cache.cache_clear()
    monkeypatch.setattr(local_lm, "_load_reader", None)  # to read again would fail
    assert lm_tagger.tag(["two", "one"]) == [first[1], first[0]]
    more = lm_tagger.set_params(n_capabilities=7).tag(["two"])[0]
    assert sorted(more.capabilities) == sorted(CAPABILITIES)
    with pytest.raises(TypeError):
        lm_tagger.tag(["three"])


def test_a_profile_over_lm_tags_routes_and_saves(lm_tagger, tiny, tmp_path):
    from routers import load_router, save_router

    router = ProfileRouter(lm_tagger, mode="capability").fit(tiny)
    loaded = load_router(save_router(router, tmp_path / "router.skops"))
    np.testing.assert_array_equal(loaded.route(tiny.questions), router.route(tiny.questions))


# An endpoint -----------------------------------------------------------------------------------

GOOD = '{"capabilities": ["reasoning"], "knowledge": ["Algebra"]}'


class Stub:
    """An endpoint that gives prepared answers (status or text) and notes what it is sent."""

    def __init__(self, answers):
        self.answers = list(answers)
        self.sent = []
        self.lock = threading.Lock()

    def answer(self, handler, body):
        with self.lock:
            self.sent.append((handler.path, dict(handler.headers), body))
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return answer(body) if callable(answer) else answer


@contextmanager
def serving(*answers):
    stub = Stub(answers)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            answer = stub.answer(self, body)
            status = answer if isinstance(answer, int) else 200
            message = {"choices": [{"message": {"content": answer}}]}
            text = json.dumps({"error": "no"} if status != 200 else message)
            if answer == "not ours":
                text = json.dumps({"hello": "world"})
            self.send_response(status)
            self.send_header("Retry-After", "0")
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield stub, f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def endpoint(url, **changes):
    given = {"api_key_variable": None, "back_off": 0.0, "workers": 1, "timeout": 5.0, "attempts": 3}
    return EndpointTagger(url, "some-llm", **given | changes)


def test_the_endpoint_is_asked_as_its_interface_wants(monkeypatch):
    monkeypatch.setenv("STUB_KEY", "a key")
    with serving(GOOD) as (stub, url):
        tagger = endpoint(url + "/", api_key_variable="STUB_KEY", max_question_characters=10)
        found = tagger.fit([]).tag(["Solve {x} + 1 = 2 now", "b", "b"])
    assert found == [Tags(["reasoning"], ["algebra"])] * 3
    assert len(stub.sent) == 2  # a question twice is one question
    path, headers, body = stub.sent[0]
    assert path == "/v1/chat/completions"
    assert headers["Authorization"] == "Bearer a key"
    assert (body["model"], body["temperature"], body["max_tokens"]) == ("some-llm", 0, 128)
    prompt = body["messages"][0]["content"]
    assert "Solve ... 2 now" in prompt
    assert all(f"  {name}: " in prompt for name in CAPABILITIES)


def test_failures_that_pass_are_tried_again():
    with serving(503, 429, GOOD) as (stub, url):
        assert endpoint(url).tag(["q"]) == [Tags(["reasoning"], ["algebra"])]
        assert len(stub.sent) == 3


def test_waiting_doubles(monkeypatch):
    waits = []
    monkeypatch.setattr("routers.tagging.endpoint.time.sleep", waits.append)
    with (
        serving(500) as (stub, url),
        pytest.raises(TaggingError, match=r"in 4 attempts .*HTTP 500"),
    ):
        endpoint(url, attempts=4, back_off=1.5).tag(["q"])
    assert waits == [1.5, 3, 6]
    assert len(stub.sent) == 4


def test_what_the_endpoint_refuses_is_an_error_at_once():
    with serving(401) as (stub, url):
        with pytest.raises(TaggingError, match=r"refused the request \(HTTP 401.*Check base_url"):
            endpoint(url).tag(["q"])
        assert len(stub.sent) == 1
    with serving("not ours") as (_, url), pytest.raises(TaggingError, match="OpenAI-compatible"):
        endpoint(url).tag(["q"])
    with pytest.raises(TaggingError, match="did not answer in 2 attempts"):
        endpoint("http://127.0.0.1:9/v1", attempts=2).tag(["q"])


def test_a_missing_key_and_a_bad_address_are_named(monkeypatch):
    monkeypatch.delenv("NO_SUCH_KEY", raising=False)
    with pytest.raises(TaggingError, match="environment variable 'NO_SUCH_KEY' must hold the key"):
        endpoint("http://127.0.0.1:9", api_key_variable="NO_SUCH_KEY").tag(["q"])
    with pytest.raises(ValueError, match="must be an address that starts with http"):
        endpoint("localhost:80").fit([])


def test_answers_are_kept_and_a_failed_run_goes_on(tmp_path):
    def breaks_on_c(body):
        return 400 if ">\nc\n<" in body["messages"][0]["content"] else GOOD

    with serving(breaks_on_c, breaks_on_c) as (stub, url):
        tagger = endpoint(url, cache_folder=str(tmp_path))
        with pytest.raises(TaggingError):
            tagger.tag(["a", "b", "c"])
        stub.answers = [GOOD]
        _tag_cache.cache_clear()
        before = len(stub.sent)
        assert tagger.tag(["a", "b", "c"]) == [Tags(["reasoning"], ["algebra"])] * 3
        assert len(stub.sent) == before + 1
    _tag_cache.cache_clear()
    assert tagger.tag(["c", "a"]) == [Tags(["reasoning"], ["algebra"])] * 2  # nobody is listening
    other = endpoint(url, cache_folder=str(tmp_path), max_tokens=5)
    assert other.fingerprint != tagger.fingerprint


def test_an_unreadable_answer_warns_and_is_asked_again(caplog, tmp_path):
    with serving("I would rather not.", GOOD) as (stub, url):
        tagger = endpoint(url, cache_folder=str(tmp_path))
        assert tagger.tag(["q"]) == [Tags([], [])]
        assert "no tags in the answer 'I would rather not.'" in caplog.text
        assert tagger.tag(["q"]) == [Tags(["reasoning"], ["algebra"])]
        assert len(stub.sent) == 2


def test_several_workers_answer_as_one():
    def echo(body):
        question = body["messages"][0]["content"].split("<question>\n")[-1].split("\n<")[0]
        return json.dumps({"capabilities": [], "knowledge": [question]})

    questions = [f"topic {i}" for i in range(30)]
    with serving(echo) as (_, url):
        found = endpoint(url, workers=8).tag(questions)
    assert [tags.knowledge for tags in found] == [[text] for text in questions]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (GOOD, Tags(["reasoning"], ["algebra"])),
        (f"Sure!\n```json\n{GOOD}\n```\nAnything {{else}}?", Tags(["reasoning"], ["algebra"])),
        ('{"note": 1} ' + GOOD, Tags(["reasoning"], ["algebra"])),
        (
            '{"Capabilities": "Coding, instruction_following", "Knowledge": "Sorting; lists, "}',
            Tags(["coding", "instruction following"], ["sorting; lists"]),
        ),
        (
            '{"capabilities": ["telepathy", "coding", "coding", 3], "knowledge": null}',
            Tags(["coding"], []),
        ),
        ('{"capabilities": {"a": 1}}', Tags([], [])),
        ('{"capabilities": ["coding"', Tags([], [])),
        ("", Tags([], [])),
    ],
)
def test_answers_are_read_tolerantly(answer, expected):
    assert parse_tags(answer) == expected


# Configuration ---------------------------------------------------------------------------------


@pytest.mark.parametrize("file", sorted((ROOT / "configs" / "tagger").glob("*.yaml")), ids=str)
def test_every_tagger_configuration_lists_the_parameters_of_its_class(file):
    from hydra.utils import get_class

    config = composed("router=profile", f"tagger@router.tagger={file.stem}").router.tagger
    given = OmegaConf.to_container(config, resolve=False)
    assert set(get_class(given.pop("_target_"))._get_param_names()) == set(given)
