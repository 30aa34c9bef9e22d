"""The people on both sides: champions, newcomers, account managers; and signals that converge."""

from __future__ import annotations

from churnml.features import operators as o
from churnml.features.algebra import (
    LAST_4_WEEKS,
    LAST_8_WEEKS,
    LAST_12_WEEKS,
    LAST_26_WEEKS,
    PRIOR_12_WEEKS,
    Choice,
    Constant,
    Expr,
    Rows,
    Window,
)
from churnml.features.declaration import Family, Feature, Unit
from churnml.features.declare import Declare, role
from churnml.features.row_sources import (
    ATTRIBUTE_CHANGES,
    CONTACT_MESSAGES,
    CONTACTS,
    EVENTS,
    INVOICES,
    MESSAGES,
    OUTREACH,
    SUBSCRIPTIONS,
    SURVEYS,
    TICKET_EVENTS,
    TICKETS,
)
from churnml.features.support import BILLING_WORDS
from churnml.sources.description import Description

_declare = Declare(Family.RELATIONSHIP, "new_champion")
_CONTACTS = Rows(CONTACTS)
_LEFT = _CONTACTS.dated("active_until")
_CHAMPION = "role = 'champion'"


def relationship(description: Description) -> tuple[Feature, ...]:
    """Features of contacts and account managers, and how many groups of signals agree."""
    return (*_contacts(), *_champions(), *_managers(), *_convergence(description))


def _contacts() -> tuple[Feature, ...]:
    new = o.count(_CONTACTS, LAST_12_WEEKS)
    active = o.standing(_CONTACTS, _LEFT)
    return (
        _declare("contacts_active", active, "People we know at the customer",
                 "Контактных лиц у клиента", Unit.COUNT, -1),
        *_declare.over((LAST_4_WEEKS, LAST_12_WEEKS), "new_contacts",
                       lambda w: o.count(_CONTACTS, w), "New people at the customer",
                       "Новые контактные лица", Unit.COUNT, 1),
        *_declare.over((LAST_4_WEEKS, LAST_12_WEEKS), "contacts_left",
                       lambda w: o.count(_LEFT, w), "People who left the customer",
                       "Ушедшие контактные лица", Unit.COUNT, 1),
        _declare("new_contacts_share_84d", o.share(new, active),
                 "Share of people new in the last 84 days", "Доля новых контактных лиц за 84 дня",
                 Unit.SHARE, 1),
        _declare("new_people_ask_about_price",
                 o.both(new > 0.0, o.count(Rows(TICKETS, BILLING_WORDS), LAST_8_WEEKS) > 0.0),
                 "New people, and tickets about bills or prices",
                 "Новые контактные лица и обращения о счетах и ценах", Unit.FLAG, 1),
    )  # fmt: skip


def _champions() -> tuple[Feature, ...]:
    here, gone = _CONTACTS.only(_CHAMPION), _LEFT.only(_CHAMPION)
    written = Rows(CONTACT_MESSAGES)
    theirs = written.only(_CHAMPION)
    active = o.standing(here, gone)

    def part(window: Window) -> Expr:
        return o.share(o.count(theirs, window), o.count(written, window))

    return (
        _declare("champions_active", active, "Champions at the customer",
                 "Сторонников продукта у клиента", Unit.COUNT, -1),
        _declare("champion_lost", o.both(o.count(here) > 0.0, active <= 0.0),
                 "There was a champion, now there is none",
                 "Сторонник продукта был, теперь его нет", Unit.FLAG, 1),
        *_declare.over((LAST_4_WEEKS, LAST_12_WEEKS, LAST_26_WEEKS), "champions_left",
                       lambda w: o.count(gone, w), "Champions who left",
                       "Ушедшие сторонники продукта", Unit.COUNT, 1),
        _declare("days_since_champion_left", o.days_since(gone), "Days since a champion left",
                 "Дней с ухода сторонника продукта", Unit.DAYS),
        _declare("days_since_champion_wrote", o.days_since(theirs), "Days since a champion wrote",
                 "Дней с последнего письма сторонника", Unit.DAYS, 1),
        _declare("champion_share_84d", part(LAST_12_WEEKS),
                 "Champions' share of the customer's messages",
                 "Доля сторонников в письмах клиента", Unit.SHARE, -1, days=84),
        _declare("champion_share_fall", part(LAST_12_WEEKS) - part(PRIOR_12_WEEKS),
                 "Champions' share of messages, change over 12 weeks",
                 "Доля сторонников в письмах: изменение за 12 недель", Unit.SHARE, -1),
    )  # fmt: skip


