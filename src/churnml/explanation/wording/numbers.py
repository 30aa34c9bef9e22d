"""Numbers, days, money and dates as a reader of each language writes them."""

from __future__ import annotations

import pandas as pd

from churnml.spoken import FIXED, NARROW, Language, per_cent
from churnml.spoken import plural as form_after
from churnml.windows import local

MINUS = "\u2212"
_MONTHS = {
    "en": (
        "January", "February", "March", "April", "May", "June", "July", "August", "September",
        "October", "November", "December",
    ),
    "ru": (
        "января", "февраля", "марта", "апреля", "мая", "июня", "июля", "августа", "сентября",
        "октября", "ноября", "декабря",
    ),
}  # fmt: skip
_SYMBOLS = {"EUR": "€", "USD": "$", "GBP": "£", "RUB": "₽"}


def rounded(value: float) -> float:
    """The value as precise as it is told: whole from 100 on, tenths from 1 on, else hundredths."""
    size = abs(value)
    places = 0 if size >= 100 else 1 if size >= 1 else 2
    return float(round(value, places)) + 0.0


def number(value: float, *, language: Language) -> str:
    """The value with the marks of the language: 1,234.5 or 1 234,5."""
    told = rounded(value)
    text = f"{abs(told):,.0f}" if told == int(told) else f"{abs(told):,.2f}".rstrip("0")
    if language == "ru":
        text = text.replace(",", NARROW).replace(".", ",")
    return (MINUS if told < 0 else "") + text


def percent(share: float, *, language: Language) -> str:
    """A share of 1 as whole percent."""
    return per_cent(number(float(round(100 * share)), language=language), language)


def money(amount: float, *, language: Language, currency: str | None) -> str:
    """An amount in whole units of the currency, in tenths below ten."""
    text = number(amount if abs(amount) < 10 else float(round(amount)), language=language)
    if currency is None:
        return text
    symbol = _SYMBOLS.get(currency, currency)
    if language == "en" and symbol != currency:
        return f"{MINUS}{symbol}{text[1:]}" if text.startswith(MINUS) else f"{symbol}{text}"
    return f"{text}{FIXED}{symbol}"


def date(moment: pd.Timestamp, *, language: Language, timezone: str) -> str:
    """Day and month in the zone of the dataset."""
    shown = local(moment, zone=timezone)
    return f"{shown.day}{FIXED}{_MONTHS[language][shown.month - 1]}"


def plural(value: float, forms: tuple[str, ...], *, language: Language) -> str:
    """The form of a noun after a number: (day, days) or (день, дня, дней)."""
    return form_after(rounded(value), forms, language)
