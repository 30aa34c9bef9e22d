"""The smaller tables of the report: scores, tiers, misses, calls, data, health groups."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from churnml.alerting.naming import tier_name
from churnml.alerting.tiers import TIERS
from churnml.evaluation.exits import IN_TIME, LATE
from churnml.report.canvas import Language
from churnml.report.page import Cell, Column, Grid
from churnml.report.page.parts import Tone
from churnml.report.stakeholder.facts import MissFact, Person, ReportFacts
from churnml.report.stakeholder.headline import PRECISION, RANDOM, RECALL, rule_name, rule_of
from churnml.report.stakeholder.listing import NAME_LETTERS, shown_name
from churnml.report.stakeholder.words import cut, day, decimal, money, percent, whole, words_of
from churnml.spoken import plural

CAUGHT = "value_at_risk_caught_per_100_contacts"
#: Scores beside the best simple rule that a reader may take for rivals of the model.
SHOWN_RIVALS = ("logistic_regression",)
MISSES_SHOWN = 50
FINDINGS_SHOWN = 30
SAID_LETTERS = 160
_TONES: Mapping[str, Tone] = {
    "critical": "critical", "high": "high", "medium": "medium", "low": "low",
}  # fmt: skip
_COLOURS: Mapping[str, Tone] = {"green": "good", "yellow": "calm", "red": "critical"}


def scores_grid(facts: ReportFacts, *, language: Language) -> Grid | None:
    """Model, best simple rule, chance and oracle at the same load."""
    proof = facts.proof
    if proof is None or proof.document["metrics"].get(RECALL) is None:
        return None
    words, document = words_of(language)["worth"], proof.document
    parts = {"model": document["metrics"] | {"intervals": document["intervals"]}}
    names = (rule_of(document), *SHOWN_RIVALS, RANDOM, "oracle")
    parts |= {name: document["baselines"][name] for name in names if name in document["baselines"]}
    money_of = proof.money
    rows = []
    for name, part in parts.items():
        figures = money_of[name].figures if name in money_of else {}
        rows.append(
            (
                rule_name(name, language),
                _with_band(part, RECALL, language),
                _with_band(part, PRECISION, language),
                whole(part["median_lead_days"], language) if part.get("median_lead_days") else "–",
                money(figures.get(CAUGHT), facts.currency, language),
            )
        )
    titles = [words[key] for key in ("score", "recall", "precision", "lead", "caught")]
    columns = (Column(titles[0]), *(Column(title, "number") for title in titles[1:]))
    return Grid(columns, tuple(rows), own=0)


def _with_band(part: Mapping[str, object], name: str, language: Language) -> Cell:
    """A share with its interval below it."""
    value = part.get(name)
    bands = part.get("intervals")
    band = bands.get(name) if isinstance(bands, Mapping) else None
    share = float(value) if isinstance(value, int | float) else None
    note = "" if not band else f"{100 * band[0]:.0f}–{100 * band[1]:.0f}"
    return Cell(percent(share, language), sort=share, note=note)


@dataclass(frozen=True)
class TierRow:
    """One tier: how many stand in it, what became of those who did; shares lie on a bar."""

    tier: str
    name: str
    now: str
    share: str
    band: str
    at: float | None
    low: float | None
    high: float | None
    left: str
    rows: str
    people: str


def tier_rows(facts: ReportFacts, *, language: Language) -> tuple[TierRow, ...]:
    """The tiers from the highest down; bars share one scale."""
    past = {one["tier"]: one for one in facts.proof.tiers} if facts.proof else {}
    ends = [high for one in past.values() for high in (one["share"], *(one["interval"] or ()))]
    top = max([end for end in ends if end] or [1.0])
    return tuple(
        _tier(tier, facts.tiers_now.get(tier, 0), past.get(tier, {}), top, language)
        for tier in TIERS
    )


def _tier(tier: str, now: int, past: Mapping[str, Any], top: float, language: Language) -> TierRow:
    words, people = words_of(language)["tiers"], past.get("customers", 0)
    share, band = past.get("share"), past.get("interval")
    low, high = band or (None, None)
    return TierRow(
        tier=tier,
        name=tier_name(tier, language),
        now=whole(now, language),
        share=percent(share, language),
        band="" if low is None else f"{percent(low, language)} – {percent(high, language)}",
        at=None if share is None else share / top,
        low=None if low is None else low / top,
        high=None if high is None else high / top,
        left=whole(past.get("left", 0), language),
        rows=whole(past.get("rows", 0), language),
        people=f"{whole(people, language)} {plural(people, words['people'], language)}",
    )


def misses_grid(facts: ReportFacts, *, language: Language) -> Grid | None:
    """The latest exits without a useful alert."""
    if not facts.misses:
        return None
    words = words_of(language)["misses"]
    keys = ("customer", "left", "outcome", "risk", "best", "health", "said")
    numbers = ("risk", "best")
    columns = tuple(Column(words[key], "number" if key in numbers else "text") for key in keys)
    rows = tuple(_miss(one, language) for one in facts.misses[:MISSES_SHOWN])
    return Grid(columns, rows)


def _miss(miss: MissFact, language: Language) -> tuple[Cell | str, ...]:
    words = words_of(language)["misses"]
    outcome = words["missed"]
    if miss.outcome == LATE:
        outcome = words["late"].format(days=decimal(miss.notice_days, language, digits=0))
    tone: Tone = _COLOURS.get(miss.colour or "", "")
    colour = f" {words[miss.colour]}" if miss.colour else ""
    health = "–" if miss.health is None else f"{whole(miss.health, language)}{colour}"
    said = " ".join(str(miss.said).split()) if miss.said else words["silent"]
    return (
        _person(miss.person),
        Cell(day(miss.exit_at, language), sort=f"{miss.exit_at:%Y%m%d}"),
        outcome,
        Cell(percent(miss.probability, language), sort=miss.probability),
        Cell(words["of"].format(place=whole(miss.best_place, language),
                                all=whole(miss.of, language)),
             sort=miss.best_place),
        Cell(health, sort=_sorted(miss.health), chip=tone),
        cut(said, SAID_LETTERS),
    )  # fmt: skip


def _sorted(health: float | None) -> str:
    """Health as text that sorts as a number does."""
    return "" if health is None else f"{health:07.3f}"


def _person(person: Person) -> Cell:
    name = shown_name(person.name, person.customer_id)
    note = "" if name == person.customer_id else cut(person.customer_id, NAME_LETTERS)
    return Cell(cut(name, NAME_LETTERS), note=note)


def named_grid(facts: ReportFacts, *, language: Language) -> Grid | None:
    """How often each reason was named by those who left without a useful alert."""
    words = words_of(language)["misses"]
    counted = Counter(
        " ".join(str(miss.said).split()) if miss.said else words["silent"] for miss in facts.misses
    )
    if len(counted) < 2:
        return None
    rows = tuple((cut(said, SAID_LETTERS), str(n)) for said, n in counted.most_common(10))
    return Grid((Column(words["said"]), Column(words["count"], "number")), rows)


def exit_counts(facts: ReportFacts) -> Mapping[str, int] | None:
    """Exits of the tested time by what the alarm did; None where none has a date."""
    if facts.proof is None or facts.proof.exits.empty:
        return None
    outcome = facts.proof.exits["outcome"]
    in_time, late = int((outcome == IN_TIME).sum()), int((outcome == LATE).sum())
    return {
        "exits": len(outcome),
        "in_time": in_time,
        "late": late,
        "missed": len(outcome) - in_time - late,
    }


def calls_grid(facts: ReportFacts, *, language: Language) -> Grid | None:
    """The random calls."""
    if not facts.calls:
        return None
    words = words_of(language)
    titles = [words["alerts"][key] for key in ("customer", "owner", "segment", "tier", "risk")]
    titles.append(words["customers"]["health"].lower())
    rows = []
    for call in facts.calls:
        tier = call.now.tier or ""
        rows.append(
            (
                _person(call.person),
                cut(call.person.owner or "–", NAME_LETTERS),
                cut(call.person.segment or "–", NAME_LETTERS),
                Cell(tier_name(tier or "none", language), chip=_TONES.get(tier, "")),
                Cell(percent(call.now.probability, language), sort=call.now.probability),
                "–" if call.now.health is None else whole(call.now.health, language),
            )
        )
    columns = (*(Column(title) for title in titles[:4]), *(Column(t, "number") for t in titles[4:]))
    return Grid(columns, tuple(rows))


def data_grids(facts: ReportFacts, *, language: Language) -> tuple[Grid, Grid | None]:
    """The tables of the data, and what the gate found."""
    words, notes = words_of(language)["data"], facts.notes
    tables = Grid(
        (Column(words["table"]), Column(words["rows"], "number"), Column(words["first"]),
         Column(words["last"])),
        tuple(
            (Cell(name, code=True), whole(rows, language), _moment(first, language),
             _moment(last, language))
            for name, rows, first, last in notes.tables
        ),
    )  # fmt: skip
    if not notes.findings:
        return tables, None
    columns = (Column(words["table"]), Column(words["severity"]), Column(words["rule"]),
               Column(words["rows"], "number"), Column(words["message"]))  # fmt: skip
    rows = tuple(
        (Cell(one.table, code=True), words.get(one.severity, one.severity),
         Cell(one.rule, code=True), whole(one.rows, language), cut(one.message.in_(language), 400))
        for one in notes.findings[:FINDINGS_SHOWN]
    )  # fmt: skip
    return tables, Grid(columns, rows)


def _moment(moment: pd.Timestamp | None, language: Language) -> Cell | str:
    return "–" if moment is None else Cell(day(moment, language), sort=f"{moment:%Y%m%d}")


def health_grid(facts: ReportFacts, *, language: Language) -> Grid:
    """Groups of the health score with their weights, the learned ones beside."""
    words = words_of(language)["how"]
    weighed = (facts.proof.document.get("health") or {}) if facts.proof else {}
    learned = weighed.get("learned_weights") or {}
    columns = [Column(words["group"]), Column(words["weight"], "number")]
    columns += [Column(words["learned"], "number")] if learned else []
    rows = []
    for group in facts.preset.groups:
        told = [group.title[language], decimal(group.weight, language, digits=0)]
        told += [decimal(learned.get(group.name), language, digits=0)] if learned else []
        rows.append(tuple(told))
    return Grid(tuple(columns), tuple(rows))
