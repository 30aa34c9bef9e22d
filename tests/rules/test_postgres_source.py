"""PostgreSQL as a source: what its descriptions may say, and how every mistake is told."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest

from churnml import open_dataset
from churnml.address import Address
from churnml.errors import InputError
from churnml.sources import check
from churnml.sources.postgres.dialect import spelled
from churnml.sources.postgres.server import open_server
from churnml.sources.statements import server_select
from drawn.postgres import PASSWORD, Postgres, shop

VARIABLE = "CHURNML_TEST_POSTGRES"


class Company:
    """A database of its own, and a folder whose dataset.toml names it."""

    def __init__(self, postgres: Postgres, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.postgres = folder, postgres
        self.name = uuid4().hex
        self.address = postgres.fill(self.name, shop())
        monkeypatch.setenv(VARIABLE, self.address)
        self.describe()

    def describe(self, more: str = "") -> Path:
        """Write dataset.toml."""
        text = f'{more}\n[server]\npostgres = "{VARIABLE}"\n'
        (self.folder / "dataset.toml").write_text(text)
        return self.folder

    def run(self, *statements: str) -> None:
        """Change the database."""
        self.postgres.run(*statements, database=self.name)


@pytest.fixture
def company(postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Company:
    return Company(postgres, tmp_path, monkeypatch)


def refusal(folder: Path) -> str:
    with pytest.raises(InputError) as caught:
        open_dataset(folder)
    assert PASSWORD not in str(caught.value)
    return str(caught.value)


def test_tables_are_found_by_their_canonical_names(company: Company) -> None:
    dataset = open_dataset(company.folder)

    assert dataset.tables == {"customers", "subscriptions", "events"}
    assert dataset.extent("events")[0] == 40
    assert dataset.frame("customers")["customer_id"].tolist() == ["007", "042"]


def test_the_log_is_not_in_the_connection(company: Company) -> None:
    dataset = open_dataset(company.folder)

    assert list(dataset.away) == ["events"]
    assert dataset.connection.execute(
        "select count(*) from duckdb_views() where view_name = 'events'"
    ).fetchone() == (0,)


def test_a_table_of_another_schema_is_named_and_its_columns_are_mapped(company: Company) -> None:
    company.run(
        "create schema raw",
        'create table raw."Clicks" as select customer_id as account, event_time as ts, '
        "'Вход'::text as action from events",
        "drop table events",
    )
    place = company.describe(
        '[tables.events]\ntable = "raw.Clicks"\n'
        'columns = { customer_id = "account", event_time = "ts", name = "action" }\n'
        'values = { name = { "вход" = "login" } }\nfixed = { session_id = "web" }'
    )

    log = open_dataset(place).away["events"]

    assert log.rows("select distinct name, session_id from events") == [("login", "web")]


def test_statements_run_at_the_server_in_its_own_words(company: Company) -> None:
    place = company.describe(
        '[tables.events]\nsql = "select customer_id, event_time::timestamptz as event_time, '
        "'seen'::text as name from events where event_time > '2026-01-10'::date\"\n"
        '[tables.customers]\nsql = "select distinct on (customer_id) * from customers"'
    )

    dataset = open_dataset(place)

    assert dataset.extent("events")[0] == 34
    assert len(dataset.frame("customers")) == 2


def test_long_exact_ids_stay_apart(company: Company) -> None:
    company.run(
        "drop table events, subscriptions",
        "alter table customers alter customer_id type numeric(22, 2) "
        "using 12345678901234567890 + (customer_id = '042')::integer",
        "create table subscriptions as select customer_id as subscription_id, customer_id, "
        "signed_up_at as started_at from customers",
    )

    found = open_dataset(company.folder).frame("customers")["customer_id"]

    assert sorted(found) == ["12345678901234567890", "12345678901234567891"]


def test_an_infinite_end_is_no_end(company: Company) -> None:
    company.run("alter table subscriptions add ended_at timestamptz default 'infinity'")

    assert open_dataset(company.folder).frame("subscriptions")["ended_at"].isna().all()


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("", "is not set"),
        ("postgresql:///x?host=/nowhere-at-all", "cannot be reached: No such file"),
        ("postgresql://u:hid den@h/x", "does not hold the address"),
        ("postgresql:///x?hidden=hidden", "does not hold the address"),
    ],
)
def test_no_server_is_told_without_its_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str, said: str
) -> None:
    pytest.importorskip("adbc_driver_postgresql")
    monkeypatch.setenv(VARIABLE, address)

    with pytest.raises(InputError) as caught:
        open_server(Address.in_environment(VARIABLE), timezone="UTC")

    assert said in str(caught.value)
    assert VARIABLE in str(caught.value)
    assert "hid" not in str(caught.value)


def test_a_wrong_password_is_told_without_it(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, company.postgres.address(company.name, password="wr0ng"))

    said = refusal(company.folder)

    assert "password authentication failed" in said
    assert "wr0ng" not in said


@pytest.mark.parametrize(
    ("mapping", "said"),
    [
        ('[tables.events]\ntable = "clicks"', "There are without a schema: customers, events,"),
        ('[tables.events]\ncolumns = { name = "action" }', "has only customer_id, event_time"),
        ('[tables.events]\nsql = "select nobody from events"', 'column "nobody" does not exist'),
        ('[tables.events]\nsql = "delete from events"', "it is a DELETE statement"),
        ('[tables.events]\ndecimal = ","', "time_format and decimal do not work"),
        ('[tables.events]\nsql = "select customer_id, name, event_time::text from events"',
         "select event_time::timestamptz as event_time"),
    ],
)  # fmt: skip
def test_a_wrong_mapping_says_what_is_there_and_what_to_write(
    company: Company, mapping: str, said: str
) -> None:
    assert said in refusal(company.describe(mapping))


def test_a_missing_required_column_is_a_finding(company: Company) -> None:
    company.run("alter table events rename column name to action")

    found = [one for one in check(company.folder).findings if one.rule == "missing_column"]

    assert "lacks the required column name of events" in found[0].message
    assert found[0].rows == 40


def test_a_value_that_cannot_be_cast_is_told(company: Company) -> None:
    company.run("alter table events add value text default 'a lot'")
    place = company.describe(
        '[tables.events]\nsql = "select customer_id, name, event_time, '
        'value::double precision as value from events"'
    )

    assert 'invalid input syntax for type double precision: "a lot"' in refusal(place)


def test_a_row_that_fails_late_is_told_like_the_first(company: Company) -> None:
    place = company.describe(
        "[tables.invoices]\nsql = \"select n::text as invoice_id, '007'::text as customer_id, "
        "at as issued_at, 1.0 / (90000 - n) as amount, repeat('x', 99) as note "
        "from generate_series(1, 99999) as n, (select '2026-01-06'::timestamptz as at) as t\""
    )

    assert "division by zero" in refusal(place)


def test_a_table_that_may_not_be_read_is_told(company: Company) -> None:
    company.run(
        "drop role if exists reader", "create role reader login password 'r'",
        "revoke all on events from public", "grant select on customers, subscriptions to reader",
    )  # fmt: skip
    address = company.address.replace(f"churnml:{PASSWORD}", "reader:r")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv(VARIABLE, address)
        said = refusal(company.folder)
    company.run("drop owned by reader", "drop role reader")

    assert "permission denied for table events" in said
    assert "grant select" in said


def test_nothing_can_be_written_through_the_snapshot(company: Company) -> None:
    server = open_server(Address.in_environment(VARIABLE), timezone="UTC")

    with pytest.raises(InputError, match="read-only transaction"):
        server.rows("delete from events returning 1 as n", where="events")


@pytest.mark.parametrize(
    "sql",
    ["select pg_sleep(9)", "select * from dblink('x', 'y')", "select 1; select 2", "drop table t",
     "select set_config('a', 'b', false)", "copy t to '/tmp/x'", "select pg_read_file('/etc/x')",
     "select now()", "select * from t tablesample system (1)", "with a as (delete from t "
     "returning *) select * from a", "select lo_import('/etc/passwd')"],
)  # fmt: skip
def test_a_statement_that_reaches_beyond_tables_is_refused(sql: str) -> None:
    with pytest.raises(InputError, match="is refused"):
        server_select(sql, where="tables.events.sql")


def test_a_table_is_named_only_where_there_is_a_server(tmp_path: Path) -> None:
    (tmp_path / "dataset.toml").write_text('[tables.events]\ntable = "clicks"\n')

    with pytest.raises(InputError, match="no server is given"):
        open_dataset(tmp_path)


def test_the_command_line_ends_with_two_and_one_message(company: Company) -> None:
    company.run("drop table subscriptions", "drop table customers", "drop table events")

    done = subprocess.run(
        [sys.executable, "-m", "churnml", "features", str(company.folder), "--as-of",
         "2026-02-02", "--out", str(company.folder / "f.parquet")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert PASSWORD not in done.stderr + done.stdout


def test_halves_are_rounded_away_from_zero_and_long_numbers_whole(company: Company) -> None:
    server = open_server(Address.in_environment(VARIABLE), timezone="UTC")
    values = [0.5, 1.5, 2.5, -0.5, -2.5, 0.49999999999999994, 123456789012345678.0, 1.0000000001]
    rows = ", ".join(f"({value!r}::double precision)" for value in values)

    said = spelled("select cast(round((v) * 1) as DECIMAL(38, 0)) as n from drawn")
    found = server.rows(f"with drawn(v) as (values {rows}) {said}", where="drawn")

    assert [int(row[0]) for row in found] == [1, 2, 3, -1, -3, 0, 123456789012345680, 1]
