"""Tables of Spark's catalog are the tables of files, row for row, and may have features there."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from churnml import catalogue, open_dataset, take_snapshots
from churnml.errors import InputError
from churnml.features import compute_features
from churnml.sources import check
from churnml.sources.spark import on_spark
from drawn.spark import NEEDED, cluster

pytestmark = NEEDED

DAY = pd.Timedelta(days=1)
START = pd.Timestamp("2026-01-05")
ZONE = "Asia/Tokyo"


@pytest.fixture(scope="module", autouse=True)
def _cluster(tmp_path_factory):
    with cluster(tmp_path_factory.mktemp("warehouse")):
        yield


def shop() -> dict[str, pd.DataFrame]:
    """Two customers; one login is of nobody; clicks have other names and lie in another schema."""
    ids = ["007", "042"]
    return {
        "customers": pd.DataFrame({"customer_id": ids, "signed_up_at": START, "region": "EU"}),
        "subscriptions": pd.DataFrame(
            {"subscription_id": ["1", "2"], "customer_id": ids, "started_at": START,
             "ended_at": [pd.NaT, START + 60 * DAY], "mrr": [99.5, 12.25]}
        ),
        "clicks": pd.DataFrame(
            {"account": [*ids * 20, "nobody"],
             "ts": [START + n * DAY + pd.Timedelta(hours=9, microseconds=1) for n in range(41)],
             "action": "login", "dt": "2026"}
        ),
    }  # fmt: skip


DESCRIBED = f'timezone = "{ZONE}"\nobserved_until = 2026-03-01\n'
CLICKS = 'columns = { customer_id = "account", event_time = "ts", name = "action" }\n'


@pytest.fixture(scope="module")
def lake(tmp_path_factory) -> Path:
    """A folder whose dataset.toml names the catalog; instants there are instants, with a zone."""
    session = on_spark(open_files(tmp_path_factory.mktemp("seed"))).home.session
    for schema in ("lake", "raw"):
        session.sql(f"CREATE SCHEMA {schema}")
    for name, frame in shop().items():
        zoned = session.createDataFrame(frame)
        for column, kind in zoned.dtypes:
            if kind.startswith("timestamp"):  # what was said in UTC
                zoned = zoned.withColumn(column, zoned[column].cast("timestamp_ltz"))
        where = "raw.clicks" if name == "clicks" else f"lake.{name}"
        zoned.write.partitionBy(*(["dt"] if name == "clicks" else [])).saveAsTable(where)
    folder = tmp_path_factory.mktemp("lake")
    (folder / "dataset.toml").write_text(
        f'{DESCRIBED}[server]\nspark = "lake"\n[tables.events]\ntable = "raw.clicks"\n{CLICKS}'
    )
    return folder


def open_files(folder: Path):
    """The same tables as files."""
    for name, frame in shop().items():
        zoned = frame.apply(lambda c: c.dt.tz_localize("UTC") if c.dtype.kind == "M" else c)
        zoned.to_parquet(folder / f"{name}.parquet")
    (folder / "dataset.toml").write_text(
        f'{DESCRIBED}[tables.events]\nfile = "clicks.parquet"\n{CLICKS}'
    )
    return open_dataset(folder)


def test_every_table_is_that_of_the_files_and_passes_the_same_gate(lake, tmp_path):
    found, expected = open_dataset(lake), open_files(tmp_path)

    assert found.tables == expected.tables == {"customers", "subscriptions", "events"}
    for table in expected.tables:
        keys = list(expected.frame(table).columns)
        assert_frame_equal(
            found.frame(table).sort_values(keys, ignore_index=True),
            expected.frame(table).sort_values(keys, ignore_index=True),
        )
    assert found.extent("events")[0] == 40
    orphans = [one for one in check(lake).findings if one.rule == "orphan"]
    assert [(one.table, one.rows) for one in orphans] == [("events", 1)]


def test_features_of_a_table_of_the_catalog_are_computed_on_the_cluster(lake, tmp_path):
    found, expected = on_spark(open_dataset(lake)), open_files(tmp_path)
    asked = take_snapshots(expected, [START + 28 * DAY])
    chosen = [one for one in catalogue(expected) if one.name in ("logins_28d", "days_since_login")]

    assert_frame_equal(
        compute_features(found, asked, features=chosen),
        compute_features(expected, asked, features=chosen),
    )


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ('[server]\nspark = "desert"', "no such schema. There are: default, lake, raw"),
        ('[server]\nspark = "lake"\n[tables.events]\ntable = "clicks"',
         "no table or view lake.clicks. There are in lake: customers, subscriptions"),
        ('[server]\nspark = "lake"\n[tables.events]\ntable = "parquet.`/etc`"', "no table or view"),
    ],
)  # fmt: skip
def test_what_the_catalog_has_not_is_named(tmp_path, said, answer):
    (tmp_path / "dataset.toml").write_text(said)

    with pytest.raises(InputError, match=answer):
        open_dataset(tmp_path)
