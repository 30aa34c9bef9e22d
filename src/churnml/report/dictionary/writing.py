"""The dictionary as one page that works offline, in English and Russian."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast, get_args

import pandas as pd

from churnml.alerting.naming import play_name
from churnml.features import Feature
from churnml.report.canvas import percent, whole
from churnml.report.captions import family_name
from churnml.report.dictionary.facts import Entry, entries
from churnml.report.page import Cell, Grid, Measure, render, write_page
from churnml.spoken import Language

NAME = "feature_dictionary"
_HERE = Path(__file__).parent
_TEXT = (_HERE / "words.toml").read_text(encoding="utf-8")
WORDS: dict[Language, dict[str, str]] = cast(Any, tomllib.loads(_TEXT))
_STRONGEST = 20
_NAMED = 3


def write_dictionary(
    folder: Path,
    features: Sequence[Feature],
    *,
    dataset: str,
    values: pd.DataFrame,
    strength: pd.Series,
) -> tuple[Path, ...]:
    """Write ``feature_dictionary.html`` and its Russian twin into a folder.

    Parameters
    ----------
    folder : Path
    features : sequence of Feature
    dataset : str
    values : DataFrame
        Computed features, whose known share is shown.
    strength : Series of float indexed by feature
        Mean absolute SHAP values.
    """
    paths = []
    for language in get_args(Language):
        text = dictionary_html(
            features, dataset=dataset, values=values, strength=strength, language=language
        )
        path = folder / f"{NAME}{'' if language == 'en' else f'.{language}'}.html"
        write_page(path, text)
        paths.append(path)
    return tuple(paths)


def dictionary_html(
    features: Sequence[Feature],
    *,
    dataset: str = "",
    values: pd.DataFrame | None = None,
    strength: pd.Series | None = None,
    language: Language = "en",
) -> str:
    """The page; without values or strength their columns are left out."""
    words = WORDS[language]
    found = entries(features, values=values, strength=strength, language=language)
    families = _families(found, language)
    rows = None if values is None else whole(len(values), language)
    return render(
        _HERE / "dictionary.html.j2",
        language=language,
        title=words["of"].format(dataset=dataset) if dataset else words["title"],
        statement=words["statement"].format(features=len(found), families=len(families.rows)),
        contents=[("families", words["families"]), ("all", words["all"])],
        words=words,
        measures_of=_measures(found, words, language),
        rows=rows,
        families=families,
        family_names={one.family: family_name(one.family, language) for one in found},
        entries=[_shown(one, words, language) for one in found],
        with_known=values is not None,
        with_share=strength is not None,
    )


def _measures(
    found: Sequence[Entry], words: Mapping[str, str], language: Language
) -> list[Measure]:
    tables = {table for one in found for table in one.tables}
    families = {one.family for one in found}
    told = [Measure(str(len(found)), words["m_features"], own=True),
            Measure(str(len(families)), words["m_families"]),
            Measure(str(len(tables)), words["m_tables"])]  # fmt: skip
    known = [one.known for one in found if one.known is not None]
    if known:
        mean = sum(known) / len(known)
        told.append(Measure(_percent(mean, language), words["m_known"], at=mean))
    if found and found[0].share is not None:
        top = sum(one.share or 0.0 for one in found[:_STRONGEST])
        told.append(Measure(_percent(top, language), words["m_top"], at=min(top, 1.0)))
    return told


def _families(found: Sequence[Entry], language: Language) -> Grid:
    """The families: how many signals, how much they are known and weigh, the strongest ones."""
    words = WORDS[language]
    parts: dict[str, list[Entry]] = {}
    for one in found:
        parts.setdefault(one.family, []).append(one)
    with_known = any(one.known is not None for one in found)
    with_share = any(one.share is not None for one in found)
    rows = []
    for family, members in sorted(
        parts.items(), key=lambda part: -sum(one.share or 0.0 for one in part[1])
    ):
        row: list[Cell | str] = [family_name(family, language), str(len(members))]
        if with_known:
            known = [one.known for one in members if one.known is not None]
            row.append(_percent(sum(known) / len(known), language) if known else "–")
        if with_share:
            row.append(_percent(sum(one.share or 0.0 for one in members), language))
            row.append("; ".join(one.title for one in members[:_NAMED]))
        rows.append(row)
    titles = [words["family"], words["signals"]]
    titles += [words["known"]] * with_known + [words["share"], words["strongest"]] * with_share
    return Grid.of(titles, rows)


def _shown(one: Entry, words: Mapping[str, str], language: Language) -> dict[str, Any]:
    """An entry with its words; the risk as a chip that has a shape."""
    tone, said = {1: ("up", "riskier"), -1: ("down", "safer"), 0: ("low", "open")}[one.risk]
    unit = "unit_share" if one.unit == "share" else one.unit
    return {
        "entry": one,
        "family": family_name(one.family, language),
        "unit": words.get(unit, one.unit),
        "tone": tone,
        "risk": words[said],
        "play": play_name(one.play, language),
        "known": None if one.known is None else _percent(one.known, language),
        "share": None if one.share is None else _percent(one.share, language, digits=1),
    }


def _percent(share: float, language: Language, *, digits: int = 0) -> str:
    return percent(share, language, digits=digits)
