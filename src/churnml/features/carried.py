"""Running columns that the block kernel carries: what it reads of each row, and what it keeps.

Counts, sums, the latest and earliest time, different keys, and the latest value; all else is SQL.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from sqlglot import exp

from churnml.features.cells import Cell, Held, Keys, Peak, Span, columns_of
from churnml.features.clock import Grid, second
from churnml.features.statements import Statements
from churnml.features.trees import (
    alias,
    cast,
    every,
    is_known,
    number,
    select,
    sql,
    subquery,
    when,
)

#: Cells of the kernel.
Carried = Span | Peak | Keys | Held
#: Bits of a mask; a whole number keeps one for its sign.
BITS = 63
#: Weeks before the first as_of are never counted further back than this, to fit 16 bits.
_LONG_AGO = -30_000
_HALF = 1 << 15
#: The week from which on rows matter that matter for ever.
EVER = -(1 << 40)


def carries(cell: Cell | Span) -> bool:
    """Whether the kernel knows this kind of column."""
    return isinstance(cell, Span | Peak | Keys) or (isinstance(cell, Held) and cell.by is None)


@dataclass
class Program:
    """What the kernel does with the rows of one clock.

    Parameters
    ----------
    conditions : list of SQL trees
        Each is a bit of the masks.
    numbers : list of SQL trees
        Whole numbers read of each row, null never.
    names : list of str
        Columns of the answer, in the kernel's order.
    """

    conditions: list[exp.Expression] = field(default_factory=list)
    numbers: list[exp.Expression] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    edges: np.ndarray = field(default_factory=lambda: np.empty((0, 4), np.int64))
    spans: np.ndarray = field(default_factory=lambda: np.empty((0, 2), np.int64))
    peaks: np.ndarray = field(default_factory=lambda: np.empty((0, 3), np.int64))
    keys: np.ndarray = field(default_factory=lambda: np.empty((0, 4), np.int64))
    helds: np.ndarray = field(default_factory=lambda: np.empty((0, 3), np.int64))
    #: First week that a bounded window reaches, counted from the first as_of.
    least: int = EVER
    #: Numbers that are summed, by place: the value and its scale.
    summed: dict[int, tuple[str, int]] = field(default_factory=dict)

    @property
    def words(self) -> int:
        """How many masks a row has."""
        return -(-len(self.conditions) // BITS)

    @classmethod
    def of(cls, cells: Mapping[Carried, str], grid: Grid) -> Program:
        """The program whose answer has these columns."""
        program = cls()
        program._spans({c: name for c, name in cells.items() if isinstance(c, Span)})
        for cell, name in cells.items():
            if isinstance(cell, Peak):
                time = sql(cell.clock.at)
                when_ = second(time) if cell.seconds else grid.day(time)
                row = [program._bit(cell), program._number(when_), 1 if cell.latest else -1]
                program.peaks = _with(program.peaks, row)
                program.names.append(name)
        for cell, name in cells.items():
            if isinstance(cell, Keys):
                program.keys = _with(program.keys, program._key(cell, grid))
                program.names.append(name)
        program._helds({c: name for c, name in cells.items() if isinstance(c, Held)})
        reached = [*program.edges[:, 3], *(-reach for reach in program.keys[:, 2] if reach >= 0)]
        program.least = min((int(week) for week in reached if week != EVER), default=EVER)
        return program

    def _bit(self, cell: Carried, *more: exp.Expression) -> int:
        """Place of a condition over the rows."""
        tree = every([sql(cell.where), *([sql("k <= b")] if cell.timely else []), *more])
        if tree not in self.conditions:
            self.conditions.append(tree)
        return self.conditions.index(tree)

    def _number(self, tree: exp.Expression) -> int:
        if tree not in self.numbers:
            self.numbers.append(tree)
        return self.numbers.index(tree)

    def _value(self, value: str, scale: int) -> int:
        place = self._number(whole_number(value, scale))
        self.summed[place] = (value, scale)
        return place

    def _spans(self, cells: Mapping[Span, str]) -> None:
        """Edges in the order of their conditions, and the two of each window."""
        measures: dict[Span, tuple[int, int]] = {}
        for cell in cells:
            value = -1 if cell.value is None else self._value(cell.value, cell.scale)
            measures[cell] = (self._bit(cell), value)
        needed = {
            (*measures[cell], offset)
            for cell in cells
            for offset in (cell.window.start, cell.window.end)
            if offset is not None
        }
        edges = sorted(needed)
        place = {edge: number for number, edge in enumerate(edges)}
        reach: dict[int, float] = {}
        for cell in cells:
            bit = measures[cell][0]
            start = np.inf if cell.window.start is None else cell.window.start
            reach[bit] = max(reach.get(bit, start), start)
        # a row that no window reaches counts on both of its edges from the first as_of on
        least = [EVER if reach[bit] == np.inf else -int(reach[bit]) for bit, _, _ in edges]
        self.edges = np.array(
            [(*edge, week) for edge, week in zip(edges, least, strict=True)], np.int64
        ).reshape(-1, 4)
        spans = [
            [place[(*measures[cell], offset)] if offset is not None else -1
             for offset in (cell.window.end, cell.window.start)]
            for cell in cells
        ]  # fmt: skip
        self.spans = np.array(spans, np.int64).reshape(-1, 2)
        self.names += cells.values()

    def _key(self, cell: Keys, grid: Grid) -> list[int]:
        start, end = cell.window.start, cell.window.end
        reach = -1 if start is None else start
        if cell.key is None:
            return [self._bit(cell), self._number(grid.day(sql(cell.clock.at))), reach, end]
        known = is_known(sql(cell.key))
        # 63 bits of a hash: two keys of one customer meet once in 10 ** 12 customers of 4,000 keys
        code = sql(f"CAST(COALESCE(HASH({cell.key}), 0) >> 1 AS BIGINT)")
        return [self._bit(cell, known), self._number(code), reach, end]

    def _helds(self, cells: Mapping[Held, str]) -> None:
        groups: dict[tuple[int, int, int], dict[bool, str]] = {}
        for cell, name in cells.items():
            at = sql(f"EPOCH_US({cell.clock.at})")
            # the number of rows belongs to the same values: they say which row is the latest
            scale = cell.scale if not cell.counted else self._scale_of(cell, cells)
            row = (self._bit(cell), self._value(cell.value, scale), self._number(at))
            groups.setdefault(row, {})[cell.counted] = name
        for row, named in groups.items():
            self.helds = _with(self.helds, list(row))
            self.names += [named.get(counted, "") for counted in (False, True)]

    @staticmethod
    def _scale_of(cell: Held, cells: Mapping[Held, str]) -> int:
        """The scale of the value that stands beside a count."""
        alike = [
            other.scale for other in cells
            if not other.counted and (other.where, other.value) == (cell.where, cell.value)
        ]  # fmt: skip
        return alike[0] if alike else cell.scale

    def reads(self, cells: Mapping[Carried, str], statements: Statements) -> exp.Select:
        """SELECT of one packed place (customer, week, week of knowing), masks and numbers a row."""
        clock = next(iter(cells)).clock
        grid = statements.grid
        columns = frozenset().union(*(columns_of(cell) for cell in cells))
        placed = statements.rows(clock, sorted(columns))
        week = f"GREATEST(b - {grid.first}, {_LONG_AGO}) + {_HALF}"
        known = f"GREATEST(k - {grid.first}, {_LONG_AGO}) + {_HALF}"
        packed = sql(f"(c << 32) | (({week}) << 16) | ({known})")
        masks = [
            alias(_mask(self.conditions[word * BITS : (word + 1) * BITS]), f"mask_{word}")
            for word in range(self.words)
        ]
        values = [alias(tree.copy(), f"number_{n}") for n, tree in enumerate(self.numbers)]
        needed = _needed(cells, grid)
        return select([alias(packed, "place"), *masks, *values], subquery(placed, "y"),
                      where=needed)  # fmt: skip


def whole_number(value: str, scale: int) -> exp.Expression:
    """The value as a whole number of ``1 / scale``, 0 without one; null where 64 bits are few."""
    scaled = exp.Round(this=exp.Mul(this=exp.Paren(this=sql(value)), expression=number(scale)))
    known = exp.Coalesce(this=scaled, expressions=[number(0)])
    return exp.TryCast(this=known, to=exp.DataType.build("BIGINT"))


def unpack(place: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Customer, week and week of knowing (both counted from the first as_of)."""
    week = ((place >> 16) & 0xFFFF) - _HALF
    known = (place & 0xFFFF) - _HALF
    return place >> 32, week, known


def _with(table: np.ndarray, row: list[int]) -> np.ndarray:
    return np.vstack([table, np.array([row], np.int64)])


def _mask(conditions: list[exp.Expression]) -> exp.Expression:
    """The conditions as bits of one whole number."""
    bits = [
        exp.Paren(this=when([tree.copy()], cast(number(1 << bit), "BIGINT"),
                            cast(number(0), "BIGINT")))
        for bit, tree in enumerate(conditions)
    ]  # fmt: skip
    mask = bits[0]
    for bit in bits[1:]:
        mask = exp.BitwiseOr(this=mask, expression=bit)
    return mask


def _needed(cells: Mapping[Carried, str], grid: Grid) -> list[exp.Expression]:
    """Rows that become visible by the last as_of and have not left every window by the first."""
    windows = [cell.window for cell in cells if isinstance(cell, Span | Keys)]
    ever = len(windows) < len(cells) or any(window.start is None for window in windows)
    least = min([0, *(window.end for window in windows)])
    needed = [sql(f"GREATEST(b + {least}, k) < {grid.last}")]
    if not ever:
        reach = max(window.start or 0 for window in windows)
        needed.append(sql(f"GREATEST(b + {reach}, k) >= {grid.first}"))
    return needed
