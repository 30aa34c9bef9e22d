"""Features on a real cluster of Apache Spark, two executors, are those of DuckDB."""

from __future__ import annotations

import json
from functools import cache

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pandas.testing import assert_frame_equal

from churnml.features import (
    catalogue,
    compute_features,
    feature_parts,
    spread_features,
    trees,
)
from churnml.sources.backend import Query, on_duckdb
from churnml.sources.spark import on_spark, statements
from drawn.edges import T0, World, dataset, snapshots
from drawn.spark import NEEDED, cluster

pytestmark = NEEDED

AS_OFS = [T0, T0 + pd.Timedelta(weeks=1)]
#: Counts, money, days, seconds between two times, a rank, words; from tables of every kind.
FEW = ("logins_28d", "days_since_login", "mrr", "first_response_hours_84d", "tenure_days",
       "active_days_28d_percentile", "profile_industry")  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def _cluster(tmp_path_factory):
    with cluster(tmp_path_factory.mktemp("warehouse")):
        yield


@cache
def tables():
    return World(1, rows=60).tables


def few(drawn):
    return [feature for feature in catalogue(drawn) if feature.name in FEW]


def assert_same(found, expected):
    numbers = expected.select_dtypes("number").columns
    assert_frame_equal(found[numbers], expected[numbers], check_exact=False, rtol=1e-9, atol=1e-9)
    words = expected.columns.difference(numbers)
    pd.testing.assert_index_equal(found.index, expected.index)
    assert found[words].astype("object").equals(expected[words].astype("object"))


def test_every_feature_is_the_same_on_a_cluster(dataset_of):
    drawn = dataset(dataset_of, tables())
    asked = snapshots(AS_OFS)
    kept = pd.Series(np.arange(len(asked)) % 3 > 0)

    found = compute_features(on_spark(drawn), asked, kept=kept)

    assert list(found.columns) == [feature.name for feature in catalogue(drawn)]
    assert_same(found, compute_features(drawn, asked, kept=kept))


def test_some_features_of_two_weekdays_are_the_same_in_one_frame_and_part_by_part(dataset_of):
    drawn = dataset(dataset_of, tables())
    asked, chosen = snapshots([T0, T0 + pd.Timedelta(days=2, hours=15)]), few(drawn)
    expected = compute_features(drawn, asked, features=chosen)

    cluster = on_spark(drawn)
    parts = [part.to_pandas() for part in feature_parts(cluster, asked, features=chosen)]

    assert_same(compute_features(cluster, asked, features=chosen), expected)
    together = pd.concat(parts).set_index(["customer_id", "as_of"])
    assert_same(together.set_axis(expected.index), expected)


def test_what_compares_with_nobody_is_the_same_part_by_part(dataset_of):
    drawn = dataset(dataset_of, tables())
    asked = snapshots(AS_OFS)
    chosen = [one for one in few(drawn) if not one.name.endswith("_percentile")]

    parts = [part.to_pandas() for part in feature_parts(on_spark(drawn), asked, features=chosen)]

    expected = compute_features(drawn, asked, features=chosen)
    found = pd.concat(parts).set_index(["customer_id", "as_of"])
    assert_same(found.set_axis(expected.index), expected)


def test_a_second_that_has_passed_is_not_a_second_begun(dataset_of, monkeypatch):
    hour = pd.Timedelta(hours=1)
    opened = T0 - 9 * hour - pd.Timedelta(milliseconds=100)
    ticket = {"ticket_id": "t", "customer_id": "a", "opened_at": opened,
              "first_response_at": opened + hour + pd.Timedelta(milliseconds=200)}  # fmt: skip
    drawn = dataset_of(
        {"customers": [{"customer_id": "a", "signed_up_at": T0 - 900 * hour}], "tickets": [ticket]},
        until="2026-06-01",
    )
    asked = pd.DataFrame([{"customer_id": "a", "as_of": T0}])
    chosen = [one for one in catalogue(drawn) if one.name == "first_response_hours_84d"]

    right = compute_features(on_spark(drawn), asked, features=chosen)
    monkeypatch.setattr(statements, "spark_sql", lambda tree: tree.copy().sql("spark"))
    wrong = compute_features(on_spark(drawn), asked, features=chosen)

    assert right.iloc[0, 0] == 3601 / 3600
    assert wrong.iloc[0, 0] == 3600 / 3600


