"""Opening a dataset: forms of storage, types, time zones, what is ignored and what is refused."""

from __future__ import annotations

import gzip
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from churnml.contract import TABLES
from churnml.errors import InputError
from churnml.sources import check, coverage_report, open_dataset

DAY = pd.Timedelta(days=1)


def shop() -> dict[str, pd.DataFrame]:
    """Two customers with leading zeros in their ids, a contract each and a few logins."""
    ids = ["007", "042"]
    start = pd.Timestamp("2026-01-05")
    return {
        "customers": pd.DataFrame(
            {
                "customer_id": ids,
                "signed_up_at": [start, start + DAY],
                "region": ["EU", "US"],
                "segment": ["big", "small"],
                "status": ["active", "cancelled"],
                "employees": [10.0, 250.0],
            }
        ),
        "subscriptions": pd.DataFrame(
            {
                "subscription_id": ["1", "2"],
                "customer_id": ids,
                "started_at": [start, start + DAY],
                "ended_at": [pd.NaT, start + 20 * DAY],
                "seats": [3, 4],
                "mrr": [99.5, None],
            }
        ),
        "events": pd.DataFrame(
            {
                "customer_id": ids * 20,
                "event_time": [start + n * DAY + pd.Timedelta(hours=9) for n in range(1, 41)],
                "name": "login",
            }
        ),
    }


def as_parquet(folder: Path, tables: dict[str, pd.DataFrame]) -> Path:
    folder.mkdir(exist_ok=True)
    for name, frame in tables.items():
        frame.to_parquet(folder / f"{name}.parquet")
    return folder


def as_csv(folder: Path, tables: dict[str, pd.DataFrame]) -> Path:
    folder.mkdir(exist_ok=True)
    for name, frame in tables.items():
        frame.to_csv(folder / f"{name}.csv", index=False)
    return folder


def as_duckdb(folder: Path, tables: dict[str, pd.DataFrame]) -> Path:
    folder.mkdir(exist_ok=True)
    with duckdb.connect(str(folder / "shop.duckdb")) as connection:
        for name, frame in tables.items():
            connection.register("frame", frame)
            connection.execute(f"create table {name} as select * from frame")
            connection.unregister("frame")
    return folder / "shop.duckdb"


def describe(folder: Path, toml: str) -> None:
    (folder / "dataset.toml").write_text(toml, encoding="utf-8")


@pytest.mark.parametrize(
    ("lines", "time", "price"),
    [
        ("", 'time_format = "%d.%m.%Y" or alike)', 'state [tables.invoices] decimal = ","'),
        (
            'time_format = "%d/%m/%Y"\ndecimal = ","',
            "as time_format has it, '%d/%m/%Y', or such as 2026-11-01)",
            "expected such as 12,5)",
        ),
    ],
)
def test_what_cannot_be_read_is_said_beside_how_it_is_to_be_written(tmp_path, lines, time, price):
    (tmp_path / "subscriptions.csv").write_text(
        "subscription_id,customer_id,started_at\n1,a,2026-01-01\n", encoding="utf-8"
    )
    (tmp_path / "invoices.csv").write_text(
        "invoice_id;customer_id;issued_at;amount\n1;a;31.02.2026;1,5\n2;a;2026-02-01;1..5\n",
        encoding="utf-8",
    )
    (tmp_path / "dataset.toml").write_text(f"[tables.invoices]\n{lines}\n", encoding="utf-8")

    said = [one.message for one in check(tmp_path).findings if one.rule == "wrong_type"]

    assert any(time in message for message in said)
    assert any(price in message for message in said)


def test_a_folder_of_parquet_is_a_table_whatever_its_partitions(tmp_path: Path) -> None:
    tables = shop()
    plain = open_dataset(as_parquet(tmp_path / "plain", tables))
    folder = as_parquet(tmp_path / "parts", tables)
    events = pd.read_parquet(folder / "events.parquet")
    (folder / "events.parquet").unlink()
    for number, (day, part) in enumerate(events.groupby(events["event_time"].dt.date)):
        below = folder / "events" / f"dt={day}"
        below.mkdir(parents=True)
        part.to_parquet(below / f"part-{number:05}.snappy.parquet")
    for hidden in ("_temporary/0/part-1.parquet", ".part-2.parquet", "_SUCCESS"):
        (folder / "events" / hidden).parent.mkdir(parents=True, exist_ok=True)
        (folder / "events" / hidden).write_text("half")

    found = open_dataset(folder)

    ordered = {"by": ["event_time", "customer_id"], "ignore_index": True}
    assert_frame_equal(
        found.frame("events").sort_values(**ordered), plain.frame("events").sort_values(**ordered)
    )
    assert any("dt" in str(notice) for notice in found.notices)  # the partition is no column


