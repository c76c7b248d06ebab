"""An LLM behind an OpenAI-compatible endpoint as a tagger."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from http.client import HTTPException
from typing import Any, ClassVar

from routers.constraints import NAME, PATH, Constraints, Integer, Real, Text
from routers.table import Texts
from routers.tagging.base import CachedTagger, Tags, clean_phrase, unique
from routers.tagging.vocabulary import CAPABILITIES
from routers.validation import check_parameters

log = logging.getLogger(__name__)

_PROMPT = """You file questions. Read the question between the marks; do not answer it.

Give two lists, the most important entry first:
- "capabilities": one to three of these, spelled as here:
{capabilities}
- "knowledge": one to three short phrases, in lower case, for the fields one must know to answer.

Reply with one JSON object and nothing else, such as
{{"capabilities": ["reasoning"], "knowledge": ["number theory", "modular arithmetic"]}}

<question>
{question}
</question>"""
_LIST = "\n".join(f"  {name}: {texts[0]}" for name, texts in CAPABILITIES.items())
_PASSING = {408, 409, 425, 429, 500, 502, 503, 504, 529}  # worth another try
_LONGEST_WAIT = 60.0
_ADDRESS = Text("an address that starts with http:// or https://", re.compile("https?://.").match)


class TaggingError(RuntimeError):
    """The endpoint cannot be had, or refuses."""


class EndpointTagger(CachedTagger):
    """Asks an LLM through ``POST base_url/chat/completions``, at temperature 0.

    Failures that pass (no connection, rate limits, overload) are tried again, waiting twice as
    long each time; what the endpoint refuses is an error. A question whose answer cannot be read
    is left without tags, with a warning, and asked again another time. Every answer is kept as it
    comes, so that a run that failed goes on where it stopped.

    Parameters
    ----------
    base_url : str
        Up to and with the version, such as ``https://host/v1``.
    llm : str
        As the endpoint names it.
    api_key_variable : str or None, default="OPENAI_API_KEY"
        Environment variable that holds the key; None sends no key.
    max_question_characters : int, default=8000
        Of a longer question, the first and the last half of that many are sent.
    max_tokens : int, default=128
        Length of the answer.
    attempts : int, default=5
        Tries per question.
    back_off : float, default=1.0
        Seconds to wait before the second try.
    timeout : float, default=60.0
        Seconds to wait for an answer.
    workers : int, default=4
        Questions in flight at a time.
    cache_folder : str or None, default=None
        Where tags are kept between runs; by default only in this process.
    """

    parameter_constraints: ClassVar[Constraints] = {
        "base_url": _ADDRESS,
        "llm": NAME,
        "api_key_variable": NAME | None,
        "max_question_characters": Integer(2),
        "max_tokens": Integer(1),
        "attempts": Integer(1),
        "back_off": Real(0),
        "timeout": Real(0, open_low=True),
        "workers": Integer(1),
        "cache_folder": PATH | None,
    }

    def __init__(
        self,
        base_url: str,
        llm: str,
        api_key_variable: str | None = "OPENAI_API_KEY",
        max_question_characters: int = 8000,
        max_tokens: int = 128,
        attempts: int = 5,
        back_off: float = 1.0,
        timeout: float = 60.0,
        workers: int = 4,
        cache_folder: str | None = None,
    ):
        self.base_url = base_url
        self.llm = llm
        self.api_key_variable = api_key_variable
        self.max_question_characters = max_question_characters
        self.max_tokens = max_tokens
        self.attempts = attempts
        self.back_off = back_off
        self.timeout = timeout
        self.workers = workers
        self.cache_folder = cache_folder

    def fit(self, questions: Texts) -> EndpointTagger:
        """Check the parameters; there is nothing to learn."""
        check_parameters(self)
        return self

    @property
    def fingerprint(self) -> str:
        """Hash of what determines an answer: endpoint, llm, prompt and limits."""
        parts = (self.base_url.rstrip("/"), self.llm, _PROMPT, _LIST)
        limits = (self.max_question_characters, self.max_tokens)
        return hashlib.sha256(repr((parts, limits)).encode()).hexdigest()[:16]

    def _answers(self, questions: list[str]) -> Iterator[tuple[str, Tags]]:
        key = self._key()
        with ThreadPoolExecutor(min(self.workers, len(questions))) as pool:
            asked = {pool.submit(self._ask, text, key): text for text in questions}
            try:
                for future in as_completed(asked):
                    tags = parse_tags(future.result())
                    if not any(tags):
                        log.warning("no tags in the answer %.200r", future.result())
                    yield asked[future], tags
            finally:
                pool.shutdown(cancel_futures=True)  # after an error, ask for nothing more

    def _key(self) -> str | None:
        if self.api_key_variable is None:
            return None
        key = os.environ.get(self.api_key_variable)
        if not key:
            raise TaggingError(
                f"The environment variable {self.api_key_variable!r} must hold the key of "
                f"{self.base_url}, it is not set. Set it, or use api_key_variable=None for an "
                "endpoint that asks for none."
            )
        return key

    def _ask(self, question: str, key: str | None) -> str:
        """Return what the LLM answers."""
        half = self.max_question_characters // 2
        if len(question) > self.max_question_characters:
            question = f"{question[:half]} ... {question[-half:]}"
        prompt = _PROMPT.format(capabilities=_LIST, question=question)
        body = {
            "model": self.llm,
            "messages": [{"role": "user", "content": prompt}],
            "temperature": 0,
            "max_tokens": self.max_tokens,
        }
        url = f"{self.base_url.rstrip('/')}/chat/completions"
        request = urllib.request.Request(
            url, json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        if key is not None:  # never sent on to where a redirection leads
            request.add_unredirected_header("Authorization", f"Bearer {key}")
        answer = self._try(request)
        try:
            return answer["choices"][0]["message"]["content"] or ""
        except (KeyError, IndexError, TypeError) as error:
            raise TaggingError(
                f"{url} must answer with 'choices', got {str(answer)[:200]!r}. "
                "Is it an OpenAI-compatible endpoint?"
            ) from error

    def _try(self, request: urllib.request.Request) -> Any:
        """Send a request until it is answered, refused, or has failed often enough."""
        for attempt in range(1, self.attempts + 1):
            wait = self.back_off * 2 ** (attempt - 1)
            try:
                with urllib.request.urlopen(request, timeout=self.timeout) as response:
                    return json.load(response)
            except urllib.error.HTTPError as error:
                why = f"HTTP {error.code}: {error.read(200).decode(errors='replace')}"
                if error.code not in _PASSING:
                    raise TaggingError(
                        f"{request.full_url} refused the request ({why}). Check base_url, llm "
                        "and the key."
                    ) from error
                wait = max(wait, _retry_after(error.headers.get("Retry-After")))
            except (OSError, HTTPException, json.JSONDecodeError) as error:
                why = f"{type(error).__name__}: {error}"
            if attempt < self.attempts:
                time.sleep(min(wait, _LONGEST_WAIT))
        raise TaggingError(
            f"{request.full_url} did not answer in {self.attempts} attempts (last: {why}). "
            "Tags had so far are kept; run again to go on."
        )


def _retry_after(value: str | None) -> float:
    """Return the seconds that a Retry-After header asks for; a date counts as none."""
    return float(value) if value and value.strip().isdigit() else 0.0


def parse_tags(answer: str) -> Tags:
    """Read the tags out of an LLM's answer, which may wrap its JSON in prose or fences.

    Capabilities that are not on the list are dropped; a text in place of a list is split at its
    commas; what cannot be read gives empty lists.
    """
    found: dict[str, Any] = {}
    for start in (match.start() for match in re.finditer("{", answer)):
        try:
            read, _ = json.JSONDecoder().raw_decode(answer, start)
        except json.JSONDecodeError:
            continue
        found = {str(key).lower(): value for key, value in read.items()}
        if found.keys() & {"capabilities", "knowledge"}:
            break
    capabilities = [name.replace("_", " ").replace("-", " ") for name in _phrases(found, "cap")]
    known = [name for name in unique(capabilities) if name in CAPABILITIES]
    return Tags(known, unique(_phrases(found, "know")))


def _phrases(found: dict[str, Any], key: str) -> list[str]:
    """Return the cleaned phrases under the first key that begins like that."""
    value: Any = next((value for name, value in found.items() if name.startswith(key)), None)
    entries = value.split(",") if isinstance(value, str) else value
    if not isinstance(entries, list):
        return []
    return [clean_phrase(entry) for entry in entries if isinstance(entry, str)]
