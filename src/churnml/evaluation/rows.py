"""Figures over rows: how well scores rank the snapshots, how true the probabilities are.

Everything is computed from sums over rows weighted by customer. A weight of one for everybody
gives the figure; the multiplicities of a bootstrap give its resamples, without a second code path.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from churnml import arguments
from churnml.alerting.queue import Floats, Integers, layout, require, score_column
from churnml.errors import InputError
from churnml.evaluation.calibration import Calibration, weighted
from churnml.labels import check_labels
from churnml.spoken import counted

LIFT_SHARE = 0.10
WITHOUT_LEFT_EARLY = "_without_left_early"


@dataclass(frozen=True, slots=True)
class Steps:
    """Rows in an order of falling score, and where the tie of each positive row starts and ends.

    Every figure of the ranking is a sum over positive rows, so a resample costs one running sum
    of weights and a few looks into it.
    """

    customer: Integers
    of_positive: Integers
    starts: Integers
    ends: Integers

    @classmethod
    def of(cls, order: Integers, new: Floats, positive: Floats, customer: Integers) -> Steps:
        """The steps of ordered rows; ``new`` is 1 where a row differs from the one before."""
        first = np.flatnonzero(np.append(1.0, new)) if len(order) else order
        tie = np.searchsorted(first, np.flatnonzero(positive[order]), side="right") - 1
        last = np.append(first[1:], len(order))
        of_positive = customer[order][positive[order] > 0]
        return cls(customer[order], of_positive, first[tie], last[tie])

    def running(self, weights: Floats) -> Floats:
        """Weight of the rows before each row, and of all at the end."""
        return np.concatenate(([0.0], np.cumsum(weights[self.customer])))


@dataclass(frozen=True, slots=True)
class Ranking:
    """Rows by falling score: all that average precision and AUC need."""

    steps: Steps
    first: Integers
    last: Integers

    @classmethod
    def of(cls, scores: Floats, positive: Floats, customer: Integers) -> Ranking:
        """The ranking of rows; equal scores are one step."""
        order = np.argsort(-scores, kind="stable")
        new = (np.diff(scores[order]) != 0).astype(np.float64)
        steps = Steps.of(order, new, positive, customer)
        first = np.searchsorted(steps.starts, steps.starts, side="left")
        last = np.searchsorted(steps.starts, steps.starts, side="right")
        return cls(steps, first, last)

    def figures(self, weights: Floats) -> tuple[float, float]:
        """Average precision and ROC AUC; NaN unless both classes carry weight.

        Average precision is the sum over steps of the gain in recall times the precision after
        the step (not interpolated), AUC the trapezoids under the steps.
        """
        rows = self.steps.running(weights)
        weight = weights[self.steps.of_positive]
        hits = np.concatenate(([0.0], np.cumsum(weight)))
        positives, negatives = hits[-1], rows[-1] - hits[-1]
        if positives == 0 or negatives == 0:
            return math.nan, math.nan
        before, after = rows[self.steps.starts], rows[self.steps.ends]
        hits_before, hits_after = hits[self.first], hits[self.last]
        precision = hits_after / np.maximum(after, 1e-300)
        above = (before - hits_before + after - hits_after) / 2
        return (
            float((weight * precision).sum() / positives),
            float((weight * (negatives - above)).sum() / (positives * negatives)),
        )


@dataclass(frozen=True, slots=True)
class TopTenth:
    """Rows by as_of and falling score: what the top tenth of every as_of holds, pooled."""

    steps: Steps
    edges: Integers
    as_of: Integers

    @classmethod
    def of(cls, scores: Floats, positive: Floats, customer: Integers, as_of: Integers) -> TopTenth:
        """The order within every as_of; equal scores are taken together."""
        order = np.lexsort((-scores, as_of))
        line = as_of[order]
        new = (np.diff(line) != 0) | (np.diff(scores[order]) != 0)
        edges = np.searchsorted(line, np.append(np.unique(line), line.max(initial=0) + 1))
        codes = np.searchsorted(np.unique(line), line[positive[order] > 0])
        steps = Steps.of(order, new.astype(np.float64), positive, customer)
        return cls(steps, edges, codes)

    def lift(self, weights: Floats) -> float:
        """Share of positives in the top tenth of each as_of over the share in all rows.

        The tenth is rounded up to whole rows per as_of. Of a tie that crosses its edge the
        expected share is taken, so the order of the rows plays no part.
        """
        rows = self.steps.running(weights)
        weight = weights[self.steps.of_positive]
        if weight.sum() == 0:
            return math.nan
        tenths = np.ceil(np.round(LIFT_SHARE * np.diff(rows[self.edges]), 9))
        before, after = rows[self.steps.starts], rows[self.steps.ends]
        room = tenths[self.as_of] - (before - rows[self.edges][self.as_of])
        share = np.clip(room / np.maximum(after - before, 1e-300), 0.0, 1.0)
        base_rate = weight.sum() / rows[-1]
        return float((weight * share).sum() / tenths.sum() / base_rate)


@dataclass(frozen=True, slots=True)
class Flags:
    """Hits, false alarms and misses of flagged rows, summed by customer."""

    counts: Floats

    @classmethod
    def of(cls, flags: Floats, positive: Floats, customer: Integers, n_customers: int) -> Flags:
        """The counts per customer: hits, false alarms, misses."""
        parts = (flags * positive, flags * (1 - positive), (1 - flags) * positive)
        return cls(np.stack([np.bincount(customer, part, n_customers) for part in parts]))

    def figures(self, weights: Floats) -> dict[str, float]:
        """Precision, recall and F1; NaN where nothing was flagged or nothing was there."""
        hits, false_alarms, misses = weighted(self.counts, weights)
        return {
            "precision": _ratio(hits, hits + false_alarms),
            "recall": _ratio(hits, hits + misses),
            "f1": _ratio(2 * hits, 2 * hits + false_alarms + misses),
        }


def _ratio(part: float, whole: float) -> float:
    return float(part / whole) if whole > 0 else math.nan


@dataclass(frozen=True, slots=True)
class RowTable:
    """The tested rows with a known label, laid out once for the figures and all their resamples."""

    strict: Ranking
    without_left_early: Ranking
    top_tenth: TopTenth
    top_tenth_without_left_early: TopTenth
    flags: Flags | None
    flags_without_left_early: Flags | None
    calibration: Calibration | None
    row_counts: Floats
    n_unscored: int

    def figures(self, weights: Floats) -> dict[str, float]:
        """All row figures under weights of customers, NaN where one cannot be computed."""
        average_precision, roc_auc = self.strict.figures(weights)
        narrow_precision, narrow_auc = self.without_left_early.figures(weights)
        rows, positives = weighted(self.row_counts, weights)
        none = {"precision": math.nan, "recall": math.nan, "f1": math.nan}
        narrow = self.flags_without_left_early
        unknown = {"brier": math.nan, "ece": math.nan, "calibration_slope": math.nan}
        return {
            "average_precision": average_precision,
            "roc_auc": roc_auc,
            **(none if self.flags is None else self.flags.figures(weights)),
            "lift_at_10pct": self.top_tenth.lift(weights),
            **(unknown if self.calibration is None else self.calibration.figures(weights)),
            "base_rate": _ratio(positives, rows),
            f"average_precision{WITHOUT_LEFT_EARLY}": narrow_precision,
            f"roc_auc{WITHOUT_LEFT_EARLY}": narrow_auc,
            f"lift_at_10pct{WITHOUT_LEFT_EARLY}": self.top_tenth_without_left_early.lift(weights),
            **{
                f"{name}{WITHOUT_LEFT_EARLY}": value
                for name, value in (none if narrow is None else narrow.figures(weights)).items()
            },
        }

    def counts(self) -> dict[str, int]:
        """Rows, positive rows and customers behind the positive rows."""
        rows, positives = self.row_counts.sum(axis=1)
        people = int(np.count_nonzero(self.row_counts[1]))
        return {
            "n_rows": int(rows),
            "n_positive": int(positives),
            "n_positive_customers": people,
        }


def row_table(
    scores: pd.DataFrame, labels: pd.Series, *, flags: pd.Series | None = None
) -> RowTable:
    """The rows with a known label and a score, ready for ``figures``.

    Parameters
    ----------
    scores : DataFrame
        customer_id, as_of, score, optional probability.
    labels : Series of str, shape (n_rows,)
        churned, stayed, left_early or unknown; row by row as in ``scores``.
    flags : Series of bool, shape (n_rows,), optional
        Rows above the operating threshold, which comes from earlier rows.

    Raises
    ------
    InputError
        If lengths or orders differ, a label is none of the four, or a probability lies outside
        [0, 1].
    """
    grid = layout(scores)
    values = score_column(scores).to_numpy()
    arguments.row_by_row(labels, scores, what="labels")
    label = _checked(labels, n_rows=len(scores))
    known = (label != "unknown") & ~np.isnan(values)
    customer, as_of = grid.row_customer[known], grid.row_as_of[known]
    score, positive = values[known], (label[known] == "churned").astype(float)
    late = label[known] != "left_early"
    early = ~known | (label == "left_early")
    n_customers = len(grid.customers)
    counts = [np.bincount(customer, part, n_customers) for part in (np.ones_like(score), positive)]
    return RowTable(
        strict=Ranking.of(score, positive, customer),
        without_left_early=Ranking.of(score[late], positive[late], customer[late]),
        top_tenth=TopTenth.of(score, positive, customer, as_of),
        top_tenth_without_left_early=TopTenth.of(
            score[late], positive[late], customer[late], as_of[late]
        ),
        flags=_flags(flags, known, positive, customer, n_customers),
        flags_without_left_early=_flags(flags, ~early, positive[late], customer[late], n_customers),
        calibration=_calibration(scores, known, positive, customer, n_customers),
        row_counts=np.stack(counts),
        n_unscored=int(((label != "unknown") & np.isnan(values)).sum()),
    )


def _checked(labels: pd.Series, *, n_rows: int) -> npt.NDArray[np.object_]:
    if len(labels) != n_rows:
        raise InputError(
            f"{counted(len(labels), 'label')} for {counted(n_rows, 'score')}; "
            "expected one label per row."
        )
    check_labels(labels)
    label: npt.NDArray[np.object_] = labels.to_numpy(dtype=object)
    return label


def _flags(
    flags: pd.Series | None,
    known: npt.NDArray[np.bool_],
    positive: Floats,
    customer: Integers,
    n_customers: int,
) -> Flags | None:
    if flags is None:
        return None
    if len(flags) != len(known):
        raise InputError(f"{len(flags)} flags for {len(known)} scores; expected one flag per row.")
    raised = flags.to_numpy(dtype=bool)[known].astype(float)
    return Flags.of(raised, positive, customer, n_customers)


def _calibration(
    scores: pd.DataFrame,
    known: npt.NDArray[np.bool_],
    positive: Floats,
    customer: Integers,
    n_customers: int,
) -> Calibration | None:
    if "probability" not in scores.columns:
        return None
    require(scores, ("probability",), what="scores")
    probability = scores["probability"].to_numpy(dtype=np.float64)[known]
    if np.isnan(probability).any() or len(probability) == 0:
        return None
    if probability.min() < 0 or probability.max() > 1:
        raise InputError(
            f"scores.probability reaches from {probability.min():g} to {probability.max():g}; "
            "expected values within [0, 1]. Give uncalibrated numbers as the column score alone."
        )
    return Calibration.of(probability, positive, customer, n_customers)


def row_metrics(
    scores: pd.DataFrame, labels: pd.Series, *, flags: pd.Series | None = None
) -> dict[str, float | None]:
    """All row figures of a score; None where one cannot be computed.

    Average precision, ROC AUC, precision, recall and F1 at the flags, lift in the top tenth of
    each as_of, Brier score, expected calibration error, calibration slope, base rate and counts.
    Rows labelled ``unknown`` are left out; ``left_early`` counts as not-in-window, but for the
    figures ``…_without_left_early``, which leave these rows out.

    Parameters
    ----------
    scores : DataFrame
        customer_id, as_of, score, optional probability.
    labels : Series of str, shape (n_rows,)
    flags : Series of bool, shape (n_rows,), optional

    Returns
    -------
    dict of float or None
    """
    table = row_table(scores, labels, flags=flags)
    figures = table.figures(np.ones(table.row_counts.shape[1]))
    return {**{name: plain(value) for name, value in figures.items()}, **table.counts()}


def plain(value: float) -> float | None:
    """The number, or None where there is none."""
    return float(value) if math.isfinite(value) else None
