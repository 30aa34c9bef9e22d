"""The sections of a model card, built from the document of a training; no markup here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from churnml.evaluation.promotion import best_rule
from churnml.report.canvas import Language, percent
from churnml.report.canvas import whole as thin
from churnml.report.captions import CAPTIONS
from churnml.report.card.facts import CardFacts
from churnml.report.card.words import FAMILIES, FIGURES, WORDS

Content = Mapping[str, Any]

_MONEY = (
    "value_at_risk_caught_per_100_contacts",
    "share_of_value_caught",
    "profit_per_contact",
    "optimal_q",
)
#: Figures that are sums or days: told without decimals.
_WHOLE = ("median_lead_days", "value_at_risk_caught_per_100_contacts", "profit_per_contact")


@dataclass(frozen=True)
class Grid:
    """A table: headings, rows of text, and which row is the model's own (-1: none)."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    own: int = -1


@dataclass(frozen=True)
class Section:
    """One section: paragraphs, then a table, then a figure by name."""

    key: str
    title: str
    paragraphs: tuple[str, ...] = ()
    grid: Grid | None = None
    figure: str = ""


@dataclass(frozen=True)
class Headline:
    """The verdict and the four figures that a reader sees first."""

    verdict: str
    reason: str
    figures: tuple[tuple[str, str], ...]


def headline(content: Content, *, language: Language) -> Headline:
    """What stands above all sections."""
    words, metrics = WORDS[language], content["metrics"]
    measure = "recall_at_lead_21d" if metrics.get("recall_at_lead_21d") is not None else None
    name = measure or "average_precision"
    digits = 0 if measure else 1
    baselines = content["baselines"]
    rule, _ = best_rule({key: part["average_precision"] for key, part in baselines.items()})
    told = [(percent(metrics[name], digits=digits), words["recall" if measure else "ap"])]
    beside = [(rule, words["rule"].format(rule=_score(rule, language))),
              ("random", words["chance"]), ("oracle", words["oracle"])]  # fmt: skip
    for key, text in beside:
        if baselines.get(key, {}).get(name) is not None:
            told.append((percent(baselines[key][name], digits=digits), text))
    if metrics.get("alert_precision") is not None:
        told.append((percent(metrics["alert_precision"]), words["precision"]))
        told.append((number(metrics["alerts_per_week"], language, digits=1), words["load"]))
    verdict = words["in_use" if content["promoted"] else "not_in_use"]
    return Headline(verdict, content["reason"], tuple(told))


def sections(content: Content, facts: CardFacts, *, language: Language) -> tuple[Section, ...]:
    """All sections in their order; those without figures are left out."""
    found = [
        _use(content, facts, language),
        _results(content, language),
        _lead_time(content, language),
        _slices(content, language),
        _calibration(content, language),
        _money(content, language),
        _features(facts, language),
        _data(facts, language),
        _training(content, facts, language),
        _promotion(content, language),
        _audit(content, language),
        _limits(content, language),
        _digests(content, facts, language),
    ]
    return tuple(one for one in found if one is not None)


def number(value: float | None, language: Language, *, digits: int = 3) -> str:
    """A number as text, with the decimal sign of the language; a dash where there is none."""
    text = "–" if value is None else f"{value:.{digits}f}"
    return text.replace(".", ",") if language == "ru" else text


def whole(count: int) -> str:
    """A count whose thousands stay on one line."""
    return thin(count).replace("\u2009", "\u202f")


def _score(name: str, language: Language) -> str:
    return CAPTIONS[language].get(name, name.replace("_", " "))


def _use(content: Content, facts: CardFacts, language: Language) -> Section:
    words, alerts = WORDS[language], content["alerts"]
    lead, end = facts.fit["window"]
    said = words["use_1"].format(
        lead=lead, end=end, q=percent(alerts["q"], digits=1), quiet=alerts["quiet_days"]
    )
    return Section("use", words["use"], (said, words["use_2"], words["cause"]))


def _results(content: Content, language: Language) -> Section:
    words = WORDS[language]
    exits = content.get("n_exits")
    said = words["results_1"].format(
        rows=whole(content["n_rows"]), positives=whole(content["n_positive"]),
        rate=percent(content["base_rate"], digits=1), exits="–" if exits is None else whole(exits),
    )  # fmt: skip
    scores = {"model": {**content["metrics"], "intervals": content["intervals"]}}
    scores |= dict(content["baselines"])
    rows = tuple(
        (_score(name, language), *(_figure(part, key, language) for key, _ in FIGURES[language]))
        for name, part in scores.items()
    )
    headings = (words["score"], *(title for _, title in FIGURES[language]))
    return Section("results", words["results"], (said, words["beats"]), Grid(headings, rows, 0))


