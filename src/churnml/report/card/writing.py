"""The model card as self-contained HTML and as Markdown, in English and Russian."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from churnml.report.canvas import Language
from churnml.report.card.facts import CardFacts
from churnml.report.card.sections import Content, headline, sections
from churnml.report.card.words import WORDS

if TYPE_CHECKING:
    from jinja2 import Environment
    from matplotlib.figure import Figure

NAME = "model_card"
#: Sections whose cells are figures that must not break.
_SHORT = ("results", "lead_time", "slices")
_DPI = 110

Figures = Mapping[str, "Figure"]


@dataclass(frozen=True)
class WrittenCard:
    """Where the card lies: the page in English, and all its files."""

    page: Path
    files: tuple[Path, ...]


def write_model_card(
    folder: Path, content: Content, facts: CardFacts, *, figures: Mapping[Language, Figures]
) -> WrittenCard:
    """Write ``model_card.html`` and ``.md``, and both in Russian, into a folder.

    Parameters
    ----------
    folder : Path
    content : mapping
        The document of ``churnml train``.
    facts : CardFacts
    figures : mapping of language to mapping of str to Figure
        ``lead_time`` and ``calibration``, where they could be drawn.
    """
    files = []
    for language in get_args(Language):
        suffix = "" if language == "en" else f".{language}"
        for kind, text in (
            ("html", card_html(content, facts, figures=figures[language], language=language)),
            ("md", card_markdown(content, facts, language=language)),
        ):
            path = folder / f"{NAME}{suffix}.{kind}"
            aside = path.with_name(f".{path.name}.tmp")
            aside.write_text(text, encoding="utf-8")
            aside.replace(path)
            files.append(path)
    return WrittenCard(files[0], tuple(files))


def card_html(
    content: Content, facts: CardFacts, *, figures: Figures, language: Language = "en"
) -> str:
    """One HTML page that asks for nothing from outside; every text in it is escaped."""
    pictures = {name: _picture(figure) for name, figure in figures.items()}
    return (
        _templates(escape=True)
        .get_template("card.html.j2")
        .render(**_filled(content, facts, language), figures=pictures, short=_SHORT)
    )


def card_markdown(content: Content, facts: CardFacts, *, language: Language = "en") -> str:
    """The card as Markdown, without figures; their numbers stand in its tables."""
    page = _templates(escape=False).get_template("card.md.j2")
    return page.render(**_filled(content, facts, language))


def _filled(content: Content, facts: CardFacts, language: Language) -> dict[str, Any]:
    words = WORDS[language]
    return {
        "language": language,
        "title": words["title"].format(dataset=content["dataset"]),
        "subtitle": words["subtitle"].format(
            digest=facts.digests["model"], until=f"{facts.fit['data_until']:%Y-%m-%d}"
        ),
        "promoted": content["promoted"],
        "headline": headline(content, language=language),
        "sections": sections(content, facts, language=language),
    }


def _templates(*, escape: bool) -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    loader = FileSystemLoader(Path(__file__).parent)
    found = Environment(loader=loader, autoescape=escape, undefined=StrictUndefined)
    found.filters["plain"] = _plain
    return found


def _plain(text: object) -> str:
    """One line of Markdown in which a value can be neither markup nor the end of a cell."""
    line = " ".join(str(text).split())
    for mark in ("\\", "|", "`", "*", "_", "[", "]", "#"):
        line = line.replace(mark, f"\\{mark}")
    return line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _picture(figure: Figure) -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=_DPI, metadata={"Software": None})
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
