"""The folds of a study on the calendar: what trains, what is purged, what is tested."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from churnml.model.examples import Examples
from churnml.report.canvas import INK, MODEL, QUIET, RULE, Language, panel, sheet, whole
from churnml.report.validation_captions import CAPTIONS
from churnml.splits import ForwardFolds

_HEIGHT = 0.62


@dataclass(frozen=True, slots=True)
class _Fill:
    """How one stretch is filled: told apart by hatching as well as by colour."""

    colour: str
    hatch: str
    edge: str


FILLS = {
    "older": _Fill("white", "", QUIET),
    "train": _Fill(MODEL.colour, "", MODEL.colour),
    "purge": _Fill("white", "////", QUIET),
    "test": _Fill(RULE.colour, "....", "white"),
}


def folds_figure(
    folds: ForwardFolds, rows: Examples | pd.DataFrame, *, language: Language = "en"
) -> Figure:
    """A bar of time for each fold with its train, purge and test.

    Parameters
    ----------
    folds : ForwardFolds
    rows : Examples, or DataFrame indexed by (customer_id, as_of)
        Of examples, the rows of the population.
    language : {"en", "ru"}

    Examples
    --------
    >>> ch.folds_figure(folds, examples).savefig("folds.png")
    """
    words = CAPTIONS[language]
    frame = rows.features[rows.population.to_numpy()] if isinstance(rows, Examples) else rows
    summary = folds.summary(frame)
    first = frame.index.get_level_values("as_of").min()
    purged = summary["purged_days"].min()
    title = words["folds"].format(days="–" if pd.isna(purged) else f"{purged:.0f}")
    subtitle = words["folds_sub"].format(
        closing=folds.window.closing_days, lead=folds.window.lead_days, end=folds.window.end_days,
        delay=folds.window.delay_days,
    )  # fmt: skip
    figure = sheet(title, subtitle, size=(8.6, 2.0 + 0.55 * len(summary)))
    axes = panel(
        figure.subplots(), x_label=words["as_of"], y_label=words["fold"], language=language
    )
    shown = {
        name
        for number, fold in summary.iterrows()
        for name in _bar(axes, number, fold, first, language)
    }
    locator = AutoDateLocator(minticks=4, maxticks=10)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    axes.set_yticks(list(summary.index))
    axes.set_ylim(len(summary) + 0.6, 0.4)
    axes.grid(visible=False, axis="y")
    _legend(figure, [name for name in FILLS if name in shown], language)
    return figure


def _bar(
    axes: Axes, number: int, fold: pd.Series, first: pd.Timestamp, language: Language
) -> list[str]:
    """Draw the stretches of one fold; the names of those that are there."""
    train_from, last = fold["train_from"], fold["train_last"]
    started = first if pd.isna(train_from) else train_from
    closed = first if pd.isna(last) else last
    stretches = {
        "older": (first, started, fold["older_rows"]),
        "train": (started, closed, fold["train_rows"]),
        "purge": (closed, fold["test_from"], fold["purged_rows"]),
        "test": (fold["test_from"], fold["test_until"], fold["test_rows"]),
    }
    there = {name: part for name, part in stretches.items() if part[1] > part[0] and part[2] > 0}
    for name, (start, end, rows) in there.items():
        _stretch(
            axes, number, FILLS[name], date2num(start), date2num(end), whole(int(rows), language)
        )
    return list(there)


def _stretch(axes: Axes, number: int, fill: _Fill, start: float, end: float, text: str) -> None:
    axes.barh(
        number, end - start, left=start, height=_HEIGHT, color=fill.colour, hatch=fill.hatch,
        edgecolor=fill.edge, linewidth=0.8, zorder=2,
    )  # fmt: skip
    axes.annotate(
        text, ((start + end) / 2, number), ha="center", va="center", fontsize=8, color=INK,
        bbox={"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none"}, zorder=4,
    )  # fmt: skip


def _legend(figure: Figure, names: list[str], language: Language) -> None:
    handles = [
        Patch(
            facecolor=FILLS[name].colour, hatch=FILLS[name].hatch, edgecolor=FILLS[name].edge,
            label=CAPTIONS[language][name],
        )
        for name in names
    ]  # fmt: skip
    figure.legend(
        handles=handles, loc="outside lower center", ncols=len(handles), frameon=False,
        fontsize=9.2, labelcolor=INK, handlelength=2.6, handleheight=1.2,
    )  # fmt: skip
