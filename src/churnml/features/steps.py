"""From running columns to steps: what changes at which as_of, row by row."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace

from sqlglot import exp

from churnml.features.cells import (
    Aged,
    Cell,
    Clock,
    Edge,
    Held,
    Keys,
    Peak,
    Run,
    Steps,
    when,
    whole,
)
from churnml.features.clock import Grid, greatest, sql, visible_from
from churnml.features.statements import ASKED, Statements

#: Cells that are sums (or peaks) of steps along the as_ofs.
Stepped = Edge | Peak | Keys | Held | Run


def steps_of(cells: Mapping[Stepped, str], statements: Statements) -> list[list[Steps]]:
    """Steps of all cells; those of one list belong into one table."""
    groups = [[step] for step in _streams(cells, statements)] + _keys(cells, statements)
    for cell, name in cells.items():
        if isinstance(cell, Held):
            groups.append(_held_steps(cell, name, statements))
        elif isinstance(cell, Run):
            groups.append(_run_steps(cell, name, statements))
    return groups


def kind_of(cell: Cell) -> str:
    """SQL type of the sums of a cell: wide where values are summed."""
    fine = isinstance(cell, Edge) and cell.value is not None
    return "DECIMAL(38, 0)" if fine or isinstance(cell, Held) else "BIGINT"


def _conditions(cell: Cell) -> list[exp.Expression]:
    conditions = [sql(cell.where), *([sql("k <= b")] if cell.timely else [])]
    return [condition for condition in conditions if condition != exp.true()]


def _offset(cell: Edge | Peak) -> int:
    return cell.offset if isinstance(cell, Edge) else 0


def _streams(cells: Mapping[Stepped, str], statements: Statements) -> list[Steps]:
    """Edges and peaks: rows summed by week and week of knowing, one statement for each clock."""
    streams: dict[tuple[Clock, bool], dict[Edge | Peak, str]] = defaultdict(dict)
    for cell, name in cells.items():
        if isinstance(cell, Edge):
            streams[cell.clock, cell.ever][cell] = name
        elif isinstance(cell, Peak):
            streams[cell.clock, True][cell] = name
    steps: list[Steps] = []
    for (clock, ever), members in streams.items():
        steps += _stream_steps(clock, members, statements, ever=ever)
    return steps


def _stream_steps(
    clock: Clock, members: dict[Edge | Peak, str], statements: Statements, *, ever: bool
) -> list[Steps]:
    offsets = sorted({_offset(cell) for cell in members})
    measures: dict[Edge | Peak, str] = {}
    for cell in members:
        measures.setdefault(_measure(cell), f"v{len(measures)}")
    first, last = statements.grid.first, statements.grid.last
    grouped = (
        exp.select("c", "b", "k")
        .select(*(_grouped(cell, name, clock, statements.grid) for cell, name in measures.items()))
        .from_(statements.placed[clock])
        .where(sql(f"GREATEST(b + {offsets[0]}, k) < {last}"))
        .group_by("c", "b", "k")
    )
    if not ever:
        grouped = grouped.where(sql(f"GREATEST(b + {offsets[-1]}, k) >= {first}"))
    table = statements.add(grouped)
    return [
        Steps(
            table,
            visible_from(offset),
            {
                name: sql(measures[_measure(cell)])
                for cell, name in members.items()
                if _offset(cell) == offset
            },
        )
        for offset in offsets
    ]


def _measure(cell: Edge | Peak) -> Edge | Peak:
    """The same sum serves all offsets."""
    return replace(cell, offset=0) if isinstance(cell, Edge) else cell


def _grouped(cell: Edge | Peak, name: str, clock: Clock, grid: Grid) -> exp.Expression:
    conditions = _conditions(cell)
    if isinstance(cell, Edge):
        total = exp.Sum(this=when(conditions, whole(cell.value, cell.scale)))
        return exp.alias_(exp.cast(total, kind_of(cell)), name)
    time = sql(clock.at)
    value = _second(time) if cell.seconds else grid.day(time)
    signed = value if cell.latest else exp.Neg(this=exp.Paren(this=value))
    return exp.alias_(exp.Max(this=when(conditions, signed)), name)


def _second(time: exp.Expression) -> exp.Expression:
    return exp.DateDiff(
        this=time, expression=sql("TIMESTAMP '1970-01-01'"), unit=exp.Var(this="SECOND")
    )


def _keys(cells: Mapping[Stepped, str], statements: Statements) -> list[list[Steps]]:
    """Distinct keys; windows that end at the same time share the rows and their order."""
    groups: dict[Keys, dict[Keys, str]] = defaultdict(dict)
    for cell, name in cells.items():
        if isinstance(cell, Keys):
            shared = replace(cell, window=replace(cell.window, start=None))
            groups[shared][cell] = name
    steps: list[list[Steps]] = []
    for shared, members in groups.items():
        table = statements.add(_key_ranges(shared, members, statements))
        parts = (_key_steps(cell, name, table) for cell, name in members.items())
        steps.append([step for part in parts for step in part])
    return steps


def _key_ranges(shared: Keys, members: Iterable[Keys], statements: Statements) -> exp.Select:
    """Rows of each key in the order in which they become visible, with the week reached before."""
    grid, end = statements.grid, shared.window.end
    key = sql(shared.key) if shared.key else grid.day(sql(shared.clock.at))
    starts = [cell.window.start for cell in members]
    keyed = (
        exp.select("c", "b", exp.alias_(key, "key"), exp.alias_(visible_from(end), "lo"))
        .distinct()
        .from_(statements.placed[shared.clock])
        .where(*_conditions(shared), sql(f"GREATEST(b + {end}, k) < {grid.last}"))
    )
    reach = [start for start in starts if start is not None]
    if len(reach) == len(starts):
        keyed = keyed.where(sql(f"b + {max(reach)} >= {grid.first}"))
    before = (
        "MAX(b) OVER (PARTITION BY c, key ORDER BY lo, b "
        "ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)"
    )
    return (
        exp.select("c", "b", "lo", exp.alias_(sql(before), "before"))
        .from_(exp.alias_(exp.Subquery(this=keyed), "x"))
        .where("NOT key IS NULL")
    )


def _key_steps(cell: Keys, name: str, table: str) -> list[Steps]:
    """A key counts while any of its rows does: each row adds only what earlier ones leave open."""
    reach = cell.window.start
    if reach is None:
        return [Steps(table, sql("lo"), {name: sql("1")}, (sql("before IS NULL"),))]
    start = sql(f"GREATEST(lo, before + {reach + 1})")
    open_ = exp.LTE(this=start.copy(), expression=sql(f"b + {reach}"))
    return [
        Steps(table, start, {name: sql("1")}, (open_,)),
        Steps(table, sql(f"b + {reach + 1}"), {name: sql("-1")}, (open_,)),
    ]


def _held_table(cell: Held | Aged, value: exp.Expression, statements: Statements) -> str:
    """Name of a table of intervals ``[lo, hi)`` in which a row is the latest known of its group."""
    group = f"c, {cell.by}" if cell.by else "c"
    ends = (
        f"MIN(GREATEST(b, k) + 1) OVER (PARTITION BY {group} ORDER BY {cell.clock.at}, {cell.tie} "
        "ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING)"
    )
    held = exp.select("c", exp.alias_(visible_from(), "lo"), exp.alias_(sql(ends), "hi"))
    held = held.select(exp.alias_(value, "held")).from_(statements.placed[cell.clock])
    conditions = _conditions(cell)
    return statements.add(held.where(*conditions) if conditions else held)


def _held_steps(cell: Held, name: str, statements: Statements) -> list[Steps]:
    table = _held_table(cell, whole(None if cell.counted else cell.value, cell.scale), statements)
    return _interval_steps(table, sql("held"), name)


def _run_steps(cell: Run, name: str, statements: Statements) -> list[Steps]:
    """A row counts from its time on until it, or one after it, is done."""
    done = greatest(sql("b"), sql("k"), statements.grid.week(sql(cell.done)))
    known = exp.Case().when(
        sql(f"NOT {cell.done} IS NULL"), exp.Add(this=done, expression=sql("1"))
    )
    rows = (
        exp.select("c", exp.alias_(visible_from(), "lo"), exp.alias_(known, "done"))
        .select(exp.alias_(sql(cell.clock.at), "at"), exp.alias_(sql(cell.tie), "tie"))
        .from_(statements.placed[cell.clock])
        .where(sql(cell.where))
    )
    ends = (
        "MIN(done) OVER (PARTITION BY c ORDER BY at, tie "
        "ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING)"
    )
    run = exp.select("c", "lo", exp.alias_(sql(ends), "hi")).from_(
        exp.alias_(exp.Subquery(this=rows), "y")
    )
    return _interval_steps(statements.add(run), sql("1"), name)


def _interval_steps(table: str, value: exp.Expression, name: str) -> list[Steps]:
    down = exp.Neg(this=exp.Paren(this=value.copy()))
    return [
        Steps(table, sql("lo"), {name: value}, (sql("(hi IS NULL OR hi > lo)"),)),
        Steps(table, sql("hi"), {name: down}, (sql("hi > lo"),)),
    ]


def aged_table(cell: Aged, name: str, statements: Statements) -> str:
    """Name of a table with the column at the snapshots at which a group is still there."""
    statements.place([cell])
    day = when([sql(cell.still)], statements.grid.day(sql(cell.since)))
    held = _held_table(cell, day, statements)
    still = ("NOT h.held IS NULL", "a.i >= h.lo", "(h.hi IS NULL OR a.i < h.hi)")
    value = (
        exp.Min(this=sql("h.held"))
        if cell.older_than_days is None
        else exp.Count(this=sql(f"CASE WHEN a.day - h.held > {cell.older_than_days} THEN 1 END"))
    )
    return statements.add(
        exp.select("a.c", "a.i", exp.alias_(value, name))
        .from_(f"{ASKED} AS a")
        .join(f"{held} AS h", on=exp.and_("a.c = h.c", *(sql(text) for text in still)))
        .group_by("a.c", "a.i")
    )
