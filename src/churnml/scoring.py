"""From a bundle, data and as_ofs to calibrated probabilities with reasons."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from churnml.errors import InputError
from churnml.explanation import explain, reasons
from churnml.features import Feature, catalogue, compute_features
from churnml.model.bundle import Bundle
from churnml.snapshots import take_snapshots
from churnml.sources.dataset import Dataset

#: SHAP is the slow step: of each as_of this share is explained, and at least so many customers.
EXPLAINED_SHARE = 0.1
EXPLAINED_LEAST = 50


def score(dataset: Dataset, bundle: Bundle, as_ofs: Sequence[pd.Timestamp]) -> pd.DataFrame:
    """Calibrated probabilities of everyone at risk at each as_of.

    Parameters
    ----------
    dataset : Dataset
    bundle : Bundle
    as_ofs : sequence of Timestamp
        Naive UTC; each is scored from what was known then.

    Returns
    -------
    DataFrame
        ``customer_id``, ``as_of``, ``probability``, ``model_digest``, ``reasons`` (the strongest
        tenth of each as_of; the others have an empty list).

    Raises
    ------
    InputError
        If nobody is at risk at any as_of, or the model needs features that are not there.
    """
    snapshots = take_snapshots(dataset, as_ofs)
    if snapshots.empty:
        first, last = min(as_ofs), max(as_ofs)
        raise InputError(
            f"Nobody is at risk between {first:%Y-%m-%d} and {last:%Y-%m-%d}. The data is observed "
            f"until {dataset.observed_until:%Y-%m-%d}; choose as_ofs inside it."
        )
    features = needed_features(dataset, bundle)
    table = compute_features(dataset, snapshots, features=features)
    probability = bundle.predict(table)
    scores = probability.reset_index()
    scores["model_digest"] = bundle.digest
    scores["reasons"] = _reasons(bundle, table, probability, features).to_numpy()
    return scores.sort_values(["as_of", "customer_id"], ignore_index=True)


def needed_features(dataset: Dataset, bundle: Bundle) -> tuple[Feature, ...]:
    """The features of the catalogue that the bundle was trained with.

    Raises
    ------
    InputError
        If this version or this dataset cannot make some of them.
    """
    known = {feature.name: feature for feature in catalogue(dataset)}
    absent = [name for name in bundle.feature_names if name not in known]
    if absent:
        raise InputError(
            f"The model needs {len(bundle.feature_names)} features; {len(absent)} are not in this "
            f"catalogue: {', '.join(absent[:5])}. Score with the version of churnml in bundle.json "
            "and the same [customers] immutable columns, or train again."
        )
    return tuple(known[name] for name in bundle.feature_names)


def _reasons(
    bundle: Bundle, table: pd.DataFrame, probability: pd.Series, features: Sequence[Feature]
) -> pd.Series:
    rank = probability.groupby(level="as_of").rank(ascending=False, method="first")
    people = probability.groupby(level="as_of").transform("size")
    explained = rank <= np.maximum(np.ceil(EXPLAINED_SHARE * people), EXPLAINED_LEAST)
    found = pd.Series([[] for _ in range(len(table))], index=table.index, dtype="object")
    contributions = explain(bundle.ensemble, table[explained])
    found[explained] = reasons(contributions, features=features)
    return found
