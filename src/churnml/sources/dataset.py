"""An opened dataset: the gated canonical tables in one DuckDB connection."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import pandas as pd

from churnml.sources.description import Description


@dataclass(frozen=True, slots=True)
class Finding:
    """What the quality gate found under one rule in one table."""

    table: str
    rule: str
    rows: int
    severity: str
    message: str


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
    notices : tuple of str
        What a user should know: columns ignored and why, features switched off.
    digest : str
        Changes with any value of any table, with the description and with own word lists.
    """

    connection: duckdb.DuckDBPyConnection
    description: Description
    observed_until: pd.Timestamp
    tables: frozenset[str]
    findings: tuple[Finding, ...]
    notices: tuple[str, ...]
    digest: str

    def frame(self, table: str) -> pd.DataFrame:
        """All rows of one canonical table."""
        return self.connection.sql(f'select * from "{table}"').df()
