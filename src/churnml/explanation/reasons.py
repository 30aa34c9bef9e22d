"""The strongest reasons behind a score, as titles of features with their contributions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from churnml.features import Feature

#: Managers read two or three reasons.
REASONS = 3


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
