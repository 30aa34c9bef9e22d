"""SHAP values by feature and family in log-odds, checked to add up to the score."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from churnml import arguments
from churnml.errors import InputError
from churnml.features import Feature
from churnml.model.ensemble import Ensemble

#: Boosters sum in single precision; a larger gap means that something else was explained.
TOLERANCE = 1e-3


def explain(ensemble: Ensemble, features: pd.DataFrame) -> pd.DataFrame:
    """SHAP values of each snapshot by feature, in log-odds, with the column ``bias``.

    Parameters
    ----------
    ensemble : Ensemble
    features : DataFrame indexed by (customer_id, as_of)

    Returns
    -------
    DataFrame, shape (n_snapshots, n_features + 1)
        Rows add up to the log-odds of the score.

    Raises
    ------
    InputError
        If the features are not indexed so, or a bundle came instead of its ensemble.
    ArithmeticError
        If they do not: the model and its explanation have parted.

    Examples
    --------
    >>> contributions = ch.explain(model, newest)
    >>> contributions.shape[1] - newest.shape[1]  # and the bias
    1
    """
    arguments.indexed(features, what="features")
    if hasattr(ensemble, "ensemble"):
        raise InputError("A bundle holds the ensemble that is explained: pass bundle.ensemble.")
    contributions = ensemble.contributions(features)
    gap = np.abs(contributions.sum(axis=1).to_numpy() - ensemble.logit(features))
    if len(gap) and gap.max() > TOLERANCE:
        raise ArithmeticError(
            f"SHAP values miss the log-odds by {gap.max():.2g}, allowed is {TOLERANCE:.0e}."
        )
    return contributions


def family_contributions(
    contributions: pd.DataFrame, *, features: Sequence[Feature]
) -> pd.DataFrame:
    """SHAP values summed by family, with the column ``bias``.

    Examples
    --------
    >>> summed = ch.family_contributions(contributions, features=examples.catalogue)
    >>> list(summed.columns)
    ['usage', 'support', 'profile', 'bias']
    """
    family = {feature.name: str(feature.family) for feature in features}
    return contributions.T.groupby(lambda name: family.get(name, name), sort=False).sum().T
