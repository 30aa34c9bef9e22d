"""What a reader of a card sees first: the statement, the verdict, a few figures with intervals."""

from __future__ import annotations

from dataclasses import dataclass

from churnml.evaluation.promotion import best_rule
from churnml.report.canvas import Language
from churnml.report.card.said import Content, number, score_name, share, told
from churnml.report.card.words import WORDS
from churnml.report.page import Measure


@dataclass(frozen=True)
class Headline:
    """The statement, the verdict with its reason, and the figures that a reader sees first."""

    statement: str
    verdict: str
    reason: str
    figures: tuple[Measure, ...]


def headline(content: Content, *, language: Language) -> Headline:
    """What stands above all sections.

    Where exits are dated it speaks of the queue, else of rows; the rule beside the model is the
    one that is best at what is told.
    """
    words, metrics = WORDS[language], content["metrics"]
    queue = metrics.get("recall_at_lead_21d") is not None
    key, kind = ("recall_at_lead_21d", "recall") if queue else ("average_precision", "ap")
    rule, reached = best_rule({name: part.get(key) for name, part in content["baselines"].items()})
    beside = ((rule, words["rule"].format(rule=score_name(rule, language))),
              ("random", words["chance"]), ("oracle", words["oracle"]))  # fmt: skip
    figures = [_measure(content, key, words[kind], language=language, own=True)]
    for name, text in beside:
        part = content["baselines"].get(name, {})
        if part.get(key) is not None:
            figures.append(_measure({"metrics": part, **part}, key, text, language=language))
    if metrics.get("alert_precision") is not None:
        text = words["precision"]
        figures.append(_measure(content, "alert_precision", text, language=language))
        load = number(metrics["alerts_per_week"], language, digits=1)
        figures.append(Measure(load, words["load"]))
    verdict = words["in_use" if content["promoted"] else "not_in_use"]
    return Headline(
        _statement(content, key, reached, language=language),
        verdict, told(content, "reason", language), tuple(figures),
    )  # fmt: skip


def _statement(content: Content, key: str, rule: float, *, language: Language) -> str:
    words, own = WORDS[language], content["metrics"].get(key)
    if own is None:
        return words["title"].format(dataset=content["dataset"])
    chance = content["baselines"].get("random", {}).get(key)
    told_of = {"own": own, "rule": rule, "chance": chance}
    if key == "recall_at_lead_21d":
        of_100 = {
            name: number(100 * (one or 0), language, digits=0) for name, one in told_of.items()
        }
        return words["says_recall"].format(**of_100)
    values = {name: number(one, language) for name, one in told_of.items()}
    return words["says_ap"].format(**values)


def _measure(
    content: Content, key: str, text: str, *, language: Language, own: bool = False
) -> Measure:
    value = content["metrics"][key]
    digits = 1 if key == "average_precision" else 0
    band = (content.get("intervals") or {}).get(key)
    if band is None:
        return Measure(share(value, language, digits=digits), text, at=value, own=own)
    low, high = (share(end, language, digits=digits) for end in band)
    note = WORDS[language]["interval"].format(
        low=low.removesuffix("%").removesuffix("\u00a0"), high=high
    )
    said = share(value, language, digits=digits)
    return Measure(said, text, at=value, low=band[0], high=band[1], note=note, own=own)
