"""Support: how many tickets, how long they stay open, how they end, what they are about."""

from __future__ import annotations

from functools import partial

from churnml.features import operators as o
from churnml.features.algebra import (
    LAST_4_WEEKS,
    LAST_12_WEEKS,
    LAST_26_WEEKS,
    LAST_WEEK,
    PRIOR_4_WEEKS,
    PRIOR_12_WEEKS,
    Expr,
    Latest,
    Rows,
    Window,
)
from churnml.features.declaration import Family, Feature, Unit
from churnml.features.declare import Declare, words
from churnml.features.row_sources import TICKET_EVENTS, TICKET_STEPS, TICKETS
from churnml.sources.description import Description

_declare = Declare(Family.SUPPORT, "support_escalation")
_WINDOWS = (LAST_4_WEEKS, LAST_12_WEEKS)

BILLING_WORDS = words(
    "category", "billing", "price", "pricing", "invoice", "биллинг", "цен", "счет", "счёт", "оплат"
)
EXPORT_WORDS = words("category", "export", "migration", "data", "экспорт", "выгрузк", "миграц")
BUG_WORDS = words("category", "bug", "error", "defect", "incident", "ошибк", "дефект", "сбой")
COMPLAINT_WORDS = words("category", "complaint", "claim", "жалоб", "претенз")

_TICKETS = Rows(TICKETS)
_STEPS = Rows(TICKET_STEPS)
_RESOLVED = _STEPS.only("step = 'resolved'")
_ORDER = "CASE step WHEN 'opened' THEN 0 WHEN 'reopened' THEN 1 ELSE 2 END"
_OPEN = "step <> 'resolved'"


def support(description: Description) -> tuple[Feature, ...]:
    """Features of tickets and of what happened to them."""
    return (*_volume(), *_open(), *_speed(), *_trouble(), *_topics(), *_ratings(),
            *_neighbours(description))  # fmt: skip


def _volume() -> tuple[Feature, ...]:
    own = o.OwnBaseline(_TICKETS)
    formerly = o.count(_TICKETS, PRIOR_12_WEEKS) >= 2.0
    return (
        *_declare.over((LAST_WEEK, *_WINDOWS), "tickets", lambda w: o.count(_TICKETS, w),
                       "Support tickets", "Обращения в поддержку", Unit.COUNT),
        _declare("tickets_change_28d",
                 o.ratio(o.count(_TICKETS, LAST_4_WEEKS), o.count(_TICKETS, PRIOR_4_WEEKS)),
                 "Tickets, last 4 weeks against the 4 before",
                 "Обращения: 4 недели к предыдущим 4", Unit.RATIO),
        _declare("tickets_own_deviation_4w", own.deviation(LAST_4_WEEKS),
                 "Tickets: deviation from the own usual level, last 4 weeks",
                 "Обращения: отклонение от обычного уровня, 4 недели", Unit.DEVIATIONS),
        _declare("tickets_own_deviation_before", own.deviation(PRIOR_4_WEEKS),
                 "Tickets: deviation from the own usual level, 5 to 8 weeks ago",
                 "Обращения: отклонение от обычного уровня 5–8 недель назад", Unit.DEVIATIONS),
        _declare("days_since_ticket", o.days_since(_TICKETS), "Days since the last ticket",
                 "Дней с последнего обращения", Unit.DAYS),
        _declare("support_went_silent",
                 o.both(formerly, o.count(_TICKETS, LAST_12_WEEKS) <= 0.0),
                 "Used to write to support, silent for 12 weeks",
                 "Раньше писал в поддержку, 12 недель молчит", Unit.FLAG, 1, play="check_in_call"),
    )  # fmt: skip


def _open() -> tuple[Feature, ...]:
    held = Latest(_STEPS, f"CASE WHEN {_OPEN} THEN 1 ELSE 0 END", 1, "ticket_id", _ORDER,
                    needs_row=False)  # fmt: skip
    oldest = o.oldest_age(_STEPS, by="ticket_id", still=_OPEN, since="opened_at", tie=_ORDER)
    old = o.older_than(_STEPS, 7, by="ticket_id", still=_OPEN, since="opened_at", tie=_ORDER)
    return (
        _declare("open_tickets", held, "Open tickets", "Открытые обращения", Unit.COUNT, 1),
        _declare("unresolved_ticket_age", oldest, "Age of the oldest open ticket",
                 "Возраст самого старого открытого обращения", Unit.DAYS, 1),
        _declare("tickets_open_over_7d", old, "Tickets open for more than 7 days",
                 "Обращения, открытые дольше 7 дней", Unit.COUNT, 1),
    )  # fmt: skip


def _hours(rows: Rows, seconds: str, window: Window) -> Expr:
    return o.mean(rows, seconds, window, scale=1) / 3600.0


def _speed() -> tuple[Feature, ...]:
    solved = "DATE_DIFF('second', opened_at, step_at)"
    answered = _TICKETS.dated("first_response_at")
    waited = "DATE_DIFF('second', opened_at, first_response_at)"
    return (
        *_declare.over(_WINDOWS, "tickets_resolved", lambda w: o.count(_RESOLVED, w),
                       "Tickets solved", "Решённые обращения", Unit.COUNT),
        *_declare.over(_WINDOWS, "resolution_hours", lambda w: _hours(_RESOLVED, solved, w),
                       "Mean time to solve a ticket", "Среднее время решения обращения",
                       Unit.HOURS, 1),
        _declare("resolution_hours_change_84d",
                 _hours(_RESOLVED, solved, LAST_12_WEEKS)
                 / _hours(_RESOLVED, solved, PRIOR_12_WEEKS),
                 "Time to solve, last 12 weeks against the 12 before",
                 "Время решения: 12 недель к предыдущим 12", Unit.RATIO, 1),
        *_declare.over(_WINDOWS, "first_response_hours", lambda w: _hours(answered, waited, w),
                       "Mean time to the first answer", "Среднее время до первого ответа",
                       Unit.HOURS, 1),
        _declare("first_response_change_84d",
                 _hours(answered, waited, LAST_12_WEEKS) / _hours(answered, waited, PRIOR_12_WEEKS),
                 "Time to the first answer, last 12 weeks against the 12 before",
                 "Время первого ответа: 12 недель к предыдущим 12", Unit.RATIO, 1),
    )  # fmt: skip


