"""The strongest reasons behind a score, as titles of features with their contributions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from churnml.explanation.attribution import explain
from churnml.features import Feature
from churnml.model.bundle import Bundle

#: Managers read two or three reasons.
REASONS = 3
#: SHAP is the slow step: of each as_of this share is explained, and at least so many customers.
EXPLAINED_SHARE = 0.1
EXPLAINED_LEAST = 50


def strongest_reasons(
    bundle: Bundle, table: pd.DataFrame, probability: pd.Series, *, features: Sequence[Feature]
) -> pd.Series:
    """Reasons of the highest scores of each as_of; the others have an empty list.

    Parameters
    ----------
    bundle : Bundle
    table : DataFrame indexed by (customer_id, as_of)
        Features of the scored rows.
    probability : Series of float, aligned with ``table``
    features : sequence of Feature
        The catalogue, for titles and families.

    Returns
    -------
    Series of list of dict, aligned with ``table``
    """
    by_as_of = probability.groupby(table.index.get_level_values("as_of").to_numpy())
    share = np.ceil(EXPLAINED_SHARE * by_as_of.transform("size"))
    explained = by_as_of.rank(ascending=False, method="first") <= np.maximum(share, EXPLAINED_LEAST)
    rows = np.flatnonzero(explained.to_numpy())
    found: list[list[dict[str, Any]]] = [[] for _ in range(len(table))]
    contributions = explain(bundle.ensemble, table.iloc[rows])
    for row, said in zip(rows, reasons(contributions, features=features), strict=True):
        found[row] = said
    return pd.Series(found, index=table.index, dtype="object")


def reasons(
    contributions: pd.DataFrame, *, features: Sequence[Feature], most: int = REASONS
) -> pd.Series:
    """The features that raise each score most, strongest first, one for each family.

    Parameters
    ----------
    contributions : DataFrame, shape (n_snapshots, n_features + 1)
        SHAP values with the column ``bias``, as ``explain`` returns them.
    features : sequence of Feature
        The catalogue, for titles and families.
    most : int
        Number of reasons.

    Returns
    -------
    Series of list of dict
        Each with ``feature``, ``family``, ``contribution``, ``text_en``, ``text_ru``.
    """
    known = {feature.name: feature for feature in features}
    names = np.array([name for name in contributions.columns if name in known])
    values = contributions[names].to_numpy()
    order = np.argsort(-values, axis=1, kind="stable")
    found = [
        _strongest(names[row], values[number, row], known=known, most=most)
        for number, row in enumerate(order)
    ]
    return pd.Series(found, index=contributions.index, dtype="object")


def _strongest(
    names: Sequence[str], values: Sequence[float], *, known: dict[str, Feature], most: int
) -> list[dict[str, Any]]:
    chosen: dict[str, dict[str, Any]] = {}
    for name, value in zip(names, values, strict=True):
        feature = known[str(name)]
        if value <= 0 or len(chosen) == most:
            break
        chosen.setdefault(
            str(feature.family),
            {
                "feature": feature.name,
                "family": str(feature.family),
                "contribution": float(value),
                "text_en": feature.title["en"],
                "text_ru": feature.title["ru"],
            },
        )
    return list(chosen.values())
