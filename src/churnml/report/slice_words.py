"""Names of the parts of the customers in which figures are told, in English and Russian."""

from __future__ import annotations

from churnml.report.canvas import Language

_RUSSIAN = {
    "leavers": "уходы", "segment": "сегмент", "plan": "тариф", "tenure": "стаж",
    "owner": "менеджер", "region": "регион", "industry": "отрасль", "channel": "канал",
    "language": "язык", "unknown": "неизвестно",
    "under 90 days": "до 90 дней", "90 to 365 days": "90–365 дней",
    "over 365 days": "более 365 дней", "90 to 364 days": "90–364 дня", "1 to 2 years": "1–2 года",
    "over 2 years": "более 2 лет",
}  # fmt: skip
_LEAVERS = {"silent": "тихие", "loud": "громкие"}


def slice_name(name: str, language: Language) -> str:
    """What the customers are parted by.

    Examples
    --------
    >>> slice_name("profile_region", "ru"), slice_name("account_kind", "en")
    ('регион', 'account kind')
    """
    plain = name.removeprefix("profile_")
    found = _RUSSIAN.get(plain) if language == "ru" else None
    return found or plain.replace("_", " ")


def slice_value(name: str, value: str, language: Language) -> str:
    """One part; values of the company's own stay as they are.

    Examples
    --------
    >>> slice_value("leavers", "silent", "ru"), slice_value("plan", "silent", "ru")
    ('тихие', 'silent')
    """
    if language == "en":
        return value
    return _LEAVERS.get(value, value) if name == "leavers" else _RUSSIAN.get(value, value)
