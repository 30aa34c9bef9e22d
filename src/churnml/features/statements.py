"""Rows of the sources placed on the weekly grid, and the statements of one pass in their order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlglot import exp

from churnml.features.cells import Cell, Clock, columns_of
from churnml.features.clock import Grid
from churnml.features.row_sources import TIMELY_ROWS, Source
from churnml.features.trees import (
    alias,
    column,
    greatest,
    is_known,
    same,
    select,
    sql,
    subquery,
    table,
)

#: Customers of the chunk: ``c``, ``customer_id`` and what never changes.
MEMBERS = "churnml_members"
#: Snapshots asked for: ``r``, ``c``, ``i``, ``day``.
ASKED = "churnml_asked"
#: Every customer of the chunk (0: everyone) at every as_of between the first and the last: c, i.
SPINE = "churnml_spine"


@dataclass
class Statements:
    """Statements of one pass, in order: each creates a table of that name."""

    prefix: str
    grid: Grid
    present: frozenset[str]
    tables: list[tuple[str, exp.Select]] = field(default_factory=list)
    placed: dict[Clock, str] = field(default_factory=dict)

    def add(self, tree: exp.Select) -> str:
        """Name of the table that the tree will create."""
        name = f"{self.prefix}_{len(self.tables)}"
        self.tables.append((name, tree))
        return name

    def place(self, cells: Iterable[Cell]) -> None:
        """Add a table for each clock: its rows with their week ``b``, known from week ``k`` on."""
        read: dict[Clock, set[str]] = defaultdict(set)
        for cell in cells:
            read[cell.clock] |= columns_of(cell)
        for clock, columns in read.items():
            self.placed[clock] = self.add(self.rows(clock, sorted(columns)))

    def rows(self, clock: Clock, columns: list[str]) -> exp.Select:
        """Rows of a clock with their week ``b``, known from week ``k`` on, and these columns."""
        source = clock.source
        variant = source.variant(self.present)
        assert variant is not None  # the compiler left out what has no rows
        relation = sql(variant.select)
        if source.sequential:
            self._replace_timely(relation, source)
        times = (source.time, "known_at", *clock.later)
        known = greatest(*(column(time, "r") for time in times))
        return select(
            [
                column("c", "m"),
                *(column(name, "r") for name in columns),
                alias(self.grid.week(_qualified(clock.at)), "b"),
                alias(self.grid.week(known), "k"),
            ],
            subquery(relation, "r"),
            joins=[(table(MEMBERS, "m"), same("r", "m", "customer_id"), "")],
            where=[
                is_known(_qualified(clock.at)),
                *(is_known(column(time, "r")) for time in clock.later),
            ],
        )

    def _replace_timely(self, relation: exp.Expression, source: Source) -> None:
        """Let a sequence run over the rows known by the end of their own week."""
        own = column(source.time, "t")
        known = greatest(own.copy(), column("known_at", "t"))
        in_time = exp.LTE(this=self.grid.week(known), expression=self.grid.week(own))
        for node in list(relation.find_all(exp.Table)):
            if node.name == TIMELY_ROWS:
                rows = select(
                    [exp.Column(this=exp.Star(), table=exp.to_identifier("t"))],
                    table(source.tables[0], "t"),
                    joins=[(table(MEMBERS, "m"), same("t", "m", "customer_id"), "")],
                    where=[in_time.copy()],
                )
                node.replace(subquery(rows, TIMELY_ROWS))


def _qualified(text: str) -> exp.Expression:
    tree = sql(text)
    for node in list(tree.find_all(exp.Column)):
        node.set("table", exp.to_identifier("r"))
    return tree
