"""The snapshots of one weekday and hour: their running columns, chunk after chunk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from sqlglot import exp

from churnml.features.carrier import Block, Carrier
from churnml.features.cells import Aged, Cell
from churnml.features.clock import Grid
from churnml.features.compiler import Compiler
from churnml.features.running import feed_table, running
from churnml.features.statements import ASKED, MEMBERS, SPINE, Statements
from churnml.features.steps import aged_table
from churnml.features.trees import (
    Join,
    alias,
    column,
    greatest,
    same,
    select,
    sql,
    subquery,
    table,
)
from churnml.sources.backend import Backend, Query

if TYPE_CHECKING:
    from churnml.sources.postgres.log import Log

FEEDS = "churnml_feeds"
_SNAPSHOTS = "churnml_snapshots"


@dataclass
class Phase:
    """Tables of the backend from which the leaves of the features are read.

    Parameters
    ----------
    backend : Backend
    compiler : Compiler
        Knows the columns that are needed.
    grid : Grid
    present : frozenset of str
        Canonical tables that are there.
    away : mapping of str to Log
        Those of them whose rows stay at a server.
    """

    backend: Backend
    compiler: Compiler
    grid: Grid
    present: frozenset[str]
    away: Mapping[str, Log] = field(default_factory=dict)
    #: Statements of a chunk: table, its SELECT, and whether only later statements need it.
    steps: list[tuple[str, Query, bool]] = field(default_factory=list)
    joined: list[str] = field(default_factory=list)
    carriers: list[Carrier] = field(default_factory=list)

    def prepare(self) -> None:
        """Write the statements of a chunk once, and create what all chunks share."""
        self.backend.load(SPINE, _spine(np.array([0]), self.grid))
        feeds = self._statements(FEEDS)
        feed_table(self.compiler.feeds, self.compiler.starts, statements=feeds)
        self._ask(feeds)
        self._run(_queries(feeds, FEEDS))
        self.steps.append((MEMBERS, Query(self._members()), False))
        for source, cells in self.compiler.passes.items():
            for name, statements in self._passes(source, cells):
                self._ask(statements)
                self.steps += _queries(statements, name)
                self.joined.append(name)

    def gather(self, customers: pa.Array, *, per_block: int, memory: int) -> None:
        """Read the rows that the block kernel carries, of all customers.

        Raises
        ------
        InexactError
            If sums of a value are too large for it.
        """
        if not self.compiler.carried:
            return
        numbers = pa.array(np.arange(len(customers)))
        self.backend.load(MEMBERS, pa.table({"c": numbers, "customer_id": customers}))
        for cells in self.compiler.carried.values():
            statements = Statements("churnml_all", self.grid, self.present)
            carrier = Carrier.read(
                self.backend, cells, statements,
                customers=len(customers), per_block=per_block, memory=memory,
            )  # fmt: skip
            memory -= carrier.rows.held
            self.carriers.append(carrier)

    def carried(self, block: Block) -> dict[str, np.ndarray]:
        """The columns of the block kernel at the snapshots of a block; NaN is unknown."""
        found: dict[str, np.ndarray] = {}
        for carrier in self.carriers:
            found |= carrier.columns(block)
        return found

    def load(self, snapshots: pa.Table) -> None:
        """Compute the running columns of the snapshots of some customers."""
        day, spell = (
            alias(self.grid.day(column(time)), name)
            for time, name in (("as_of", "day"), ("spell_started_at", "spell_day"))
        )
        names = [name for name in snapshots.column_names if name != "spell_started_at"]
        self.backend.lend(_SNAPSHOTS, snapshots)
        # a table is read quickest again and again, but many columns are read only once
        make = self.backend.define if self.carriers else self.backend.create
        make(ASKED, Query(select([*names, day, spell], _SNAPSHOTS)))
        if self.joined:
            spine = _spine(np.unique(snapshots["c"].to_numpy()), self.grid)
            self.backend.load(SPINE, spine)
        self._run(self.steps)

    def reading(self, items: Sequence[exp.Expression], *, where: Sequence[exp.Expression]) -> Query:
        """Of the chunk loaded: s (snapshot), m (customer), f (feeds), running columns beside."""
        joins: list[Join] = [
            (table(MEMBERS, "m"), same("s", "m", "c"), ""),
            (table(FEEDS, "f"), same("s", "f", "i"), ""),
        ]
        joins += [(table(name), same("s", name, "c", "i"), "LEFT") for name in self.joined]
        return Query(select(items, table(ASKED, "s"), joins=joins, where=where))

    def _passes(self, source: str, cells: dict[Cell, str]) -> Iterator[tuple[str, Statements]]:
        """Statements for the running columns of one source, by the table they end in."""
        stepped = {cell: name for cell, name in cells.items() if not isinstance(cell, Aged)}
        if stepped:
            statements = self._statements(f"churnml_{source}")
            running(stepped, statements)
            yield f"p_{source}", statements
        for cell, name in cells.items():
            if isinstance(cell, Aged):
                statements = self._statements(f"churnml_{name}")
                aged_table(cell, name, statements)
                yield name, statements

    def _statements(self, prefix: str) -> Statements:
        return Statements(prefix, self.grid, self.present, frozenset(self.away))

    def _ask(self, statements: Statements) -> None:
        """Take over what is asked at servers, of all customers at once."""
        for name, of, tree in statements.pushed:
            with self.away[of].batches(tree) as rows:
                self.backend.load(name, rows)

    def _members(self) -> exp.Select:
        """The customers of the chunk: when they signed up, what never changes, who is covered."""
        signed = column("signed_up_at", "u")
        known = greatest(signed.copy(), column("known_at", "u"))
        items = [
            column("c", "n"),
            column("customer_id", "n"),
            alias(self.grid.week(signed), "sign_b"),
            alias(self.grid.week(known), "sign_k"),
            alias(self.grid.day(signed.copy()), "sign_day"),
            *(sql(f'u."{name}"') for name in sorted(self.compiler.attributes)),
        ]
        joins: list[Join] = [(table("customers", "u"), same("n", "u", "customer_id"), "LEFT")]
        for feed in sorted(self.compiler.covered):
            covers = select(["customer_id", "covered"], "coverage", where=[sql(f"feed = '{feed}'")])
            joins.append(
                (subquery(covers, f"v_{feed}"), same("n", f"v_{feed}", "customer_id"), "LEFT")
            )
            items.append(sql(f"COALESCE(v_{feed}.covered, TRUE) AS covered_{feed}"))
        members = select(["c", "customer_id"], ASKED, distinct=True)
        return select(items, subquery(members, "n"), joins=joins)

    def _run(self, steps: Iterable[tuple[str, Query, bool]]) -> None:
        """Create the tables; those that only lead to another are dropped once it is there."""
        passing: list[str] = []
        for name, query, is_passing in steps:
            self.backend.create(name, query)
            if is_passing:
                passing.append(name)
            else:
                for done in passing:
                    self.backend.drop(done)
                passing.clear()


def _queries(statements: Statements, result: str) -> Iterator[tuple[str, Query, bool]]:
    *leading, (_, last) = statements.tables
    placed = set(statements.placed.values())
    for name, tree in leading:
        yield name, Query(tree, name in placed), True
    yield result, Query(last), False


def _spine(customers: np.ndarray, grid: Grid) -> pa.Table:
    """Each customer at each as_of of the grid."""
    indices = np.arange(grid.first, grid.last + 1)
    return pa.table(
        {"c": np.repeat(customers, len(indices)), "i": np.tile(indices, len(customers))}
    )
