"""Running sums of steps along the as_ofs of each customer."""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import exp

from churnml.features.cells import Cell, Clock, Edge, Peak, Steps
from churnml.features.clock import Grid, visible_from
from churnml.features.row_sources import CANONICAL
from churnml.features.statements import SPINE, Statements
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
    statements.place(cells)
    groups = steps_of(cells, statements)
    return _accumulate({name: cell for cell, name in cells.items()}, groups, statements)


def feed_table(feeds: set[tuple[str, int]], starts: set[str], *, statements: Statements) -> str:
    """Name of a table by as_of: rows of each feed older than an offset, and its first week.

    Over everyone in the data, by what was known at each as_of; the spine holds customer 0 only.
    """
    cells: dict[str, Cell] = {}
    steps: list[list[Steps]] = []
    for feed in sorted({feed for feed, _ in feeds} | starts):
        source = CANONICAL[feed]
        clock = Clock(source, source.time, ())
        volume = statements.add(_weekly_volume(feed, source.time, statements.grid))
        of_feed: list[Steps] = []
        for offset in sorted(offset for name, offset in feeds if name == feed):
            name = feed_column(feed, offset)
            cells[name] = Edge(clock, "TRUE", False, None, 1, offset, True)
            of_feed.append(Steps(volume, visible_from(offset), {name: column("n")}))
        if feed in starts:
            name = f"{feed}_start"
            cells[name] = Peak(clock, "TRUE", False, False, False)
            of_feed.append(Steps(volume, visible_from(), {name: sql("-b")}))
        steps.append(of_feed)
    return _accumulate(cells, steps, statements)


def feed_column(feed: str, offset: int) -> str:
    """Name of the column with the rows of a feed that are older than ``offset`` weeks."""
    return f"{feed}_{offset}"


def _weekly_volume(feed: str, time: str, grid: Grid) -> exp.Select:
    own = column(time, "r")
    known = greatest(own.copy(), column("known_at", "r"))
    placed = select([alias(grid.week(own), "b"), alias(grid.week(known), "k")], table(feed, "r"))
    items = [sql("0 AS c"), column("b"), column("k"), sql("COUNT(*) AS n")]
    return select(items, subquery(placed, "x"), group=("b", "k"))


def _accumulate(
    cells: Mapping[str, Cell], groups: list[list[Steps]], statements: Statements
) -> str:
    """Steps of all columns by customer and as_of, then their running sums along the spine."""
    items, joins = [column("c", "n"), column("i", "n")], list[Join]()
    for order, steps in enumerate(groups):
        names = list(dict.fromkeys(name for step in steps for name in step.values))
        stepped = _together(steps, {name: cells[name] for name in names}, statements.grid)
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
            alias(step.values[name] if name in step.values else exp.Null(), name) for name in cells
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
