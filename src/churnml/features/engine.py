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

from churnml.errors import InputError
from churnml.features import clock
from churnml.features.algebra import Expr
from churnml.features.catalogue import catalogue
from churnml.features.cells import Aged, Cell
from churnml.features.clock import sql
from churnml.features.cohort import compare
from churnml.features.compiler import Compiler
from churnml.features.declaration import Feature
from churnml.features.plan import Plan, build, columns_from, typed
from churnml.features.running import feed_table, running
from churnml.features.statements import ASKED, MEMBERS, SPINE, Statements
from churnml.features.steps import aged_table
from churnml.sources.dataset import Dataset

#: Customers times weeks computed at a time; keeps a chunk well under a gigabyte.
CHUNK_ROWS = 100_000

_STAGE = "churnml_stage"
_FEEDS = "churnml_feeds"


def compute_features(
    dataset: Dataset,
    snapshots: pd.DataFrame,
    *,
    features: Sequence[Feature] | None = None,
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
    chunk_customers : int, optional
        Customers computed at a time; a matter of memory only.

    Returns
    -------
    DataFrame, shape (n_snapshots, n_features)
        Indexed by (customer_id, as_of), sorted; columns in the order of ``features``; float64, NaN
        where unknown; features of unit category hold words.

    Raises
    ------
    InputError
        If the snapshots lack a column, a value, or hold a customer twice at one as_of.
    """
    chosen = tuple(catalogue(dataset) if features is None else features)
    asked = _asked(snapshots)
    if asked.empty or not chosen:
        return _empty(asked, chosen)
    run = _Run(dataset, asked, chosen, chunk_customers)
    with dataset.connection.cursor() as connection:
        return run.compute(connection)


def _asked(snapshots: pd.DataFrame) -> pd.DataFrame:
    """Snapshots in their final order, checked, with numbers for customers."""
    missing = [name for name in ("customer_id", "as_of") if name not in snapshots]
    if missing:
        raise InputError(
            f"Snapshots need the columns customer_id and as_of; {', '.join(missing)} is missing. "
            "Use take_snapshots, or name the columns so."
        )
    spells = {"spell_started_at": snapshots.get("spell_started_at", pd.NaT)}
    asked = snapshots[["customer_id", "as_of"]].assign(**spells)
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
        columns = [
            exp.alias_(typed(expr, build(expr, column=_no_column, leaf=compiler.leaf)), name)
            for expr, name in plan.snapshot.items()
        ]
        verb = f"CREATE TEMP TABLE {_STAGE} AS"
        for asked, grid in self._phases():
            self._prepare_feeds(connection, compiler, grid)
            for chunk in self._chunks(asked, grid):
                tree = self._chunk(connection, chunk, compiler, grid).select(*columns)
                connection.execute(f"{verb} {tree.sql('duckdb')}")
                verb = f"INSERT INTO {_STAGE}"
        return self._frame(connection, plan)

    def _compiler(self) -> Compiler:
        covered = frozenset(
            name for name, table in self.dataset.description.tables.items() if table.covers
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

    def _prepare_feeds(
        self, connection: duckdb.DuckDBPyConnection, compiler: Compiler, grid: clock.Grid
    ) -> None:
        """Create the table of what each feed holds at each as_of."""
        _load(connection, SPINE, _spine(np.array([0]), grid), exp.select("*"))
        statements = Statements(_FEEDS, grid, self.dataset.tables)
        feed_table(compiler.feeds, compiler.starts, statements=statements)
        _execute(connection, statements, result=_FEEDS)

    def _chunk(
        self,
        connection: duckdb.DuckDBPyConnection,
        chunk: pd.DataFrame,
        compiler: Compiler,
        grid: clock.Grid,
    ) -> exp.Select:
        """The snapshots of the chunk joined with their running columns."""
        day, spell = grid.day(sql("as_of")), grid.day(sql("spell_started_at"))
        asked = exp.select("r", "c", "i", "customer_id", "as_of")
        asked = asked.select(exp.alias_(day, "day"), exp.alias_(spell, "spell_day"))
        _load(connection, ASKED, chunk, asked)
        _load(connection, SPINE, _spine(chunk["c"].unique(), grid), exp.select("*"))
        _create(connection, MEMBERS, self._members(compiler, grid))
        tree = (
            exp.select("s.r", "s.as_of")
            .from_(f"{ASKED} AS s")
            .join(f"{MEMBERS} AS m", on="s.c = m.c")
            .join(f"{_FEEDS} AS f", on="s.i = f.i")
        )
        for source, cells in compiler.passes.items():
            for table in _run_pass(connection, source, cells, grid, self.dataset.tables):
                here = f"s.c = {table}.c AND s.i = {table}.i"
                tree = tree.join(table, on=here, join_type="LEFT")
        return tree

    def _members(self, compiler: Compiler, grid: clock.Grid) -> exp.Select:
        """The customers of the chunk: when they signed up, what never changes, who is covered."""
        known = sql("GREATEST(u.signed_up_at, u.known_at)")
        clocks = {
            "sign_b": grid.week(sql("u.signed_up_at")),
            "sign_k": grid.week(known),
            "sign_day": grid.day(sql("u.signed_up_at")),
        }
        ids = exp.select("c", "customer_id").distinct().from_(ASKED)
        tree = (
            exp.select("n.c", "n.customer_id")
            .select(*(exp.alias_(value, name) for name, value in clocks.items()))
            .select(*(f'u."{column}"' for column in sorted(compiler.attributes)))
            .from_(exp.alias_(exp.Subquery(this=ids), "n"))
            .join("customers AS u", on="n.customer_id = u.customer_id", join_type="LEFT")
        )
        for feed in sorted(compiler.covered):
            covers = (
                exp.select("customer_id", "covered").from_("coverage").where(f"feed = '{feed}'")
            )
            tree = tree.join(
                exp.alias_(exp.Subquery(this=covers), f"v_{feed}"),
                on=f"n.customer_id = v_{feed}.customer_id",
                join_type="LEFT",
            ).select(sql(f"COALESCE(v_{feed}.covered, TRUE) AS covered_{feed}"))
        return tree

    def _frame(self, connection: duckdb.DuckDBPyConnection, plan: Plan) -> pd.DataFrame:
        """The features as one frame in the order of the snapshots."""
        values: dict[str, pd.Series] = {}
        table = compare(connection, plan, stage=_STAGE) if plan.staged else _STAGE
        for ready, name in ((True, _STAGE), (False, table)):
            chosen = [f for f in self.features if (f.value in plan.snapshot) is ready]
            if chosen:
                read = [
                    exp.alias_(build(f.value, column=columns_from(plan)), f.name) for f in chosen
                ]
                tree = exp.select(*read).from_(name).order_by("r")
                found = connection.sql(tree.sql("duckdb")).df()
                values.update({f.name: found[f.name] for f in chosen})
        frame = pd.DataFrame({feature.name: values[feature.name] for feature in self.features})
        frame.index = pd.MultiIndex.from_frame(self.asked[["customer_id", "as_of"]])
        return frame


def _no_column(expr: Expr) -> exp.Expression | None:
    return None


def _spine(customers: np.ndarray, grid: clock.Grid) -> pd.DataFrame:
    """Each customer at each as_of of the grid."""
    indices = np.arange(grid.first, grid.last + 1)
    return pd.DataFrame(
        {"c": np.repeat(customers, len(indices)), "i": np.tile(indices, len(customers))}
    )


def _run_pass(
    connection: duckdb.DuckDBPyConnection,
    source: str,
    cells: dict[Cell, str],
    grid: clock.Grid,
    present: frozenset[str],
) -> Iterator[str]:
    """Create the tables with the running columns of one source; their names."""
    lasting = {cell: name for cell, name in cells.items() if not isinstance(cell, Aged)}
    if lasting:
        statements = Statements(f"churnml_{source}", grid, present)
        running(lasting, statements)
        _execute(connection, statements, result=f"p_{source}")
        yield f"p_{source}"
    for cell, name in cells.items():
        if isinstance(cell, Aged):
            statements = Statements(f"churnml_{name}", grid, present)
            aged_table(cell, name, statements)
            _execute(connection, statements, result=name)
            yield name


def _execute(connection: duckdb.DuckDBPyConnection, statements: Statements, *, result: str) -> None:
    """Create the result of the statements; what only led to it is dropped again."""
    *leading, (_, last) = statements.tables
    for name, tree in leading:
        _create(connection, name, tree)
    _create(connection, result, last)
    for name, _ in leading:
        connection.execute(f"DROP TABLE {name}")


def _create(connection: duckdb.DuckDBPyConnection, name: str, tree: exp.Expression) -> None:
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {tree.sql('duckdb')}")


def _load(
    connection: duckdb.DuckDBPyConnection, name: str, frame: pd.DataFrame, tree: exp.Select
) -> None:
    connection.register("churnml_frame", frame)
    _create(connection, name, tree.from_("churnml_frame"))
    connection.unregister("churnml_frame")
