"""One customer: from the usual probability to this one, signal by signal."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from churnml.errors import InputError
from churnml.features import Feature
from churnml.report.attribution.words import (
    WORDS,
    chance,
    in_unit,
    plain,
    signed,
    titled,
)
from churnml.report.canvas import INK, MODEL, QUIET, RULE, Language, panel, sheet
from churnml.report.captions import family_name

TOP_SIGNALS = 8
_LINE_INCHES = 0.40
_TITLE = 52


def waterfall_figure(
    contributions: pd.Series,
    values: pd.Series,
    *,
    features: Sequence[Feature],
    top: int = TOP_SIGNALS,
    language: Language = "en",
) -> Figure:
    """How the strongest signals lead from the usual customer to this one, values in their units.

    Parameters
    ----------
    contributions : Series of float
        One row of ``explain``, with the entry ``bias``; its name is (customer_id, as_of).
    values : Series
        The features of the same row.
    features : sequence of Feature
        The catalogue, for titles and units.
    top : int
        Signals shown one by one; the others are a step for each family.
    language : {"en", "ru"}

    Raises
    ------
    InputError
        If the row has no ``bias``.

    Examples
    --------
    >>> figure = ch.waterfall_figure(
    ...     contributions.iloc[0], newest.iloc[0], features=examples.catalogue
    ... )
    >>> figure.savefig("customer.png")
    """
    if "bias" not in contributions:
        raise InputError("The waterfall needs a row of `explain`, with its entry 'bias'.")
    start = float(contributions["bias"])
    pushes = _pushes(contributions.drop("bias"), values, features, top=top, language=language)
    end = start + sum(pushes.to_list())
    words = WORDS[language]
    customer, as_of = contributions.name
    figure = sheet(
        words["one"].format(
            customer=plain(str(customer)),
            chance=chance(end, language),
            usual=chance(start, language),
        ),
        words["one_sub"].format(day=f"{as_of:%Y-%m-%d}", claim=words["claim"]),
        size=(10.0, 2.0 + _LINE_INCHES * len(pushes)),
    )
    axes = panel(figure.subplots(), x_label=words["push"], y_label="", language=language)
    _steps(axes, start, pushes.to_list(), language=language)
    axes.set_yticks(range(len(pushes) - 1, -1, -1), pushes.index.to_list())
    _ends(axes, start, end, language=language)
    return figure


def _pushes(
    steps: pd.Series,
    values: pd.Series,
    features: Sequence[Feature],
    *,
    top: int,
    language: Language,
) -> pd.Series:
    """The steps by label: the strongest signals one by one, then what is left of each family."""
    known = {feature.name: feature for feature in features}
    order = steps.abs().sort_values(ascending=False, kind="stable").index
    shown = pd.Series(
        [float(steps[name]) for name in order[:top]],
        index=[_label(known[str(name)], values[name], language) for name in order[:top]],
    )
    rest = steps[order[top:]].astype(float)
    by_family = rest.groupby([str(known[str(name)].family) for name in rest.index])
    summed, counted = by_family.sum(), by_family.size()
    summed = summed.loc[summed.abs().sort_values(ascending=False, kind="stable").index]
    others = WORDS[language]["others"]
    summed.index = pd.Index(
        [
            others.format(family=family_name(name, language), count=counted[name])
            for name in summed.index
        ]
    )
    return pd.concat([shown, summed])


def _ends(axes: Axes, start: float, end: float, *, language: Language) -> None:
    """The probabilities at both ends of the way."""
    words = WORDS[language]
    axes.annotate(
        words["usual"].format(chance=chance(start, language)), (start, 1.0),
        xycoords=("data", "axes fraction"), xytext=(0, 3), textcoords="offset points", ha="center",
        fontsize=8.5, color=QUIET,
    )  # fmt: skip
    axes.annotate(
        words["here"].format(chance=chance(end, language)),
        (end, 0.0), xycoords=("data", "axes fraction"), xytext=(0, 5),
        textcoords="offset points", ha="center", va="bottom", fontsize=8.5, color=INK,
        fontweight="bold", bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.0},
    )  # fmt: skip


def _label(feature: Feature, value: object, language: Language) -> str:
    return f"{titled(feature, language, most=_TITLE)}: {in_unit(value, feature.unit, language)}"


def _steps(axes: Axes, start: float, pushes: Sequence[float], *, language: Language) -> None:
    """Bars that begin where the one above ends; what lowers is hatched."""
    ends = start + np.cumsum(pushes)
    starts = np.concatenate([[start], ends[:-1]])
    span = float(np.ptp([start, *ends])) or 1.0
    for number, (begin, push) in enumerate(zip(starts, pushes, strict=True)):
        height = len(pushes) - 1 - number
        raises = push >= 0
        axes.barh(
            height, push, left=begin, height=0.62,
            color=RULE.colour if raises else "white",
            edgecolor=RULE.colour if raises else MODEL.colour, hatch=None if raises else "////",
            linewidth=1.0, zorder=3,
        )  # fmt: skip
        if number:
            axes.plot([begin, begin], [height + 1, height], color=QUIET, linewidth=0.8, zorder=2)
        axes.annotate(
            signed(push, language), (begin + max(push, 0.0), height), xytext=(4, 0),
            textcoords="offset points", va="center", fontsize=8.5, color=INK,
        )  # fmt: skip
    axes.axvline(start, color=QUIET, linewidth=1, linestyle=(0, (1, 2)), zorder=1)
    low, high = min([start, *ends]), max([start, *ends])
    axes.set_xlim(low - 0.06 * span, high + 0.14 * span)
    axes.set_ylim(-1.25, len(pushes) - 0.4)
    axes.grid(axis="y", visible=False)