def _trouble() -> tuple[Feature, ...]:
    kinds = Rows(TICKET_EVENTS)
    features: list[Feature] = []
    for name, kind, en, ru in (
        ("tickets_reopened", "reopened", "Tickets reopened", "Повторно открытые обращения"),
        ("tickets_escalated", "escalated", "Tickets escalated", "Эскалированные обращения"),
        ("tickets_transferred", "transferred", "Tickets handed from one to another",
         "Обращения, переданные другому сотруднику,"),
    ):  # fmt: skip
        rows = kinds.only(f"kind = '{kind}'")
        features += _declare.over(_WINDOWS, name, partial(o.count, rows), en, ru, Unit.COUNT, 1)
    reopened = o.count(kinds.only("kind = 'reopened'"), LAST_12_WEEKS)
    bot = kinds.only("kind = 'bot_resolved'")
    rate = o.share(reopened, o.count(_RESOLVED, LAST_12_WEEKS))
    return (
        *features,
        _declare("reopen_rate_84d", rate, "Share of solved tickets reopened",
                 "Доля повторно открытых обращений", Unit.SHARE, 1, days=84),
        _declare("reopen_rate_over_30", rate > 0.3, "More than 30% of solved tickets reopened",
                 "Повторно открыто больше 30\u00a0% обращений", Unit.FLAG, 1),
        _declare("bot_solved_share_84d",
                 o.share(o.count(bot, LAST_12_WEEKS), o.count(_RESOLVED, LAST_12_WEEKS)),
                 "Share of tickets solved by the bot",
                 "Доля обращений, решённых ботом,", Unit.SHARE, days=84),
    )  # fmt: skip


def _topics() -> tuple[Feature, ...]:
    features: list[Feature] = []
    for name, topic, en, ru, play in (
        ("billing_tickets", BILLING_WORDS, "Tickets about bills and prices",
         "Обращения о счетах и ценах", "right_sized_plan"),
        ("export_tickets", EXPORT_WORDS, "Tickets about data export",
         "Обращения о выгрузке данных", "migration_talk"),
        ("bug_tickets", BUG_WORDS, "Tickets about defects", "Обращения об ошибках",
         "support_escalation"),
        ("complaint_tickets", COMPLAINT_WORDS, "Complaints", "Жалобы", "support_escalation"),
    ):  # fmt: skip
        rows = _TICKETS.only(topic)
        features += _declare.over(
            _WINDOWS, name, partial(o.count, rows), en, ru, Unit.COUNT, 1, play=play
        )
    billing, bugs = _TICKETS.only(BILLING_WORDS), _TICKETS.only(BUG_WORDS)
    every = o.count(_TICKETS, LAST_12_WEEKS)
    solved = "DATE_DIFF('second', opened_at, step_at)"
    fix = _hours(_RESOLVED.only(BUG_WORDS), solved, LAST_12_WEEKS)
    return (
        *features,
        _declare("billing_tickets_share_84d", o.share(o.count(billing, LAST_12_WEEKS), every),
                 "Share of tickets about bills and prices",
                 "Доля обращений о счетах и ценах", Unit.SHARE, 1,
                 play="right_sized_plan", days=84),
        _declare("bug_burden_84d", o.count(bugs, LAST_12_WEEKS) * fix,
                 "Defects times hours to fix them",
                 "Ошибки, умноженные на часы до исправления,", Unit.HOURS, 1, days=84),
    )  # fmt: skip


def _ratings() -> tuple[Feature, ...]:
    rated = _TICKETS.dated("csat_at").only("NOT csat IS NULL")
    return (
        _declare("ticket_csat_84d", o.mean(rated, "csat", LAST_12_WEEKS),
                 "Mean rating of solved tickets",
                 "Средняя оценка решённых обращений", Unit.SCORE, -1, days=84),
        _declare("ticket_csat_last", o.last(rated, "csat"), "Last rating of a ticket",
                 "Последняя оценка обращения", Unit.SCORE, -1),
        _declare("low_ticket_csat_182d", o.count(rated.only("csat <= 2"), LAST_26_WEEKS),
                 "Tickets rated 1 or 2", "Обращения с оценкой 1–2",
                 Unit.COUNT, 1, days=182),
    )  # fmt: skip


def _neighbours(description: Description) -> tuple[Feature, ...]:
    """Complaints among customers of the same kind: trouble that the customer may meet next."""
    known = [c for c in ("industry", "region", "channel") if c in description.customers.immutable]
    if not known:
        return ()
    rows = _TICKETS.only(COMPLAINT_WORDS)
    recent = o.cohort_mean(o.count(rows, LAST_4_WEEKS), by=known[0])
    usual = o.cohort_mean(o.count(rows, Window(16, 4)), by=known[0]) / 3.0
    return (
        _declare("complaints_of_peers_28d", recent,
                 "Complaints per customer of the same kind",
                 "Жалоб в среднем у клиентов того же типа", Unit.COUNT, 1, days=28),
        _declare("complaints_of_peers_rise", recent / usual,
                 "Complaints of customers of the same kind against the 12 weeks before",
                 "Жалобы клиентов того же типа к предыдущим 12 неделям", Unit.RATIO, 1),
    )  # fmt: skip
