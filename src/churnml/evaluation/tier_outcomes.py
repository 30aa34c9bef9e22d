"""What became of the customers of each tier: how many left in the label window, with intervals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from churnml.alerting.grid import Flags
from churnml.alerting.queue import Floats
from churnml.alerting.tiers import TIERS, tiers
from churnml.config import Tiers
from churnml.evaluation.bands import with_exact_bound
from churnml.evaluation.resampling import customer_sums, ratio_interval, resampled_totals
from churnml.labels import CHURNED, UNKNOWN

ROWS, LEFT = PARTS = ("rows", "left")


def tier_outcomes(
    probability: pd.Series, labels: pd.Series, choice: Tiers, *, seed: int
) -> tuple[Mapping[str, Any], ...]:
    """One record for each tier: rows, people, those who left in the window, and the share.

    Parameters
    ----------
    probability : Series of float indexed by (customer_id, as_of)
        Out-of-time scores of everyone at risk: tiers by capacity are shares of all of them.
    labels : Series of str, aligned with ``probability``
        ``unknown`` rows take their place in the tiers and are not counted.
    choice : Tiers
    seed : int
        Of the order of equal probabilities, and of the resamples.

    Returns
    -------
    tuple of dict
        ``tier``, ``rows``, ``customers``, ``left`` (rows), ``customers_left``, ``share`` (None
        without rows), ``interval`` (95%, by bootstrap over customers), the highest tier first.
    """
    named = tiers(probability.reset_index(name="probability"), choice, seed=seed).to_numpy()
    known, left = (labels != UNKNOWN).to_numpy(), (labels == CHURNED).to_numpy()
    people = probability.index.get_level_values("customer_id").to_numpy()
    inside = {tier: known & (named == tier) for tier in TIERS}
    rows = pd.DataFrame(
        {(tier, part): inside[tier] & (left | (part == ROWS)) for tier in TIERS for part in PARTS},
        index=probability.index,
    ).astype("float64")
    totals = resampled_totals(customer_sums(rows), seed=seed)
    return tuple(
        _outcome(tier, inside[tier], left, people, totals[:, 2 * number : 2 * number + 2])
        for number, tier in enumerate(TIERS)
    )


def _outcome(
    tier: str, inside: Flags, left: Flags, people: npt.NDArray[Any], totals: Floats
) -> Mapping[str, Any]:
    """The record of one tier; ``totals`` are its resampled rows and those that left."""
    gone = inside & left
    rows, customers = int(inside.sum()), len(np.unique(people[inside]))
    share = float(gone.sum() / rows) if rows else None
    band = ratio_interval(totals[:, 1], totals[:, 0])
    if band is not None and share is not None:
        band = with_exact_bound(band, share, seen=customers)
    return {
        "tier": tier,
        "rows": rows,
        "customers": customers,
        "left": int(gone.sum()),
        "customers_left": len(np.unique(people[gone])),
        "share": share,
        "interval": band,
    }
