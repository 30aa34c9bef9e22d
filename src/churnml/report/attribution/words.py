"""Words of the attribution figures, and values in the unit of their feature."""

from __future__ import annotations

import math

import pandas as pd

from churnml.features import Feature
from churnml.features.declaration import Unit
from churnml.report.canvas import Language, percent, whole
from churnml.spoken import decimal

_THIN = "\u202f"
LONGEST_TITLE = 58

WORDS: dict[Language, dict[str, str]] = {
    "en": {
        "claim": "associated with leaving, not proven to cause it",
        "rows": "{rows} scored rows",
        "push": "Contribution to the log-odds, right = towards leaving",
        "families": "{family} moves the scores most",
        "mean": "Mean absolute contribution to the log-odds",
        "swarm": "“{title}” moves the scores most",
        "swarm_sub": "{rows} · one dot is one score · dark = low value, light = high, cross = "
        "unknown\n{claim}",
        "one": "{customer}: {chance} instead of {usual}",
        "one_sub": "On {day} · what raises (plain) and lowers (hatched) the probability, and by how"
        " much in log-odds\n{claim}",
        "usual": "usual customer: {chance}",
        "here": "this customer: {chance}",
        "others": "{family}: the other signals ({count})",
        "over_time": "What drives the scores: {first} at first, {last} in the end",
        "over_time_same": "What drives the scores: {last} all the time",
        "over_time_sub": "Mean absolute contribution of a family to the log-odds of the rows of an"
        " as_of · {claim}",
        "as_of": "Scored on",
        "rest": "the others",
        "stable": "Trained again, {shared} of {top} strongest signals stay; rank correlation"
        " {correlation}",
        "order": "Trained again, the order of the signals has a rank correlation of {correlation}",
        "stable_one": "Each mark is one training",
        "stable_sub": "Each mark is one training · means over {pairs} pairs of trainings",
        "depends": "{title}: what its value does to a score",
        "depends_sub": "{rows} · line: median · {claim}",
        "unknown": "unknown",
        "cut": "beyond the right edge: {count}",
        "yes": "yes", "no": "no",
        "days": "days", "weeks": "weeks", "hours": "h", "minutes": "min", "deviations": "sd",
        "unit_days": "days", "unit_weeks": "weeks", "unit_hours": "hours",
        "unit_minutes": "minutes", "unit_share": "share", "unit_ratio": "times",
        "unit_money": "currency of the data", "unit_score": "score", "unit_flag": "0 = no, 1 = yes",
        "unit_deviations": "standard deviations", "unit_percentile": "rank among all, 0 to 1",
        "unit_count": "number", "unit_category": "",
        "rank": "rank {percent}",
    },
    "ru": {
        "claim": "связано с уходом, но причина не доказана",
        "rows": "Оценок: {rows}",
        "push": "Вклад в логарифм шансов, вправо = к уходу",
        "families": "Сильнее всего на оценку влияет: {family}",
        "mean": "Средний вклад в логарифм шансов по модулю",
        "swarm": "Сильнее всего двигает оценки: «{title}»",
        "swarm_sub": "{rows} · точка — одна оценка · тёмная = мало, светлая = много, крестик = "
        "неизвестно\n{claim}",
        "one": "{customer}: {chance} вместо {usual}",
        "one_sub": "На {day} · что повышает (сплошная) и снижает (штриховка) вероятность и на"
        " сколько в логарифме шансов\n{claim}",
        "usual": "обычный клиент: {chance}",
        "here": "этот клиент: {chance}",
        "others": "{family}: остальные признаки ({count})",
        "over_time": "Что движет оценками: сначала {first}, под конец {last}",
        "over_time_same": "Что движет оценками: всё время {last}",
        "over_time_sub": "Средний по модулю вклад группы в логарифм шансов на одну дату"
        " · {claim}",
        "as_of": "Дата оценки",
        "rest": "остальные",
        "stable": "При новом обучении остаются {shared} из {top} главных признаков; ранговая"
        " корреляция {correlation}",
        "order": "Порядок признаков при новом обучении: ранговая корреляция {correlation}",
        "stable_one": "Метка — одно обучение",
        "stable_sub": "Метка — одно обучение · средние по парам обучений, пар: {pairs}",
        "depends": "«{title}»: как значение меняет оценку",
        "depends_sub": "{rows} · линия: медиана · {claim}",
        "unknown": "неизвестно",
        "cut": "правее края: {count}",
        "yes": "да", "no": "нет",
        "days": "дн.", "weeks": "нед.", "hours": "ч", "minutes": "мин", "deviations": "ст. откл.",
        "unit_days": "дней", "unit_weeks": "недель", "unit_hours": "часов",
        "unit_minutes": "минут", "unit_share": "доля", "unit_ratio": "раз",
        "unit_money": "в валюте данных", "unit_score": "баллы", "unit_flag": "0 = нет, 1 = да",
        "unit_deviations": "стандартных отклонений",
        "unit_percentile": "место среди всех, от 0 до 1", "unit_count": "количество",
        "unit_category": "", "rank": "место {percent}",
    },
}  # fmt: skip

