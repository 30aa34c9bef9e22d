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


@dataclass(frozen=True)
class Postgres:
    """The server: one that listens on a socket in its folder only."""

    folder: Path

    def address(self, database: str = "postgres", *, password: str = PASSWORD) -> str:
        """Address of a database there."""
        return f"postgresql://{USER}:{password}@/{database}?host={self.folder}"

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
