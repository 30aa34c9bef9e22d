"""Which pairs of signals the model reads together: SHAP interaction values of few rows."""

from __future__ import annotations

import numpy as np
import pandas as pd

from churnml.model.ensemble import Ensemble

#: The cost grows with rows times columns times trees: a hundred rows are some ten seconds.
MOST_ROWS = 100


def interactions(
    ensemble: Ensemble, features: pd.DataFrame, *, most_rows: int = MOST_ROWS
) -> pd.DataFrame:
    """Pairs of features by how much they move the scores together, the strongest first.

    Parameters
    ----------
    ensemble : Ensemble
    features : DataFrame indexed by (customer_id, as_of)
        If there are more than ``most_rows``, so many are taken, evenly spaced.
    most_rows : int

    Returns
    -------
    DataFrame
        ``first``, ``second``, ``strength`` (mean absolute SHAP interaction value of the pair in
        log-odds, both directions together) and ``rows``, how many were explained. Pairs that never
        interact are left out; a linear model has none.

    References
    ----------
    .. [1] S. M. Lundberg, G. Erion, S.-I. Lee, *Consistent Individualized Feature Attribution for
       Tree Ensembles*, 2018, section 4.

    Examples
    --------
    >>> pairs = ch.interactions(model, newest, most_rows=20)
    >>> list(pairs.columns)
    ['first', 'second', 'strength', 'rows']
    """
    count = min(most_rows, len(features))
    kept = np.unique(np.linspace(0, len(features) - 1, count).round().astype(int))
    sample = features.iloc[kept]
    names = ensemble.feature_names
    strength = np.abs(ensemble.interactions(sample)).mean(axis=0)
    first, second = np.triu_indices(len(names), k=1)
    pairs = pd.DataFrame(
        {
            "first": np.asarray(names, dtype=object)[first],
            "second": np.asarray(names, dtype=object)[second],
            "strength": strength[first, second] + strength[second, first],
            "rows": len(sample),
        }
    )
    found = pairs[pairs["strength"] > 0].sort_values("strength", ascending=False, kind="stable")
    return found.reset_index(drop=True)
