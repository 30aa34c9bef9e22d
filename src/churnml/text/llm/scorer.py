"""The scorer that asks a language model about what the word lists find, within a budget."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from churnml.text.cleaning import Cleaned
from churnml.text.columns import BUDGET, MARKERS, OF_THE_SCORER, OK, unknown
from churnml.text.llm.answer import Answer, as_score
from churnml.text.llm.client import Client, Spent
from churnml.text.llm.prompt import ANSWER_TOKENS, PROMPT_VERSION, request, tokens
from churnml.text.llm.settings import LlmSettings
from churnml.text.redaction import REDACTION_VERSION, Person, redact
from churnml.text.scoring import TextScorer

NEGATIVE = -0.15


@dataclass(frozen=True, slots=True)
class Quote:
    """What a run would send and cost."""

    messages: int
    tokens_in: int
    tokens_out: int
    price: float


@dataclass
class LlmScorer:
    """Tone and markers by a language model; where it is not asked, the gate's own.

    Parameters
    ----------
    settings : LlmSettings
    gate : TextScorer
        The word lists: they say which messages are worth asking about.
    people : mapping of str to tuple of Person
        Who may be named, by text: the contacts of the customer who wrote it.
    progress : callable
        Called with the number of answers so far.
    """

    settings: LlmSettings
    gate: TextScorer
    people: Mapping[str, tuple[Person, ...]] = field(default_factory=dict)
    progress: Callable[[int], None] = lambda done: None
    name: str = "llm"
    spent: Spent = field(default_factory=Spent)

    @property
    def version(self) -> str:
        """Model, prompt, redaction and gate: each may change an answer."""
        redaction = REDACTION_VERSION if self.settings.redact else "none"
        parts = (self.settings.model, PROMPT_VERSION, redaction, self.settings.when)
        return ":".join((*parts, self.gate.name, self.gate.version))

    def score(self, texts: Sequence[Cleaned]) -> pd.DataFrame:
        """The model's view of the texts that are asked about, the gate's of the others."""
        gated = self.gate.score(texts)
        chosen = self._chosen(texts, gated)
        asked = chosen[: self.settings.max_messages]
        client = Client(self.settings)
        answers = client.ask([self._body(texts[n]) for n in asked], progress=self.progress)
        self.spent = client.spent
        self.spent.over_budget += len(chosen) - len(asked)
        rows = gated[list(OF_THE_SCORER)].to_dict("records")
        for number in chosen[self.settings.max_messages :]:
            rows[number] = unknown(BUDGET, texts[number].lang)
        for number, answer in zip(asked, answers, strict=True):
            text = texts[number]
            rows[number] = (
                as_score(answer, text=self._sent(text), lang=text.lang)
                if isinstance(answer, Answer)
                else unknown(answer.status, text.lang)
            )
        return pd.DataFrame(rows, columns=list(OF_THE_SCORER))

    def quote(self, texts: Sequence[Cleaned]) -> Quote:
        """Messages, tokens and price of scoring these texts, without a request."""
        chosen = self._chosen(texts, self.gate.score(texts))[: self.settings.max_messages]
        tokens_in = sum(tokens(self._body(texts[number])) for number in chosen)
        tokens_out = ANSWER_TOKENS * len(chosen)
        price = self.settings.price(tokens_in, tokens_out)
        return Quote(len(chosen), tokens_in, tokens_out, price)

    def _sent(self, text: Cleaned) -> str:
        """What leaves the process: redacted, unless the endpoint may see everything."""
        if not self.settings.redact:
            return text.text
        return redact(text.text, self.people.get(text.text, ())).text

    def _body(self, text: Cleaned) -> dict[str, Any]:
        return request(self._sent(text), self.settings)

    def _chosen(self, texts: Sequence[Cleaned], gated: pd.DataFrame) -> list[int]:
        readable = [number for number, text in enumerate(texts) if text.status == OK]
        if self.settings.when == "all":
            return readable
        if self.settings.when == "sample":
            share = self.settings.sample_share
            return [n for n in readable if _place(texts[n].text) < share]
        marked = gated[list(MARKERS)].astype("boolean").any(axis=1).to_numpy(dtype=bool)
        found = marked | (gated["tone"] <= NEGATIVE).to_numpy()
        return [number for number in readable if found[number]]


def _place(text: str) -> float:
    """A number in [0, 1) that depends on the text alone."""
    return zlib.crc32(text.encode()) / 2**32
