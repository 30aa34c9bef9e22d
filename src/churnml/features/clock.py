"""The rule of time: at which as_ofs a row is visible. The only place that compares times.

The as_ofs of one phase lie on a grid of weeks, ``origin + 7 d * i``. A time falls into week b of
the grid if it lies in ``[origin + 7 d * b, origin + 7 d * (b + 1))``; strictly before as_of i lie
exactly the weeks b < i. A row whose own time falls into week b and which is known from week k on
therefore stands in the window ``[i - start, i - end)`` of as_of i from
``max(b + end, k) + 1`` to ``b + start``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sqlglot import exp

from churnml.features.trees import add, cast, column, greatest, number, sql

#: Earlier than any data; the phases are offsets from it.
EPOCH = pd.Timestamp("1800-01-06")
WEEK = pd.Timedelta(days=7)
_WEEK_MICROSECONDS = WEEK // pd.Timedelta(microseconds=1)


def phases(as_ofs: pd.Series) -> pd.Series:
    """Offset of each as_of within the week, in microseconds."""
    return _microseconds(as_ofs) % _WEEK_MICROSECONDS


def weeks(as_ofs: pd.Series, *, phase: int) -> pd.Series:
    """Index of each as_of on the weekly grid of its phase."""
    return (_microseconds(as_ofs) - phase) // _WEEK_MICROSECONDS


def _microseconds(times: pd.Series) -> pd.Series:
    epoch = np.datetime64(EPOCH.to_datetime64(), "us")
    passed = (times.to_numpy(dtype="datetime64[us]") - epoch).astype(np.int64)
    return pd.Series(passed, index=times.index)


@dataclass(frozen=True)
class Grid:
    """The weekly as_ofs of one phase that are asked for, and the zone of calendar days."""

    phase: int
    first: int
    last: int
    timezone: str

    def week(self, time: exp.Expression) -> exp.Expression:
        """Week of the grid into which a time falls."""
        origin = EPOCH + pd.Timedelta(microseconds=self.phase)
        passed = exp.DateDiff(
            this=time, expression=sql(f"TIMESTAMP '{origin}'"), unit=exp.Var(this="MICROSECOND")
        )
        return exp.IntDiv(this=passed, expression=number(_WEEK_MICROSECONDS))

    def day(self, time: exp.Expression) -> exp.Expression:
        """Number of the local calendar day of a time."""
        local = time
        if self.timezone != "UTC":
            for zone in ("UTC", self.timezone):
                local = exp.Paren(this=exp.AtTimeZone(this=local, zone=exp.Literal.string(zone)))
        return exp.DateDiff(
            this=cast(local, "DATE"),
            expression=sql("CAST('1970-01-01' AS DATE)"),
            unit=exp.Var(this="DAY"),
        )


def second(time: exp.Expression) -> exp.Expression:
    """Whole seconds of a time."""
    start = sql("TIMESTAMP '1970-01-01'")
    return exp.DateDiff(this=time, expression=start, unit=exp.Var(this="SECOND"))


def visible_from(offset: int = 0) -> exp.Expression:
    """First as_of at which a row is older than ``offset`` weeks: ``max(b + offset, k) + 1``."""
    placed = add(column("b"), offset) if offset else column("b")
    return add(greatest(placed, column("k")), 1)
