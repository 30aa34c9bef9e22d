"""How much more often snapshots of one kind are followed by an exit, with robust intervals.

A customer's snapshots are not independent: variances are sums over customers (linearised), never
over rows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import norm

from churnml.alerting.queue import Floats, Integers

Flags = npt.NDArray[np.bool_]
_NORMAL = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What became of labelled snapshots, by customer.

    Parameters
    ----------
    exits : array of bool, shape (n_rows,)
    customer : array of int, shape (n_rows,)
        Number of the customer, from 0 without gaps.
    """

    exits: Flags
    customer: Integers

    @property
    def n_customers(self) -> int:
        """Number of customers."""
        return int(self.customer.max()) + 1 if len(self.customer) else 0

    def per_customer(self, rows: Flags) -> Floats:
        """How many of these rows each customer has."""
        return np.bincount(self.customer[rows], minlength=self.n_customers).astype(np.float64)


@dataclass(frozen=True, slots=True)
class RelativeRisk:
    """Share of exits among the snapshots that fulfil a condition against that among the others.

    Parameters
    ----------
    value, low, high : float
        The ratio and its 95% interval; NaN where one side has no exit.
    p_value : float
        That the ratio is 1 or less, one-sided.
    share, share_of_others : float
        Snapshots followed by an exit, among those that fulfil the condition and among the others.
    customers, leavers : int
        People who fulfil the condition at some snapshot, and those of them with an exit after one.
    rows : int
        Snapshots that fulfil the condition.
    """

    value: float
    low: float
    high: float
    p_value: float
    share: float
    share_of_others: float
    customers: int
    leavers: int
    rows: int


def relative_risk(outcomes: Outcomes, inside: Flags) -> RelativeRisk:
    """The relative risk of the snapshots inside, robust to what one customer has in common.

    The variance of the logarithm of a ratio of ratios is that of the sum of its linear terms over
    customers, times n / (n - 1).

    References
    ----------
    .. [1] D. A. Binder, "On the variances of asymptotically normal estimators from complex
       surveys", International Statistical Review 51(3), 1983.
    """
    exits = outcomes.exits
    rows = [outcomes.per_customer(inside), outcomes.per_customer(~inside)]
    hits = [outcomes.per_customer(inside & exits), outcomes.per_customer(~inside & exits)]
    shares = [_share(part.sum(), whole.sum()) for part, whole in zip(hits, rows, strict=True)]
    if all(part.sum() for part in hits):
        terms = (hits[0] - shares[0] * rows[0]) / hits[0].sum()
        terms -= (hits[1] - shares[1] * rows[1]) / hits[1].sum()
        n = len(terms)
        error = float(np.sqrt((terms**2).sum() * n / max(n - 1, 1)))
        logarithm = float(np.log(shares[0] / shares[1]))
    else:
        error = logarithm = math.nan
    return RelativeRisk(
        value=math.exp(logarithm),
        low=math.exp(logarithm - _NORMAL * error),
        high=math.exp(logarithm + _NORMAL * error),
        p_value=float(norm.sf(logarithm / error)) if error > 0 else 1.0,
        share=shares[0],
        share_of_others=shares[1],
        customers=int(np.count_nonzero(rows[0])),
        leavers=int(np.count_nonzero(hits[0])),
        rows=int(rows[0].sum()),
    )


def benjamini_hochberg(p_values: Floats, *, rate: float) -> Flags:
    """Which hypotheses are rejected, so that the expected share of false ones is at most the rate.

    References
    ----------
    .. [1] Y. Benjamini, Y. Hochberg, "Controlling the false discovery rate", Journal of the Royal
       Statistical Society B 57(1), 1995.

    Examples
    --------
    >>> benjamini_hochberg(np.array([0.001, 0.04, 0.03, 0.5]), rate=0.05).tolist()
    [True, False, False, False]
    """
    order = np.argsort(p_values, kind="stable")
    allowed = rate * np.arange(1, len(order) + 1) / max(len(order), 1)
    below = np.flatnonzero(p_values[order] <= allowed)
    rejected = np.zeros(len(order), dtype=bool)
    rejected[order[: below[-1] + 1 if len(below) else 0]] = True
    return rejected


def _share(part: float, whole: float) -> float:
    return float(part / whole) if whole else np.nan
