"""How much each signal moves the scores: mean absolute SHAP values, of all rows and over time."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from churnml.explanation.attribution import (
    BIAS,
    check_contributions,
    declared_of,
    family_contributions,
)
from churnml.features import Feature


def feature_importance(contributions: pd.DataFrame, *, features: Sequence[Feature]) -> pd.DataFrame:
    """Mean absolute SHAP value of each feature, the strongest first.

    Parameters
    ----------
    contributions : DataFrame, shape (n_snapshots, n_features + 1)
        SHAP values with the column ``bias``, as ``explain`` returns them.
    features : sequence of Feature
        The catalogue, for families and titles.

    Returns
    -------
    DataFrame indexed by feature
        ``family``, ``title_en``, ``title_ru``, ``importance`` in log-odds, and its ``share`` in
        the sum of all.

    Examples
    --------
    >>> strongest = ch.feature_importance(contributions, features=examples.catalogue)
    >>> float(round(strongest["share"].sum(), 6))
    1.0
    """
    check_contributions(contributions)
    strength = contributions.drop(columns=BIAS).abs().mean()
    strength = strength.sort_values(ascending=False, kind="stable")
    named = declared_of(strength.index, features=features)
    return pd.DataFrame(
        {
            "family": [str(feature.family) for feature in named],
            "title_en": [feature.title["en"] for feature in named],
            "title_ru": [feature.title["ru"] for feature in named],
            "importance": strength,
            "share": strength / strength.sum(),
        },
        index=strength.index.rename("feature"),
    )


def family_importance(contributions: pd.DataFrame, *, features: Sequence[Feature]) -> pd.Series:
    """Mean absolute SHAP value of each family, the strongest first.

    The features of a family are summed row by row before, so what cancels within a customer does
    not count, and the share of a family does not grow with copies of one signal.

    Parameters
    ----------
    contributions : DataFrame
        As ``explain`` returns them.
    features : sequence of Feature
        The catalogue of the training.

    Examples
    --------
    >>> importance = ch.family_importance(contributions, features=examples.catalogue)
    >>> sorted(importance.index)
    ['profile', 'support', 'usage']
    """
    by_family = family_contributions(contributions, features=features).drop(columns=BIAS)
    strength = by_family.abs().mean().sort_values(ascending=False, kind="stable")
    return strength.rename("importance").rename_axis("family")


def importance_over_time(
    contributions: pd.DataFrame, *, features: Sequence[Feature]
) -> pd.DataFrame:
    """``family_importance`` of the rows of each as_of; shape (n_as_ofs, n_families).

    Parameters
    ----------
    contributions : DataFrame
        As ``explain`` returns them.
    features : sequence of Feature
        The catalogue of the training.

    Examples
    --------
    >>> course = ch.importance_over_time(contributions, features=examples.catalogue)
    >>> len(course)  # as_ofs
    1
    """
    by_family = family_contributions(contributions, features=features).drop(columns=BIAS)
    by_as_of = by_family.abs().groupby(level="as_of").mean()
    strongest = by_as_of.mean().sort_values(ascending=False, kind="stable").index
    return by_as_of[strongest].rename_axis(columns="family")
