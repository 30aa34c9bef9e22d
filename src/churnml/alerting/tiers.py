"""Tiers of risk, value at risk, and the order in which a team should call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from churnml.alerting.grid import tie_breakers
from churnml.alerting.policy import share_of
from churnml.config import Tiers

TIERS = ("critical", "high", "medium", "low")
LOWEST = TIERS[-1]
#: Hours until somebody must have acted; the lowest tier is only watched.
SLA_HOURS: Mapping[str, int] = {"critical": 24, "high": 48, "medium": 168}

#: Multipliers of the sources; they move the priority, never the probability.
NO_LOGIN_DAYS, NO_LOGIN_FACTOR = 30, 1.5
OPEN_TICKET_DAYS, OPEN_TICKET_FACTOR = 7, 1.3
MIDDLE = 0.5


def tiers(scores: pd.DataFrame, choice: Tiers, *, seed: int = 0) -> pd.Series:
    """The tier of each row, by the capacity of the team or by probability.

    Parameters
    ----------
    scores : DataFrame
        customer_id, as_of, probability.
    choice : Tiers
    seed : int
        Of the hash of customer_id that orders equal probabilities.

    Returns
    -------
    Series of str, aligned with ``scores``
        critical, high, medium, low; None where there is no probability.
    """
    if choice.by == "probability":
        return by_probability(scores["probability"], cuts=choice.cuts)
    return by_capacity(scores, shares=choice.shares, seed=seed)


def by_probability(probability: pd.Series, *, cuts: Sequence[float]) -> pd.Series:
    """Critical from the first cut on, high from the second, medium from the third.

    Examples
    --------
    >>> by_probability(pd.Series([0.8, 0.79, 0.3, 0.1]), cuts=(0.8, 0.6, 0.3)).tolist()
    ['critical', 'high', 'medium', 'low']
    """
    above = [(probability >= cut).to_numpy() for cut in cuts]
    return _named(np.select(above, range(len(cuts)), default=len(cuts)), probability)


def by_capacity(scores: pd.DataFrame, *, shares: Sequence[float], seed: int) -> pd.Series:
    """The first share of the highest of each as_of is critical, the next high, the next medium.

    Shares are counted from the top, each bound rounded up to whole customers.
    """
    customers = pd.Index(scores["customer_id"].astype(str).unique()).sort_values()
    ties = pd.Series(tie_breakers(customers, seed=seed), index=customers)
    order = pd.DataFrame(
        {
            "as_of": scores["as_of"].to_numpy(),
            "probability": scores["probability"].to_numpy(dtype=float),
            "tie": ties.loc[scores["customer_id"].astype(str)].to_numpy(),
        }
    ).sort_values(["probability", "tie"], ascending=False, na_position="last")
    place = order.groupby("as_of").cumcount()
    count = order.groupby("as_of")["probability"].transform("count")
    tier = pd.Series(0, index=order.index)
    for share in np.cumsum(shares):
        tier += place >= count.map(lambda customers, share=share: share_of(share, customers))
    return _named(tier.sort_index().to_numpy(), scores["probability"])


def _named(codes: np.ndarray, probability: pd.Series) -> pd.Series:
    names = pd.Series(np.array(TIERS, dtype=object)[codes], index=probability.index, dtype="object")
    return names.where(probability.notna(), None)


def counts(tier: pd.Series) -> dict[str, int]:
    """How many customers fall in each tier."""
    return {name: int((tier == name).sum()) for name in TIERS}


def counts_by_kind(scores: pd.DataFrame, choice: Tiers, *, seed: int = 0) -> dict[str, Any]:
    """How many customers fall in each tier by capacity, and by probability."""
    kinds = [choice.model_copy(update={"by": kind}) for kind in ("capacity", "probability")]
    return {kind.by: counts(tiers(scores, kind, seed=seed)) for kind in kinds}


def priority(
    scores: pd.DataFrame,
    *,
    annual_revenue: pd.Series,
    days_since_login: pd.Series,
    open_ticket_days: pd.Series,
) -> pd.Series:
    """Risk times the rank of the value within the as_of, raised by silence and open problems.

    Times 1.5 if the last login lies over 30 days back, times 1.3 if a ticket has been open for over
    7 days, at most 1. Where nothing is known of the value it counts as middling; an unknown login
    or ticket raises nothing.

    Parameters
    ----------
    scores : DataFrame
        customer_id, as_of, probability.
    annual_revenue, days_since_login, open_ticket_days : Series of float
        Row by row as in ``scores``.

    Returns
    -------
    Series of float in [0, 1], aligned with ``scores``
    """
    as_ofs = scores["as_of"].to_numpy()
    rank = pd.Series(annual_revenue.to_numpy(dtype=float)).groupby(as_ofs).rank(pct=True)
    value = rank.where(rank.notna(), MIDDLE).to_numpy()
    factor = np.where(days_since_login.to_numpy(dtype=float) > NO_LOGIN_DAYS, NO_LOGIN_FACTOR, 1.0)
    late = open_ticket_days.to_numpy(dtype=float) > OPEN_TICKET_DAYS
    factor = factor * np.where(late, OPEN_TICKET_FACTOR, 1.0)
    raised = scores["probability"].to_numpy(dtype=float) * value * factor
    return pd.Series(np.minimum(raised, 1.0), index=scores.index)
