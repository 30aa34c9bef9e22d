"""The look of every figure: paper, type, and lines that differ by colour, dash and marker."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.textpath import text_to_path
from matplotlib.ticker import FuncFormatter, ScalarFormatter

from churnml.alerting.queue import Floats
from churnml.spoken import Language as Language
from churnml.spoken import per_cent as per_cent
from churnml.spoken import percent as percent
from churnml.spoken import whole as whole

INK = "#1f2933"
QUIET = "#6b7780"
GRID = "#e3e7ea"
BAND_ALPHA = 0.14
_SCREEN_DPI = 100


@dataclass(frozen=True, slots=True)
class Stroke:
    """How one line is drawn. Colours are those of Okabe and Ito, told apart by the colour-blind."""

    colour: str
    dash: str | tuple[int, tuple[int, ...]]
    marker: str
    width: float


MODEL = Stroke("#0072b2", "-", "o", 2.4)
RULE = Stroke("#d55e00", (0, (6, 2)), "s", 1.7)
ORACLE = Stroke("#009e73", (0, (6, 2, 1, 2)), "D", 1.5)
RANDOM = Stroke("#6b7780", (0, (1, 2)), "x", 1.5)
FURTHER = (
    Stroke("#cc79a7", (0, (4, 1)), "^", 1.4),
    Stroke("#8a6d00", (0, (3, 1, 1, 1, 1, 1)), "v", 1.4),
)


def strokes(names: Sequence[str]) -> dict[str, Stroke]:
    """A stroke per name; ``model``, ``random`` and ``oracle`` have their own."""
    own = {"model": MODEL, "random": RANDOM, "oracle": ORACLE}
    others = [name for name in names if name not in own]
    rest = (RULE, *FURTHER)
    return {
        name: own[name] if name in own else rest[others.index(name) % len(rest)] for name in names
    }


class Sheet(Figure):
    """A figure that a notebook shows by itself, whether or not pyplot was ever imported."""

    def _repr_png_(self) -> bytes:
        from PIL import Image  # matplotlib's own writer of pictures

        drawn, small = io.BytesIO(), io.BytesIO()
        self.savefig(drawn, format="png", dpi=_SCREEN_DPI)
        # A notebook holds its pictures as text: 256 colours are a third as long and look the same.
        picture = Image.open(drawn).convert("RGB")
        picture.quantize(256, dither=Image.Dither.NONE).save(small, format="png", optimize=True)
        return small.getvalue()


def sheet(title: str, subtitle: str = "", *, size: tuple[float, float] = (8.0, 4.8)) -> Figure:
    """An empty figure with the statement it makes as its heading.

    A ``Figure`` of its own knows nothing of pyplot's global state and draws without a display.
    """
    width, height = size
    title = broken(title, FontProperties(size=12.5, weight="bold"), width)
    subtitle = broken(subtitle, FontProperties(size=9.2), width)
    lines = subtitle.count("\n") + 1 if subtitle else 0
    below = 0.38 + 0.21 * title.count("\n")
    top = 1 - (below + 0.04 + 0.20 * lines) / height
    room = ConstrainedLayoutEngine(rect=(0.01, 0.01, 0.98, top - 0.02))
    figure = Sheet(figsize=size, dpi=150, facecolor="white", layout=room)
    figure.text(
        0.015, 1 - 0.10 / height, title, fontsize=12.5, fontweight="bold", color=INK, va="top"
    )
    if subtitle:
        figure.text(
            0.015,
            1 - below / height,
            subtitle,
            fontsize=9.2,
            color=QUIET,
            va="top",
            linespacing=1.4,
        )
    return figure


def broken(text: str, font: FontProperties, width: float) -> str:
    """The text with a line break before each word that would run over a width in inches."""

    def fits(line: str) -> bool:
        points, _, _ = text_to_path.get_text_width_height_descent(line, font, ismath=False)
        return float(points) <= 72 * 0.97 * width

    lines: list[str] = []
    for line in text.splitlines():
        lines.append("")
        for word in line.split(" "):
            longer = f"{lines[-1]} {word}".lstrip()
            if lines[-1] and not fits(longer):
                lines.append(word)
            else:
                lines[-1] = longer
    return "\n".join(lines)


def panel(axes: Axes, *, x_label: str, y_label: str, language: Language) -> Axes:
    """Axes with quiet lines, a light grid, and the decimal sign of the language."""
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(_Ticks(language))
        axis.isDefault_majfmt = True  # days and names still bring their own
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(QUIET)
    axes.tick_params(colors=INK, labelsize=9, length=3, color=QUIET)
    axes.grid(color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.set_xlabel(x_label, fontsize=9.5, color=INK)
    axes.set_ylabel(y_label, fontsize=9.5, color=INK)
    return axes


class _Ticks(ScalarFormatter):
    """Numbers at the marks of an axis as the language writes them."""

    def __init__(self, language: Language) -> None:
        super().__init__()
        self._language = language

    def __call__(self, x: float, pos: int | None = None) -> str:
        text = super().__call__(x, pos)
        return text.replace(".", ",") if self._language == "ru" else text


def percent_axis(language: Language) -> FuncFormatter:
    """Ticks as whole or tenths of a per cent, as the value needs."""
    return FuncFormatter(lambda value, _: per_cent(f"{100 * value:.3g}", language))


def line(axes: Axes, x: Floats, y: Floats, stroke: Stroke, *, marked: bool = True) -> None:
    """One line in its stroke; gaps where a value is missing."""
    axes.plot(
        x,
        y,
        color=stroke.colour,
        linestyle=stroke.dash,
        linewidth=stroke.width,
        marker=stroke.marker if marked else None,
        markersize=5,
        markerfacecolor=stroke.colour if stroke is MODEL else "white",
        markeredgecolor=stroke.colour,
        clip_on=False,
        zorder=3,
    )


def legend(axes: Axes, *, where: str) -> None:
    """A frameless legend with lines long enough to show their dash."""
    axes.legend(frameon=False, fontsize=9.2, labelcolor=INK, handlelength=3.2, loc=where)


def end_labels(axes: Axes, ends: Sequence[tuple[float, str, Stroke]], *, gap: float) -> None:
    """Names at the right end of lines instead of a legend, moved apart where they would touch.

    Parameters
    ----------
    axes : Axes
    ends : sequence of (y, text, stroke)
    gap : float
        Least distance between two names, as a share of the height of the axes.
    """
    low, high = axes.get_ylim()
    places = spread([(y - low) / (high - low) for y, _, _ in ends], gap=gap)
    for place, (_, text, stroke) in zip(places, ends, strict=True):
        axes.annotate(
            text,
            (1.0, place),
            xycoords="axes fraction",
            xytext=(9, 0),
            textcoords="offset points",
            color=stroke.colour,
            fontsize=9.2,
            fontweight="bold" if stroke is MODEL else "normal",
            va="center",
            annotation_clip=False,
        )


def spread(places: Sequence[float], *, gap: float) -> list[float]:
    """The places, moved as little as needed so that no two are closer than the gap.

    Examples
    --------
    >>> spread([0.5, 0.5, 0.9], gap=0.1)
    [0.45, 0.55, 0.9]
    """
    order = np.argsort(places, kind="stable")
    groups = [[float(places[i])] for i in order]
    centres = [float(places[i]) for i in order]
    merged = True
    while merged:
        merged = False
        for at in range(len(groups) - 1):
            reach = gap * (len(groups[at]) + len(groups[at + 1])) / 2
            if centres[at + 1] - centres[at] < reach - 1e-12:
                groups[at : at + 2] = [groups[at] + groups[at + 1]]
                centres[at : at + 2] = [float(np.mean(groups[at]))]
                merged = True
                break
    moved = [
        centre + gap * (number - (len(group) - 1) / 2)
        for group, centre in zip(groups, centres, strict=True)
        for number in range(len(group))
    ]
    found = np.empty(len(places))
    found[order] = moved
    return [round(float(place), 10) for place in found]
