"""From running columns to steps: what changes at which as_of, row by row."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace

from sqlglot import exp

from churnml.features.cells import Aged, Cell, Clock, Edge, Held, Keys, Peak, Run, Steps, whole
from churnml.features.clock import Grid, second, visible_from
from churnml.features.statements import ASKED, Statements
from churnml.features.trees import (
    add,
    alias,
    cast,
    column,
    greatest,
    is_known,
    number,
    select,
    sql,
    subquery,
    table,
    when,
)

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
    return [sql(cell.where), *([sql("k <= b")] if cell.timely else [])]


def _offset(cell: Edge | Peak) -> int:
    return cell.offset if isinstance(cell, Edge) else 0


def _streams(cells: Mapping[Stepped, str], statements: Statements) -> list[Steps]:
    """Edges and peaks: rows summed by week and week of knowing, one statement for each clock."""
    streams: dict[Clock, dict[Edge | Peak, str]] = defaultdict(dict)
    for cell, name in cells.items():
        if isinstance(cell, Edge | Peak):
            streams[cell.clock][cell] = name
    return [
        step
        for clock, members in streams.items()
        for step in _stream_steps(clock, members, statements)
    ]


def _stream_steps(
    clock: Clock, members: dict[Edge | Peak, str], statements: Statements
) -> list[Steps]:
    offsets = sorted({_offset(cell) for cell in members})
    measures: dict[Edge | Peak, str] = {}
    for cell in members:
        measures.setdefault(_measure(cell), f"v{len(measures)}")
    first, last = statements.grid.first, statements.grid.last
    needed = [sql(f"GREATEST(b + {offsets[0]}, k) < {last}")]
    if all(isinstance(cell, Edge) and not cell.ever for cell in members):
        needed.append(sql(f"GREATEST(b + {offsets[-1]}, k) >= {first}"))
    sums = [_grouped(cell, name, clock, statements.grid) for cell, name in measures.items()]
    # what is visible from the first as_of on at every offset need not be told apart
    early = greatest(column("b"), number(first - 1 - offsets[-1]))
    known = greatest(column("k"), number(first - 1))
    keys = [column("c"), alias(early, "b"), alias(known, "k")]
    stream = select([*keys, *sums], statements.placed[clock], where=needed)
    stream.group_by(column("c"), early.copy(), known.copy(), copy=False)
    name_ = statements.add(stream)
    return [
        Steps(
            name_,
            visible_from(offset),
            {
                name: column(measures[_measure(cell)])
                for cell, name in members.items()
                if _offset(cell) == offset
            },
        )
        for offset in offsets
    ]


def _measure(cell: Edge | Peak) -> Edge | Peak:
    """The same sum serves all offsets, and windows since ever, too."""
    return replace(cell, offset=0, ever=False) if isinstance(cell, Edge) else cell


def _grouped(cell: Edge | Peak, name: str, clock: Clock, grid: Grid) -> exp.Expression:
    conditions = _conditions(cell)
    if isinstance(cell, Edge):
        total = exp.Sum(this=when(conditions, whole(cell.value, cell.scale)))
        return alias(cast(total, kind_of(cell)), name)
    time = sql(clock.at)
    value = second(time) if cell.seconds else grid.day(time)
    signed = value if cell.latest else exp.Neg(this=exp.Paren(this=value))
    return alias(exp.Max(this=when(conditions, signed)), name)


def _keys(cells: Mapping[Stepped, str], statements: Statements) -> list[list[Steps]]:
    """Distinct keys; windows that end at the same time share the rows and their order."""
    groups: dict[Keys, dict[Keys, str]] = defaultdict(dict)
    for cell, name in cells.items():
        if isinstance(cell, Keys):
            shared = replace(cell, window=replace(cell.window, start=None))
            groups[shared][cell] = name
    steps: list[list[Steps]] = []
    for shared, members in groups.items():
        ranges = statements.add(_key_ranges(shared, members, statements))
        parts = (_key_steps(cell, name, ranges) for cell, name in members.items())
        steps.append([step for part in parts for step in part])
    return steps


def _key_ranges(shared: Keys, members: Iterable[Keys], statements: Statements) -> exp.Select:
    """Rows of each key in the order in which they become visible, with the week reached before."""
    grid, end = statements.grid, shared.window.end
    key = sql(shared.key) if shared.key else grid.day(sql(shared.clock.at))
    starts = [cell.window.start for cell in members]
    needed = [*_conditions(shared), sql(f"GREATEST(b + {end}, k) < {grid.last}")]
    reach = [start for start in starts if start is not None]
    if len(reach) == len(starts):
        needed.append(sql(f"b + {max(reach)} >= {grid.first}"))
    keyed = select(
        ["c", "b", alias(key, "key"), alias(visible_from(end), "lo")],
        statements.placed[shared.clock],
        where=needed,
        distinct=True,
    )
    before = sql(
        "MAX(b) OVER (PARTITION BY c, key ORDER BY lo, b "
        "ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)"
    )
    return select(
        ["c", "b", "lo", alias(before, "before")],
        subquery(keyed, "x"),
        where=[is_known(column("key"))],
    )


def _key_steps(cell: Keys, name: str, ranges: str) -> list[Steps]:
    """A key counts while any of its rows does: each row adds only what earlier ones leave open."""
    reach = cell.window.start
    if reach is None:
        return [Steps(ranges, column("lo"), {name: number(1)}, (sql("before IS NULL"),))]
    start = greatest(column("lo"), add(column("before"), reach + 1))
    open_ = exp.LTE(this=start.copy(), expression=sql(f"b + {reach}"))
    return [
        Steps(ranges, start, {name: number(1)}, (open_,)),
        Steps(ranges, add(column("b"), reach + 1), {name: number(-1)}, (open_,)),
    ]


# Later rows first: a frame that shrinks at its beginning is summed up anew for every row by some
# engines, one that grows at its end by none.


def _held_table(cell: Held | Aged, value: exp.Expression, statements: Statements) -> str:
    """Name of a table of intervals ``[lo, hi)`` in which a row is the latest known of its group."""
    group = f"c, {cell.by}" if cell.by else "c"
    ends = sql(
        f"MIN(GREATEST(b, k) + 1) OVER (PARTITION BY {group} "
        f"ORDER BY {cell.clock.at} DESC NULLS FIRST, {cell.tie} DESC NULLS FIRST "
        "ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)"
    )
    items = ["c", alias(visible_from(), "lo"), alias(ends, "hi"), alias(value, "held")]
    return statements.add(select(items, statements.placed[cell.clock], where=_conditions(cell)))


def _held_steps(cell: Held, name: str, statements: Statements) -> list[Steps]:
    value = whole(None if cell.counted else cell.value, cell.scale)
    return _interval_steps(_held_table(cell, value, statements), column("held"), name)


def _run_steps(cell: Run, name: str, statements: Statements) -> list[Steps]:
    """A row counts from its time on until it, or one after it, is done."""
    done = add(greatest(column("b"), column("k"), statements.grid.week(sql(cell.done))), 1)
    known = when([is_known(sql(cell.done))], done)
    items = [alias(visible_from(), "lo"), alias(known, "done"), alias(sql(cell.clock.at), "at")]
    rows = select(
        ["c", *items, alias(sql(cell.tie), "tie")],
        statements.placed[cell.clock],
        where=_conditions(cell),
    )
    ends = sql(
        "MIN(done) OVER (PARTITION BY c ORDER BY at DESC NULLS FIRST, tie DESC NULLS FIRST "
        "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)"
    )
    run = statements.add(select(["c", "lo", alias(ends, "hi")], subquery(rows, "y")))
    return _interval_steps(run, number(1), name)


def _interval_steps(intervals: str, value: exp.Expression, name: str) -> list[Steps]:
    down = exp.Neg(this=exp.Paren(this=value.copy()))
    return [
        Steps(intervals, column("lo"), {name: value}, (sql("(hi IS NULL OR hi > lo)"),)),
        Steps(intervals, column("hi"), {name: down}, (sql("hi > lo"),)),
    ]


def aged_table(cell: Aged, name: str, statements: Statements) -> str:
    """Name of a table with the column at the snapshots at which a group is still there."""
    statements.place([cell])
    day = when([sql(cell.still)], statements.grid.day(sql(cell.since)))
    held = _held_table(cell, day, statements)
    value = (
        sql("MIN(h.held)")
        if cell.older_than_days is None
        else sql(f"COUNT(CASE WHEN s.day - h.held > {cell.older_than_days} THEN 1 END)")
    )
    at_that_time = (
        "s.c = h.c AND NOT h.held IS NULL AND s.i >= h.lo AND (h.hi IS NULL OR s.i < h.hi)"
    )
    rows = select(
        ["c", "i", alias(value, name)],
        table(ASKED, "s"),
        joins=[(table(held, "h"), sql(at_that_time), "")],
    )
    rows.set("expressions", [column("c", "s"), column("i", "s"), *rows.expressions[2:]])
    return statements.add(rows.group_by("s.c", "s.i", copy=False))
