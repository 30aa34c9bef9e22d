"""The state that would go with a lower score, in words that promise nothing."""

from __future__ import annotations

from churnml.explanation.changes import Change
from churnml.explanation.wording.numbers import number, rounded
from churnml.explanation.wording.sentences import (
    Voice,
    is_statement,
    noun_of,
    per_window,
    quantity,
    subject_of,
)
from churnml.features import Feature, Unit
from churnml.spoken import FIXED, plural_ru


def would_be(feature: Feature, change: Change, *, voice: Voice) -> str | None:
    """The observable state before the change; None where nothing changed.

    Examples
    --------
    >>> import pandas as pd
    >>> from churnml.features import catalogue
    >>> from churnml.sources.description import Description
    >>> logins = next(f for f in catalogue(Description()) if f.name == "logins_7d")
    >>> fallen = Change(12.0, 3.0, pd.Timestamp("2026-10-12"), 12)
    >>> would_be(logins, fallen, voice=Voice("en", "UTC"))
    'Logins: back at about 12 a week'
    """
    if change.was is None or not change.changed:
        return None
    english = voice.language == "en"
    if feature.unit is Unit.FLAG or is_statement(feature):
        subject = feature.subject[voice.language].rstrip(",")
        return f"{subject}: no longer so" if english else f"{subject}: уже не так"
    if feature.name == "open_tickets" and change.was == 0:
        return _all_resolved(change.now, voice)
    subject = subject_of(feature, voice)
    if rounded(change.was) == 0:
        none = quantity(feature, 0.0, voice)
        return f"{subject}: back at {none}" if english else f"{subject}: снова {none}"
    told = quantity(feature, change.was, voice) + per_window(feature, voice)
    if english:
        return f"{subject}: back at about {told}"
    return f"{subject}: снова около {_in_genitive(feature, change.was, told, voice)}"


def _all_resolved(count: float, voice: Voice) -> str:
    told = number(count, language=voice.language)
    if voice.language == "en":
        return "the open ticket resolved" if count == 1 else f"all {told} open tickets resolved"
    if count == 1:
        return "открытое обращение решено"
    noun = "открытое обращение" if plural_ru(count) == 0 else "открытых обращения"
    noun = "открытых обращений" if plural_ru(count) == 2 else noun
    return f"решены все {told} {noun}"


def _in_genitive(feature: Feature, was: float, told: str, voice: Voice) -> str:
    """«Около 9 дней», «около 1 дня», «около 2,5 дня»."""
    noun, count = noun_of(feature, was, voice)
    if noun is None:
        return told
    is_one = plural_ru(rounded(count)) == 0 or rounded(count) % 1 != 0
    return f"{number(count, language='ru')}{FIXED}{noun[1] if is_one else noun[2]}"
