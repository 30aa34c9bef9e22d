"""A PostgreSQL server, read in one snapshot that nothing can write through."""

from __future__ import annotations

import contextlib
import re
import weakref
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import duckdb
import pyarrow as pa

from churnml.address import Address
from churnml.errors import InputError
from churnml.sources.workshop import literal, quoted

#: What is said to the session before anything else.
_SESSION = (
    "set transaction isolation level repeatable read, read only",
    # a training computes for long between two questions
    "set idle_in_transaction_session_timeout = 0",
    "set jit = off",  # compiling a wide statement takes longer than running it
    "set work_mem = '64MB'",
    "set datestyle = 'ISO'",  # digests are of times as text
)
_ERROR = re.compile(r"(?:ERROR|FATAL):\s+(.+)")
_UNREACHED = re.compile(r"connection to server .* failed: (.+)|could not translate host name .*")


@dataclass
class Fetched:
    """What of one table came over the wire so far."""

    statements: int = 0
    rows: int = 0
    bytes: int = 0


@dataclass(frozen=True, eq=False)
class Server:
    """One connection in one read-only snapshot: every statement sees the same rows.

    Parameters
    ----------
    connection : connection of the ADBC driver
    fetched : dict of str to Fetched
        By what was read.
    """

    connection: Any
    fetched: dict[str, Fetched] = field(default_factory=dict)

    @contextlib.contextmanager
    def batches(self, sql: str, *, where: str) -> Iterator[pa.RecordBatchReader]:
        """The rows of a SELECT, batch after batch, never all at once, while the context lasts.

        Parameters
        ----------
        sql : str
        where : str
            What is read, for messages.

        Raises
        ------
        InputError
            If the server refuses the statement or is gone, at whatever row.
        """
        cursor, reader = self._asked(sql, where=where)
        fetched = self.fetched.setdefault(where, Fetched())
        fetched.statements += 1
        schema = pa.schema([pa.field(one.name, _stored(one.type)) for one in reader.schema])
        failures: list[InputError] = []

        def counted() -> Iterator[pa.RecordBatch]:
            try:
                with self._speaking(where):
                    for batch in reader:
                        fetched.rows += batch.num_rows
                        fetched.bytes += batch.nbytes
                        columns = [getattr(column, "storage", column) for column in batch.columns]
                        yield pa.RecordBatch.from_arrays(columns, schema=schema)
            except InputError as error:
                failures.append(error)
                raise

        with cursor:
            try:
                yield pa.RecordBatchReader.from_batches(schema, counted())
            except (duckdb.Error, pa.ArrowException, OSError):
                if failures:  # whoever reads wraps what the rows themselves raise
                    raise failures[0] from None
                raise

    def rows(self, sql: str, *, where: str) -> list[tuple[Any, ...]]:
        """All rows of a SELECT that finds few."""
        with self.batches(sql, where=where) as batches:
            table = batches.read_all()
        return list(zip(*(column.to_pylist() for column in table.columns), strict=True))

    def columns(self, sql: str, *, where: str) -> dict[str, str]:
        """Columns of a SELECT with their types, in DuckDB's words."""
        cursor, reader = self._asked(f"select * from ({sql}) as asked limit 0", where=where)
        with cursor:
            return {one.name: _type_name(one.type) for one in reader.schema}

    def close(self) -> None:
        """End the snapshot; the server may clean up behind it."""
        _end(self.connection)

    def _asked(self, sql: str, *, where: str) -> tuple[Any, pa.RecordBatchReader]:
        """A cursor, and the reader of what it finds."""
        with contextlib.ExitStack() as given_up, self._speaking(where):
            cursor = given_up.enter_context(self.connection.cursor())
            cursor.execute(sql)
            reader = cursor.fetch_record_batch()
            given_up.pop_all()
        return cursor, reader

    @contextlib.contextmanager
    def _speaking(self, where: str) -> Iterator[None]:
        """Errors of the driver in the user's words, without the address of the server."""
        from adbc_driver_manager import Error

        try:
            yield
        except (Error, pa.ArrowException, OSError) as error:
            raise InputError(f"{where} {_said(error)}") from None


