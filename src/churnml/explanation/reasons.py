"""The strongest reasons behind a score, as titles of features with what they contribute."""

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
#: What is not known of a reason before its past is read.
_UNTOLD: dict[str, Any] = {"was": None, "now": None, "since": None, "evidence": [],
                           "lower_en": None, "lower_ru": None, "would_lower": None}  # fmt: skip


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
    """What raises each score most, strongest first; each reason calls for another play.

    Signals of one family that the same play answers are one topic: their contributions are summed,
    what speaks against included, and the topic is told by its strongest signal. Signals whose
    direction is not known are left out: nobody could say from them what is wrong.

    Parameters
    ----------
    contributions : DataFrame, shape (n_snapshots, n_features + 1)
        SHAP values with the column ``bias``, as ``explain`` returns them.
    features : sequence of Feature
        The catalogue, for titles, families, plays and directions.
    most : int
        Number of reasons.

    Returns
    -------
    Series of list of dict
        Each with ``feature``, ``family``, ``contribution`` (of the topic), ``text_en``,
        ``text_ru``.
    """
    known = {feature.name: feature for feature in features}
    names = [name for name in contributions if name in known and known[str(name)].risk]
    if not names:
        return pd.Series([[] for _ in contributions.index], index=contributions.index)
    topics = pd.MultiIndex.from_tuples([_topic(known[str(name)]) for name in names])
    values = contributions[names]
    weights = values.T.groupby(topics, sort=False).sum().T
    found = [
        _strongest(weights.iloc[row], values.iloc[row], known=known, most=most)
        for row in range(len(values))
    ]
    return pd.Series(found, index=contributions.index, dtype="object")


def _topic(feature: Feature) -> tuple[str, str]:
    return str(feature.family), feature.play


def _strongest(
    weights: pd.Series, values: pd.Series, *, known: dict[str, Feature], most: int
) -> list[dict[str, Any]]:
    """The reasons of one row: topics by weight, a play once, each by its strongest signal."""
    signals: dict[tuple[str, str], Feature] = {}
    for name in values.sort_values(ascending=False, kind="stable").index:
        signals.setdefault(_topic(known[str(name)]), known[str(name)])
    chosen: dict[str, dict[str, Any]] = {}
    for topic, weight in weights.sort_values(ascending=False, kind="stable").items():
        if weight <= 0 or len(chosen) == most:
            break
        feature = signals[topic]
        told = {
            "feature": feature.name, "family": str(feature.family), "contribution": float(weight),
            "text_en": feature.title["en"], "text_ru": feature.title["ru"], "play": feature.play,
            **_UNTOLD,
        }  # fmt: skip
        chosen.setdefault(feature.play, told)
    return list(chosen.values())
