"""Tables of Spark's catalog as a source: each is read once, through Parquet, as it stands."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from churnml.errors import InputError
from churnml.sources.spark.session import first_line, spark_session
from churnml.sources.spark.shelf import Shelf

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

#: Instants stay instants; Spark's older form has no zone.
_INSTANTS = ("spark.sql.parquet.outputTimestampType", "TIMESTAMP_MICROS")
_SHOWN = 20


@dataclass(frozen=True)
class Catalog:
    """A schema of Spark's catalog.

    Parameters
    ----------
    session : SparkSession
    schema : str
        Where a name without a schema is looked up.
    shelf : Shelf
        Where the executors write what is read here.
    """

    session: SparkSession
    schema: str
    shelf: Shelf

    def named(self, name: str, *, given: str | None) -> str | None:
        """The table of a canonical name, or the one that dataset.toml gives for it.

        Returns
        -------
        str or None
            None: there is none of the canonical name.

        Raises
        ------
        InputError
            If the table given is not there.
        """
        asked = given or name
        full = asked if "." in asked else f"{self.schema}.{asked}"
        with _speaking(full):
            if self.session.catalog.tableExists(full):
                return full
        if given is None:
            return None
        raise InputError(
            f"tables.{name}.table = '{given}', but Spark's catalog has no table or view {full}. "
            f"There are in {self.schema}: {self._tables()}. Write it as schema.table."
        )

    @contextlib.contextmanager
    def batches(self, table: str) -> Iterator[pa.RecordBatchReader]:
        """The rows of a table, batch after batch, while the context lasts.

        Raises
        ------
        InputError
            If Spark cannot read the table or write it where all executors see it.
        """
        copy = f"read-{uuid.uuid4().hex[:8]}"
        with _speaking(table):
            self.session.table(table).write.parquet(self.shelf.address(copy))
        try:
            yield self.shelf.reader(copy)
        finally:
            self.shelf.remove(copy)

    def _tables(self) -> str:
        found = self.session.sql(f"SHOW TABLES IN {self.schema}").collect()
        names = sorted(row["tableName"] for row in found if not row["isTemporary"])
        return ", ".join(names[:_SHOWN]) or "none"


def open_catalog(schema: str) -> Catalog:
    """The schema on the Spark that runs, or on one that is started.

    Raises
    ------
    InputError
        If Spark is not there, or has no such schema.
    """
    session = spark_session()
    session.conf.set(*_INSTANTS)
    with _speaking(schema):
        if not session.catalog.databaseExists(schema):
            there = ", ".join(sorted(one.name for one in session.catalog.listDatabases()))
            raise InputError(
                f'dataset.toml says [server] spark = "{schema}", but Spark\'s catalog has no such '
                f"schema. There are: {there}. Check SPARK_CONF_DIR, which says where the catalog "
                "is."
            )
    return Catalog(session, schema, Shelf.of())


@contextlib.contextmanager
def _speaking(what: str) -> Iterator[None]:
    """Errors of Spark in the user's words."""
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    try:
        yield
    except (PySparkException, Py4JError) as error:
        raise InputError(
            f"{what} cannot be read from Spark's catalog: {first_line(error)}."
        ) from None
