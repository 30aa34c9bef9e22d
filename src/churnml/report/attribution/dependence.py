"""Dependence: the contribution of one signal against its value in business units."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from churnml.alerting.queue import Floats
from churnml.errors import InputError
from churnml.explanation.attribution import check_contributions
from churnml.features import Feature
from churnml.report.attribution.words import WORDS, axis_title, titled
from churnml.report.canvas import MODEL, QUIET, RULE, Language, panel, sheet, whole

#: The axis ends at this quantile: one huge value must not press all others together.
SHOWN = 0.99
_BINS = 12
_FEWEST_IN_BIN = 10


def dependence_figure(
    contributions: pd.DataFrame,
    values: pd.DataFrame,
    *,
    feature: Feature,
    language: Language = "en",
) -> Figure:
    """Contribution of a feature over its value: dots, their median, unknown values beside.

    Parameters
    ----------
    contributions : DataFrame
        SHAP values as ``explain`` returns them.
    values : DataFrame indexed as the contributions
    feature : Feature
        A numeric feature; its unit stands on the axis.
    language : {"en", "ru"}

    Raises
    ------
    InputError
        If the feature is a category or has no known value, or the values are of other rows.

    Examples
    --------
    >>> logins = next(one for one in examples.catalogue if one.name == "logins_28d")
    >>> figure = ch.dependence_figure(contributions, newest, feature=logins)
    >>> figure.savefig("logins.png")
    """
    check_contributions(contributions, values)
    if feature.is_category:
        raise InputError(f"'{feature.name}' holds words; the dependence figure needs a number.")
    value = values[feature.name].to_numpy(dtype=float)
    pushed = contributions[feature.name].to_numpy(dtype=float)
    known = np.isfinite(value)
    if not known.any():
        raise InputError(f"'{feature.name}' is unknown in all {len(value)} rows.")
    words = WORDS[language]
    edge = float(np.quantile(value[known], SHOWN))
    beyond = int((value[known] > edge).sum())
    told = words["rows"].format(rows=whole(len(value), language))
    told += " · " + words["cut"].format(count=whole(beyond, language)) if beyond else ""
    figure = sheet(
        words["depends"].format(title=titled(feature, language)),
        words["depends_sub"].format(rows=told, claim=words["claim"]),
        size=(8.6, 4.6),
    )
    axes = panel(
        figure.subplots(), x_label=axis_title(feature, language),
        y_label=words["push"].split(",")[0], language=language,
    )  # fmt: skip
    inside = known & (value <= edge)
    axes.axhline(0, color=QUIET, linewidth=1)
    axes.scatter(
        value[inside], pushed[inside], s=7, color=MODEL.colour, alpha=0.35, linewidths=0, zorder=2
    )
    middle, height = medians(value[inside], pushed[inside])
    axes.plot(middle, height, color=RULE.colour, marker="s", markersize=5, linewidth=1.8, zorder=4)
    if not known.all():
        _unknown(axes, pushed[~known], words["unknown"])
    return figure


def medians(value: Floats, pushed: Floats) -> tuple[Floats, Floats]:
    """Median contribution within bins of equal mass; few distinct values are bins of their own."""
    distinct = np.unique(value)
    if len(distinct) <= _BINS:
        bins = np.searchsorted(distinct, value)
    else:
        edges = np.unique(np.quantile(value, np.linspace(0, 1, _BINS + 1)))
        bins = np.searchsorted(edges[1:-1], value, side="right")
    table = pd.DataFrame({"bin": bins, "value": value, "pushed": pushed}).groupby("bin")
    found = table[["value", "pushed"]].median()[table.size() >= min(_FEWEST_IN_BIN, len(value))]
    return found["value"].to_numpy(), found["pushed"].to_numpy()


def _unknown(axes: Axes, pushed: Floats, word: str) -> None:
    """The rows without a value in a lane of their own left of the axis."""
    low, high = axes.get_xlim()
    place = low - 0.07 * (high - low)
    axes.axvline(low, color=QUIET, linewidth=0.8, linestyle=(0, (1, 2)))
    spread = np.linspace(-0.02, 0.02, len(pushed)) * (high - low) if len(pushed) > 1 else 0.0
    axes.scatter(place + spread, pushed, s=9, color=QUIET, marker="x", linewidths=0.6, zorder=2)
    axes.annotate(
        word, (place, 0.0), xycoords=("data", "axes fraction"), xytext=(0, 4),
        textcoords="offset points", ha="center", fontsize=8.5, color=QUIET,
    )  # fmt: skip
    axes.set_xlim(low - 0.14 * (high - low), high)
