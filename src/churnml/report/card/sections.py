"""The sections of a model card, built from the document of a training; no markup here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from churnml.report.canvas import Language
from churnml.report.captions import family_name
from churnml.report.card.facts import CardFacts
from churnml.report.card.said import (
    Content,
    day,
    figure,
    number,
    score_name,
    share,
    share_with_band,
    told,
    whole,
)
from churnml.report.card.words import FIGURES, WORDS
from churnml.report.page import Cell, Grid
from churnml.report.slice_words import slice_name, slice_value

_MONEY = (
    "value_at_risk_caught_per_100_contacts",
    "share_of_value_caught",
    "profit_per_contact",
    "optimal_q",
)
Pair = tuple[str, Cell | str]
Row = tuple[Cell | str, ...]


@dataclass(frozen=True)
class Section:
    """One section: paragraphs, then facts in pairs, then a table, then a figure by name."""

    key: str
    title: str
    paragraphs: tuple[str, ...] = ()
    facts: tuple[Pair, ...] = ()
    grid: Grid | None = None
    figure: str = ""


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


def _use(content: Content, facts: CardFacts, language: Language) -> Section:
    words, alerts = WORDS[language], content["alerts"]
    lead, end = facts.fit["window"]
    said = words["use_1"].format(
        lead=lead, end=end, q=share(alerts["q"], language, digits=1), quiet=alerts["quiet_days"]
    )
    return Section("use", words["use"], (said, words["use_2"], words["cause"]))


def _results(content: Content, language: Language) -> Section:
    words = WORDS[language]
    exits = content.get("n_exits")
    said = words["results_1"].format(
        rows=whole(content["n_rows"], language), positives=whole(content["n_positive"], language),
        rate=share(content["base_rate"], language, digits=1),
        exits="–" if exits is None else whole(exits, language),
    )  # fmt: skip
    scores = {"model": {**content["metrics"], "intervals": content["intervals"]}}
    scores |= dict(content["baselines"])
    rows: tuple[Row, ...] = tuple(
        (score_name(name, language), *(figure(part, key, language) for key, _ in FIGURES[language]))
        for name, part in scores.items()
    )
    headings = (words["score"], *(title for _, title in FIGURES[language]))
    grid = Grid.of(headings, rows, own=0)
    return Section("results", words["results"], (said, words["beats"]), grid=grid)


def _lead_time(content: Content, language: Language) -> Section | None:
    if all(share is None for share in (content.get("lead_recall") or {}).values()):
        return None
    words = WORDS[language]
    curves = {"model": content["lead_recall"]}
    curves |= {name: part.get("lead_recall") for name, part in content["baselines"].items()}
    rows = tuple(
        (
            score_name(name, language),
            *(share(curve.get(str(week)), language) for week in range(1, 9)),
        )
        for name, curve in curves.items()
        if curve
    )
    headings = (words["score"], *(str(week) for week in range(1, 9)))
    said = [words["lead_1"]]
    if content.get("n_exits_on_curve") is not None:
        counts = {"curve": content["n_exits_on_curve"], "all": content["n_exits"]}
        said.append(
            words["lead_2"].format(**{key: whole(one, language) for key, one in counts.items()})
        )
    return Section(
        "lead_time", words["lead_time"], tuple(said), figure="lead_time",
        grid=Grid.of(headings, rows, own=0),
    )  # fmt: skip


def _slices(content: Content, language: Language) -> Section | None:
    words = WORDS[language]
    known = [one for one in content.get("slices") or () if one["recall_at_lead_21d"] is not None]
    if not known:
        return None
    rows = tuple(
        (
            slice_name(str(one["slice"]), language),
            slice_value(str(one["slice"]), str(one["value"]), language),
            whole(one["n_exits"], language),
            share_with_band(one, "recall_at_lead_21d", language),
            share(one.get("random_recall_at_lead_21d"), language),
            share_with_band(one, "alert_precision", language),
        )
        for one in known
    )
    keys = ("slice_by", "slice", "exits", "recall_short", "chance_short", "precision_short")
    grid = Grid.of(tuple(words[key] for key in keys), rows)
    return Section("slices", words["slices"], (words["slices_1"],), grid=grid)


def _calibration(content: Content, language: Language) -> Section:
    words, metrics = WORDS[language], content["metrics"]
    said = words["calibration_1"].format(
        brier=number(metrics.get("brier"), language, digits=4),
        ece=number(metrics.get("ece"), language, digits=4),
        slope=number(metrics.get("calibration_slope"), language, digits=2),
    )
    found = content.get("calibration") or {}
    why = told(found, "reason", language)
    parts = found.get("by_segment") or ()
    paragraphs = (said, *((why,) if why else ()), *((words["calibration_2"],) if parts else ()))
    return Section(
        "calibration", words["calibration"], paragraphs, figure="calibration",
        grid=_said_and_came(parts, language) if parts else None,
    )  # fmt: skip


def _said_and_came(parts: Sequence[Content], language: Language) -> Grid:
    """What was said and what came in every part of the customers."""
    rows = tuple(
        (
            slice_name(one["by"], language),
            slice_value(one["by"], one["segment"], language),
            whole(one["customers"], language),
            number(one["expected"], language, digits=0),
            number(one["observed"], language, digits=0),
            _ratio(one, language),
        )
        for one in parts
    )
    keys = ("slice_by", "slice", "customers", "expected", "observed", "ratio")
    return Grid.of(tuple(WORDS[language][key] for key in keys), rows)


def _ratio(one: Content, language: Language) -> Cell:
    ends = "–".join(number(end, language, digits=2) for end in one.get("interval") or ())
    return Cell(number(one["ratio"], language, digits=2), note=f"[{ends}]" if ends else "")


def _money(content: Content, language: Language) -> Section | None:
    """Revenue caught and profit of the model and its rivals, with what they rest on."""
    money = content.get("money")
    if not money:
        return None
    words = WORDS[language]
    parts = {"model": money} | {
        name: part["money"] for name, part in content["baselines"].items() if part.get("money")
    }
    rows: tuple[Row, ...] = tuple(
        (score_name(name, language), *(figure(part, key, language) for key in _MONEY))
        for name, part in parts.items()
    )
    headings = (words["score"], *(words[key] for key in _MONEY))
    said = words["money_1"].format(currency=money.get("currency") or "–")
    notes = told(money, "notes", language) or ()
    return Section("money", words["money"], (said, *notes), grid=Grid.of(headings, rows, own=0))


def _audit(content: Content, language: Language) -> Section | None:
    """What the leak probes looked at, and what they found."""
    audit = content.get("audit")
    if not audit:
        return None
    words = WORDS[language]
    found = tuple(str(told(one, "message", language)) for one in audit["findings"])
    rows: tuple[Row, ...] = tuple(
        (
            words.get(f"check_{one['check']}", str(one["check"]).replace("_", " ")),
            _passed(one.get("passed"), language),
            str(told(one, "detail", language)),
        )
        for one in audit["checks"]
    )
    headings = tuple(words[key] for key in ("check", "passed", "detail"))
    paragraphs = found or (words["audit_clean"],)
    return Section("audit", words["audit"], paragraphs, grid=Grid.of(headings, rows))


def _passed(passed: bool | None, language: Language) -> Cell:
    """Whether a check passed; a chip that does not speak by its colour alone."""
    if passed is None:
        return Cell(WORDS[language]["not_looked"], chip="low")
    return Cell(WORDS[language]["yes" if passed else "no"], chip="good" if passed else "critical")


def _features(facts: CardFacts, language: Language) -> Section:
    words = WORDS[language]
    rows = tuple(
        (
            family_name(fact.name, language),
            str(fact.features),
            share(fact.share, language),
            "; ".join(title.get(language, title["en"]) for title in fact.titles) or "–",
        )
        for fact in facts.families
    )
    headings = (words["family"], words["f_features"], words["share"], words["strongest"])
    said = words["features_1"].format(count=facts.fit["features"])
    return Section("features", words["features"], (said,), grid=Grid.of(headings, rows))


def _data(facts: CardFacts, language: Language) -> Section:
    words, churn = WORDS[language], facts.churn
    lead, end = facts.fit["window"]
    left = words[churn.kind].format(
        grace=churn.grace_days, silence=churn.silence_days, involuntary=words[churn.involuntary]
    )
    window = words["window"].format(lead=lead, end=end, closing=end + churn.delay_days)
    conditions = ", ".join(
        words[f"p_{name}"].format(value=value) for name, value in facts.population.items()
    )
    people = words["population"].format(
        snapshots=whole(facts.snapshots, language), inside=whole(facts.in_population, language),
        customers=whole(facts.customers, language), first=day(facts.first, language),
        last=day(facts.last, language), conditions=conditions or words["p_everybody"],
    )  # fmt: skip
    rows = tuple(
        (
            Cell(table.name, code=True),
            whole(table.rows, language),
            day(table.first, language),
            day(table.last, language),
        )
        for table in facts.tables
    )
    headings = tuple(words[key] for key in ("table", "rows", "first", "last"))
    return Section("data", words["data"], (left, window, people), grid=Grid.of(headings, rows))


def _training(content: Content, facts: CardFacts, language: Language) -> Section:
    words, fit = WORDS[language], facts.fit
    blocks = (
        f"{str(one['test_from'])[:10]} – {str(one['test_until'])[:10]}"
        for one in content.get("folds", ())
    )
    rows = (
        (words["f_rows"], whole(fit["rows"], language)),
        (words["f_positives"], whole(fit["positives"], language)),
        (words["f_features"], str(fit["features"])),
        (words["f_heads"], ", ".join(f"[{low}, {high})" for low, high in fit["heads"])),
        (words["f_seeds"], str(fit["seeds"])),
        (words["f_sampler"], words.get(f"sampler_{fit['sampler']}", str(fit["sampler"]))),
        (words["f_parameters"], Cell(_parameters(fit["parameters"]), code=True)),
        (words["f_tuning"], told(content, "tuning", language) or "–"),
        (words["f_folds"], "; ".join(blocks)),
    )
    return Section("training", words["training"], (words["made_of"],), facts=rows)


def _parameters(parameters: Content) -> str:
    return ", ".join(f"{name} = {value:.4g}" for name, value in parameters.items())


def _promotion(content: Content, language: Language) -> Section:
    words, compared = WORDS[language], content.get("comparison")
    said = [told(content, "reason", language)]
    rows: tuple[Pair, ...] = ()
    if compared:
        days = {key: compared[f"{key}_as_of"][:10] for key in ("first", "last")}
        counts = {key: whole(compared[key], language) for key in ("rows", "leavers")}
        said.append(words["compared"].format(**days, **counts))
        keys = ("champion", "challenger", "standard_error", "bound", "allowed")
        rows = tuple((words[f"c_{k}"], number(compared[k], language, digits=4)) for k in keys)
    treated = content.get("treated")
    if treated and treated["rows"]:
        said.append(_treated(treated, language))
    return Section("promotion", words["promotion"], tuple(said), facts=rows)


def _treated(treated: Content, language: Language) -> str:
    return WORDS[language]["treated"].format(
        rows=whole(treated["rows"], language), customers=whole(treated["customers"], language),
        handling=WORDS[language].get(f"handling_{treated['handling']}", treated["handling"]),
        all=number(treated["average_precision"], language),
        without=number(treated["average_precision_without"], language),
    )  # fmt: skip


def _limits(content: Content, language: Language) -> Section:
    words = WORDS[language]
    said = [words["cause"], *(words[f"limit_{place}"] for place in range(1, 5))]
    return Section("limits", words["limits"], (*said, *(told(content, "notes", language) or ())))


def _digests(content: Content, facts: CardFacts, language: Language) -> Section:
    words = WORDS[language]
    digests = {**facts.digests, "study": content["study_digest"]}
    rows = tuple((words[f"d_{name}"], Cell(value, code=True)) for name, value in digests.items())
    return Section("digests", words["digests"], facts=rows)
