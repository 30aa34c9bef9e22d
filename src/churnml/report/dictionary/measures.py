"""How much each signal is known at some moments, and how much a model looks at it."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from churnml.explanation import explain, feature_importance
from churnml.features import Feature, catalogue
from churnml.model.bundle import Bundle
from churnml.scoring import features_at, features_for, needed_features
from churnml.sources.dataset import Dataset

#: SHAP is slow; so many rows, evenly spread, show what a model looks at.
EXPLAINED_ROWS = 500


def measured_features(
    dataset: Dataset, as_ofs: Sequence[pd.Timestamp], *, bundle: Bundle | None = None
) -> tuple[tuple[Feature, ...], pd.DataFrame, pd.Series | None]:
    """The features, their values at these moments, and with a model their mean absolute SHAP value.

    Parameters
    ----------
    dataset : Dataset
    as_ofs : sequence of Timestamp
    bundle : Bundle, optional
        Its features are taken instead of all.
    """
    if bundle is None:
        features = catalogue(dataset)
        return features, features_at(dataset, as_ofs, features=features), None
    needed = needed_features(dataset, bundle)
    values = features_for(dataset, bundle, as_ofs)
    spread = values.iloc[:: max(1, len(values) // EXPLAINED_ROWS)]
    importance = feature_importance(explain(bundle.ensemble, spread), features=needed)
    return needed, values, importance["importance"]
