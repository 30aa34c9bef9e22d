"""Running columns: what of the rows must be carried along the as_ofs so that features can be read.

Everything is a set of whole-number steps at as_of indices, added up (or maximised) along the
as_ofs of a customer; no snapshot ever meets the rows of its past. Whole numbers leave no residue
in an empty window, whatever the order of the rows.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot import exp

from churnml.features.algebra import Rows, Window
from churnml.features.row_sources import Source
from churnml.features.trees import cast, columns_in, number, sql


@dataclass(frozen=True)
class Clock:
    """Rows of a source placed by one time and known only once these later times have passed."""

    source: Source
    at: str
    later: tuple[str, ...]


def clock_of(rows: Rows, *texts: str | None) -> Clock:
    """The clock of the rows when these snippets are read from them, too."""
    at = rows.at or rows.source.time
    read = frozenset().union(*(columns_in(text) for text in (at, rows.where, *texts) if text))
    return Clock(rows.source, at, rows.source.later_times(read))


@dataclass(frozen=True)
class Edge:
    """Sum over the visible rows that are older than ``offset`` weeks; windows are differences.

    ``ever`` False: only differences of two edges are read, so rows older than all of them are left
    out.
    """

    clock: Clock
    where: str
    timely: bool
    value: str | None
    scale: int
    offset: int
    ever: bool


@dataclass(frozen=True)
class Span:
    """Sum over the visible rows of a window: the difference of its two edges, carried as one."""

    clock: Clock
    where: str
    timely: bool
    value: str | None
    scale: int
    window: Window


@dataclass(frozen=True)
class Peak:
    """Greatest local day (or second) of the visible rows, or of its negative for the earliest."""

    clock: Clock
    where: str
    timely: bool
    latest: bool
    seconds: bool


@dataclass(frozen=True)
class Keys:
    """Number of different keys among the rows of the window; key None: local calendar days."""

    clock: Clock
    where: str
    timely: bool
    key: str | None
    window: Window


@dataclass(frozen=True)
class Held:
    """Sum over groups of the value (None: 1) of the latest visible row of each group."""

    clock: Clock
    where: str
    timely: bool
    value: str
    counted: bool
    scale: int
    by: str | None
    tie: str


@dataclass(frozen=True)
class Aged:
    """Over groups whose latest visible row satisfies ``still``: oldest day, or how many are old."""

    clock: Clock
    where: str
    timely: bool
    by: str
    still: str
    since: str
    tie: str
    older_than_days: int | None


@dataclass(frozen=True)
class Run:
    """Number of visible rows after the last one that was done."""

    clock: Clock
    where: str
    timely: bool
    done: str
    tie: str


Cell = Edge | Peak | Keys | Held | Aged | Run


@dataclass(frozen=True)
class Steps:
    """Steps of some columns at as_of indices: a table, the index, and a value for each column."""

    table: str
    index: exp.Expression
    values: dict[str, exp.Expression]
    where: tuple[exp.Expression, ...] = ()


def columns_of(cell: Cell | Span) -> frozenset[str]:
    """Columns of the source that a cell reads."""
    texts = [getattr(cell, name, None) for name in ("value", "key", "by", "tie", "still", "since")]
    texts += [cell.where, getattr(cell, "done", None), cell.clock.at]
    return frozenset().union(*(columns_in(text) for text in texts if text))


def whole(value: str | None, scale: int) -> exp.Expression:
    """The value as a whole number of ``1 / scale``; rows without a value count 1 each."""
    if value is None:
        return number(1)
    scaled = exp.Mul(this=exp.Paren(this=sql(value)), expression=number(scale))
    return cast(exp.Round(this=scaled), "DECIMAL(38, 0)")
