"""Families of signals: how much each moves the scores, in all and as_of after as_of."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from churnml.errors import InputError
from churnml.report.attribution.words import WORDS
from churnml.report.canvas import (
    FURTHER,
    INK,
    MODEL,
    ORACLE,
    QUIET,
    RANDOM,
    RULE,
    Language,
    end_labels,
    line,
    panel,
    sheet,
)
from churnml.report.captions import family_name
from churnml.spoken import decimal

#: Lines a reader can follow; the other families are one line more.
MOST_LINES = 5
#: More marks on a line than this hide it; it keeps its dash and its name.
MOST_MARKS = 30
_STROKES = (MODEL, RULE, ORACLE, *FURTHER)
_LINE_INCHES = 0.40


def family_importance_figure(importance: pd.Series, *, language: Language = "en") -> Figure:
    """Bars of mean absolute contribution by family, the strongest on top.

    Parameters
    ----------
    importance : Series of float indexed by family
        As ``family_importance`` returns it.
    language : {"en", "ru"}

    Raises
    ------
    InputError
        If there is no family.

    Examples
    --------
    >>> importance = pd.Series({"usage": 0.97, "support": 0.32, "profile": 0.24})
    >>> ch.family_importance_figure(importance).savefig("families.png")
    """
    if importance.empty:
        raise InputError("The figure of families needs at least one family.")
    words = WORDS[language]
    rising = importance.sort_values(kind="stable")
    strongest = family_name(str(rising.index[-1]), language).capitalize()
    figure = sheet(
        words["families"].format(family=strongest),
        words["claim"].capitalize(),
        size=(7.6, 1.4 + _LINE_INCHES * len(rising)),
    )
    axes = panel(figure.subplots(), x_label=words["mean"], y_label="", language=language)
    _family_bars(axes, rising, language=language)
    return figure


def _family_bars(axes: Axes, rising: pd.Series, *, language: Language) -> None:
    """Bars with their numbers, the last on top."""
    names = [family_name(str(name), language) for name in rising.index]
    axes.barh(range(len(rising)), rising, color=MODEL.colour, height=0.62)
    axes.set_yticks(range(len(rising)), names)
    axes.grid(axis="y", visible=False)
    for place, value in enumerate(rising):
        axes.annotate(
            decimal(value, language, digits=2), (value, place), xytext=(4, 0),
            textcoords="offset points", va="center", fontsize=8.5, color=QUIET,
        )  # fmt: skip
    axes.set_xlim(0, 1.18 * float(rising.max()) or 1.0)


def importance_over_time_figure(over_time: pd.DataFrame, *, language: Language = "en") -> Figure:
    """Lines of mean absolute contribution by family over the as_ofs.

    Parameters
    ----------
    over_time : DataFrame of float, shape (n_as_ofs, n_families)
        As ``importance_over_time`` returns it, the strongest family first.
    language : {"en", "ru"}

    Raises
    ------
    InputError
        If there are fewer than two as_ofs.

    Examples
    --------
    >>> weeks = pd.date_range("2025-01-06", periods=3, freq="7D", name="as_of")
    >>> course = pd.DataFrame({"usage": [0.9, 1.0, 1.1], "support": [0.3, 0.3, 0.2]}, index=weeks)
    >>> ch.importance_over_time_figure(course).savefig("course.png")
    """
    if len(over_time) < 2:
        raise InputError(f"Importance over time needs two as_ofs or more; got {len(over_time)}.")
    words = WORDS[language]
    shown = over_time[over_time.columns[:MOST_LINES]]
    figure = sheet(
        _what_led(shown, language), words["over_time_sub"].format(claim=words["claim"]),
        size=(9.0, 4.8),
    )  # fmt: skip
    axes = panel(
        figure.subplots(), x_label=words["as_of"], y_label=words["mean"], language=language
    )
    days = over_time.index.to_numpy()
    few = len(days) <= MOST_MARKS
    ends = []
    for (name, values), stroke in zip(shown.items(), _STROKES, strict=False):
        line(axes, days, values.to_numpy(dtype=float), stroke, marked=few)
        ends.append((float(values.iloc[-1]), family_name(str(name), language), stroke))
    rest = over_time[over_time.columns[MOST_LINES:]]
    if len(rest.columns):
        together = rest.mean(axis=1)
        line(axes, days, together.to_numpy(dtype=float), RANDOM, marked=few)
        ends.append((float(together.iloc[-1]), words["rest"], RANDOM))
    axes.set_ylim(bottom=0)
    axes.tick_params(axis="x", labelcolor=INK, rotation=0)
    axes.set_xticks(days[np.unique(np.linspace(0, len(days) - 1, 6).round().astype(int))])
    axes.xaxis.set_major_formatter(_day)
    end_labels(axes, ends, gap=0.055)
    return figure


def _what_led(over_time: pd.DataFrame, language: Language) -> str:
    """The family that led in the first and in the last quarter of the as_ofs."""
    part = max(len(over_time) // 4, 1)
    first, last = (
        family_name(str(span.mean().idxmax()), language)
        for span in (over_time.iloc[:part], over_time.iloc[-part:])
    )
    words = WORDS[language]
    if first == last:
        return words["over_time_same"].format(last=last)
    return words["over_time"].format(first=first, last=last)


def _day(place: float, _: float) -> str:
    return f"{pd.Timestamp(place, unit='D'):%Y-%m-%d}"
