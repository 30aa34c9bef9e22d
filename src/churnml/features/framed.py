"""The feature table as one frame: filled chunk by chunk, then compared as_of by as_of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
import pyarrow as pa

from churnml.features import algebra as a
from churnml.features.arrays import Cohorts, Read, value_of
from churnml.features.asked import Asked
from churnml.features.cohort import inputs
from churnml.features.declaration import Feature
from churnml.features.plan import Plan, in_words

#: Snapshots that are compared at a time, so that what is made on the way stays small.
_TOGETHER = 60_000


@dataclass(frozen=True)
class Framed:
    """The values of the snapshots that are wanted, and what comparing reads of all.

    Parameters
    ----------
    asked : Asked
    plan : Plan
    features : tuple of Feature
    matrix : array, shape (n_numbers, n_kept)
        Features that are numbers.
    lines : dict of Expr to array, shape (n_kept,)
        Where the values of an output belong: lines of the matrix, or words.
    inputs : dict of str to array, shape (n,)
        Snapshot columns that comparing reads.
    """

    asked: Asked
    plan: Plan
    features: tuple[Feature, ...]
    matrix: np.ndarray
    lines: dict[a.Expr, np.ndarray]
    inputs: dict[str, np.ndarray]

    @classmethod
    def of(cls, asked: Asked, plan: Plan, features: tuple[Feature, ...]) -> Framed:
        """The frame before anything is known."""
        values = list(dict.fromkeys(feature.value for feature in features))
        numbers = [value for value in values if not in_words(value)]
        kept = int(asked.kept.sum())
        matrix = np.empty((len(numbers), kept))
        lines = dict(zip(numbers, matrix, strict=True))
        lines |= {value: np.empty(kept, object) for value in values if in_words(value)}
        read = set(inputs(plan))
        columns = {
            name: np.empty(len(asked), object if in_words(expr) else np.float64)
            for expr, name in plan.snapshot.items()
            if name in read
        }
        return cls(asked, plan, features, matrix, lines, columns)

    def fill(self, rows: np.ndarray, leaves: Mapping[a.Expr, np.ndarray]) -> None:
        """What these snapshots say by themselves, from their leaves."""
        for expr, name in self.plan.snapshot.items():
            values = value_of(expr, leaves.get, len(rows))
            if name in self.inputs:
                self.inputs[name][rows] = values
            self._put(expr, rows, values)

    def compare(self) -> None:
        """What needs everyone at the same as_of."""
        compared = [expr for expr in self.lines if expr not in self.plan.snapshot]
        if not compared:
            return
        for rows, cohorts in self._cohorts():
            known = {name: values[rows] for name, values in self.inputs.items()}

            def read(expr: a.Expr, known: dict[str, np.ndarray] = known) -> np.ndarray | None:
                return known.get(self.plan.column(expr) or "")

            for _, nodes in sorted(self.plan.staged.items()):
                made = {name: self._staged(node, read, cohorts) for node, name in nodes.items()}
                known |= made
            for expr in compared:
                self._put(expr, rows, value_of(expr, read, len(rows)))

    def frame(self) -> pd.DataFrame:
        """The features in their order."""
        numbers = [one for one in self.features if not in_words(one.value)]
        places = {value: n for n, value in enumerate(v for v in self.lines if not in_words(v))}
        order = [places[one.value] for one in numbers]
        matrix = self.matrix if len(order) == len(places) else self.matrix[order]
        names = [one.name for one in numbers]
        table = pd.DataFrame(matrix.T, columns=names, copy=False)
        for place, one in enumerate(self.features):
            if in_words(one.value):
                words = pa.array(self.lines[one.value], pa.string())
                table.insert(place, one.name, words.to_pandas())
        return table.set_axis(self.asked.index(np.flatnonzero(self.asked.kept)))

    def _put(self, expr: a.Expr, rows: np.ndarray, values: np.ndarray) -> None:
        line = self.lines.get(expr)
        if line is None:
            return
        if self.asked.kept.all():
            line[rows] = values
            return
        kept = self.asked.kept[rows]
        line[self._places[rows[kept]]] = values[kept]

    @cached_property
    def _places(self) -> np.ndarray:
        """The place among the snapshots that are wanted of each of them."""
        return np.asarray(np.cumsum(self.asked.kept) - 1)

    def _staged(self, node: a.Expr, read: Read, cohorts: Cohorts) -> np.ndarray:
        """A node that compares, from what is known of the levels before."""
        rows = len(cohorts.of)
        match node:
            case a.CohortSum(value, by):
                words = None if by is None else read(a.Attribute(by))
                return cohorts.sums(value_of(value, read, rows), words)
            case a.Percentile(value):
                return cohorts.percentiles(value_of(value, read, rows))
            case a.Saved(value):
                return value_of(value, read, rows)
        raise TypeError(f"compares nothing: {type(node).__name__}")

    def _cohorts(self) -> Iterator[tuple[np.ndarray, Cohorts]]:
        """All snapshots of some as_ofs at a time, and which of them are of the same."""
        codes, _ = pd.factorize(self.asked.times)
        order = np.argsort(codes, kind="stable")
        ends = np.cumsum(np.bincount(codes))
        first = 0
        while first < len(ends):
            start = ends[first - 1] if first else 0
            last = max(first + 1, int(np.searchsorted(ends, start + _TOGETHER, "right")))
            rows = order[start : ends[last - 1]]
            yield rows, Cohorts(codes[rows] - first)
            first = last
