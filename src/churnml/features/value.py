"""What a customer is worth at an as_of: the recurring revenue of a year, as known then."""

from __future__ import annotations

import pandas as pd

from churnml.features.catalogue import catalogue
from churnml.features.engine import compute_features
from churnml.sources.dataset import Dataset

MONTHS = 12


def annual_revenue(dataset: Dataset, snapshots: pd.DataFrame) -> pd.Series | None:
    """Twelve times the feature ``mrr`` of each snapshot.

    Parameters
    ----------
    dataset : Dataset
    snapshots : DataFrame
        ``customer_id`` and ``as_of``.

    Returns
    -------
    Series of float, shape (n_snapshots,), aligned with ``snapshots``
        NaN where no subscription open then says its price. None where the dataset has no ``mrr``.
    """
    priced = dataset.connection.cursor().execute("select count(mrr) from subscriptions").fetchone()
    if priced is None or priced[0] == 0:
        return None
    mrr = [feature for feature in catalogue(dataset) if feature.name == "mrr"]
    table = compute_features(dataset, snapshots, features=mrr)
    keys = pd.MultiIndex.from_frame(
        snapshots[["customer_id", "as_of"]].astype({"customer_id": "str"})
    )
    revenue = MONTHS * table["mrr"].reindex(keys)
    return revenue.set_axis(snapshots.index).rename("annual_revenue")
