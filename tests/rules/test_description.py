"""dataset.toml: delays, moments and defaults."""

from __future__ import annotations

import pandas as pd
import pytest

from churnml.errors import InputError
from churnml.sources import Description, read_description
from churnml.sources.description import TableSource


@pytest.mark.parametrize(
    ("delay", "span"),
    [
        (None, pd.Timedelta(0)),
        ("30min", pd.Timedelta(minutes=30)),
        ("6h", pd.Timedelta(hours=6)),
        ("1d", pd.Timedelta(days=1)),
        ("1.5 d", pd.Timedelta(hours=36)),
        ("2w", pd.Timedelta(days=14)),
    ],
)
def test_a_delay_is_a_number_and_a_unit(delay, span):
    assert TableSource(delay=delay).delay_span == span


def test_a_moment_without_an_offset_is_read_in_the_zone_of_the_dataset(tmp_path):
    file = tmp_path / "dataset.toml"
    file.write_text('timezone = "Europe/Berlin"\nobserved_until = 2026-11-01\n', encoding="utf-8")

    description = read_description(file)

    assert description.instant(description.observed_until) == pd.Timestamp("2026-10-31 23:00")
    noon = pd.Timestamp("2026-07-01 12:00", tz="Asia/Tokyo")
    assert description.instant(noon) == pd.Timestamp("2026-07-01 03:00")


def test_without_a_file_the_canonical_names_are_expected():
    assert read_description(None) == Description()
    assert Description().source("events") == TableSource()


def test_the_folder_of_word_lists_lies_beside_the_file_or_in_the_data(tmp_path):
    file = tmp_path / "dataset.toml"
    file.write_text('[text]\nlists = "words"\n', encoding="utf-8")

    assert read_description(file).text.lists == str(tmp_path / "words")
    assert read_description(file, folder=tmp_path / "data").text.lists == str(
        tmp_path / "data" / "words"
    )


def test_a_table_has_one_origin(tmp_path):
    file = tmp_path / "dataset.toml"
    file.write_text('[tables.events]\nfile = "a.csv"\nsql = "select 1"\n', encoding="utf-8")

    with pytest.raises(InputError, match="either file or sql"):
        read_description(file)


def test_an_immutable_column_of_customers_may_be_mapped(tmp_path):
    file = tmp_path / "dataset.toml"
    file.write_text(
        '[customers]\nimmutable = ["employees"]\n[tables.customers]\n'
        'columns = { employees = "head_count" }\n',
        encoding="utf-8",
    )

    assert read_description(file).source("customers").columns == {"employees": "head_count"}


def test_tables_lie_at_one_server(tmp_path):
    file = tmp_path / "dataset.toml"
    file.write_text('[server]\npostgres = "PG"\nspark = "lake"\n', encoding="utf-8")

    with pytest.raises(InputError, match="either postgres or spark"):
        read_description(file)
    file.write_text('[server]\nspark = "lake; drop"\n', encoding="utf-8")
    with pytest.raises(InputError, match=r"server\.spark"):
        read_description(file)
