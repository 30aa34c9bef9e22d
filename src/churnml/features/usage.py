"""How often and how long a customer uses the product, and how that compares with its own past."""

from __future__ import annotations

from churnml.features import operators as o
from churnml.features.algebra import (
    LAST_2_WEEKS,
    LAST_4_WEEKS,
    LAST_12_WEEKS,
    LAST_WEEK,
    PRIOR_4_WEEKS,
    PRIOR_12_WEEKS,
    Expr,
    Rows,
    Window,
)
from churnml.features.declaration import Family, Feature, Unit
from churnml.features.declare import Declare, role
from churnml.features.row_sources import EVENTS, SESSIONS
from churnml.sources.description import Description

_WINDOWS = (LAST_WEEK, LAST_2_WEEKS, LAST_4_WEEKS, LAST_12_WEEKS)
_declare = Declare(Family.USAGE, "usage_coaching")


def usage(description: Description) -> tuple[Feature, ...]:
    """Features of logins, activity and sessions."""
    logins = role(EVENTS, description, "login")
    return (*_volume(logins), *_rhythm(), *_changes(logins), *_own_past(logins), *_sessions())


def _volume(logins: Rows) -> tuple[Feature, ...]:
    events = Rows(EVENTS)
    return (
        *_declare.over(
            _WINDOWS, "events", lambda w: o.count(events, w),
            "Actions in the product", "Действия в продукте", Unit.COUNT, -1,
        ),
        *_declare.over(
            _WINDOWS, "active_days", lambda w: o.active_days(events, w),
            "Days with activity", "Дни с активностью", Unit.DAYS, -1,
        ),
        *_declare.over(
            _WINDOWS, "logins", lambda w: o.count(logins, w),
            "Logins", "Входы в систему", Unit.COUNT, -1,
        ),
        *_declare.over(
            (LAST_4_WEEKS,), "login_days", lambda w: o.active_days(logins, w),
            "Days with a login", "Дни с входом в систему", Unit.DAYS, -1,
        ),
        *_declare.over(
            (LAST_4_WEEKS, LAST_12_WEEKS), "active_users",
            lambda w: o.distinct(events, "user_id", w),
            "People using the product", "Работающие в продукте сотрудники", Unit.COUNT, -1,
        ),
        *_declare.over(
            (LAST_4_WEEKS, LAST_12_WEEKS), "event_value_mean", lambda w: o.mean(events, "value", w),
            "Mean value of an action", "Среднее значение действия", Unit.SCORE,
        ),
    )  # fmt: skip


def _rhythm() -> tuple[Feature, ...]:
    events = Rows(EVENTS)
    since, days = o.days_since(events), o.active_days(events, LAST_12_WEEKS)
    last, ever = o.last(events, "value"), o.mean(events, "value")
    return (
        _declare("days_since_event", since, "Days since the last action",
                 "Дней с последнего действия", Unit.DAYS, 1),
        _declare("silence_by_own_rate", since * days / 84.0,
                 "Active days missed at the usual pace",
                 "Пропущено активных дней при обычном темпе", Unit.DAYS, 1),
        _declare("event_value_last", last, "Value of the last action that has one",
                 "Значение последнего действия", Unit.SCORE),
        _declare("event_value_mean_ever", ever, "Mean value of an action, ever",
                 "Среднее значение действия за всё время", Unit.SCORE),
        _declare("event_value_change", o.mean(events, "value", LAST_12_WEEKS) - ever,
                 "Mean value of an action, last 84 days against ever",
                 "Среднее значение действия: 84 дня к среднему за всё время", Unit.SCORE),
    )  # fmt: skip


