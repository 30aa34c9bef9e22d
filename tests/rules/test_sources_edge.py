"""Where observation ends when nobody says so: the last day at half the usual volume."""

from __future__ import annotations

from datetime import date, timedelta

import pandas as pd
import pytest

from churnml.sources import open_dataset
from churnml.sources.edge import last_usual_day

FIRST = date(2026, 1, 1)


def volume(*rows: int) -> list[tuple[date, int]]:
    """Rows per day from the first on; days without rows are left out, as in the data."""
    return [(FIRST + timedelta(days=n), count) for n, count in enumerate(rows) if count]


@pytest.mark.parametrize(
    ("rows", "last"),
    [
        ([10] * 30, 29),  # runs to the end
        ([10] * 30 + [5], 30),  # half is still usual
        ([10] * 30 + [4], 29),  # less is not
        ([10] * 30 + [4, 3, 1], 29),  # a feed that fades as rows are late
        ([10] * 30 + [0] * 700 + [3], 29),  # a clock that jumped two years
        ([10] * 30 + [0] * 700 + [500], 29),  # even with many rows
        ([10] * 20 + [0] * 5 + [10] * 5, 29),  # a gap is not the end
        ([10] * 5 + [100] * 30 + [60], 35),  # usual is what was usual lately
        ([3] + [0] * 6 + [3] + [0] * 6 + [4] + [0] * 6 + [2], 21),  # once a week
        ([1], 0),
    ],
)
def test_the_last_usual_day(rows, last):
    assert last_usual_day(volume(*rows)) == FIRST + timedelta(days=last)


def source(folder, times: list[pd.Timestamp], **toml: str) -> None:
    pd.DataFrame(
        {"subscription_id": ["1"], "customer_id": ["a"], "started_at": [times[0]]}
    ).to_parquet(folder / "subscriptions.parquet")
    pd.DataFrame(
        {"customer_id": "a", "event_time": times, "name": [str(n) for n in range(len(times))]}
    ).to_parquet(folder / "events.parquet")
    lines = [f"{key} = {value}" for key, value in toml.items()]
    (folder / "dataset.toml").write_text("\n".join(lines), encoding="utf-8")


DAYS = [pd.Timestamp("2026-01-01 22:30") + n * pd.Timedelta(days=1) for n in range(100)]


def test_the_edge_is_midnight_in_the_zone_of_the_dataset(tmp_path):
    source(tmp_path, DAYS, timezone='"Europe/Moscow"')

    # 22:30 in Moscow on 10 April is the last row; its day ends at 21:00 UTC.
    assert open_dataset(tmp_path).observed_until == pd.Timestamp("2026-04-10 21:00")


def test_rows_soon_after_an_estimated_edge_stay_and_later_ones_do_not(tmp_path):
    late = [pd.Timestamp("2026-04-20"), pd.Timestamp("2028-01-01")]
    source(tmp_path, DAYS * 3 + late)

    dataset = open_dataset(tmp_path)

    assert dataset.observed_until == pd.Timestamp("2026-04-11")
    assert dataset.frame("events")["event_time"].max() == late[0]
    found = [(f.rule, f.rows, f.severity) for f in dataset.findings if f.table == "events"]
    assert found == [("after_observed_until", 1, "warning")] * 2
    assert any("observed_until is not declared" in notice for notice in dataset.notices)


def test_a_weekend_after_the_last_usual_day_is_worth_a_note_only(tmp_path):
    source(tmp_path, DAYS * 3 + [pd.Timestamp("2026-04-12 10:00")])

    (found,) = [f for f in open_dataset(tmp_path).findings if f.table == "events"]
    assert (found.rule, found.rows, found.severity) == ("after_observed_until", 1, "info")


def test_a_declared_edge_is_kept_to_the_row(tmp_path):
    source(tmp_path, DAYS, observed_until="2026-04-10T22:30:00Z")

    dataset = open_dataset(tmp_path)

    assert dataset.observed_until == pd.Timestamp("2026-04-10 22:30")
    assert len(dataset.frame("events")) == 99


def test_the_edge_is_capped_at_what_is_known(tmp_path):
    source(tmp_path, DAYS, observed_until="2026-04-10")
    noon = pd.Timestamp("2026-03-01 12:00")

    assert open_dataset(tmp_path, known_until=noon).observed_until == noon
    moscow = noon.tz_localize("UTC").tz_convert("Europe/Moscow")
    assert open_dataset(tmp_path, known_until=moscow).observed_until == noon


def test_holidays_may_be_written_down_ahead(tmp_path):
    source(tmp_path, DAYS, observed_until="2026-04-11")
    pd.DataFrame({"kind": ["holiday"], "starts_at": [pd.Timestamp("2026-12-25")]}).to_parquet(
        tmp_path / "calendar.parquet"
    )

    dataset = open_dataset(tmp_path)

    assert len(dataset.frame("calendar")) == 1
    assert dataset.findings == ()
