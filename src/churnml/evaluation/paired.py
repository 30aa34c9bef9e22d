"""Several scores on the same rows: every figure with its interval and its paired difference."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Self, TypeVar

import numpy as np
import pandas as pd

from churnml import arguments
from churnml.alerting.queue import Floats, Integers, Policy, floors, replay, tie_breakers
from churnml.errors import InputError
from churnml.evaluation.intervals import bootstrap, percentile_interval
from churnml.evaluation.leads import Outlook, outlook, queue_figures, scored_keys
from churnml.evaluation.rows import RowTable, row_table

Key = TypeVar("Key", bound=Hashable)

OF_ROWS = (
    "average_precision",
    "roc_auc",
    "lift_at_10pct",
    "brier",
    "ece",
    "calibration_slope",
)
OF_THE_QUEUE = ("recall_at_lead_21d", "alert_precision")


@dataclass(frozen=True)
class Exits:
    """What the figures of the queue need beside the scores.

    Parameters
    ----------
    spells : DataFrame
        customer_id, started_at, exit_at; without rows there is no dated exit and no queue figure.
    policy : Policy
    observed_until : Timestamp
        Right edge of the data, exclusive.
    delay_days : int
        Days after an exit until it is certain.
    """

    spells: pd.DataFrame
    policy: Policy
    observed_until: pd.Timestamp
    delay_days: int


@dataclass(frozen=True, slots=True)
class _Fit:
    """One fit's scores, laid out once for its figures and all their resamples."""

    table: RowTable
    ahead: Outlook | None
    keys: Floats
    floors: Floats
    policy: Policy

    @classmethod
    def of(cls, probability: pd.Series, labels: pd.Series, exits: Exits) -> Self:
        scores = probability.rename("probability").reset_index()
        table = row_table(scores, labels.reset_index(drop=True))
        if exits.spells.empty:
            return cls(table, None, np.empty((0, 0)), np.empty(0), exits.policy)
        ahead = outlook(
            scores, exits.spells, observed_until=exits.observed_until, delay_days=exits.delay_days
        )
        keys = scored_keys(ahead, scores)
        found = floors(keys, ahead.grid.times, exits.policy)
        return cls(table, ahead, keys, found, exits.policy)

    def figures(self, drawn: Integers | None, ties: Floats) -> dict[str, float]:
        """The figures of the drawn customers; None: of everyone, once."""
        n_customers = self.table.row_counts.shape[1]
        everyone = np.arange(n_customers) if drawn is None else drawn
        weights = np.bincount(everyone, minlength=n_customers).astype(np.float64)
        of_rows = self.table.figures(weights)
        found = {name: of_rows[name] for name in OF_ROWS}
        if self.ahead is None:
            return found
        times = self.ahead.grid.times
        alerts = replay(self.keys[:, everyone] + ties, times, self.policy, floors=self.floors)
        of_queue = queue_figures(self.ahead, *alerts, drawn)
        return found | {name: of_queue[name] for name in OF_THE_QUEUE}


