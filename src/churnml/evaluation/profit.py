"""What contacting the highest scores earns: maximum profit, expected maximum profit, the curve.

A contacted leaver accepts the incentive with some chance and stays; a contacted stayer takes it for
nothing; every contact costs. The profit is that of contacting against contacting nobody.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import betainc

from churnml.alerting.queue import Floats, Integers
from churnml.errors import InputError

#: Points by which the hull is outlined first, so that all below the outline can be dropped.
_OUTLINE = 100


@dataclass(frozen=True, slots=True)
class Offer:
    """Terms of a contact with an incentive.

    A customer is worth ``years`` of its annual revenue.

    Parameters
    ----------
    accept_alpha, accept_beta : float
        The chance that a leaver accepts and stays is Beta distributed with these.
    incentive_fraction : float
        What the incentive costs, as a share of the customer's value.
    contact_cost : float
        What a contact costs, in the currency of the revenue.
    years : float

    Examples
    --------
    >>> Offer(6, 14, 0.05, 15).gains(np.array([True, False]), np.array([1000.0, 1000.0])).tolist()
    [270.0, -65.0]
    """

    accept_alpha: float
    accept_beta: float
    incentive_fraction: float
    contact_cost: float
    years: float = 1.0

    @property
    def accept_rate(self) -> float:
        """The mean chance that a leaver accepts."""
        return self.accept_alpha / (self.accept_alpha + self.accept_beta)

    def gains(self, leaving: npt.NDArray[np.bool_], revenue: Floats) -> Floats:
        """The profit of contacting each customer: a leaver in time, or anybody else."""
        value = self.years * revenue
        kept = self.accept_rate * (1 - self.incentive_fraction) * value
        return np.where(leaving, kept, -self.incentive_fraction * value) - self.contact_cost


@dataclass(frozen=True, slots=True)
class Optimum:
    """The best profit per customer of the whole base, and the share of it to contact for that."""

    profit: float
    share: float


@dataclass(frozen=True, slots=True)
class Contacts:
    """Rows by falling score; equal scores are contacted together or not at all.

    Parameters
    ----------
    order : array of int, shape (n_rows,)
    ends : array of int, shape (n_steps + 1,)
        Number of rows contacted at each step, from nobody to everybody.
    """

    order: Integers
    ends: Integers

    @classmethod
    def of(cls, scores: Floats) -> Contacts:
        """The steps of scores.

        Raises
        ------
        InputError
            If there is no score, or one is missing.
        """
        if len(scores) == 0 or np.isnan(scores).any():
            raise InputError(
                f"{len(scores)} scores, {int(np.isnan(scores).sum())} of them missing; profit "
                "needs at least one score and a score for every row."
            )
        order = np.argsort(-scores, kind="stable")
        last = np.append(np.diff(scores[order]) != 0, True)
        return cls(order, np.append(0, np.flatnonzero(last) + 1))

    def running(self, values: Floats) -> Floats:
        """Sum of the values over the rows contacted at each step."""
        sums: Floats = np.append(0.0, np.cumsum(values[self.order]))[self.ends]
        return sums


def empirical_profit(contacts: Contacts, gains: Floats, weights: Floats) -> Optimum:
    """EMPB: the best profit per customer when every customer has a value of its own.

    Parameters
    ----------
    gains : array of float, shape (n_rows,)
        Profit of contacting each row (``Offer.gains``).
    weights : array of float, shape (n_rows,)
        How often each row counts; the multiplicities of a bootstrap.

    References
    ----------
    .. [1] B. Janssens, M. Bogaert, A. Bagué, D. Van den Poel, "B2Boost: instance-dependent
       profit-driven modelling of B2B churn", Annals of Operations Research, 2022.
    """
    profits = contacts.running(gains * weights)
    return _at(int(np.argmax(profits)), profits, contacts.running(weights))


def maximum_profit(
    contacts: Contacts,
    leaving: Floats,
    weights: Floats,
    *,
    clv: float,
    incentive_cost: float,
    contact_cost: float,
    accept_rate: float,
) -> Optimum:
    """MPC: the best profit per customer when all have one value and one chance to accept.

    References
    ----------
    .. [1] T. Verbraken, W. Verbeke, B. Baesens, "A novel profit maximizing metric for measuring
       classification performance of customer churn prediction models", IEEE TKDE 25(5), 2013.
    """
    won = accept_rate * (clv - incentive_cost) - contact_cost
    gains = np.where(leaving > 0, won, -incentive_cost - contact_cost)
    return empirical_profit(contacts, gains, weights)


def expected_maximum_profit(
    contacts: Contacts,
    leaving: Floats,
    weights: Floats,
    *,
    clv: float,
    incentive_cost: float,
    contact_cost: float,
    accept_alpha: float,
    accept_beta: float,
) -> Optimum:
    """EMPC: the best profit per customer, expected over a Beta distributed chance to accept.

    For each chance the best step is one of the upper hull of the ROC curve; between two chances at
    which it changes the profit is linear in the chance, so the integral is exact.

    References
    ----------
    .. [1] T. Verbraken, W. Verbeke, B. Baesens, IEEE TKDE 25(5), 2013, eq. 8.
    """
    hits = contacts.running(leaving * weights)
    everyone = contacts.running(weights)
    misses = everyone - hits
    corners = hull(misses, hits)
    hits, misses = hits[corners], misses[corners]
    slopes = (clv - incentive_cost) * hits
    levels = -contact_cost * hits - (incentive_cost + contact_cost) * misses
    # Of two neighbouring steps the later one is better from this chance on; without a further
    # leaver it never is.
    rise = np.diff(slopes)
    cuts = np.where(rise > 0, -np.diff(levels) / np.where(rise > 0, rise, 1.0), 1.0)
    cuts = np.maximum.accumulate(np.clip(np.concatenate(([0.0], cuts, [1.0])), 0.0, 1.0))
    mass = np.diff(betainc(accept_alpha, accept_beta, cuts))
    mean = accept_alpha / (accept_alpha + accept_beta)
    moment = mean * np.diff(betainc(accept_alpha + 1, accept_beta, cuts))
    total = everyone[-1]
    return Optimum(
        float((levels * mass + slopes * moment).sum() / total),
        float(((hits + misses) * mass).sum() / total),
    )


def hull(x: Floats, y: Floats) -> Integers:
    """Corners of the upper hull of points that rise in both coordinates, from first to last.

    Examples
    --------
    >>> hull(np.array([0.0, 1.0, 2.0, 3.0]), np.array([0.0, 2.0, 2.5, 5.0])).tolist()
    [0, 1, 3]
    """
    points = np.arange(len(x))
    for _ in range(2):
        outline = points[np.unique(np.linspace(0, len(points) - 1, _OUTLINE).astype(np.int64))]
        outline = _chain(x, y, outline)
        below = y[points] < np.interp(x[points], x[outline], y[outline])
        points = points[~below | np.isin(points, outline)]
    return _chain(x, y, points)


def _chain(x: Floats, y: Floats, points: Integers) -> Integers:
    """Andrew's monotone chain over some of the points."""
    kept: list[int] = []
    for point in points.tolist():
        while len(kept) > 1:
            first, second = kept[-2], kept[-1]
            left = (x[second] - x[first]) * (y[point] - y[first])
            if left < (y[second] - y[first]) * (x[point] - x[first]):
                break
            kept.pop()
        kept.append(point)
    return np.array(kept, dtype=np.int64)


def _at(step: int, profits: Floats, contacted: Floats) -> Optimum:
    everyone = contacted[-1]
    if everyone == 0:
        return Optimum(np.nan, np.nan)
    return Optimum(float(profits[step] / everyone), float(contacted[step] / everyone))
