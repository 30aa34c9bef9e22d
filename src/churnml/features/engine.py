"""All features of all snapshots: what stood at each as_of, then what compares with its cohort.

The customers are taken in chunks, which bounds the memory; the values of a snapshot do not depend
on the chunks, on the other as_ofs that are asked for, or on the order of any rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import duckdb
import numpy as np
import pandas as pd
from sqlglot import exp

from churnml import arguments
from churnml.errors import InputError
from churnml.features import clock
from churnml.features.algebra import Expr, reads
from churnml.features.catalogue import catalogue
from churnml.features.cohort import compare, inputs
from churnml.features.compiler import Compiler
from churnml.features.declaration import Feature
from churnml.features.phase import Phase
from churnml.features.plan import Plan, build, columns_from, typed
from churnml.features.row_sources import SCORED_MESSAGES
from churnml.features.trees import alias, select, sql
from churnml.sources.dataset import Dataset
from churnml.text.hearing import heard

#: Customers times weeks computed at a time; keeps a chunk well under a gigabyte.
CHUNK_ROWS = 75_000

_STAGE = "churnml_stage"
_OTHERS = "churnml_others"
_KEPT = sql("r IN (SELECT r FROM churnml_kept)")


def compute_features(
    dataset: Dataset,
    snapshots: pd.DataFrame,
    *,
    features: Sequence[Feature] | None = None,
    kept: pd.Series | None = None,
    chunk_customers: int | None = None,
) -> pd.DataFrame:
    """The value of each feature at each snapshot, from what was known strictly before it.

    Parameters
    ----------
    dataset : Dataset
    snapshots : DataFrame
        ``customer_id`` and ``as_of`` (naive UTC) of everyone at risk: ranks and cohort rates are
        over the snapshots given. ``spell_started_at``, if there, begins the tenure.
    features : sequence of Feature, optional
        Default: the catalogue of the dataset.
    kept : Series of bool, aligned with ``snapshots``, optional
        Snapshots that are wanted; default: all. The others only take part in ranks and rates.
    chunk_customers : int, optional
        Customers computed at a time; a matter of memory only.

    Returns
    -------
    DataFrame, shape (n_kept, n_features)
        Indexed by (customer_id, as_of), sorted; columns in the order of ``features``; float64, NaN
        where unknown; features of unit category hold words.

    Raises
    ------
    InputError
        If the snapshots lack a column, a value, or hold a customer twice at one as_of.
    """
    arguments.opened(dataset)
    chosen = tuple(catalogue(dataset) if features is None else features)
    asked = _asked(snapshots, kept)
    if not asked["kept"].any() or not chosen:
        return _empty(asked[asked["kept"]], chosen)
    if any(reads(feature.value, SCORED_MESSAGES) for feature in chosen):
        dataset = heard(dataset)
    run = _Run(dataset, asked, chosen, chunk_customers)
    with dataset.connection.cursor() as connection:
        return run.compute(connection)


def _asked(snapshots: pd.DataFrame, kept: pd.Series | None) -> pd.DataFrame:
    """Snapshots in their final order, checked, with numbers for customers."""
    arguments.with_columns(snapshots, arguments.KEYS, what="Snapshots", made_by="take_snapshots")
    spells = {"spell_started_at": snapshots.get("spell_started_at", pd.NaT)}
    wanted = True if kept is None else kept.to_numpy(dtype=bool)
    asked = snapshots[["customer_id", "as_of"]].assign(**spells, kept=wanted)
    if asked[["customer_id", "as_of"]].isna().any(axis=None):
        raise InputError("Snapshots hold an empty customer_id or as_of. Remove these rows.")
    asked["customer_id"] = asked["customer_id"].astype("str")
    for name in ("as_of", "spell_started_at"):
        asked[name] = _naive(asked[name])
    asked = asked.sort_values(["customer_id", "as_of"], ignore_index=True)
    twice = asked.duplicated(["customer_id", "as_of"])
    if twice.any():
        example = asked[twice].iloc[0]
        raise InputError(
            f"{int(twice.sum())} snapshots are there twice, e.g. {example['customer_id']} at "
            f"{example['as_of']}. Give each customer once for each as_of."
        )
    asked["c"] = pd.factorize(asked["customer_id"])[0]
    asked["r"] = np.arange(len(asked))
    return asked


def _naive(times: pd.Series) -> pd.Series:
    if isinstance(times.dtype, pd.DatetimeTZDtype):
        raise InputError(
            f"Snapshot times are naive UTC here; {times.name} has the zone {times.dtype.tz}. "
            "Convert with .dt.tz_convert('UTC').dt.tz_localize(None)."
        )
    return times.astype("datetime64[us]")


def _empty(asked: pd.DataFrame, features: Sequence[Feature]) -> pd.DataFrame:
    index = pd.MultiIndex.from_frame(asked[["customer_id", "as_of"]])
    columns = {
        feature.name: pd.Series(index=index, dtype="object" if feature.is_category else "float64")
        for feature in features
    }
    return pd.DataFrame(columns, index=index)


@dataclass(frozen=True)
class _Run:
    """One computation: the dataset, the snapshots asked for and the features."""

    dataset: Dataset
    asked: pd.DataFrame
    features: tuple[Feature, ...]
    chunk_customers: int | None

    def compute(self, connection: duckdb.DuckDBPyConnection) -> pd.DataFrame:
        """Stage by phase and chunk, then the cohort, then one frame."""
        plan = Plan.of([feature.value for feature in self.features])
        compiler = self._compiler()
        stages = [_Stage(_STAGE, "s.kept", _read(plan, compiler, list(plan.snapshot.values())))]
        if plan.staged and not self.asked["kept"].all():
            # The others' rows are half of the memory where most are not wanted.
            stages.append(_Stage(_OTHERS, "NOT s.kept", _read(plan, compiler, inputs(plan))))
        for asked, grid in self._phases():
            phase = Phase(connection, compiler, grid, self.dataset.tables)
            phase.prepare()
            for chunk in self._chunks(asked, grid):
                phase.load(chunk)
                for stage in stages:
                    stage.add(connection, phase.source())
        return self._frame(connection, plan, [stage.table for stage in stages])

    def _compiler(self) -> Compiler:
        covered = frozenset(
            name for name, source in self.dataset.description.tables.items() if source.covers
        )
        return Compiler(self.dataset.tables, covered)

    def _phases(self) -> Iterator[tuple[pd.DataFrame, clock.Grid]]:
        """Snapshots of one weekday and hour at a time, with their grid."""
        phase_of = clock.phases(self.asked["as_of"])
        for phase in sorted(phase_of.unique().tolist()):
            asked = self.asked[phase_of == phase]
            asked = asked.assign(i=clock.weeks(asked["as_of"], phase=phase))
            first, last = int(asked["i"].min()), int(asked["i"].max())
            yield asked, clock.Grid(phase, first, last, self.dataset.description.timezone)

    def _chunks(self, asked: pd.DataFrame, grid: clock.Grid) -> Iterator[pd.DataFrame]:
        numbers = asked["c"].unique()
        size = self.chunk_customers or max(1, CHUNK_ROWS // (grid.last - grid.first + 1))
        for start in range(0, len(numbers), size):
            yield asked[asked["c"].isin(numbers[start : start + size])]

    def _frame(
        self, connection: duckdb.DuckDBPyConnection, plan: Plan, stages: Sequence[str]
    ) -> pd.DataFrame:
        """The features as one frame in the order of the snapshots that are wanted."""
        rows = self.asked.loc[self.asked["kept"], ["customer_id", "as_of", "r"]]
        connection.register("churnml_kept", rows[["r"]])
        values: dict[str, pd.Series] = {}
        compared = compare(connection, plan, stages=stages) if plan.staged else _STAGE
        for ready, made in ((True, _STAGE), (False, compared)):
            chosen = [f for f in self.features if (f.value in plan.snapshot) is ready]
            if chosen:
                read = [
                    alias(typed(f.value, build(f.value, column=columns_from(plan))), f.name)
                    for f in chosen
                ]
                tree = select(read, made, where=[_KEPT.copy()]).order_by("r", copy=False)
                found = connection.sql(tree.sql("duckdb", copy=False)).df()
                values.update({f.name: found[f.name] for f in chosen})
        frame = pd.DataFrame({feature.name: values[feature.name] for feature in self.features})
        frame.index = pd.MultiIndex.from_frame(rows[["customer_id", "as_of"]])
        return frame


@dataclass
class _Stage:
    """A table that grows chunk by chunk: which rows it holds, and the columns read for them."""

    table: str
    rows: str
    read: str
    started: bool = False

    def add(self, connection: duckdb.DuckDBPyConnection, source: str) -> None:
        """Append the rows of the chunk that is loaded."""
        verb = f"INSERT INTO {self.table}" if self.started else f"CREATE TEMP TABLE {self.table} AS"
        connection.execute(f"{verb} SELECT s.r, s.as_of{self.read} {source} WHERE {self.rows}")
        self.started = True


def _read(plan: Plan, compiler: Compiler, names: Sequence[str]) -> str:
    """The snapshot columns of these names as SQL, each after a comma."""
    trees = [
        alias(typed(expr, build(expr, column=_no_column, leaf=compiler.leaf)), name)
        for expr, name in plan.snapshot.items()
        if name in names
    ]
    return "".join(f", {tree.sql('duckdb', copy=False)}" for tree in trees)


def _no_column(_: Expr) -> exp.Expression | None:
    return None
