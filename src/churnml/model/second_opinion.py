"""A member beside the learned ones: few signals that are known beforehand to matter.

Hundreds of weights learned from one shop or one cohort mix risk with the time it was learned in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from churnml.model.linear import Linear, fit_linear, fit_slope
from churnml.model.preparation import NO_PURCHASE, Matrix, Preparation

#: Signals of the rank-sum rule, the obvious first; the first seven that the data has are used.
OBVIOUS_SIGNALS: Mapping[str, int] = {
    "days_since_activity": 1,
    "events_own_deviation_4w": -1,
    "key_use_change_28d": -1,
    "missed_tasks_weight": 1,
    "unresolved_ticket_age": 1,
    "tickets_reopened_28d": 1,
    "overdue_days": 1,
    "nps_last": -1,
}
_OBVIOUS_MOST = 7

#: Recency, frequency, money and the chance of no purchase, for silent churn.
PURCHASE_SIGNALS = (
    NO_PURCHASE, "days_since_activity", "activity_silence_in_gaps", "activity_mean_gap_days",
    "purchase_recency_days", "purchase_age_days", "purchase_days_ever", "purchase_days_28d",
    "purchase_days_84d", "purchase_days_182d", "purchase_value_84d", "purchase_value_ever",
)  # fmt: skip

#: Of the variance of the tenure, the part between customers at one as_of: below it, training has
#: seen a single cohort, and what belongs to its calendar cannot be told from what is risk.
ONE_COHORT = 0.1
#: Half and half with everything that was learned from a single cohort.
RULE_SHARE = 0.5


def obvious_signals(features: pd.DataFrame) -> dict[str, int]:
    """The signals of the rank-sum rule that this data has, at most seven, with the sign of risk."""
    known = [name for name in OBVIOUS_SIGNALS if name in features and features[name].notna().any()]
    return {name: OBVIOUS_SIGNALS[name] for name in known[:_OBVIOUS_MOST]}


def second_opinion(
    features: pd.DataFrame,
    matrix: Matrix,
    target: npt.NDArray[np.bool_],
    *,
    preparation: Preparation,
    signals: Mapping[str, int],
    members: int,
    weight: npt.NDArray[np.float64] | None,
) -> tuple[Linear | None, float]:
    """The second opinion and its share in the ensemble; None and 0 where none is called for.

    Silent churn: a regression on the purchase signals, one member more. A single cohort in
    training: the obvious signals with equal weights, half of the whole. Otherwise nothing.

    Parameters
    ----------
    features : DataFrame indexed by (customer_id, as_of)
        The training rows.
    matrix, target : ndarray
        The same rows, prepared.
    signals : mapping of str to int
        Obvious signals with the sign of risk; empty: ``obvious_signals``.
    members : int
        Number of the learned members.
    weight : ndarray, optional
        How much each row counts.
    """
    names = preparation.columns
    if preparation.purchases is not None:
        chosen = [names.index(name) for name in PURCHASE_SIGNALS if name in names]
        linear = fit_linear(matrix, target, columns=chosen, weight=weight)
        return linear, 1.0 / (members + 1)
    if one_cohort(features):
        signs = _signs(names, dict(signals) or obvious_signals(features))
        if signs.any():
            return fit_slope(matrix, target, signs=signs, weight=weight), RULE_SHARE
    return None, 0.0


def one_cohort(features: pd.DataFrame) -> bool:
    """Whether all customers of these rows began at about the same time."""
    if "tenure_days" not in features:
        return False
    tenure = features["tenure_days"]
    spread = tenure.var()
    within = tenure.groupby(level="as_of").transform("mean")
    return bool(spread > 0 and ((tenure - within) ** 2).mean() < ONE_COHORT * spread)


def _signs(names: Sequence[str], signals: Mapping[str, int]) -> npt.NDArray[np.float64]:
    """Sign of each column: the rank of a signal among all customers where there is one."""
    signs = np.zeros(len(names))
    for name, sign in signals.items():
        for column in (f"{name}_percentile", name):
            if column in names:
                signs[names.index(column)] = sign
                break
    return signs
