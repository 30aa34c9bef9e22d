"""Numbers, days, money and dates as a reader of each language writes them."""

from __future__ import annotations

import math

import pandas as pd

#: Spaces that neither break a line nor part a number from its unit.
NARROW, FIXED = "\u202f", "\u00a0"
MINUS = "\u2212"
LANGUAGES = ("en", "ru")
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


def number(value: float, *, language: str) -> str:
    """The value with the marks of the language: 1,234.5 or 1 234,5."""
    told = rounded(value)
    text = f"{abs(told):,.0f}" if told == int(told) else f"{abs(told):,.2f}".rstrip("0")
    if language == "ru":
        text = text.replace(",", NARROW).replace(".", ",")
    return (MINUS if told < 0 else "") + text


def percent(share: float, *, language: str) -> str:
    """A share of 1 as whole percent."""
    text = number(float(round(100 * share)), language=language)
    return f"{text}%" if language == "en" else f"{text}{FIXED}%"


def money(amount: float, *, language: str, currency: str | None) -> str:
    """An amount in whole units of the currency, in tenths below ten."""
    text = number(amount if abs(amount) < 10 else float(round(amount)), language=language)
    if currency is None:
        return text
    symbol = _SYMBOLS.get(currency, currency)
    if language == "en" and symbol != currency:
        return f"{MINUS}{symbol}{text[1:]}" if text.startswith(MINUS) else f"{symbol}{text}"
    return f"{text}{FIXED}{symbol}"


def date(moment: pd.Timestamp, *, language: str, timezone: str) -> str:
    """Day and month in the zone of the dataset."""
    local = moment.tz_localize("UTC").tz_convert(timezone)
    return f"{local.day}{FIXED}{_MONTHS[language][local.month - 1]}"


def plural(value: float, forms: tuple[str, ...], *, language: str) -> str:
    """The form of a noun after a number: (day, days) or (день, дня, дней)."""
    told = rounded(value)
    if language == "en":
        return forms[0] if abs(told) == 1 else forms[1]
    return forms[plural_ru(told)]


def plural_ru(told: float) -> int:
    """0 after 1, 21, 31 …; 1 after 2–4, 22–24 … and after fractions; 2 after the others."""
    whole = abs(told)
    if not math.isclose(whole, round(whole)):
        return 1
    last, tens = int(whole) % 10, int(whole) % 100 // 10
    if tens == 1 or last == 0 or last > 4:
        return 2
    return 0 if last == 1 else 1