def test_times_in_the_old_form_of_spark_are_instants(tmp_path: Path) -> None:
    tables = shop()
    expected = tables["events"]["event_time"].tolist()
    folder = as_parquet(tmp_path, tables)
    old = {"use_deprecated_int96_timestamps": True}
    tables["events"].to_parquet(folder / "events.parquet", **old)
    describe(folder, 'timezone = "Asia/Tokyo"\n')

    dataset = open_dataset(folder)

    assert sorted(dataset.frame("events")["event_time"]) == sorted(expected)
    tables["events"].to_parquet(folder / "events.parquet")  # a time without a zone is local
    local = open_dataset(folder).frame("events")["event_time"]
    assert local.min() == min(expected) - pd.Timedelta(hours=9)


def test_a_partition_may_be_a_column_and_a_folder_may_be_named(tmp_path: Path) -> None:
    folder = as_parquet(tmp_path / "data", shop())
    events = pd.read_parquet(folder / "events.parquet")
    (folder / "events.parquet").unlink()
    (folder / "raw" / "name=login").mkdir(parents=True)
    events.drop(columns="name").to_parquet(folder / "raw" / "name=login" / "a.parquet")
    (folder / "dataset.toml").write_text('[tables.events]\nfile = "raw"\n')

    assert set(open_dataset(folder).frame("events")["name"]) == {"login"}


def test_parquet_csv_and_duckdb_open_alike(tmp_path):
    opened = [
        open_dataset(as_parquet(tmp_path / "parquet", shop())),
        open_dataset(as_csv(tmp_path / "csv", shop())),
        open_dataset(as_duckdb(tmp_path / "database", shop())),
    ]

    assert len({dataset.digest for dataset in opened}) == 1
    for name in TABLES:
        frames = [dataset.frame(name) for dataset in opened]
        assert_frame_equal(frames[0], frames[1])
        assert_frame_equal(frames[0], frames[2])
    assert opened[1].frame("customers")["customer_id"].tolist() == ["007", "042"]


def test_text_with_delimiters_quotes_and_line_breaks_survives_csv(tmp_path):
    tables = shop()
    texts = ['a, "b"; c', "first line\nsecond line", "'; drop table x", "tab\there"]
    tables["messages"] = pd.DataFrame(
        {
            "message_id": [str(n) for n in range(4)],
            "customer_id": "007",
            "sent_at": "2026-01-10 10:00",
            "author": "customer",
            "text": texts,
        }
    )

    frame = open_dataset(as_csv(tmp_path, tables)).frame("messages")

    assert frame["text"].tolist() == texts


def test_every_canonical_table_is_there_with_the_columns_of_the_contract(tmp_path):
    dataset = open_dataset(as_parquet(tmp_path, shop()))

    for name, table in TABLES.items():
        assert tuple(dataset.frame(name).columns) == table.names
    assert dataset.tables == {"customers", "subscriptions", "events"}
    assert any(notice.startswith("messages is not there; off:") for notice in dataset.notices)


def test_whoever_holds_the_connection_may_compute_in_it(tmp_path):
    connection = open_dataset(as_parquet(tmp_path, shop())).connection

    connection.execute("create table mine as select count(*) as n from events")

    assert connection.execute("select n from mine").fetchall() == [(40,)]


def test_a_bare_date_and_a_naive_time_are_read_in_the_zone_of_the_dataset(tmp_path):
    tables = shop()
    times = ["2026-01-06", "2026-01-06 12:00", "2026-01-06T12:00:00Z", "2026-01-06T12:00:00+05:00"]
    tables["events"] = pd.DataFrame({"customer_id": "007", "event_time": times, "name": "login"})
    describe(as_csv(tmp_path, tables), 'timezone = "Europe/Moscow"\nobserved_until = 2026-03-01')

    dataset = open_dataset(tmp_path)

    assert dataset.frame("events")["event_time"].tolist() == [
        pd.Timestamp("2026-01-05 21:00"),
        pd.Timestamp("2026-01-06 09:00"),
        pd.Timestamp("2026-01-06 12:00"),
        pd.Timestamp("2026-01-06 07:00"),
    ]
    assert dataset.observed_until == pd.Timestamp("2026-02-28 21:00")


