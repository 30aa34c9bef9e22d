"""What Spark needs is said before anything is computed; no Java is started here."""

from __future__ import annotations

import importlib.util

import pyarrow as pa
import pytest

from churnml.errors import InputError
from churnml.features import spread_features
from churnml.features.trees import sql
from churnml.sources.spark import on_spark, spark_home
from churnml.sources.spark.shelf import Shelf
from churnml.sources.spark.statements import spark_sql


@pytest.fixture
def drawn(dataset_of):
    return dataset_of({"customers": [{"customer_id": "a", "signed_up_at": "2025-01-01"}]},
                      until="2026-01-01")  # fmt: skip


def test_without_the_package_the_extra_is_named(drawn, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)

    with pytest.raises(InputError, match=r"churnml\[spark\]"):
        on_spark(drawn)


def test_without_java_its_place_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: "there")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))

    with pytest.raises(InputError, match=f"JAVA_HOME {tmp_path}"):
        spark_home()
    monkeypatch.delenv("JAVA_HOME")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="no java was found on the PATH"):
        spark_home()


def test_a_work_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(InputError, match="CHURNML_SPARK_WORK"):
        Shelf.of(str(tmp_path / "file"))


def test_features_are_spread_on_spark_only(drawn, tmp_path):
    from churnml.snapshots import take_snapshots

    asked = take_snapshots(drawn, [drawn.observed_until]).assign(customer_id="a")

    with pytest.raises(InputError, match="on_spark"):
        spread_features(drawn, asked, target=tmp_path / "features")


def test_a_table_is_read_as_it_was_written_with_and_without_rows(tmp_path):
    shelf = Shelf.of(str(tmp_path))
    rows = pa.table({"r": [3, 1, 2], "word": ["a", None, "c"]})

    shelf.write("some", rows.schema, rows.to_batches(2))
    shelf.write("none", rows.schema, [])

    assert shelf.read("some").equals(rows)
    assert shelf.read("none").equals(rows.schema.empty_table())


def test_seconds_are_counted_from_their_beginning_and_days_as_they_are():
    assert spark_sql(sql("DATE_DIFF('second', a, b)")) == (
        "DATEDIFF(SECOND, DATE_TRUNC('SECOND', a), DATE_TRUNC('SECOND', b))"
    )
    assert "TRUNC" not in spark_sql(sql("DATE_DIFF('day', CAST(a AS DATE), CAST(b AS DATE))"))


def test_days_that_nobody_cast_are_counted_by_midnights():
    assert spark_sql(sql("DATE_DIFF('day', a, CAST(b AS DATE))")) == (
        "DATEDIFF(DAY, DATE_TRUNC('DAY', a), CAST(b AS DATE))"
    )


@pytest.mark.parametrize("out", ["table:lake.features", "features"])
def test_a_folder_or_a_table_of_features_without_spark_is_refused(
    out, tmp_path, monkeypatch, capsys
):
    from churnml.__main__ import main

    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    with pytest.raises(SystemExit) as ended:
        main(["features", "data", "--as-of", "2026-01-05", "--out", out])

    assert ended.value.code == 2
    assert "expected one of" in " ".join(capsys.readouterr().err.split())


def test_spark_without_java_ends_the_command_with_one_sentence(tmp_path, monkeypatch, capsys):
    from churnml.__main__ import main

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: "there")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    (tmp_path / "customers.csv").write_text("customer_id,signed_up_at\n")
    with pytest.raises(SystemExit) as ended:
        main(["train", str(tmp_path), "--engine", "spark"])

    said = capsys.readouterr().err
    assert ended.value.code == 2
    assert "Traceback" not in said
    assert "Java 17" in said
