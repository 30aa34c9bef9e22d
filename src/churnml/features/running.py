"""Running sums of steps along the as_ofs of each customer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sqlglot import exp

from churnml.features.cells import Cell, Clock, Edge, Peak, Steps
from churnml.features.clock import Grid, visible_from
from churnml.features.row_sources import CANONICAL
from churnml.features.statements import MEMBERS, SPINE, Statements, ThereStatements
from churnml.features.steps import Stepped, kind_of, steps_of
from churnml.features.trees import (
    Join,
    alias,
    cast,
    column,
    greatest,
    number,
    same,
    select,
    sql,
    subquery,
    table,
)


def running(cells: Mapping[Stepped, str], statements: Statements) -> str:
    """Name of the table with ``c``, ``i`` of the spine and all these columns."""
    named: dict[str, Cell] = {name: cell for cell, name in cells.items()}
    away = statements.away_of(next(iter(cells)).clock.source)
    if away is not None:
        return _accumulate(named, _from_server(away, cells, statements), statements)
    statements.place(cells)
    groups = [_stepped(steps, named, statements.grid) for steps in steps_of(cells, statements)]
    return _accumulate(named, groups, statements)


def _from_server(
    away: str, cells: Mapping[Stepped, str], statements: Statements
) -> list[tuple[list[str], exp.Select]]:
    """Steps by customer and as_of as the server sums them up; of its rows none is read here.

    Two kinds of statements: sums by week and week of knowing, one stream for all windows over them,
    and everything else together, a row for each customer and as_of at which any of it changes.
    """
    there = ThereStatements(f"{statements.prefix}_there", statements.grid, statements.present)
    there.place(cells)
    named: dict[str, Cell] = {name: cell for cell, name in cells.items()}
    found, streams, others = [], dict[str, str](), list[Steps]()
    for steps in steps_of(cells, there):
        if not all(isinstance(named[name], Edge | Peak) for step in steps for name in step.values):
            # summed up by themselves first: few columns of many rows, then many of few
            names, tree = _stepped(steps, named, statements.grid)
            summed = there.add(tree)
            others.append(Steps(summed, column("i"), {name: column(name) for name in names}))
            continue
        for step in steps:
            if step.table not in streams:
                stream = there.whole(there.tree(step.table))
                streams[step.table] = statements.add(_taken(away, stream, statements))
        here = [replace(step, table=streams[step.table]) for step in steps]
        found.append(_stepped(here, named, statements.grid))
    if others:
        names, tree = _stepped(others, named, statements.grid)
        found.append((names, _taken(away, there.whole(tree), statements)))
    return found


def _taken(away: str, tree: exp.Select, statements: Statements) -> exp.Select:
    """What the server finds, of the customers of the chunk, in the types that it was cast to."""
    made = statements.push(away, tree)
    types = {
        item.alias_or_name: item.this.to if isinstance(item.unalias(), exp.Cast) else None
        for item in tree.expressions
    }
    typed = [
        alias(exp.Cast(this=column(name, "x"), to=kind or exp.DataType.build("BIGINT")), name)
        for name, kind in types.items()
        if name != "c"
    ]
    on = exp.EQ(this=column("customer_id", "m"), expression=column("c", "x"))
    return select(
        [column("c", "m"), *typed], table(made, "x"), joins=[(table(MEMBERS, "m"), on, "")]
    )


def feed_table(feeds: set[tuple[str, int]], starts: set[str], *, statements: Statements) -> str:
    """Name of a table by as_of: rows of each feed older than an offset, and its first week.

    Over everyone in the data, by what was known at each as_of; the spine holds customer 0 only.
    """
    cells: dict[str, Cell] = {}
    groups: list[tuple[list[str], exp.Select]] = []
    for feed in sorted({feed for feed, _ in feeds} | starts):
        source = CANONICAL[feed]
        clock = Clock(source, source.time, ())
        volume = _volume(feed, source.time, statements)
        of_feed: list[Steps] = []
        for offset in sorted(offset for name, offset in feeds if name == feed):
            name = feed_column(feed, offset)
            cells[name] = Edge(clock, "TRUE", False, None, 1, offset, True)
            of_feed.append(Steps(volume, visible_from(offset), {name: column("n")}))
        if feed in starts:
            name = f"{feed}_start"
            cells[name] = Peak(clock, "TRUE", False, False, False)
            of_feed.append(Steps(volume, visible_from(), {name: sql("-b")}))
        groups.append(_stepped(of_feed, cells, statements.grid))
    return _accumulate(cells, groups, statements)


def feed_column(feed: str, offset: int) -> str:
    """Name of the column with the rows of a feed that are older than ``offset`` weeks."""
    return f"{feed}_{offset}"


def _volume(feed: str, time: str, statements: Statements) -> str:
    """Name of a table with the rows of a feed by week and week of knowing."""
    weekly = _weekly_volume(feed, time, statements.grid)
    if feed not in statements.away:
        return statements.add(weekly)
    made = statements.push(feed, weekly)
    typed = [alias(cast(column(name), "BIGINT"), name) for name in ("c", "b", "k", "n")]
    return statements.add(select(typed, made))


def _weekly_volume(feed: str, time: str, grid: Grid) -> exp.Select:
    own = column(time, "r")
    known = greatest(own.copy(), column("known_at", "r"))
    placed = select([alias(grid.week(own), "b"), alias(grid.week(known), "k")], table(feed, "r"))
    items = [sql("0 AS c"), column("b"), column("k"), sql("COUNT(*) AS n")]
    return select(items, subquery(placed, "x"), group=("b", "k"))


def _stepped(
    steps: list[Steps], cells: Mapping[str, Cell], grid: Grid
) -> tuple[list[str], exp.Select]:
    """Names of the columns of some steps, and the SELECT of these by customer and as_of."""
    names = list(dict.fromkeys(name for step in steps for name in step.values))
    return names, _together(steps, {name: cells[name] for name in names}, grid)


def _accumulate(
    cells: Mapping[str, Cell],
    groups: list[tuple[list[str], exp.Select]],
    statements: Statements,
) -> str:
    """Steps of all columns by customer and as_of, then their running sums along the spine."""
    items, joins = [column("c", "n"), column("i", "n")], list[Join]()
    for order, (names, stepped) in enumerate(groups):
        on = same("n", f"d{order}", "c", "i")
        joins.append((subquery(stepped, f"d{order}"), on, "LEFT"))
        items += [column(name, f"d{order}") for name in names]
    joined = select(items, table(SPINE, "n"), joins=joins)
    along = (alias(_along(cell, name), name) for name, cell in cells.items())
    return statements.add(select(["c", "i", *along], subquery(joined, "j")))


def _together(steps: list[Steps], cells: Mapping[str, Cell], grid: Grid) -> exp.Select:
    """Steps of these columns by customer and as_of; those before the first count at the first."""
    parts: list[exp.Expression] = []
    for step in steps:
        values = [
            alias(step.values.get(name) or cast(exp.Null(), kind_of(cell)), name)
            for name, cell in cells.items()
        ]
        index = alias(greatest(step.index, number(grid.first)), "i")
        where = [condition.copy() for condition in step.where]
        parts.append(select(["c", index, *values], step.table, where=where))
    union = parts[0]
    for part in parts[1:]:
        union = exp.Union(this=union, expression=part, distinct=False)
    sums = (alias(_summed(cell, name), name) for name, cell in cells.items())
    return select(
        ["c", "i", *sums],
        subquery(union, "u"),
        where=[exp.LTE(this=column("i"), expression=number(grid.last))],
        group=("c", "i"),
    )


def _summed(cell: Cell, name: str) -> exp.Expression:
    kind = exp.Max if isinstance(cell, Peak) else exp.Sum
    return cast(kind(this=column(name)), kind_of(cell))


def _along(cell: Cell, name: str) -> exp.Expression:
    window = exp.Window(
        this=(exp.Max if isinstance(cell, Peak) else exp.Sum)(this=column(name)),
        partition_by=[column("c")],
        order=exp.Order(expressions=[exp.Ordered(this=column("i"), nulls_first=False)]),
        spec=exp.WindowSpec(
            kind="ROWS", start="UNBOUNDED", start_side="PRECEDING", end="CURRENT ROW"
        ),
    )
    if isinstance(cell, Peak):
        return window
    return cast(exp.Coalesce(this=window, expressions=[number(0)]), kind_of(cell))
