"""What the model is asked for and what of its answer is believed."""

from __future__ import annotations

import json
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from churnml.text.columns import HOSTILE, HOSTILE_TONE, MARKERS, OK
from churnml.text.normal import folded

_FORMALITY = {"informal": -1.0, "neutral": 0.0, "formal": 1.0}
_LONGEST_EVIDENCE_WORDS = 30


class Answer(BaseModel):
    """The flat schema: every field required, nullable instead of optional, no further keys."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    tone: float
    emotion: Literal[
        "none", "anger", "frustration", "fatigue", "disappointment", "anxiety", "joy", "gratitude"
    ]
    passive_aggression: bool
    sarcasm: bool
    ultimatum: bool
    competitor_mention: bool
    price_complaint: bool
    export_request: bool
    cancellation_intent: bool
    escalation: bool
    repeat_contact: bool
    budget_cut: bool
    competitor_name: str | None
    formality: Literal["informal", "neutral", "formal"]
    category: Literal["billing", "technical", "delivery", "returns", "account", "usage", "other"]
    desired_outcome: str
    evidence: str
    confidence: Literal["low", "medium", "high"]


def schema() -> dict[str, Any]:
    """The schema in the subset that providers share: all required, nothing beyond, no limits."""
    found = Answer.model_json_schema()
    properties = {
        name: {key: value for key, value in part.items() if key in ("type", "enum", "anyOf")}
        for name, part in found["properties"].items()
    }
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def read_answer(content: str) -> Answer | None:
    """The answer in the content of a completion; None where it is not one.

    Some models wrap JSON into a code block or a sentence; the outermost braces are read.
    """
    start, end = content.find("{"), content.rfind("}")
    if start < 0 or end < start:
        return None
    try:
        return Answer.model_validate(json.loads(content[start : end + 1]))
    except (ValueError, ValidationError, RecursionError):
        return None


def as_score(answer: Answer, *, text: str, lang: str) -> dict[str, object]:
    """The answer as a scored text.

    Markers are believed only with evidence: a span of the message itself. Without one they are
    unknown, not false. A hostile marker caps the tone.
    """
    proven = _is_said(answer.evidence, text)
    markers = {name: bool(getattr(answer, name)) if proven else None for name in MARKERS}
    tone = min(1.0, max(-1.0, answer.tone))
    if any(markers[name] for name in HOSTILE):
        tone = min(tone, HOSTILE_TONE)
    return {
        "status": OK, "lang": lang, "tone": tone, "formality": _FORMALITY[answer.formality],
        **markers, "category": answer.category,
    }  # fmt: skip


def _is_said(evidence: str, text: str) -> bool:
    words = _words(evidence)
    return 0 < len(words.split()) <= _LONGEST_EVIDENCE_WORDS and words in _words(text)


def _words(text: str) -> str:
    return " ".join(folded(text).split()).strip(" .,!?…\"'«»")
