"""How near a name is to what we call a thing: by its words, in English, Russian and German."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path

_CAMEL = re.compile(r"(?<=[a-zа-яё0-9])(?=[A-ZА-ЯЁ])|(?<=[A-Z])(?=[A-Z][a-z])")
_SPELT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "ё": "е"})
_LATIN = re.compile(r"[\u00c0-\u024f]+")
_APART = re.compile(r"[^0-9a-zа-я]+")

#: How sure a match by name is: our name, a known other name, one of them within more words.
EXACT, KNOWN, WITHIN = 1.0, 0.9, 0.5


def words_of(name: str) -> tuple[str, ...]:
    """The words of a name, lower case, without a plural s.

    Examples
    --------
    >>> words_of("CustomerID"), words_of("Дата_закрытия"), words_of("order items (2026)")
    (('customer', 'id'), ('дата', 'закрытия'), ('order', 'item', '2026'))
    >>> words_of("FälligAm"), words_of("Faellig_am"), words_of("Téléphone")
    (('faellig', 'am'), ('faellig', 'am'), ('telephone',))
    """
    apart = _APART.split(_plain(_CAMEL.sub(" ", name)))
    return tuple(
        word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word
        for word in apart
        if word
    )


def _plain(name: str) -> str:
    """Lower case without accents; umlauts as they are spelt where a keyboard lacks them."""
    spelt = unicodedata.normalize("NFC", name).lower().translate(_SPELT)
    return _LATIN.sub(lambda accented: _bare(accented.group()), spelt)


def _bare(accented: str) -> str:
    parts = unicodedata.normalize("NFKD", accented)
    return "".join(letter for letter in parts if not unicodedata.combining(letter))


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
