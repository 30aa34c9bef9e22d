"""Money: what the customer pays, how it changes, and how the invoices fare."""

from __future__ import annotations

from churnml.features import operators as o
from churnml.features.algebra import (
    LAST_4_WEEKS,
    LAST_12_WEEKS,
    LAST_26_WEEKS,
    PRIOR_4_WEEKS,
    Choice,
    Expr,
    Rows,
    TenureDays,
    Window,
)
from churnml.features.declaration import Family, Feature, Unit
from churnml.features.declare import Declare, role
from churnml.features.row_sources import (
    DOWNGRADES,
    EVENTS,
    INVOICE_STEPS,
    INVOICES,
    SUBSCRIPTIONS,
)
from churnml.sources.description import Description

_declare = Declare(Family.BILLING, "right_sized_plan")
_pay = Declare(Family.BILLING, "payment_help")
_BEGUN = Rows(SUBSCRIPTIONS)
_ENDED = Rows(SUBSCRIPTIONS).dated("ended_at")
#: Annual contracts are renewed on the day they began, whatever the period they are billed by.
YEAR_DAYS = 365.25
_PRICED = "NOT mrr IS NULL"


def billing(description: Description) -> tuple[Feature, ...]:
    """Features of subscriptions, invoices and looks at the price list."""
    return (*_contract(), *_overdue(), *_payments(), *_price_interest(description))


def _mrr(ago: int = 0) -> Expr:
    return o.standing_total(_BEGUN, _ENDED, "mrr", ago=ago)


def _known_mrr() -> Expr:
    """Recurring revenue; unknown where no open subscription says its price."""
    return Choice(o.standing(_BEGUN.only(_PRICED), _ENDED.only(_PRICED)), _mrr())


def _seats(ago: int = 0) -> Expr:
    return o.standing_total(_BEGUN, _ENDED, "seats", ago=ago, scale=1)


def _contract() -> tuple[Feature, ...]:
    cheaper = Rows(DOWNGRADES)
    return (
        _declare("mrr", _known_mrr(), "Recurring revenue a month", "Ежемесячный платёж",
                 Unit.MONEY),
        *(
            _declare(name, _mrr() / _mrr(ago), f"Recurring revenue against {en} ago",
                     f"Ежемесячный платёж к уровню {ru} назад", Unit.RATIO, -1)
            for name, ago, en, ru in (
                ("mrr_change_1m", 4, "4 weeks", "4 недели"),
                ("mrr_change_3m", 12, "12 weeks", "12 недель"),
                ("mrr_change_6m", 26, "26 weeks", "26 недель"),
            )
        ),
        _declare("seats", _seats(), "Seats paid for", "Оплаченные места", Unit.COUNT),
        _declare("seats_change_3m", _seats() / _seats(12), "Seats against 12 weeks ago",
                 "Места к уровню 12 недель назад", Unit.RATIO, -1),
        _declare("users_per_seat", o.distinct(Rows(EVENTS), "user_id", LAST_4_WEEKS) / _seats(),
                 "Share of paid seats in use",
                 "Доля используемых мест", Unit.SHARE, -1, play="usage_coaching", days=28),
        _declare("billing_days", o.last(_BEGUN, "billing_days", scale=1), "Days billed at a time",
                 "Период оплаты в днях", Unit.DAYS),
        *_renewals(),
        *_declare.over((LAST_4_WEEKS, LAST_12_WEEKS, LAST_26_WEEKS), "downgrades",
                       lambda w: o.count(cheaper, w), "Moves to a cheaper plan",
                       "Переходы на более дешёвый тариф", Unit.COUNT, 1),
        _declare("days_since_downgrade", o.days_since(cheaper),
                 "Days since a move to a cheaper plan", "Дней с перехода на более дешёвый тариф",
                 Unit.DAYS),
    )  # fmt: skip


def _renewals() -> tuple[Feature, ...]:
    """When the customer may next leave on time: contracts run from the start of the spell."""
    open_now = o.standing(_BEGUN, _ENDED)
    period = o.last(_BEGUN, "billing_days", scale=1)
    return (
        _declare("days_to_period_end", Choice(open_now, o.until_next(TenureDays(), period)),
                 "Days to the end of the paid period", "Дней до конца оплаченного периода",
                 Unit.DAYS, play="check_in_call"),
        _declare("days_to_anniversary", Choice(open_now, o.until_next(TenureDays(), YEAR_DAYS)),
                 "Days to the anniversary of the contract", "Дней до годовщины договора",
                 Unit.DAYS, play="check_in_call"),
    )  # fmt: skip


