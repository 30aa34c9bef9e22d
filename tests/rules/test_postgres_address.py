"""An address of PostgreSQL as DATA: what it may say, and that no password stands anywhere."""

from __future__ import annotations

import json
from pathlib import Path
from uuid import uuid4

import pytest

from churnml import open_dataset
from churnml.__main__ import main
from churnml.address import Address, holds_secret, is_address
from churnml.config import Study, read_study
from churnml.errors import InputError
from churnml.sources import check
from churnml.sources.place import place_of, truth_beside
from drawn.postgres import PASSWORD, Postgres, shop

SECRETS = [
    "postgresql://reader:s3cret@db/warehouse",
    "postgres://reader:s3cret@db/warehouse",
    "postgresql://reader:s3cret/x@db/warehouse",
    "postgresql://reader@db/warehouse?password=s3cret",
    "postgresql://reader@db/warehouse?sslmode=require&sslpassword=s3cret",
    "postgresql://reader:s3cret?x@db/warehouse",
]


@pytest.fixture
def database(postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a database with a small company; its password is in PGPASSWORD."""
    name = uuid4().hex
    postgres.fill(name, shop())
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    return name


@pytest.fixture
def address(postgres: Postgres, database: str) -> str:
    return postgres.address(database, password=None)


def test_the_tables_of_an_address_are_found_by_their_canonical_names(address: str) -> None:
    dataset = open_dataset(address)

    assert dataset.tables == {"customers", "subscriptions", "events"}
    assert dataset.extent("events")[0] == 40
    assert list(dataset.away) == ["events"]


def test_a_schema_is_named_in_the_address_or_in_the_options_of_the_session(
    postgres: Postgres, database: str, address: str
) -> None:
    postgres.run(
        "create schema raw", *(f"alter table {name} set schema raw" for name in shop()),
        "create table events (nothing text)", database=database,
    )  # fmt: skip

    for given in (f"{address}&schema=raw", f"{address}&options=-csearch_path%3Draw"):
        assert open_dataset(given).extent("events")[0] == 40
    with pytest.raises(InputError, match=r"no schema row\b.* There are: public, raw"):
        open_dataset(f"{address}&schema=row")


def test_a_description_beside_an_address_maps_its_tables(
    postgres: Postgres, database: str, address: str, tmp_path: Path
) -> None:
    postgres.run("alter table events rename to clicks", database=database)
    description = tmp_path / "acme.toml"
    description.write_text('name = "acme"\n[tables.events]\ntable = "public.clicks"\n')

    dataset = open_dataset(address, dataset_file=description)

    assert dataset.description.name == "acme"
    assert dataset.extent("events")[0] == 40


def test_an_address_as_data_goes_before_the_one_of_the_description(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NOT_SET", raising=False)
    description = tmp_path / "acme.toml"
    description.write_text('[server]\npostgres = "NOT_SET"\n')

    assert check(address, dataset_file=description).ok


@pytest.mark.parametrize("given", SECRETS)
def test_a_password_in_the_address_is_refused_and_not_repeated(given: str) -> None:
    for refused in (Address.written, open_dataset, check):
        with pytest.raises(InputError) as caught:
            refused(given)
        assert "s3cret" not in str(caught.value)
        assert "PGPASSWORD" in str(caught.value) or "%xx" in str(caught.value)


@pytest.mark.parametrize("given", SECRETS[:-1])
def test_a_study_keeps_no_password(given: str, tmp_path: Path) -> None:
    (tmp_path / "study.toml").write_text(f"data = {json.dumps(given)}\n")

    for made in (lambda: read_study(tmp_path / "study.toml"), lambda: Study(data=given)):
        with pytest.raises(ValueError, match="holds a password") as told:
            made()
        assert "s3cret" not in str(told.value)
    assert Study(data="postgresql://reader@db:5432/warehouse").data.endswith("warehouse")


def test_addresses_are_told_from_paths_and_several_hosts_are_one_address() -> None:
    both = Address.written(
        "postgresql://r@[::1]:5432,db.example.com/w?schema=a%20b&sslmode=require"
    )

    assert both.url == "postgresql://r@[::1]:5432,db.example.com/w?sslmode=require"
    assert (both.schema, both.shown) == ("a b", "postgresql://r@[::1]:5432,db.example.com/w")
    assert [is_address(one) for one in ("data/demo", "spark://x", "postgres://h/d")] == [
        False, False, True,
    ]  # fmt: skip
    assert not holds_secret("postgresql://r@h:1/d?application_name=a:b@c")
    assert truth_beside("postgresql://r@h/d") is None


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (Path("postgresql://r@h/d"), "give it as a str"),
        ("mysql://r@h/d", "mysql:… is no folder of tables"),
        ("postgresql://r@h:port/d", "no address of PostgreSQL"),
    ],
)
def test_what_is_no_address_is_told(given: Path | str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        place_of(given)


def test_a_wrong_password_is_told_with_the_address_and_without_it(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPASSWORD", "wr0ng")

    with pytest.raises(InputError, match=r"postgresql://churnml@/\w+ refuses .*PGPASSWORD") as told:
        open_dataset(address)

    assert "wr0ng" not in str(told.value)


def test_commands_take_an_address_and_write_no_password(
    address: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    moment = ("--as-of", "2026-02-02")
    for words, code in (
        (("check", address, "--quarantine", "refused"), 0),
        (("features", address, *moment, "--out", "features.parquet"), 0),
        (("health", address, *moment, "--out", "health.csv"), 0),
        (("doctor", address), 0),
        (("check", address.replace("churnml@", f"churnml:{PASSWORD}@")), 2),
    ):
        with pytest.raises(SystemExit) as ended:
            main(list(words))
        captured = capsys.readouterr()
        assert ended.value.code == code, (words, captured.err)
        assert PASSWORD not in captured.out + captured.err
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {"features.parquet", "health.csv"} <= {path.name for path in files}
    assert not any(PASSWORD.encode() in path.read_bytes() for path in files)
