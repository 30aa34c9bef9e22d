"""A language model as scorer: any endpoint that speaks OpenAI's protocol, redacted, validated."""

from __future__ import annotations

from churnml.text.llm.scorer import LlmScorer
from churnml.text.llm.settings import LlmSettings, read_llm_settings

__all__ = ["LlmScorer", "LlmSettings", "read_llm_settings"]
