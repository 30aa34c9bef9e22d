"""Ways of fitting side by side: how well each ranks, and how far its probabilities are off."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from churnml.errors import InputError
from churnml.report.canvas import INK, MODEL, QUIET, RULE, Language, panel, sheet
from churnml.report.validation_captions import CAPTIONS

SHOWN = ("average_precision", "ece")


def fittings_figure(
    table: pd.DataFrame, *, figures: Sequence[str] = SHOWN, language: Language = "en"
) -> Figure:
    """A panel for each figure, a row for each way of fitting; the first is the reference.

    Parameters
    ----------
    table : DataFrame
        As ``compare_fittings`` or ``compare_features`` returns it.
    figures : sequence of str
        Values of the column ``figure``; the title is about the first.
    language : {"en", "ru"}

    Raises
    ------
    InputError
        If the table lacks one of the figures.

    Examples
    --------
    >>> table = pd.DataFrame({
    ...     "tried": ["recipe", "SMOTE"], "figure": "average_precision", "value": [0.23, 0.21],
    ...     "low": [0.19, 0.17], "high": [0.28, 0.26], "difference": [0.0, -0.02],
    ...     "difference_low": [0.0, -0.05], "difference_high": [0.0, 0.01],
    ... })
    >>> drawn = ch.fittings_figure(table, figures=["average_precision"])
    >>> drawn.savefig("fittings.png")
    """
    words = CAPTIONS[language]
    by_figure = {name: _of(table, name) for name in figures}
    names = list(by_figure[figures[0]].index)
    size = (9.2, 1.4 + 0.5 * len(names))
    title = _title(by_figure[figures[0]], figures[0], language)
    drawn = sheet(title, words["fittings_sub"].format(first=names[0]), size=size)
    panels = np.atleast_1d(drawn.subplots(1, len(figures), sharey=True))
    for axes, (name, lines) in zip(panels, by_figure.items(), strict=True):
        _rows(
            panel(
                axes, x_label=words.get(name, name.replace("_", " ")), y_label="", language=language
            ),
            lines,
        )
    panels[0].set_yticks(range(len(names)), names)
    panels[0].set_ylim(len(names) - 0.5, -0.5)
    return drawn


def _of(table: pd.DataFrame, figure: str) -> pd.DataFrame:
    lines = table[table["figure"] == figure].set_index("tried")
    if lines.empty:
        known = ", ".join(sorted(table["figure"].unique()))
        raise InputError(f"There is no figure '{figure}' in the table; it has {known or 'none'}.")
    return lines


def _title(lines: pd.DataFrame, figure: str, language: Language) -> str:
    words = CAPTIONS[language]
    said = {
        "figure": words.get(figure, figure.replace("_", " ")), "first": lines.index[0],
        "value": f"{lines['value'].iloc[0]:.3f}",
    }  # fmt: skip
    if len(lines) == 1:
        return words["fittings_alone"].format(**said)
    furthest = lines["difference"].abs().idxmax()
    change = f"{lines.loc[furthest, 'difference']:+.3f}".replace("-", "\u2212")
    return words["fittings"].format(**said, worst=furthest, change=change)


def _rows(axes: Axes, lines: pd.DataFrame) -> None:
    places = np.arange(len(lines))
    axes.hlines(places, lines["low"], lines["high"], color=QUIET, linewidth=1.4)
    for place, value, high in zip(places, lines["value"], lines["high"], strict=True):
        stroke = RULE if place else MODEL
        axes.plot(value, place, marker=stroke.marker, color=stroke.colour, markersize=7)
        axes.annotate(
            f"{value:.3f}", (high, place), xytext=(7, 0), textcoords="offset points",
            va="center", fontsize=8.5, color=INK,
        )  # fmt: skip
    axes.axvline(lines["value"].iloc[0], color=MODEL.colour, linewidth=1, linestyle=":")
    axes.set_xlim(left=0, right=1.2 * float(lines["high"].max()))
