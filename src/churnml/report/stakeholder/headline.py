"""The first lines: how often the alarm is right, or why nothing can be said of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from churnml.evaluation.promotion import best_rule
from churnml.report.canvas import Language
from churnml.report.captions import CAPTIONS
from churnml.report.page import Measure
from churnml.report.stakeholder.facts import ReportFacts
from churnml.report.stakeholder.words import (
    day,
    decimal,
    money,
    of_100,
    percent,
    whole,
    words_of,
)
from churnml.windows import local

RECALL, PRECISION, RANKING = "recall_at_lead_21d", "alert_precision", "average_precision"
MODEL, RANDOM, ORACLE = "model", "random", "oracle"


@dataclass(frozen=True)
class Headline:
    """What stands above everything.

    Parameters
    ----------
    title : str
        One sentence.
    leads : tuple of str
    measures : tuple of Measure
    is_good : bool
        Whether the model was put into use by its training.
    """

    title: str
    leads: tuple[str, ...]
    measures: tuple[Measure, ...]
    is_good: bool


def headline(facts: ReportFacts, *, language: Language) -> Headline:
    """The first lines of a report."""
    words = words_of(language)["head"]
    today = _today(facts, language)
    if facts.proof is None:
        counts = {
            "alerts": whole(len(facts.alerts), language),
            "customers": whole(facts.at_risk, language),
        }
        title = words["no_proof"].format(**counts)
        return Headline(title, (words["no_proof_lead"], today), (), is_good=False)
    document = facts.proof.document
    title, leads = _proven(document, language, zone=facts.timezone)
    measures = _measures(document, language)
    if document["promoted"]:
        return Headline(title, (*leads, today), measures, is_good=True)
    refused = words["not_promoted" if document["signal_found"] else "no_signal"]
    return Headline(
        refused, (_reason(document, language), words["still"], today), measures, is_good=False
    )


def rule_of(document: Mapping[str, Any]) -> str:
    """The simple rule that is best at what is told: exits named in time, else the ranking."""
    told = RECALL if document["metrics"].get(RECALL) is not None else RANKING
    return best_rule({name: part.get(told) for name, part in document["baselines"].items()})[0]


def rule_name(name: str, language: Language) -> str:
    """A score as a reader says it."""
    return CAPTIONS[language].get(name, name.replace("_", " "))


def _reason(document: Mapping[str, Any], language: Language) -> str:
    """Why the model was not put into use, in the language where the training says it so."""
    told = document.get(f"reason_{language}") or document["reason"]
    return str(told)


def _today(facts: ReportFacts, language: Language) -> str:
    words = words_of(language)["head"]
    said = words["today"].format(
        customers=whole(facts.at_risk, language), as_of=day(facts.as_of, language),
        alerts=whole(len(facts.customers), language),
        new=whole(sum(one.is_new for one in facts.alerts), language),
    )  # fmt: skip
    if facts.value_at_risk is None:
        return str(said)
    value = words["value"].format(value=money(facts.value_at_risk, facts.currency, language))
    return f"{said} {value}"


def _proven(
    document: Mapping[str, Any], language: Language, *, zone: str
) -> tuple[str, tuple[str, ...]]:
    words, metrics = words_of(language)["head"], document["metrics"]
    if metrics.get(RECALL) is None:
        return _proven_by_rows(document, language)
    baselines, rule = document["baselines"], rule_of(document)
    band = document["intervals"].get(RECALL)
    within = words["band"].format(low=of_100(band[0]), high=of_100(band[1])) if band else ""
    title = words["headline"].format(model=of_100(metrics[RECALL]), band=within)
    lead = words["lead"].format(
        rule=rule_name(rule, language),
        rule_of_100=of_100(baselines.get(rule, {}).get(RECALL)),
        random=of_100(baselines[RANDOM].get(RECALL)),
        right=_right(metrics.get(PRECISION), language),
    )  # fmt: skip
    folds = document["folds"]
    first, last = pd.Timestamp(folds[0]["test_from"]), pd.Timestamp(folds[-1]["test_until"])
    measured = words["measured"].format(
        exits=whole(document["n_exits"], language),
        load=whole(metrics["alerts_per_week"], language),
        first=day(local(first, zone=zone), language),
        last=day(local(last, zone=zone), language),
    )  # fmt: skip
    return title, (lead.strip(), measured)


def _right(precision: float | None, language: Language) -> str:
    """How many alerts were right, as a reader counts."""
    if not precision:
        return ""
    words = words_of(language)["head"]
    one_in = round(1 / precision)
    if not 2 <= one_in <= len(words["counted"]) + 1:
        return str(words["right_share"].format(share=percent(precision, language)))
    return str(words["right_one_in"].format(count=words["counted"][one_in - 2]))


def _proven_by_rows(document: Mapping[str, Any], language: Language) -> tuple[str, tuple[str, ...]]:
    words, metrics, rule = words_of(language)["head"], document["metrics"], rule_of(document)
    low, high = document["intervals"].get(RANKING) or (None, None)
    title = words["headline_rows"].format(
        lift=decimal(metrics.get("lift_at_10pct"), language, digits=1)
    )
    lead = words["lead_rows"].format(
        model=percent(metrics.get(RANKING), language), low=percent(low, language),
        high=percent(high, language), rule=rule_name(rule, language),
        rule_value=percent(document["baselines"].get(rule, {}).get(RANKING), language),
        random=percent(document["baselines"][RANDOM].get(RANKING), language),
    )  # fmt: skip
    return title, (lead,)


def _measures(document: Mapping[str, Any], language: Language) -> tuple[Measure, ...]:
    words, metrics = words_of(language)["measures"], document["metrics"]
    name = RECALL if metrics.get(RECALL) is not None else RANKING
    rule = rule_of(document)
    own = words["model" if name == RECALL else "ap"]
    found = [_measure(document, MODEL, name, own, language)]
    for key in (rule, RANDOM, ORACLE):
        part = document["baselines"].get(key, {})
        if part.get(name) is not None:
            text = (
                words["rule"].format(rule=rule_name(rule, language)) if key == rule else words[key]
            )
            found.append(_measure(document, key, name, text, language))
    if metrics.get(PRECISION) is not None:
        found.append(_measure(document, MODEL, PRECISION, words["precision"], language))
    if metrics.get("median_lead_days") is not None:
        days = words["days"].format(n=whole(metrics["median_lead_days"], language))
        found.append(Measure(days, words["notice"]))
    return tuple(found)


def _measure(
    document: Mapping[str, Any], score: str, name: str, text: str, language: Language
) -> Measure:
    part = document if score == MODEL else document["baselines"][score]
    value = (part["metrics"] if score == MODEL else part)[name]
    band = (part.get("intervals") or {}).get(name)
    note = ""
    low, high = band or (None, None)
    if band is not None and score != RANDOM:
        ends = {"low": of_100(low), "high": of_100(high)}
        note = words_of(language)["measures"]["interval"].format(**ends)
    own = score == MODEL and name != PRECISION
    return Measure(percent(value, language), text, value, low, high, note, own=own)
