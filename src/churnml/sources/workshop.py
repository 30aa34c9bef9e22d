"""The locked DuckDB in which sources are read: it reaches the dataset's folder and nothing else."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import duckdb
import pyarrow as pa

from churnml.address import Address
from churnml.errors import InputError

if TYPE_CHECKING:
    from churnml.sources.postgres.log import Log
    from churnml.sources.postgres.server import Server
    from churnml.sources.spark.catalog import Catalog

GATED_FILE = "gated.duckdb"
SOURCE = "source"


class Asked(Protocol):
    """Answers statements in DuckDB's words over canonical tables, wherever these lie."""

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """All rows of a query."""

    def value(self, sql: str) -> Any:
        """The single value of a query."""


@dataclass(frozen=True, slots=True)
class Workshop:
    """A scratch database beside the source, with file access limited to the dataset's folder.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        Its session time zone is that of the dataset, so a cast to TIMESTAMPTZ reads naive times
        and bare dates there.
    scratch : Path
        Temporary folder that holds the scratch database.
    root : Path
        Resolved folder of the dataset; the scratch folder where nothing of it lies here.
    database : Path, optional
        The DuckDB file, attached read-only as ``source``, where the dataset is one.
    timezone : str
    server : Server, optional
        The PostgreSQL server that holds the tables which are no files.
    catalog : Catalog, optional
        The catalog of Spark that does.
    """

    connection: duckdb.DuckDBPyConnection
    scratch: Path
    root: Path
    database: Path | None
    timezone: str
    server: Server | None = None
    catalog: Catalog | None = None
    #: Tables whose rows stay at the server.
    away: dict[str, Log] = field(default_factory=dict)

    def at(self, table: str) -> Asked:
        """Where statements over that table run."""
        return self.away.get(table, self)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        found: list[tuple[Any, ...]] = self.connection.execute(sql).fetchall()
        return found

    def value(self, sql: str) -> Any:
        """The single value of a query."""
        row = self.connection.execute(sql).fetchone()
        return None if row is None else row[0]

    def discard(self) -> None:
        """Close the scratch database and remove it; leave the server."""
        self.connection.close()
        if self.server is not None:
            self.server.close()
        shutil.rmtree(self.scratch, ignore_errors=True)


def open_workshop(
    path: Path | None,
    *,
    timezone: str,
    server: Address | None = None,
    schema: str | None = None,
) -> Workshop:
    """A locked workshop for a folder, a DuckDB file or tables of a server.

    Parameters
    ----------
    path : Path, optional
        Folder or DuckDB file that is there; None: nothing lies here.
    timezone : str
    server : Address, optional
        The PostgreSQL server that holds the tables which are no files.
    schema : str, optional
        The schema of Spark's catalog that does.

    Raises
    ------
    InputError
        If the file is not a readable DuckDB database, the server cannot be reached, or Spark is
        not there or has no such schema.
    """
    database = path.resolve() if path is not None and path.is_file() else None
    scratch = Path(tempfile.mkdtemp(prefix="churnml-"))
    root = scratch if path is None else path.resolve()
    connection = duckdb.connect(str(scratch / GATED_FILE), config=_QUIET)
    shop = Workshop(
        connection, scratch, root.parent if database is not None else root, database, timezone
    )
    try:
        _lock(shop)
        if server is not None:
            # the driver is slow to load, and most data are files
            from churnml.sources.postgres.server import open_server

            shop = replace(shop, server=open_server(server, timezone=timezone))
        elif schema is not None:
            from churnml.sources.spark.catalog import open_catalog

            shop = replace(shop, catalog=open_catalog(schema))
    except BaseException:
        shop.discard()
        raise
    return shop


_QUIET = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "python_enable_replacements": "false",
}


def _lock(shop: Workshop) -> None:
    run = shop.connection.execute
    run("load icu")
    run(f"set TimeZone = '{shop.timezone}'")
    # Statistics of Parquet files fold isnan() to false (duckdb/duckdb#25521).
    run("set disabled_optimizers = 'statistics_propagation'")
    # Scratch data lives for one run: choosing a compression costs more than it saves.
    run("set force_compression = 'uncompressed'")
    run("set memory_limit = '2GB'")
    run(f"set temp_directory = {literal(shop.scratch / 'spill')}")
    folders = [f"{shop.scratch}/"]
    if shop.database is None:
        folders.append(f"{shop.root}/")
    else:
        _attach(shop)
    run(f"set allowed_directories = [{', '.join(map(literal, folders))}]")
    run("set enable_external_access = false")
    run("set lock_configuration = true")


def _attach(shop: Workshop) -> None:
    try:
        shop.connection.execute(f"attach {literal(shop.database)} as {SOURCE} (read_only)")
    except duckdb.Error as error:
        if shop.database is not None and {".parquet", ".csv", ".tsv"} & set(shop.database.suffixes):
            raise InputError(
                f"{shop.database} is a single table. Give the folder of all tables: {shop.root}."
            ) from None
        raise InputError(
            f"{shop.database} cannot be opened as a DuckDB database ({first_line(error)}). Give a "
            "folder with Parquet or CSV files, or a DuckDB file that no other program is writing."
        ) from None


def take(
    connection: duckdb.DuckDBPyConnection,
    arriving: AbstractContextManager[pa.RecordBatchReader],
    made: str,
) -> None:
    """Run a statement that reads the rows that arrive, under the name ``arriving``."""
    with arriving as rows:
        connection.register("arriving", rows)
        try:
            connection.execute(made)
        finally:
            connection.unregister("arriving")


def literal(value: object) -> str:
    """The value as an SQL string literal."""
    return "'" + str(value).replace("'", "''") + "'"


def quoted(name: str) -> str:
    """The name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def first_line(error: BaseException) -> str:
    """The first line of an error message, which says what happened."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
