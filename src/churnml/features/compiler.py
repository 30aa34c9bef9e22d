"""From expressions to SQL over running columns: what to carry along, and how to read it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from sqlglot import exp

from churnml.features import algebra as a
from churnml.features.carried import Carried, carries
from churnml.features.cells import Aged, Cell, Clock, Edge, Held, Keys, Peak, Run, Span, clock_of
from churnml.features.row_sources import Source
from churnml.features.running import feed_column
from churnml.features.trees import cast, column, greatest, is_null, number, sql, when

#: Tables whose silence everywhere is no sign of a dead feed: their rows change a state that lasts.
_LASTING = {"subscriptions", "contacts", "consents", "stages", "attribute_changes", "customers"}


@dataclass
class Compiler:
    """Turns leaves into SQL and collects the running columns and feed columns that they need.

    Parameters
    ----------
    present : frozenset of str
        Canonical tables that are there.
    covered : frozenset of str
        Tables that cover some customers only; members has a column ``covered_<table>`` for each.
    large : frozenset of str
        Sources whose rows the block kernel carries as far as it can.
    inexact : frozenset of (value, scale)
        Values whose sums are too large for it.
    """

    present: frozenset[str]
    covered: frozenset[str]
    large: frozenset[str] = frozenset()
    inexact: frozenset[tuple[str, int]] = frozenset()
    carried: dict[Clock, dict[Carried, str]] = field(default_factory=lambda: defaultdict(dict))
    passes: dict[str, dict[Cell, str]] = field(default_factory=lambda: defaultdict(dict))
    feeds: set[tuple[str, int]] = field(default_factory=set)
    starts: set[str] = field(default_factory=set)
    attributes: set[str] = field(default_factory=set)

    def leaf(self, expr: a.Expr) -> exp.Expression:
        """SQL of an expression that reads data."""
        source = a.source_of(expr)
        rows = getattr(expr, "rows", None)
        if source is not None and (
            source.variant(self.present) is None or (rows is not None and rows.absent)
        ):
            return exp.null()
        reader = {
            a.Total: self._total,
            a.Distinct: self._distinct,
            a.Extreme: self._extreme,
            a.Latest: self._latest,
            a.Oldest: self._oldest,
            a.Streak: self._streak,
            a.ExposedWeeks: self._exposed,
            a.Attribute: self._attribute,
            a.TenureDays: self._tenure,
            a.SnapshotDay: lambda _: sql("CAST(s.day AS DOUBLE)"),
        }[type(expr)]
        return reader(expr)  # type: ignore[operator]

    def column(self, cell: Cell | Span) -> exp.Column:
        """The running column of a cell."""
        if self._carries(cell):
            return self._carried(cell)  # type: ignore[arg-type]
        name = self._cell(cell)  # type: ignore[arg-type]
        table = name if isinstance(cell, Aged) else f"p_{cell.clock.source.name}"
        return column(name, table)

    def is_straight(self, expr: a.Total | a.Distinct | a.Extreme) -> bool:
        """Whether the leaf is a carried column, known or not for all customers alike."""
        variant = expr.rows.source.variant(self.present)
        if variant is None or expr.rows.absent or self.covered.intersection(variant.tables):
            return False
        return self._carries(self.cell(expr))

    def alive(self, expr: a.Total | a.Distinct | a.Extreme) -> exp.Expression | None:
        """Condition over the feeds ``f`` under which the leaf is known; None: always."""
        if isinstance(expr, a.Extreme):
            return None
        return self._alive(expr.rows.source.feed, expr.window)

    @staticmethod
    def cell(expr: a.Total | a.Distinct | a.Extreme) -> Span | Keys | Peak:
        """What must be carried along for a leaf."""
        rows = expr.rows
        if isinstance(expr, a.Total):
            clock = clock_of(rows, expr.value)
            return Span(clock, rows.where, rows.timely, expr.value, expr.scale, expr.window)
        if isinstance(expr, a.Distinct):
            clock = clock_of(rows, expr.key)
            return Keys(clock, rows.where, rows.timely, expr.key, expr.window)
        return Peak(clock_of(rows), rows.where, rows.timely, expr.latest, expr.seconds)

    def _carries(self, cell: Cell | Span) -> bool:
        if cell.clock.source.name not in self.large or not carries(cell):
            return False
        value, scale = getattr(cell, "value", None), getattr(cell, "scale", 1)
        if isinstance(cell, Held) and cell.counted:  # goes where its value goes
            return all(value != one for one, _ in self.inexact)
        return (value, scale) not in self.inexact

    def _carried(self, cell: Carried) -> exp.Column:
        cells = self.carried[cell.clock]
        count = sum(len(others) for others in self.carried.values())
        return column(cells.setdefault(cell, f"carried_{count}"), "s")

    def _cell(self, cell: Cell) -> str:
        cells = self.passes[cell.clock.source.name]
        return cells.setdefault(cell, f"{cell.clock.source.name}_x{len(cells)}")

    def _total(self, expr: a.Total) -> exp.Expression:
        rows, window = expr.rows, expr.window
        clock = clock_of(rows, expr.value)
        if self._carries(self.cell(expr)):
            return self._summed(expr, self.column(self.cell(expr)))

        def edge(offset: int) -> exp.Expression:
            ever = window.start is None
            where = rows.where
            return self.column(
                Edge(clock, where, rows.timely, expr.value, expr.scale, offset, ever)
            )

        total = edge(window.end)
        if window.start is not None:
            total = exp.Paren(this=exp.Sub(this=total, expression=edge(window.start)))
        return self._summed(expr, cast(total, "DOUBLE"))

    def _summed(self, expr: a.Total, value: exp.Expression) -> exp.Expression:
        if expr.scale != 1:
            value = exp.Div(this=value, expression=sql(f"CAST({expr.scale} AS DOUBLE)"))
        return self._guarded(expr.rows.source, value, expr.window)

    def _distinct(self, expr: a.Distinct) -> exp.Expression:
        column = self.column(self.cell(expr))
        return self._guarded(expr.rows.source, cast(column, "DOUBLE"), expr.window)

    def _extreme(self, expr: a.Extreme) -> exp.Expression:
        column: exp.Expression = cast(self.column(self.cell(expr)), "DOUBLE")
        return self._guarded(expr.rows.source, column if expr.latest else exp.Neg(this=column))

    def _latest(self, expr: a.Latest) -> exp.Expression:
        rows = expr.rows.only(f"NOT ({expr.value}) IS NULL")
        clock = clock_of(rows, expr.value, expr.by, expr.tie)

        def held(*, counted: bool) -> exp.Expression:
            tie = expr.tie or expr.value
            scale = 1 if counted else expr.scale
            return self.column(
                Held(clock, rows.where, rows.timely, expr.value, counted, scale, expr.by, tie)
            )

        value: exp.Expression = cast(held(counted=False), "DOUBLE")
        if expr.scale != 1:
            value = exp.Div(this=value, expression=sql(f"CAST({expr.scale} AS DOUBLE)"))
        if expr.needs_row:
            there = exp.GT(this=held(counted=True), expression=number(0))
            value = when([there], value)
        return self._guarded(rows.source, value, a.EVER)

    def _oldest(self, expr: a.Oldest) -> exp.Expression:
        rows = expr.rows
        cell = Aged(
            clock_of(rows, expr.by, expr.still, expr.since, expr.tie), rows.where, rows.timely,
            expr.by, expr.still, expr.since, expr.tie, expr.older_than_days,
        )  # fmt: skip
        column: exp.Expression = self.column(cell)
        if expr.older_than_days is not None:
            column = exp.Coalesce(this=column, expressions=[number(0)])
        return self._guarded(rows.source, cast(column, "DOUBLE"), a.EVER)

    def _streak(self, expr: a.Streak) -> exp.Expression:
        rows = expr.rows
        cell = Run(clock_of(rows, expr.tie), rows.where, rows.timely, expr.done, expr.tie)
        return self._guarded(rows.source, cast(self.column(cell), "DOUBLE"), a.EVER)

    def _exposed(self, expr: a.ExposedWeeks) -> exp.Expression:
        start, end = expr.window.start, expr.window.end
        assert start is not None  # a window since ever has no length
        self.starts.add(expr.source.feed)
        signed = "CASE WHEN m.sign_k < s.i THEN m.sign_b END"
        since = f"GREATEST(-f.{expr.source.feed}_start, {signed})"
        weeks = sql(f"CAST(GREATEST(0, LEAST({start - end}, s.i - {end} - {since})) AS DOUBLE)")
        return self._guarded(expr.source, weeks)

    def _attribute(self, expr: a.Attribute) -> exp.Expression:
        self.attributes.add(expr.column)
        column = f'm."{expr.column}"'
        kind = "DOUBLE" if expr.is_number else "TEXT"
        return sql(f"CASE WHEN m.sign_k < s.i THEN CAST({column} AS {kind}) END")

    def _tenure(self, expr: a.TenureDays) -> exp.Expression:
        signed = "CASE WHEN m.sign_k < s.i THEN m.sign_day END"
        since = signed if expr.since_sign_up else f"COALESCE(s.spell_day, {signed})"
        return sql(f"CAST(s.day - {since} AS DOUBLE)")

    def _guarded(
        self, source: Source, value: exp.Expression, window: a.Window | None = None
    ) -> exp.Expression:
        """Null for customers outside the feed, and where nobody has a row in the window."""
        variant = source.variant(self.present)
        assert variant is not None  # checked before any leaf is read
        conditions = [
            sql(f"m.covered_{table}") for table in variant.tables if table in self.covered
        ]
        if window is not None:
            conditions.append(self._alive(source.feed, window))
        return when(conditions, value)

    def _alive(self, feed: str, window: a.Window) -> exp.Expression:
        lasting = feed in _LASTING or window.start is None or window.end < 0
        end = 0 if lasting else window.end
        self.feeds.add((feed, end))
        rows = f"f.{feed_column(feed, end)}"
        if not lasting and window.start is not None:
            self.feeds.add((feed, window.start))
            rows += f" - f.{feed_column(feed, window.start)}"
        return sql(f"{rows} > 0")


def level(expr: a.Expr, known: dict[a.Expr, int]) -> int:
    """0 for what one snapshot says, more for what needs everyone at its as_of first."""
    if expr not in known:
        inside = max((level(child, known) for child in a.children(expr)), default=0)
        known[expr] = inside + isinstance(expr, a.STAGED)
    return known[expr]


def arithmetic(expr: a.Expr, parts: list[exp.Expression]) -> exp.Expression:
    """SQL of an inner node from the SQL of its children."""
    match expr:
        case a.Constant(value):
            return exp.null() if value is None else sql(f"CAST({value!r} AS DOUBLE)")
        case a.Arithmetic(operator):
            return _arithmetic(operator, *parts)
        case a.Comparison(operator):
            left, right = parts
            kinds = {">": exp.GT, ">=": exp.GTE, "<": exp.LT, "<=": exp.LTE}
            holds = kinds[operator](this=exp.Paren(this=left), expression=exp.Paren(this=right))
            fails = exp.Not(this=exp.Paren(this=holds.copy()))
            return exp.Case(ifs=[exp.If(this=holds, true=_one()), exp.If(this=fails, true=_zero())])
        case a.Function(name):
            return _function(name, parts)
        case a.Choice():
            condition, then, otherwise = parts
            chosen = exp.GT(this=exp.Paren(this=condition), expression=number(0))
            return when([chosen], then, otherwise)
        case a.Known():
            return when([is_null(parts[0])], _zero(), _one())
    raise TypeError(f"no arithmetic: {type(expr).__name__}")


def _one() -> exp.Expression:
    return cast(number(1), "DOUBLE")


def _zero() -> exp.Expression:
    return cast(number(0), "DOUBLE")


def _arithmetic(operator: str, left: exp.Expression, right: exp.Expression) -> exp.Expression:
    kinds = {"+": exp.Add, "-": exp.Sub, "*": exp.Mul}
    left, right = exp.Paren(this=left), exp.Paren(this=right)
    if operator == "/":
        divisor = exp.Nullif(this=right, expression=number(0))
        return exp.Div(this=left, expression=divisor)
    return kinds[operator](this=left, expression=right)


def _function(name: str, parts: list[exp.Expression]) -> exp.Expression:
    first, *others = parts
    match name:
        case "least":
            return exp.Least(this=first, expressions=others, ignore_nulls=True)
        case "greatest":
            return greatest(*parts)
        case "sqrt":
            return exp.Sqrt(this=first)
        case "abs":
            return exp.Abs(this=first)
        case "ln":
            return exp.Ln(this=first)
        case "floor":
            return cast(exp.Floor(this=first), "DOUBLE")
    raise TypeError(f"no function: {name}")
