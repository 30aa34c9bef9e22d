"""The rule of time: at which as_ofs a row is visible. The only place that compares times.

The as_ofs of one phase lie on a grid of weeks, ``origin + 7 d * i``. A time falls into week b of
the grid if it lies in ``[origin + 7 d * b, origin + 7 d * (b + 1))``; strictly before as_of i lie
exactly the weeks b < i. A row whose own time falls into week b and which is known from week k on
therefore stands in the window ``[i - start, i - end)`` of as_of i from
``max(b + end, k) + 1`` to ``b + start``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
from sqlglot import exp, parse_one

#: Earlier than any data; the phases are offsets from it.
EPOCH = pd.Timestamp("1800-01-06")
WEEK = pd.Timedelta(days=7)
_WEEK_MICROSECONDS = WEEK // pd.Timedelta(microseconds=1)


@lru_cache(maxsize=4096)
def _parsed(text: str) -> exp.Expression:
    return parse_one(text, dialect="duckdb")


def sql(text: str) -> exp.Expression:
    """A snippet of SQL as a tree of its own."""
    return _parsed(text).copy()


def columns_in(text: str) -> frozenset[str]:
    """Names of the columns that a snippet reads."""
    return frozenset(column.name for column in _parsed(text).find_all(exp.Column))


def greatest(*values: exp.Expression) -> exp.Expression:
    """The greatest of the known values."""
    first, *others = values
    return exp.Greatest(this=first, expressions=others, ignore_nulls=True)


def phases(as_ofs: pd.Series) -> pd.Series:
    """Offset of each as_of within the week, in microseconds."""
    return _microseconds(as_ofs) % _WEEK_MICROSECONDS


def weeks(as_ofs: pd.Series, *, phase: int) -> pd.Series:
    """Index of each as_of on the weekly grid of its phase."""
    return (_microseconds(as_ofs) - phase) // _WEEK_MICROSECONDS


def _microseconds(times: pd.Series) -> pd.Series:
    epoch = np.datetime64(EPOCH.to_datetime64(), "us")
    return pd.Series(
        (times.to_numpy(dtype="datetime64[us]") - epoch).astype(np.int64), index=times.index
    )


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
        return exp.IntDiv(this=passed, expression=exp.Literal.number(_WEEK_MICROSECONDS))

    def day(self, time: exp.Expression) -> exp.Expression:
        """Number of the local calendar day of a time."""
        local = time
        if self.timezone != "UTC":
            for zone in ("UTC", self.timezone):
                local = exp.Paren(this=exp.AtTimeZone(this=local, zone=exp.Literal.string(zone)))
        return exp.DateDiff(
            this=exp.cast(local, "DATE"),
            expression=sql("CAST('1970-01-01' AS DATE)"),
            unit=exp.Var(this="DAY"),
        )


def visible_from(offset: int = 0) -> exp.Expression:
    """First as_of at which a row is older than ``offset`` weeks: ``max(b + offset, k) + 1``."""
    return sql(f"GREATEST(b + {offset}, k) + 1")
