"""Tone, formality, markers and category by word lists and rules, offline."""

from __future__ import annotations

from pathlib import Path

from churnml.sources.description import Description
from churnml.text.lexicon.lists import extended, shipped
from churnml.text.lexicon.scorer import Lexicon

__all__ = ["Lexicon", "lexicon_of"]


def lexicon_of(description: Description) -> Lexicon:
    """The word lists with the competitors of a company and, where it has some, its own words.

    Examples
    --------
    >>> lexicon_of(Description()).name
    'lexicon'
    """
    own = description.text.lists
    return Lexicon(
        extended(Path(own)) if own is not None else shipped(),
        names=description.competitors.names,
        integrations=description.competitors.integrations,
    )
