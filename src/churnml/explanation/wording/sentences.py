"""The sentence of a reason from a feature's subject, its unit and how its value went."""

from __future__ import annotations

from dataclasses import dataclass

from churnml.explanation.changes import Change, Peers
from churnml.explanation.telling import is_change, is_sum
from churnml.explanation.wording.numbers import date, money, number, percent, plural, rounded
from churnml.features import Feature, Unit
from churnml.spoken import FIXED, Language, plural_ru

_DAY = {"en": ("day", "days"), "ru": ("день", "дня", "дней")}
_HOUR = {"en": ("hour", "hours"), "ru": ("час", "часа", "часов")}
_NOUNS = {Unit.DAYS: _DAY, Unit.HOURS: _HOUR}
#: From so many hours on, days are told.
HOURS_UNTIL = 72
#: A subject that begins or ends so has told the unit already.
_TOLD = ("Days", "Дни", "Дней", "in minutes", "в минутах", "в днях")
#: How much in the window, and over which window a mean was taken.
_PER = {
    "en": {7: "a week", 14: "in 2 weeks", 28: "in 4 weeks", 84: "in 12 weeks", 182: "in 26 weeks"},
    "ru": {7: "в неделю", 14: "за 2 недели", 28: "за 4 недели", 84: "за 12 недель",
           182: "за 26 недель"},
}  # fmt: skip
_OVER = {
    "en": {7: "over a week", 14: "over 2 weeks", 28: "over 4 weeks", 84: "over 12 weeks",
           182: "over 26 weeks"},
    "ru": {7: "за неделю", 14: "за 2 недели", 28: "за 4 недели", 84: "за 12 недель",
           182: "за 26 недель"},
}  # fmt: skip


@dataclass(frozen=True)
class Voice:
    """In which language, zone and currency a reader is told."""

    language: Language
    timezone: str
    currency: str | None = None


def sentence(feature: Feature, change: Change, *, voice: Voice, peers: Peers | None = None) -> str:
    """What changed, from what to what, since when; or what stands as it did, and what is usual.

    Examples
    --------
    >>> import pandas as pd
    >>> from churnml.features import catalogue
    >>> from churnml.sources.description import Description
    >>> logins = next(f for f in catalogue(Description()) if f.name == "logins_7d")
    >>> fallen = Change(12.0, 3.0, pd.Timestamp("2026-10-12"), 12)
    >>> sentence(logins, fallen, voice=Voice("en", "UTC")).replace(FIXED, " ")
    'Logins: 12 a week before, 3 now, since 12 October'
    """
    if feature.unit is Unit.FLAG or is_statement(feature):
        return _stated(feature, change, voice)
    subject, now = subject_of(feature, voice), quantity(feature, change.now, voice)
    since = f", {_since(change, voice)}" if change.since is not None else ""
    beside = _beside(feature, peers, now, voice)
    if change.was is None:
        return f"{subject}: {_with_window(feature, now, voice)}{since}{beside}"
    if not change.changed:
        stood = _unchanged(change, voice)
        return f"{subject}: {_with_window(feature, now, voice)}, {stood}{beside}"
    was = _with_window(feature, quantity(feature, change.was, voice), voice)
    if voice.language == "en":
        return f"{subject}: {was} before, {now} now{since}{beside}"
    ends = [_verb_end(feature, value, voice) for value in (change.was, change.now)]
    return f"{subject}: был{ends[0]} {was}, стал{ends[1]} {now}{since}{beside}"


def _beside(feature: Feature, peers: Peers | None, now: str, voice: Voice) -> str:
    """What is usual among all customers, if it is told apart; and that the customer is new."""
    if peers is None:
        return ""
    usual, english = quantity(feature, peers.usual, voice), voice.language == "en"
    parts = [f"usual is {usual}" if english else f"обычно {usual}"] if usual != now else []
    if peers.is_new:
        parts.append("a new customer" if english else "клиент новый")
    return "".join(f"; {part}" for part in parts)


