"""Names of plays, tiers and rows of tables as a manager reads them, in English and Russian."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

from churnml.spoken import Language


def play_name(play: str, language: Language) -> str:
    """A play as what is to be done; one that a company declared itself, by its identifier.

    Examples
    --------
    >>> play_name("payment_help", "ru"), play_name("call_the_boss", "ru")
    ('помочь с оплатой', 'call the boss')
    """
    return _named("plays", play, language)


def tier_name(tier: str, language: Language) -> str:
    """A tier in words."""
    return _named("tiers", tier, language)


def row_name(table: str, language: Language, *, several: bool = False) -> str:
    """What one row of a table is, or several.

    Examples
    --------
    >>> row_name("tickets", "ru"), row_name("tickets", "en", several=True)
    ('обращение', 'tickets')
    """
    return _named("rows", table, language).split("|")[-1 if several else 0]


def _named(kind: str, key: str, language: Language) -> str:
    both = _names()[kind].get(key)
    return key.replace("_", " ") if both is None else both[language]


@cache
def _names() -> dict[str, dict[str, dict[str, str]]]:
    return tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
