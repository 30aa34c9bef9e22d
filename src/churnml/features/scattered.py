"""Rows by block of customers: read once, kept in memory as far as allowed, else in spill files."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa

from churnml.features.carried import Program, unpack

#: Doubles hold every whole number up to here; sums beyond are left to SQL.
EXACT = 2.0**53


class InexactError(Exception):
    """Sums of a value over a customer's rows do not fit a double; ``values`` names them."""

    def __init__(self, values: frozenset[tuple[str, int]]) -> None:
        super().__init__(f"sums of {sorted(values)} exceed 2 ** 53")
        self.values = values


@dataclass(eq=False)
class Scattered:
    """Rows of one clock as whole numbers, a field a line, sorted by block.

    Parameters
    ----------
    program : Program
    customers : int
    per_block : int
        Customers of a block, by their numbers.
    memory : int
        Bytes that may stay in memory; batches beyond them are spilled.
    """

    program: Program
    customers: int
    per_block: int
    memory: int
    _parts: list[tuple[np.ndarray, np.ndarray]] = field(default_factory=list)
    _held: int = 0
    _spill: Path | None = None

    def fill(self, batches: Iterable[pa.RecordBatch]) -> None:
        """Take all rows.

        Raises
        ------
        InexactError
            If a sum over a customer's rows may not be exact.
        """
        sums = dict.fromkeys(self.program.summed, 0.0)
        for batch in batches:
            if batch.num_rows:
                self._take(batch, sums)
        large = {
            self.program.summed[place]
            for place, total in sums.items()
            if total == np.inf or (total >= EXACT and self._is_inexact(place))
        }
        if large:
            raise InexactError(frozenset(large))

    def _take(self, batch: pa.RecordBatch, sums: dict[int, float]) -> None:
        from churnml.features.kernel import by_customer

        for place in sums:
            values = batch.column(1 + self.program.words + place)
            if values.null_count:  # not even one row fits 64 bits
                sums[place] = np.inf
                return
            sums[place] += float(np.abs(values.to_numpy()).sum(dtype=np.float64))
        fields = [column.to_numpy() for column in batch.columns]
        blocks = (fields[0] >> 32) // self.per_block
        order, begins = by_customer(blocks, -(-self.customers // self.per_block))
        rows = np.empty((len(fields), len(order)), np.int64)
        for line, values in enumerate(fields):
            np.take(values, order, out=rows[line])
        self._parts.append((self._kept(rows), begins))

    def _is_inexact(self, place: int) -> bool:
        """Whether the sum over one customer's rows may exceed the whole numbers of a double."""
        sums = np.zeros(self.customers)
        for rows, _ in self._parts:
            size = np.abs(rows[1 + self.program.words + place].astype(np.float64))
            sums += np.bincount(rows[0] >> 32, size, self.customers)
        return not sums.max() < EXACT

    def _kept(self, rows: np.ndarray) -> np.ndarray:
        if self._held + rows.nbytes <= self.memory:
            self._held += rows.nbytes
            return rows
        if self._spill is None:
            self._spill = Path(tempfile.mkdtemp(prefix="churnml-rows-"))
            weakref.finalize(self, shutil.rmtree, self._spill, ignore_errors=True)
        path = self._spill / f"{len(self._parts)}.npy"
        np.save(path, rows)
        spilled: np.ndarray = np.load(path, mmap_mode="r")
        return spilled

    def block(self, number: int) -> tuple[np.ndarray, ...]:
        """Customers (counted from the first of the block), both weeks, masks and numbers."""
        found = [rows[:, ends[number] : ends[number + 1]] for rows, ends in self._parts]
        rows = np.concatenate(found, axis=1) if found else np.empty((2, 0), np.int64)
        who, week, known = unpack(rows[0])
        words = self.program.words
        masks, numbers = rows[1 : 1 + words].view(np.uint64), rows[1 + words :]
        return who - number * self.per_block, week, known, masks, numbers