def open_server(address: Address, *, timezone: str) -> Server:
    """The server at an address.

    Parameters
    ----------
    address : Address
    timezone : str
        Zone of the session, in which naive times and bare dates are read.

    Raises
    ------
    InputError
        If the driver is not installed, the server cannot be reached or refuses, or there is no such
        schema. A password is never part of a message.
    """
    try:
        from adbc_driver_manager import Error
        from adbc_driver_postgresql import dbapi
    except ModuleNotFoundError:
        raise InputError(
            "Reading from PostgreSQL needs the extra postgres. Install it: "
            "pip install 'churnml[postgres]'."
        ) from None
    try:
        connection = dbapi.connect(address.url)
    except Error as error:
        raise InputError(_unreachable(address.shown, str(error))) from None
    server = Server(connection)
    weakref.finalize(server, _end, connection)
    with server.connection.cursor() as cursor, server._speaking("The session"):
        for statement in (*_SESSION, f"set time zone {literal(timezone)}"):
            cursor.execute(statement)
    if address.schema is not None:
        _look_in(server, address.schema)
    return server


def _look_in(server: Server, schema: str) -> None:
    """Let names of tables without a schema be of this one."""
    found = server.rows(
        "select nspname::text as name from pg_namespace where has_schema_privilege(oid, 'usage') "
        "and nspname !~ '^pg_' and nspname <> 'information_schema' order by 1",
        where="pg_namespace",
    )
    there = [str(row[0]) for row in found]
    if schema not in there:
        raise InputError(
            f"The server has no schema {schema}, or it may not be used. There are: "
            f"{', '.join(there[:20]) or 'none'}."
        )
    with server.connection.cursor() as cursor, server._speaking("The session"):
        cursor.execute(f"set search_path = {quoted(schema)}")


def _end(connection: Any) -> None:
    from adbc_driver_manager import Error

    with contextlib.suppress(Error, OSError):  # it may have been lost, or ended before
        connection.close()


def _unreachable(shown: str, text: str) -> str:
    """Why there is no connection; of the driver's text only what names no secret."""
    if refused := _ERROR.search(text):
        return (
            f"The PostgreSQL server of {shown} refuses the connection: {refused[1]}. Check the "
            "user, the database and the password, which may stand in PGPASSWORD or in ~/.pgpass."
        )
    if unreached := _UNREACHED.search(text):
        why = unreached[1] or "its host name is not known"
        return (
            f"The PostgreSQL server of {shown} cannot be reached: {why}. Check host and port, and "
            "that the server runs and may be reached from here."
        )
    return (
        f"{shown} does not hold the address of a PostgreSQL server. Expected such as "
        "postgresql://reader@db.example.com:5432/warehouse, with special characters written as %xx."
    )


def _said(error: BaseException) -> str:
    """Why a statement failed, and what helps."""
    text = str(error)
    found = _ERROR.search(text)
    said = found[1] if found else "the connection to the server was lost"
    state = getattr(error, "sqlstate", None) or ""
    advice = {
        "42501": "Let the user read it: grant select on the table.",
        "42P01": "Check the name, with its schema, in dataset.toml.",
        "42703": "Check the column in dataset.toml.",
        "57014": "The server's statement_timeout is too short for it.",
    }.get(state)
    if advice is None and state.startswith("22"):
        advice = "A value cannot be read so; convert it in [tables.…] sql."
    return f"cannot be read from the server: {said}. {advice or 'Check the server and run again.'}"


def _stored(kind: pa.DataType) -> pa.DataType:
    """The type in which an extension's values are stored."""
    stored: pa.DataType = getattr(kind, "storage_type", kind)
    return stored


def _type_name(kind: pa.DataType) -> str:
    if getattr(kind, "type_name", None) == "numeric":
        return "DECIMAL"
    if pa.types.is_timestamp(kind):
        return "TIMESTAMP WITH TIME ZONE" if kind.tz else "TIMESTAMP"
    names = {pa.date32(): "DATE", pa.bool_(): "BOOLEAN", pa.float32(): "FLOAT",
             pa.float64(): "DOUBLE", pa.int16(): "SMALLINT", pa.int32(): "INTEGER",
             pa.int64(): "BIGINT", pa.string(): "VARCHAR"}  # fmt: skip
    return names.get(kind, "OTHER")
