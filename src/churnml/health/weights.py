"""Weights of the health groups learned from outcomes, to be shown beside the hand-set ones."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from churnml.health.preset import Preset
from churnml.health.score import group_risks

#: Pulls weights of groups that hardly differ towards each other; small against any real signal.
_RIDGE = 1e-3

Floats = npt.NDArray[np.float64]


def learn_weights(
    features: pd.DataFrame, churned: npt.NDArray[np.bool_], preset: Preset
) -> dict[str, float]:
    """Weights of a logistic regression on the groups' risks, none below zero.

    A group whose illness does not go with leaving gets 0: a health score must not reward an
    illness. Scaled to the sum of the hand-set weights, so that both can be read side by side. An
    unknown risk counts as the mean of its group. Fit it on the training rows of a fold only.

    Parameters
    ----------
    features : DataFrame indexed by (customer_id, as_of), shape (n_rows, n_features)
    churned : array of bool, shape (n_rows,)
    preset : Preset

    Returns
    -------
    dict of float by group
        The hand-set weights if one class is missing or no group goes with leaving.
    """
    hand_set = preset.weights
    risks = group_risks(features, preset)
    if churned.all() or not churned.any():
        return hand_set
    means = risks.mean()
    known = risks.columns[means.notna()]
    matrix = risks[known].where(risks[known].notna(), means[known], axis=1).to_numpy()
    slopes = pd.Series(_non_negative_logistic(matrix, churned.astype(np.float64)), index=known)
    if slopes.sum() <= 0:
        return hand_set
    scaled = slopes * (sum(hand_set.values()) / slopes.sum())
    return {name: float(scaled.get(name, 0.0)) for name in hand_set}


def _non_negative_logistic(matrix: Floats, target: Floats) -> Floats:
    """Slopes of a logistic regression, each zero or more."""
    from scipy.optimize import minimize

    def loss(point: Floats) -> tuple[float, Floats]:
        margin = matrix @ point[:-1] + point[-1]
        wrong = 1.0 / (1.0 + np.exp(-margin)) - target
        cost = np.mean(np.logaddexp(0.0, margin) - target * margin)
        slope = matrix.T @ wrong / len(target) + _RIDGE * point[:-1]
        return cost + _RIDGE / 2 * point[:-1] @ point[:-1], np.append(slope, wrong.mean())

    start = np.append(np.zeros(matrix.shape[1]), np.log(target.mean() / (1 - target.mean())))
    bounds = [(0.0, None)] * matrix.shape[1] + [(None, None)]
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds)
    return np.asarray(found.x[:-1])
