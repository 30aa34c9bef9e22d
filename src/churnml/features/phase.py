"""The snapshots of one weekday and hour: their running columns, chunk after chunk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
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

FEEDS = "churnml_feeds"
_FRAME = "churnml_frame"
_SNAPSHOTS = "churnml_snapshots"


@dataclass
class Phase:
    """Tables in the connection from which the leaves of the features are read.

    Parameters
    ----------
    connection : DuckDBPyConnection
    compiler : Compiler
        Knows the columns that are needed.
    grid : Grid
    present : frozenset of str
        Canonical tables that are there.
    """

    connection: duckdb.DuckDBPyConnection
    compiler: Compiler
    grid: Grid
    present: frozenset[str]
    #: Statements of a chunk: table, its SELECT, and whether only later statements need it.
    steps: list[tuple[str, str, bool]] = field(default_factory=list)
    joined: list[str] = field(default_factory=list)
    carriers: list[Carrier] = field(default_factory=list)

    def prepare(self) -> None:
        """Write the statements of a chunk once, and create what all chunks share."""
        self._load_frame(_spine(np.array([0]), self.grid), SPINE, select([exp.Star()], _FRAME))
        feeds = Statements(FEEDS, self.grid, self.present)
        feed_table(self.compiler.feeds, self.compiler.starts, statements=feeds)
        self._run(_texts(feeds, FEEDS))
        self.steps.append((MEMBERS, self._members().sql("duckdb", copy=False), False))
        for source, cells in self.compiler.passes.items():
            for name, statements in self._passes(source, cells):
                self.steps += _texts(statements, name)
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
        everyone = pa.table({"c": numbers, "customer_id": customers})
        self._load_frame(everyone, MEMBERS, select([exp.Star()], _FRAME))
        share = memory // len(self.compiler.carried)
        for cells in self.compiler.carried.values():
            statements = Statements("churnml_all", self.grid, self.present)
            carrier = Carrier.read(
                self.connection, cells, statements,
                customers=len(customers), per_block=per_block, memory=share,
            )  # fmt: skip
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
        asked = select([*names, day, spell], _SNAPSHOTS).sql("duckdb", copy=False)
        self.connection.register(_SNAPSHOTS, snapshots)
        # a table is read quickest again and again, but many columns are read only once
        kind = "VIEW" if self.carriers else "TABLE"
        self.connection.execute(f"CREATE OR REPLACE TEMP {kind} {ASKED} AS {asked}")
        if self.joined:
            spine = _spine(pc.unique(snapshots["c"]).to_numpy(), self.grid)
            self._load_frame(spine, SPINE, select([exp.Star()], _FRAME))
        self._run(self.steps)

    def source(self) -> str:
        """FROM-clause over the chunk: s (snapshot), m (customer), f (feeds), running columns."""
        joins: list[Join] = [
            (table(MEMBERS, "m"), same("s", "m", "c"), ""),
            (table(FEEDS, "f"), same("s", "f", "i"), ""),
        ]
        joins += [(table(name), same("s", name, "c", "i"), "LEFT") for name in self.joined]
        text = select([column("r", "s")], table(ASKED, "s"), joins=joins).sql("duckdb", copy=False)
        return str(text).removeprefix("SELECT s.r ")

    def _passes(self, source: str, cells: dict[Cell, str]) -> Iterator[tuple[str, Statements]]:
        """Statements for the running columns of one source, by the table they end in."""
        stepped = {cell: name for cell, name in cells.items() if not isinstance(cell, Aged)}
        if stepped:
            statements = Statements(f"churnml_{source}", self.grid, self.present)
            running(stepped, statements)
            yield f"p_{source}", statements
        for cell, name in cells.items():
            if isinstance(cell, Aged):
                statements = Statements(f"churnml_{name}", self.grid, self.present)
                aged_table(cell, name, statements)
                yield name, statements

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

    def _load_frame(self, frame: pa.Table, name: str, tree: exp.Select) -> None:
        self.connection.register(_FRAME, frame)
        self._create(name, tree.sql("duckdb", copy=False))
        self.connection.unregister(_FRAME)

    def _run(self, steps: Iterable[tuple[str, str, bool]]) -> None:
        """Create the tables; those that only lead to another are dropped once it is there."""
        passing: list[str] = []
        for name, text, is_passing in steps:
            self._create(name, text)
            if is_passing:
                passing.append(name)
            else:
                for done in passing:
                    self.connection.execute(f"DROP TABLE {done}")
                passing.clear()

    def _create(self, name: str, text: str) -> None:
        self.connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {text}")


def _texts(statements: Statements, result: str) -> Iterator[tuple[str, str, bool]]:
    *leading, (_, last) = statements.tables
    for name, tree in leading:
        yield name, tree.sql("duckdb", copy=False), True
    yield result, last.sql("duckdb", copy=False), False


def _spine(customers: np.ndarray, grid: Grid) -> pa.Table:
    """Each customer at each as_of of the grid."""
    indices = np.arange(grid.first, grid.last + 1)
    return pa.table(
        {"c": np.repeat(customers, len(indices)), "i": np.tile(indices, len(customers))}
    )
