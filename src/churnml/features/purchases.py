"""The activity that counts as being a customer: how recent, how frequent, how much money.

Repeat days, recency and age are the inputs (x, t_x, T) of BG/NBD, which is fitted elsewhere.
"""

from __future__ import annotations

from churnml.features import operators as o
from churnml.features.algebra import (
    EVER,
    LAST_4_WEEKS,
    LAST_12_WEEKS,
    LAST_26_WEEKS,
    PRIOR_12_WEEKS,
    Rows,
)
from churnml.features.declaration import Family, Feature, Unit
from churnml.features.declare import Declare, named, role
from churnml.features.row_sources import EVENTS
from churnml.sources.description import Description

_declare = Declare(Family.USAGE, "win_back_offer")


def purchases(description: Description) -> tuple[Feature, ...]:
    """Features of the churn activity: its events by name, purchases, or else all events."""
    activity = _activity(description)
    if activity == Rows(EVENTS):  # usage counts these days and values already
        return _rhythm(activity)
    return (*_rhythm(activity), *_frequency(activity), *_spending(activity))


def _activity(description: Description) -> Rows:
    if description.churn.activity:
        return named(EVENTS, description.churn.activity)
    bought = role(EVENTS, description, "purchase")
    return Rows(EVENTS) if bought.absent else bought


def _rhythm(activity: Rows) -> tuple[Feature, ...]:
    since, ever = o.days_since(activity), o.active_days(activity)
    gap = o.span(activity) / (ever - 1.0)
    return (
        _declare("days_since_activity", since, "Days since the last activity or purchase",
                 "Дней с последней активности или покупки", Unit.DAYS, 1),
        _declare("activity_silence_in_gaps", since / gap,
                 "Silence measured in the customer's mean gap",
                 "Молчание, измеренное в обычных паузах клиента", Unit.RATIO, 1),
        _declare("activity_mean_gap_days", gap, "Mean gap between active days",
                 "Средняя пауза между активными днями", Unit.DAYS),
        _declare("purchase_days_ever", ever, "Days with a purchase or activity, ever",
                 "Дней с покупкой или активностью за всё время", Unit.DAYS, -1),
        _declare("purchase_repeat_days", ever - 1.0, "Days of repeat purchase or activity",
                 "Дней с повторной покупкой или активностью", Unit.DAYS, -1),
        _declare("purchase_recency_days", o.span(activity),
                 "Days from the first to the last purchase or activity",
                 "Дней от первой до последней покупки или активности", Unit.DAYS),
        _declare("purchase_age_days", o.age(activity), "Days since the first purchase or activity",
                 "Дней с первой покупки или активности", Unit.DAYS),
    )  # fmt: skip


def _frequency(activity: Rows) -> tuple[Feature, ...]:
    recent = o.active_days(activity, LAST_12_WEEKS)
    return (
        *_declare.over((LAST_4_WEEKS, LAST_12_WEEKS, LAST_26_WEEKS), "purchase_days",
                       lambda w: o.active_days(activity, w),
                       "Days with a purchase or activity", "Дней с покупкой или активностью",
                       Unit.DAYS, -1),
        _declare("purchase_days_change_84d",
                 o.ratio(recent, o.active_days(activity, PRIOR_12_WEEKS)),
                 "Days of purchase, last 12 weeks against the 12 before",
                 "Дни покупок: 12 недель к предыдущим 12", Unit.RATIO, -1),
    )  # fmt: skip


def _spending(activity: Rows) -> tuple[Feature, ...]:
    spent = o.money(activity, "value", LAST_12_WEEKS)
    before = o.money(activity, "value", PRIOR_12_WEEKS)
    ever = o.money(activity, "value", EVER)
    return (
        *_declare.over((LAST_4_WEEKS, LAST_12_WEEKS, LAST_26_WEEKS), "purchase_value",
                       lambda w: o.money(activity, "value", w),
                       "Value of purchases or activity", "Сумма покупок или активности",
                       Unit.MONEY, -1),
        _declare("purchase_value_ever", ever, "Value of purchases or activity, ever",
                 "Сумма покупок или активности за всё время", Unit.MONEY, -1),
        _declare("purchase_value_last", o.last(activity, "value"), "Value of the last purchase",
                 "Сумма последней покупки", Unit.MONEY),
        _declare("purchase_value_per_day", ever / o.active_days(activity),
                 "Mean value of a day of purchase", "Средняя сумма в день покупки", Unit.MONEY),
        _declare("purchase_value_change_84d", o.ratio(spent, before),
                 "Value of purchases, last 12 weeks against the 12 before",
                 "Сумма покупок: 12 недель к предыдущим 12", Unit.RATIO, -1),
    )  # fmt: skip
