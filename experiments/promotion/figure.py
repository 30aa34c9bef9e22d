"""The figure of the experiment: how often each challenger is promoted, by customers compared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter

from churnml.report.canvas import end_labels, line, panel, percent, percent_axis, sheet, strokes

NAMES = {0.0: "model", 0.05: "5 % worse", 0.10: "10 % worse", 0.20: "20 % worse"}


def power_figure(results: Sequence[dict[str, Any]]) -> Figure:
    """Share promoted against customers in the compared weeks, one line for each challenger."""
    figure = sheet(
        "With enough customers an equal model passes, a worse one never",
        "Share of drawn comparisons that promote the challenger · margin 2 %, confidence 90 %",
    )
    axes = panel(
        figure.subplots(),
        x_label="Customers in the four compared weeks",
        y_label="Promoted",
        language="en",
    )
    axes.set_xscale("log")
    ends = []
    drawn = strokes(list(NAMES.values()))
    for loss, name in NAMES.items():
        rows = [one for one in results if one["loss"] == loss]
        x = np.array([one["customers"] for one in rows], dtype=float)
        y = np.array([one["promoted"] for one in rows], dtype=float)
        line(axes, x, y, drawn[name])
        ends.append((float(y[-1]), "equal" if loss == 0 else name, drawn[name]))
    equal = [one for one in results if one["loss"] == 0]
    for one in equal:
        axes.annotate(
            f"error {percent(one['relative_standard_error'], 'en', digits=1)}",
            (one["customers"], one["promoted"]), xytext=(0, 9), textcoords="offset points",
            ha="center", fontsize=8,
        )  # fmt: skip
    axes.set_ylim(0, 1.08)
    axes.xaxis.set_major_locator(FixedLocator([one["customers"] for one in equal]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.xaxis.set_minor_locator(FixedLocator([]))
    axes.yaxis.set_major_formatter(percent_axis("en"))
    end_labels(axes, ends, gap=0.06)
    return figure
