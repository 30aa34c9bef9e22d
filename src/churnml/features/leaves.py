"""Leaves of features at the snapshots of a chunk: carried columns as they are, others by SQL."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pyarrow as pa
from sqlglot import exp

from churnml.features import algebra as a
from churnml.features.asked import Asked
from churnml.features.carrier import known_or_null
from churnml.features.clock import EPOCH, Grid
from churnml.features.compiler import Compiler
from churnml.features.phase import FEEDS, Phase
from churnml.features.plan import typed
from churnml.features.trees import Join, alias, column, same, select, table
from churnml.sources.backend import Backend, Query

_WEEKS = "churnml_weeks"
_CARRIED = (a.Total, a.Distinct, a.Extreme)


@dataclass(frozen=True)
class Chunk:
    """Snapshots of some customers, and what the kernel carries for them.

    Parameters
    ----------
    asked : Asked
    rows : array of int
        Their places.
    index : array of int
        Numbers of their as_ofs on the grid.
    weeks : array of int
        The same, counted from the first as_of of the phase.
    carried : dict of arrays
    """

    asked: Asked
    rows: np.ndarray
    index: np.ndarray
    weeks: np.ndarray
    carried: dict[str, np.ndarray]

    def table(self, needed: Collection[str] | None = None) -> pa.Table:
        """The snapshots with the carried columns that are needed; default: all."""
        table = self.asked.table(self.rows, self.index)
        for name, values in self.carried.items():
            if needed is None or name in needed:
                table = table.append_column(name, known_or_null(values))
        return table


@dataclass
class Leaves:
    """Reads what the expressions of some features need of the data.

    Parameters
    ----------
    compiler : Compiler
        Learns which columns must be carried.
    """

    compiler: Compiler
    #: For each carried leaf its column and where its feed is alive.
    carried: dict[a.Expr, tuple[str, exp.Expression | None]] = field(default_factory=dict)
    #: For each other leaf its name in a statement.
    asked: dict[a.Expr, str] = field(default_factory=dict)
    reading: list[exp.Expression] = field(default_factory=list)
    #: The as_ofs of one phase: their days, and where feeds are alive.
    day: np.ndarray = field(default_factory=lambda: np.empty(0))
    alive: dict[exp.Expression, np.ndarray] = field(default_factory=dict)
    _query: Query | None = None
    #: Carried columns that the statement reads.
    _needed: frozenset[str] = frozenset()
    _phase: Phase | None = None

    @classmethod
    def of(cls, compiler: Compiler, values: Iterable[a.Expr]) -> Leaves:
        """All leaves of these values."""
        leaves = cls(compiler)
        for value in values:
            for node in a.walk(value):
                if not isinstance(node, a.Constant | a.SnapshotDay) and not a.children(node):
                    leaves._add(node)
        return leaves

    def _add(self, leaf: a.Expr) -> None:
        if leaf in self.carried or leaf in self.asked:
            return
        if isinstance(leaf, _CARRIED) and self.compiler.is_straight(leaf):
            name = self.compiler.column(self.compiler.cell(leaf)).name
            self.carried[leaf] = name, self.compiler.alive(leaf)
            return
        self.asked[leaf] = f"l{len(self.asked)}"
        tree = typed(leaf, self.compiler.leaf(leaf))
        self.reading.append(alias(tree, self.asked[leaf]))

    def read(self, backend: Backend, phase: Phase, chunk: Chunk) -> dict[a.Expr, np.ndarray]:
        """The leaves at the snapshots of a chunk; words are objects, None where unknown."""
        if phase is not self._phase:
            self._begin(backend, phase)
        found = {leaf: self._of_column(leaf, chunk) for leaf in self.carried}
        found[a.SnapshotDay()] = self.day[chunk.weeks]
        if self._query is not None:
            phase.load(chunk.table(self._needed))
            answer = _in_order(backend.read(self._query))
            found |= {
                leaf: answer[name].to_numpy(zero_copy_only=False)
                for leaf, name in self.asked.items()
            }
        return found

    def _begin(self, backend: Backend, phase: Phase) -> None:
        """Learn the days of the as_ofs, and at which of them the feeds are alive."""
        conditions = list(dict.fromkeys(tree for _, tree in self.carried.values() if tree))
        backend.lend(_WEEKS, _weeks(phase.grid))
        items = [alias(phase.grid.day(column("as_of", "w")), "day")]
        items += [alias(tree.copy(), f"alive_{n}") for n, tree in enumerate(conditions)]
        weeks: list[Join] = [(table(_WEEKS, "w"), same("f", "w", "i"), "")]
        asked = select(items, table(FEEDS, "f"), joins=weeks).order_by("f.i", copy=False)
        found = backend.read(Query(asked))
        self.day = found["day"].to_numpy().astype(np.float64)
        self.alive = {tree: found[f"alive_{n}"].to_numpy() for n, tree in enumerate(conditions)}
        self._query = None
        if self.asked:
            columns = (item.find_all(exp.Column) for item in self.reading)
            self._needed = frozenset(one.name for found in columns for one in found)
            reading = [item.copy() for item in self.reading]
            self._query = phase.reading([column("r", "s"), *reading], where=[])
        self._phase = phase

    def _of_column(self, leaf: a.Expr, chunk: Chunk) -> np.ndarray:
        name, alive = self.carried[leaf]
        found = chunk.carried[name]
        if isinstance(leaf, a.Extreme) and not leaf.latest:
            found = -found
        if isinstance(leaf, a.Total) and leaf.scale != 1:
            found = found / float(leaf.scale)
        if alive is not None and not self.alive[alive].all():
            found = np.where(self.alive[alive][chunk.weeks], found, np.nan)
        return found


def _weeks(grid: Grid) -> pa.Table:
    """The as_ofs of the grid; arithmetic of times is written differently by every engine."""
    indices = np.arange(grid.first, grid.last + 1)
    origin = np.datetime64((EPOCH + pd.Timedelta(microseconds=grid.phase)).to_datetime64(), "us")
    as_ofs = origin + indices * np.timedelta64(7, "D")
    return pa.table({"i": indices, "as_of": pa.array(as_ofs, pa.timestamp("us"))})


def _in_order(found: pa.Table) -> pa.Table:
    """The rows in the order of the places ``r``."""
    rows = found["r"].to_numpy()
    return found if (np.diff(rows) > 0).all() else found.take(np.argsort(rows))