def test_typed_times_of_parquet_become_naive_utc(tmp_path):
    tables = shop()
    zoned = pd.to_datetime(["2026-01-06 12:00"] * 2).tz_localize("America/New_York")
    tables["customers"]["signed_up_at"] = [pd.Timestamp("2026-01-05").date()] * 2
    tables["events"] = pd.DataFrame({"customer_id": "007", "event_time": zoned, "name": ["x", "y"]})
    describe(as_parquet(tmp_path, tables), 'timezone = "Europe/Moscow"')

    dataset = open_dataset(tmp_path)

    assert dataset.frame("events")["event_time"].tolist() == [pd.Timestamp("2026-01-06 17:00")] * 2
    assert (
        dataset.frame("customers")["signed_up_at"].tolist()
        == [pd.Timestamp("2026-01-04 21:00")] * 2
    )


@pytest.mark.parametrize("store", [as_parquet, as_csv])
def test_numeric_ids_lose_their_decimal_point(store, tmp_path):
    tables = shop()
    for name, ids in {"customers": [7, 42], "subscriptions": [7.0, 42.0]}.items():
        tables[name]["customer_id"] = ids
    tables["events"]["customer_id"] = [7.0, 42.0] * 20

    dataset = open_dataset(store(tmp_path, tables))

    assert dataset.findings == ()
    assert set(dataset.frame("events")["customer_id"]) == {"7", "42"}


def test_columns_are_mapped_and_several_files_are_one_table(tmp_path):
    tables = shop()
    events = tables.pop("events").rename(columns={"name": "action", "event_time": "ts"})
    as_parquet(tmp_path, tables)
    (tmp_path / "raw").mkdir()
    events.iloc[:25].to_csv(tmp_path / "raw" / "clicks_1.csv", index=False, sep=";")
    with gzip.open(tmp_path / "raw" / "clicks_2.csv.gz", "wt") as file:
        events.iloc[25:].to_csv(file, index=False, sep=";")
    describe(
        tmp_path,
        '[tables.events]\nfile = "raw/clicks_*"\n'
        'columns = { event_time = "ts", name = "action" }\ndelay = "6h"',
    )

    frame = open_dataset(tmp_path).frame("events")

    assert len(frame) == 40
    assert (frame["known_at"] - frame["event_time"]).unique().tolist() == [pd.Timedelta(hours=6)]


def test_a_row_known_before_it_happens_keeps_its_arrival(tmp_path):
    tables = shop()
    tables["obligations"] = pd.DataFrame(
        {
            "obligation_id": ["o1", "o2"],
            "customer_id": "007",
            "due_at": pd.Timestamp("2026-02-01"),
            "announced_at": [pd.Timestamp("2026-01-10"), pd.NaT],
            "known_at": pd.Timestamp("2026-01-08"),
        }
    )

    frame = open_dataset(as_parquet(tmp_path, tables)).frame("obligations")

    assert frame["announced_at"].tolist() == [
        pd.Timestamp("2026-01-10"),
        pd.Timestamp("2026-02-01"),
    ]
    assert frame["known_at"].tolist() == [pd.Timestamp("2026-01-08")] * 2


def test_satisfaction_without_its_time_is_known_a_week_after_the_resolution(tmp_path):
    tables = shop()
    start = pd.Timestamp("2026-01-10")
    tables["tickets"] = pd.DataFrame(
        {
            "ticket_id": ["t1", "t2"],
            "customer_id": "007",
            "opened_at": start,
            "resolved_at": start + DAY,
            "csat": [4.0, None],
        }
    )
    folder = as_parquet(tmp_path, tables)

    times = open_dataset(folder).frame("tickets")["csat_at"]
    early = open_dataset(folder, known_until=start + 8 * DAY).frame("tickets")

    assert times.tolist()[0] == start + 8 * DAY
    assert pd.isna(times[1])
    assert early[["csat", "csat_at"]].isna().all(axis=None)
    assert early["resolved_at"].tolist() == [start + DAY] * 2


def test_columns_of_the_export_day_are_ignored_with_one_notice(tmp_path):
    describe(as_parquet(tmp_path, shop()), '[customers]\nimmutable = ["region", "employees"]')

    dataset = open_dataset(tmp_path)

    frame = dataset.frame("customers")
    assert frame["segment"].isna().all()
    assert frame["region"].tolist() == ["EU", "US"]
    assert frame["employees"].tolist() == [10.0, 250.0]
    assert "status" not in frame
    notices = [notice for notice in dataset.notices if notice.startswith("customers:")]
    assert len(notices) == 1
    assert "segment, status ignored" in notices[0]


