"""One planted fault per rule of the quality gate: each is found, counted and set aside once."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from churnml.errors import InputError
from churnml.sources import check, open_dataset

DAY = pd.Timedelta(days=1)
START = pd.Timestamp("2026-01-01 08:00")
LENIENT = "[quality]\nmax_quarantined = 1.0\n"


def company() -> dict[str, pd.DataFrame]:
    """Four customers, all well: a login a day each, a ticket, a message, an invoice, a survey."""
    ids = ["a", "b", "c", "d"]
    days = [START + n * DAY for n in range(60)]
    logins = [
        {"customer_id": i, "event_time": day + k * pd.Timedelta(minutes=7), "name": "login"}
        for k, i in enumerate(ids)
        for day in days
    ]
    opened = [START + (5 + n) * DAY for n in range(4)]
    return {
        "customers": pd.DataFrame({"customer_id": ids, "signed_up_at": START.normalize()}),
        "subscriptions": pd.DataFrame(
            {
                "subscription_id": ["1", "2", "3", "4"],
                "customer_id": ids,
                "started_at": START,
                "ended_at": [pd.NaT, pd.NaT, pd.NaT, START + 40 * DAY],
                "mrr": 100.0,
                "seats": 5,
                "end_reason": [None, None, None, "voluntary"],
            }
        ),
        "events": pd.DataFrame(logins).assign(value=1.0),
        "tickets": pd.DataFrame(
            {
                "ticket_id": ["t1", "t2", "t3", "t4"],
                "customer_id": ids,
                "opened_at": opened,
                "resolved_at": [time + DAY for time in opened],
                "csat": [5.0, 4.0, None, 3.0],
            }
        ),
        "ticket_events": pd.DataFrame(
            {
                "ticket_id": ["t1", "t2"],
                "event_time": [time + 2 * DAY for time in opened[:2]],
                "kind": ["replied", "reopened"],
            }
        ),
        "messages": pd.DataFrame(
            {
                "message_id": ["m1", "m2"],
                "customer_id": ["a", "b"],
                "sent_at": opened[:2],
                "author": ["customer", "staff"],
                "text": ["Привет!", "Hello"],
            }
        ),
    }


def written(folder: Path, tables: dict[str, pd.DataFrame], toml: str = LENIENT) -> Path:
    folder.mkdir(exist_ok=True)
    for name, frame in tables.items():
        frame.to_parquet(folder / f"{name}.parquet")
    (folder / "dataset.toml").write_text("observed_until = 2026-03-02\n" + toml, encoding="utf-8")
    return folder


def with_row(frame: pd.DataFrame, like: int, **changes: object) -> pd.DataFrame:
    """The frame and a copy of one of its rows, changed."""
    row = frame.iloc[[like]].copy()
    for column, value in changes.items():
        row[column] = [value]
    return pd.concat([frame, row], ignore_index=True)


FAULTS = {
    "missing_value": ("events", {"like": 0, "name": None}),
    "unknown_value": ("messages", {"like": 0, "message_id": "m3", "author": "robot"}),
    "duplicate_key": ("tickets", {"like": 1}),
    "duplicate_row": ("events", {"like": 9}),
    "orphan": ("events", {"like": 0, "customer_id": "nobody"}),
    "before_signup": ("events", {"like": 0, "event_time": START - 9 * DAY}),
    "after_observed_until": ("events", {"like": 0, "event_time": START + 900 * DAY}),
    "reversed_duration": (
        "tickets",
        {"like": 0, "ticket_id": "t5", "resolved_at": START + 2 * DAY},
    ),
    "out_of_range": ("events", {"like": 0, "event_time": START + DAY / 2, "value": 1e13}),
}


@pytest.mark.parametrize("rule", FAULTS)
def test_a_planted_fault_is_found_and_only_its_row_is_set_aside(rule, tmp_path):
    tables = company()
    name, changes = FAULTS[rule]
    tables[name] = with_row(tables[name], **changes)

    report = check(written(tmp_path / "data", tables), quarantine=tmp_path / "bad")

    assert [(f.table, f.rule, f.rows) for f in report.findings] == [(name, rule, 1)]
    for count in report.tables:
        assert count.rows_in == len(tables[count.table])
        assert count.quarantined == (count.table == name)
        assert count.rows_in == count.kept + count.quarantined
    bad = pd.read_parquet(tmp_path / "bad" / f"{name}.parquet")
    assert len(bad) == 1
    assert bad["reason"].item().startswith(rule)
    assert list(bad.columns) == [*tables[name].columns, "reason"]


def test_a_sound_source_has_no_findings(tmp_path):
    report = check(written(tmp_path / "data", company()))

    assert report.findings == ()
    assert report.ok


def test_ticket_events_without_their_ticket_are_orphans(tmp_path):
    tables = company()
    tables["ticket_events"] = with_row(tables["ticket_events"], 0, ticket_id="t99")

    report = check(written(tmp_path / "data", tables))

    assert [(f.table, f.rule, f.rows) for f in report.findings] == [("ticket_events", "orphan", 1)]


def test_what_cannot_be_read_as_its_type_is_set_aside_with_the_original_value(tmp_path):
    tables = company()
    tables["events"] = with_row(tables["events"], 0, event_time=START + DAY / 3).astype(
        {"value": object, "event_time": str}
    )
    tables["events"].loc[len(tables["events"]) - 1, "event_time"] = "yesterday"
    folder = written(tmp_path / "data", {**tables, "events": tables["events"].astype(str)})

    report = check(folder, quarantine=tmp_path / "bad")

    assert [(f.rule, f.rows) for f in report.findings] == [("wrong_type", 1)]
    assert pd.read_parquet(tmp_path / "bad/events.parquet")["event_time"].tolist() == ["yesterday"]


def test_a_row_with_two_faults_is_counted_once_and_names_both(tmp_path):
    tables = company()
    tables["events"] = with_row(
        tables["events"], 0, customer_id="nobody", event_time=START + 900 * DAY
    )

    report = check(written(tmp_path / "data", tables), quarantine=tmp_path / "bad")

    events = next(count for count in report.tables if count.table == "events")
    assert (events.rows_in, events.kept, events.quarantined) == (241, 240, 1)
    reason = pd.read_parquet(tmp_path / "bad/events.parquet")["reason"].item()
    assert reason == "orphan; after_observed_until"


def test_a_bad_value_that_comes_later_never_costs_the_row(tmp_path):
    tables = company()
    tables["subscriptions"].loc[3, "end_reason"] = "moved away"

    dataset = open_dataset(written(tmp_path / "data", tables))

    assert [(f.rule, f.rows, f.severity) for f in dataset.findings] == [
        ("unknown_value", 1, "warning")
    ]
    assert len(dataset.frame("subscriptions")) == 4
    assert dataset.frame("subscriptions")["end_reason"].isna().all()


def test_of_duplicates_the_row_known_first_stays(tmp_path):
    tables = company()
    late = {"known_at": START + 30 * DAY, "opened_at": START + 5 * DAY}
    tickets = tables["tickets"].assign(known_at=tables["tickets"]["opened_at"])
    tables["tickets"] = with_row(tickets, 0, **late)
    tables["tickets"] = tables["tickets"].iloc[[4, 0, 1, 2, 3]]

    dataset = open_dataset(written(tmp_path / "data", tables))

    kept = dataset.frame("tickets").set_index("ticket_id")["known_at"]
    assert kept["t1"] == START + 5 * DAY


def test_a_bad_row_does_not_displace_its_sound_duplicate(tmp_path):
    tables = company()
    broken = with_row(tables["messages"], 0, author="robot", sent_at=START + DAY)
    tables["messages"] = broken.iloc[[2, 0, 1]]

    dataset = open_dataset(written(tmp_path / "data", tables))

    assert sorted(dataset.frame("messages")["message_id"]) == ["m1", "m2"]


def test_of_duplicates_that_part_later_the_one_that_parted_first_stays(tmp_path):
    """A week in, only the second ticket says anything; what came after must not turn the choice."""
    tables = company()
    both = {"customer_id": "a", "ticket_id": "t9", "opened_at": START + DAY}
    first = {**both, "first_response_at": START + 20 * DAY, "resolved_at": pd.NaT}
    second = {**both, "first_response_at": START + 30 * DAY, "resolved_at": START + 5 * DAY}
    tables["tickets"] = pd.DataFrame([first, second])
    del tables["ticket_events"]
    folder = written(tmp_path / "data", tables)

    now = open_dataset(folder).frame("tickets")
    then = open_dataset(folder, known_until=START + 10 * DAY).frame("tickets")

    assert now["resolved_at"].tolist() == then["resolved_at"].tolist() == [START + 5 * DAY]


def test_rows_that_said_the_same_at_their_time_are_duplicates_whatever_followed(tmp_path):
    tables = company()
    mail = {"customer_id": "a", "sent_at": START + DAY, "kind": "campaign"}
    tables["outreach"] = pd.DataFrame([mail, {**mail, "opened_at": START + 3 * DAY}])

    dataset = open_dataset(written(tmp_path / "data", tables))

    assert dataset.frame("outreach")["opened_at"].tolist() == [START + 3 * DAY]
    assert [(f.rule, f.rows) for f in dataset.findings] == [("duplicate_row", 1)]


def test_an_end_planned_beyond_the_edge_has_not_happened(tmp_path):
    tables = company()
    tables["subscriptions"].loc[3, "ended_at"] = START + 400 * DAY

    dataset = open_dataset(written(tmp_path / "data", tables))

    row = dataset.frame("subscriptions").set_index("subscription_id").loc["4"]
    assert pd.isna(row["ended_at"])
    assert pd.isna(row["end_reason"])
    assert [f.severity for f in dataset.findings] == ["info"]


def test_a_feed_that_stopped_while_customers_were_active_is_dead(tmp_path):
    tables = company()
    tables["messages"] = pd.DataFrame(
        {
            "message_id": [str(n) for n in range(25)],
            "customer_id": "a",
            "sent_at": [START + n * DAY / 2 for n in range(25)],
            "author": "customer",
            "text": "hi",
        }
    )

    report = check(written(tmp_path / "data", tables))

    assert [(f.table, f.rule, f.severity) for f in report.findings] == [
        ("messages", "dead_feed", "error")
    ]
    assert not report.ok


def test_late_arrival_is_a_warning_until_a_delay_is_declared(tmp_path):
    tables = company()
    known = tables["events"]["event_time"].where(tables["events"].index % 4 > 0)
    tables["events"]["known_at"] = known.fillna(tables["events"]["event_time"] + 3 * DAY)

    silent = check(written(tmp_path / "data", tables))
    declared = check(
        written(tmp_path / "data", tables, LENIENT + '[tables.events]\ndelay = "1d"\n')
    )

    assert [(f.rule, f.rows, f.severity) for f in silent.findings] == [
        ("late_arrival", 60, "warning")
    ]
    assert [(f.rule, f.severity) for f in declared.findings] == [("late_arrival", "info")]


def test_many_rows_at_one_instant_betray_a_clock(tmp_path):
    tables = company()
    stuck = tables["events"].iloc[:40].assign(event_time=START + 50.2 * DAY, name="sync")
    stuck["session_id"] = [str(n) for n in range(40)]
    tables["events"] = pd.concat([tables["events"], stuck], ignore_index=True)

    report = check(written(tmp_path / "data", tables))

    assert [(f.rule, f.rows) for f in report.findings] == [("clock_jump", 40)]


def test_leavers_missing_from_customers_are_a_survivorship_error(tmp_path):
    tables = company()
    tables["customers"] = tables["customers"].iloc[:3]
    tables["events"] = tables["events"].query("customer_id != 'd'")
    tables["tickets"] = tables["tickets"].query("customer_id != 'd'")

    report = check(written(tmp_path / "data", tables))

    assert [(f.table, f.rule, f.rows, f.severity) for f in report.findings] == [
        ("subscriptions", "orphan", 1, "warning"),
        ("subscriptions", "survivorship", 1, "error"),
    ]


def test_no_exit_before_a_date_with_many_customers_is_survivorship(tmp_path):
    ids = [str(n) for n in range(100)]
    start = pd.Timestamp("2024-01-01")
    ends = [pd.Timestamp("2025-09-01") + n * 4 * DAY if n < 40 else pd.NaT for n in range(100)]
    tables = {
        "customers": pd.DataFrame({"customer_id": ids, "signed_up_at": start}),
        "subscriptions": pd.DataFrame(
            {"subscription_id": ids, "customer_id": ids, "started_at": start, "ended_at": ends}
        ),
    }

    report = check(written(tmp_path / "data", tables))

    assert [(f.table, f.rule, f.rows) for f in report.findings] == [
        ("subscriptions", "survivorship", 100)
    ]


def test_a_missing_required_column_is_reported_and_stops_the_opening(tmp_path):
    tables = company()
    tables["events"] = tables["events"].rename(columns={"name": "action"})
    folder = written(tmp_path / "data", tables)

    report = check(folder)

    assert [(f.table, f.rule, f.rows) for f in report.findings] == [
        ("events", "missing_column", 240)
    ]
    with pytest.raises(InputError, match=r"lacks the required column name .* action"):
        open_dataset(folder)


def test_too_many_bad_rows_stop_the_opening_but_not_the_check(tmp_path):
    tables = company()
    tables["events"].loc[:19, "customer_id"] = "nobody"
    folder = written(tmp_path / "data", tables, "")

    report = check(folder)

    assert not report.ok
    assert [(f.rule, f.rows, f.severity) for f in report.findings] == [("orphan", 20, "error")]
    with pytest.raises(InputError, match=r"events: 20 of 240 rows \(8.3%\).*orphan"):
        open_dataset(folder, quarantine=tmp_path / "bad")
    assert len(pd.read_parquet(tmp_path / "bad/events.parquet")) == 20


def test_a_column_that_cannot_be_read_at_all_stops_the_opening(tmp_path):
    tables = company()
    tables["events"]["value"] = "lots"

    with pytest.raises(InputError, match="value cannot be read as a number"):
        open_dataset(written(tmp_path / "data", tables, ""))


def test_the_report_is_plain_json_with_the_agreed_names(tmp_path):
    tables = company()
    tables["events"] = with_row(tables["events"], 0, customer_id="nobody")

    content = check(written(tmp_path / "data", tables)).as_json()

    assert content["ok"] is True
    assert content["findings"] == [
        {
            "table": "events",
            "rule": "orphan",
            "rows": 1,
            "severity": "warning",
            "message": "1 row belongs to no known customer or ticket; set aside",
        }
    ]
    assert content["tables"][2] == {
        "table": "events",
        "rows_in": 241,
        "kept": 240,
        "quarantined": 1,
        "first": "2026-01-01T08:00:00",
        "last": "2026-03-01T08:21:00",
    }
