"""A template becomes one page that works offline: style and script inside, nothing from outside."""

from __future__ import annotations

import base64
import hashlib
import tomllib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from churnml.report.canvas import Language

if TYPE_CHECKING:
    from jinja2 import Environment

_HERE = Path(__file__).parent


def render(template: Path, *, language: Language, extra_style: str = "", **values: Any) -> str:
    """The page of a template that extends ``base.html.j2``; every value is escaped.

    The page forbids itself every request, and every script and style but its own, which are named
    by their hash: neither ``style`` nor ``on…`` attributes work in it. What must be placed by a
    number is drawn in SVG.

    Parameters
    ----------
    template : Path
        Its folder may hold further templates, which it can import by name.
    language : {"en", "ru"}
    extra_style : str
        Rules for what only this page has; colours are those of the page (``var(--ink)``).
    **values
        What the template shows. The words of the page itself are there as ``page``.
    """
    environment = _environment(template.parent, escape=True)
    style, script = _sources(_css_text(str(values.get("kicker") or values["title"])))
    style += extra_style
    return environment.get_template(template.name).render(
        values
        | {
            "language": language,
            "page": _words()[language],
            "style": style,
            "script": script,
            "policy": _policy(style, script),
        }
    )


def write_page(path: Path, text: str) -> None:
    """Write a page whole or not at all."""
    aside = path.with_name(f".{path.name}.tmp")
    aside.write_text(text, encoding="utf-8")
    aside.replace(path)


def plain_environment(folder: Path) -> Environment:
    """Templates of plain text, in which nothing is escaped; the caller's filters do that."""
    return _environment(folder, escape=False)


def _environment(folder: Path, *, escape: bool) -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader([folder, _HERE]),
        autoescape=escape,
        undefined=StrictUndefined,
        trim_blocks=escape,
        lstrip_blocks=escape,
    )


def _policy(style: str, script: str) -> str:
    return (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")


def _css_text(text: str) -> str:
    """A text as a string of CSS; what is no letter is written by its number and ends nothing."""
    return '"' + "".join(one if one.isalnum() else f"\\{ord(one):x} " for one in text) + '"'


def _sources(running: str) -> tuple[str, str]:
    """The style, whose dark colours stand in it once, and the script.

    Parameters
    ----------
    running : str
        What a printed page says at its top, as a string of CSS.
    """
    from jinja2 import Environment, StrictUndefined

    plain = Environment(undefined=StrictUndefined, autoescape=False)
    look = plain.from_string((_HERE / "page.css.j2").read_text(encoding="utf-8"))
    return look.render(running=running), (_HERE / "page.js").read_text(encoding="utf-8")


@cache
def _words() -> dict[str, dict[str, str]]:
    return tomllib.loads((_HERE / "words.toml").read_text(encoding="utf-8"))
