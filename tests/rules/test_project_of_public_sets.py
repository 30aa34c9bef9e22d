"""What `churnml init` makes of public data sets, beside the mappings written by hand.

Needs the data: CHURNML_DATA names the folder that holds oulad, online_retail, cdnow, ravenstack.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from churnml.config import parse, read_toml
from churnml.project import start_project
from churnml.sources import Description, check, open_dataset
from churnml.sources.guessing import guess_mapping

EXPERIMENTS = Path(__file__).parents[2] / "experiments"


@pytest.fixture
def data() -> Path:
    root = os.environ.get("CHURNML_DATA")
    if root is None:
        pytest.skip("CHURNML_DATA is not set: name the folder that holds the public data sets")
    if not Path(root, "ravenstack").is_dir():
        pytest.skip(f"CHURNML_DATA={root} has no folder ravenstack")
    return Path(root)


def by_hand(name: str) -> Description:
    path = EXPERIMENTS / name / "dataset.toml"
    return parse(Description, read_toml(path), where=str(path))


def guessed(data: Path, tmp_path: Path) -> tuple[Description, Path]:
    start_project(tmp_path / "p", [data])
    mapping = tmp_path / "p" / "dataset.toml"
    return parse(Description, read_toml(mapping), where=str(mapping)), mapping


def test_the_tables_of_a_software_company_are_those_mapped_by_hand(data, tmp_path):
    description, _ = guessed(data / "ravenstack", tmp_path)
    hand = by_hand("ravenstack")

    assert set(description.tables) == set(hand.tables)
    customers = description.tables["customers"]
    assert customers.file == hand.tables["customers"].file
    assert customers.columns.items() >= hand.tables["customers"].columns.items()
    assert "seats" not in customers.columns
    tickets = description.tables["tickets"]
    assert tickets.columns.items() >= {
        "customer_id": "account_id", "opened_at": "submitted_at", "resolved_at": "closed_at",
        "csat": "satisfaction_score",
    }.items()  # fmt: skip
    assert description.tables["surveys"].fixed == {"kind": "exit"}
    assert description.tables["surveys"].columns["reason"] == "reason_code"
    assert description.currency == hand.currency


def test_usage_without_a_customer_is_read_through_the_subscription(data, tmp_path):
    _, mapping = guessed(data / "ravenstack", tmp_path)
    counts = {one.table: one for one in check(data / "ravenstack", dataset_file=mapping).tables}

    # the set is a demonstration of bad data: half of the usage precedes the sign-up
    assert (counts["events"].rows_in, counts["events"].kept) == (25_000, 11_802)


def test_receipts_become_the_purchases_summed_by_hand(data, tmp_path):
    _, mapping = guessed(data / "online_retail", tmp_path)
    ours = open_dataset(data / "online_retail", dataset_file=mapping).frame("events")
    hand = open_dataset(
        data / "online_retail", dataset_file=EXPERIMENTS / "online_retail" / "dataset.toml"
    ).frame("events")
    keys = ["customer_id", "event_time", "value"]
    both = ours[keys].merge(hand[keys], how="outer", indicator=True)["_merge"].value_counts()

    # by hand the days that both files hold were read from one of them; the rest is equal
    assert set(ours["name"]) == {"purchase"}
    assert both["both"] == len(hand)
    assert both["left_only"] < 0.01 * len(hand)


def test_columns_apart_by_blanks_are_read_as_by_hand(data, tmp_path):
    description, mapping = guessed(data / "cdnow", tmp_path)
    ours = open_dataset(data / "cdnow", dataset_file=mapping).frame("events")
    hand = open_dataset(data / "cdnow", dataset_file=EXPERIMENTS / "cdnow" / "dataset.toml").frame(
        "events"
    )

    assert description.churn.kind == "inactivity"
    assert description.currency == by_hand("cdnow").currency
    keys = ["customer_id", "event_time"]
    assert set(map(tuple, ours[keys].to_numpy())) == set(map(tuple, hand[keys].to_numpy()))


def test_days_counted_from_a_start_are_no_dates_and_that_is_said(data):
    guess = guess_mapping([data / "oulad"])

    assert guess.tables == ()
    assert "cannot be read as dates" in guess.unused["studentRegistration.parquet"]
    assert "Nothing tells who left" in " ".join(guess.open_questions())
