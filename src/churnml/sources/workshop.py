"""The locked DuckDB in which sources are read: it reaches the dataset's folder and nothing else."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import duckdb

from churnml import arguments
from churnml.errors import InputError

GATED_FILE = "gated.duckdb"
SOURCE = "source"


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
        Resolved folder of the dataset.
    database : Path, optional
        The DuckDB file, attached read-only as ``source``, where the dataset is one.
    timezone : str
    """

    connection: duckdb.DuckDBPyConnection
    scratch: Path
    root: Path
    database: Path | None
    timezone: str

    def rows(self, sql: str) -> list[tuple[object, ...]]:
        """All rows of a query."""
        found: list[tuple[object, ...]] = self.connection.execute(sql).fetchall()
        return found

    def value(self, sql: str) -> object:
        """The single value of a query."""
        row = self.connection.execute(sql).fetchone()
        return None if row is None else row[0]

    def discard(self) -> None:
        """Close the scratch database and remove it."""
        self.connection.close()
        shutil.rmtree(self.scratch, ignore_errors=True)


def open_workshop(data: Path, *, timezone: str) -> Workshop:
    """A locked workshop for a folder or a DuckDB file.

    Raises
    ------
    InputError
        If the path does not exist or the file is not a readable DuckDB database.
    """
    path = arguments.present(data).resolve()
    database = path if path.is_file() else None
    scratch = Path(tempfile.mkdtemp(prefix="churnml-"))
    connection = duckdb.connect(str(scratch / GATED_FILE), config=_QUIET)
    shop = Workshop(connection, scratch, path.parent if database else path, database, timezone)
    try:
        _lock(shop)
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
        raise InputError(
            f"{shop.database} cannot be opened as a DuckDB database ({first_line(error)}). Give a "
            "folder with Parquet or CSV files, or a DuckDB file that no other program is writing; "
            "PostgreSQL and Spark come in a later version."
        ) from None


def literal(value: object) -> str:
    """The value as an SQL string literal."""
    return "'" + str(value).replace("'", "''") + "'"


def quoted(name: str) -> str:
    """The name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def first_line(error: BaseException) -> str:
    """The first line of an error message, which says what happened."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
