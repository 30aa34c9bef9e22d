"""The 95% interval of every figure, from its resamples and from what resampling cannot see.

Resamples alone give intervals that are too narrow where few people leave, of no width where all or
none were caught, and beside the truth where the load was rounded up; each is mended here. Whether
the intervals cover is measured in ``experiments/interval_coverage``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from churnml.alerting.queue import Floats
from churnml.evaluation.intervals import CONFIDENCE, percentile_interval
from churnml.evaluation.leads import COUNTS, CURVE
from churnml.evaluation.result import Interval

_OF_ALERTS = frozenset({"alert_precision", "alert_precision_in_time"})
_OF_EXITS = frozenset(
    {"recall_at_lead_21d", "recall_above_random", "random_recall_at_lead_21d", "median_lead_days",
     "late_alerts", *_OF_ALERTS, *CURVE}
)  # fmt: skip
_OF_EVERYBODY = frozenset({"alerts_per_week"})
#: Shares of exits or alerts; only these reach 0 or 1 by counting.
_SHARES = frozenset({"recall_at_lead_21d", *_OF_ALERTS, *CURVE})
#: A mean of absolute gaps, which noise can only raise.
_RAISED_BY_NOISE = frozenset({"ece"})


@dataclass(frozen=True, slots=True)
class Leavers:
    """How many people stand behind the figures.

    Parameters
    ----------
    rows : int
        Customers behind the positive rows.
    exits : int
        Exits that recall counts.
    customers : int
    """

    rows: int
    exits: int
    customers: int


def intervals_of(
    resampled: Mapping[str, Floats],
    figures: Mapping[str, float],
    *,
    leavers: Leavers,
    rounding: Mapping[str, float],
) -> dict[str, Interval]:
    """The interval of every resampled figure.

    Parameters
    ----------
    resampled : mapping of str to array
        Values of each figure; a slice or a further load is a prefix that ends with a colon.
    figures : mapping of str to float
        The figures themselves, with counts of a prefix under ``n_exits``, ``n_people`` and
        ``n_alerts``.
    leavers : Leavers
    rounding : mapping of str to float
        How much a figure would move under the exact load.
    """
    found: dict[str, Interval] = {}
    for name, values in resampled.items():
        prefix, _, figure = name.rpartition(":")
        prefix = f"{prefix}:" if prefix else ""
        if figure in COUNTS:
            continue
        people = _people(figure, prefix, figures, leavers)
        band = percentile_interval(values, people=people)
        value = figures.get(name, math.nan)
        if band is not None and math.isfinite(value):
            band = _reflected(band, value) if figure in _RAISED_BY_NOISE else band
            if figure in _SHARES:
                alerts = figure in _OF_ALERTS
                seen = int(figures.get(f"{prefix}n_judged", 0)) if alerts else people
                band = with_exact_bound(band, value, seen=seen)
            band = _with_exact_load(band, rounding.get(name, 0.0), is_share=figure in _SHARES)
        found[name] = band
    return found


def _people(figure: str, prefix: str, figures: Mapping[str, float], leavers: Leavers) -> int:
    """How many people carry a figure: those who left, or everybody."""
    if figure in _OF_EVERYBODY:
        return leavers.customers
    if figure in _OF_EXITS:
        return int(figures.get(f"{prefix}n_exits", leavers.exits))
    return int(figures.get(f"{prefix}n_people", leavers.rows))


def _reflected(band: tuple[float, float], value: float) -> tuple[float, float]:
    """The basic interval [1]_: a resample adds the same noise once more, so it is taken off.

    References
    ----------
    .. [1] A. C. Davison, D. V. Hinkley, *Bootstrap Methods and their Application*, 1997, 5.2.
    """
    low, high = 2 * value - band[1], 2 * value - band[0]
    return max(min(low, value), 0.0), max(high, value)


def with_exact_bound(band: tuple[float, float], value: float, *, seen: int) -> tuple[float, float]:
    """A share of all or of none keeps the exact binomial bound [1]_: resamples cannot vary it.

    References
    ----------
    .. [1] C. J. Clopper, E. S. Pearson, *The use of confidence or fiducial limits illustrated in
       the case of the binomial*, Biometrika 26, 1934.
    """
    if seen == 0 or 0 < value < 1:
        return band
    bound = ((1 - CONFIDENCE) / 2) ** (1 / seen)
    return (min(band[0], bound), band[1]) if value == 1 else (band[0], max(band[1], 1 - bound))


def _with_exact_load(
    band: tuple[float, float], moved: float, *, is_share: bool
) -> tuple[float, float]:
    """The interval stretched to where the figure lies when the load is not rounded up."""
    if not math.isfinite(moved):
        return band
    low, high = band[0] + min(moved, 0.0), band[1] + max(moved, 0.0)
    return (max(low, 0.0), min(high, 1.0)) if is_share else (low, high)
