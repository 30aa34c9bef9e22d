"""A section for each alerted customer: the open problem, the reasons, the weeks, what changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from churnml.alerting.naming import play_name, row_name, tier_name
from churnml.report.canvas import Language
from churnml.report.captions import family_name
from churnml.report.stakeholder.facts import (
    AlertFact,
    Contact,
    CustomerFact,
    Earlier,
    Reason,
    ReportFacts,
    naive,
)
from churnml.report.stakeholder.lanes import DrawnTimeline, drawn_timeline
from churnml.report.stakeholder.listing import NAME_LETTERS, shown_name
from churnml.report.stakeholder.words import cut, day, money, percent, short_day, whole, words_of

#: A report of five thousand customers stays a file that can be mailed.
MOST_SECTIONS = 500
TEXT_LETTERS = 200
ID_LETTERS = 40
EVIDENCE_SHOWN = 3


@dataclass(frozen=True)
class ShownReason:
    """A reason with what it rests on."""

    text: str
    family: str
    evidence: tuple[str, ...]
    more_evidence: int
    lower: str


@dataclass(frozen=True)
class ShownQuote:
    """What the customer wrote, and when."""

    day: str
    text: str
    is_cut: bool


@dataclass(frozen=True)
class CustomerSection:
    """Everything of one customer, as text and as a drawing."""

    anchor: str
    name: str
    full_name: str
    tier: str
    tier_name: str
    risk: str
    first_reason: str
    facts: tuple[tuple[str, str], ...]
    open_problem: str
    reasons: tuple[ShownReason, ...]
    changes: tuple[tuple[str, str], ...]
    changes_title: str
    quotes: tuple[ShownQuote, ...]
    timeline: DrawnTimeline


def anchors(facts: ReportFacts) -> dict[str, str]:
    """Anchor of each customer with a section: a number, for an id may hold anything."""
    told = facts.customers[:MOST_SECTIONS]
    return {one.person.customer_id: f"c{place}" for place, one in enumerate(told, start=1)}


def sections(facts: ReportFacts, *, language: Language) -> tuple[CustomerSection, ...]:
    """The sections of the most urgent customers."""
    linked = anchors(facts)
    return tuple(
        _section(one, facts, linked[one.person.customer_id], language)
        for one in facts.customers[:MOST_SECTIONS]
    )


def _section(
    customer: CustomerFact, facts: ReportFacts, anchor: str, language: Language
) -> CustomerSection:
    words, newest = words_of(language), customer.alerts[0]
    tier = (customer.now or newest.then).tier or ""
    name = shown_name(customer.person.name, customer.person.customer_id)
    problem = customer.open_problem or {}
    raised = day(newest.then.as_of, language)
    standing = customer.now or newest.then
    return CustomerSection(
        anchor=anchor,
        name=cut(name, NAME_LETTERS),
        full_name=name,
        tier=tier,
        tier_name=tier_name(tier or "none", language),
        risk=percent(standing.probability, language),
        first_reason=_text(customer.reasons[0], language) if customer.reasons else "",
        facts=_facts(customer, facts, language),
        open_problem=cut(str(problem.get(f"text_{language}") or ""), TEXT_LETTERS),
        reasons=tuple(_reason(one, standing.probability, language) for one in customer.reasons),
        changes=_changes(customer.changes, language),
        changes_title=words["customers"]["changes"].format(as_of=raised),
        quotes=tuple(
            ShownQuote(short_day(one.at, language), one.text, one.is_cut) for one in customer.quotes
        ),
        timeline=drawn_timeline(customer, facts.weeks, language=language),
    )


def _text(reason: Reason, language: Language) -> str:
    return cut(" ".join(str(reason[f"text_{language}"]).split()), TEXT_LETTERS)


def _reason(reason: Reason, probability: float, language: Language) -> ShownReason:
    words, evidence = words_of(language)["customers"], reason.get("evidence")
    found = list(evidence) if evidence is not None else []
    return ShownReason(
        text=_text(reason, language),
        family=family_name(str(reason["family"]), language),
        evidence=tuple(_evidence(one, language) for one in found[:EVIDENCE_SHOWN]),
        more_evidence=max(len(found) - EVIDENCE_SHOWN, 0),
        lower=_lower(reason, probability, words, language),
    )


def _evidence(one: Mapping[str, Any], language: Language) -> str:
    """A row that a user can open: its table, its id and its day."""
    at = one.get("at")
    told = "" if at is None or pd.isna(at) else f", {short_day(naive(at), language)}"
    return f"{row_name(str(one['table']), language)} {cut(str(one['id']), ID_LETTERS)}{told}"


def _lower(reason: Reason, probability: float, words: Mapping[str, Any], language: Language) -> str:
    text, by = reason.get(f"lower_{language}"), reason.get("would_lower")
    if not text:
        return ""
    if by is None or pd.isna(by):
        return cut(str(text), TEXT_LETTERS)
    now, then = (percent(share, language) for share in (probability, probability - abs(by)))
    return str(words["lower_by"].format(text=cut(str(text), TEXT_LETTERS), now=now, then=then))


def _changes(
    changes: Sequence[Mapping[str, Any]], language: Language
) -> tuple[tuple[str, str], ...]:
    """What moved the score: up or down, and in words."""
    return tuple(
        ("up" if one["difference"] > 0 else "down", cut(str(one[f"text_{language}"]), TEXT_LETTERS))
        for one in changes
    )


def _facts(
    customer: CustomerFact, facts: ReportFacts, language: Language
) -> tuple[tuple[str, str], ...]:
    """What a caller needs at hand; what is not known is left out."""
    words, newest, now = words_of(language), customer.alerts[0], customer.now
    told, then = words["customers"], percent(newest.then.probability, language)
    risk = words["alerts"]["gone_long"] if now is None else percent(now.probability, language)
    if now is not None and not newest.is_new:
        risk = told["risk_then"].format(now=risk, then=then)
    standing = now or newest.then
    raised = ", ".join(day(alert.then.as_of, language) for alert in customer.alerts)
    found = [
        (told["play"], play_name(newest.play, language) if newest.play else ""),
        (told["deadline"], "" if newest.deadline is None else day(newest.deadline, language)),
        (told["owner"], cut(customer.person.owner or "", NAME_LETTERS)),
        (told["segment"], cut(customer.person.segment or "", NAME_LETTERS)),
        (told["risk"], risk),
        (told["health"], "" if standing.health is None else whole(standing.health, language)),
        (
            told["value"],
            ""
            if standing.value_at_risk is None
            else money(standing.value_at_risk, facts.currency, language),
        ),
        (told["raised"], raised),
        (told["told"], "" if newest.is_new else _said_then(newest, language)),
        (told["before"], "; ".join(_over(one, language) for one in newest.earlier)),
        (told["quiet"], "" if newest.quiet_until is None else day(newest.quiet_until, language)),
        (told["contacts"], "; ".join(_contact(one, language) for one in customer.contacts)),
        (told["id"], cut(customer.person.customer_id, ID_LETTERS)),
    ]
    return tuple((name, text) for name, text in found if text)


def _said_then(alert: AlertFact, language: Language) -> str:
    """What a ledger says was told when the alert was raised."""
    return cut(" ".join((alert.told.get(language) or "").split()), TEXT_LETTERS)


def _over(earlier: Earlier, language: Language) -> str:
    told = words_of(language)["customers"][f"before_{earlier.closed_by}"]
    return str(told.format(day=day(earlier.as_of, language)))


def _contact(contact: Contact, language: Language) -> str:
    told = words_of(language)["customers"]
    play = play_name(contact.play, language) if contact.play else told["contact"]
    begun = day(contact.assigned_at, language)
    if contact.completed_at is None:
        return str(told["contact_open"].format(play=play, begun=begun))
    return str(
        told["contact_done"].format(
            play=play, begun=begun, done=day(contact.completed_at, language)
        )
    )
