"""The people and the company that a message may name, and every way their names are written."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from churnml.text.normal import folded, normal

_WORD = re.compile(r"[^\W\d_]{2,}")
_RUSSIAN = re.compile(r"[а-я]")
#: Legal forms and articles of company names: they identify nobody.
_NO_NAME = frozenset(
    (
        "ооо", "оао", "зао", "пао", "ао", "ип", "нко", "компания", "группа",
        "ltd", "llc", "inc", "gmbh", "ag", "co", "corp", "company", "plc", "sa", "srl", "bv", "oy",
        "ab", "the", "and", "of", "und", "de", "la",
    )
)  # fmt: skip
_TO_LATIN = dict(
    zip(
        "абвгдезийклмнопрстуфхцчшщъыьэюя",
        ("a", "b", "v", "g", "d", "e", "z", "i", "y", "k", "l", "m", "n", "o", "p", "r", "s", "t",
         "u", "f", "kh", "ts", "ch", "sh", "shch", "", "y", "", "e", "yu", "ya"),
        strict=True,
    )
) | {"ж": "zh", "ё": "e"}  # fmt: skip
#: Longest first, so that "shch" is not read as "s", "h", "ch".
_TO_RUSSIAN = (
    ("shch", "щ"), ("kh", "х"), ("zh", "ж"), ("ts", "ц"), ("ch", "ч"), ("sh", "ш"), ("yu", "ю"),
    ("ya", "я"), ("ph", "ф"), ("ck", "к"), ("th", "т"), ("ee", "и"), ("oo", "у"), ("hn", "н"),
    ("a", "а"), ("b", "б"), ("c", "к"), ("d", "д"), ("e", "е"), ("f", "ф"), ("g", "г"),
    ("h", "х"), ("i", "и"), ("j", "дж"), ("k", "к"), ("l", "л"), ("m", "м"), ("n", "н"),
    ("o", "о"), ("p", "п"), ("q", "к"), ("r", "р"), ("s", "с"), ("t", "т"), ("u", "у"),
    ("v", "в"), ("w", "в"), ("x", "кс"), ("y", "и"), ("z", "з"),
)  # fmt: skip
_ENDINGS = re.compile(r"(?:ый|ий|ая|яя|ой|ей|[аяоеуюыиьй])$")
_SHORTEST_STEM = 3


@dataclass(frozen=True, slots=True)
class Person:
    """Someone (or a company) as the customer tables know it.

    Parameters
    ----------
    names : tuple of str
        Full names as written in the tables.
    emails, phones : tuple of str
    is_company : bool
    """

    names: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    is_company: bool = False


def people_of(rows: Iterable[dict[str, str | None]], *, company: str | None) -> tuple[Person, ...]:
    """The people of one customer from rows of contacts (name, email, phone), and the company.

    Examples
    --------
    >>> [p.is_company for p in people_of([{"name": "Anna Berg", "email": None}], company="ACME")]
    [False, True]
    """
    found = [
        Person(_filled(row.get("name")), _filled(row.get("email")), _filled(row.get("phone")))
        for row in rows
    ]
    return (*found, Person(names=(company,), is_company=True)) if company else tuple(found)


def _filled(value: str | None) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) and value.strip() else ()


@lru_cache(maxsize=4096)  # the next message of a customer names the same people
def name_pattern(names: tuple[str, ...]) -> re.Pattern[str] | None:
    """Finds the words of these names in a folded text: declined, and in the other script.

    Returns
    -------
    Pattern, or None where the names hold no word
    """
    words = {word for name in names for word in _WORD.findall(folded(normal(name)))} - _NO_NAME
    if not words:
        return None
    stems = sorted({form for word in words for form in _forms(word)}, key=lambda s: (-len(s), s))
    # A declined or possessive ending is short; the bound keeps the search linear.
    return re.compile(rf"(?<![^\W_])(?:{'|'.join(stems)})(?:'s|’s)?(?![^\W_])")


def _forms(word: str) -> set[str]:
    """Patterns of one folded word in both scripts."""
    if _RUSSIAN.search(word):
        latin = "".join(_TO_LATIN.get(char, char) for char in word)
        return {_declined(word), re.escape(latin)}
    return {re.escape(word), _declined(_in_russian(word))}


def _in_russian(word: str) -> str:
    for latin, russian in _TO_RUSSIAN:
        word = word.replace(latin, russian)
    return word


def _declined(word: str) -> str:
    """A Russian word with any short ending in place of its own."""
    stem = _ENDINGS.sub("", word)
    if len(stem) < _SHORTEST_STEM:
        return re.escape(word)
    # A vowel that flees in other cases: Павел, Павла.
    fleeing = re.escape(stem[:-2]) + f"[ео]?{re.escape(stem[-1])}"
    loose = fleeing if len(stem) > 4 and stem[-2] in "ео" else re.escape(stem)
    return loose + "[а-я]{0,4}"
