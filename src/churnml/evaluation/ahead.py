"""The weeks ahead out of time: each fold's curve from earlier folds, what it said and what came."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from churnml.evaluation.resampling import customer_sums, ratio_interval, resampled_totals
from churnml.model.horizons import (
    SHOWN_WEEKS,
    WeeksAhead,
    fit_weeks_ahead,
    week_outcomes,
    weeks_needed,
)
from churnml.splits import ForwardFolds
from churnml.windows import LabelWindow


@dataclass(frozen=True)
class ForwardWeeks:
    """Curves of the tested rows, and the curve for scores to come.

    Parameters
    ----------
    curve : DataFrame indexed by (customer_id, as_of), one column for each week
        Of tested rows whose fold had earlier scores to learn from.
    final : WeeksAhead, optional
        Fitted on all out-of-time scores; None where exits are too few.
    by_week : mapping
        ``{"1": {"predicted", "observed", "interval", "rows"}, …, "8": …}``.
    """

    curve: pd.DataFrame
    final: WeeksAhead | None
    by_week: dict[str, dict[str, Any]]


def forward_weeks(
    inner: pd.Series,
    scores: pd.Series,
    fold: pd.Series,
    exits: pd.DataFrame,
    *,
    folds: ForwardFolds,
    observed_until: pd.Timestamp,
    window: LabelWindow,
    seed: int,
) -> ForwardWeeks | None:
    """What the weeks ahead said of rows they had not seen, and what became of these.

    Parameters
    ----------
    inner : Series of float indexed by (customer_id, as_of)
        Scores of the inner block, before the first test; may be empty.
    scores, fold : Series indexed by (customer_id, as_of)
        Probabilities of the tested rows, and the number of their fold from 1 on.
    exits : DataFrame indexed by (customer_id, as_of)
        ``notice_days`` and ``observed_days`` of all snapshots.

    Returns
    -------
    ForwardWeeks, or None where no fold had enough exits before it
    """
    parts, seen = [], inner
    for number, start in enumerate(folds.starts, start=1):
        now = scores[fold == number]
        if len(seen):
            fitted = fit_weeks_ahead(seen, exits.loc[seen.index], known=start, window=window)
            if fitted is not None:
                parts.append(fitted.curve(now))
        seen = pd.concat([seen, now]) if len(seen) else now
    if not parts:
        return None
    curve = pd.concat(parts)
    final = fit_weeks_ahead(seen, exits.loc[seen.index], known=observed_until, window=window)
    rows = exits.loc[curve.index]
    return ForwardWeeks(
        curve,
        final,
        weekly_calibration(curve, rows, known=observed_until, window=window, seed=seed),
    )


def weekly_calibration(
    curve: pd.DataFrame,
    exits: pd.DataFrame,
    *,
    known: pd.Timestamp,
    window: LabelWindow,
    seed: int,
) -> dict[str, dict[str, Any]]:
    """Mean probability and share of exits of each week on the rows whose week is closed.

    Parameters
    ----------
    curve : DataFrame indexed by (customer_id, as_of)
    exits : DataFrame, aligned with ``curve``
    known : Timestamp
        Right edge of the data.

    Returns
    -------
    dict
        By week "1" … "8": ``predicted``, ``observed``, ``interval`` (of what was observed, 95%,
        customers resampled), ``rows``.
    """
    outcomes = week_outcomes(
        exits, known=known, delay_days=window.delay_days, weeks=weeks_needed(window)
    )
    closed = outcomes.closed[:, :SHOWN_WEEKS].astype(np.float64)
    left = outcomes.left[:, :SHOWN_WEEKS].astype(np.float64)
    said = curve.to_numpy(dtype=float)[:, :SHOWN_WEEKS] * closed
    sums = customer_sums(pd.DataFrame(np.hstack([closed, said, left]), index=curve.index))
    totals = resampled_totals(sums, seed=seed)
    whole, found = sums.sum(axis=0), {}
    for week in range(SHOWN_WEEKS):
        rows, predicted, observed = whole[week::SHOWN_WEEKS]
        interval = ratio_interval(totals[:, 2 * SHOWN_WEEKS + week], totals[:, week])
        found[str(week + 1)] = {
            "predicted": float(predicted / rows) if rows else None,
            "observed": float(observed / rows) if rows else None,
            "interval": None if interval is None else list(interval),
            "rows": int(rows),
        }
    return found
