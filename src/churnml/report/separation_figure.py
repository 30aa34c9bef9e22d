"""How early each family of signals tells leavers from the others: one small panel for each."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from churnml.errors import InputError
from churnml.report.canvas import (
    BAND_ALPHA,
    GRID,
    INK,
    MODEL,
    QUIET,
    Language,
    line,
    panel,
    percent,
    percent_axis,
    sheet,
)
from churnml.report.captions import FAMILIES
from churnml.report.validation_captions import CAPTIONS

#: The promise: three to four weeks ahead; the title is about the later edge.
PROMISED_WEEKS = (3, 4)
_COLUMNS = 3
_CHANCE = 0.5
#: Nine panels in more dots would make a notebook heavy.
_DPI = 90


def family_separation_figure(table: pd.DataFrame, *, language: Language = "en") -> Figure:
    """A panel for each family, time running to the right: how well it tells, week by week.

    Parameters
    ----------
    table : DataFrame
        As ``family_separation`` returns it; the model of all families together is not drawn.
    language : {"en", "ru"}

    Raises
    ------
    InputError
        If no family has a week.

    Examples
    --------
    >>> table = pd.DataFrame({
    ...     "family": "usage", "signals": 3, "weeks": [3, 8], "value": [0.8, 0.6],
    ...     "low": [0.7, 0.5], "high": [0.9, 0.7], "exits": [40, 40],
    ... })
    >>> ch.family_separation_figure(table).savefig("separation.png")
    """
    lines = table[table["family"] != "together"]
    if lines.empty:
        raise InputError("The table has no family; make it with family_separation.")
    words, names = CAPTIONS[language], FAMILIES[language]
    promised = lines[
        lines["weeks"] == min(lines["weeks"], key=lambda w: abs(w - PROMISED_WEEKS[0]))
    ]
    best = promised.loc[promised["value"].idxmax()]
    title = words["separation"].format(
        week=best["weeks"], family=names.get(best["family"], best["family"]),
        value=percent(best["value"], language),
    )  # fmt: skip
    families = list(lines["family"].unique())
    rows = math.ceil(len(families) / _COLUMNS)
    drawn = sheet(title, words["separation_sub"], size=(9.4, 1.1 + 1.75 * rows))
    drawn.set_dpi(_DPI)
    panels = drawn.subplots(rows, _COLUMNS, sharex=True, sharey=True, squeeze=False).ravel()
    for number, (axes, family) in enumerate(zip(panels, families, strict=False)):
        _family(axes, lines, family, title=names.get(family, family))
        left, last = number % _COLUMNS == 0, number >= len(families) - _COLUMNS
        panel(
            axes, x_label=words["before_exit"] if last else "",
            y_label=words["outranked"] if left else "", language=language,
        )  # fmt: skip
        axes.tick_params(labelbottom=last)
    for axes in panels[len(families) :]:
        axes.remove()
    panels[0].set_xlim(max(lines["weeks"]) + 0.4, min(lines["weeks"]) - 0.4)
    panels[0].set_ylim(min(0.3, float(lines["value"].min())), 1.0)
    panels[0].yaxis.set_major_formatter(percent_axis(language))
    return drawn


def _family(axes: Axes, lines: pd.DataFrame, family: str, *, title: str) -> None:
    """One family in colour above the others in grey."""
    for _, other in lines[lines["family"] != family].groupby("family"):
        axes.plot(other["weeks"], other["value"], color=GRID, linewidth=1.0, zorder=1)
    own = lines[lines["family"] == family].sort_values("weeks")
    weeks = own["weeks"].to_numpy(dtype=float)
    axes.axvspan(*PROMISED_WEEKS, color=GRID, alpha=0.6, linewidth=0, zorder=0)
    axes.axhline(_CHANCE, color=QUIET, linewidth=0.8, linestyle=":")
    bounds = (own[name].to_numpy(dtype=float) for name in ("low", "high"))
    axes.fill_between(weeks, *bounds, color=MODEL.colour, alpha=BAND_ALPHA, linewidth=0)
    line(axes, weeks, own["value"].to_numpy(dtype=float), MODEL)
    axes.lines[-1].set_markersize(3.5)
    axes.set_title(title, fontsize=10, color=INK, loc="left", fontweight="bold")
    axes.set_xticks(np.arange(0, weeks.max() + 1, 3))
