"""SQL out of dataset.toml reads the dataset and nothing else."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pandas as pd
import pytest

from churnml.errors import InputError
from churnml.sources import open_dataset
from churnml.sources.workshop import open_workshop

START = pd.Timestamp("2026-01-05")


@pytest.fixture
def folder(tmp_path) -> Path:
    """A dataset folder with raw clicks below it and a secret beside it."""
    data = tmp_path / "data"
    (data / "raw").mkdir(parents=True)
    pd.DataFrame(
        {"subscription_id": ["1"], "customer_id": ["a"], "started_at": [START]}
    ).to_parquet(data / "subscriptions.parquet")
    clicks = pd.DataFrame(
        {"user": ["a"] * 3, "ts": [START + pd.Timedelta(days=n) for n in range(3)], "n": [1, 2, 3]}
    )
    clicks.to_csv(data / "raw" / "clicks.csv", index=False)
    clicks.to_parquet(data / "raw" / "clicks.parquet")
    (tmp_path / "secret.csv").write_text("user,ts,n\nboss,2026-01-05,1\n")
    (data / "link.csv").symlink_to(tmp_path / "secret.csv")
    return data


def opened(folder: Path, sql: str) -> pd.DataFrame:
    toml = "observed_until = 2026-02-01\n[tables.events]\nsql = '''" + sql + "'''"
    (folder / "dataset.toml").write_text(toml, encoding="utf-8")
    return open_dataset(folder).frame("events")


SELECT = "select \"user\" as customer_id, ts as event_time, 'click' as name, n as value from "


@pytest.mark.parametrize(
    "source",
    [
        "'raw/clicks.csv'",
        "'raw/clicks.parquet' where n > 0",
        '"raw/clicks.csv"',
        "read_csv('raw/clicks.csv', header = true)",
        "read_parquet(['raw/clicks.parquet'])",
        "'raw/*.csv'",
        "(with c as (select * from 'raw/clicks.csv') select * from c) as d",
        "'raw/clicks.csv' c join (select unnest([1, 2, 3]) as m) on m = n",
    ],
)
def test_one_select_may_read_the_files_of_the_dataset(source, folder):
    frame = opened(folder, SELECT + source)

    assert frame["value"].sort_values().tolist() == [1.0, 2.0, 3.0]
    assert frame["customer_id"].tolist() == ["a"] * 3


def test_a_union_and_columns_of_its_own_are_allowed(folder):
    sql = f"{SELECT} 'raw/clicks.csv' union all {SELECT.replace('click', 'tap')} 'raw/clicks.csv'"

    assert opened(folder, sql)["name"].value_counts().to_dict() == {"click": 3, "tap": 3}


ATTEMPTS = [
    "copy (select 1) to 'out.csv'",
    "attach 'x.duckdb'",
    "install httpfs",
    "load httpfs",
    "pragma database_list",
    "set threads = 1",
    "call pragma_version()",
    "create table t as select 1",
    "insert into t values (1)",
    "delete from t",
    "drop table t",
    "export database 'x'",
    "explain select 1",
    "describe select 1",
    "select 1; select 2",
    "select 1; copy (select 1) to 'out.csv'",
    "with t as (delete from x returning *) select * from t",
    "select * into t from 'raw/clicks.csv'",
    "select * from '../secret.csv'",
    "select * from 'raw/../../secret.csv'",
    "select * from '/etc/passwd.csv'",
    "select * from 'link.csv'",
    "select * from '*.csv'",
    "select * from 'http://example.com/x.csv'",
    "select * from 's3://bucket/x.parquet'",
    "select * from read_csv('../secret.csv')",
    "select * from read_csv('raw/' || 'clicks.csv')",
    "select * from read_csv(['raw/clicks.csv', '../secret.csv'])",
    "select * from read_text('raw/clicks.csv')",
    "select * from read_blob('raw/clicks.csv')",
    "select * from glob('*')",
    "select * from query('select 1')",
    "select * from duckdb_settings()",
    "select * from information_schema.tables",
    "select * from raw_events",
    "select * from gated.main.events",
    "select (select content from read_text('/etc/passwd'))",
    "select 1 where exists (from '../secret.csv')",
    "select getenv('HOME')",
    "select current_setting('temp_directory')",
    "select reflect('java.lang.System', 'getenv')",
    "select java_method('java.lang.System', 'exit', 0)",
    "select now()",
    "select current_timestamp",
    "select current_date",
    "select random()",
    "select * from 'raw/clicks.csv' using sample 1",
    "select * from 'raw/clicks.csv' where n = $1",
    "select ? from 'raw/clicks.csv'",
    "select from where",
    "",
]


@pytest.mark.parametrize("sql", ATTEMPTS)
def test_whatever_reaches_further_is_refused_before_it_runs(sql, folder):
    before = sorted(folder.rglob("*"))

    with pytest.raises(InputError, match=r"tables\.events\.sql"):
        opened(folder, sql)

    assert sorted(set(folder.rglob("*")) - {folder / "dataset.toml"}) == before


def test_a_statement_that_fails_is_explained(folder):
    with pytest.raises(InputError, match=r"tables\.events\.sql fails: .*nonsense"):
        opened(folder, "select nonsense from 'raw/clicks.csv'")


def test_the_engine_itself_is_locked_to_the_folder(folder):
    """A second wall: what slips past the parser meets a database that cannot reach out."""
    shop = open_workshop(folder, timezone="UTC")
    try:
        for sql in (
            "select * from read_text('/etc/passwd')",
            f"select * from read_csv('{folder.parent}/secret.csv')",
            f"copy (select 1) to '{folder.parent}/out.csv'",
            f"attach '{folder.parent}/x.duckdb'",
            "load httpfs",
            "set enable_external_access = true",
        ):
            with pytest.raises(duckdb.Error, match=r"disabled|locked"):
                shop.connection.execute(sql)
    finally:
        shop.discard()


def test_a_statement_over_a_database_reads_its_tables_only(tmp_path):
    with duckdb.connect(str(tmp_path / "shop.duckdb")) as connection:
        connection.execute(
            "create table contracts as select 1 as id, 'a' as customer_id, "
            "timestamp '2026-01-05' as started_at"
        )
    toml = "observed_until = 2026-02-01\n[tables.subscriptions]\nsql = '{}'"
    description = tmp_path / "dataset.toml"

    description.write_text(toml.format("select id as subscription_id, * from contracts"))
    assert len(open_dataset(tmp_path / "shop.duckdb").frame("subscriptions")) == 1
    description.write_text(toml.format('from "x.csv"'))
    with pytest.raises(InputError, match="the dataset is a database"):
        open_dataset(tmp_path / "shop.duckdb")


@pytest.mark.parametrize(
    "covers",
    [
        "region = 'EU' or exists (select 1)",
        "region in (select 1)",
        "region = 'EU'; drop table customers",
        "1 = 1) union (select 1",
        "region = 'EU') or (1 = 1 group by 1",
        "getenv('HOME') = region",
        "random() < 0.5",
        "country = 'FR'",
        "customers.region = 'EU'",
        "region = ?",
    ],
)
def test_covers_is_one_condition_over_the_columns_of_customers(covers, folder):
    pd.DataFrame({"customer_id": ["a"], "signed_up_at": [START], "region": ["EU"]}).to_parquet(
        folder / "customers.parquet"
    )
    events = f'[tables.events]\nfile = "raw/clicks.csv"\ncovers = "{covers}"'
    toml = f"observed_until = 2026-02-01\n{events}"
    (folder / "dataset.toml").write_text(toml, encoding="utf-8")

    with pytest.raises(InputError, match=r"tables\.events\.covers"):
        open_dataset(folder)
