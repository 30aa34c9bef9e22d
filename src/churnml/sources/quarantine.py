"""The quarantine: rows that the gate set aside, as they came, each with its reasons."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pandas as pd

from churnml.errors import InputError
from churnml.sources.gate import faults_table, reasons
from churnml.sources.mapping import Plan, original_select
from churnml.sources.workshop import Workshop, literal, quoted


def collect(shop: Workshop, plan: Plan, *, known_until: pd.Timestamp | None) -> None:
    """Write the bad rows of a table, original values and ``reason``, to a scratch table.

    A source column called ``reason`` becomes ``reason_original``.
    """
    name = plan.table.name
    rows = original_select(plan, known_until=known_until)
    columns = ", ".join(
        f"__raw.{quoted(column)} as {quoted(name_of(column))}" for column in plan.raw.columns
    )
    shop.connection.execute(
        f"create table {quoted(f'quarantine_{name}')} as "
        f"select {columns}, {reasons(plan)} as reason from ({rows}) join "
        f"(select _row, bit_or(bits) as bits from {faults_table(name)} group by 1) "
        "using (_row) order by _row"
    )


def name_of(column: str) -> str:
    """Name of a source column beside the reason."""
    return "reason_original" if column.lower() == "reason" else column


def export(
    connection: duckdb.DuckDBPyConnection, tables: list[str], *, schema: str, folder: Path
) -> None:
    """One Parquet file per table; a table without bad rows gets one without rows.

    Raises
    ------
    InputError
        If the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in tables:
            aside = folder / f".{name}.parquet.part"
            source = f"{schema}.{quoted(f'quarantine_{name}')}"
            connection.execute(f"copy {source} to {literal(aside)} (format parquet)")
            aside.replace(folder / f"{name}.parquet")
    except (OSError, duckdb.IOException) as error:
        raise InputError(
            f"The quarantine folder {folder} cannot be written ({error}). Give another one."
        ) from None
