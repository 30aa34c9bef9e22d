"""Sentences in English and Russian from one set of values; the words stand in TOML files."""

from __future__ import annotations

import math
import string
import tomllib
from collections.abc import Callable, Sequence
from numbers import Real
from pathlib import Path
from typing import Any, Literal, cast, get_args

Language = Literal["en", "ru"]
LANGUAGES: tuple[Language, ...] = get_args(Language)

#: Spaces that neither break a line nor part thousands, or a number from its unit.
NARROW, FIXED = "\u202f", "\u00a0"
UNKNOWN, MINUS = "–", "\N{MINUS SIGN}"


class Spoken(str):
    """A sentence: the string is the English one, ``ru`` the Russian one.

    Parameters
    ----------
    en, ru : str

    Examples
    --------
    >>> said = Spoken("Kept.", "Оставлена.")
    >>> said == "Kept.", said.ru
    (True, 'Оставлена.')
    """

    ru: str

    def __new__(cls, en: str, ru: str) -> Spoken:  # noqa: D102
        found = super().__new__(cls, en)
        found.ru = ru
        return found

    def __reduce__(self) -> tuple[type[Spoken], tuple[str, str]]:
        return Spoken, (str(self), self.ru)

    def then(self, other: Spoken) -> Spoken:
        """Both sentences, one after the other."""
        return Spoken(f"{self} {other}", f"{self.ru} {other.ru}")

    def in_(self, language: Language) -> str:
        """The sentence in one of the languages."""
        return str(self) if language == "en" else self.ru


def percent(share: float | None, language: Language = "en", *, digits: int = 0) -> str:
    r"""A share as the language writes it; a dash where there is none.

    Examples
    --------
    >>> percent(0.83), percent(0.042, "ru", digits=1), percent(None), percent(float("nan"))
    ('83%', '4,2\xa0%', '–', '–')
    """
    if share is None or share != share:
        return UNKNOWN
    return per_cent(f"{100 * share:.{digits}f}", language)


def per_cent(number: str, language: Language) -> str:
    """A number of per cent with the sign and the decimal point of the language."""
    return f"{number}%" if language == "en" else f"{number.replace('.', ',')}{FIXED}%"


def decimal(
    value: float | None, language: Language = "en", *, digits: int = 1, sign: Literal["", "+"] = ""
) -> str:
    r"""A number with the decimal sign of the language and the minus of print.

    Examples
    --------
    >>> decimal(-0.46, "ru"), decimal(0.5, "ru", digits=2, sign="+"), decimal(-0.01), decimal(None)
    ('−0,5', '+0,50', '0.0', '–')
    """
    if value is None or value != value:
        return UNKNOWN
    text = f"{value:{sign}.{digits}f}"
    text = text.replace("-", MINUS) if float(text) else text.lstrip("-")
    return text.replace(".", ",") if language == "ru" else text


def whole(number: float, language: Language) -> str:
    r"""A count with its thousands parted as the language writes them.

    Examples
    --------
    >>> whole(33_911, "en"), whole(12.6, "en"), whole(33_911, "ru")
    ('33,911', '13', '33\u202f911')
    """
    text = f"{round(number):,}"
    return text.replace(",", NARROW) if language == "ru" else text


def counted(count: int, one: str, many: str = "") -> str:
    """A count and its English noun, which is told of several with an s if not otherwise.

    Examples
    --------
    >>> counted(1, "feature"), counted(1_200, "feature"), counted(0, "reply", "replies")
    ('1 feature', '1,200 features', '0 replies')
    """
    return f"{count:,} {plural(count, (one, many or f'{one}s'), 'en')}"


def plural(count: float, forms: Sequence[str], language: Language) -> str:
    """The form of a noun after a number: (day, days) or (день, дня, дней).

    Examples
    --------
    >>> plural(21, ("day", "days"), "en"), plural(21, ("день", "дня", "дней"), "ru")
    ('days', 'день')
    """
    return forms[int(abs(count) != 1)] if language == "en" else forms[plural_ru(count)]


def plural_ru(count: float) -> int:
    """0 after 1, 21, 31 …; 1 after 2–4, 22–24 … and after fractions; 2 after the others."""
    whole = abs(count)
    if not math.isclose(whole, round(whole)):
        return 1
    last, tens = int(whole) % 10, int(whole) % 100 // 10
    if tens == 1 or last == 0 or last > 4:
        return 2
    return 0 if last == 1 else 1


class _Blanks(string.Formatter):
    """Fills blanks as a language writes numbers; what is text stays as it is.

    A blank may name the forms of the word behind its number: ``{rows:,|row|rows}``.
    """

    def __init__(self, language: Language) -> None:
        super().__init__()
        self.language = language

    def format_field(self, value: Any, format_spec: str) -> str:
        if isinstance(value, Spoken):
            return value.in_(self.language)
        how, *forms = format_spec.split("|")
        text = cast(str, super().format_field(value, how))
        if isinstance(value, bool) or not isinstance(value, Real):
            return text
        if self.language == "ru":
            text = text.replace(",", NARROW).replace(".", ",").replace("%", f"{FIXED}%")
        return f"{text} {plural(float(value), forms, self.language)}" if forms else text


def phrases(file: Path) -> Callable[..., Spoken]:
    """A function that says a sentence of the file by its key: ``say("kept", bound=0.004)``.

    Parameters
    ----------
    file : Path
        TOML with a table of ``en`` and ``ru`` for each key; both are filled with the same values,
        those that are spoken in their own language. A number may stand before the word that it
        counts: ``{rows:,|row|rows}``, ``{rows:,|строка|строки|строк}``.
    """
    words = tomllib.loads(file.read_text(encoding="utf-8"))
    english, russian = _Blanks("en"), _Blanks("ru")

    def say(key: str, /, **values: Any) -> Spoken:
        both = words[key]
        return Spoken(english.format(both["en"], **values), russian.format(both["ru"], **values))

    return say
