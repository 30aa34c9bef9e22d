"""The operating threshold: the score that flagged a given share of earlier rows."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from churnml.alerting.queue import Policy, instants, require, score_column
from churnml.errors import InputError


def operating_threshold(scores: pd.Series, *, q: float) -> float:
    """The lowest score among the top share q of these rows, rounded up to whole rows.

    Parameters
    ----------
    scores : Series of float
        Scores of earlier rows; missing ones are left out.
    q : float
        Share of rows to flag.

    Returns
    -------
    float
        Rows at or above it are flagged; equal scores are flagged together.

    Raises
    ------
    InputError
        If there is no score.

    Examples
    --------
    >>> operating_threshold(pd.Series([0.1, 0.9, 0.5, 0.7]), q=0.5)
    0.7
    """
    known = scores.dropna().to_numpy(dtype=np.float64)
    if len(known) == 0:
        raise InputError("There is no score to take a threshold from; give at least one row.")
    rank = Policy(q=q).load(len(known))
    return float(np.partition(known, len(known) - rank)[len(known) - rank])


def forward_flags(scores: pd.DataFrame, *, q: float) -> pd.Series:
    """Rows at or above the threshold of all earlier as_ofs of the same scores.

    For score files without earlier folds. The first as_of has nothing earlier and takes its own
    threshold; a threshold reads scores, never labels.

    Parameters
    ----------
    scores : DataFrame
        customer_id, as_of, score or probability.
    q : float

    Returns
    -------
    Series of bool, shape (n_rows,), aligned with ``scores``
    """
    require(scores, ("as_of",), what="scores")
    values = score_column(scores)
    times = instants(scores["as_of"], what="scores.as_of")
    thresholds, seen = {}, pd.Series(dtype=float)
    for time, line in values.groupby(times, sort=True):
        seen = line if seen.empty else seen
        thresholds[time] = operating_threshold(seen, q=q) if seen.notna().any() else math.inf
        seen = line if seen is line else pd.concat([seen, line])
    return values >= times.map(thresholds)
