"""What authors of features write: counts, recency, ratios, own baselines, onsets, ranks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, reduce

from churnml.features.algebra import (
    BASELINE,
    EVER,
    FINE,
    MONEY,
    Attribute,
    Choice,
    CohortSum,
    Constant,
    Distinct,
    ExposedWeeks,
    Expr,
    Extreme,
    Function,
    Known,
    Latest,
    Oldest,
    Percentile,
    Rows,
    Saved,
    SnapshotDay,
    Streak,
    Total,
    Window,
    as_expr,
    timely,
)

#: Weeks that the rate of the cohort weighs in a customer's own baseline.
SHRINKAGE_WEEKS = 4.0
_ONSET_WEEKS = 14


def count(rows: Rows, window: Window = EVER) -> Expr:
    """Number of rows in the window; 0 if there are none."""
    return Total(rows, None, window)


def total(rows: Rows, value: str, window: Window = EVER, *, scale: int = FINE) -> Expr:
    """Sum of a value over the rows in the window; 0 if there are none."""
    return Total(rows, value, window, scale)


def money(rows: Rows, value: str, window: Window = EVER) -> Expr:
    """Sum of an amount, in whole minor units inside."""
    return Total(rows, value, window, MONEY)


def mean(rows: Rows, value: str, window: Window = EVER, *, scale: int = FINE) -> Expr:
    """Mean of a value over the rows in the window that have one; unknown if none has."""
    return total(rows, value, window, scale=scale) / count(
        rows.only(f"NOT ({value}) IS NULL"), window
    )


def distinct(rows: Rows, key: str, window: Window = EVER) -> Expr:
    """Number of different keys among the rows in the window."""
    return Distinct(rows, key, window)


def active_days(rows: Rows, window: Window = EVER) -> Expr:
    """Number of local calendar days with a row in the window."""
    return Distinct(rows, None, window)


def days_since(rows: Rows) -> Expr:
    """Local calendar days since the latest row; unknown if there never was one."""
    return SnapshotDay() - Extreme(rows)


def age(rows: Rows) -> Expr:
    """Local calendar days since the earliest row; unknown if there never was one."""
    return SnapshotDay() - Extreme(rows, latest=False)


def span(rows: Rows) -> Expr:
    """Local calendar days between the earliest and the latest row."""
    return Extreme(rows) - Extreme(rows, latest=False)


def later_than(rows: Rows, others: Rows) -> Expr:
    """1 if the latest of these rows came after the latest of the others (or of none), else 0."""
    first, second = Extreme(rows, seconds=True), Extreme(others, seconds=True)
    return Choice(Known(first), Choice(Known(second), first > second, Constant(1.0)))


def last(rows: Rows, value: str, *, scale: int = FINE) -> Expr:
    """Value of the latest row that has one."""
    return Latest(rows, value, scale)


def standing(starts: Rows, ends: Rows, *, ago: int = 0) -> Expr:
    """Number of things begun and not ended so many weeks ago, as known now."""
    window = Window(None, ago)
    return count(starts, window) - count(ends, window)


def standing_total(
    starts: Rows, ends: Rows, value: str, *, ago: int = 0, scale: int = MONEY
) -> Expr:
    """Sum of a value over the things begun and not ended so many weeks ago, as known now."""
    window = Window(None, ago)
    return total(starts, value, window, scale=scale) - total(ends, value, window, scale=scale)


def oldest_age(rows: Rows, *, by: str, still: str, since: str, tie: str) -> Expr:
    """Days since the oldest thing that is still open; unknown if none is."""
    return SnapshotDay() - Oldest(rows, by, still, since, tie)


def older_than(rows: Rows, days: int, *, by: str, still: str, since: str, tie: str) -> Expr:
    """Number of things still open for more than so many days."""
    return Oldest(rows, by, still, since, tie, older_than_days=days)


def streak(rows: Rows, *, done: str, tie: str) -> Expr:
    """Number of rows in a row, up to now, that were not done."""
    return Streak(rows, done, tie)


def share(part: Expr, whole: Expr) -> Expr:
    """The part of the whole; unknown where there is no whole."""
    return part / whole


def ratio(recent: Expr, before: Expr) -> Expr:
    """Recent against before, both plus one, so that it is known without anything before."""
    return (recent + 1.0) / (before + 1.0)


def trend(rows: Rows, *, weeks: int) -> Expr:
    """Slope of the weekly counts by least squares, as a share of their mean; + is growth.

    Over rows known in time, so that late ones do not make the newest week look low.
    """
    counts = [count(timely(rows), Window(week + 1, week)) for week in range(weeks)]
    centre = (weeks - 1) / 2
    moments = [counts[week] * (centre - week) for week in range(weeks)]
    spread = sum((week - centre) ** 2 for week in range(weeks))
    mean_count = count(timely(rows), Window(weeks)) / float(weeks)
    return _sum(moments) / (mean_count * spread)


def until_next(age: Expr, period: Expr | float) -> Expr:
    """Days until an age is next a multiple of the period; the whole period where it just is one."""
    length = as_expr(period)
    return length * (Function("floor", (age / length,)) + 1.0) - age


def minimum(*values: Expr) -> Expr:
    """The least of the known values."""
    return Function("least", values)


def maximum(*values: Expr) -> Expr:
    """The greatest of the known values."""
    return Function("greatest", values)


def both(*conditions: Expr) -> Expr:
    """1 if all conditions hold, else 0; unknown if one is."""
    return reduce(lambda left, right: left * right, conditions)


def k_of_n(*conditions: Expr) -> Expr:
    """How many of the conditions hold; one that is unknown does not; unknown if all are."""
    held = _sum([Choice(condition, Constant(1.0), Constant(0.0)) for condition in conditions])
    known = _sum([Known(condition) for condition in conditions])
    return Choice(known, held)


def percentile(value: Expr) -> Expr:
    """Rank of the value among everyone at the same as_of, between 0 and 1."""
    return Percentile(value)


def cohort_mean(value: Expr, *, by: str) -> Expr:
    """Mean of whole numbers over everyone at the same as_of with the same immutable attribute."""
    return CohortSum(value, by) / CohortSum(Known(value), by)


def attribute(column: str, *, is_number: bool = False) -> Expr:
    """An immutable column of the customer."""
    return Attribute(column, is_number)


@dataclass(frozen=True)
class OwnBaseline:
    """A stream against its own earlier self, in weeks -30 to -8, shrunk to the cohort's rate.

    The rate is ``(n + k * cohort rate) / (weeks + k)``; the weeks are those in which the customer
    was there and the feed ran, k is 4.
    """

    rows: Rows

    @cached_property
    def rate(self) -> Expr:
        """Rows a week to expect."""
        own = count(timely(self.rows), BASELINE)
        weeks = Choice(Known(own), ExposedWeeks(self.rows.source, BASELINE))
        cohort = Saved(CohortSum(own) / CohortSum(weeks))
        return Saved((own + cohort * SHRINKAGE_WEEKS) / (weeks + SHRINKAGE_WEEKS))

    def expected(self, window: Window) -> Expr:
        """Rows to expect in the window, as far as the customer was there."""
        return self.rate * ExposedWeeks(self.rows.source, window)

    def ratio(self, window: Window) -> Expr:
        """Rows in the window against the expected number."""
        return count(timely(self.rows), window) / self.expected(window)

    def deviation(self, window: Window) -> Expr:
        """``(n - expected) / sqrt(expected + 1)``; negative is a drop."""
        expected = self.expected(window)
        excess = count(timely(self.rows), window) - expected
        return excess / Function("sqrt", (expected + 1.0,))

    @cached_property
    def onset(self) -> Expr:
        """Strength of the clearest drop that lasts until now: a Poisson log-likelihood ratio.

        Over drops that began 1 to 14 weeks ago; 0 without any.
        """
        return Saved(maximum(*self._drops))

    @cached_property
    def onset_age(self) -> Expr:
        """Weeks since that drop began; unknown without any."""
        strongest = self.onset
        found: Expr = Constant(None)
        for week, drop in reversed(list(enumerate(self._drops, start=1))):
            found = Choice(drop >= strongest, as_expr(float(week)), found)
        return Choice(strongest, found)

    @cached_property
    def _drops(self) -> list[Expr]:
        return [self._drop(Window(week)) for week in range(1, _ONSET_WEEKS + 1)]

    def _drop(self, window: Window) -> Expr:
        n, expected = count(timely(self.rows), window), Saved(self.expected(window))
        logarithm = Choice(n, n * Function("ln", (n / expected,)), Constant(0.0))
        return Saved(Choice(n < expected, logarithm + expected - n, (n + expected) * 0.0))


def _sum(values: Sequence[Expr]) -> Expr:
    return reduce(lambda left, right: left + right, values)
