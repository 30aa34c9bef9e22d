"""PostgreSQL against files: the same tables, the same answers, and the log stays at the server."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from uuid import uuid4

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from churnml import catalogue, compute_features, open_dataset
from churnml.contract import TABLES
from churnml.features import known
from churnml.labels import spells
from churnml.snapshots import take_snapshots
from churnml.sources import check, coverage_report
from drawn import edges
from drawn.postgres import Postgres

VARIABLE = "CHURNML_TEST_POSTGRES"
SERVER = f'[server]\npostgres = "{VARIABLE}"\n'
EDGES = """
timezone = "Asia/Tokyo"
observed_until = 2026-06-01
[churn]
activity = ["report", "login"]
[events]
login = ["login"]
key = ["report"]
export = ["export"]
pricing = ["pricing"]
[competitors]
names = [["Zendesk", "Зендеск"]]
[customers]
immutable = ["region", "industry", "channel", "language"]
[tables.events]
covers = "region = 'EU'"
[quality]
max_quarantined = 1.0
"""
ARROW = {"time": "timestamp[us][pyarrow]", "number": "double[pyarrow]", "integer": "int64[pyarrow]",
         "flag": "bool[pyarrow]"}  # fmt: skip


def frames(tables: Mapping[str, list[dict[str, object]]]) -> dict[str, pd.DataFrame]:
    """The tables with the types of the contract, whatever is missing in them."""
    found = {}
    for name, rows in tables.items():
        kinds = {column.name: column.kind for column in TABLES[name].columns} | {"known_at": "time"}
        frame = pd.DataFrame(rows, columns=list(kinds))
        found[name] = frame.astype(
            {c: ARROW.get(kind, "string[pyarrow]") for c, kind in kinds.items()}
        )
    return found


class Both:
    """The same tables in a folder and at a server."""

    def __init__(self, postgres: Postgres, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.postgres, self.folder, self.monkeypatch = postgres, folder, monkeypatch
        self.database = uuid4().hex

    def put(
        self, tables: Mapping[str, pd.DataFrame], description: str, mapping: str = ""
    ) -> tuple[Path, Path]:
        """Folders to open: one with files, one that names the server."""
        files, server = self.folder / "files", self.folder / "server"
        for place, text in ((files, description), (server, description + mapping + SERVER)):
            place.mkdir()
            (place / "dataset.toml").write_text(text)
        for name, frame in tables.items():
            frame.to_parquet(files / f"{name}.parquet")
        self.monkeypatch.setenv(VARIABLE, self.postgres.fill(self.database, tables))
        return files, server


@pytest.fixture
def both(postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Both:
    return Both(postgres, tmp_path, monkeypatch)


def drawn(seed: int = 4, rows: int = 24) -> dict[str, pd.DataFrame]:
    """A world at the edges of time, with values that lie half way between two whole cents."""
    tables = frames(edges.World(seed, rows).tables)
    dice, events = np.random.default_rng(seed), tables["events"]
    halves = dice.choice([0.125, -0.125, 2.675, 0.005, 1e-9, 123456789.125], len(events))
    events["value"] = events["value"].where(
        events["value"] != 1.5, pd.Series(halves, dtype="Float64")
    )
    events.loc[:7, "event_time"] = pd.Timestamp("2025-12-01")  # midnight in UTC, not in Tokyo
    events.loc[8:11, "event_time"] = pd.Timestamp("2025-12-01 15:00")  # midnight in Tokyo
    tables["customers"]["signed_up_at"] = pd.Timestamp("2024-01-01")
    tables["customers"]["known_at"] = pd.Timestamp("2024-01-01")
    tables["customers"]["region"] = ["EU"] * 7 + ["US"]
    return tables


def test_every_feature_of_the_catalogue_is_that_of_files_bit_for_bit(both: Both) -> None:
    files, server = (open_dataset(place) for place in both.put(drawn(), EDGES))
    as_ofs = [edges.T0 + pd.Timedelta(days=7 * week, hours=hours)
              for week in (-8, -1, 0, 1) for hours in (0, 5)]  # fmt: skip
    asked = edges.snapshots(as_ofs)
    chosen = list(catalogue(files))

    expected = compute_features(files, asked, features=chosen)
    found = compute_features(server, asked, features=chosen)

    assert len(chosen) > 300
    assert expected.notna().any().mean() > 0.8
    assert_frame_equal(found, expected, check_exact=True)


def test_the_gate_finds_and_sets_aside_the_same(both: Both) -> None:
    tables = drawn()
    events = tables["events"]
    events.loc[0:3, "customer_id"] = "nobody"
    events.loc[4:5, "name"] = None
    events.loc[6, "event_time"] = pd.Timestamp("2027-01-01")
    events.loc[7, "event_time"] = pd.Timestamp("2020-01-01")
    events.loc[8, "value"] = 1e13
    tables["events"] = pd.concat([events, events.iloc[20:30]], ignore_index=True)
    tables["events"].loc[len(events), "known_at"] += pd.Timedelta(days=2)
    places = both.put(tables, EDGES)

    files, server = (check(place, quarantine=place / "refused") for place in places)
    refused = [
        pd.read_parquet(place / "refused" / "events.parquet").sort_values(
            ["reason", "customer_id", "event_time", "name", "known_at", "session_id", "user_id"],
            ignore_index=True,
        )
        for place in places
    ]

    assert server.as_json() == files.as_json()
    assert {one.rule for one in server.findings if one.table == "events"} >= {
        "orphan", "missing_value", "after_observed_until", "before_signup", "out_of_range",
        "duplicate_row",
    }  # fmt: skip
    assert len(refused[1]) == 4 + 2 + 1 + 1 + 1 + 10
    assert_frame_equal(refused[1], refused[0], check_dtype=False)


def test_what_was_known_then_is_known_of_the_server_too(both: Both) -> None:
    then = pd.Timestamp("2025-12-15")
    files, server = (open_dataset(place, known_until=then) for place in both.put(drawn(), EDGES))

    assert server.extent("events") == files.extent("events")
    assert_frame_equal(
        server.frame("events").sort_values(list(TABLES["events"].names), ignore_index=True),
        files.frame("events").sort_values(list(TABLES["events"].names), ignore_index=True),
    )
    assert_frame_equal(coverage_report(server), coverage_report(files), check_dtype=False)


@pytest.mark.parametrize("kind", ["inactivity", "absence"])
def test_customers_and_exits_come_out_of_the_log_alone(both: Both, kind: str) -> None:
    description = EDGES.replace("[churn]", f'[churn]\nkind = "{kind}"\nsilence_days = 30')
    description = description.replace("covers = \"region = 'EU'\"", "")
    only_events = {"events": drawn()["events"]}
    files, server = (open_dataset(place) for place in both.put(only_events, description))
    as_ofs = [edges.T0, edges.T0 + pd.Timedelta(days=7)]

    left, right = (
        one.frame("customers").sort_values("customer_id", ignore_index=True)
        for one in (server, files)
    )

    assert_frame_equal(left, right)
    assert_frame_equal(spells(server), spells(files))
    assert_frame_equal(take_snapshots(server, as_ofs), take_snapshots(files, as_ofs))


def test_of_a_dense_log_only_sums_by_customer_and_week_come(both: Both) -> None:
    dice = np.random.default_rng(1)
    rows, people, weeks = 40_000, 20, 12
    start = pd.Timestamp("2026-01-05")
    events = pd.DataFrame(
        {
            "customer_id": dice.choice([f"c{n}" for n in range(people)], rows),
            "event_time": start + pd.to_timedelta(dice.integers(0, weeks * 7 * 86400, rows), "s"),
            "name": dice.choice(["login", "report"], rows),
            "value": dice.choice([0.5, 1.25, None], rows).astype(float),
            "user_id": dice.choice(["u1", "u2"], rows),
        }
    ).drop_duplicates()
    customers = pd.DataFrame(
        {"customer_id": [f"c{n}" for n in range(people)], "signed_up_at": start}
    )
    subscriptions = customers.assign(
        subscription_id=customers["customer_id"], started_at=start
    ).drop(columns="signed_up_at")
    tables = {"customers": customers, "subscriptions": subscriptions, "events": events}
    _, place = both.put(tables, "observed_until = 2026-03-30\n")
    server = open_dataset(place)

    fetched = server.away["events"].server.fetched["table events"]
    gate = fetched.rows
    last = start + pd.Timedelta(weeks=weeks)
    found = compute_features(server, take_snapshots(server, [last]))

    assert found["events_7d"].sum() > 1000
    # sums of each week, everything else in one row; volumes of the feed are by week
    assert gate <= 2 * people
    assert fetched.rows - gate <= people * (weeks + 1) + weeks
    assert fetched.rows < len(events) / 100

    before, as_ofs = fetched.rows, [last - pd.Timedelta(weeks=back) for back in range(weeks)]
    compute_features(server, take_snapshots(server, as_ofs))

    # however many features there are, a row for each as_of is added, and no more
    assert fetched.rows - before <= people * (weeks + len(as_ofs)) + weeks


def test_the_same_log_has_the_same_digests_and_a_new_row_changes_only_later_ones(
    both: Both,
) -> None:
    tables = drawn()
    _, place = both.put(tables, EDGES)
    as_ofs = [edges.T0 + pd.Timedelta(days=7 * n) for n in range(3)]
    first = open_dataset(place)
    again = open_dataset(place)
    before = known.known_digests(first, as_ofs)

    assert first.digest == again.digest
    assert_frame_equal(known.known_digests(again, as_ofs), before)

    both.postgres.run(  # a row that came after the first as_of
        "insert into events (customer_id, event_time, name, known_at) "
        "values ('c1', '2026-01-06', 'login', '2026-01-06')",
        database=both.database,
    )
    after = known.known_digests(open_dataset(place), as_ofs)
    same = (after["events"] == before["events"]).tolist()

    assert same == [True, False, False]
    # the snapshot of a dataset that is open does not move
    assert_frame_equal(known.known_digests(first, as_ofs), before)


def test_the_description_of_the_edges_is_that_of_the_drawn_world() -> None:
    said = tomllib.loads(EDGES)

    assert {key: said[key] for key in ("timezone", "competitors", "events")} == {
        key: edges.DESCRIPTION[key] for key in ("timezone", "competitors", "events")
    }
