"""What drives the scores: SHAP contributions summed by family, and the features that move most."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from churnml.errors import InputError
from churnml.report.attribution.families import family_bars
from churnml.report.attribution.swarm import swarms, value_key
from churnml.report.attribution.words import family_name, plain
from churnml.report.canvas import Language, panel, sheet, whole

TOP_FEATURES = 12

_WORDS: dict[Language, dict[str, str]] = {
    "en": {
        "title": "{family} moves the scores most",
        "subtitle": "{rows} scored rows · contribution to the log-odds, right = towards leaving"
        " · cross: unknown · associated with leaving, not proven to cause it",
        "family": "Mean contribution by family",
        "feature": "Contribution of a feature to one score",
        "low": "low value",
        "high": "high value",
    },
    "ru": {
        "title": "Сильнее всего на оценку влияет: {family}",
        "subtitle": "Строк: {rows} · вклад в логарифм шансов, вправо = к уходу"
        " · крестик: неизвестно · связано с уходом, но причина не доказана",
        "family": "Средний вклад семейства",
        "feature": "Вклад признака в одну оценку",
        "low": "мало",
        "high": "много",
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
    leader = family_name(str(by_family.index[-1]), language)
    figure = sheet(
        words["title"].format(family=leader[:1].upper() + leader[1:]),
        words["subtitle"].format(rows=whole(len(contributions))),
        size=(11.0, 2.1 + 0.36 * max(len(strongest), len(by_family))),
    )
    left, right = figure.subplots(1, 2, width_ratios=(1, 2.1))
    family_bars(panel(left, x_label=words["family"], y_label=""), by_family, language=language)
    swarms(
        panel(right, x_label=words["feature"], y_label=""),
        contributions[strongest],
        values[strongest],
        [_shortened(titles.get(str(name), str(name))) for name in strongest],
    )
    value_key(figure, right, low=words["low"], high=words["high"])
    return figure


def _family_strength(contributions: pd.DataFrame, families: Mapping[str, str]) -> pd.Series:
    """Mean absolute contribution of each family, the strongest last; within a row signs cancel."""
    named = [families.get(str(name), "other") for name in contributions.columns]
    return contributions.T.groupby(named).sum().T.abs().mean().sort_values(kind="stable")


def _shortened(title: str, *, most: int = 52) -> str:
    """The title within its room."""
    return plain(title if len(title) <= most else title[: most - 1].rstrip() + "…")
