"""Rows of the sources placed on the weekly grid, and the statements of one pass in their order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlglot import exp

from churnml.errors import InputError
from churnml.features.cells import Cell, Clock, columns_of
from churnml.features.clock import Grid
from churnml.features.row_sources import TIMELY_ROWS, Source
from churnml.features.trees import (
    Join,
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
    """Statements of one pass, in order: each creates a table of that name.

    Parameters
    ----------
    prefix : str
    grid : Grid
    present : frozenset of str
        Canonical tables that are there.
    away : frozenset of str
        Those of them whose rows stay at a server.
    tables, placed
        What was added so far.
    pushed : list of (name, canonical table, SELECT)
        What is to be asked at the server before, for all customers at once.
    """

    prefix: str
    grid: Grid
    present: frozenset[str]
    away: frozenset[str] = frozenset()
    tables: list[tuple[str, exp.Select]] = field(default_factory=list)
    placed: dict[Clock, str] = field(default_factory=dict)
    pushed: list[tuple[str, str, exp.Select]] = field(default_factory=list)

    def add(self, tree: exp.Select) -> str:
        """Name of the table that the tree will create."""
        name = f"{self.prefix}_{len(self.tables)}"
        self.tables.append((name, tree))
        return name

    def push(self, of: str, tree: exp.Select) -> str:
        """Name of the table that will hold what the tree finds at the server of that table."""
        name = f"{self.prefix}_from_server_{len(self.pushed)}"
        self.pushed.append((name, of, tree))
        return name

    def away_of(self, source: Source) -> str | None:
        """Canonical table at a server from which alone the rows of a source come.

        Raises
        ------
        InputError
            If they also come from others.
        """
        variant = source.variant(self.present)
        tables = variant.tables if variant is not None else ()
        if not self.away.intersection(tables):
            return None
        if len(set(tables)) > 1:
            raise InputError(
                f"Rows of {source.name} join {' and '.join(tables)}, one of which stays at a "
                "server. Declare the feature over one of them, or bring the tables as files."
            )
        return tables[0]

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
        who = self._who()
        return select(
            [
                alias(who, "c"),
                *(column(name, "r") for name in columns),
                alias(self.grid.week(_qualified(clock.at)), "b"),
                alias(self.grid.week(known), "k"),
            ],
            subquery(relation, "r"),
            joins=self._members("r"),
            where=[
                is_known(_qualified(clock.at)),
                *(is_known(column(time, "r")) for time in clock.later),
            ],
        )

    def _who(self) -> exp.Expression:
        """The customer of a row ``r``."""
        return column("c", "m")

    def _members(self, rows: str) -> list[Join]:
        """The join that leaves rows of the customers of the chunk only."""
        return [(table(MEMBERS, "m"), same(rows, "m", "customer_id"), "")]

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
                    joins=self._members("t"),
                    where=[in_time.copy()],
                )
                node.replace(subquery(rows, TIMELY_ROWS))


@dataclass
class ThereStatements(Statements):
    """Statements for the server: customers go by their ids, and everyone takes part."""

    def tree(self, name: str) -> exp.Select:
        """The statement of that name."""
        return dict(self.tables)[name].copy()

    def whole(self, tree: exp.Select) -> exp.Select:
        """The tree with all statements that it needs as its common tables."""
        needed = {node.name for node in tree.find_all(exp.Table)}
        chosen: list[tuple[str, exp.Select]] = []
        for name, query in reversed(self.tables):
            if name in needed:
                chosen.append((name, query.copy()))
                needed |= {node.name for node in query.find_all(exp.Table)}
        for name, query in reversed(chosen):
            tree = tree.with_(name, as_=query, copy=False)
        return tree

    def _who(self) -> exp.Expression:
        return column("customer_id", "r")

    def _members(self, rows: str) -> list[Join]:
        return []


def _qualified(text: str) -> exp.Expression:
    tree = sql(text)
    for node in list(tree.find_all(exp.Column)):
        node.set("table", exp.to_identifier("r"))
    return tree
