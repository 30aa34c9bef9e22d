"""How a source writes its values, said in dataset.toml without SQL."""

from __future__ import annotations

import pandas as pd
import pytest

from churnml.errors import InputError
from churnml.sources import check, open_dataset

HEAD = '[churn]\nkind = "absence"\n[tables.events]\ncolumns = { event_time = "at" }\n'


@pytest.fixture
def opened(tmp_path):
    def _opened(rows: str, more: str, head: str = "customer_id;at;name;value"):
        (tmp_path / "events.csv").write_text(f"{head}\n{rows}", encoding="utf-8")
        (tmp_path / "dataset.toml").write_text(HEAD + more, encoding="utf-8")
        return open_dataset(tmp_path).frame("events")

    return _opened


def test_times_that_are_not_iso_are_read_by_their_formats(opened):
    rows = "a;31.12.2025;x;1\na;01.02.2026 10:30;x;1\na;2026-03-01T00:00:00Z;x;1\n"
    events = opened(rows, 'time_format = ["%d.%m.%Y", "%d.%m.%Y %H:%M"]\n')

    assert events["event_time"].sort_values().tolist() == [
        pd.Timestamp("2025-12-31"), pd.Timestamp("2026-02-01 10:30"), pd.Timestamp("2026-03-01"),
    ]  # fmt: skip


def test_a_formatted_time_is_one_in_the_zone_of_the_dataset(opened, tmp_path):
    opened("a;01.02.2026;x;1\n", 'time_format = "%d.%m.%Y"\n')
    file = tmp_path / "dataset.toml"
    file.write_text('timezone = "Europe/Moscow"\n' + file.read_text())

    assert open_dataset(tmp_path).frame("events")["event_time"].item() == pd.Timestamp(
        "2026-01-31 21:00"
    )


def test_decimal_commas_and_grouped_thousands_are_numbers(opened):
    written = ["1 234,50", "1.234,5", "7", "-0,25", "12,5 €", "1\u00a0000"]
    rows = "".join(f"a;2026-01-0{n};x;{value}\n" for n, value in enumerate(written, 1))
    events = opened(rows, 'decimal = ","\n').sort_values("event_time")

    assert events["value"].tolist() == [1234.5, 1234.5, 7.0, -0.25, 12.5, 1000.0]


def test_other_words_mean_ours_and_strange_ones_stay(opened):
    rows = "a;2026-01-01;Вход;1\na;2026-01-02; вход ;1\na;2026-01-03;прочее;1\n"
    events = opened(rows, 'values = { name = { "Вход" = "login" } }\n')

    assert sorted(events["name"]) == ["login", "login", "прочее"]


def test_a_column_that_is_not_there_has_one_value_and_one_that_is_keeps_its_own(opened):
    events = opened("a;2026-01-01\n", 'fixed = { name = "purchase" }\n', head="customer_id;at")
    assert events["name"].tolist() == ["purchase"]

    events = opened("a;2026-01-01;x;1\n", 'fixed = { name = "purchase" }\n')
    assert events["name"].tolist() == ["x"]


def test_what_cannot_be_read_is_set_aside_as_it_was_written(opened, tmp_path):
    rows = "".join(f"a;{day:02d}.01.2026;x;1\n" for day in range(1, 31)) + "a;31.31.2026;x;1\n"
    events = opened(rows, 'time_format = "%d.%m.%Y"\n')

    assert len(events) == 30
    (finding,) = [one for one in check(tmp_path).findings if one.rule == "wrong_type"]
    assert finding.rows == 1


def test_a_column_that_the_table_does_not_have_is_refused(opened):
    with pytest.raises(InputError, match="maps nonsense"):
        opened("a;2026-01-01;x;1\n", 'fixed = { nonsense = "1" }\n')
