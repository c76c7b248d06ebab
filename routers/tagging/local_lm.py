"""A small causal LM as a tagger: it scores the closed list and writes the phrases."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, ClassVar

from routers.constraints import DEVICE, NUMBER_TYPE, PATH, Constraints, Integer
from routers.continuing import continuing
from routers.devices import arithmetic, resolve
from routers.encoders import content_fingerprint
from routers.table import Texts
from routers.tagging.base import CachedTagger, Tags, clean_phrase, unique
from routers.tagging.vocabulary import CAPABILITIES
from routers.validation import check_parameters

# One example a capability, so that none is suggested by its number.
_PROMPT = """Each question is filed under the skill it needs and the subject it is about.

Question: Write a Python function that returns the largest item of a list.
Skill: coding
Subject: programming, lists

Question: Passage: Two sisters bought the old mill and mended its wheel. Who mended the wheel?
Skill: comprehension
Subject: stories, village life

Question: Mia buys 4 boxes of 12 pencils and gives away 9. How many pencils does she have left?
Skill: reasoning
Subject: arithmetic, shopping

Question: Which of these materials conducts electricity best? A. wood B. copper C. glass
Skill: knowledge retrieval
Subject: physics, electricity

Question: Book a flight and a hotel within the budget; call the search tool before you pay.
Skill: agentic
Subject: travel, planning

Question: Welche Antwort ist richtig? A. Wal B. Hai
Skill: multilingual
Subject: zoology, whales

Question: Write a letter of three paragraphs, without commas, that ends in a question.
Skill: instruction following
Subject: letters, style

"""
_NO_QUESTION = "N/A"  # what the LM says of nothing is its habit, not the question


class LocalLMTagger(CachedTagger):
    """Tags by a small causal LM, deterministically and without parsing.

    Capabilities are ranked by how much likelier the question makes their name than an empty
    question does [1]_: the closed list cannot be missed, and the habits of a tiny LM cancel. The
    knowledge phrases are written greedily after the first capability.

    Parameters
    ----------
    lm_path : str
        Folder (or hub name) of a causal LM and its tokenizer.
    n_capabilities : int, default=2
        Capabilities per question.
    max_question_tokens : int, default=128
        Of a longer question, the first and the last half of that many are kept.
    max_phrase_tokens : int, default=8
        Length of the line of phrases.
    dtype : {"float32", "auto", "bfloat16", "float16"}, default="float32"
        Arithmetic of the LM; ``"auto"`` is bfloat16 where it is native, else float32.
    device : str or None, default=None
        As torch names it; by default a GPU where there is one.
    cache_folder : str or None, default=None
        Where tags are kept between runs; by default only in this process.

    References
    ----------
    .. [1] Holtzman et al., "Surface Form Competition: Why the Highest Probability Answer Isn't
       Always Right", EMNLP 2021.
    """

    parameter_constraints: ClassVar[Constraints] = {
        "lm_path": PATH,
        "n_capabilities": Integer(1),
        "max_question_tokens": Integer(2),
        "max_phrase_tokens": Integer(1),
        "dtype": NUMBER_TYPE,
        "device": DEVICE | None,
        "cache_folder": PATH | None,
    }

    def __init__(
        self,
        lm_path: str,
        n_capabilities: int = 2,
        max_question_tokens: int = 128,
        max_phrase_tokens: int = 8,
        dtype: str = "float32",
        device: str | None = None,
        cache_folder: str | None = None,
    ):
        self.lm_path = lm_path
        self.n_capabilities = n_capabilities
        self.max_question_tokens = max_question_tokens
        self.max_phrase_tokens = max_phrase_tokens
        self.dtype = dtype
        self.device = device
        self.cache_folder = cache_folder

    def fit(self, questions: Texts) -> LocalLMTagger:
        """Check the parameters; there is nothing to learn."""
        check_parameters(self)
        return self

    @property
    def fingerprint(self) -> str:
        """Hash of what determines an answer: the weights' content, the prompt and its limits."""
        how = f"{self.arithmetic} {self.max_phrase_tokens} {_PROMPT}"
        return content_fingerprint(self.lm_path, (how, self.max_question_tokens))

    @property
    def arithmetic(self) -> str:
        """What the LM computes with, such as ``"float32 on cpu"``."""
        return arithmetic(self.dtype, self.device)

    def tag(self, questions: Texts) -> list[Tags]:
        """Return the tags of each question; only questions without tags are read."""
        ranked = super().tag(questions)  # all capabilities are kept, so that their number may vary
        return [Tags(tags.capabilities[: self.n_capabilities], tags.knowledge) for tags in ranked]

    def _answers(self, questions: list[str]) -> Iterator[tuple[str, Tags]]:
        reader = _load_reader(self.lm_path, self.dtype, self.device)
        habit = reader.likelihoods(reader.ask(_NO_QUESTION, self.max_question_tokens))
        for text in questions:  # one by one: no answer depends on what else is asked
            asked = reader.ask(text, self.max_question_tokens)
            gain = {name: lik - habit[name] for name, lik in reader.likelihoods(asked).items()}
            capabilities = sorted(gain, key=lambda name: (-round(gain[name], 4), name))
            line = reader.write(asked, f" {capabilities[0]}\nSubject:", self.max_phrase_tokens)
            yield text, Tags(capabilities, unique(map(clean_phrase, line.split(","))))


