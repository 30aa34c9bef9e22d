"""Whether a text is Russian, English, or something that the word lists do not know."""

from __future__ import annotations

import re
import tomllib
from importlib.resources import files

from churnml.text.normal import folded

RUSSIAN = "ru"
ENGLISH = "en"
OTHER = "other"
#: No letters at all: only digits, punctuation, emoji.
NONE = "und"
SUPPORTED = (RUSSIAN, ENGLISH)

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
#: Letters of other Cyrillic and Latin alphabets, which Russian and English do not have.
_FOREIGN = frozenset("іїєґўјљњћђџѓќәғқңөұүһőűğşıłąęśżźćńřěůšžčñãõàèìòùâêîôûäöüßåøæœëïçáéíóú¿¡")
_CYRILLIC = frozenset(map(chr, range(ord("а"), ord("я") + 1)))

_LISTS = tomllib.loads(files(__package__).joinpath("languages.toml").read_text(encoding="utf-8"))
_RUSSIAN_WORDS, _ENGLISH_WORDS, _FOREIGN_WORDS = (
    frozenset(_LISTS[name].split()) for name in (RUSSIAN, ENGLISH, "foreign")
)


def language(text: str) -> str:
    """``ru``, ``en``, ``other`` or ``und`` (no letters).

    Script alone does not decide: Bulgarian and Ukrainian are written in Cyrillic, German and
    Turkish in Latin letters. Foreign letters and frequent words speak against, frequent words of
    the language for it; a few words without any such sign are taken by their script.

    Examples
    --------
    >>> [language(t) for t in ("Где счёт?", "Where is it?", "Де рахунок?  Ні", "Danke, nein")]
    ['ru', 'en', 'other', 'other']
    >>> language("👍 12:30")
    'und'
    """
    words = _WORD.findall(folded(text))
    letters = sum(map(len, words))
    if not letters:
        return NONE
    joined = " ".join(words)
    cyrillic = 0.0 if joined.isascii() else sum(map(_CYRILLIC.__contains__, joined)) / letters
    foreign = sum(map(_FOREIGN_WORDS.__contains__, words))
    foreign += 0 if _FOREIGN.isdisjoint(joined) else sum(map(_FOREIGN.__contains__, joined))
    # Names of products and files are Latin in Russian text, so less than half may decide.
    known, guess = (
        (_RUSSIAN_WORDS, RUSSIAN) if cyrillic > 0.4 else (_ENGLISH_WORDS, ENGLISH)
    )  # fmt: skip
    if guess == ENGLISH and cyrillic > 0.15:
        return RUSSIAN if any(word in _RUSSIAN_WORDS for word in words) else OTHER
    own = sum(map(known.__contains__, words))
    if not joined.isascii() and guess == ENGLISH and _odd_share(joined, letters) > 0.3:
        return OTHER
    if foreign == 0:
        # Twenty words without one frequent word of the language are another language.
        return guess if own or len(words) < 20 else OTHER
    return guess if own >= foreign else OTHER


def _odd_share(joined: str, letters: int) -> float:
    """Share of letters that are neither Latin nor Cyrillic: Greek, Arabic, Chinese."""
    return sum(ord(char) > 0x24F and not "а" <= char <= "я" for char in joined) / letters
