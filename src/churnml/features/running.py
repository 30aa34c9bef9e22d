"""Running sums of steps along the as_ofs of each customer."""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import exp

from churnml.features.cells import Cell, Clock, Edge, Peak, Steps
from churnml.features.clock import Grid, greatest, sql, visible_from
from churnml.features.row_sources import CANONICAL
from churnml.features.statements import SPINE, Statements
from churnml.features.steps import Stepped, kind_of, steps_of


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
    steps: list[Steps] = []
    for feed in sorted({feed for feed, _ in feeds} | starts):
        source = CANONICAL[feed]
        clock = Clock(source, source.time, ())
        table = statements.add(_weekly_volume(feed, source.time, statements.grid))
        for offset in sorted(offset for name, offset in feeds if name == feed):
            name = feed_column(feed, offset)
            cells[name] = Edge(clock, "TRUE", False, None, 1, offset, True)
            steps.append(Steps(table, visible_from(offset), {name: sql("n")}))
        if feed in starts:
            name = f"{feed}_start"
            cells[name] = Peak(clock, "TRUE", False, False, False)
            steps.append(Steps(table, visible_from(), {name: sql("-b")}))
    return _accumulate(cells, [[step] for step in steps], statements)


def feed_column(feed: str, offset: int) -> str:
    """Name of the column with the rows of a feed that are older than ``offset`` weeks."""
    return f"{feed}_{offset}"


def _weekly_volume(feed: str, time: str, grid: Grid) -> exp.Select:
    own, known = sql(f"r.{time}"), sql(f"GREATEST(r.{time}, r.known_at)")
    weeks = exp.select(exp.alias_(grid.week(own), "b"), exp.alias_(grid.week(known), "k"))
    return (
        exp.select(sql("0 AS c"), "b", "k", sql("COUNT(*) AS n"))
        .from_(exp.alias_(exp.Subquery(this=weeks.from_(f"{feed} AS r")), "x"))
        .group_by("b", "k")
    )


def _accumulate(
    cells: Mapping[str, Cell], groups: list[list[Steps]], statements: Statements
) -> str:
    """Steps of all columns by customer and as_of, then their running sums along the spine."""
    tree = exp.select("n.c", "n.i").from_(f"{SPINE} AS n")
    for number, steps in enumerate(groups):
        names = list(dict.fromkeys(name for step in steps for name in step.values))
        table = statements.add(_together(steps, {name: cells[name] for name in names}, statements))
        here = f"n.c = d{number}.c AND n.i = d{number}.i"
        tree = tree.join(f"{table} AS d{number}", on=here, join_type="LEFT", copy=False)
        tree = tree.select(*(exp.column(name, table=f"d{number}") for name in names), copy=False)
    joined = statements.add(tree)
    along = (exp.alias_(_along(cell, name), name) for name, cell in cells.items())
    return statements.add(exp.select("c", "i", *along).from_(joined))


def _together(steps: list[Steps], cells: Mapping[str, Cell], statements: Statements) -> exp.Select:
    """Steps of these columns by customer and as_of; those before the first count at the first."""
    first, last = sql(str(statements.grid.first)), sql(str(statements.grid.last))
    parts: list[exp.Expression] = []
    for step in steps:
        values = [
            exp.alias_(step.values[name].copy() if name in step.values else exp.null(), name)
            for name in cells
        ]
        part = exp.select("c", exp.alias_(greatest(step.index.copy(), first.copy()), "i"), *values)
        parts.append(part.from_(step.table).where(*(c.copy() for c in step.where)))
    union = parts[0]
    for part in parts[1:]:
        union = exp.union(union, part, distinct=False, copy=False)
    sums = (exp.alias_(_summed(cell, name), name) for name, cell in cells.items())
    return (
        exp.select("c", "i", *sums)
        .from_(exp.alias_(exp.Subquery(this=union), "u"))
        .where(exp.LTE(this=exp.column("i"), expression=last))
        .group_by("c", "i")
    )


def _summed(cell: Cell, name: str) -> exp.Expression:
    kind = exp.Max if isinstance(cell, Peak) else exp.Sum
    return exp.cast(kind(this=exp.column(name)), kind_of(cell))


def _along(cell: Cell, name: str) -> exp.Expression:
    function = "MAX" if isinstance(cell, Peak) else "SUM"
    along = sql(
        f"{function}({name}) OVER (PARTITION BY c ORDER BY i "
        "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)"
    )
    if isinstance(cell, Peak):
        return along
    return exp.cast(exp.Coalesce(this=along, expressions=[exp.Literal.number(0)]), kind_of(cell))
