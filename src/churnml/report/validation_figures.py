"""Figures of what an honest validation found: late data, history, look-back, labels, splits."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from churnml.errors import InputError
from churnml.report.canvas import (
    FURTHER,
    INK,
    MODEL,
    QUIET,
    RULE,
    Language,
    Stroke,
    legend,
    line,
    panel,
    percent,
    sheet,
)
from churnml.report.validation_captions import CAPTIONS

AVERAGE_PRECISION = "average_precision"


def late_arrivals_figure(
    table: pd.DataFrame, *, figure: str = AVERAGE_PRECISION, language: Language = "en"
) -> Figure:
    """One figure by the days that data arrive late, for both ways of training.

    Parameters
    ----------
    table : DataFrame
        As ``late_arrivals`` returns it.
    figure : str
        Which figure is drawn, a value of the column ``figure``.
    language : {"en", "ru"}

    Examples
    --------
    >>> table = pd.DataFrame({
    ...     "delay_days": [7, 0], "training": "as late", "figure": "average_precision",
    ...     "value": [0.15, 0.20],
    ...     "low": [0.10, 0.15], "high": [0.20, 0.25], "difference": [-0.05, 0.0],
    ... })
    >>> figure = ch.late_arrivals_figure(table)
    >>> figure.savefig("late_arrivals.png")
    """
    words, lines = CAPTIONS[language], _of(table, figure)
    worst = lines[lines["training"] == "as late"].iloc[-1]
    title = words["arrivals"].format(
        days=worst["delay_days"], figure=_inside(figure, language), change=_change(worst)
    )
    sheet_, axes = _page(title, words["band"], words["delay"], _name(figure, language), language)
    for training, stroke, shift in (("as late", MODEL, -0.04), ("on time", RULE, 0.04)):
        part = lines[lines["training"] == training]
        x = part["delay_days"].to_numpy(dtype=float) + shift
        _points(axes, x, part, stroke, words[training])
    axes.set_xticks(sorted(lines["delay_days"].unique()))
    return _finished(sheet_, axes)


def learning_curve_figure(
    table: pd.DataFrame, *, figure: str = AVERAGE_PRECISION, language: Language = "en"
) -> Figure:
    """One figure by the weeks of history that train.

    Parameters are those of ``late_arrivals_figure``; the table is that of ``learning_curve``.

    Examples
    --------
    >>> table = pd.DataFrame({
    ...     "weeks": [8, 26], "figure": "average_precision", "value": [0.15, 0.20],
    ...     "low": [0.10, 0.15], "high": [0.20, 0.25], "difference": [-0.05, 0.0],
    ... })
    >>> figure = ch.learning_curve_figure(table)
    >>> figure.savefig("learning_curve.png")
    """
    words, lines = CAPTIONS[language], _of(table, figure)
    shortest, longest = lines.iloc[0], lines.iloc[-1]
    title = words["history"].format(
        weeks=shortest["weeks"], figure=_name(figure, language), value=_number(shortest["value"]),
        whole=longest["weeks"], all=_number(longest["value"]),
    )  # fmt: skip
    sheet_, axes = _page(title, words["band"], words["weeks"], _name(figure, language), language)
    _points(axes, lines["weeks"].to_numpy(dtype=float), lines, MODEL, None)
    axes.set_xticks(lines["weeks"])
    return _finished(sheet_, axes)


def window_sufficiency_figure(
    table: pd.DataFrame, *, figure: str = AVERAGE_PRECISION, language: Language = "en"
) -> Figure:
    """One figure by the longest window that features have, with and without those that have none.

    Parameters are those of ``late_arrivals_figure``; the table is that of ``window_sufficiency``.

    Examples
    --------
    >>> table = pd.DataFrame({
    ...     "weeks": [4.0, float("inf")], "since_ever": True, "figure": "average_precision",
    ...     "value": [0.15, 0.20],
    ...     "low": [0.10, 0.15], "high": [0.20, 0.25], "difference": [-0.05, 0.0],
    ... })
    >>> figure = ch.window_sufficiency_figure(table)
    >>> figure.savefig("window_sufficiency.png")
    """
    words, lines = CAPTIONS[language], _of(table, figure)
    kept = lines[lines["since_ever"]]
    bounded = kept[np.isfinite(kept["weeks"])].iloc[-1]
    share = bounded["value"] / kept["value"].iloc[-1]
    title = words["windows"].format(weeks=f"{bounded['weeks']:.0f}", share=percent(share, language))
    subtitle = f"{_name(figure, language)} · {words['band']}"
    sheet_, axes = _page(title, subtitle, words["lookback"], _name(figure, language), language)
    bounds = sorted(lines["weeks"].unique())
    for ever, stroke, name in ((True, MODEL, "with_ever"), (False, RULE, "windowed")):
        part = lines[lines["since_ever"] == ever]
        x = np.array([bounds.index(weeks) for weeks in part["weeks"]]) + (-0.04 if ever else 0.04)
        _points(axes, x, part, stroke, words[name])
    axes.set_xticks(
        range(len(bounds)), [words["any"] if math.isinf(w) else f"{w:.0f}" for w in bounds]
    )
    return _finished(sheet_, axes)


def label_sensitivity_figure(
    table: pd.DataFrame, *, figure: str = "lift_at_10pct", language: Language = "en"
) -> Figure:
    """One figure, the base rate and the agreement of the scores by the definition of leaving.

    Parameters are those of ``late_arrivals_figure``; the table is that of ``label_sensitivity``.
    Lift by default: average precision rises with the base rate alone.

    Examples
    --------
    >>> table = pd.DataFrame({
    ...     "varied": "lead_days", "days": [14, 21], "default": [False, True],
    ...     "base_rate": [0.02, 0.02], "figure": "lift_at_10pct", "value": [5.5, 5.0],
    ...     "low": [5.0, 4.5], "high": [6.0, 5.5], "difference": [0.5, 0.0],
    ... })
    >>> ch.label_sensitivity_figure(table).savefig("label_sensitivity.png")
    """
    words, lines = CAPTIONS[language], _of(table, figure)
    varied = list(lines["varied"].unique())
    title = words["labels"].format(figure=_name(figure, language))
    drawn = sheet(title, words["labels_sub"], size=(9.2, 4.8))
    panels = np.atleast_1d(drawn.subplots(1, len(varied), sharey=True))
    for number, (axes, name) in enumerate(zip(panels, varied, strict=True)):
        part = lines[lines["varied"] == name]
        label = _name(figure, language) if number == 0 else ""
        _definitions(
            panel(axes, x_label=words[name], y_label=label, language=language), part, language
        )
    panels[0].set_ylim(bottom=0, top=1.12 * float(lines["high"].max()))
    return drawn


def _definitions(axes: Axes, part: pd.DataFrame, language: Language) -> None:
    places = np.arange(len(part))
    axes.vlines(places, part["low"], part["high"], color=QUIET, linewidth=1.3)
    for own, face in ((True, MODEL.colour), (False, "white")):
        here = part["default"].to_numpy() == own
        axes.plot(
            places[here], part["value"][here], linestyle="none", marker="o", markersize=7,
            markeredgecolor=MODEL.colour, markerfacecolor=face, zorder=3,
        )  # fmt: skip
    labels = [
        f"{days}\n{percent(rate, language, digits=1)}"
        for days, rate in zip(part["days"], part["base_rate"], strict=True)
    ]
    axes.set_xticks(places, labels, fontsize=8)
    axes.set_xlim(-0.6, len(part) - 0.4)


def split_gap_figure(
    table: pd.DataFrame, *, figure: str = AVERAGE_PRECISION, language: Language = "en"
) -> Figure:
    """What each way of splitting says about the same rows, and how far it is from forward.

    Parameters are those of ``late_arrivals_figure``; the table is that of ``split_gap``.

    Examples
    --------
    >>> table = pd.DataFrame({
    ...     "split": ["forward", "forward_unpurged", "random_customers", "random_rows"],
    ...     "figure": "average_precision", "value": [0.20, 0.19, 0.25, 0.31],
    ...     "low": [0.15, 0.14, 0.20, 0.26], "high": [0.25, 0.24, 0.30, 0.36],
    ...     "difference": [0.0, -0.01, 0.05, 0.11],
    ... })
    >>> ch.split_gap_figure(table).savefig("split_gap.png")
    """
    words, lines = CAPTIONS[language], _of(table, figure)
    widest = lines.iloc[-1]
    title = words["splits"].format(change=_change(widest), figure=_inside(figure, language))
    drawn = sheet(title, words["band"], size=(8.0, 3.6))
    axes = panel(drawn.subplots(), x_label=_name(figure, language), y_label="", language=language)
    places = np.arange(len(lines))
    axes.hlines(places, lines["low"], lines["high"], color=QUIET, linewidth=1.4)
    strokes = (MODEL, RULE, *FURTHER)
    for place, (_, row) in zip(places, lines.iterrows(), strict=True):
        stroke = strokes[place]
        axes.plot(row["value"], place, marker=stroke.marker, color=stroke.colour, markersize=8)
        text = _number(row["value"])
        if place > 0:
            text = words["from_forward"].format(value=text, change=_change(row))
        axes.annotate(
            text, (row["high"], place), xytext=(7, 0), textcoords="offset points", va="center",
            fontsize=9, color=INK,
        )  # fmt: skip
    axes.axvline(lines["value"].iloc[0], color=MODEL.colour, linewidth=1, linestyle=":")
    axes.set_yticks(places, [words[str(name)] for name in lines["split"]])
    axes.set_ylim(len(lines) - 0.5, -0.5)
    axes.set_xlim(left=0, right=1.3 * float(lines["high"].max()))
    return drawn


def _of(table: pd.DataFrame, figure: str) -> pd.DataFrame:
    lines = table[table["figure"] == figure]
    if lines.empty:
        known = ", ".join(sorted(table["figure"].unique()))
        raise InputError(f"There is no figure '{figure}' in the table; it has {known or 'none'}.")
    return lines


def _name(figure: str, language: Language) -> str:
    return CAPTIONS[language].get(figure, figure.replace("_", " "))


def _inside(figure: str, language: Language) -> str:
    """The name as it stands inside a sentence."""
    name = _name(figure, language)
    return name if name.isupper() or name.startswith("ROC") else name[:1].lower() + name[1:]


def _number(value: float) -> str:
    return f"{value:.2f}" if abs(value) >= 1 else f"{value:.3f}"


def _change(row: pd.Series) -> str:
    """The difference with its sign and a true minus."""
    return f"{row['difference']:+.3f}".replace("-", "\u2212")


def _page(
    title: str, subtitle: str, x_label: str, y_label: str, language: Language
) -> tuple[Figure, Axes]:
    drawn = sheet(title, subtitle)
    return drawn, panel(drawn.subplots(), x_label=x_label, y_label=y_label, language=language)


def _points(
    axes: Axes, x: np.ndarray, part: pd.DataFrame, stroke: Stroke, name: str | None
) -> None:
    """A line through the values with their intervals as bars."""
    axes.vlines(x, part["low"], part["high"], color=stroke.colour, linewidth=1.2, alpha=0.7)
    line(axes, x, part["value"].to_numpy(dtype=float), stroke)
    if name is not None:
        axes.lines[-1].set_label(name)


def _finished(drawn: Figure, axes: Axes) -> Figure:
    axes.set_ylim(bottom=0, top=max(axes.get_ylim()[1], 1e-6))
    if axes.get_legend_handles_labels()[0]:
        legend(axes, where="lower left")
    return drawn
