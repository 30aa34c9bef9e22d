"""How near a name is to what we call a thing: by its words, in English and Russian."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path

_CAMEL = re.compile(r"(?<=[a-zа-яё0-9])(?=[A-ZА-ЯЁ])|(?<=[A-Z])(?=[A-Z][a-z])")
_APART = re.compile(r"[^0-9a-zа-я]+")

#: How sure a match by name is: our name, a known other name, one of them within more words.
EXACT, KNOWN, WITHIN = 1.0, 0.9, 0.5


def words_of(name: str) -> tuple[str, ...]:
    """The words of a name, lower case, without a plural s.

    Examples
    --------
    >>> words_of("CustomerID"), words_of("Дата_закрытия"), words_of("order items (2026)")
    (('customer', 'id'), ('дата', 'закрытия'), ('order', 'item', '2026'))
    """
    apart = _APART.split(_CAMEL.sub(" ", name).lower().replace("ё", "е"))
    return tuple(
        word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word
        for word in apart
        if word
    )


@cache
def synonyms() -> Mapping[str, Mapping[str, Sequence[str]]]:
    """The sections of ``synonyms.toml``; values by column stand under ``values.COLUMN``."""
    content = tomllib.loads(Path(__file__).with_name("synonyms.toml").read_text(encoding="utf-8"))
    values = content.pop("values")
    return content | {f"values.{column}": meant for column, meant in values.items()}


def nearness(name: str, canonical: str, others: Iterable[str]) -> float:
    """How surely this is the name of that thing, 0 to 1.

    Parameters
    ----------
    name : str
        As the source has it.
    canonical : str
        Our name.
    others : iterable of str
        Other names of the same thing.

    Examples
    --------
    >>> nearness("customer_id", "customer_id", ()), nearness("Клиент", "customer_id", ["клиент"])
    (1.0, 0.9)
    >>> nearness("ticket close date", "resolved_at", ["close date"]), nearness("x", "y", ["z"])
    (0.7, 0.0)
    """
    words = words_of(name)
    if words == words_of(canonical):
        return EXACT
    found = 0.0
    for other in (canonical, *others):
        phrase = words_of(other)
        if words == phrase:
            return KNOWN
        if phrase and _within(phrase, words):
            found = max(found, WITHIN + 0.3 * len(phrase) / len(words))
    return round(found, 2)


def _within(phrase: tuple[str, ...], words: tuple[str, ...]) -> bool:
    size = len(phrase)
    return any(words[start : start + size] == phrase for start in range(len(words) - size + 1))
