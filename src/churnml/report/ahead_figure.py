"""The figure of the weeks ahead: what was said of each week, and what came."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from churnml.errors import InputError
from churnml.report.canvas import MODEL, RULE, Language, legend, panel, percent, percent_axis, sheet
from churnml.report.captions import CAPTIONS


def weeks_ahead_figure(
    by_week: Mapping[str, Mapping[str, Any]], *, language: Language = "en"
) -> Figure:
    """Mean probability and share of exits of each week after the score, with 95% intervals.

    Parameters
    ----------
    by_week : mapping
        By week "1" … "8": ``predicted``, ``observed`` and ``interval``, as training measures them.
    language : {"en", "ru"}

    Raises
    ------
    InputError
        If no week has rows.
    """
    known = {week: one for week, one in by_week.items() if one["observed"] is not None}
    if not known:
        raise InputError("The figure of the weeks ahead needs a closed week; there is none.")
    words = CAPTIONS[language]
    weeks = np.array([float(week) for week in known])
    said = np.array([one["predicted"] for one in known.values()])
    came = np.array([one["observed"] for one in known.values()])
    bands = np.array([one["interval"] or (np.nan, np.nan) for one in known.values()])
    title = words["ahead"].format(
        said=percent(float(said.sum()), language, digits=1),
        came=percent(float(came.sum()), language, digits=1),
    )
    figure = sheet(title, words["ahead_sub"])
    axes = panel(
        figure.subplots(),
        x_label=words["ahead_week"],
        y_label=words["ahead_share"],
        language=language,
    )
    axes.plot(
        weeks, said, color=MODEL.colour, linestyle=MODEL.dash, linewidth=MODEL.width,
        marker=MODEL.marker, label=words["ahead_said"],
    )  # fmt: skip
    axes.errorbar(
        weeks, came, yerr=np.abs(bands.T - came), color=RULE.colour, marker=RULE.marker,
        linestyle="none", markersize=6, capsize=3, elinewidth=1.2, label=words["ahead_came"],
    )  # fmt: skip
    axes.set_xticks(weeks)
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_formatter(percent_axis(language))
    legend(axes, where="upper right")
    return figure