def _overdue() -> tuple[Feature, ...]:
    due = Rows(INVOICES).dated("due_at")
    settled = Rows(INVOICES, "NOT due_at IS NULL").dated("GREATEST(due_at, paid_at)")
    order = "CASE step WHEN 'due' THEN 0 ELSE 1 END"
    oldest = o.oldest_age(Rows(INVOICE_STEPS), by="invoice_id", still="step = 'due'",
                          since="due_at", tie=order)  # fmt: skip
    return (
        _pay("overdue_invoices", o.standing(due, settled), "Overdue invoices",
             "Просроченные счета", Unit.COUNT, 1),
        _pay("overdue_amount", o.standing_total(due, settled, "amount"), "Amount overdue",
             "Просроченная сумма", Unit.MONEY, 1),
        _pay("overdue_days", oldest, "Age of the oldest overdue invoice",
             "Возраст самого старого просроченного счёта", Unit.DAYS, 1),
    )  # fmt: skip


def _payments() -> tuple[Feature, ...]:
    paid = Rows(INVOICES).dated("paid_at")
    late = paid.only("paid_at > due_at")
    failed, disputed = Rows(INVOICES).dated("failed_at"), Rows(INVOICES).dated("disputed_at")
    taken = "DATE_DIFF('second', issued_at, paid_at)"

    def days_to_pay(window: Window) -> Expr:
        return o.mean(paid, taken, window, scale=1) / 86400.0

    return (
        *_pay.over((LAST_12_WEEKS, LAST_26_WEEKS), "late_payments", lambda w: o.count(late, w),
                   "Invoices paid late", "Счета, оплаченные с опозданием,", Unit.COUNT, 1),
        _pay("days_late_paid_182d",
             o.mean(late, "DATE_DIFF('second', due_at, paid_at)", LAST_26_WEEKS, scale=1) / 86400.0,
             "Mean delay of late payments",
             "Средняя задержка оплаты", Unit.DAYS, 1, days=182),
        _pay("days_to_pay_84d", days_to_pay(LAST_12_WEEKS), "Days to pay",
             "Срок оплаты в днях", Unit.DAYS, 1, days=84),
        _pay("days_to_pay_change", days_to_pay(LAST_12_WEEKS) / days_to_pay(Window(38, 12)),
             "Days to pay, last 12 weeks against half a year before",
             "Срок оплаты: 12 недель к предыдущему полугоду", Unit.RATIO, 1),
        *_pay.over((LAST_4_WEEKS, LAST_12_WEEKS), "failed_payments", lambda w: o.count(failed, w),
                   "Failed payments", "Неудачные платежи", Unit.COUNT, 1),
        *_pay.over((LAST_12_WEEKS, LAST_26_WEEKS), "disputed_invoices",
                   lambda w: o.count(disputed, w), "Disputed invoices", "Оспоренные счета",
                   Unit.COUNT, 1),
        _pay("days_since_payment", o.days_since(paid), "Days since the last payment",
             "Дней с последней оплаты", Unit.DAYS),
        _pay("invoiced_84d", o.money(Rows(INVOICES), "amount", LAST_12_WEEKS),
             "Amount invoiced", "Выставлено счетов", Unit.MONEY, days=84),
    )  # fmt: skip


def _price_interest(description: Description) -> tuple[Feature, ...]:
    views = role(EVENTS, description, "pricing")
    recent, before = o.count(views, LAST_4_WEEKS), o.count(views, PRIOR_4_WEEKS)
    return (
        *_declare.over((LAST_4_WEEKS, LAST_12_WEEKS), "pricing_views", lambda w: o.count(views, w),
                       "Looks at prices and plans", "Просмотры цен и тарифов", Unit.COUNT, 1),
        _declare("pricing_views_change_28d", o.ratio(recent, before),
                 "Looks at prices, last 4 weeks against the 4 before",
                 "Просмотры цен: 4 недели к предыдущим 4", Unit.RATIO, 1),
        _declare("pricing_own_deviation_4w", o.OwnBaseline(views).deviation(LAST_4_WEEKS),
                 "Looks at prices: deviation from the own usual level, last 4 weeks",
                 "Просмотры цен: отклонение от обычного уровня, 4 недели", Unit.DEVIATIONS, 1),
    )  # fmt: skip
