"""Rows of the sources placed on the weekly grid, and the statements of one pass in their order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlglot import exp

from churnml.features.cells import Cell, Clock, columns_of
from churnml.features.clock import Grid, greatest, sql
from churnml.features.row_sources import TIMELY_ROWS

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
            self.placed[clock] = self.add(self._rows(clock, sorted(columns)))

    def _rows(self, clock: Clock, columns: list[str]) -> exp.Select:
        source = clock.source
        variant = source.variant(self.present)
        assert variant is not None  # the compiler left out what has no rows
        relation = sql(variant.select)
        if source.sequential:
            self._replace_timely(relation, clock)
        times = [f"r.{time}" for time in (source.time, "known_at", *clock.later)]
        known = greatest(*(sql(time) for time in times))
        at = _qualified(clock.at)
        there = [at.copy(), *(sql(time) for time in times[2:])]
        return (
            exp.select("m.c", *(f"r.{column}" for column in columns))
            .select(exp.alias_(self.grid.week(at), "b"), exp.alias_(self.grid.week(known), "k"))
            .from_(exp.alias_(exp.Subquery(this=relation), "r"))
            .join(f"{MEMBERS} AS m", on="r.customer_id = m.customer_id")
            .where(*(exp.Not(this=exp.Is(this=time, expression=exp.null())) for time in there))
        )

    def _replace_timely(self, relation: exp.Expression, clock: Clock) -> None:
        """Let a sequence run over the rows known by the end of their own week."""
        table, time = clock.source.tables[0], clock.source.time
        known = sql(f"GREATEST(t.{time}, t.known_at)")
        in_time = exp.LTE(this=self.grid.week(known), expression=self.grid.week(sql(f"t.{time}")))
        rows = (
            exp.select("t.*").from_(f"{table} AS t")
            .join(f"{MEMBERS} AS m", on="t.customer_id = m.customer_id")
            .where(in_time)
        )  # fmt: skip
        for node in list(relation.find_all(exp.Table)):
            if node.name == TIMELY_ROWS:
                node.replace(exp.alias_(exp.Subquery(this=rows.copy()), TIMELY_ROWS))


def _qualified(text: str) -> exp.Expression:
    tree = sql(text)
    for column in list(tree.find_all(exp.Column)):
        column.set("table", exp.to_identifier("r"))
    return tree
