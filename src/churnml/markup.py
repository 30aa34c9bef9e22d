"""What objects look like in a notebook: small escaped HTML that takes its colours from the page.

Nothing here knows what it shows, so that every object can say how it is displayed without
importing the reports above it. Colours are those of the text around (``currentColor``), one accent
apart that is legible on white and on black.
"""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

#: Stands out from white and from JupyterLab's dark background alike (3 to 1 and more).
ACCENT: Final = "#c4613a"
NOTHING: Final = "–"

_STYLE: Final = """<style>
.churnml-card{max-width:72rem;overflow-x:auto;font-variant-numeric:tabular-nums;line-height:1.4}
.churnml-card>p{margin:.1em 0 .5em;overflow-wrap:anywhere}
.churnml-card small,.churnml-card caption{opacity:.75}
.churnml-card table{border-collapse:collapse;margin:.2em 0 .6em}
.churnml-card caption{text-align:left;font-size:90%}
.churnml-card th,.churnml-card td{text-align:left;vertical-align:baseline;
padding:.15em .9em .15em 0;overflow-wrap:break-word;max-width:34em}
.churnml-card th{font-weight:600;vertical-align:bottom}
.churnml-card td.n,.churnml-card th.n{text-align:right}
.churnml-card td.n{white-space:nowrap}
.churnml-card th.n{max-width:8em}
.churnml-card svg{vertical-align:middle;max-width:100%}
.churnml-card summary{cursor:pointer}
</style>"""


class Html(str):
    """Markup; whatever is no ``Html`` is text and is escaped when it is shown."""

    __slots__ = ()


#: A part that is left out.
EMPTY: Final = Html("")


def text(value: Any) -> Html:
    """A value as markup: text is escaped, unknown is a dash, numbers are rounded for reading.

    Examples
    --------
    >>> text("<b>"), text(None), text(0.12345), text(12345), text(True)
    ('&lt;b&gt;', '–', '0.123', '12,345', 'yes')
    """
    return value if isinstance(value, Html) else Html(html.escape(_said(value)))


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or str(value) in {"nan", "NaT", "<NA>"}:
        return NOTHING
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return number(value)
    return _moment(value) if hasattr(value, "isoformat") else str(value)


def _moment(value: Any) -> str:
    """A date, with the time of day where it is not midnight."""
    spoken = str(value.isoformat(sep=" ", timespec="minutes")) if hasattr(value, "hour") else ""
    return spoken.removesuffix(" 00:00") or str(value.isoformat())


def date(value: Any) -> str:
    """The day of a time; without one a dash."""
    return NOTHING if str(value) in {"None", "NaT"} else str(value)[:10]


def number(value: float | None, digits: int = 3) -> str:
    """A number for reading; without a value a dash.

    Examples
    --------
    >>> number(0.0004), number(1234.5), number(float("nan")), number(-0.5)
    ('0.0004', '1,234.5', '–', '−0.5')
    """
    if value is None or not math.isfinite(value):
        return NOTHING
    shown = f"{abs(value):,.{digits}f}" if abs(value) >= 10**-digits else f"{abs(value):.1g}"
    shown = shown.rstrip("0").rstrip(".") if "." in shown and "e" not in shown else shown
    return f"−{shown}" if value < 0 and shown != "0" else shown or "0"


def card(title: str, *parts: Html, said: str = "") -> str:
    """The display of one object: its title, a sentence, and parts below each other."""
    sentence = f"<p>{text(said)}</p>" if said else ""
    return (
        f'{_STYLE}<div class="churnml-card"><p><strong>{text(title)}</strong></p>'
        f"{sentence}{''.join(parts)}</div>"
    )


def paragraph(content: str) -> Html:
    """One paragraph of text."""
    return Html(f"<p>{text(content)}</p>")


def table(
    rows: Iterable[Sequence[Any]],
    *,
    head: Sequence[str] = (),
    caption: str = "",
    right: int = 1000,
) -> Html:
    """Rows of values or markup; columns from ``right`` on are aligned as numbers.

    Parameters
    ----------
    rows : iterable of sequences
        Cells: text, numbers or markup.
    head : sequence of str
    caption : str
    right : int
        Place of the first column of numbers.
    """
    named = f"<caption>{text(caption)}</caption>" if caption else ""
    top = f"<thead>{_row(head, 'th', right)}</thead>" if head else ""
    body = "".join(_row(row, "td", right) for row in rows)
    return Html(f"<table>{named}{top}<tbody>{body}</tbody></table>")


def _row(cells: Sequence[Any], tag: str, right: int) -> str:
    shown = [_cell(cell, tag, numeric=place >= right) for place, cell in enumerate(cells)]
    return f"<tr>{''.join(shown)}</tr>"


def _cell(cell: Any, tag: str, *, numeric: bool) -> str:
    place = ' class="n"' if numeric else ""
    return f"<{tag}{place}>{text(cell)}</{tag}>"


def facts(values: Mapping[str, Any], *, caption: str = "") -> Html:
    """Names and values, one a line."""
    return table(list(values.items()), caption=caption)


def folded(summary: str, *parts: Html) -> Html:
    """Parts that open on a click; without any there is nothing to open."""
    if not any(parts):
        return EMPTY
    return Html(f"<details><summary>{text(summary)}</summary>{''.join(parts)}</details>")


def listed(sentences: Sequence[str]) -> Html:
    """Sentences as a list; none is nothing."""
    items = "".join(f"<li>{text(sentence)}</li>" for sentence in sentences)
    return Html(f"<ul>{items}</ul>" if items else "")


def bar(value: float, *, most: float, width: int = 180) -> Html:
    """A bar from the middle: to the right in the accent where positive, to the left where not."""
    half = width / 2
    length = 0.0 if most <= 0 else min(1.0, abs(value) / most) * half
    left = half if value >= 0 else half - length
    fill = f'fill="{ACCENT}"' if value >= 0 else 'fill="currentColor" opacity="0.45"'
    return _svg(
        width,
        14,
        f'<rect x="{left:.1f}" y="2" width="{length:.1f}" height="10" {fill}/>'
        f'<path d="M{half:.1f} 0V14" stroke="currentColor" opacity="0.5"/>',
        label=number(value, 2),
    )


def strip(pieces: Sequence[tuple[float, float, str]], *, label: str, width: int = 460) -> Html:
    """Stretches of time side by side on one axis from 0 to 1.

    Parameters
    ----------
    pieces : sequence of (start, end, kind)
        ``kind`` is "solid" (accent), "soft" (text colour, light) or "open" (dashed outline).
    label : str
        What it shows, for who cannot see it.
    """
    drawn = "".join(_piece(*piece, width=width) for piece in pieces)
    axis = f'<path d="M0 9H{width}" stroke="currentColor" opacity="0.25"/>'
    return _svg(width, 18, axis + drawn, label=label)


_KINDS: Final = {
    "solid": f'fill="{ACCENT}"',
    "soft": 'fill="currentColor" opacity="0.4"',
    "open": 'fill="none" stroke="currentColor" stroke-dasharray="3 2" opacity="0.7"',
}


def _piece(start: float, end: float, kind: str, *, width: int) -> str:
    left, right = (min(1.0, max(0.0, each)) * width for each in (start, end))
    return (
        f'<rect x="{left:.1f}" y="3.5" width="{max(1.0, right - left):.1f}" height="11" '
        f"{_KINDS[kind]}/>"
    )


def _svg(width: float, height: float, content: str, *, label: str) -> Html:
    return Html(
        f'<svg role="img" aria-label="{text(label)}" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}">{content}</svg>'
    )