_WITH_UNIT = {
    Unit.DAYS: "days", Unit.WEEKS: "weeks", Unit.HOURS: "hours", Unit.MINUTES: "minutes",
    Unit.DEVIATIONS: "deviations",
}  # fmt: skip


def titled(feature: Feature, language: Language, *, most: int = LONGEST_TITLE) -> str:
    """The feature's title within its room."""
    title = feature.title[language]
    short = title if len(title) <= most else title[: most - 1].rstrip() + "…"
    return plain(short)


def plain(text: str) -> str:
    """Text in which a dollar sign is a dollar sign, not the start of a formula."""
    return text.replace("$", r"\$")


def axis_title(feature: Feature, language: Language) -> str:
    """Title and unit, for an axis."""
    unit = WORDS[language][f"unit_{feature.unit}"]
    return f"{titled(feature, language)}, {unit}" if unit else titled(feature, language)


def in_unit(value: object, unit: Unit, language: Language) -> str:
    """A value as a manager reads it.

    Examples
    --------
    >>> in_unit(0.25, Unit.SHARE, "en"), in_unit(3.0, Unit.COUNT, "ru")
    ('25%', '3')
    >>> in_unit(float("nan"), Unit.DAYS, "en"), in_unit(1.0, Unit.FLAG, "ru")
    ('unknown', 'да')
    """
    words = WORDS[language]
    if value is None or pd.isna(value):
        return words["unknown"]
    if unit is Unit.CATEGORY:
        return plain(str(value))
    number = float(value)  # type: ignore[arg-type]
    if unit is Unit.FLAG:
        return words["yes"] if number else words["no"]
    if unit is Unit.SHARE:
        return percent(number, language)
    if unit is Unit.PERCENTILE:
        return words["rank"].format(percent=percent(number, language))
    if unit is Unit.RATIO:
        return "×" + _number(number, language)
    suffix = _THIN + words[_WITH_UNIT[unit]] if unit in _WITH_UNIT else ""
    return _number(number, language) + suffix


def _number(number: float, language: Language) -> str:
    """Whole where it is whole or large, else two significant places; the minus of print."""
    if number == int(number) or abs(number) >= 100:
        text = whole(round(number), language)
    else:
        text = f"{number:.{1 if abs(number) >= 10 else 2}f}".rstrip("0").rstrip(".")
    text = "0" if text == "-0" else text.replace("-", "\N{MINUS SIGN}")
    return text.replace(".", ",") if language == "ru" else text


def chance(log_odds: float, language: Language) -> str:
    """The probability of these log-odds as a per cent."""
    share = 1.0 / (1.0 + math.exp(-log_odds))
    return percent(share, language, digits=0 if share >= 0.1 else 1)


def signed(number: float, language: Language) -> str:
    """A contribution with its sign."""
    return decimal(number, language, digits=2, sign="+")
