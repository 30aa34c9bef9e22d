"""Where the statements of the features run: the same trees, each backend in its own dialect."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Protocol

import duckdb
import pandas as pd
import pyarrow as pa
from sqlglot import exp


@dataclass(frozen=True)
class Query:
    """A SELECT as a tree; its text in a dialect is written once, however often it runs.

    ``placed``: it only puts rows of a source on the grid of weeks, so that finding them again
    costs little more than reading a copy.
    """

    tree: exp.Select
    placed: bool = False
    _texts: dict[str, str] = field(default_factory=dict, compare=False)

    def text(self, dialect: str) -> str:
        """The SELECT in a dialect of sqlglot."""
        if dialect not in self._texts:
            self._texts[dialect] = self.tree.sql(dialect, copy=False)
        return self._texts[dialect]


class Backend(Protocol):
    """Runs statements over the canonical tables and over tables that it makes and forgets."""

    @property
    def spreads(self) -> bool:
        """Whether it spreads rows over machines itself: then nothing is cut into chunks here."""

    def create(self, name: str, query: Query) -> None:
        """Make (or replace) a table of what a query finds."""

    def define(self, name: str, query: Query) -> None:
        """Name what a query finds, for a reader who reads it once."""

    def append(self, name: str, query: Query) -> None:
        """Add what a query finds to a table."""

    def load(self, name: str, rows: pa.Table | pa.RecordBatchReader) -> None:
        """Make (or replace) a table of these rows."""

    def lend(self, name: str, rows: pa.Table) -> None:
        """Let statements read these rows under a name, where possible without a copy."""

    def drop(self, name: str) -> None:
        """Forget a table."""

    def read(self, query: Query) -> pa.Table:
        """What a query finds."""

    def frame(self, query: Query) -> pd.DataFrame:
        """The same as a frame."""

    def stream(self, query: Query, *, rows: int) -> Iterator[pa.RecordBatch]:
        """The same, so many rows at a time."""

    def within(self, megabytes: int) -> AbstractContextManager[None]:
        """Statements take no more memory than this; MemoryError if it does not do."""


class Home(Protocol):
    """Opens the backend of one computation."""

    def __call__(self, connection: duckdb.DuckDBPyConnection) -> AbstractContextManager[Backend]:
        """For the dataset whose canonical tables are in this connection."""


@contextmanager
def on_duckdb(connection: duckdb.DuckDBPyConnection) -> Iterator[Backend]:
    """The connection's own database, by a cursor that forgets what the statements made."""
    with connection.cursor() as cursor:
        yield OnDuckDB(cursor)


@dataclass(frozen=True)
class OnDuckDB:
    """One connection of DuckDB, on the machine at hand.

    Parameters
    ----------
    connection : DuckDBPyConnection
    """

    connection: duckdb.DuckDBPyConnection
    spreads: bool = False

    def create(self, name: str, query: Query) -> None:
        """As of Backend."""
        self._create("TABLE", name, query)

    def define(self, name: str, query: Query) -> None:
        """As of Backend."""
        self._create("VIEW", name, query)

    def append(self, name: str, query: Query) -> None:
        """As of Backend."""
        self.connection.execute(f"INSERT INTO {name} {query.text('duckdb')}")

    def load(self, name: str, rows: pa.Table | pa.RecordBatchReader) -> None:
        """As of Backend."""
        lent = f"{name}_lent"
        self.connection.register(lent, rows)
        self.connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT * FROM {lent}")
        self.connection.unregister(lent)

    def lend(self, name: str, rows: pa.Table) -> None:
        """As of Backend."""
        self.connection.register(name, rows)

    def drop(self, name: str) -> None:
        """As of Backend."""
        self.connection.execute(f"DROP TABLE {name}")

    def read(self, query: Query) -> pa.Table:
        """As of Backend."""
        return self.connection.sql(query.text("duckdb")).to_arrow_table()

    def frame(self, query: Query) -> pd.DataFrame:
        """As of Backend."""
        return self.connection.sql(query.text("duckdb")).df()

    def stream(self, query: Query, *, rows: int) -> Iterator[pa.RecordBatch]:
        """As of Backend."""
        return iter(self.connection.sql(query.text("duckdb")).to_arrow_reader(rows))

    @contextmanager
    def within(self, megabytes: int) -> Iterator[None]:
        """As of Backend."""
        self.connection.execute(f"SET memory_limit = '{megabytes}MiB'")
        try:
            yield
        except duckdb.OutOfMemoryException as error:
            raise MemoryError(str(error)) from None
        finally:
            self.connection.execute("RESET memory_limit")

    def _create(self, kind: str, name: str, query: Query) -> None:
        self.connection.execute(f"CREATE OR REPLACE TEMP {kind} {name} AS {query.text('duckdb')}")