def subject_of(feature: Feature, voice: Voice) -> str:
    """The subject; of a mean with the window over which it was taken."""
    subject = feature.subject[voice.language]
    if feature.days is None or is_sum(feature.value):
        return subject.rstrip(",")
    return f"{subject} {_OVER[voice.language][feature.days]}"


def quantity(feature: Feature, value: float, voice: Voice) -> str:
    """The value with its unit."""
    language = voice.language
    if feature.unit in (Unit.SHARE, Unit.PERCENTILE) or _is_level(feature):
        return percent(value, language=language)
    if feature.unit is Unit.MONEY:
        return money(value, language=language, currency=voice.currency)
    noun, told = noun_of(feature, value, voice)
    text = number(told, language=language)
    return f"{text}{FIXED}{plural(told, noun, language=language)}" if noun else text


def per_window(feature: Feature, voice: Voice) -> str:
    """In what time so much came together; empty for what is no sum over a window."""
    if feature.days is None or not is_sum(feature.value):
        return ""
    return f" {_PER[voice.language][feature.days]}"


def is_statement(feature: Feature) -> bool:
    """Whether the title itself says what changed, and a number behind it would say nothing."""
    return feature.unit is Unit.SHARE and is_change(feature.value)


def _is_level(feature: Feature) -> bool:
    """A ratio to the own past: told in percent of it."""
    return feature.unit is Unit.RATIO and is_change(feature.value)


def noun_of(feature: Feature, value: float, voice: Voice) -> tuple[tuple[str, ...] | None, float]:
    """The forms of the noun that is counted, if one is said, and how many; hours may be days."""
    subject = feature.subject[voice.language]
    nouns = _NOUNS.get(feature.unit)
    if nouns is None or subject.startswith(_TOLD) or subject.endswith(_TOLD):
        return None, value
    if feature.unit is Unit.HOURS and abs(value) >= HOURS_UNTIL:
        return _DAY[voice.language], value / 24.0
    return nouns[voice.language], value


def _verb_end(feature: Feature, value: float, voice: Voice) -> str:
    """«Был 1 день», but «было 2 дня» and «было 1»."""
    noun, told = noun_of(feature, value, voice)
    return "" if noun and plural_ru(rounded(told)) == 0 else "о"


def _with_window(feature: Feature, told: str, voice: Voice) -> str:
    return told + per_window(feature, voice)


def _stated(feature: Feature, change: Change, voice: Voice) -> str:
    subject, english = feature.subject[voice.language].rstrip(","), voice.language == "en"
    if change.since is None:
        weeks = number(change.weeks, language=voice.language)
        if not change.weeks:
            return subject
        if english:
            noun = plural(change.weeks, ("week", "weeks"), language="en")
            return f"{subject}: for at least {weeks} {noun}"
        return f"{subject}: не меньше {weeks} {_of_weeks(change.weeks)}"
    day = date(change.since, language=voice.language, timezone=voice.timezone)
    if is_statement(feature):
        return f"{subject}, {_since(change, voice)}"
    return f"{subject}: appeared on {day}" if english else f"{subject}: появилось {day}"


def _since(change: Change, voice: Voice) -> str:
    assert change.since is not None
    day = date(change.since, language=voice.language, timezone=voice.timezone)
    if voice.language == "en":
        return f"since {day}"
    return f"{'со' if day.startswith(f'2{FIXED}') else 'с'} {day}"


def _unchanged(change: Change, voice: Voice) -> str:
    weeks = number(change.weeks, language=voice.language)
    if voice.language == "en":
        noun = plural(change.weeks, ("week", "weeks"), language="en")
        return f"no change over {weeks} {noun}"
    noun = plural(change.weeks, ("неделю", "недели", "недель"), language="ru")
    return f"без изменений за {weeks} {noun}"


def _of_weeks(weeks: int) -> str:
    return "недели" if plural_ru(weeks) == 0 else "недель"