class _Reader:
    """A causal LM that has read the prompt once and goes on from there."""

    def __init__(self, path: str, dtype: str, device: str | None):
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer, DynamicCache

        number_type, self.device = resolve(dtype, device)
        self.tokenizer: Any = AutoTokenizer.from_pretrained(path)
        with torch.random.fork_rng(devices=[]):  # loading initialises before it reads
            network: Any = AutoModelForCausalLM.from_pretrained(path, dtype=number_type)
        self.network = network.eval().to(self.device)
        self.tokens = continuing(self.tokenizer)
        self.names = {name: self.tokens(f" {name}") for name in CAPABILITIES}
        empty = DynamicCache(config=self.network.config)
        self.start, _ = self._read(empty, [self.tokens(_PROMPT)])

    def _read(self, cache: Any, rows: list[list[int]], keep: int = 1) -> tuple[Any, Any]:
        """Read on from a cache, which is changed; return it and log probabilities (b, keep, v)."""
        import torch

        with torch.inference_mode():
            tokens = torch.tensor(rows, device=self.device)
            out = self.network(input_ids=tokens, past_key_values=cache, logits_to_keep=keep)
        return out.past_key_values, out.logits.float().log_softmax(-1)

    def ask(self, question: str, limit: int) -> tuple[Any, Any]:
        """Read a question up to where its capability is asked for."""
        tokens = self.tokens(question)
        if len(tokens) > limit:
            tokens = tokens[: limit - limit // 2] + tokens[-(limit // 2) :]
        tokens = [*self.tokens("Question: "), *tokens, *self.tokens("\nSkill:")]
        cache, found = self._read(copy.deepcopy(self.start), [tokens])
        return cache, found[0, -1]

    def likelihoods(self, asked: tuple[Any, Any]) -> dict[str, float]:
        """Return the log-likelihood of each capability's name as the answer."""
        cache, first = asked
        longest = max(map(len, self.names.values()))
        rows = [tokens + tokens[-1:] * (longest - len(tokens)) for tokens in self.names.values()]
        several = copy.deepcopy(cache)
        several.batch_repeat_interleave(len(rows))
        _, later = self._read(several, rows, keep=longest)
        return {
            name: float(first[tokens[0]])
            + sum(float(later[row, i, token]) for i, token in enumerate(tokens[1:]))
            for row, (name, tokens) in enumerate(self.names.items())
        }

    def write(self, asked: tuple[Any, Any], text: str, limit: int) -> str:
        """Read a text after the question and go on greedily to the end of the line."""
        cache, found = self._read(copy.deepcopy(asked[0]), [self.tokens(text)])
        written: list[int] = []
        line = ""
        while len(written) < limit and "\n" not in line:
            token = int(found[0, -1].argmax())
            if token == self.tokenizer.eos_token_id:
                break
            written.append(token)
            line = self.tokenizer.decode(written)
            cache, found = self._read(cache, [[token]])
        return line.split("\n")[0]


@lru_cache(maxsize=2)
def _load_reader(path: str, dtype: str, device: str | None) -> _Reader:
    return _Reader(path, dtype, device)