def _figure(part: Content, key: str, language: Language) -> str:
    value, band = part.get(key), part.get("intervals", {}).get(key)
    digits = 0 if key in _WHOLE else 3
    if value is None or band is None:
        return number(value, language, digits=digits)
    low, high = (number(end, language, digits=digits) for end in band)
    return f"{number(value, language, digits=digits)} [{low}–{high}]"


def _lead_time(content: Content, language: Language) -> Section | None:
    if all(share is None for share in (content.get("lead_recall") or {}).values()):
        return None
    words = WORDS[language]
    curves = {"model": content["lead_recall"]}
    curves |= {name: part.get("lead_recall") for name, part in content["baselines"].items()}
    rows = tuple(
        (_score(name, language), *(percent(curve.get(str(week))) for week in range(1, 9)))
        for name, curve in curves.items()
        if curve
    )
    headings = (words["score"], *(str(week) for week in range(1, 9)))
    return Section("lead_time", words["lead_time"], (words["lead_1"],), Grid(headings, rows, 0),
                   "lead_time")  # fmt: skip


def _slices(content: Content, language: Language) -> Section | None:
    words = WORDS[language]
    told = [one for one in content.get("slices") or () if one["recall_at_lead_21d"] is not None]
    if not told:
        return None
    rows = tuple(
        (
            f"{str(one['slice']).replace('_', ' ')}: {one['value']}",
            str(one["n_exits"]),
            _share(one, "recall_at_lead_21d"),
            percent(one.get("random_recall_at_lead_21d")),
            _share(one, "alert_precision"),
        )
        for one in told
    )
    headings = tuple(
        words[key] for key in ("slice", "exits", "recall_short", "chance_short", "precision_short")
    )
    return Section("slices", words["slices"], (words["slices_1"],), Grid(headings, rows))


def _share(one: Content, key: str) -> str:
    band = (one.get("intervals") or {}).get(key)
    text = percent(one.get(key))
    return text if band is None else f"{text} [{100 * band[0]:.0f}–{100 * band[1]:.0f}]"


def _calibration(content: Content, language: Language) -> Section:
    words, metrics = WORDS[language], content["metrics"]
    said = words["calibration_1"].format(
        brier=number(metrics.get("brier"), language, digits=4),
        ece=number(metrics.get("ece"), language, digits=4),
        slope=number(metrics.get("calibration_slope"), language, digits=2),
    )
    grid = _grid(content.get("calibration"), language)
    return Section("calibration", words["calibration"], (said,), grid, "calibration")


def _money(content: Content, language: Language) -> Section | None:
    """Revenue caught and profit of the model and its rivals, with what they rest on."""
    money = content.get("money")
    if not money:
        return None
    words = WORDS[language]
    parts = {"model": money} | {
        name: part["money"] for name, part in content["baselines"].items() if part.get("money")
    }
    rows = tuple(
        (_score(name, language), *(_figure(part, key, language) for key in _MONEY))
        for name, part in parts.items()
    )
    headings = (words["score"], *(words[key] for key in _MONEY))
    said = words["money_1"].format(currency=money.get("currency") or "–")
    return Section("money", words["money"], (said, *money.get("notes", ())),
                   Grid(headings, rows, 0))  # fmt: skip


def _audit(content: Content, language: Language) -> Section | None:
    """What the leak probes looked at, and what they found."""
    audit = content.get("audit")
    if not audit:
        return None
    found = tuple(str(one["message"]) for one in audit["findings"])
    return Section("audit", WORDS[language]["audit"], found, _grid(audit["checks"], language))


def _grid(found: Any, language: Language) -> Grid | None:
    words = WORDS[language]
    if isinstance(found, Mapping):
        plain = {name: value for name, value in found.items() if not isinstance(value, Mapping)}
        rows = [(name.replace("_", " "), _cell(value, language)) for name, value in plain.items()
                if not isinstance(value, list | tuple)]  # fmt: skip
        return Grid((words["choice"], words["value"]), tuple(rows)) if rows else None
    if isinstance(found, Sequence) and found and isinstance(found[0], Mapping):
        names = [name for name, value in found[0].items() if not isinstance(value, Mapping | list)]
        records = (tuple(_cell(one.get(name), language) for name in names) for one in found)
        return Grid(tuple(name.replace("_", " ") for name in names), tuple(records))
    return None


