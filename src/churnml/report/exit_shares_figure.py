"""Share that leaves, by the value that one signal had before."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from churnml.evaluation.shares import NOT_KNOWN
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
    whole,
)

_WORDS: dict[Language, dict[str, str]] = {
    "en": {
        "title": "{low} to {high} leave, by: {name}",
        "sub": "Snapshots with a known label, bands of about equal size · bars: 95% by customer",
        "share": "Share that leaves",
        "base": "all: {share}",
        "rows": "{rows} rows",
        "unknown": "not known",
    },
    "ru": {
        "title": "Уходят от {low} до {high}: {name}",
        "sub": "Группы примерно равного размера · отрезки: 95\u00a0% по клиентам",
        "share": "Доля ушедших",
        "base": "все: {share}",
        "rows": "строк: {rows}",
        "unknown": "неизвестно",
    },
}


def exit_shares_figure(table: pd.DataFrame, *, language: Language = "en") -> Figure:
    """How the share that leaves changes with the value of a signal.

    Parameters
    ----------
    table : DataFrame
        As ``exit_shares`` returns it.
    language : {"en", "ru"}

    Examples
    --------
    >>> table = ch.exit_shares(examples, "logins_28d", bands=3)
    >>> ch.exit_shares_figure(table).savefig("exit_shares.png")
    """
    words, name = _WORDS[language], table.attrs["title"][language]
    least, most = (
        percent(each, language, digits=1) for each in (table["share"].min(), table["share"].max())
    )
    drawn = sheet(
        words["title"].format(low=least, high=most, name=name[:1].lower() + name[1:]),
        words["sub"], size=(8.0, 3.9),
    )  # fmt: skip
    axes = panel(drawn.subplots(), x_label=name, y_label=words["share"], language=language)
    places, base = np.arange(len(table)), table.attrs["base_rate"]
    axes.axhline(base, color=RANDOM.colour, linestyle=RANDOM.dash, linewidth=1.5)
    axes.annotate(
        words["base"].format(share=percent(base, language, digits=1)), (1.0, base), color=QUIET,
        fontsize=9,
        xycoords=("axes fraction", "data"), xytext=(5, 0), textcoords="offset points", va="center",
    )  # fmt: skip
    errors = [table["share"] - table["low"], table["high"] - table["share"]]
    axes.errorbar(
        places, table["share"], yerr=errors, color=MODEL.colour, linestyle="none", marker="o",
        markersize=7, capsize=4, elinewidth=1.4, zorder=3,
    )  # fmt: skip
    for place, row in zip(places, table.itertuples(), strict=True):
        axes.annotate(
            percent(float(row.share), language, digits=1), (float(place), float(row.share)),
            xytext=(9, 0),
            textcoords="offset points", va="center", fontsize=9, color=INK,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8},
        )  # fmt: skip
    bands = [words["unknown"] if band == NOT_KNOWN else band for band in table["band"]]
    counts = [words["rows"].format(rows=whole(int(rows), language)) for rows in table["rows"]]
    axes.set_xticks(places, [f"{band}\n{rows}" for band, rows in zip(bands, counts, strict=True)])
    axes.set_xlim(-0.5, len(table) - 0.3)
    axes.set_ylim(0, 1.12 * float(table["high"].max()))
    axes.yaxis.set_major_formatter(percent_axis(language))
    return drawn
