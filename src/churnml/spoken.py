"""Sentences in English and Russian from one set of values; the words stand in TOML files."""

from __future__ import annotations

import string
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, cast

Language = Literal["en", "ru"]


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


class _Russian(string.Formatter):
    """Decimal commas, a space between thousands and before the per cent; spoken values in Russian.

    What is text stays as it is.
    """

    def format_field(self, value: Any, format_spec: str) -> str:
        if isinstance(value, Spoken):
            return value.ru
        text = cast(str, super().format_field(value, format_spec))
        if isinstance(value, bool) or not isinstance(value, int | float):
            return text
        return text.replace(",", "\u202f").replace(".", ",").replace("%", " %")


def phrases(file: Path) -> Callable[..., Spoken]:
    """A function that says a sentence of the file by its key: ``say("kept", bound=0.004)``.

    Parameters
    ----------
    file : Path
        TOML with a table of ``en`` and ``ru`` for each key; both are filled with the same values,
        those that are spoken in their own language.
    """
    words = tomllib.loads(file.read_text(encoding="utf-8"))

    def say(key: str, /, **values: Any) -> Spoken:
        both = words[key]
        return Spoken(both["en"].format(**values), _Russian().format(both["ru"], **values))

    return say