@pytest.mark.parametrize("store", [as_parquet, as_csv])
def test_immutable_codes_with_leading_zeros_stay_text(store, tmp_path):
    tables = shop()
    tables["customers"]["postcode"] = ["01067", "99084"]
    describe(store(tmp_path, tables), '[customers]\nimmutable = ["postcode", "employees"]')

    frame = open_dataset(tmp_path).frame("customers")

    assert frame["postcode"].tolist() == ["01067", "99084"]
    assert frame["employees"].tolist() == [10.0, 250.0]


def test_columns_of_tickets_that_systems_overwrite_are_not_read(tmp_path):
    tables = shop()
    tables["tickets"] = pd.DataFrame(
        {
            "ticket_id": ["t1"],
            "customer_id": "007",
            "opened_at": pd.Timestamp("2026-01-10"),
            "category": "billing",
            "priority": "high",
            "line": 2,
        }
    )
    folder = as_parquet(tmp_path, tables)

    dataset = open_dataset(folder)
    describe(folder, '[tickets]\nimmutable = ["line"]')
    other = open_dataset(folder)

    assert dataset.frame("tickets")["category"].tolist() == ["billing"]
    assert dataset.frame("tickets")[["priority", "line"]].isna().all(axis=None)
    assert any("tickets: line, priority ignored" in notice for notice in dataset.notices)
    assert other.frame("tickets")["line"].tolist() == [2]
    assert other.frame("tickets")["category"].isna().all()


def test_customers_are_derived_where_no_table_names_them(tmp_path):
    tables = shop()
    del tables["customers"]
    tables["events"]["known_at"] = tables["events"]["event_time"] + 2 * DAY

    dataset = open_dataset(as_parquet(tmp_path, tables))

    frame = dataset.frame("customers")
    assert sorted(zip(frame["customer_id"], frame["signed_up_at"], strict=True)) == [
        ("007", pd.Timestamp("2026-01-05")),
        ("042", pd.Timestamp("2026-01-06")),
    ]
    assert (frame["known_at"] == frame["signed_up_at"]).all()
    assert "customers" in dataset.tables
    assert any(notice.startswith("customers is not there") for notice in dataset.notices)


def test_coverage_says_for_every_customer_whether_a_feed_speaks_of_them(tmp_path):
    toml = "[tables.events]\ncovers = \"region = 'EU' and employees < 50\""
    describe(as_csv(tmp_path, shop()), toml)

    dataset = open_dataset(tmp_path)

    assert dataset.connection.execute("select * from coverage order by 1").fetchall() == [
        ("007", "events", True),
        ("042", "events", False),
    ]


def test_the_coverage_report_counts_rows_and_customers_by_table(tmp_path):
    describe(as_parquet(tmp_path, shop()), '[tables.events]\ndelay = "1d"')

    report = coverage_report(open_dataset(tmp_path)).set_index("table")

    assert report.loc["events", ["rows", "customers", "share"]].tolist() == [40, 2, 1.0]
    assert report.loc["events", "median_delay_days"] == 1.0
    assert report.loc["subscriptions", "first"] == pd.Timestamp("2026-01-05")


def test_a_cyrillic_csv_in_windows_1251_is_read_and_reported(tmp_path):
    tables = shop()
    tables["messages"] = pd.DataFrame(
        {
            "message_id": ["1", "2", "3"],
            "customer_id": "007",
            "sent_at": "2026-01-10",
            "author": "customer",
            "text": ["Надеюсь, в этот раз получится", "ok", "Это последний раз"],
        }
    )
    as_csv(tmp_path, tables)
    tables["messages"].to_csv(tmp_path / "messages.csv", index=False, encoding="cp1251")

    dataset = open_dataset(tmp_path)

    assert dataset.frame("messages")["text"].tolist() == tables["messages"]["text"].tolist()
    assert [(f.table, f.rule, f.rows, f.severity) for f in dataset.findings] == [
        ("messages", "encoding", 2, "info")
    ]


