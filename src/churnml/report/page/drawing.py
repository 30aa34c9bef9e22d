"""A figure inside a page: SVG in the page's type and colours, in two widths, or a picture."""

from __future__ import annotations

import base64
import io
import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup
from matplotlib import rc_context
from matplotlib.layout_engine import ConstrainedLayoutEngine

from churnml.report import canvas

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: On a phone a figure is drawn anew so wide, that its words keep their size.
NARROW_INCHES = (4.3, 4.0)
#: What the names beside an axis leave of that width to its label.
_LABEL_INCHES = 3.0
_DPI = 144
_SVG = "{http://www.w3.org/2000/svg}"
_LINK = "{http://www.w3.org/1999/xlink}href"

#: What canvas.py draws with, and the colour of the page that it becomes in both themes.
_COLOURS = {
    canvas.INK: "ink",
    canvas.QUIET: "quiet",
    canvas.GRID: "line",
    "#ffffff": "paper",
    "#000000": "ink",
    canvas.MODEL.colour: "model",
    canvas.RULE.colour: "rule",
    canvas.ORACLE.colour: "oracle",
    canvas.FURTHER[0].colour: "third",
    canvas.FURTHER[1].colour: "fourth",
}
_FONT = re.compile(
    r"^(?:(?P<style>italic|oblique)\s+)?(?:(?P<weight>bold|\d+)\s+)?(?P<size>[\d.]+px)"
)
_REFERENCE = re.compile(r"url\(#([^)]+)\)")


@dataclass(frozen=True, slots=True)
class Drawing:
    """For the macro ``plot``: what a figure states, and its drawing in two widths or a picture."""

    title: str
    subtitle: str = ""
    wide: Markup | str = ""
    narrow: Markup | str = ""
    picture: str = ""


def drawn(figure: Figure, *, key: str, narrow: Figure | None = None) -> Drawing:
    """A figure of ``canvas`` as SVG; its heading becomes the caption of the page.

    The figures are changed: headings are taken out, and one ends in the narrow size.

    Parameters
    ----------
    figure : Figure
    key : str
        Unique in the page; the ids inside the SVG begin with it.
    narrow : Figure, optional
        What a phone shows where the figure has panels side by side; default: the figure itself.
    """
    title, subtitle = _heading(figure)
    label = title or key
    wide = _svg(figure, key=f"{key}-w", label=label)
    if narrow is None:
        narrow = figure
    else:
        _heading(narrow)
    narrow.set_size_inches(*NARROW_INCHES)
    for axes in narrow.axes:
        below = axes.xaxis.label
        below.set_text(canvas.broken(below.get_text(), below.get_fontproperties(), _LABEL_INCHES))
    return Drawing(title, subtitle, wide, _svg(narrow, key=f"{key}-n", label=label))


def picture(figure: Figure) -> Drawing:
    """A figure of many points or shades as PNG, on a light plate in both themes."""
    title, subtitle = _heading(figure)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=_DPI, metadata={"Software": None})
    code = base64.b64encode(buffer.getvalue()).decode("ascii")
    return Drawing(title, subtitle, picture=f"data:image/png;base64,{code}")


def _heading(figure: Figure) -> tuple[str, str]:
    """Takes the title and subtitle of ``canvas.sheet`` out and gives their room to the axes."""
    texts = [text.get_text() for text in figure.texts[:2]]
    for text in list(figure.texts[:2]):
        text.remove()
    layout = figure.get_layout_engine()
    if texts and isinstance(layout, ConstrainedLayoutEngine):
        layout.set(rect=(0.0, 0.0, 1.0, 1.0))
    title, subtitle = (*texts, "", "")[:2]
    return title.replace("\n", " "), subtitle.replace("\n", " · ")


def _svg(figure: Figure, *, key: str, label: str) -> Markup:
    figure.patch.set_visible(False)
    for axes in figure.axes:
        axes.patch.set_visible(False)
    buffer = io.StringIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": key}):
        figure.savefig(buffer, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format")))
    return Markup(_inlined(buffer.getvalue(), key=key, label=label))


def _inlined(text: str, *, key: str, label: str) -> str:
    """The ``svg`` element with ids of its own, classes for colours and no style of its own."""
    root = ET.fromstring(text)
    used = _used(root)
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in (f"{_SVG}metadata", f"{_SVG}style"):
                parent.remove(child)
    for element in root.iter():
        element.tag = element.tag.removeprefix(_SVG)
        _styled(element)
        _named(element, used=used, key=key)
    for name in ("width", "height", "version"):
        root.attrib.pop(name, None)
    root.attrib |= {"role": "img", "aria-label": label, "stroke-linejoin": "round"}
    return ET.tostring(root, encoding="unicode")


def _used(root: ET.Element) -> set[str]:
    found = set()
    for element in root.iter():
        found |= {value[1:] for name, value in element.items() if name == _LINK}
        found |= {id_ for value in element.attrib.values() for id_ in _REFERENCE.findall(value)}
    return found


def _named(element: ET.Element, *, used: set[str], key: str) -> None:
    """Keeps the ids that something refers to, made unique; the others are noise."""
    name = element.attrib.pop("id", None)
    if name in used:
        element.set("id", f"{key}-{name}")
    if _LINK in element.attrib:
        element.set("href", f"#{key}-{element.attrib.pop(_LINK)[1:]}")
    for attribute, value in element.items():
        element.set(attribute, _REFERENCE.sub(rf"url(#{key}-\1)", value))


def _styled(element: ET.Element) -> None:
    """Style declarations as attributes, which the page's policy allows, and colours as classes."""
    declared = (part.split(":", 1) for part in element.attrib.pop("style", "").split(";") if part)
    for name, value in ((name.strip(), value.strip()) for name, value in declared):
        if name == "font":
            font = _FONT.match(value)
            parts = font.groupdict() if font else {}
            element.attrib |= {f"font-{part}": found for part, found in parts.items() if found}
        else:
            element.set(name, value)
    classes = [
        f"{short}-{_COLOURS[element.get(name, '').lower()]}"
        for name, short in (("fill", "f"), ("stroke", "s"))
        if element.get(name, "").lower() in _COLOURS
    ]
    if element.tag == "text" and element.get("fill") is None:
        classes.append("f-ink")
    if classes:
        element.set("class", " ".join(classes))
