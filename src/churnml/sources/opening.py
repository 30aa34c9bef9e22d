"""Opening a dataset: gated canonical tables in one connection, or one clear refusal."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import weakref
from pathlib import Path

import duckdb
import pandas as pd

from churnml.contract import CUSTOMERS, TABLES, Table
from churnml.errors import InputError
from churnml.sources.dataset import Dataset
from churnml.sources.gating import Gated, gate_source
from churnml.sources.mapping import sql_type
from churnml.sources.quarantine import export
from churnml.sources.workshop import GATED_FILE, literal, quoted
from churnml.windows import naive_utc

_SCHEMA = "gated"


def open_dataset(
    data: Path | str,
    *,
    dataset_file: Path | None = None,
    known_until: pd.Timestamp | None = None,
    quarantine: Path | None = None,
) -> Dataset:
    """The canonical tables of a folder or DuckDB file, cleaned, as known at an instant.

    Parameters
    ----------
    data : Path or str
        Folder with one Parquet or CSV file (or glob) per table, a DuckDB file, or a database of
        PostgreSQL, ``postgresql://user@host/database?schema=name`` without its password.
    dataset_file : Path, optional
        Description of the dataset; default: ``dataset.toml`` beside the files, else the
        canonical names.
    known_until : Timestamp, optional
        Rows whose own time or arrival is at or after it are gone, later values from then on are
        null, ``observed_until`` is capped. Without a zone it is UTC.
    quarantine : Path, optional
        Folder for the rows set aside, one Parquet file per table.

    Returns
    -------
    Dataset

    Raises
    ------
    InputError
        If the source cannot be read, a required column is missing, nothing tells churn, or more
        rows of a table are bad than ``[quality] max_quarantined`` allows.

    Examples
    --------
    >>> dataset = ch.open_dataset(data)
    >>> sorted(dataset.tables)
    ['customers', 'events', 'subscriptions', 'tickets']
    """
    instant = None if known_until is None else naive_utc(known_until)
    gated = gate_source(
        data, dataset_file=dataset_file, known_until=instant, quarantine=quarantine is not None
    )
    try:
        if quarantine is None:
            _refuse(gated)
        _finish_tables(gated)
        digest = _digest(gated)
        connection = release(gated)
        if quarantine is not None:
            write_quarantine(connection, gated, quarantine)
            _refuse(gated)
        dataset = _dataset(gated, connection, digest)
    except BaseException:
        gated.shop.discard()
        raise
    weakref.finalize(connection, shutil.rmtree, gated.shop.scratch, ignore_errors=True)
    return dataset


def _refuse(gated: Gated) -> None:
    if gated.stops:
        raise InputError(" | ".join(gated.stops))


def release(gated: Gated) -> duckdb.DuckDBPyConnection:
    """A fresh connection to the gated tables, read-only under ``gated``; the workshop closes."""
    gated.shop.connection.close()
    connection = duckdb.connect(config={"python_enable_replacements": "false"})
    connection.execute("set TimeZone = 'UTC'")
    connection.execute(f"set temp_directory = {literal(gated.shop.scratch / 'spill')}")
    file = gated.shop.scratch / GATED_FILE
    connection.execute(f"attach {literal(file)} as {_SCHEMA} (read_only)")
    with contextlib.suppress(OSError):  # Windows keeps open files; there it goes at the end
        file.unlink()
    return connection


def write_quarantine(connection: duckdb.DuckDBPyConnection, gated: Gated, folder: Path) -> None:
    """Write the rows set aside.

    Raises
    ------
    InputError
        If the folder is that of the data or cannot be written.
    """
    if folder.resolve() == gated.shop.root:
        raise InputError(f"{folder} holds the data itself. Give another folder for the quarantine.")
    export(connection, list(gated.plans), schema=f"{_SCHEMA}.main", folder=folder)


def _finish_tables(gated: Gated) -> None:
    """Numbers among the immutable columns of customers become DOUBLE."""
    plan = gated.plans.get(CUSTOMERS.name)
    for name in plan.extras if plan else ():
        column = quoted(name)
        # 007 is a code, not the number seven.
        code = f"regexp_matches({column}, '^-?0[0-9]')"
        number = f"try_cast({column} as DOUBLE) is not null and not {code}"
        if gated.shop.value(f"select bool_and({number}) from customers where {column} is not null"):
            gated.shop.connection.execute(f"alter table customers alter {column} type DOUBLE")


def _columns(gated: Gated, table: Table) -> list[str]:
    plan = gated.plans.get(table.name)
    return [*table.names, *(plan.extras if plan else ())]


def _staged(gated: Gated) -> list[str]:
    derived = [CUSTOMERS.name] if gated.derived else []
    return [*gated.plans, *derived]


def _digest(gated: Gated) -> str:
    """Changes with any value, the description and own word lists; not with the order of rows."""
    digest = hashlib.sha256(gated.description.model_dump_json().encode())
    for path in gated.description.text.files:
        digest.update(f"{path.name}{hashlib.sha256(path.read_bytes()).hexdigest()}".encode())
    digest.update(str(gated.edge.observed_until).encode())
    for name in sorted([*_staged(gated), "coverage"]):
        columns = "customer_id, feed, covered"
        if name in TABLES:
            columns = ", ".join(quoted(column) for column in _columns(gated, TABLES[name]))
        state = gated.shop.at(name).rows(
            f"select count(*) as n, bit_xor(h) as x, sum(h::HUGEINT) as s from "
            f"(select hash({columns}) as h from {quoted(name)}) as hashed"
        )
        digest.update(f"{name}{state}".encode())
    return digest.hexdigest()


def _dataset(gated: Gated, connection: duckdb.DuckDBPyConnection, digest: str) -> Dataset:
    staged = set(_staged(gated))
    away = gated.shop.away
    for table in TABLES.values():
        if table.name in away:
            continue
        connection.execute(f"create view {quoted(table.name)} as {_view(gated, table, staged)}")
    connection.execute(f"create view coverage as select * from {_SCHEMA}.main.coverage")
    there = {count.table for count in gated.counts if count.kept}
    return Dataset(
        connection=connection,
        description=gated.description,
        observed_until=gated.edge.observed_until,
        tables=frozenset(there | ({CUSTOMERS.name} if gated.derived else set())),
        findings=tuple(gated.findings),
        notices=tuple(gated.notices),
        digest=digest,
        away=dict(away),
    )


def _view(gated: Gated, table: Table, staged: set[str]) -> str:
    if table.name in staged:
        columns = ", ".join(quoted(name) for name in _columns(gated, table))
        return f"select {columns} from {_SCHEMA}.main.{quoted(table.name)}"
    nulls = [f"cast(null as {sql_type(c)}) as {quoted(c.name)}" for c in table.columns]
    return f"select {', '.join(nulls)}, cast(null as TIMESTAMP) as known_at where false"