def _managers() -> tuple[Feature, ...]:
    changed = Rows(ATTRIBUTE_CHANGES, "attribute = 'owner'")
    plan = Rows(ATTRIBUTE_CHANGES, "attribute IN ('plan', 'segment')")
    return (
        _declare("days_since_manager_changed", o.days_since(changed),
                 "Days since the account manager changed", "Дней со смены менеджера", Unit.DAYS),
        _declare("days_since_attributes_changed", o.days_since(plan),
                 "Days since plan or segment changed", "Дней со смены тарифа или сегмента",
                 Unit.DAYS),
    )  # fmt: skip


def _convergence(description: Description) -> tuple[Feature, ...]:
    """Three or four small signals together: act now."""
    alarms = (*_alarms_of_use(description), *_alarms_of_people(), *_alarms_of_money(description))
    return (
        _declare("signals_together", o.k_of_n(*alarms), "Groups of warning signals at once",
                 "Групп тревожных сигналов одновременно", Unit.COUNT, 1, play="account_review"),
        _declare("three_signals_together",
                 Choice(o.k_of_n(*alarms) >= 3.0, Constant(1.0), o.k_of_n(*alarms) * 0.0),
                 "Three or more groups of warning signals at once",
                 "Три и более групп тревожных сигналов сразу", Unit.FLAG, 1,
                 play="account_review"),
    )  # fmt: skip


def _alarms_of_use(description: Description) -> tuple[Expr, ...]:
    use = o.OwnBaseline(Rows(EVENTS)).ratio(LAST_4_WEEKS) < 0.7
    key = o.OwnBaseline(role(EVENTS, description, "key")).ratio(LAST_4_WEEKS) < 0.7
    exports = o.OwnBaseline(role(EVENTS, description, "export")).deviation(LAST_4_WEEKS) > 2.0
    return (o.maximum(use, key), exports)


def _alarms_of_people() -> tuple[Expr, ...]:
    silent = o.OwnBaseline(Rows(MESSAGES, "author = 'customer'")).ratio(LAST_8_WEEKS) < 0.3
    champion = o.count(_LEFT.only(_CHAMPION), LAST_12_WEEKS) > 0.0
    unanswered = Rows(OUTREACH)
    opened = unanswered.only("NOT opened_at IS NULL")
    cold = o.share(o.count(opened, LAST_8_WEEKS), o.count(unanswered, LAST_8_WEEKS)) < 0.2
    unhappy = o.last(Rows(SURVEYS, "kind = 'nps'"), "score") <= 6.0
    trouble = o.count(Rows(TICKET_EVENTS, "kind IN ('reopened', 'escalated')"), LAST_8_WEEKS) > 1.0
    return (silent, champion, cold, unhappy, trouble)


def _alarms_of_money(description: Description) -> tuple[Expr, ...]:
    due = Rows(INVOICES).dated("due_at")
    settled = Rows(INVOICES, "NOT due_at IS NULL").dated("GREATEST(due_at, paid_at)")
    begun, ended = Rows(SUBSCRIPTIONS), Rows(SUBSCRIPTIONS).dated("ended_at")
    now, before = (o.standing_total(begun, ended, "mrr", ago=ago) for ago in (0, 12))
    prices = o.count(role(EVENTS, description, "pricing"), LAST_4_WEEKS) > 1.0
    return (o.standing(due, settled) > 0.0, o.maximum(now / before < 0.95, prices))
