"""The sentences between the tables, filled with the facts."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from churnml.report.canvas import Language
from churnml.report.stakeholder.facts import ReportFacts
from churnml.report.stakeholder.headline import (
    MODEL,
    ORACLE,
    PRECISION,
    RANDOM,
    RANKING,
    RECALL,
    rule_name,
    rule_of,
)
from churnml.report.stakeholder.sections import MOST_SECTIONS
from churnml.report.stakeholder.tables import CAUGHT, FINDINGS_SHOWN, MISSES_SHOWN, SHOWN_RIVALS
from churnml.report.stakeholder.words import day, decimal, load, money, whole, words_of
from churnml.windows import local

Prose = Mapping[str, str]
#: Columns of the table of scores in which more is better, beside the money.
_JUDGED = (RECALL, PRECISION)


def prose(facts: ReportFacts, counts: Mapping[str, int] | None, *, language: Language) -> Prose:
    """Sentences by name; what does not apply is empty."""
    return {
        **_worth(facts, language),
        **_tiers(facts, language),
        **_alerts(facts, language),
        **_misses(facts, counts, language),
        **_how(facts, language),
    }


def _worth(facts: ReportFacts, language: Language) -> Prose:
    words = words_of(language)
    said = {
        "worth": words["worth"]["intro"].format(q=load(facts.q, language), quiet=facts.quiet_days),
        "money": "",
        "curve": "",
        "above": _above(facts, language),
        "drivers": words["drivers"]["intro"].format(
            rows=whole(len(facts.drivers.contributions), language), as_of=day(facts.as_of, language)
        ),
    }
    if facts.proof is None:
        return said
    document = facts.proof.document
    if document.get("n_exits_on_curve"):
        said["curve"] = words["worth"]["curve_note"].format(
            exits=whole(document["n_exits_on_curve"], language),
            all=whole(document["n_exits"], language),
        )
    parts = facts.proof.money
    amounts = {
        name: parts[key].figures.get(CAUGHT) if key in parts else None
        for name, key in ((MODEL, MODEL), ("rule", rule_of(facts.proof.document)), (RANDOM, RANDOM))
    }
    if amounts[MODEL] is not None:
        told = {name: money(amount, facts.currency, language) for name, amount in amounts.items()}
        said["money"] = words["worth"]["money"].format(**told)
    return said


def _above(facts: ReportFacts, language: Language) -> str:
    """Why the model is used although another score leads some column of the table; else empty."""
    if facts.proof is None or not facts.proof.document["promoted"]:
        return ""
    document, amounts = facts.proof.document, facts.proof.money
    columns = {name: part for name, part in document["baselines"].items() if name in SHOWN_RIVALS}
    columns |= {rule: document["baselines"][rule] for rule in (rule_of(document),)}

    def leads(name: str) -> bool:
        pairs = [(columns[name].get(key), document["metrics"].get(key)) for key in _JUDGED]
        if name in amounts and MODEL in amounts:
            pairs.append((amounts[name].figures.get(CAUGHT), amounts[MODEL].figures.get(CAUGHT)))
        return any(rival is not None and own is not None and rival > own for rival, own in pairs)

    above = [name for name in columns if leads(name)]
    if not above:
        return ""
    words, own = words_of(language)["worth"], document["metrics"][RANKING]
    ranks = {name: columns[name].get(RANKING) or 0.0 for name in above}
    ranking = ", ".join(
        f"{rule_name(name, language)} {decimal(value, language, digits=3)}"
        for name, value in ranks.items()
    )
    said = words["above_ranking" if max(ranks.values()) >= own else "above"]
    return str(said.format(ranking=ranking, model=decimal(own, language, digits=3)))


def _tiers(facts: ReportFacts, language: Language) -> Prose:
    words = words_of(language)["tiers"]
    edges = {name: load(edge, language) for name, edge in facts.tier_edges.items()}
    past = ""
    if facts.proof is not None and facts.proof.document.get("folds"):
        ended = pd.Timestamp(facts.proof.document["folds"][-1]["test_until"])
        until = local(ended, zone=facts.timezone)
        past = words["past"].format(until=day(until, language))
    return {"tiers": words[f"intro_{facts.tiers_by}"].format(**edges), "tiers_past": past}


def _alerts(facts: ReportFacts, language: Language) -> Prose:
    words = words_of(language)
    passed = ", ".join(
        words["passed"][why].format(n=whole(n, language), quiet_days=facts.quiet_days)
        for why, n in facts.suppressed.items()
        if n
    )
    beyond, more = len(facts.customers) - MOST_SECTIONS, words["customers"]["more"]
    return {
        "no_alerts": words["alerts"]["none"].format(as_of=day(facts.as_of, language)),
        "passed": words["alerts"]["passed"].format(reasons=passed) if passed else "",
        "source": _source(facts, language),
        "more": more.format(count=whole(beyond, language)) if beyond > 0 else "",
        "weeks": words["customers"]["timeline"].format(weeks=len(facts.weeks)),
    }


def _source(facts: ReportFacts, language: Language) -> str:
    """Whether the alerts were really raised, and what became of those before."""
    words, ledger = words_of(language)["alerts"], facts.ledger
    if ledger is None:
        return str(words["replayed"].format(weeks=len(facts.weeks)))
    if ledger.since is None:
        return ""
    counts = {
        name: whole(getattr(ledger, name), language) for name in ("raised", "left", "expired")
    }
    since, still_open = day(ledger.since, language), whole(len(facts.alerts), language)
    return str(words["recorded"].format(since=since, open=still_open, **counts))


def _misses(facts: ReportFacts, counts: Mapping[str, int] | None, language: Language) -> Prose:
    words = words_of(language)["misses"]
    if counts is None:
        return {"misses": words["no_exits"], "healthy": "", "misses_shown": ""}
    green = sum(miss.colour == "green" for miss in facts.misses)
    said = words["intro"].format(**{name: whole(count, language) for name, count in counts.items()})
    more = len(facts.misses) > MISSES_SHOWN
    return {
        "misses": said if facts.misses else words["none"],
        "healthy": words["healthy"].format(count=green) if facts.misses else "",
        "misses_shown": words["shown"].format(shown=MISSES_SHOWN, all=len(facts.misses))
        if more
        else "",
    }


def _how(facts: ReportFacts, language: Language) -> Prose:
    words = words_of(language)
    found = len(facts.notes.findings)
    shown = words["data"]["shown_findings"].format(shown=FINDINGS_SHOWN, all=found)
    how = words["how"]
    simulated = facts.proof is not None and ORACLE in facts.proof.document["baselines"]
    return {
        "findings_shown": shown if found > FINDINGS_SHOWN else "",
        "how_risk": how["risk"].format(
            lead=facts.window.lead_days, end=facts.window.end_days, features=facts.n_features
        ),
        "how_queue": how["queue"].format(q=load(facts.q, language), quiet=facts.quiet_days),
        "how_digest": how["digest"].format(
            digest=facts.model_digest, until=day(facts.data_until, language)
        ),
        "how_oracle": how["oracle"] if simulated else "",
    }
