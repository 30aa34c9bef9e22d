"""The algebra of features: rows of a table, windows before the as_of, and arithmetic on them.

Authors write expressions and never a date: which rows are visible at an as_of is decided in one
place (``clock``). An expression is plain data; the compiler turns it into SQL.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar, dataclass_transform

from churnml import contract
from churnml.errors import InputError
from churnml.features.row_sources import Source

_Kind = TypeVar("_Kind")


@dataclass_transform(frozen_default=True)
def node(kind: type[_Kind]) -> type[_Kind]:
    """Frozen dataclass that computes its hash once: expressions are keys all through the plan."""
    made = dataclass(frozen=True)(kind)
    by_value: Callable[[Any], int] = made.__hash__

    def remembered(self: Any) -> int:
        known: int | None = self.__dict__.get("_hash")
        if known is None:
            known = self.__dict__["_hash"] = by_value(self)
        return known

    def kept(self: Any) -> dict[str, Any]:
        # words hash otherwise in another process
        return {name: value for name, value in self.__dict__.items() if name != "_hash"}

    made.__hash__ = remembered  # type: ignore[method-assign]
    made.__getstate__ = kept  # type: ignore[method-assign]
    return made


MONEY = 100
#: Numbers that are not counts are summed as whole millionths, so that sums are exact.
FINE = 1_000_000


@dataclass(frozen=True, slots=True)
class Window:
    """Weeks before the as_of: ``[as_of - start, as_of - end)``; ``start`` None is since ever."""

    start: int | None
    end: int = 0

    def __post_init__(self) -> None:
        weeks = [week for week in (self.start, self.end) if week is not None]
        whole = all(isinstance(week, int) for week in weeks)
        if not whole or (self.start is not None and self.start <= self.end):
            raise InputError(
                f"Window({self.start}, {self.end}) is empty; expected whole weeks before the "
                "as_of, the earlier edge first: Window(8, 4) is weeks -8 to -4."
            )


LAST_WEEK = Window(1)
LAST_2_WEEKS = Window(2)
LAST_4_WEEKS = Window(4)
PRIOR_4_WEEKS = Window(8, 4)
LAST_8_WEEKS = Window(8)
LAST_12_WEEKS = Window(12)
PRIOR_12_WEEKS = Window(24, 12)
LAST_26_WEEKS = Window(26)
BASELINE = Window(30, 8)
NEXT_4_WEEKS = Window(0, -4)
EVER = Window(None)


@node
class Rows:
    """Rows of a source that satisfy a condition on their own columns.

    Parameters
    ----------
    source : Source
    where : str
        SQL condition over the columns; a later column makes the row visible only from its time on.
    at : str, optional
        The time by which the row falls into windows; default: the own time of the source.
    timely : bool
        Only rows that were known by the end of their own week, counted from the as_of.
    absent : bool
        The dataset does not say which rows these are: every value over them is unknown.
    """

    source: Source
    where: str = "TRUE"
    at: str | None = None
    timely: bool = False
    absent: bool = False

    def only(self, where: str) -> Rows:
        """The rows that satisfy this condition, too."""
        return replace(
            self, where=where if self.where == "TRUE" else f"({self.where}) AND ({where})"
        )

    def dated(self, at: str) -> Rows:
        """The same rows, placed by another of their times."""
        return replace(self, at=at)


def timely(rows: Rows) -> Rows:
    """The rows known by the end of their own week: recent and older weeks on equal terms."""
    return replace(rows, timely=True)


@node
class Expr:
    """A number (or a word) for each snapshot; null where unknown."""

    def __add__(self, other: Expr | float) -> Expr:
        return Arithmetic("+", self, as_expr(other))

    def __sub__(self, other: Expr | float) -> Expr:
        return Arithmetic("-", self, as_expr(other))

    def __mul__(self, other: Expr | float) -> Expr:
        return Arithmetic("*", self, as_expr(other))

    def __truediv__(self, other: Expr | float) -> Expr:
        """The quotient; unknown where the divisor is 0."""
        return Arithmetic("/", self, as_expr(other))

    def __gt__(self, other: Expr | float) -> Expr:
        """1 or 0; unknown where a side is unknown."""
        return Comparison(">", self, as_expr(other))

    def __ge__(self, other: Expr | float) -> Expr:
        return Comparison(">=", self, as_expr(other))

    def __lt__(self, other: Expr | float) -> Expr:
        return Comparison("<", self, as_expr(other))

    def __le__(self, other: Expr | float) -> Expr:
        return Comparison("<=", self, as_expr(other))

    def over(self, other: Expr) -> Expr:
        """The ratio to another value; unknown where that is 0."""
        return self / other


@node
class Constant(Expr):
    """The same number for everyone; None is unknown."""

    number: float | None


@node
class Arithmetic(Expr):
    """``left operator right``; unknown if a side is."""

    operator: str
    left: Expr
    right: Expr


@node
class Comparison(Expr):
    """1 if it holds, 0 if not, unknown if a side is."""

    operator: str
    left: Expr
    right: Expr


@node
class Function(Expr):
    """A function of numbers: least and greatest (of the known ones), sqrt, ln, abs, floor."""

    name: str
    arguments: tuple[Expr, ...]


@node
class Choice(Expr):
    """``then`` where the condition is 1, ``otherwise`` where it is 0 or unknown."""

    condition: Expr
    then: Expr
    otherwise: Expr = Constant(None)


@node
class Known(Expr):
    """1 where the value is known, else 0."""

    value: Expr


@node
class Total(Expr):
    """Sum of a value (None: count) over the rows in the window, in units of ``1 / scale``."""

    rows: Rows
    value: str | None
    window: Window
    scale: int = 1


@node
class Distinct(Expr):
    """How many different keys the rows in the window have; ``key`` None: local calendar days."""

    rows: Rows
    key: str | None
    window: Window


@node
class Extreme(Expr):
    """Time of the latest (or earliest) row: local day number, or whole seconds."""

    rows: Rows
    latest: bool = True
    seconds: bool = False


@node
class Latest(Expr):
    """Sum over the groups ``by`` of the value that the latest known row of each group has."""

    rows: Rows
    value: str
    scale: int = FINE
    by: str | None = None
    #: Order of rows at the same instant, the last one wins.
    tie: str | None = None
    #: Unknown for customers without any row (else 0).
    needs_row: bool = True


@node
class Oldest(Expr):
    """Over groups whose latest known row satisfies ``still``: local day of the oldest ``since``."""

    rows: Rows
    by: str
    still: str
    since: str
    tie: str
    #: Instead of the oldest day: how many groups are older than so many days.
    older_than_days: int | None = None


@node
class Streak(Expr):
    """How many rows follow the last row that was done, in the order of their time."""

    rows: Rows
    done: str
    tie: str


@node
class SnapshotDay(Expr):
    """Local day number of the as_of."""


@node
class TenureDays(Expr):
    """Days since the current subscription spell began, else since sign-up."""

    since_sign_up: bool = False


@node
class ExposedWeeks(Expr):
    """Weeks of the window in which the customer was there and the feed had begun."""

    source: Source
    window: Window


@node
class Attribute(Expr):
    """An immutable column of the customer."""

    column: str
    is_number: bool = False


@node
class CohortSum(Expr):
    """Sum over everyone at the same as_of (with the same attribute); whole numbers only."""

    value: Expr
    by: str | None = None


@node
class Percentile(Expr):
    """Rank within the as_of, between 0 and 1; equal values share the middle rank."""

    value: Expr


@node
class Saved(Expr):
    """The value, computed once and then reused."""

    value: Expr


#: Computed over the whole table of an as_of, after all customers are there.
STAGED = (CohortSum, Percentile, Saved)


def as_expr(value: Expr | float) -> Expr:
    """The expression itself, or a number as one."""
    return value if isinstance(value, Expr) else Constant(float(value))


def children(expr: Expr) -> tuple[Expr, ...]:
    """The expressions directly inside."""
    found: list[Expr] = []
    for field in fields(expr):
        value = getattr(expr, field.name)
        if isinstance(value, Expr):
            found.append(value)
        elif isinstance(value, tuple):
            found.extend(item for item in value if isinstance(item, Expr))
    return tuple(found)


def walk(expr: Expr) -> Iterator[Expr]:
    """The expression and everything inside it, each once, outermost first."""
    seen: set[Expr] = set()
    waiting = [expr]
    while waiting:
        node = waiting.pop()
        if node in seen:
            continue
        seen.add(node)
        yield node
        waiting.extend(children(node))


def source_of(expr: Expr) -> Source | None:
    """The source that a leaf reads; None if it reads none."""
    rows = getattr(expr, "rows", None)
    return rows.source if rows is not None else getattr(expr, "source", None)


def reads(expr: Expr, source: Source) -> bool:
    """Whether the expression reads rows of this source."""
    return any(source_of(node) == source for node in walk(expr))


def tables_of(expr: Expr) -> tuple[str, ...]:
    """Canonical tables that an expression reads, sorted."""
    found = {
        table
        for node in walk(expr)
        if (source := source_of(node)) is not None
        for table in source.tables
        if table in contract.TABLES
    }
    if any(isinstance(node, Attribute | TenureDays | ExposedWeeks) for node in walk(expr)):
        found.add("customers")
    return tuple(sorted(found))
