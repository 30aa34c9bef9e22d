"""How the customer answers us: opened letters, attended meetings, withdrawn consents."""

from __future__ import annotations

from churnml.features import operators as o
from churnml.features.algebra import (
    LAST_4_WEEKS,
    LAST_12_WEEKS,
    LAST_26_WEEKS,
    PRIOR_12_WEEKS,
    Expr,
    Rows,
    Window,
)
from churnml.features.declaration import Family, Feature, Unit
from churnml.features.declare import Declare
from churnml.features.row_sources import CONSENTS, OUTREACH

_declare = Declare(Family.OUTREACH, "personal_message")
_SENT = Rows(OUTREACH)
_MEETINGS = Rows(OUTREACH, "kind = 'meeting'")
_CHECK_INS = Rows(OUTREACH, "kind = 'check_in'")


def outreach() -> tuple[Feature, ...]:
    """Features of campaigns, check-ins, meetings and consents."""
    return (*_opened(), *_replies(), *_meetings(), *_withdrawn())


def _rate(rows: Rows, answer: str, window: Window) -> Expr:
    return o.share(o.count(rows.only(f"NOT {answer} IS NULL"), window), o.count(rows, window))


def _opened() -> tuple[Feature, ...]:
    opened = _SENT.dated("opened_at")
    return (
        *_declare.over((LAST_4_WEEKS, LAST_12_WEEKS), "outreach_sent",
                       lambda w: o.count(_SENT, w), "Letters and invitations sent",
                       "Отправлено писем и приглашений", Unit.COUNT),
        *_declare.over((LAST_4_WEEKS, LAST_12_WEEKS), "open_rate",
                       lambda w: _rate(_SENT, "opened_at", w), "Share of letters opened",
                       "Доля открытых писем", Unit.SHARE, -1),
        _declare("open_rate_change_84d",
                 _rate(_SENT, "opened_at", LAST_12_WEEKS)
                 - _rate(_SENT, "opened_at", PRIOR_12_WEEKS),
                 "Share of letters opened, change over 12 weeks",
                 "Доля открытых писем: изменение за 12 недель", Unit.SHARE, -1),
        _declare("unopened_in_a_row", o.streak(_SENT, done="opened_at", tie="kind"),
                 "Letters in a row that were not opened", "Неоткрытых писем подряд",
                 Unit.COUNT, 1),
        _declare("days_since_opened", o.days_since(opened), "Days since a letter was opened",
                 "Дней с последнего открытого письма", Unit.DAYS, 1),
    )  # fmt: skip


def _replies() -> tuple[Feature, ...]:
    replied = _SENT.dated("replied_at")
    took = "DATE_DIFF('second', sent_at, replied_at)"
    return (
        *_declare.over((LAST_4_WEEKS, LAST_12_WEEKS), "check_in_reply_rate",
                       lambda w: _rate(_CHECK_INS, "replied_at", w), "Share of check-ins answered",
                       "Доля касаний менеджера, на которые ответили,", Unit.SHARE, -1),
        _declare("check_in_reply_change_84d",
                 _rate(_CHECK_INS, "replied_at", LAST_12_WEEKS)
                 - _rate(_CHECK_INS, "replied_at", PRIOR_12_WEEKS),
                 "Share of check-ins answered, change over 12 weeks",
                 "Доля касаний, на которые ответили: изменение за 12 недель", Unit.SHARE, -1),
        _declare("outreach_reply_hours_84d",
                 o.mean(replied, took, LAST_12_WEEKS, scale=1) / 3600.0,
                 "Mean time to answer our letters",
                 "Среднее время ответа на наши письма", Unit.HOURS, 1, days=84),
        _declare("days_since_outreach_reply", o.days_since(replied),
                 "Days since a letter of ours was answered",
                 "Дней с последнего ответа на наше письмо", Unit.DAYS, 1),
    )  # fmt: skip


def _meetings() -> tuple[Feature, ...]:
    cancelled = _MEETINGS.dated("cancelled_at")
    return (
        _declare("meetings_attended_84d", o.count(_MEETINGS.dated("attended_at"), LAST_12_WEEKS),
                 "Meetings attended", "Состоявшиеся встречи",
                 Unit.COUNT, -1, days=84),
        _declare("meeting_attendance_182d", _rate(_MEETINGS, "attended_at", LAST_26_WEEKS),
                 "Share of meetings attended",
                 "Доля состоявшихся встреч", Unit.SHARE, -1, days=182),
        *_declare.over((LAST_4_WEEKS, LAST_12_WEEKS), "meetings_cancelled",
                       lambda w: o.count(cancelled, w), "Meetings cancelled",
                       "Отменённые встречи", Unit.COUNT, 1),
        _declare("days_since_meeting", o.days_since(_MEETINGS.dated("attended_at")),
                 "Days since the last meeting", "Дней с последней встречи", Unit.DAYS, 1),
    )  # fmt: skip


def _withdrawn() -> tuple[Feature, ...]:
    left = _SENT.dated("unsubscribed_at")
    refused = Rows(CONSENTS, "kind = 'marketing'")
    return (
        _declare("unsubscribed_84d", o.count(left, LAST_12_WEEKS), "Unsubscribed",
                 "Отписки", Unit.COUNT, 1, days=84),
        _declare("days_since_unsubscribed", o.days_since(left), "Days since unsubscribing",
                 "Дней с отписки", Unit.DAYS),
        _declare("marketing_refused",
                 o.last(refused, "CASE WHEN granted THEN 0 ELSE 1 END", scale=1),
                 "Does not want marketing", "Не хочет получать рассылки", Unit.FLAG, 1),
    )  # fmt: skip
