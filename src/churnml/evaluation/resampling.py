"""Sums by customer, and the same sums under resamples of customers: ratios get their intervals."""

from __future__ import annotations

import numpy as np
import pandas as pd

from churnml.alerting.queue import Floats
from churnml.evaluation.intervals import percentile_interval

RESAMPLES = 500


def customer_sums(rows: pd.DataFrame) -> Floats:
    """Sums of every column over the rows of each customer, shape (n_customers, n_columns).

    Parameters
    ----------
    rows : DataFrame of numbers indexed by (customer_id, as_of)
    """
    totals = rows.groupby(level="customer_id", sort=True).sum()
    return np.asarray(totals.to_numpy(dtype=np.float64))


def resampled_totals(sums: Floats, *, resamples: int = RESAMPLES, seed: int = 0) -> Floats:
    """Totals of every column when customers are drawn with replacement.

    Parameters
    ----------
    sums : ndarray, shape (n_customers, n_columns)

    Returns
    -------
    ndarray, shape (resamples, n_columns)
    """
    rng, people = np.random.default_rng(seed), len(sums)
    totals = np.empty((resamples, sums.shape[1]))
    for number in range(resamples):
        weights = np.bincount(rng.integers(0, people, people), minlength=people)
        # Not a matrix product: that would start threads, and its rounding depends on their number.
        totals[number] = np.einsum("i,ij->j", weights.astype(np.float64), sums)
    return totals


def ratio_interval(part: Floats, whole: Floats) -> tuple[float, float] | None:
    """The 95% interval of a ratio of two totals over the resamples in which it exists."""
    ratio = np.full(len(part), np.nan)
    known = whole > 0
    ratio[known] = part[known] / whole[known]
    return percentile_interval(ratio)
