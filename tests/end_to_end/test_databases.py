"""A DuckDB file or an address of PostgreSQL as DATA: every command takes it, and writes elsewhere.

Commands that need a model, or a history that carries one, are slow and run one after the other.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow.parquet as pq
import pytest

from churnml.__main__ import main
from churnml.sources.world import simulate
from drawn.postgres import PASSWORD, Postgres

AS_OF = "2024-05-13"
SCORED = [(f"C{number:06d}", AS_OF, number / 100) for number in range(1, 40)]


@dataclass(frozen=True)
class Company:
    """The same tables as a folder, and as a DuckDB file with its dataset.toml beside it."""

    folder: Path
    file: Path


def company(place: Path, *, customers: int, weeks: int) -> Company:
    simulate(place, customers=customers, weeks=weeks, seed=3)
    folder, file = place / "data", place / "database" / "company.duckdb"
    file.parent.mkdir()
    with duckdb.connect(str(file)) as connection:
        for table in folder.glob("*.parquet"):
            connection.execute(f"create table {table.stem} as select * from '{table}'")
    (file.parent / "dataset.toml").write_text((folder / "dataset.toml").read_text())
    return Company(folder, file)


def at_server(company: Company, postgres: Postgres, name: str) -> str:
    """The address of the same tables in PostgreSQL."""
    tables = {path.stem: pq.read_table(path) for path in company.folder.glob("*.parquet")}
    postgres.fill(name, tables)
    return postgres.address(name, password=None)


@pytest.fixture(scope="module")
def young(tmp_path_factory: pytest.TempPathFactory) -> Company:
    return company(tmp_path_factory.mktemp("young"), customers=40, weeks=30)


@pytest.fixture(scope="module")
def young_address(young: Company, postgres: Postgres) -> str:
    return at_server(young, postgres, "young")


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Company:
    return company(tmp_path_factory.mktemp("grown"), customers=150, weeks=60)


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with scores of some system and some messages."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    scores = pd.DataFrame(SCORED, columns=["customer_id", "as_of", "probability"])
    scores.to_csv("scores.csv", index=False)
    messages = pd.DataFrame({"message_id": ["m"], "customer_id": ["C000001"], "text": ["Hi Ann"]})
    messages.to_csv("messages.csv", index=False)
    return tmp_path


def ends(words: str, *more: str) -> object:
    """The exit code of a command."""
    said = io.StringIO()
    with pytest.raises(SystemExit) as ended, contextlib.redirect_stdout(said):
        main([*words.split(), *more])
    assert PASSWORD not in said.getvalue()
    return ended.value.code


def state(place: Path) -> dict[str, str]:
    """What lies in the folder of the data, by digest."""
    files = sorted(place.parent.iterdir())
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


QUICK = {
    "check": "check DATA --quarantine refused",
    "list": "features DATA --list --out features.html",
    "evaluate": "evaluate scores.csv DATA",
    "alerts": "alerts scores.csv --data DATA --state alerts --out alerts.csv",
    "watch": "watch scores.csv --data DATA",
    "text score": "text score messages.csv --data DATA --out heard.csv",
}
COMPUTED = {
    "features": f"features DATA --as-of {AS_OF} --out features.parquet",
    "health": f"health DATA --as-of {AS_OF} --out health.csv",
}
LATE = "2025-02-17"
OF_A_MODEL = (
    "train DATA --trials 0 --out model",
    f"score DATA --as-of {LATE} --model model --out made.parquet",
    f"explain DATA --customer CUSTOMER --as-of {LATE} --model model",
    f"report DATA --as-of {LATE} --model model --out report.html",
    "recalibrate DATA --model model",
    "rules DATA",
    "doctor DATA --model model",
)


@pytest.mark.parametrize("words", (QUICK | COMPUTED).values(), ids=QUICK | COMPUTED)
def test_a_command_takes_a_database_file(young: Company, work: Path, words: str) -> None:
    before = state(young.file)

    assert ends(words.replace("DATA", str(young.file))) in (0, 1)
    assert state(young.file) == before


@pytest.mark.parametrize("words", QUICK.values(), ids=QUICK)
def test_a_command_takes_an_address(
    young: Company, young_address: str, work: Path, words: str
) -> None:
    own = ("--dataset", str(young.folder / "dataset.toml"))

    assert ends(words.replace("DATA", young_address), *own) in (0, 1)


def test_rows_refused_of_a_database_file_are_never_written_beside_it(
    young: Company, work: Path
) -> None:
    assert ends(f"check {young.file} --quarantine {young.file.parent}") == 2
    assert not list(young.file.parent.glob("*.parquet"))


def use_a_model(data: str, *more: str) -> None:
    """Train, then run every command that needs a model, about someone who was scored."""
    customer = ""
    for words in OF_A_MODEL:
        assert ends(words.replace("DATA", data).replace("CUSTOMER", customer), *more) in (0, 1), (
            words
        )
        if words.startswith("score"):
            customer = str(pd.read_parquet("made.parquet")["customer_id"][0])


@pytest.mark.slow
def test_a_model_is_trained_and_used_on_a_database_file(grown: Company, work: Path) -> None:
    before = state(grown.file)

    use_a_model(str(grown.file))

    assert state(grown.file) == before


@pytest.mark.slow
def test_a_model_is_trained_and_used_on_an_address_and_no_password_is_written(
    grown: Company, postgres: Postgres, work: Path
) -> None:
    address = at_server(grown, postgres, "grown")
    use_a_model(address, "--dataset", str(grown.folder / "dataset.toml"))

    written = [path for path in work.rglob("*") if path.is_file()]
    assert any(path.suffix == ".db" for path in written)
    assert not any(PASSWORD.encode() in path.read_bytes() for path in written)
