"""Words, days and numbers of the report, in English and Russian."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from churnml.report.canvas import Language, per_cent
from churnml.report.canvas import percent as printed
from churnml.spoken import decimal as decimal
from churnml.spoken import whole as whole

NO_BREAK = "\u00a0"
Words = Mapping[str, Any]


@cache
def words_of(language: Language) -> Words:
    """All words of a language, by section."""
    path = Path(__file__).with_name(f"words_{language}.toml")
    return tomllib.loads(path.read_text(encoding="utf-8"))


def day(moment: pd.Timestamp, language: Language) -> str:
    """A day in full: "29 December 2025", «29 декабря 2025»."""
    month = words_of(language)["months"][moment.month - 1]
    return f"{moment.day}{NO_BREAK}{month}{NO_BREAK}{moment.year}"


def short_day(moment: pd.Timestamp, language: Language) -> str:
    """A day within the year that a reader has in mind: "29 Dec", «29 дек.»."""
    return f"{moment.day}{NO_BREAK}{words_of(language)['months_short'][moment.month - 1]}"


def percent(share: float | None, language: Language, *, digits: int | None = None) -> str:
    r"""A share; below a tenth with one decimal, for there it matters.

    Examples
    --------
    >>> percent(0.8276, "en"), percent(0.031, "ru"), percent(None, "en")
    ('83%', '3,1\xa0%', '–')
    """
    if share is None or pd.isna(share):
        return "–"
    if digits is None:
        digits = 0 if share >= 0.0995 or share == 0 else 1
    return printed(share, language, digits=digits)


def load(share: float, language: Language) -> str:
    """The share of a policy, without decimals where there are none: "2%", «0,5 %»."""
    return per_cent(f"{100 * share:g}", language)


def of_100(share: float | None) -> str:
    """How many of a hundred."""
    return "–" if share is None or pd.isna(share) else f"{100 * share:.0f}"


def money(amount: float | None, currency: str | None, language: Language) -> str:
    """An amount without cents."""
    if amount is None or pd.isna(amount):
        return "–"
    return f"{whole(amount, language)}{NO_BREAK}{currency}" if currency else whole(amount, language)


def cut(text: str, most: int) -> str:
    """The text within its room."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"