def paired_figures(
    scores: Mapping[Key, pd.DataFrame | pd.Series],
    labels: pd.Series,
    *,
    exits: Exits,
    resamples: int = 200,
    seed: int = 0,
) -> pd.DataFrame:
    """Figures of several scores on the same rows, and how they differ from the first.

    Everything is measured in the same resamples of customers, so what makes a resample easy or
    hard for all scores cancels in the difference. The queue is replayed inside.

    Parameters
    ----------
    scores : mapping of key to Series or DataFrame of float, indexed by (customer_id, as_of)
        Probabilities of every tested row, the same rows in the same order. Columns of a frame are
        fits with other seeds: their figures are averaged.
    labels : Series of str, shape (n_rows,)
        churned, stayed, left_early, unknown; row by row as the scores.
    exits : Exits
    resamples, seed : int

    Returns
    -------
    DataFrame
        One line a key and figure: ``key``, ``figure``, ``value``, ``low``, ``high`` (95%),
        ``standard_error`` (customers resampled), ``between_fits`` (standard deviation over the
        columns, NaN for one), ``difference`` from the first key with ``difference_low``,
        ``difference_high`` and ``difference_error``. NaN where a figure does not exist.

    Raises
    ------
    InputError
        If there is no score or the rows differ.

    Examples
    --------
    >>> as_ofs = pd.date_range("2025-01-06", periods=4, freq="7D")
    >>> rows = pd.MultiIndex.from_product([list("ab"), as_ofs], names=["customer_id", "as_of"])
    >>> good, bad = pd.Series([0.9] * 4 + [0.1] * 4, rows), pd.Series([0.1] * 4 + [0.9] * 4, rows)
    >>> labels = pd.Series(["churned"] * 4 + ["stayed"] * 4)
    >>> exits = Exits(
    ...     spells=pd.DataFrame(columns=["customer_id", "started_at", "exit_at"]),
    ...     policy=ch.Policy(), observed_until=pd.Timestamp("2025-12-01"), delay_days=0,
    ... )
    >>> table = ch.paired_figures({"good": good, "bad": bad}, labels, exits=exits, resamples=10)
    >>> table.loc[table["figure"] == "roc_auc", "value"].tolist()
    [1.0, 0.0]
    """
    frames: dict[Key, pd.DataFrame] = {
        key: one.to_frame() if isinstance(one, pd.Series) else one for key, one in scores.items()
    }
    _refuse_other_rows(frames, labels)
    fits = {
        key: [_Fit.of(frame[column], labels, exits) for column in frame]
        for key, frame in frames.items()
    }
    first = next(iter(fits.values()))[0]
    n_customers = int(first.table.row_counts.shape[1])
    customers = first.ahead.grid.customers if first.ahead else pd.Index([])
    ties = tie_breakers(customers, seed=exits.policy.seed)
    single = {key: [fit.figures(None, ties) for fit in group] for key, group in fits.items()}

    def statistic(sample: Integers, rng: np.random.Generator) -> dict[str, float]:
        dice = rng.random(n_customers)
        return {
            name: mean
            for number, group in enumerate(fits.values())
            for name, mean in _mean([fit.figures(sample, dice) for fit in group], number).items()
        }

    resampled = bootstrap(statistic, n_customers=n_customers, resamples=resamples, seed=seed)
    lines = [
        {"key": key, "figure": figure} | _line(number, figure, single, resampled)
        for number, key in enumerate(fits)
        for figure in single[key][0]
    ]
    return pd.DataFrame(lines)


def _refuse_other_rows(frames: Mapping[Key, pd.DataFrame], labels: pd.Series) -> None:
    if not frames:
        raise InputError("There is no score to compare; give at least one.")
    first = next(iter(frames.values()))
    for key, frame in frames.items():
        if not frame.index.equals(first.index):
            raise InputError(
                f"The scores '{key}' are of other rows than the first; score the same rows in the "
                "same order."
            )
    if tuple(labels.index.names) == arguments.KEYS:
        arguments.aligned(labels, first.index, what="labels", to="scores")


def _mean(figures: list[dict[str, float]], number: int) -> dict[str, float]:
    """The mean over fits of each figure, named by the number of its score."""
    return {
        f"{number}:{name}": float(np.mean([one[name] for one in figures])) for name in figures[0]
    }


def _line(
    number: int,
    figure: str,
    single: Mapping[Key, list[dict[str, float]]],
    drawn: Mapping[str, Floats],
) -> dict[str, float]:
    by_key = [[one[figure] for one in figures] for figures in single.values()]
    value, reference = float(np.mean(by_key[number])), float(np.mean(by_key[0]))
    resampled = drawn.get(f"{number}:{figure}", np.empty(0))
    difference = resampled - drawn.get(f"0:{figure}", np.empty(0))
    low, high = percentile_interval(resampled) or (math.nan, math.nan)
    least, most = percentile_interval(difference) or (math.nan, math.nan)
    several = len(by_key[number]) > 1
    return {
        "value": value,
        "low": low,
        "high": high,
        "standard_error": _spread(resampled),
        "between_fits": float(np.std(by_key[number], ddof=1)) if several else math.nan,
        "difference": value - reference,
        "difference_low": least,
        "difference_high": most,
        "difference_error": _spread(difference),
    }


def _spread(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(known.std(ddof=1)) if len(known) > 1 else math.nan
