"""An opened dataset: the gated canonical tables in one DuckDB connection."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

import duckdb
import pandas as pd

from churnml import markup
from churnml.contract import TABLES
from churnml.errors import InputError
from churnml.sources.backend import Home, on_duckdb
from churnml.sources.description import Churn, Description
from churnml.sources.workshop import Asked, quoted, take
from churnml.spoken import Spoken, counted

if TYPE_CHECKING:
    from churnml.sources.postgres.log import Log


@dataclass(frozen=True, slots=True)
class Finding:
    """What the quality gate found under one rule in one table."""

    table: str
    rule: str
    rows: int
    severity: str
    message: Spoken


@dataclass(frozen=True)
class Dataset:
    """Canonical tables of one company, cleaned, with both clocks.

    In ``connection`` every canonical table exists under its name with exactly the columns
    ``contract.TABLES[name].names`` (missing tables are there without rows): ids and text VARCHAR,
    times naive UTC TIMESTAMP, numbers DOUBLE, integers BIGINT, flags BOOLEAN; ``known_at`` and the
    own time are never null. ``customers`` also carries the extra columns that the description
    lists as immutable. ``coverage(customer_id, feed, covered)`` has a row for every customer and
    every table whose description says ``covers``.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
    description : Description
    observed_until : Timestamp
        Right edge of the data, naive UTC, exclusive.
    tables : frozenset of str
        Canonical tables that are there.
    findings : tuple of Finding
        What the gate found.
    notices : tuple of Spoken
        What a user should know: columns ignored and why, features switched off.
    digest : str
        Changes with any value of any table, with the description and with own word lists.
    own_features : tuple of Feature
        What the caller declared beside the catalogue (``churnml.with_features``).
    home : Home
        Where the statements of the features run; default: in the connection.
    away : mapping of str to Log
        Tables whose rows stay at a server; they are not in ``connection``, but ``at`` asks them.
    """

    connection: duckdb.DuckDBPyConnection
    description: Description
    observed_until: pd.Timestamp
    tables: frozenset[str]
    findings: tuple[Finding, ...]
    notices: tuple[Spoken, ...]
    digest: str
    own_features: tuple[Any, ...] = ()  # what a feature is, is known above the sources
    home: Home = on_duckdb
    away: Mapping[str, Log] = field(default_factory=dict)

    def __repr__(self) -> str:
        return (
            f"<Dataset {self.description.name}: {counted(len(self.tables), 'table')} until "
            f"{self.observed_until:%Y-%m-%d}, {self.description.churn.kind} churn>"
        )

    def __reduce__(self) -> NoReturn:
        raise InputError(
            "A dataset is an open connection, which can be neither pickled nor copied. Keep what "
            "was made of it (examples, tables, a bundle), and open it again where it is needed: "
            "churnml.open_dataset(folder)."
        )

    def at(self, table: str) -> Asked:
        """Where statements over that table run."""
        return self.away.get(table, Here(self.connection))

    def gather(
        self, name: str, sql: str, *, of: str, connection: duckdb.DuckDBPyConnection
    ) -> None:
        """Make a temporary table of what a statement over one canonical table finds.

        Parameters
        ----------
        name : str
        sql : str
            In DuckDB's words, wherever the table lies.
        of : str
            The canonical table.
        connection : DuckDBPyConnection
            A cursor of this dataset; the table is there only.
        """
        made = f"create or replace temp table {quoted(name)} as"
        if of not in self.away:
            connection.execute(f"{made} {sql}")
            return
        take(connection, self.away[of].batches(sql), f"{made} select * from arriving")

    def frame(self, table: str) -> pd.DataFrame:
        """All rows of one canonical table."""
        # a cursor of its own: another's result may still be unread on the connection
        with self.connection.cursor() as connection:
            if table not in self.away:
                return connection.sql(f"select * from {quoted(table)}").df()
            self.gather("whole", f"select * from {quoted(table)}", of=table, connection=connection)
            return connection.sql("select * from whole").df()

    def extent(self, table: str) -> tuple[int, pd.Timestamp | None, pd.Timestamp | None]:
        """Rows of one canonical table, and its first and last time; None without rows."""
        time = TABLES[table].time
        rows, first, last = self.at(table).rows(
            f'select count(*) as n, min("{time}") as first, max("{time}") as last from "{table}"'
        )[0]
        first, last = (None if one is None else pd.Timestamp(one) for one in (first, last))
        return int(rows), first, last

    def _repr_html_(self) -> str:
        """How a notebook shows it: what is there, until when, and what the gate said."""
        absent = [name for name in TABLES if name not in self.tables]
        worth = [f"{one.table}: {one.message}" for one in self.findings if one.severity != "info"]
        return markup.card(
            f"Dataset {self.description.name}",
            self._tables_html(),
            markup.paragraph(f"Not there: {', '.join(absent)}.") if absent else markup.EMPTY,
            markup.folded(f"{counted(len(worth), 'finding')} of the gate", markup.listed(worth)),
            markup.folded(counted(len(self.notices), "notice"), markup.listed(self.notices)),
            said=f"Observed until {markup.text(self.observed_until)} UTC. "
            f"{_churn_sentence(self.description.churn)}",
        )

    def _tables_html(self) -> markup.Html:
        rows = []
        for name in TABLES:
            if name in self.tables:
                count, first, last = self.extent(name)
                rows.append((name, markup.date(first), markup.date(last), count))
        return markup.table(rows, head=("table", "first", "last", "rows"), right=3)


@dataclass(frozen=True, slots=True)
class Here:
    """Answers statements over the canonical tables in a connection of this process."""

    connection: duckdb.DuckDBPyConnection

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        with self.connection.cursor() as connection:
            found: list[tuple[Any, ...]] = connection.execute(sql).fetchall()
            return found

    def value(self, sql: str) -> Any:
        """The single value of a query."""
        return self.rows(sql)[0][0]


def _churn_sentence(churn: Churn) -> str:
    """What an exit is, in one sentence."""
    return {
        "contract": "An exit is the end of the last open subscription, certain after "
        f"{churn.grace_days} days.",
        "inactivity": f"An exit is the last activity before {churn.silence_days} days of silence.",
        "absence": "Churn is no activity in the label window; exits have no date.",
    }[churn.kind]
