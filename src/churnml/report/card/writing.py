"""The model card as self-contained HTML and as Markdown, in English and Russian."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from churnml.report.canvas import Language
from churnml.report.card.facts import CardFacts
from churnml.report.card.headline import headline
from churnml.report.card.said import Content, day
from churnml.report.card.sections import sections
from churnml.report.card.words import WORDS
from churnml.report.page import Cell, drawn, plain_environment, render, write_page

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAME = "model_card"
_HERE = Path(__file__).parent

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
            write_page(path, text)
            files.append(path)
    return WrittenCard(files[0], tuple(files))


def card_html(
    content: Content, facts: CardFacts, *, figures: Figures, language: Language = "en"
) -> str:
    """One HTML page that asks for nothing from outside; every text in it is escaped.

    The figures are drawn into it and are changed by that.
    """
    filled = _filled(content, facts, language)
    return render(
        _HERE / "card.html.j2",
        language=language,
        contents=[(one.key, one.title) for one in filled["sections"]],
        drawings={name: drawn(figure, key=name) for name, figure in figures.items()},
        **filled,
    )


def card_markdown(content: Content, facts: CardFacts, *, language: Language = "en") -> str:
    """The card as Markdown, without figures; their numbers stand in its tables."""
    environment = plain_environment(_HERE)
    environment.filters["plain"] = _plain
    return environment.get_template("card.md.j2").render(**_filled(content, facts, language))


def _filled(content: Content, facts: CardFacts, language: Language) -> dict[str, Any]:
    words = WORDS[language]
    return {
        "words": words,
        "title": words["title"].format(dataset=content["dataset"]),
        "subtitle": words["subtitle"].format(
            digest=facts.digests["model"], until=day(facts.fit["data_until"], language)
        ),
        "promoted": content["promoted"],
        "headline": headline(content, language=language),
        "sections": sections(content, facts, language=language),
    }


def _plain(text: Cell | str) -> str:
    """One line of Markdown in which a value can be neither markup nor the end of a cell."""
    said = f"{text.text} {text.note}" if isinstance(text, Cell) else str(text)
    line = " ".join(said.split())
    for mark in ("\\", "|", "`", "*", "_", "[", "]", "#"):
        line = line.replace(mark, f"\\{mark}")
    return line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
