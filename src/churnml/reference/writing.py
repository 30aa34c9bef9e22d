"""The reference as pages in one folder: commands, settings, figures, features, names in Python."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from churnml.features import catalogue
from churnml.reference.tables import (
    command_tables,
    description_table,
    figure_table,
    settings_table,
)
from churnml.report.dictionary import dictionary_html
from churnml.report.page import render, write_page
from churnml.sources.description import Description

_HERE: Final = Path(__file__).parent
_STYLE: Final = "td:first-child code{white-space:nowrap}"
_PAGES: Final = (
    ("commands.html", "Commands", "every command with its options and an example"),
    ("settings.html", "Settings", "every key of a study and of a dataset.toml"),
    ("figures.html", "Figures", "what a training measures, and how it is counted"),
    ("features.html", "Features", "every signal: definition, columns, direction, play"),
    ("churnml.html", "In Python", "every name of import churnml as ch, with an example"),
)


def write_reference(folder: Path) -> tuple[Path, ...]:
    """Write all pages but those of Python names; returns their paths, ``index.html`` first."""
    folder.mkdir(parents=True, exist_ok=True)
    commands = [
        (name.replace(" ", "-"), f"churnml {name}", *told)
        for name, told in command_tables().items()
    ]
    tables = {
        "settings.html": [
            ("study", "Study", "--config FILE", "", settings_table()),
            ("dataset", "dataset.toml", "--dataset FILE", "", description_table()),
        ],
        "figures.html": [("figures", "Figures", "metrics in --json", "", figure_table())],
        "commands.html": commands,
    }
    pages = {
        name: render(
            _HERE / "reference.html.j2", language="en", title=title, said=said,
            contents=[(key, head) for key, head, *_ in tables[name]], parts=tables[name], pages=(),
            extra_style=_STYLE,
        )
        for name, title, said in _PAGES
        if name in tables
    }  # fmt: skip
    pages["features.html"] = dictionary_html(catalogue(Description()))
    index = render(
        _HERE / "reference.html.j2", language="en", title="churnml: reference", contents=[],
        said="Made from the code by make docs.", parts=(), pages=_PAGES,
    )  # fmt: skip
    for name, text in {"index.html": index, **pages}.items():
        write_page(folder / name, text)
    return tuple(folder / name for name in ("index.html", *pages))
