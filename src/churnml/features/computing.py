"""One computation: chunk after chunk of customers, then the cohort, then the features."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pyarrow as pa
from sqlglot import exp

from churnml.errors import InputError
from churnml.features import clock
from churnml.features.algebra import Expr, source_of, walk
from churnml.features.arrays import value_of
from churnml.features.asked import Asked
from churnml.features.carrier import Block, known_or_null
from churnml.features.cohort import compare, inputs
from churnml.features.compiler import Compiler
from churnml.features.declaration import Feature
from churnml.features.framed import Framed
from churnml.features.leaves import Chunk, Leaves
from churnml.features.phase import Phase
from churnml.features.plan import Plan, build, columns_from, typed
from churnml.features.scattered import InexactError
from churnml.features.trees import Join, alias, column, same, select, sql, subquery, table
from churnml.sources.backend import Backend, Query
from churnml.sources.dataset import Dataset

#: Customers times weeks computed at a time; keeps a chunk well under a gigabyte.
CHUNK_ROWS = 75_000
#: The same where no statement but the last meets a chunk.
CARRIED_ROWS = 60_000
#: The block kernel pays for a table of so many rows, and for so many leaves over any tables: its
#: import is soon won back, as weeks of one customer cost SQL more than rows do, and statements of
#: hundreds of columns take their time however few the rows (experiments/benchmarks). Once it is
#: loaded, one SELECT for each clock is cheaper than the statements of any table.
KERNEL_ROWS = 10_000
KERNEL_LEAVES = 200
#: Bytes of memory that rows of large tables may take; what is more lies in spill files.
MEMORY = 128 * 2**20

_STAGE = "churnml_stage"
_OTHERS = "churnml_others"
_KEPT = sql("r IN (SELECT r FROM churnml_kept)")


@dataclass
class Run:
    """The dataset, the snapshots asked for and the features.

    Parameters
    ----------
    dataset : Dataset
    asked : Asked
    features : tuple of Feature
    chunk_customers : int, optional
    progress : callable
        Called with the snapshots done and all snapshots.
    """

    dataset: Dataset
    asked: Asked
    features: tuple[Feature, ...]
    chunk_customers: int | None
    progress: Callable[[int, int], None] = lambda done, of: None
    #: Bytes that rows may take.
    memory: int = MEMORY
    #: Values whose sums turned out too large for the block kernel.
    inexact: frozenset[tuple[str, int]] = frozenset()
    plan: Plan = field(init=False)

    def __post_init__(self) -> None:
        self.plan = Plan.of([feature.value for feature in self.features])

    def compute(self, backend: Backend) -> pd.DataFrame:
        """The features as one frame in the order of the snapshots that are wanted."""
        return self._by_statements(backend) if backend.spreads else self._by_arrays(backend)

    def _by_arrays(self, backend: Backend) -> pd.DataFrame:
        framed = Framed.of(self.asked, self.plan, self.features)
        compiler = self._compiler(backend)
        leaves = Leaves.of(compiler, self.plan.snapshot)
        try:
            for phase, chunk in self._loaded(backend, compiler):
                framed.fill(chunk.rows, leaves.read(backend, phase, chunk))
        except InexactError as error:
            self.inexact |= error.values
            return self._by_arrays(backend)
        framed.compare()
        return framed.frame()

    def _by_statements(self, backend: Backend) -> pd.DataFrame:
        values: dict[str, pd.Series] = {}
        for chosen, read, made in self._readings(backend):
            found = backend.frame(_ordered(read, made))
            values.update({feature.name: found[feature.name] for feature in chosen})
        frame = pd.DataFrame({feature.name: values[feature.name] for feature in self.features})
        frame.index = self.asked.index(np.flatnonzero(self.asked.kept))
        return frame

    def parts(self, backend: Backend) -> Iterator[pa.Table]:
        """The features as tables, in the same order; all snapshots are wanted."""
        if self.plan.staged or len(self._phases()) > 1:
            yield from self._parts_of_stage(backend)
            return
        try:
            yield from self._parts_of_chunks(backend)
        except InexactError as error:  # before the first part, once the rows were seen
            self.inexact |= error.values
            yield from self.parts(backend)

    def _parts_of_chunks(self, backend: Backend) -> Iterator[pa.Table]:
        compiler = self._compiler(backend)
        leaves = Leaves.of(compiler, [feature.value for feature in self.features])
        for phase, chunk in self._loaded(backend, compiler):
            found = leaves.read(backend, phase, chunk)
            columns = {
                feature.name: _column(value_of(feature.value, found.get, len(chunk.rows)))
                for feature in self.features
            }
            yield self.asked.keys(chunk.rows, pa.table(columns))

    def _parts_of_stage(self, backend: Backend) -> Iterator[pa.Table]:
        readings = list(self._readings(backend))
        for start in range(0, len(self.asked), CHUNK_ROWS):
            rows = np.arange(start, min(start + CHUNK_ROWS, len(self.asked)))
            columns: dict[str, pa.ChunkedArray] = {}
            for chosen, read, made in readings:
                part = sql(f"r BETWEEN {rows[0]} AND {rows[-1]}")
                found = backend.read(_ordered(read, made, part))
                columns |= {feature.name: found[feature.name] for feature in chosen}
            ordered = {feature.name: columns[feature.name] for feature in self.features}
            yield self.asked.keys(rows, pa.table(ordered))

    def keyed(self, backend: Backend) -> Query:
        """The wanted features beside ``customer_id`` and ``as_of``, as one statement."""
        rows = np.flatnonzero(self.asked.kept)
        keys = self.asked.keys(rows, pa.table({"r": rows}))
        backend.lend("churnml_keys", keys)
        items: list[exp.Expression] = [column(name, "k") for name in ("customer_id", "as_of")]
        joins: list[Join] = []
        found: dict[str, exp.Expression] = {}
        for number, (chosen, read, made) in enumerate(self._readings(backend)):
            part = f"v{number}"
            joins.append((subquery(select(["r", *read], made), part), same("k", part, "r"), ""))
            found |= {feature.name: column(feature.name, part) for feature in chosen}
        items += [found[feature.name] for feature in self.features]
        return Query(select(items, table("churnml_keys", "k"), joins=joins))

    def _readings(
        self, backend: Backend
    ) -> Iterator[tuple[list[Feature], list[exp.Expression], str]]:
        """Features, what reads them once everything is computed, and from which table."""
        stages = self._stages(backend)
        rows = np.flatnonzero(self.asked.kept)
        backend.lend("churnml_kept", pa.table({"r": rows}))
        plan = self.plan
        compared = compare(backend, plan, stages=stages) if plan.staged else _STAGE
        for ready, made in ((True, _STAGE), (False, compared)):
            chosen = [f for f in self.features if (f.value in plan.snapshot) is ready]
            if chosen:
                read = [
                    alias(typed(f.value, build(f.value, column=columns_from(plan))), f.name)
                    for f in chosen
                ]
                yield chosen, read, made

    def _stages(self, backend: Backend) -> list[str]:
        """Names of the tables of what each snapshot says by itself."""
        plan, compiler = self.plan, self._compiler(backend)
        read = _read(plan, compiler, list(plan.snapshot.values()))
        stages = [_Stage(_STAGE, _Reading(read, [sql("s.kept")]))]
        if plan.staged and not self.asked.kept.all():
            # The others' rows are half of the memory where most are not wanted.
            read = _read(plan, compiler, inputs(plan))
            stages.append(_Stage(_OTHERS, _Reading(read, [sql("NOT s.kept")])))
        try:
            for phase, chunk in self._loaded(backend, compiler):
                phase.load(chunk.table())
                for stage in stages:
                    stage.add(backend, phase)
        except InexactError as error:
            self.inexact |= error.values
            return self._stages(backend)
        return [stage.table for stage in stages]

    def _compiler(self, backend: Backend) -> Compiler:
        covered = frozenset(
            name for name, source in self.dataset.description.tables.items() if source.covers
        )
        if backend.spreads and self.dataset.away:
            raise InputError(
                f"{', '.join(self.dataset.away)} stays at its server, from which Spark does not "
                "read here. Compute without --engine spark, or bring the tables as Parquet."
            )
        large = frozenset[str]() if backend.spreads else self._large()
        return Compiler(self.dataset.tables, covered, large, self.inexact)

    def _large(self) -> frozenset[str]:
        """Sources for the block kernel: all that are here, as soon as it pays."""
        nodes = {node for value in self.plan.outputs for node in walk(value)}
        read = [source for source in map(source_of, nodes) if source is not None]
        tables: dict[str, str] = {}
        for source in set(read):
            variant = source.variant(self.dataset.tables)
            if variant is not None and not self.dataset.away.keys() & set(variant.tables):
                tables[source.name] = variant.tables[0]
        if len(read) >= KERNEL_LEAVES or self._most(set(tables.values())) >= KERNEL_ROWS:
            return frozenset(tables)
        return frozenset()

    def _most(self, tables: set[str]) -> int:
        """Rows of the largest of these tables."""
        counted = (f"SELECT COUNT(*) AS n FROM {name}" for name in sorted(tables))
        if not tables:
            return 0
        most = f"SELECT MAX(n) FROM ({' UNION ALL '.join(counted)}) AS counted"
        row = self.dataset.connection.execute(most).fetchone()
        return int(row[0]) if row is not None else 0

    def _loaded(self, backend: Backend, compiler: Compiler) -> Iterator[tuple[Phase, Chunk]]:
        """Each chunk of customers, with the phase that it is loaded into."""
        done = 0
        for rows, grid in self._phases():
            phase = Phase(backend, compiler, grid, self.dataset.tables, self.dataset.away)
            phase.prepare()
            whole = CHUNK_ROWS if phase.joined else CARRIED_ROWS
            size = self.chunk_customers or max(1, whole // (grid.last - grid.first + 1))
            if backend.spreads:
                size = len(self.asked.customers)
            phase.gather(self.asked.names, per_block=size, memory=self.memory)
            for chunk in self._chunks(phase, rows, size):
                yield phase, chunk
                done += len(chunk.rows)
                self.progress(done, len(self.asked))

    def _phases(self) -> list[tuple[np.ndarray, clock.Grid]]:
        """Snapshots of one weekday and hour at a time, with their grid."""
        codes, as_ofs = pd.factorize(self.asked.times)
        times = pd.Series(as_ofs)
        phase_of = clock.phases(times)
        found = []
        for phase in sorted(phase_of.unique().tolist()):
            here = (phase_of == phase).to_numpy()
            index = clock.weeks(times[here], phase=phase)
            zone = self.dataset.description.timezone
            grid = clock.Grid(phase, int(index.min()), int(index.max()), zone)
            found.append((np.flatnonzero(here[codes]).astype(np.int32), grid))
        return found

    def _chunks(self, phase: Phase, rows: np.ndarray, size: int) -> Iterator[Chunk]:
        """Snapshots of some customers with what the kernel carries for them, made one ahead."""
        blocks = np.arange(0, len(self.asked.customers), size, dtype=np.int32)
        starts = np.unique(np.searchsorted(self.asked.c[rows], blocks))
        starts = starts[starts < len(rows)]
        with ThreadPoolExecutor(1) as worker:
            waiting: Future[Chunk] | None = None
            for start, end in zip(starts, [*starts[1:], len(rows)], strict=True):
                following = worker.submit(self._chunk, phase, rows[start:end], size)
                if waiting is not None:
                    yield waiting.result()
                waiting = following
            if waiting is not None:
                yield waiting.result()

    def _chunk(self, phase: Phase, rows: np.ndarray, size: int) -> Chunk:
        at = pd.Series(self.asked.times[rows])
        index = clock.weeks(at, phase=phase.grid.phase).to_numpy()
        numbers = self.asked.c[rows]
        number = int(numbers[0]) // size
        begins = np.searchsorted(numbers, np.arange(number * size, (number + 1) * size + 1))
        block = Block(number, index - phase.grid.first, begins)
        return Chunk(self.asked, rows, index, block.weeks, phase.carried(block))


@dataclass
class _Reading:
    """What is read of each snapshot, of which of them; a statement for each phase."""

    items: list[exp.Expression]
    where: list[exp.Expression] = field(default_factory=list)
    queries: dict[int, Query] = field(default_factory=dict)

    def of(self, phase: Phase) -> Query:
        """The statement over the chunk that is loaded."""
        at = phase.grid.phase
        if at not in self.queries:
            self.queries[at] = phase.reading(self.items, where=self.where)
        return self.queries[at]


@dataclass
class _Stage:
    """A table that grows chunk by chunk, and what is read for it."""

    table: str
    reading: _Reading
    started: bool = False

    def add(self, backend: Backend, phase: Phase) -> None:
        """Append the rows of the chunk that is loaded."""
        put = backend.append if self.started else backend.create
        put(self.table, self.reading.of(phase))
        self.started = True


def _ordered(read: list[exp.Expression], made: str, *where: exp.Expression) -> Query:
    """What is read of the snapshots that are wanted, in their order."""
    items = [item.copy() for item in read]
    tree = select(items, made, where=[_KEPT.copy(), *where])
    return Query(tree.order_by("r", copy=False))


def _column(values: np.ndarray) -> pa.Array:
    """Words as they are, numbers with null where unknown."""
    return pa.array(values, pa.string()) if values.dtype == object else known_or_null(values)


def _read(plan: Plan, compiler: Compiler, names: Sequence[str]) -> list[exp.Expression]:
    """Place and as_of of a snapshot, and its columns of these names."""
    chosen = [(expr, name) for expr, name in plan.snapshot.items() if name in names]
    values = [alias(_value(expr, compiler), name) for expr, name in chosen]
    return [column("r", "s"), column("as_of", "s"), *values]


def _value(expr: Expr, compiler: Compiler) -> exp.Expression:
    return typed(expr, build(expr, column=_no_column, leaf=compiler.leaf))


def _no_column(_: Expr) -> exp.Expression | None:
    return None
