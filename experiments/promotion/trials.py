"""Repeated comparisons: how often an equal or a worse challenger is promoted."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score

from churnml.config import Promotion
from churnml.evaluation.intervals import paired_difference
from churnml.evaluation.promotion import Comparison, judge

RULE = Promotion()
Drawn = tuple[pd.DataFrame, pd.DataFrame, pd.Series]  # champion, challenger, labels


def trial(drawn: Drawn, *, seed: int, resamples: int) -> dict[str, Any]:
    """The verdict of the monthly run on one panel."""
    champion, challenger, labels = drawn
    found = paired_difference(
        champion, challenger, labels, confidence=RULE.confidence, resamples=resamples, seed=seed
    )
    keyed = labels.set_axis(pd.MultiIndex.from_frame(champion[["customer_id", "as_of"]]))
    verdict = judge(Comparison.of(found, keyed, margin=RULE.margin))
    return {
        "promoted": verdict.promoted,
        "too_little": "too little data" in verdict.reason,
        "relative_error": found.standard_error / found.champion,
        "relative_difference": found.mean / found.champion,
        "leavers": verdict.comparison.leavers if verdict.comparison else 0,
    }


def summary(trials: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Share promoted and refused, the mean standard error and difference, over the trials."""
    table = pd.DataFrame(list(trials))
    return {
        "trials": len(table),
        "promoted": float(table["promoted"].mean()),
        "refused": float(1 - table["promoted"].mean()),
        "too_little_data": float(table["too_little"].mean()),
        "relative_standard_error": float(table["relative_error"].mean()),
        "spread_of_difference": float(table["relative_difference"].std(ddof=1)),
        "mean_difference": float(table["relative_difference"].mean()),
        "leavers": float(table["leavers"].mean()),
    }


def blur_for(
    loss: float, *, precision: Callable[[float], float], highest: float, steps: int = 14
) -> float:
    """The own noise at which average precision is lower by this share, by bisection."""
    if loss == 0:
        return 0.0
    target, low, high = (1 - loss) * precision(0.0), 0.0, highest
    for _ in range(steps):
        middle = (low + high) / 2
        low, high = (middle, high) if precision(middle) > target else (low, middle)
    return (low + high) / 2


def average_precision(labels: pd.Series, scores: pd.Series) -> float:
    """Average precision of rows with a known label."""
    known = (labels != "unknown").to_numpy()
    churned = (labels == "churned").to_numpy()[known]
    return float(average_precision_score(churned, np.asarray(scores)[known]))
