"""Features that are carried columns and whole arithmetic on them: computed without any statement.

The same operations on the same doubles as in SQL, so the same bits; unknown is NaN here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pyarrow as pa
from sqlglot import exp

from churnml.features import algebra as a
from churnml.features.clock import EPOCH, Grid
from churnml.features.compiler import Compiler
from churnml.features.trees import Join, alias, column, same, select, table
from churnml.sources.backend import Backend, Query

_WEEKS = "churnml_weeks"
_LEAVES = (a.Total, a.Distinct, a.Extreme)


@dataclass
class Straight:
    """Reads features from the carried columns of a chunk.

    Parameters
    ----------
    compiler : Compiler
        Learns which columns must be carried.
    """

    compiler: Compiler
    #: For each leaf its column and where its feed is alive.
    leaves: dict[a.Expr, tuple[str, exp.Expression | None]] = field(default_factory=dict)
    alive: dict[exp.Expression, np.ndarray] = field(default_factory=dict)
    day: np.ndarray = field(default_factory=lambda: np.empty(0))

    def takes(self, expr: a.Expr) -> bool:
        """Whether the feature can be read so; its columns are then carried."""
        nodes = list(a.walk(expr))
        if not all(self._knows(node) for node in nodes):
            return False
        for node in nodes:
            if isinstance(node, _LEAVES):
                column = self.compiler.column(self.compiler.cell(node))
                self.leaves[node] = column.name, self.compiler.alive(node)
        return True

    def _knows(self, node: a.Expr) -> bool:
        if isinstance(node, _LEAVES):
            return self.compiler.is_straight(node)
        if isinstance(node, a.Constant):
            return node.number is not None
        return isinstance(node, a.Arithmetic | a.SnapshotDay)

    def prepare(self, backend: Backend, grid: Grid, *, feeds: str) -> None:
        """Learn the days of the as_ofs, and at which of them the feeds are alive."""
        if len(self.day):
            return
        conditions = list(dict.fromkeys(tree for _, tree in self.leaves.values() if tree))
        backend.lend(_WEEKS, _weeks(grid))
        items = [alias(grid.day(column("as_of", "w")), "day")]
        items += [alias(tree.copy(), f"alive_{n}") for n, tree in enumerate(conditions)]
        weeks: list[Join] = [(table(_WEEKS, "w"), same("f", "w", "i"), "")]
        asked = select(items, table(feeds, "f"), joins=weeks).order_by("f.i", copy=False)
        found = backend.read(Query(asked))
        self.day = found["day"].to_numpy().astype(np.float64)
        for place, tree in enumerate(conditions):
            self.alive[tree] = found[f"alive_{place}"].to_numpy()

    def value(
        self, expr: a.Expr, columns: Mapping[str, np.ndarray], weeks: np.ndarray
    ) -> np.ndarray:
        """The feature at snapshots of these as_of indices, counted from the first."""
        if isinstance(expr, a.Constant):
            return np.full(len(weeks), expr.number, dtype=np.float64)
        if isinstance(expr, a.SnapshotDay):
            days: np.ndarray = self.day[weeks]
            return days
        if isinstance(expr, a.Arithmetic):
            left, right = (self.value(part, columns, weeks) for part in (expr.left, expr.right))
            return _arithmetic(expr.operator, left, right)
        name, alive = self.leaves[expr]
        found = columns[name]
        if isinstance(expr, a.Extreme) and not expr.latest:
            found = -found
        if isinstance(expr, a.Total) and expr.scale != 1:
            found = found / float(expr.scale)
        if alive is not None and not self.alive[alive].all():
            found = np.where(self.alive[alive][weeks], found, np.nan)
        return found


def _weeks(grid: Grid) -> pa.Table:
    """The as_ofs of the grid; arithmetic of times is written differently by every engine."""
    indices = np.arange(grid.first, grid.last + 1)
    origin = np.datetime64((EPOCH + pd.Timedelta(microseconds=grid.phase)).to_datetime64(), "us")
    as_ofs = origin + indices * np.timedelta64(7, "D")
    return pa.table({"i": indices, "as_of": pa.array(as_ofs, pa.timestamp("us"))})


def _arithmetic(operator: str, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    found: np.ndarray = np.full(len(left), np.nan)
    if operator == "/":
        np.divide(left, right, out=found, where=right != 0)
    else:
        operation = {"+": np.add, "-": np.subtract, "*": np.multiply}[operator]
        operation(left, right, out=found)
    return found
