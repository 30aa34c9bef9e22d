"""Reasons as sentences in English and Russian: what changed, from what to what, since when."""

from __future__ import annotations

from churnml.explanation.wording.lowering import would_be
from churnml.explanation.wording.sentences import Voice, sentence

__all__ = ["Voice", "sentence", "would_be"]
