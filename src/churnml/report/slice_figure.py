"""Recall in time of every part of the customers, with chance beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from churnml.errors import InputError
from churnml.evaluation import Evaluation
from churnml.report.canvas import (
    INK,
    MODEL,
    QUIET,
    RANDOM,
    Language,
    panel,
    percent,
    percent_axis,
    sheet,
)
from churnml.report.captions import CAPTIONS
from churnml.report.slice_words import slice_name, slice_value

RECALL, CHANCE = "recall_at_lead_21d", "random_recall_at_lead_21d"
_LINE_INCHES = 0.27

_WORDS: dict[Language, dict[str, str]] = {
    "en": {
        "silent": "Caught in time: {silent} of silent leavers, {loud} of loud ones",
        "range": "Caught in time: {low} to {high} of the exits, by part of the customers",
        "subtitle": "One queue for all · caught: an alert 21 to 84 days before the exit · bars: "
        "95% by customer\nNumbers: exits · silent: no ticket and no exit survey in the last 28 "
        "days",
        "subtitle_short": "One queue for all · caught: an alert 21 to 84 days before the exit"
        " · bars: 95% by customer · numbers: exits",
        "axis": "Exits caught in time",
        "all": "all customers: {recall}",
    },
    "ru": {
        "silent": "Вовремя замечены: {silent} тихих уходов, {loud} громких",
        "range": "Вовремя замечены от {low} до {high} уходов, по группам клиентов",
        "subtitle": "Одна очередь на всех · вовремя: тревога за 21–84 дня до ухода · отрезки:"
        " 95\u00a0% по клиентам\nЧисла: уходы · тихий: за 28 дней"
        " ни обращения, ни прощального опроса",
        "subtitle_short": "Одна очередь на всех · вовремя: тревога за 21–84 дня до ухода"
        " · отрезки: 95\u00a0% по клиентам · числа: уходы",
        "axis": "Уходы, замеченные вовремя",
        "all": "все клиенты: {recall}",
    },
}  # fmt: skip


def recall_by_slice_figure(evaluation: Evaluation, *, language: Language = "en") -> Figure:
    """Recall at three weeks for each part of the customers that has enough exits.

    Parameters
    ----------
    evaluation : Evaluation
        Of the model, with slices.
    language : {"en", "ru"}

    Raises
    ------
    InputError
        If no slice has enough exits.
    """
    told = [one for one in evaluation.slices if one[RECALL] is not None]
    if not told:
        raise InputError(
            "No slice has a recall: there are no slices, or none has ten exits. The figure cannot "
            "be drawn."
        )
    words = _WORDS[language]
    lines = [(name, list(parts)) for name, parts in groupby(told, key=lambda one: one["slice"])]
    height = 1.8 + _LINE_INCHES * (len(told) + 1.2 * len(lines))
    short = "" if any(name == "leavers" for name, _ in lines) else "_short"
    figure = sheet(_title(told, language), words[f"subtitle{short}"], size=(8.0, height))
    axes = panel(figure.subplots(), x_label=words["axis"], y_label="", language=language)
    ticks = _places(lines)
    _dots(axes, told, [place for _, place in ticks], language)
    _names(axes, ticks, language)
    _everybody(axes, evaluation, language)
    axes.set(xlim=(0, 1), ylim=(max(place for _, place in ticks) + 0.8, -1.4))
    axes.xaxis.set_major_formatter(percent_axis(language))
    axes.legend(
        loc="lower left", bbox_to_anchor=(0, 1), ncols=3, frameon=False, fontsize=9.2,
        labelcolor=INK,
    )  # fmt: skip
    return figure


def _title(told: Sequence[Mapping[str, Any]], language: Language) -> str:
    words = _WORDS[language]
    by_value = {one["value"]: one[RECALL] for one in told if one["slice"] == "leavers"}
    if {"silent", "loud"} <= set(by_value):
        return words["silent"].format(
            **{name: percent(by_value[name], language) for name in by_value}
        )
    found = [one[RECALL] for one in told]
    return words["range"].format(
        low=percent(min(found), language), high=percent(max(found), language)
    )


def _places(
    lines: Sequence[tuple[str, Sequence[Mapping[str, Any]]]],
) -> list[tuple[Mapping[str, Any], float]]:
    """Heights of the parts from the top, with room between slices."""
    found, at = [], 0.0
    for _, parts in lines:
        found += [(part, at + place) for place, part in enumerate(parts)]
        at += len(parts) + 1.2
    return found


def _dots(
    axes: Axes, told: Sequence[Mapping[str, Any]], places: Sequence[float], language: Language
) -> None:
    names = CAPTIONS[language]
    recall = np.array([one[RECALL] for one in told])
    bands = [one["intervals"][RECALL] or (one[RECALL], one[RECALL]) for one in told]
    # A corrected interval may leave out the value itself; a bar cannot be negative.
    errors = np.array([[r - low, high - r] for r, (low, high) in zip(recall, bands, strict=True)])
    axes.errorbar(
        recall, places, xerr=errors.T.clip(min=0), linestyle="none", color=MODEL.colour, marker="o",
        markersize=6, capsize=3, elinewidth=1.4, zorder=3, clip_on=False, label=names["model"],
    )  # fmt: skip
    axes.plot(
        [one[CHANCE] for one in told], places, linestyle="none", color=RANDOM.colour,
        marker=RANDOM.marker, markersize=6, zorder=3, clip_on=False, label=names["random"],
    )  # fmt: skip


def _names(
    axes: Axes, ticks: Sequence[tuple[Mapping[str, Any], float]], language: Language
) -> None:
    """Values with their number of exits at the left; the name of the slice over the first."""
    texts = [f"{_value(part, language)}  ({part['n_exits']})" for part, _ in ticks]
    axes.set_yticks([place for _, place in ticks], texts)
    axes.grid(visible=False, axis="y")
    for number, (part, place) in enumerate(ticks):
        if number == 0 or ticks[number - 1][0]["slice"] != part["slice"]:
            axes.annotate(
                slice_name(part["slice"], language), (0, place - 0.85),
                xycoords=("axes fraction", "data"), xytext=(-6, 0), textcoords="offset points",
                ha="right", va="center", fontsize=9, fontweight="bold", color=INK,
                annotation_clip=False,
            )  # fmt: skip


def _value(part: Mapping[str, Any], language: Language) -> str:
    return slice_value(part["slice"], part["value"], language)


def _everybody(axes: Axes, evaluation: Evaluation, language: Language) -> None:
    """The recall over all exits as a line."""
    recall = evaluation.metrics[RECALL]
    if recall is not None:
        axes.axvline(
            recall, color=QUIET, linewidth=1, linestyle=(0, (2, 2)), zorder=1,
            label=_WORDS[language]["all"].format(recall=percent(recall, language)),
        )  # fmt: skip
