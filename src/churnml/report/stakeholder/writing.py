"""The stakeholder report as one self-contained HTML page, in English or Russian."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from churnml.errors import InputError
from churnml.report.canvas import Language
from churnml.report.page import render
from churnml.report.stakeholder.facts import ReportFacts, on_the_clock
from churnml.report.stakeholder.headline import headline
from churnml.report.stakeholder.listing import listing
from churnml.report.stakeholder.pictures import pictures
from churnml.report.stakeholder.prose import prose
from churnml.report.stakeholder.sections import anchors, sections
from churnml.report.stakeholder.tables import (
    calls_grid,
    data_grids,
    exit_counts,
    health_grid,
    misses_grid,
    named_grid,
    scores_grid,
    tier_rows,
)
from churnml.report.stakeholder.words import day, words_of

_HERE = Path(__file__).parent
_SECTIONS = ("worth", "drivers", "tiers", "alerts", "customers", "misses", "calls", "data", "how")


def write_report(path: Path, facts: ReportFacts, *, language: Language) -> int:
    """Write the report, whole or not at all; return its size in bytes.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    text = report_html(facts, language=language)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_name(f".{path.name}.tmp")
        aside.write_text(text, encoding="utf-8", errors="replace")
        aside.replace(path)
    except OSError as error:
        raise InputError(f"{path} cannot be written ({error}). Give another --out.") from None
    return path.stat().st_size


def report_html(facts: ReportFacts, *, language: Language = "en") -> str:
    """One HTML page that asks for nothing from outside; every text of the data is escaped."""
    words, facts = words_of(language), on_the_clock(facts)
    values = _values(facts, language)
    titles = words["contents"]
    contents = [(key, titles[key]) for key in _SECTIONS if values["there"][key]]
    return render(
        _HERE / "report.html.j2",
        language=language,
        extra_style=(_HERE / "report.css").read_text(encoding="utf-8"),
        title=words["head"]["title"].format(dataset=facts.dataset),
        kicker=words["head"]["kicker"].format(
            dataset=facts.dataset, as_of=day(facts.as_of, language)
        ),
        contents=contents,
        words=words,
        **values,
    )


def _values(facts: ReportFacts, language: Language) -> dict[str, Any]:
    """What the template places."""
    drawings = pictures(facts.proof, facts.drivers, language=language)
    tables, findings = data_grids(facts, language=language)
    told = sections(facts, language=language)
    counts = exit_counts(facts)
    there = dict.fromkeys(_SECTIONS, True)
    there["worth"] = facts.proof is not None
    there["customers"] = bool(told)
    there["misses"] = facts.proof is not None
    there["calls"] = bool(facts.calls)
    return {
        "there": there,
        "headline": headline(facts, language=language),
        "prose": prose(facts, counts, language=language),
        "drawings": drawings,
        "scores": scores_grid(facts, language=language),
        "tiers": tier_rows(facts, language=language),
        "has_past": facts.proof is not None,
        "listing": listing(facts, language=language, linked=anchors(facts)),
        "customers": told,
        "misses": misses_grid(facts, language=language),
        "named": named_grid(facts, language=language),
        "calls": calls_grid(facts, language=language),
        "tables": tables,
        "findings": findings,
        "notices": [notice.in_(language) for notice in facts.notes.notices],
        "health": health_grid(facts, language=language),
    }
