"""The beeswarm: what the value of a signal does to every score, one dot each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure

from churnml.alerting.queue import Floats
from churnml.errors import InputError
from churnml.explanation.attribution import check_contributions
from churnml.features import Feature
from churnml.report.attribution.words import WORDS, titled
from churnml.report.canvas import INK, QUIET, Language, panel, sheet, whole

TOP_FEATURES = 14
#: More dots than this only print the same shape darker.
MOST_DOTS = 1500
LANES = 60
UNKNOWN = "#8d979e"
COLOURS = "cividis"
_LINE_INCHES = 0.36


def beeswarm_figure(
    contributions: pd.DataFrame,
    values: pd.DataFrame,
    *,
    features: Sequence[Feature],
    top: int = TOP_FEATURES,
    language: Language = "en",
) -> Figure:
    """Contributions of the strongest features, one dot for each score.

    Shades run from dark (low value) to light (high value), so it prints in grey as well.

    Parameters
    ----------
    contributions : DataFrame of float, shape (n_rows, n_features + 1)
        SHAP values as ``explain`` returns them; the column ``bias`` is left out.
    values : DataFrame indexed as the contributions
        Feature values; categories are drawn as unknown, they have no high and low.
    features : sequence of Feature
        The catalogue, for titles.
    top : int
        Features shown.
    language : {"en", "ru"}

    Raises
    ------
    InputError
        If there are no rows, or the values are of others.

    Examples
    --------
    >>> figure = ch.beeswarm_figure(contributions, newest, features=examples.catalogue)
    >>> figure.savefig("beeswarm.png")
    """
    check_contributions(contributions, values)
    known = {feature.name: feature for feature in features}
    pushed = contributions[[name for name in contributions if name in known]]
    if pushed.empty or not len(pushed.columns):
        raise InputError("The beeswarm needs at least one explained row of a known feature.")
    strongest = pushed.abs().mean().sort_values(ascending=False, kind="stable").index[:top]
    titles = [titled(known[str(name)], language) for name in strongest]
    words = WORDS[language]
    figure = sheet(
        words["swarm"].format(title=titles[0]),
        words["swarm_sub"].format(
            rows=words["rows"].format(rows=whole(len(pushed), language)), claim=words["claim"]
        ),
        size=(10.0, 1.6 + _LINE_INCHES * len(strongest)),
    )
    axes = panel(figure.subplots(), x_label=words["push"], y_label="", language=language)
    _swarms(axes, pushed[strongest], values, titles)
    _value_key(figure, axes, low=_LOW[language], high=_HIGH[language])
    return figure


_LOW: dict[Language, str] = {"en": "low value", "ru": "мало"}
_HIGH: dict[Language, str] = {"en": "high value", "ru": "много"}


def _swarms(
    axes: Axes, contributions: pd.DataFrame, values: pd.DataFrame, titles: Sequence[str]
) -> None:
    """A line of dots for each column, the first on top; unknown values are crosses."""
    kept = np.unique(np.linspace(0, len(contributions) - 1, MOST_DOTS).astype(int))
    count = contributions.shape[1]
    axes.axvline(0, color=QUIET, linewidth=1)
    for number, name in enumerate(contributions.columns):
        pushed = contributions[name].to_numpy(dtype=float)[kept]
        place = _place_of_value(values[name])[kept]
        height = count - 1 - number + _beeswarm(pushed)
        known = ~np.isnan(place)
        axes.scatter(pushed[~known], height[~known], s=7, color=UNKNOWN, marker="x", linewidths=0.6)
        axes.scatter(
            pushed[known], height[known], s=5, c=place[known], cmap=COLOURS, vmin=0, vmax=1,
            linewidths=0, zorder=3,
        )  # fmt: skip
    axes.set_yticks(range(count - 1, -1, -1), titles)
    axes.set_ylim(-0.6, count - 0.4)


def _value_key(figure: Figure, axes: Axes, *, low: str, high: str) -> None:
    """The bar that says which shade is a low and which a high value."""
    bar = figure.colorbar(ScalarMappable(cmap=COLOURS), ax=axes, aspect=40, pad=0.015, shrink=0.8)
    bar.set_ticks([0.02, 0.98], labels=[low, high])
    bar.ax.tick_params(length=0, labelsize=8.5, colors=INK)
    bar.outline.set_visible(False)


def _place_of_value(values: pd.Series) -> Floats:
    """Rank of each value in (0, 1); NaN where unknown or not a number."""
    if not pd.api.types.is_numeric_dtype(values.dtype):
        return np.full(len(values), np.nan)
    place: Floats = values.astype(float).rank(pct=True).to_numpy(dtype=np.float64)
    return place


def _beeswarm(pushed: Floats, *, room: float = 0.38) -> Floats:
    """Offsets that stack dots of like contribution to both sides of their line."""
    span = float(np.ptp(pushed)) or 1.0
    lane = np.floor((pushed - pushed.min()) / span * LANES).astype(int)
    within = pd.Series(lane).groupby(lane).cumcount().to_numpy()
    fullest = max(int(np.bincount(lane).max()), 2)
    side = np.where(within % 2 == 0, 1, -1) * ((within + 1) // 2)
    return np.asarray(side / (fullest / 2) * room)
