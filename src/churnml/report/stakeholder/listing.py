"""The list of open alerts: rows with what they are sorted and filtered by."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from churnml.alerting.naming import tier_name
from churnml.alerting.tiers import TIERS
from churnml.report.canvas import Language
from churnml.report.captions import family_name
from churnml.report.stakeholder.facts import AlertFact, ReportFacts
from churnml.report.stakeholder.words import cut, money, percent, short_day, words_of

#: Longer names are cut; the whole name stands in the title and in the search.
NAME_LETTERS = 60
REASON_LETTERS = 140
#: A row's place in these columns is what the controls filter and sort by.
COLUMNS = ("customer", "tier", "risk", "value", "reason", "owner", "segment", "raised", "until")
_NUMBERS = ("risk", "value")


@dataclass(frozen=True)
class Choice:
    """A control that filters by a column: its label, the word for all, and the values."""

    column: int
    label: str
    all: str
    values: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Row:
    """One alert as the list shows it; what is empty is not shown."""

    href: str
    name: str
    full_name: str
    customer_id: str
    tier: str
    tier_name: str
    tier_place: int
    risk: str
    risk_sort: float
    was: str
    value: str
    value_sort: float | None
    reason: str
    family: str
    family_name: str
    owner: str
    segment: str
    raised: str
    raised_sort: str
    history: str
    is_new: bool
    until: str
    until_sort: str


@dataclass(frozen=True)
class Listing:
    """The rows, the headings, and the controls over them."""

    headings: tuple[tuple[str, bool], ...]
    rows: tuple[Row, ...]
    choices: tuple[Choice, ...]
    has_value: bool
    has_segment: bool


def listing(facts: ReportFacts, *, language: Language, linked: dict[str, str]) -> Listing:
    """The list of a report.

    Parameters
    ----------
    facts : ReportFacts
    language : {"en", "ru"}
    linked : dict of str to str
        Anchor of the section of each customer that has one.
    """
    words = words_of(language)["alerts"]
    rows = tuple(
        _row(alert, facts, linked, language) for alert in sorted(facts.alerts, key=_urgency)
    )
    return Listing(
        tuple((words[name], name in _NUMBERS) for name in COLUMNS),
        rows,
        _choices(rows, language),
        any(row.value_sort is not None for row in rows),
        any(row.segment for row in rows),
    )


def _urgency(alert: AlertFact) -> tuple[bool, int, float]:
    """The most urgent of today first: who was at risk two months ago may have calmed down."""
    if alert.now is None:
        return True, 0, 0.0
    return False, _tier_place(alert.now.tier), -alert.now.probability


def _tier_place(tier: str | None) -> int:
    """The place of a tier, the highest first; unknown is last."""
    return TIERS.index(tier) if tier else len(TIERS)


def shown_name(alert_name: str | None, customer_id: str) -> str:
    """The name of a customer, or the id where nobody gave one; never empty."""
    return " ".join((alert_name or "").split()) or customer_id


def _row(alert: AlertFact, facts: ReportFacts, linked: dict[str, str], language: Language) -> Row:
    words, person, first = words_of(language)["alerts"], alert.person, alert.reasons[:1]
    name = shown_name(person.name, person.customer_id)
    now = alert.now
    tier = (now or alert.then).tier or ""
    value = (now or alert.then).value_at_risk
    family = str(first[0]["family"]) if first else ""
    reason = str(first[0][f"text_{language}"]) if first else ""
    then = percent(alert.then.probability, language)
    return Row(
        href=linked.get(person.customer_id, ""),
        name=cut(name, NAME_LETTERS),
        full_name=name,
        customer_id=person.customer_id,
        tier=tier,
        tier_name=tier_name(tier or "none", language),
        tier_place=_tier_place(tier),
        risk=percent(now.probability, language) if now else words["gone"],
        risk_sort=now.probability if now else 0.0,
        was="" if alert.is_new else words["was"].format(risk=then),
        value=money(value, facts.currency, language),
        value_sort=value,
        reason=cut(reason, REASON_LETTERS),
        family=family,
        family_name=family_name(family, language) if family else "",
        owner=cut(person.owner or "", NAME_LETTERS),
        segment=cut(person.segment or "", NAME_LETTERS),
        raised=short_day(alert.then.as_of, language),
        raised_sort=f"{alert.then.as_of:%Y%m%d}",
        history=_history(alert, language),
        is_new=alert.is_new,
        until=short_day(alert.deadline, language) if alert.deadline is not None else "–",
        until_sort=f"{alert.deadline:%Y%m%d%H}" if alert.deadline is not None else "",
    )


def _history(alert: AlertFact, language: Language) -> str:
    """When the customer was alerted before, and until when no new alert is raised."""
    words = words_of(language)["alerts"]
    found = []
    if alert.earlier:
        days = ", ".join(short_day(one.as_of, language) for one in alert.earlier)
        found.append(words["before"].format(days=days))
    if alert.quiet_until is not None:
        found.append(words["quiet"].format(day=short_day(alert.quiet_until, language)))
    return "; ".join(found)


def _choices(rows: Sequence[Row], language: Language) -> tuple[Choice, ...]:
    """The controls; one with a single value to choose is left out."""
    words = words_of(language)["alerts"]
    tiers = [(row.tier, row.tier_name) for row in sorted(rows, key=lambda row: row.tier_place)]
    families = sorted({(row.family, row.family_name) for row in rows}, key=lambda one: one[1])
    owners = ((row.owner, row.owner) for row in sorted(rows, key=lambda row: row.owner))
    segments = ((row.segment, row.segment) for row in sorted(rows, key=lambda row: row.segment))
    raised = [("new", words["only_new"])] if any(row.is_new for row in rows) else []
    found = [
        _choice("tier", words["by_tier"], words["all_tiers"], tiers),
        _choice("owner", words["by_owner"], words["all_owners"], owners),
        _choice("reason", words["by_family"], words["all_families"], families),
        _choice("segment", words["by_segment"], words["all_segments"], segments),
    ]
    kept = [one for one in found if len(one.values) > 1]
    by_new = _choice("raised", words["by_new"], words["all_raised"], raised)
    return (*kept, by_new) if raised and not all(row.is_new for row in rows) else tuple(kept)


def _choice(column: str, label: str, all_: str, values: Iterable[tuple[str, str]]) -> Choice:
    kept = tuple(dict.fromkeys((value, text) for value, text in values if value))
    return Choice(COLUMNS.index(column), label, all_, kept)
