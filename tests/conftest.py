"""Fixtures that every test may use: datasets drawn by hand, and a guard over the dice."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import groupby
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest

from churnml.contract import TABLES
from churnml.sources.dataset import Dataset
from churnml.sources.description import Description
from drawn.postgres import Postgres, binaries, started

SQL_TYPES = {
    "id": "VARCHAR", "text": "VARCHAR", "time": "TIMESTAMP", "number": "DOUBLE",
    "integer": "BIGINT", "flag": "BOOLEAN",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _global_dice_stay_untouched():
    """No code under test may draw from NumPy's global generator."""
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    yield
    after = np.random.get_state()[1]  # noqa: NPY002

    assert np.array_equal(before, after), "the global random generator was used"


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server, started once; without one its tests are skipped and say so."""
    pytest.importorskip("adbc_driver_postgresql", reason="the extra postgres is not installed")
    programs = binaries()
    if programs is None:
        pytest.skip("no PostgreSQL here: install the server (initdb, pg_ctl) to run these tests")
    with started(programs) as server:
        yield server


@pytest.fixture
def dataset_of() -> Callable[..., Dataset]:
    """A dataset from rows drawn in the test: ``dataset_of({"events": [...]}, until=...)``."""
    return make_dataset


def make_dataset(
    tables: Mapping[str, list[dict[str, Any]]],
    *,
    until: str,
    description: Mapping[str, Any] | None = None,
) -> Dataset:
    """Canonical tables in memory; ``known_at`` is the own time where it is not given."""
    connection = duckdb.connect()
    for name, table in TABLES.items():
        kinds = {column.name: column.kind for column in table.columns} | {"known_at": "time"}
        columns = ", ".join(f'"{key}" {SQL_TYPES[kind]}' for key, kind in kinds.items())
        connection.execute(f'create table "{name}" ({columns})')
        rows = [{"known_at": row[table.time], **row} for row in tables.get(name, [])]
        for keys, alike in groupby(rows, key=tuple):
            names, marks = ", ".join(f'"{key}"' for key in keys), ", ".join("?" for _ in keys)
            connection.executemany(
                f'insert into "{name}" ({names}) values ({marks})',
                [list(row.values()) for row in alike],
            )
    connection.execute("create table coverage (customer_id VARCHAR, feed VARCHAR, covered BOOLEAN)")
    return Dataset(
        connection=connection,
        description=Description.model_validate(description or {}),
        observed_until=pd.Timestamp(until).as_unit("us"),
        tables=frozenset(tables),
        findings=(),
        notices=(),
        digest="drawn by hand",
    )
