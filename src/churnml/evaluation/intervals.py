"""Intervals by bootstrap over customers: a customer is drawn with all rows, never a row alone."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import pandas as pd
from scipy.special import ndtr, stdtrit

from churnml.alerting.queue import Floats, Integers
from churnml.errors import InputError
from churnml.evaluation.rows import row_table

#: From the drawn customers and the dice of the resample to named figures.
Statistic: TypeAlias = Callable[[Integers, np.random.Generator], dict[str, float]]

CONFIDENCE = 0.95
#: Below this share of resamples in which a figure exists, its interval says nothing.
ENOUGH = 0.5


def bootstrap(
    statistic: Statistic, *, n_customers: int, resamples: int, seed: int
) -> dict[str, Floats]:
    """The figures of every resample.

    Each resample draws as many customers as there are, with replacement; one drawn twice counts
    as two customers.

    Returns
    -------
    dict of arrays of float, shape (resamples,)
        NaN where a resample does not have the figure.
    """
    rng = np.random.default_rng(seed)
    figures = [statistic(rng.integers(0, n_customers, n_customers), rng) for _ in range(resamples)]
    names = figures[0] if figures else {}
    return {name: np.array([one[name] for one in figures]) for name in names}


def percentile_interval(
    values: Floats, *, confidence: float = CONFIDENCE, people: int | None = None
) -> tuple[float, float] | None:
    """The middle share of the resampled values; None if too few resamples have one.

    Parameters
    ----------
    values : array of float
    confidence : float
    people : int, optional
        How many people carry the figure. Resamples of n vary less than samples of n do, and their
        spread is itself uncertain: the interval is widened as Student's t is wider than the normal
        distribution [2]_. One alone is taken for two, which gives all resampled values.

    References
    ----------
    .. [1] B. Efron, R. Tibshirani, *An Introduction to the Bootstrap*, 1993, ch. 13.
    .. [2] T. C. Hesterberg, *What Teachers Should Know About the Bootstrap*, The American
       Statistician 69, 2015, 4.2 (expanded percentile interval).
    """
    known = values[np.isfinite(values)]
    if len(known) == 0 or len(known) < ENOUGH * len(values):
        return None
    tail = (1 - confidence) / 2
    if people is not None:
        tail = _expanded(tail, max(people, 2))
    low, high = np.quantile(known, [tail, 1 - tail])
    return float(low), float(high)


def _expanded(tail: float, people: int) -> float:
    """The normal tail beyond the quantile of Student's t, widened by the bias of the spread."""
    return float(ndtr(math.sqrt(people / (people - 1)) * stdtrit(people - 1, tail)))


@dataclass(frozen=True, slots=True)
class PairedDifference:
    """How much better one score ranks than another on the same rows.

    Parameters
    ----------
    champion, challenger : float
        Their average precision.
    mean : float
        Challenger minus champion.
    standard_error : float
        Of the difference, over resampled customers.
    lower, upper : float
        One-sided lower and upper bound of the difference.
    confidence : float
        Of each bound.
    """

    champion: float
    challenger: float
    mean: float
    standard_error: float
    lower: float
    upper: float
    confidence: float

    def not_worse_by(self, margin: float) -> bool:
        """Whether the bound lies above minus that share of the champion's value.

        False where the data are too few for a bound.
        """
        return bool(self.lower > -margin * self.champion)


def paired_difference(
    champion: pd.DataFrame,
    challenger: pd.DataFrame,
    labels: pd.Series,
    *,
    confidence: float = 0.90,
    resamples: int = 1000,
    seed: int = 0,
) -> PairedDifference:
    """The difference in average precision on the same rows, with a one-sided bound.

    Both are measured in every resample of customers, so what makes a resample easy or hard for
    both cancels.

    Parameters
    ----------
    champion, challenger : DataFrame
        customer_id, as_of, score or probability; the same rows in the same order.
    labels : Series of str, shape (n_rows,)
        churned, stayed, left_early, unknown.
    confidence : float
        Of the one-sided bound.
    resamples, seed : int

    Returns
    -------
    PairedDifference
        NaN where there are no positives or no negatives.

    Raises
    ------
    InputError
        If the rows differ.
    """
    for column in ("customer_id", "as_of"):
        if not np.array_equal(champion[column].to_numpy(), challenger[column].to_numpy()):
            raise InputError(
                f"champion and challenger differ in {column}; score the same rows, same order."
            )
    both = [row_table(scores, labels) for scores in (champion, challenger)]
    if both[0].n_unscored or both[1].n_unscored:
        raise InputError("champion and challenger must score every row that has a label.")
    n_customers = both[0].row_counts.shape[1]

    def precision(drawn: Integers, _: np.random.Generator) -> dict[str, float]:
        weights = np.bincount(drawn, minlength=n_customers).astype(np.float64)
        old, new = (table.strict.figures(weights)[0] for table in both)
        return {"difference": new - old}

    old, new = (table.strict.figures(np.ones(n_customers))[0] for table in both)
    drawn = bootstrap(precision, n_customers=n_customers, resamples=resamples, seed=seed)
    known = drawn["difference"][np.isfinite(drawn["difference"])]
    enough = len(known) >= max(2, ENOUGH * resamples)
    return PairedDifference(
        champion=old,
        challenger=new,
        mean=new - old,
        standard_error=float(known.std(ddof=1)) if enough else math.nan,
        lower=float(np.quantile(known, 1 - confidence)) if enough else math.nan,
        upper=float(np.quantile(known, confidence)) if enough else math.nan,
        confidence=confidence,
    )
