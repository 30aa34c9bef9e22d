"""A PostgreSQL server of the tests' own, in a folder that is thrown away with it."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa

USER, PASSWORD = "churnml", "s3cret-of-the-tests"
START = pd.Timestamp("2026-01-05")
INSTANT = "timestamp[us, tz=UTC][pyarrow]"


@dataclass(frozen=True)
class Postgres:
    """The server: one that listens on a socket in its folder only."""

    folder: Path

    def address(self, database: str = "postgres", *, password: str | None = PASSWORD) -> str:
        """Address of a database there; without the password it may be given as DATA."""
        user = USER if password is None else f"{USER}:{password}"
        return f"postgresql://{user}@/{database}?host={self.folder}"

    def run(self, *statements: str, database: str = "postgres") -> None:
        """Run statements, each by itself."""
        from adbc_driver_postgresql import dbapi

        with dbapi.connect(self.address(database), autocommit=True) as connection:
            for statement in statements:
                with connection.cursor() as cursor:
                    cursor.execute(statement)

    def fill(self, database: str, tables: Mapping[str, pd.DataFrame | pa.Table]) -> str:
        """A new database with these tables; returns its address."""
        from adbc_driver_postgresql import dbapi

        self.run(f'create database "{database}"')
        with dbapi.connect(self.address(database)) as connection:
            for name, rows in tables.items():
                table = rows
                if isinstance(rows, pd.DataFrame):
                    table = pa.Table.from_pandas(rows, preserve_index=False)
                with connection.cursor() as cursor:
                    cursor.adbc_ingest(name, table, mode="create")
            connection.commit()
        return self.address(database)


def binaries() -> Path | None:
    """Folder of initdb and pg_ctl; None where there is no PostgreSQL."""
    found = shutil.which("pg_ctl")
    folders = [Path(found).parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((one for one in folders if (one / "initdb").exists()), None)


@contextmanager
def started(programs: Path) -> Iterator[Postgres]:
    """A running server; PostgreSQL refuses to be root, so there it runs as nobody."""
    folder = Path(tempfile.mkdtemp(prefix="churnml-pg-"))
    owner = {"user": "nobody"} if os.getuid() == 0 else {}
    if owner:
        shutil.chown(folder, "nobody")
    secret = folder / "password"
    secret.write_text(PASSWORD)
    secret.chmod(0o644)
    data, options = folder / "data", f"-k {folder} -c listen_addresses='' -c fsync=off"

    def run(program: str, *arguments: str) -> None:
        subprocess.run(
            [programs / program, "-D", data, *arguments],
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder, **owner,
        )  # fmt: skip

    run(
        "initdb", "-U", USER, "-A", "scram-sha-256", f"--pwfile={secret}", "-E", "UTF8", "--no-sync"
    )
    try:
        run("pg_ctl", "-w", "-o", options, "-l", str(folder / "log"), "start")
        yield Postgres(folder)
    finally:
        run("pg_ctl", "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


def shop() -> dict[str, pd.DataFrame]:
    """Two customers with a contract each, and what they did."""
    ids = ["007", "042"]
    tables = {
        "customers": pd.DataFrame({"customer_id": ids, "signed_up_at": START}),
        "subscriptions": pd.DataFrame(
            {"subscription_id": ["1", "2"], "customer_id": ids, "started_at": START}
        ),
        "events": pd.DataFrame(
            {
                "customer_id": ids * 20,
                "event_time": [START + pd.Timedelta(days=n) for n in range(40)],
                "name": "login",
            }
        ),
    }
    times = {"signed_up_at": INSTANT, "started_at": INSTANT, "event_time": INSTANT}
    return {
        name: frame.astype({one: times[one] for one in times if one in frame})
        for name, frame in tables.items()
    }
