"""The block kernel at work: rows of a clock read once, then its columns for block after block."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from churnml.features.carried import Carried, Program
from churnml.features.scattered import Scattered
from churnml.features.statements import Statements
from churnml.sources.backend import Backend, Query

#: Rows that are taken over at a time.
_BATCH = 1 << 18


@dataclass(frozen=True)
class Block:
    """Snapshots of a block of customers: its number, their as_of indices, where customers begin."""

    number: int
    weeks: np.ndarray
    begins: np.ndarray


@dataclass(frozen=True)
class Carrier:
    """The columns of one clock."""

    program: Program
    rows: Scattered
    weeks: int

    @classmethod
    def read(
        cls,
        backend: Backend,
        cells: Mapping[Carried, str],
        statements: Statements,
        *,
        customers: int,
        per_block: int,
        memory: int,
    ) -> Carrier:
        """All rows that these columns need; ``members`` holds every customer.

        Raises
        ------
        InexactError
        """
        grid = statements.grid
        program = Program.of(cells, grid)
        rows = Scattered(program, customers, per_block, memory)
        rows.fill(backend.stream(Query(program.reads(cells, statements)), rows=_BATCH))
        return cls(program, rows, grid.last - grid.first + 1)

    def columns(self, block: Block) -> dict[str, np.ndarray]:
        """Every column at the snapshots of a block; NaN where there is no row."""
        from churnml.features.kernel import carry

        program = self.program
        out = np.empty((len(program.names), len(block.weeks)))
        tables = program.edges, program.spans, program.peaks, program.keys, program.helds
        asked = program.least, block.weeks, block.begins
        carry(*self.rows.block(block.number), *tables, *asked, self.weeks, out)
        return {name: line for name, line in zip(program.names, out, strict=True) if name}


def known_or_null(values: np.ndarray) -> pa.Array:
    """The values with null for NaN."""
    unknown = np.isnan(values)
    return pa.array(values, mask=unknown) if unknown.any() else pa.array(values)
