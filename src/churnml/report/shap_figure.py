"""What drives the scores: SHAP contributions summed by family, and the features that move most."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure

from churnml.alerting.queue import Floats
from churnml.errors import InputError
from churnml.report.canvas import INK, MODEL, QUIET, Language, panel, sheet, whole

TOP_FEATURES = 12
#: More dots than this only print the same shape darker.
MOST_DOTS = 1500
LANES = 60
UNKNOWN = "#b9c1c7"

_WORDS: dict[Language, dict[str, str]] = {
    "en": {
        "title": "{family} moves the scores most",
        "subtitle": "{rows} scored rows · contribution to the log-odds, right = towards leaving"
        " · associated with leaving, not proven to cause it",
        "family": "Mean contribution by family",
        "feature": "Contribution of a feature to one score",
        "low": "low value",
        "high": "high value",
        "unknown": "grey: unknown",
    },
    "ru": {
        "title": "Сильнее всего на оценку влияет: {family}",
        "subtitle": "Строк: {rows} · вклад в логарифм шансов, вправо = к уходу"
        " · связано с уходом, но причина не доказана",
        "family": "Средний вклад семейства",
        "feature": "Вклад признака в одну оценку",
        "low": "мало",
        "high": "много",
        "unknown": "серый: неизвестно",
    },
}


def shap_summary_figure(
    contributions: pd.DataFrame,
    values: pd.DataFrame,
    titles: Mapping[str, str],
    *,
    families: Mapping[str, str],
    top: int = TOP_FEATURES,
    language: Language = "en",
) -> Figure:
    """Contributions by family as bars, and of the strongest features as one dot per row.

    Colour runs from dark (low value) to light (high value), so it prints in grey as well.

    Parameters
    ----------
    contributions : DataFrame of float, shape (n_rows, n_features)
        SHAP values in margin space, without the bias.
    values : DataFrame, same index and columns
        Feature values; categories are drawn as unknown, they have no high and low.
    titles : mapping of str to str
        Title by feature; a feature without one keeps its name.
    families : mapping of str to str
        Family by feature.
    top : int
        Features shown.
    language : {"en", "ru"}

    Raises
    ------
    InputError
        If there are no rows or the columns differ.
    """
    if contributions.empty or list(contributions.columns) != list(values.columns):
        raise InputError("The SHAP figure needs rows, and values with the contributions' columns.")
    words = _WORDS[language]
    by_family = _family_strength(contributions, families)
    strongest = contributions.abs().mean().sort_values(ascending=False, kind="stable").index[:top]
    figure = sheet(
        words["title"].format(family=str(by_family.index[-1]).replace("_", " ").capitalize()),
        words["subtitle"].format(rows=whole(len(contributions))),
        size=(11.0, 2.1 + 0.36 * max(len(strongest), len(by_family))),
    )
    left, right = figure.subplots(1, 2, width_ratios=(1, 2.1))
    _bars(panel(left, x_label=words["family"], y_label=""), by_family)
    _swarms(
        panel(right, x_label=words["feature"], y_label=""),
        contributions[strongest],
        values[strongest],
        titles,
    )
    _key(figure, right, words)
    return figure


def _family_strength(contributions: pd.DataFrame, families: Mapping[str, str]) -> pd.Series:
    """Mean absolute contribution of each family, the strongest last; within a row signs cancel."""
    named = [families.get(str(name), "other") for name in contributions.columns]
    return contributions.T.groupby(named).sum().T.abs().mean().sort_values(kind="stable")


def _bars(axes: Axes, strength: pd.Series) -> None:
    axes.barh(range(len(strength)), strength, color=MODEL.colour, height=0.62)
    axes.set_yticks(range(len(strength)), [str(name).replace("_", " ") for name in strength.index])
    axes.grid(axis="y", visible=False)
    for place, value in enumerate(strength):
        axes.annotate(
            f"{value:.2f}", (value, place), xytext=(4, 0), textcoords="offset points",
            va="center", fontsize=8.5, color=QUIET,
        )  # fmt: skip
    axes.set_xlim(0, 1.18 * float(strength.max()) or 1.0)


def _swarms(
    axes: Axes, contributions: pd.DataFrame, values: pd.DataFrame, titles: Mapping[str, str]
) -> None:
    kept = np.unique(np.linspace(0, len(contributions) - 1, MOST_DOTS).astype(int))
    count = contributions.shape[1]
    axes.axvline(0, color=QUIET, linewidth=1)
    for number, name in enumerate(contributions.columns):
        pushed = contributions[name].to_numpy(dtype=float)[kept]
        place = _place_of_value(values[name])[kept]
        height = count - 1 - number + _beeswarm(pushed)
        known = ~np.isnan(place)
        axes.scatter(pushed[~known], height[~known], s=5, color=UNKNOWN, linewidths=0)
        axes.scatter(
            pushed[known], height[known], s=5, c=place[known], cmap="cividis", vmin=0, vmax=1,
            linewidths=0, zorder=3,
        )  # fmt: skip
    shown = [_shortened(titles.get(str(name), str(name))) for name in contributions.columns]
    axes.set_yticks(range(count - 1, -1, -1), shown)
    axes.set_ylim(-0.6, count - 0.4)


def _shortened(title: str, *, most: int = 52) -> str:
    """The title within its room; a dollar sign is a dollar sign, not the start of a formula."""
    short = title if len(title) <= most else title[: most - 1].rstrip() + "…"
    return short.replace("$", r"\$")


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


def _key(figure: Figure, axes: Axes, words: Mapping[str, str]) -> None:
    bar = figure.colorbar(ScalarMappable(cmap="cividis"), ax=axes, aspect=40, pad=0.015, shrink=0.8)
    bar.set_ticks([0.02, 0.98], labels=[words["low"], words["high"]])
    bar.ax.tick_params(length=0, labelsize=8.5, colors=INK)
    bar.outline.set_visible(False)
    bar.ax.set_title(words["unknown"], fontsize=8, color=QUIET, pad=6)
