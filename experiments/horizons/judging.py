"""How true a weekly curve is: log loss, Brier, calibration and ranking, with paired intervals."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score, roc_auc_score

from churnml.evaluation.intervals import paired_difference
from churnml.evaluation.resampling import customer_sums, resampled_totals
from churnml.labels import CHURNED
from churnml.model.horizons import SHOWN_WEEKS, exit_day_quantiles, week_outcomes
from churnml.windows import LabelWindow

SHIPPED = "second_stage"
_EDGE = 1e-6


def judge(
    score: pd.Series,
    curves: dict[str, np.ndarray],
    labels: pd.Series,
    exits: pd.DataFrame,
    *,
    window: LabelWindow,
    known: pd.Timestamp,
) -> dict[str, object]:
    """Figures of every curve on the same rows, and paired differences to the shipped one."""
    outcomes = week_outcomes(exits, known=known, delay_days=window.delay_days)
    closed, left = outcomes.closed[:, :SHOWN_WEEKS], outcomes.left[:, :SHOWN_WEEKS]
    churned = (labels == CHURNED).to_numpy()
    inside = slice(window.lead_days // 7, window.end_days // 7)
    losses = {name: _log_loss(curve[:, :SHOWN_WEEKS], left) for name, curve in curves.items()}
    found: dict[str, object] = {
        "rows": len(score),
        "exits_by_week": left.sum(axis=0).tolist(),
        "average_precision_of_the_score": average_precision_score(churned, score),
        "log_loss_of_the_base_rates": _mean(_base_loss(closed, left), closed),
    }
    for name, curve in curves.items():
        shown = curve[:, :SHOWN_WEEKS]
        implied = pd.Series(curve[:, inside].sum(axis=1), index=score.index)
        found[name] = {
            "log_loss": _mean(losses[name], closed),
            "brier": _mean((shown - left) ** 2, closed),
            "integrated_brier": _integrated(curve, outcomes),
            "auc": _auc(shown, closed, left),
            "observed_over_expected": (
                (left.sum(axis=0) / np.where(closed, shown, 0).sum(axis=0)).round(3).tolist()
            ),
            "average_precision": average_precision_score(churned, implied),
            "disagreement": float(np.abs(implied - score).max()),
            "log_loss_minus_shipped": _difference(losses[name], losses[SHIPPED], closed, score),
            "average_precision_minus_score": _ranking(score, implied, labels),
        }
    found["quarters_reached"] = _quarters(curves[SHIPPED], score, exits, outcomes.closed)
    return found


def _log_loss(curve: np.ndarray, left: np.ndarray) -> np.ndarray:
    inside = np.clip(curve, _EDGE, 1 - _EDGE)
    return -np.where(left, np.log(inside), np.log1p(-inside))


def _base_loss(closed: np.ndarray, left: np.ndarray) -> np.ndarray:
    rates = left.sum(axis=0) / closed.sum(axis=0)
    return _log_loss(np.broadcast_to(rates, left.shape), left)


def _mean(values: np.ndarray, closed: np.ndarray) -> float:
    """Mean over weeks of the mean over rows whose week is closed."""
    return float((np.where(closed, values, 0).sum(axis=0) / closed.sum(axis=0)).mean())


def _integrated(curve: np.ndarray, outcomes: object) -> float:
    """Brier score of having left by the end of each of twelve weeks, mean over the weeks."""
    closed = outcomes.closed
    gone = np.cumsum(outcomes.left, axis=1) > 0
    errors = (np.cumsum(curve, axis=1) - gone) ** 2
    return float(np.mean([errors[closed[:, k], k].mean() for k in range(curve.shape[1])]))


def _auc(curve: np.ndarray, closed: np.ndarray, left: np.ndarray) -> float:
    weeks = [closed[:, week] for week in range(curve.shape[1])]
    return float(
        np.mean([roc_auc_score(left[rows, k], curve[rows, k]) for k, rows in enumerate(weeks)])
    )


def _difference(
    other: np.ndarray, shipped: np.ndarray, closed: np.ndarray, score: pd.Series
) -> list[float]:
    """Mean difference in log loss over row-weeks with its 95 % interval by customer."""
    gap = np.where(closed, other - shipped, 0).sum(axis=1)
    rows = pd.DataFrame({"gap": gap, "weeks": closed.sum(axis=1)}, index=score.index)
    sums = customer_sums(rows)
    totals = resampled_totals(sums, resamples=1000, seed=0)
    low, high = np.quantile(totals[:, 0] / totals[:, 1], [0.025, 0.975])
    return [float(sums[:, 0].sum() / sums[:, 1].sum()), float(low), float(high)]


def _ranking(score: pd.Series, implied: pd.Series, labels: pd.Series) -> list[float]:
    """Difference in average precision on the label window, with a 95 % interval by customer."""
    frames = [one.rename("score").reset_index() for one in (score, implied)]
    found = paired_difference(*frames, labels.reset_index(drop=True), resamples=500)
    half = 1.96 * found.standard_error
    return [found.mean, found.mean - half, found.mean + half]


def _quarters(
    curve: np.ndarray, score: pd.Series, exits: pd.DataFrame, closed: np.ndarray
) -> dict[str, float]:
    """Share of the exits within 84 days that came before each quarter; 0.25, 0.5, 0.75 is true."""
    notice = exits["notice_days"].to_numpy(dtype=float)
    rows = closed.all(axis=1) & (notice < 84)
    quarters = exit_day_quantiles(pd.DataFrame(curve, index=score.index))[rows]
    return {name: float((notice[rows] < days).mean()) for name, days in quarters.items()}
