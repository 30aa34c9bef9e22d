"""How a card says numbers, days and names, with the decimal sign and the words of its language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from churnml.report.canvas import Language, percent
from churnml.report.captions import CAPTIONS
from churnml.report.page import Cell
from churnml.spoken import Spoken, decimal
from churnml.spoken import whole as whole

Content = Mapping[str, Any]

#: Figures that are sums or days: told without decimals.
_WHOLE = ("median_lead_days", "value_at_risk_caught_per_100_contacts", "profit_per_contact")


def number(value: float | None, language: Language, *, digits: int = 3) -> str:
    """A number as text; a dash where there is none."""
    return decimal(value, language, digits=digits)


def share(value: float | None, language: Language, *, digits: int = 0) -> str:
    """A share in per cent that stays on one line."""
    return percent(value, language, digits=digits)


def figure(part: Content, key: str, language: Language) -> Cell:
    """A figure over its interval; days and sums without decimals, thousands apart."""
    value, band = part.get(key), part.get("intervals", {}).get(key)
    if key in _WHOLE:
        said = [None if one is None else round(one) for one in (value, *(band or ()))]
        texts = ["–" if one is None else whole(one, language).replace("-", "−") for one in said]
    else:
        texts = [number(one, language) for one in (value, *(band or ()))]
    known = value is not None and band is not None
    return Cell(texts[0], note=f"[{texts[1]}–{texts[2]}]" if known else "")


def share_with_band(part: Content, key: str, language: Language) -> Cell:
    """A share over its interval in per cent."""
    band = (part.get("intervals") or {}).get(key)
    text = share(part.get(key), language)
    return Cell(text, note="" if band is None else f"[{100 * band[0]:.0f}–{100 * band[1]:.0f}]")


def score_name(name: str, language: Language) -> str:
    """A score by the name that figures give it."""
    return CAPTIONS[language].get(name, name.replace("_", " "))


def day(moment: pd.Timestamp | None, language: Language) -> str:
    """A date in figures as the language writes it; a dash where there is none."""
    written = "%Y-%m-%d" if language == "en" else "%d.%m.%Y"
    return "–" if moment is None else f"{moment:{written}}"


def told(content: Content, key: str, language: Language) -> Any:
    """What a document says under a key, in the language; in English where it has no other."""
    english = content.get(key)
    if isinstance(english, Spoken):
        return english.in_(language)
    return english if language == "en" else content.get(f"{key}_{language}", english)
