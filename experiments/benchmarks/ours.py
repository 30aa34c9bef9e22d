"""The reference job in the words of churnml: the declarations, and the engine as it comes."""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
from job import AS_OFS, DAYS, EVENTS, NAMES

from churnml.contract import TABLES
from churnml.delivery import write_parts, write_rows
from churnml.features import Family, Feature, Unit, compute_features, computing, feature_parts
from churnml.features import operators as o
from churnml.features.algebra import Expr, Rows, Window
from churnml.features.row_sources import EVENTS as SOURCE
from churnml.sources import open_dataset
from churnml.sources.dataset import Dataset
from churnml.sources.description import Description
from churnml.sources.spark import on_spark

_TITLE = {"en": "of the reference job", "ru": "из опорной задачи"}
_TYPES = {"id": "VARCHAR", "text": "VARCHAR", "time": "TIMESTAMP", "number": "DOUBLE",
          "integer": "BIGINT", "flag": "BOOLEAN"}  # fmt: skip


def features() -> tuple[Feature, ...]:
    """The 56 features of the job, declared."""
    everything = Rows(SOURCE)
    kinds = {"n": everything} | {name: Rows(SOURCE, f"name = '{name}'") for name in NAMES}
    values: dict[str, Expr] = {}
    for name, rows in kinds.items():
        values |= {f"{name}_{days}": o.count(rows, Window(days // 7)) for days in DAYS}
        values["since" if name == "n" else f"since_{name}"] = o.days_since(rows)
    values |= {f"v_{days}": o.total(everything, "value", Window(days // 7)) for days in DAYS}
    values["days_28"] = o.active_days(everything, Window(4))
    return tuple(
        Feature(name, value, _TITLE, Unit.COUNT, Family.USAGE) for name, value in values.items()
    )


def dataset(folder: Path) -> Dataset:
    """The canonical tables as views on the file, without the gate."""
    connection = duckdb.connect()
    for name, table in TABLES.items():
        nulls = ", ".join(f'cast(null as {_TYPES[c.kind]}) as "{c.name}"' for c in table.columns)
        text = f"select {nulls}, cast(null as TIMESTAMP) as known_at where false"
        if name == "events":
            text = (
                "select customer_id, ts as event_time, event as name, value, cast(null as VARCHAR) "
                "as user_id, cast(null as VARCHAR) as session_id, ts as known_at "
                f"from '{folder / EVENTS}'"
            )
        connection.execute(f'create view "{name}" as {text}')
    connection.execute("create table coverage (customer_id VARCHAR, feed VARCHAR, covered BOOLEAN)")
    until = pd.Timestamp("2026-03-01").as_unit("us")
    return Dataset(connection, Description(), until, frozenset({"events"}), (), (), str(folder))


def snapshots(customers: int) -> pd.DataFrame:
    """Every customer at every as_of."""
    ids = [f"C{number:07d}" for number in range(customers)]
    who = np.repeat(np.arange(customers, dtype=np.int32), len(AS_OFS))
    codes = pd.Categorical.from_codes(who, categories=ids)
    return pd.DataFrame({"customer_id": codes, "as_of": np.tile(AS_OFS, customers)})


def churnml_frame(folder: Path, out: Path, customers: int) -> None:
    """The table as one frame in memory, then written."""
    table = compute_features(dataset(folder), snapshots(customers), features=features())
    write_rows(table.reset_index(), out)


def churnml(folder: Path, out: Path, customers: int) -> None:
    """The table part by part."""
    parts = feature_parts(dataset(folder), snapshots(customers), features=features())
    write_parts(parts, out)


def churnml_sql(folder: Path, out: Path, customers: int) -> None:
    """Part by part as well, all of it by the reference SQL instead of the block kernel."""
    computing.KERNEL_ROWS = sys.maxsize
    churnml(folder, out, customers)


def churnml_gated(folder: Path, out: Path, customers: int) -> None:
    """The same from a dataset opened as a user does, the quality gate included."""
    opened = open_dataset(folder, dataset_file=Path(__file__).with_name("dataset.toml"))
    parts = feature_parts(opened, snapshots(customers), features=features())
    write_parts(parts, out)


def churnml_spark(folder: Path, out: Path, customers: int) -> None:
    """The same with the statements on Apache Spark, all cores of this machine."""
    cluster = on_spark(dataset(folder), master="local[*]")
    parts = feature_parts(cluster, snapshots(customers), features=features())
    write_parts(parts, out)