UNITS = ("second", "minute", "hour", "day", "week", "month", "year")


def differences(home, connection, moments):
    """What each unit says of every pair of moments, nothing cast."""
    with home(connection) as backend:
        backend.load("pairs", moments)
        items = [trees.alias(trees.sql(f"DATE_DIFF('{unit}', a, b)"), unit) for unit in UNITS]
        tree = trees.select(["a", "b", *items], "pairs").order_by("a", "b", copy=False)
        return backend.frame(Query(tree)).drop(columns=["a", "b"]).astype("int64")


def test_differences_of_times_that_nobody_cast_are_the_same(dataset_of, monkeypatch):
    drawn = dataset_of({}, until="2026-06-01")
    written = ["2025-12-31 23:59:59.9", "2026-01-01 00:00:00", "2026-01-04 23:00",
               "2026-01-05 01:00", "2026-02-28 12:00:00.5", "1969-12-31 23:00",
               "2026-03-01 11:59:59"]  # fmt: skip
    edges = pd.to_datetime(written, format="ISO8601").astype("datetime64[us]")
    pairs = pd.MultiIndex.from_product([edges, edges], names=["a", "b"]).to_frame(index=False)
    moments = pa.Table.from_pandas(pairs, preserve_index=False)
    expected = differences(on_duckdb, drawn.connection, moments)
    home = on_spark(drawn).home

    assert_frame_equal(differences(home, drawn.connection, moments), expected)
    monkeypatch.setattr(statements, "spark_sql", lambda tree: tree.copy().sql("spark"))
    wrong = differences(home, drawn.connection, moments)
    unequal = {unit for unit in UNITS if not wrong[unit].equals(expected[unit])}
    assert {"second", "hour", "day"} <= unequal


def test_the_executors_write_partitions_and_a_table_of_the_catalog(dataset_of, tmp_path):
    drawn = dataset(dataset_of, tables())
    asked, chosen = snapshots(AS_OFS), few(drawn)
    expected = compute_features(drawn, asked, features=chosen)
    cluster = on_spark(drawn)

    spread_features(cluster, asked, features=chosen, target=tmp_path / "features")
    spread_features(cluster, asked, features=chosen, target="features_of_customers")

    assert [path.name for path in sorted((tmp_path / "features").glob("day=*"))] == [
        f"day={at:%Y-%m-%d}" for at in AS_OFS
    ]
    found = pd.read_parquet(tmp_path / "features").drop(columns="day")
    assert_same(found.set_index(["customer_id", "as_of"]).sort_index(), expected)
    table = cluster.home.session.table("features_of_customers")
    assert (table.count(), len(table.columns)) == (len(asked), len(chosen) + 2)


def test_the_command_computes_the_same_on_the_cluster(dataset_of, tmp_path, monkeypatch, capsys):
    from churnml.__main__ import main

    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    signed = pd.Timestamp("2025-01-01")
    customers = [{"customer_id": who, "signed_up_at": signed} for who in ("007", "b")]
    held = [{"subscription_id": f"s{who}", "customer_id": who, "started_at": signed, "mrr": 12.34}
            for who in ("007", "b")]  # fmt: skip
    pd.DataFrame(customers).to_csv("data/customers.csv", index=False)
    pd.DataFrame(held).to_csv("data/subscriptions.csv", index=False)
    asked = ["features", "data", "--as-of", "2025-01-20", "--json"]

    for where in (["here.parquet"], ["there.parquet", "--engine", "spark"]):
        with pytest.raises(SystemExit) as ended:
            main([*asked, "--out", *where])
        assert not ended.value.code

    said = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one["rows"] for one in said] == [2, 2]
    assert_frame_equal(pd.read_parquet("here.parquet"), pd.read_parquet("there.parquet"))