@pytest.mark.parametrize("others", [["Нева", "Заря"], ["", ""]], ids=["words beside", "ids alone"])
def test_an_id_of_one_cyrillic_letter_is_the_same_in_every_file(tmp_path, others):
    ids = ["К12", "К13"]
    of_whom = {"007": ids[0], "042": ids[1]}
    tables = {
        name: table.assign(customer_id=table["customer_id"].astype("str").map(of_whom))
        for name, table in shop().items()
    }
    tables["customers"] = tables["customers"].assign(name=others)
    for name, table in tables.items():
        table.to_csv(tmp_path / f"{name}.csv", index=False, encoding="cp1251")

    dataset = open_dataset(tmp_path)

    assert [f.rule for f in dataset.findings if f.rule == "orphan"] == []
    for name in tables:
        assert set(dataset.frame(name)["customer_id"]) == set(ids)


def test_western_accents_stay_what_they_are_beside_a_letter_that_stands_alone(tmp_path):
    folder = as_csv(tmp_path, shop())
    text = "customer_id,signed_up_at,name\n007,2026-01-05,Société à Nîmes\n042,2026-01-06,À 12\n"
    (folder / "customers.csv").write_bytes(text.encode("cp1252"))

    frame = open_dataset(folder).frame("customers")

    assert frame["name"].tolist() == ["Société à Nîmes", "À 12"]


def test_one_latin_line_does_not_spoil_a_utf8_file(tmp_path):
    folder = as_csv(tmp_path, shop())
    lines = ["customer_id,signed_up_at,name", "007,2026-01-05,Нева", "042,2026-01-06,Café"]
    encoded = [lines[0].encode(), lines[1].encode("utf-8"), lines[2].encode("latin-1")]
    (folder / "customers.csv").write_bytes(b"\xef\xbb\xbf" + b"\r\n".join(encoded))

    dataset = open_dataset(folder)

    assert dataset.frame("customers")["name"].tolist() == ["Нева", "Café"]
    assert [(f.rule, f.rows, f.severity) for f in dataset.findings] == [("encoding", 1, "warning")]


def test_not_a_number_in_parquet_is_a_missing_value(tmp_path):
    tables = shop()
    as_parquet(tmp_path, tables)
    target = tmp_path / "subscriptions.parquet"
    with duckdb.connect() as connection:
        connection.execute(
            "copy (select '1' as subscription_id, '007' as customer_id, timestamp '2026-01-05' as "
            f"started_at, unnest(['nan'::double]) as mrr) to '{target}' (format parquet)"
        )

    frame = open_dataset(tmp_path).frame("subscriptions")

    assert frame["mrr"].isna().tolist() == [True]


def test_the_digest_ignores_the_order_of_rows_and_sees_every_value(tmp_path):
    tables = shop()
    first = open_dataset(as_parquet(tmp_path / "one", tables)).digest
    tables["events"] = tables["events"].iloc[::-1]
    turned = open_dataset(as_parquet(tmp_path / "two", tables)).digest
    tables["events"].iloc[3, 2] = "logout"
    changed = open_dataset(as_parquet(tmp_path / "three", tables)).digest
    describe(tmp_path / "two", 'currency = "USD"')
    described = open_dataset(tmp_path / "two").digest

    assert first == turned
    assert len({first, changed, described}) == 3


def test_the_source_may_be_absent_without_leaving_anything_behind(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)

    with pytest.raises(InputError, match="does not exist"):
        open_dataset(tmp_path / "nowhere")
    with pytest.raises(InputError, match="empty holds none of the tables"):
        open_dataset(as_parquet(tmp_path / "empty", {}))

    assert [path.name for path in tmp_path.iterdir()] == ["empty"]


