"""Apache Spark as the place where the statements of the features run.

Every table that a statement makes lies as Parquet in a folder that all executors see: what is
computed is never computed twice, and no memory but that of the executors is asked for.
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pandas as pd
import pyarrow as pa
from sqlglot import exp

from churnml.contract import TABLES
from churnml.errors import InputError
from churnml.sources.backend import Query
from churnml.sources.spark.session import first_line
from churnml.sources.spark.shelf import BATCH_ROWS, Shelf

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_KEYS = ("customer_id", "as_of")
#: To what times are cut before units between them are counted; weeks are seven midnights.
_BEGUN = {
    **{unit: unit for unit in ("MILLISECOND", "SECOND", "MINUTE", "HOUR", "DAY")},
    **{unit: unit for unit in ("MONTH", "QUARTER", "YEAR")},
    "WEEK": "DAY",
}


def spark_sql(tree: exp.Expression) -> str:
    """A tree in the SQL of Spark, with the meaning that it has in DuckDB.

    DuckDB counts the seconds (hours, midnights, …) begun between two instants, Spark those that
    have passed: 24 whole hours are its day.
    """
    tree = tree.copy()
    for node in list(tree.find_all(exp.DateDiff)):
        unit = node.text("unit").upper() or "DAY"
        for side in ("this", "expression"):
            if unit in _BEGUN and not _is_date(node.args[side]):
                begun = exp.TimestampTrunc(this=node.args[side], unit=exp.Var(this=_BEGUN[unit]))
                node.set(side, begun)
    return str(tree.sql("spark", copy=False))


def _is_date(tree: exp.Expression) -> bool:
    return isinstance(tree, exp.Cast) and tree.to.is_type(exp.DataType.Type.DATE)


@dataclass
class OnSpark:
    """A session of Spark, and the connection from which canonical tables are taken.

    Parameters
    ----------
    session : SparkSession
    shelf : Shelf
    connection : DuckDBPyConnection
    written : dict
        Folders of the canonical tables by name.
    """

    session: SparkSession
    shelf: Shelf
    connection: duckdb.DuckDBPyConnection
    written: dict[str, str]
    spreads: bool = True
    #: Folder of each table made here.
    tables: dict[str, str] = field(default_factory=dict)
    #: Names of queries, and folders that no name but these may still read.
    defined: set[str] = field(default_factory=set)
    left: list[str] = field(default_factory=list)
    #: Canonical tables that statements can read.
    seen: set[str] = field(default_factory=set)

    def create(self, name: str, query: Query) -> None:
        """As of Backend."""
        if query.placed and query.tree.find(exp.Window) is None:
            self.define(name, query)
        else:
            self.put(name, self._frame(query))

    def put(self, name: str, rows: Any) -> None:
        """Make (or replace) a table of a frame of this session."""
        made = self._new(name)
        rows.write.parquet(self.shelf.address(made))
        self._replace(name, made)

    def define(self, name: str, query: Query) -> None:
        """As of Backend."""
        self._frame(query).createOrReplaceTempView(name)
        self.defined.add(name)

    def append(self, name: str, query: Query) -> None:
        """As of Backend."""
        made = self.tables[name]
        self._frame(query).write.mode("append").parquet(self.shelf.address(made))
        self._view(name, made)

    def load(self, name: str, rows: pa.Table) -> None:
        """As of Backend."""
        made = self._new(name)
        self.shelf.write(made, rows.schema, rows.to_batches(BATCH_ROWS))
        self._replace(name, made)

    def lend(self, name: str, rows: pa.Table) -> None:
        """As of Backend."""
        self.load(name, rows)

    def drop(self, name: str) -> None:
        """As of Backend."""
        self.session.catalog.dropTempView(name)
        self.defined.discard(name)
        if name in self.tables:
            self.left.append(self.tables.pop(name))
        if not self.defined:  # nobody reads through a name what was dropped
            self._delete_left()

    def read(self, query: Query) -> pa.Table:
        """As of Backend."""
        made = self._new("answer")
        self._frame(query).write.parquet(self.shelf.address(made))
        found = self.shelf.read(made)
        self.shelf.remove(made)
        return found

    def frame(self, query: Query) -> pd.DataFrame:
        """As of Backend."""
        return self.read(query).to_pandas()

    def stream(self, query: Query, *, rows: int) -> Iterator[pa.RecordBatch]:
        """As of Backend."""
        yield from self.read(query).to_batches(rows)

    def partitions(self, query: Query, folder: Path) -> None:
        """Write what a query finds as Parquet, a part for each day of ``as_of``, whole or not.

        Raises
        ------
        InputError
            If the folder holds something else, or cannot be written.
        """
        found = self._frame(query)
        day = found["as_of"].cast("date").cast("string")
        aside = folder.with_name(f".{folder.name}-{uuid.uuid4().hex[:8]}")
        try:
            _check_replaceable(folder)
            folder.parent.mkdir(parents=True, exist_ok=True)
            parts = found.withColumn("day", day).sortWithinPartitions("day", *_KEYS)
            parts.write.partitionBy("day").parquet(aside.resolve().as_uri())
            if folder.exists():
                shutil.rmtree(folder)
            aside.replace(folder)
        except OSError as error:
            raise InputError(f"{folder} cannot be written: {error}. Give another --out.") from None
        finally:
            shutil.rmtree(aside, ignore_errors=True)

    def catalogue(self, query: Query, table: str) -> None:
        """Write what a query finds as a table of Spark's catalog, which it replaces.

        Raises
        ------
        InputError
            If there is no such schema, or it cannot be written.
        """
        from pyspark.errors import PySparkException

        try:
            self._frame(query).write.mode("overwrite").saveAsTable(table)
        except PySparkException as error:
            raise InputError(
                f"Spark cannot write the table {table}: {first_line(error)}. Name one in a "
                "schema that is there and may be written."
            ) from None

    def within(self, megabytes: int) -> AbstractContextManager[None]:
        """As of Backend."""
        raise InputError(
            f"--memory-mb {megabytes} bounds what this machine takes. On Spark set "
            "spark.executor.memory and spark.driver.memory instead."
        )

    def close(self) -> None:
        """Forget every table made here, but the canonical ones."""
        for name in [*self.defined, *self.tables]:
            self.drop(name)

    def _frame(self, query: Query) -> Any:
        for table in query.tree.find_all(exp.Table):
            if table.name not in self.seen | self.defined | set(self.tables):
                self._export(table.name)
        return self.session.sql(spark_sql(query.tree))

    def _export(self, name: str) -> None:
        """Write a table of the connection where the executors can read it."""
        made = self.written.get(name) or self._new(name)
        if name not in self.written:
            rows = self.connection.sql(f'SELECT * FROM "{name}"').to_arrow_reader(BATCH_ROWS)
            self.shelf.write(made, rows.schema, (batch for batch in rows))
        if name in TABLES:
            self.written[name] = made
            self.seen.add(name)
        else:  # it may be made anew, with other rows
            self.tables[name] = made
        self._view(name, made)

    def _view(self, name: str, made: str) -> None:
        self.session.read.parquet(self.shelf.address(made)).createOrReplaceTempView(name)

    def _replace(self, name: str, made: str) -> None:
        before = self.tables.get(name)
        self.tables[name] = made
        self._view(name, made)
        if before is not None:
            self.left.append(before)

    def _new(self, name: str) -> str:
        return f"{name}-{uuid.uuid4().hex[:8]}"

    def _delete_left(self) -> None:
        for made in self.left:
            self.shelf.remove(made)
        self.left.clear()


def _check_replaceable(folder: Path) -> None:
    """Only partitions that Spark wrote whole are replaced."""
    if folder.exists() and not (folder / "_SUCCESS").is_file():
        raise InputError(f"{folder} is there and no table of Spark. Give another --out.")