def _changes(logins: Rows) -> tuple[Feature, ...]:
    events = Rows(EVENTS)
    users = o.ratio(
        o.distinct(events, "user_id", LAST_4_WEEKS), o.distinct(events, "user_id", PRIOR_4_WEEKS)
    )
    return (
        *(
            _declare(
                f"{name}_change_28d",
                o.ratio(o.count(rows, LAST_4_WEEKS), o.count(rows, PRIOR_4_WEEKS)),
                f"{en}, last 4 weeks against the 4 before",
                f"{ru}: 4 недели к предыдущим 4", Unit.RATIO, -1,
            )
            for name, rows, en, ru in (
                ("events", events, "Actions", "Действия"), ("logins", logins, "Logins", "Входы"),
            )
        ),
        _declare("events_change_14d",
                 o.ratio(o.count(events, LAST_2_WEEKS), o.count(events, Window(4, 2))),
                 "Actions, last 2 weeks against the 2 before",
                 "Действия: 2 недели к предыдущим 2", Unit.RATIO, -1),
        _declare("events_change_84d",
                 o.ratio(o.count(events, LAST_12_WEEKS), o.count(events, PRIOR_12_WEEKS)),
                 "Actions, last 12 weeks against the 12 before",
                 "Действия: 12 недель к предыдущим 12", Unit.RATIO, -1),
        _declare("active_days_change_28d",
                 o.ratio(o.active_days(events, LAST_4_WEEKS), o.active_days(events, PRIOR_4_WEEKS)),
                 "Active days, last 4 weeks against the 4 before",
                 "Активные дни: 4 недели к предыдущим 4", Unit.RATIO, -1),
        _declare("active_users_change_28d", users,
                 "People using the product, last 4 weeks against the 4 before",
                 "Работающие сотрудники: 4 недели к предыдущим 4", Unit.RATIO, -1),
        _declare("events_trend_8w", o.trend(events, weeks=8),
                 "Weekly trend of actions over 8 weeks", "Недельный тренд действий за 8 недель",
                 Unit.RATIO, -1),
        _declare("events_trend_12w", o.trend(events, weeks=12),
                 "Weekly trend of actions over 12 weeks", "Недельный тренд действий за 12 недель",
                 Unit.RATIO, -1),
    )  # fmt: skip


def _own_past(logins: Rows) -> tuple[Feature, ...]:
    features: list[Feature] = []
    for name, rows, en, ru in (
        ("events", Rows(EVENTS), "Actions", "Действия"),
        ("logins", logins, "Logins", "Входы"),
    ):
        features += own_past(_declare, name, rows, en, ru)
    return tuple(features)


def own_past(declare: Declare, name: str, rows: Rows, en: str, ru: str) -> tuple[Feature, ...]:
    """A stream against its own earlier level: ratio, deviations, and the onset of a drop."""
    own = o.OwnBaseline(rows)
    weeks = (
        (1, LAST_WEEK, "last week", "за неделю"),
        (2, LAST_2_WEEKS, "last 2 weeks", "за 2 недели"),
        (4, LAST_4_WEEKS, "last 4 weeks", "за 4 недели"),
    )
    return (
        declare(f"{name}_own_ratio_28d", own.ratio(LAST_4_WEEKS),
                f"{en} of 4 weeks against the own usual level",
                f"{ru} за 4 недели к обычному уровню клиента", Unit.RATIO, -1),
        *(
            declare(f"{name}_own_deviation_{number}w", own.deviation(window),
                    f"{en}, {said_en}: deviation from the own usual level",
                    f"{ru} {said_ru}: отклонение от обычного уровня", Unit.DEVIATIONS, -1)
            for number, window, said_en, said_ru in weeks
        ),
        declare(f"{name}_own_deviation_before", own.deviation(PRIOR_4_WEEKS),
                f"{en}: deviation from the own usual level, 5 to 8 weeks ago",
                f"{ru}: отклонение от обычного уровня 5–8 недель назад", Unit.DEVIATIONS, -1),
        declare(f"{name}_drop_strength", own.onset, f"{en}: strength of a lasting drop",
                f"{ru}: сила устойчивого спада", Unit.SCORE, 1),
        declare(f"{name}_drop_age_weeks", own.onset_age, f"{en}: weeks since the drop began",
                f"{ru}: недель с начала спада", Unit.WEEKS),
    )  # fmt: skip


def _sessions() -> tuple[Feature, ...]:
    spent, opened = Rows(SESSIONS), Rows(EVENTS, "NOT session_id IS NULL", timely=True)

    def minutes(window: Window) -> Expr:
        seconds = o.total(spent, "seconds", window, scale=1)
        return seconds / (o.distinct(opened, "session_id", window) * 60.0)

    return (
        *_declare.over(
            (LAST_WEEK, LAST_4_WEEKS, LAST_12_WEEKS), "sessions",
            lambda w: o.distinct(Rows(EVENTS), "session_id", w),
            "Sessions", "Сеансы работы", Unit.COUNT, -1,
        ),
        *_declare.over(
            (LAST_4_WEEKS, LAST_12_WEEKS), "session_minutes", minutes,
            "Mean length of a session in minutes", "Средняя длина сеанса в минутах",
            Unit.MINUTES, -1,
        ),
        _declare("session_minutes_change_28d", minutes(LAST_4_WEEKS) / minutes(PRIOR_4_WEEKS),
                 "Length of sessions, last 4 weeks against the 4 before",
                 "Длина сеансов: 4 недели к предыдущим 4", Unit.RATIO, -1),
    )  # fmt: skip