def _cell(value: Any, language: Language) -> str:
    if isinstance(value, bool) or not isinstance(value, float | int):
        return "–" if value is None else str(value)
    return whole(value) if isinstance(value, int) else number(value, language)


def _features(facts: CardFacts, language: Language) -> Section:
    words = WORDS[language]
    rows = tuple(
        (
            FAMILIES[language].get(fact.name, fact.name),
            str(fact.features),
            percent(fact.share),
            "; ".join(title.get(language, title["en"]) for title in fact.titles) or "–",
        )
        for fact in facts.families
    )
    headings = (words["family"], words["f_features"], words["share"], words["strongest"])
    said = words["features_1"].format(count=facts.fit["features"])
    return Section("features", words["features"], (said,), Grid(headings, rows))


def _data(facts: CardFacts, language: Language) -> Section:
    words, churn = WORDS[language], facts.churn
    lead, end = facts.fit["window"]
    left = words[churn.kind].format(
        grace=churn.grace_days, silence=churn.silence_days, involuntary=words[churn.involuntary]
    )
    window = words["window"].format(lead=lead, end=end, closing=end + churn.delay_days)
    conditions = ", ".join(
        f"{name.replace('_', ' ')} = {value}" for name, value in facts.population.items()
    )
    people = words["population"].format(
        snapshots=whole(facts.snapshots), inside=whole(facts.in_population),
        customers=whole(facts.customers), first=_day(facts.first), last=_day(facts.last),
        conditions=conditions,
    )  # fmt: skip
    rows = tuple(
        (table.name, whole(table.rows), _day(table.first), _day(table.last))
        for table in facts.tables
    )
    headings = tuple(words[key] for key in ("table", "rows", "first", "last"))
    return Section("data", words["data"], (left, window, people), Grid(headings, rows))


def _day(moment: pd.Timestamp | None) -> str:
    return "–" if moment is None else f"{moment:%Y-%m-%d}"


def _training(content: Content, facts: CardFacts, language: Language) -> Section:
    words, fit = WORDS[language], facts.fit
    blocks = (
        f"{str(one['test_from'])[:10]} – {str(one['test_until'])[:10]}"
        for one in content.get("folds", ())
    )
    rows = (
        (words["f_rows"], whole(fit["rows"])),
        (words["f_positives"], whole(fit["positives"])),
        (words["f_features"], str(fit["features"])),
        (words["f_heads"], ", ".join(f"[{low}, {high})" for low, high in fit["heads"])),
        (words["f_seeds"], str(fit["seeds"])),
        (words["f_sampler"], str(fit["sampler"])),
        (words["f_parameters"], ", ".join(f"{k} = {v:.4g}" for k, v in fit["parameters"].items())),
        (words["f_tuning"], content.get("tuning", "–")),
        (words["f_folds"], "; ".join(blocks)),
    )
    grid = Grid((words["choice"], words["value"]), rows)
    return Section("training", words["training"], (words["made_of"],), grid)


def _promotion(content: Content, language: Language) -> Section:
    words, compared = WORDS[language], content.get("comparison")
    said = [content["reason"]]
    grid = None
    if compared:
        days = {key: compared[f"{key}_as_of"][:10] for key in ("first", "last")}
        counts = {key: whole(compared[key]) for key in ("rows", "leavers")}
        said.append(words["compared"].format(**days, **counts))
        keys = ("champion", "challenger", "standard_error", "bound", "allowed")
        rows = tuple((words[f"c_{k}"], number(compared[k], language, digits=4)) for k in keys)
        grid = Grid((words["choice"], words["value"]), rows)
    treated = content.get("treated")
    if treated and treated["rows"]:
        said.append(_treated(treated, language))
    return Section("promotion", words["promotion"], tuple(said), grid)


def _treated(treated: Content, language: Language) -> str:
    return WORDS[language]["treated"].format(
        rows=whole(treated["rows"]), customers=whole(treated["customers"]),
        handling=treated["handling"],
        all=number(treated["average_precision"], language),
        without=number(treated["average_precision_without"], language),
    )  # fmt: skip


def _limits(content: Content, language: Language) -> Section:
    words = WORDS[language]
    said = [words["cause"], *(words[f"limit_{place}"] for place in range(1, 5))]
    return Section("limits", words["limits"], (*said, *content.get("notes", ())))


def _digests(content: Content, facts: CardFacts, language: Language) -> Section:
    words = WORDS[language]
    digests = {**facts.digests, "study": content["study_digest"]}
    rows = tuple((words[f"d_{name}"], value) for name, value in digests.items())
    return Section("digests", words["digests"], (), Grid((words["choice"], words["digest"]), rows))
