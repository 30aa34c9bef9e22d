"""Stability: where the strongest signals stand when the model is trained again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.figure import Figure

from churnml.errors import InputError
from churnml.explanation.stability import TOP, importance_stability
from churnml.features import Feature
from churnml.report.attribution.words import WORDS, titled
from churnml.report.canvas import (
    FURTHER,
    MODEL,
    ORACLE,
    QUIET,
    RANDOM,
    RULE,
    Language,
    legend,
    panel,
    sheet,
)
from churnml.report.captions import family_name

_STROKES = (MODEL, RULE, ORACLE, *FURTHER, RANDOM)
_LINE_INCHES = 0.36


def importance_stability_figure(
    importances: Mapping[str, pd.Series],
    *,
    features: Sequence[Feature],
    top: int = TOP,
    language: Language = "en",
) -> Figure:
    """The strongest features or families, and how strong each training finds them.

    Parameters
    ----------
    importances : mapping of str to Series of float
        By name of the training, at most six: the importance by feature or by family.
    features : sequence of Feature
        The catalogue, for titles; what is no feature is a family.
    top : int
        Lines shown, and the strongest that are compared.
    language : {"en", "ru"}

    Raises
    ------
    InputError
        If there are fewer than two trainings, or more than six.

    Examples
    --------
    >>> autumn = pd.Series({"usage": 0.9, "support": 0.3})
    >>> winter = pd.Series({"usage": 1.0, "support": 0.2})
    >>> figure = ch.importance_stability_figure(
    ...     {"autumn": autumn, "winter": winter}, features=examples.catalogue
    ... )
    >>> figure.savefig("stability.png")
    """
    if not 2 <= len(importances) <= len(_STROKES):
        raise InputError(
            f"Stability is shown of 2 to {len(_STROKES)} trainings; got {len(importances)}."
        )
    table = pd.DataFrame(dict(importances))
    shown = table.loc[table.mean(axis=1).nlargest(top).index[::-1]]
    figure = _sheet(importances, len(shown), len(table), top=top, language=language)
    axes = panel(figure.subplots(), x_label=WORDS[language]["mean"], y_label="", language=language)
    axes.hlines(
        range(len(shown)), shown.min(axis=1), shown.max(axis=1), color=QUIET, linewidth=1, zorder=2
    )
    for (name, values), stroke in zip(shown.items(), _STROKES, strict=False):
        axes.plot(
            values, range(len(values)), linestyle="none", marker=stroke.marker, markersize=6.5,
            markerfacecolor="white" if stroke is not MODEL else stroke.colour,
            markeredgecolor=stroke.colour, color=stroke.colour, label=str(name), zorder=3,
        )  # fmt: skip
    known = {feature.name: feature for feature in features}
    titles = [
        titled(known[name], language) if name in known else family_name(name, language)
        for name in map(str, shown.index)
    ]
    axes.set_yticks(range(len(titles)), titles)
    axes.set_xlim(left=0)
    legend(axes, where="lower right")
    return figure


def _sheet(
    importances: Mapping[str, pd.Series], lines: int, signals: int, *, top: int, language: Language
) -> Figure:
    """The sheet whose heading says how much stays."""
    words = WORDS[language]
    alike = importance_stability(importances, top=top)
    shared = f"{alike['top_shared'].mean() * lines:.1f}".removesuffix(".0")
    correlation = f"{alike['rank_correlation'].mean():.2f}"
    if language == "ru":
        shared, correlation = shared.replace(".", ","), correlation.replace(".", ",")
    title = words["stable" if lines < signals else "order"]
    return sheet(
        title.format(shared=shared, top=lines, correlation=correlation),
        words["stable_one" if len(alike) == 1 else "stable_sub"].format(pairs=len(alike)),
        size=(10.0, 1.9 + _LINE_INCHES * lines),
    )
