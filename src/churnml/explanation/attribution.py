"""SHAP values by feature and family in log-odds, checked to add up to the score."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from churnml import arguments
from churnml.errors import InputError
from churnml.features import Feature
from churnml.model.ensemble import Ensemble

#: Boosters sum in single precision; a larger gap means that something else was explained.
TOLERANCE = 1e-3
BIAS = "bias"


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
    if not hasattr(ensemble, "contributions"):
        held = "A bundle holds it: pass bundle.ensemble." if hasattr(ensemble, "ensemble") else ""
        raise InputError(
            f"Explained is an ensemble, as churnml.fit returns it; got {type(ensemble).__name__}. "
            f"{held}".rstrip()
        )
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

    Parameters
    ----------
    contributions : DataFrame
        As ``explain`` returns them.
    features : sequence of Feature
        The catalogue of the training.

    Raises
    ------
    InputError
        If these are no contributions, or the catalogue does not know a column.

    Examples
    --------
    >>> summed = ch.family_contributions(contributions, features=examples.catalogue)
    >>> list(summed.columns)
    ['usage', 'support', 'profile', 'bias']
    """
    check_contributions(contributions)
    names = contributions.columns.drop(BIAS)
    known = declared_of(names, features=features)
    family = {one.name: str(one.family) for one in known} | {BIAS: BIAS}
    return contributions.T.groupby(family, sort=False).sum().T


def check_contributions(contributions: object, values: object = None) -> None:
    """Refuse what is no table of SHAP values, and values of other rows beside it.

    Raises
    ------
    InputError
    """
    if not isinstance(contributions, pd.DataFrame) or BIAS not in contributions:
        raise InputError(
            f"contributions: expected what churnml.explain(model, features) returns, with the "
            f"column '{BIAS}'; got {type(contributions).__name__} without it."
        )
    if values is not None:
        arguments.aligned(values, contributions.index, what="values", to="contributions")


def declared_of(names: Iterable[str], *, features: Sequence[Feature]) -> list[Feature]:
    """What the catalogue says of each of these names.

    Raises
    ------
    InputError
        If it does not know one.
    """
    known = {feature.name: feature for feature in features}
    if absent := [name for name in names if name not in known]:
        raise InputError(
            f"The catalogue of {len(known)} features lacks {len(absent)} that the model reads, "
            f"such as {', '.join(absent[:3])}. Give that of the training: examples.catalogue."
        )
    return [known[name] for name in names]
