"""Scores and tables out: format by suffix, whole or not at all, formulas in CSV harmless."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from churnml.errors import InputError

SUFFIXES = (".parquet", ".csv", ".jsonl")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


_INSTANT = pa.timestamp("us", tz="UTC")
EVIDENCE = pa.struct([("table", pa.string()), ("id", pa.string()), ("at", _INSTANT)])
REASON = pa.struct(
    [
        ("feature", pa.string()),
        ("family", pa.string()),
        ("contribution", pa.float64()),
        ("text_en", pa.string()),
        ("text_ru", pa.string()),
        # In the unit of the feature; null where it was not known.
        ("was", pa.float64()),
        ("now", pa.float64()),
        # First weekly as_of of the present state.
        ("since", _INSTANT),
        ("evidence", pa.list_(EVIDENCE)),
        ("play", pa.string()),
        # The state that would go with a lower score, and by how much lower its probability.
        ("lower_en", pa.string()),
        ("lower_ru", pa.string()),
        ("would_lower", pa.float64()),
    ]
)
OPEN_PROBLEM = pa.struct(
    [
        ("text_en", pa.string()),
        ("text_ru", pa.string()),
        ("table", pa.string()),
        ("id", pa.string()),
        ("since", _INSTANT),
    ]
)
SCORE_SCHEMA = pa.schema(
    [
        ("customer_id", pa.string()),
        ("as_of", _INSTANT),
        ("probability", pa.float64()),
        ("model_digest", pa.string()),
        ("weeks_ahead", pa.list_(pa.float64())),
        ("exit_days_p25", pa.float64()),
        ("exit_days_p50", pa.float64()),
        ("exit_days_p75", pa.float64()),
        ("reasons", pa.list_(REASON)),
        ("open_problem", OPEN_PROBLEM),
        # What a team acts by; null where it is not known.
        ("health", pa.float64()),
        ("tier", pa.string()),
        ("value_at_risk", pa.float64()),
        ("priority", pa.float64()),
    ]
)


def check_suffix(path: Path) -> None:
    """Refuse a file name whose suffix names no format we write.

    Raises
    ------
    InputError
    """
    if path.suffix not in SUFFIXES:
        raise InputError(
            f"{path} has the suffix '{path.suffix}'; expected one of {', '.join(SUFFIXES)}."
        )


def write_table(table: pa.Table, path: Path) -> None:
    """Write a table as Parquet, CSV or JSON lines, by the suffix of the path.

    Raises
    ------
    InputError
        If the suffix is unknown or the folder cannot be written.
    """
    write_tables(iter([table]), path)


def write_tables(tables: Iterator[pa.Table], path: Path) -> int:
    """Write tables of the same columns one after the other into one file; how many rows.

    Raises
    ------
    InputError
        If the suffix is unknown or the folder cannot be written.
    """
    check_suffix(path)
    writers: dict[str, Callable[[Iterator[pa.Table], Path], int]] = {
        ".parquet": _write_parquet,
        ".csv": _write_csv,
        ".jsonl": _write_jsonl,
    }
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        os.close(handle)
    except OSError as error:
        raise InputError(f"{path} cannot be written ({error}). Give another --out.") from None
    aside = Path(name)
    try:
        rows = writers[path.suffix](tables, aside)
        aside.chmod(0o644)
        aside.replace(path)
    except OSError as error:
        raise InputError(f"{path} cannot be written ({error}). Give another --out.") from None
    finally:
        aside.unlink(missing_ok=True)
    return rows


def write_scores(scores: pd.DataFrame, path: Path) -> None:
    """Write a score file; the suffix says the format (.parquet, .csv, .jsonl)."""
    absent = {name: None for name in SCORE_SCHEMA.names if name not in scores}
    ordered = scores.sort_values(["as_of", "customer_id"]).assign(**absent)[SCORE_SCHEMA.names]
    naive = SCORE_SCHEMA.set(1, pa.field("as_of", pa.timestamp("us")))
    table = pa.Table.from_pandas(ordered, schema=naive, preserve_index=False)
    write_table(table.cast(SCORE_SCHEMA), path)


def write_parts(parts: Iterator[pa.Table], path: Path) -> int:
    """Write a feature table (customer_id, as_of, then the features) part by part; how many rows.

    Unknown is null.
    """
    return write_tables((_in_utc(part) for part in parts), path)


def write_health(health: pd.DataFrame, path: Path) -> None:
    """Write a health table: customer_id, as_of, health, colour, missing, reason, groups."""
    table = pa.Table.from_pandas(health.reset_index(), preserve_index=False)
    write_table(_in_utc(table), path)


def write_alerts(alerts: pd.DataFrame, path: Path) -> None:
    """Write the alerts of a desk; times in UTC, unknown is null."""
    from churnml.alerting.desk import NUMBERS  # it reads studies, which tables alone do not need

    times = ("as_of", "deadline")
    kinds = dict.fromkeys(NUMBERS, pa.float64()) | dict.fromkeys(times, pa.timestamp("us"))
    kinds["rank"] = pa.int64()
    schema = pa.schema([(name, kinds.get(name, pa.string())) for name in alerts.columns])
    table = pa.Table.from_pandas(alerts, schema=schema, preserve_index=False)
    write_table(_in_utc(_in_utc(table), "deadline"), path)


def _in_utc(table: pa.Table, name: str = "as_of") -> pa.Table:
    """The table with a time, naive inside, as UTC."""
    place = table.column_names.index(name)
    in_utc = table.column(name).cast(pa.timestamp("us")).cast(pa.timestamp("us", tz="UTC"))
    return table.set_column(place, name, in_utc)


def write_rows(rows: pd.DataFrame, path: Path) -> None:
    """Write any table; unknown is null."""
    write_table(pa.Table.from_pandas(rows, preserve_index=False), path)


def _write_parquet(tables: Iterator[pa.Table], path: Path) -> int:
    """One file; a table is encoded while the next one is made."""
    import pyarrow.parquet as pq

    first = next(tables)
    # repeated text comes as a dictionary; without the Arrow schema readers see text
    texts = any(pa.types.is_dictionary(kind) for kind in first.schema.types)
    writer = pq.ParquetWriter(path, first.schema, store_schema=not texts)
    with writer, ThreadPoolExecutor(1) as encoder:
        rows: int = first.num_rows
        writing = encoder.submit(writer.write_table, first)
        for table in tables:
            rows += table.num_rows
            writing.result()
            writing = encoder.submit(writer.write_table, table)
        writing.result()
    return rows


def _write_csv(tables: Iterator[pa.Table], path: Path) -> int:
    import pyarrow.csv as pc

    rows, first = 0, True
    with path.open("wb") as file:
        for table in tables:
            cells = pa.table([_cells(column) for column in table.columns], table.column_names)
            pc.write_csv(cells, file, pc.WriteOptions(include_header=first))
            rows, first = rows + table.num_rows, False
    return rows


def _write_jsonl(tables: Iterator[pa.Table], path: Path) -> int:
    rows = 0
    with path.open("w", encoding="utf-8") as file:
        for table in tables:
            rows += table.num_rows
            for batch in table.to_batches(max_chunksize=10_000):
                for row in batch.to_pylist():
                    file.write(json.dumps(row, ensure_ascii=False, default=_iso) + "\n")
    return rows


def _cells(column: pa.ChunkedArray) -> pa.ChunkedArray | pa.Array:
    """CSV knows no lists and spreadsheets run formulas: lists become JSON, formulas get a quote."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_nested(column.type):
        return pa.array(
            [
                None if value is None else json.dumps(value, ensure_ascii=False, default=_iso)
                for value in column.to_pylist()
            ],
            pa.string(),
        )
    if pa.types.is_timestamp(column.type):
        return pa.array(
            [_iso(value) if value is not None else None for value in column.to_pylist()]
        )
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return pa.array([_harmless(value) for value in column.to_pylist()], pa.string())
    return column


def _harmless(text: str | None) -> str | None:
    return "'" + text if text is not None and text.startswith(_FORMULA) else text


def _iso(value: Any) -> str:
    return str(value.strftime("%Y-%m-%dT%H:%M:%SZ"))