def test_a_folder_too_high_and_a_single_table_say_which_folder_to_give(tmp_path):
    (tmp_path / "world").mkdir()
    data = as_parquet(tmp_path / "world" / "data", shop())

    with pytest.raises(InputError, match=f"its folder {data} does: give {data}"):
        open_dataset(tmp_path / "world")
    with pytest.raises(InputError, match=f"single table. Give the folder of all tables: {data}"):
        open_dataset(data / "subscriptions.parquet")


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ('[tables.event]\nfile = "x.csv"', "unknown table 'event'; known: .*events"),
        ('[tables.events]\ncolumns = { time = "ts" }', "maps time, which this table does not have"),
        (
            '[tables.events]\ncolumns = { name = "nom" }',
            "name = 'nom', but events.parquet has only",
        ),
        ('[tables.events]\nfiel = "x.csv"', "unknown key 'tables.events.fiel'"),
        ('[tables.events]\nfile = "x.csv"', "no file matches 'x.csv'"),
        ('[tables.events]\nfile = "../x.csv"', "leads outside"),
        ('[tables.events]\nfile = "/etc/passwd"', "leads outside"),
        ('[tables.events]\nfile = "x.xlsx"', "neither Parquet nor CSV nor JSON"),
        ('[tables.events]\ndelay = "soon"', '"30min", "6h", "1d"'),
        ('timezone = "Moscow"', "(?i)IANA time zone"),
        ('[churn]\nkind = "absence"\nactivity = ["purchase"]', r"read from events \(purchase\)"),
    ],
)
def test_a_description_that_cannot_hold_is_refused_in_words(toml, message, tmp_path):
    (as_parquet(tmp_path, shop()) / "x.xlsx").touch()
    describe(tmp_path, toml)

    with pytest.raises(InputError, match=message):
        open_dataset(tmp_path)


def test_a_link_out_of_the_folder_is_refused(tmp_path):
    as_parquet(tmp_path / "elsewhere", shop())
    folder = as_parquet(tmp_path / "data", {})
    (folder / "events.parquet").symlink_to(tmp_path / "elsewhere" / "events.parquet")

    with pytest.raises(InputError, match="leads outside the dataset's folder"):
        open_dataset(folder)


@pytest.mark.parametrize("kept", [0, 4, 700])
def test_a_truncated_file_is_named(kept, tmp_path):
    file = as_parquet(tmp_path, shop()) / "events.parquet"
    file.write_bytes(file.read_bytes()[:kept])

    with pytest.raises(InputError, match=r"events: events\.parquet cannot be read"):
        open_dataset(tmp_path)


def test_a_damaged_page_of_parquet_is_named(tmp_path):
    file = as_parquet(tmp_path, shop()) / "events.parquet"
    content = bytearray(file.read_bytes())
    content[10:200] = b"\xff" * 190
    file.write_bytes(bytes(content))

    with pytest.raises(InputError, match=r"events: events\.parquet cannot be read"):
        open_dataset(tmp_path)


@pytest.mark.parametrize("content", [b"", b"customer_id,event_time,name\n1,2026-01-05,a,b,c\n"])
def test_a_broken_csv_is_named(content, tmp_path):
    as_csv(tmp_path, shop())
    (tmp_path / "events.csv").write_bytes(content)

    with pytest.raises(InputError, match=r"events: events\.csv cannot be read"):
        open_dataset(tmp_path)


def test_a_cut_gzip_is_named(tmp_path):
    as_csv(tmp_path, shop())
    packed = gzip.compress((tmp_path / "events.csv").read_bytes())
    (tmp_path / "events.csv").unlink()
    (tmp_path / "events.csv.gz").write_bytes(packed[:-20])

    with pytest.raises(InputError, match=r"events: events\.csv\.gz cannot be read"):
        open_dataset(tmp_path)


def test_two_files_for_one_table_are_refused(tmp_path):
    as_parquet(tmp_path, shop())
    as_csv(tmp_path, {"events": shop()["events"]})

    with pytest.raises(InputError, match=r"holds events\.parquet and events\.csv"):
        open_dataset(tmp_path)


def test_a_file_that_is_no_database_is_refused(tmp_path):
    (tmp_path / "data.duckdb").write_bytes(b"not a database" * 500)

    with pytest.raises(InputError, match="cannot be opened as a DuckDB database"):
        open_dataset(tmp_path / "data.duckdb")


def test_an_empty_optional_table_is_off_and_an_empty_source_of_churn_is_refused(tmp_path):
    tables = shop()
    tables["events"] = tables["events"].iloc[:0]
    dataset = open_dataset(as_csv(tmp_path / "one", tables))
    tables["subscriptions"] = tables["subscriptions"].iloc[:0]

    assert "events" not in dataset.tables
    assert any(notice.startswith("events has no rows; off:") for notice in dataset.notices)
    with pytest.raises(
        InputError, match="subscriptions: contract churn is read from subscriptions"
    ):
        open_dataset(as_csv(tmp_path / "two", tables))


def test_the_quarantine_may_not_be_the_data(tmp_path):
    folder = as_parquet(tmp_path, shop())

    with pytest.raises(InputError, match="holds the data itself"):
        open_dataset(folder, quarantine=folder)
    assert len(pd.read_parquet(folder / "events.parquet")) == 40
