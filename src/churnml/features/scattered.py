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
        Bytes that may stay in memory; batches beyond them are spilled. ``held`` says how many do.
    """

    program: Program
    customers: int
    per_block: int
    memory: int
    _parts: list[_Part] = field(default_factory=list)
    held: int = 0
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
        place, *fields = (column.to_numpy() for column in batch.columns)
        blocks = (place >> 32) // self.per_block
        order, begins = by_customer(blocks, -(-self.customers // self.per_block))
        kind = np.int32 if all(_is_small(values) for values in fields) else np.int64
        rows = np.empty((len(fields), len(order)), kind)
        for line, values in enumerate(fields):
            rows[line] = values[order]
        self._parts.append(_Part(begins, *self._kept(place[order], rows)))

    def _is_inexact(self, place: int) -> bool:
        """Whether the sum over one customer's rows may exceed the whole numbers of a double."""
        sums = np.zeros(self.customers)
        for part in self._parts:
            where, rows = part.read(0, int(part.begins[-1]))
            size = np.abs(rows[self.program.words + place].astype(np.float64))
            sums += np.bincount(where >> 32, size, self.customers)
        return not sums.max() < EXACT

    def _kept(self, place: np.ndarray, rows: np.ndarray) -> tuple[_Lines, _Lines]:
        """The rows as they are as long as memory is allowed, then in a file."""
        size = place.nbytes + rows.nbytes
        if self.held + size <= self.memory:
            self.held += size
            return place[None], rows
        if self._spill is None:
            self._spill = Path(tempfile.mkdtemp(prefix="churnml-rows-"))
            weakref.finalize(self, shutil.rmtree, self._spill, ignore_errors=True)
        name = f"{len(self._parts)}"
        return _InFile.of(place[None], self._spill / name), _InFile.of(
            rows, self._spill / f"{name}_rows"
        )

    def block(self, number: int) -> tuple[np.ndarray, ...]:
        """Customers (counted from the first of the block), both weeks, masks and numbers."""
        parts = [part.read(*part.begins[number : number + 2]) for part in self._parts]
        words = self.program.words
        empty = np.empty((words + len(self.program.numbers), 0), np.int64)
        place = np.concatenate([np.empty(0, np.int64), *(where for where, _ in parts)])
        rows = np.concatenate([empty, *(rows for _, rows in parts)], axis=1)
        who, week, known = unpack(place)
        masks, numbers = rows[:words].view(np.uint64), rows[words:]
        return who - number * self.per_block, week, known, masks, numbers


def _is_small(values: np.ndarray) -> bool:
    limits = np.iinfo(np.int32)
    return bool(values.min() >= limits.min and values.max() <= limits.max)


@dataclass(frozen=True)
class _InFile:
    """Lines of numbers in a file, read in slices; a map of the file would count as memory."""

    path: Path
    shape: tuple[int, ...]
    kind: np.dtype[np.signedinteger]

    @classmethod
    def of(cls, lines: np.ndarray, path: Path) -> _InFile:
        lines.tofile(path)
        return cls(path, lines.shape, lines.dtype)

    def __getitem__(self, key: tuple[slice, slice]) -> np.ndarray:
        first, last = key[1].start, key[1].stop
        found = np.empty((self.shape[0], last - first), self.kind)
        with self.path.open("rb") as file:
            for line in range(len(found)):
                file.seek((line * self.shape[1] + first) * self.kind.itemsize)
                found[line] = np.fromfile(file, self.kind, last - first)
        return found


_Lines = np.ndarray | _InFile


@dataclass(frozen=True)
class _Part:
    """A batch of rows sorted by block: where each block begins, and its lines."""

    begins: np.ndarray
    place: _Lines
    rows: _Lines

    def read(self, first: int, last: int) -> tuple[np.ndarray, np.ndarray]:
        """Places and fields of some rows."""
        chosen = slice(None), slice(int(first), int(last))
        return self.place[chosen][0], self.rows[chosen]
