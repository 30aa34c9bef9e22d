"""Features of a log that stays in PostgreSQL: what comes over the wire, and against the same file.

Needs an empty database whose address is in CHURNML_POSTGRES (see README.md beside); its tables are
made anew there. Every run is a process of its own; the feature tables are compared bit for bit.

Example: python experiments/benchmarks/postgres.py --events 2000000 --customers 2000
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

VARIABLE = "CHURNML_POSTGRES"
HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from isolated import put  # noqa: E402

RESULT = HERE / "results" / "postgres.json"
BEGIN, END = "<!-- postgres: begin -->", "<!-- postgres: end -->"
START, WEEKS = np.datetime64("2024-01-01", "us"), 104
NAMES = [f"name_{number:02d}" for number in range(12)]
DESCRIPTION = """observed_until = 2025-12-29
[churn]
kind = "contract"
[events]
login = ["name_00"]
key = ["name_01", "name_02"]
"""
#: Weekly as_ofs: one is a scoring, a year of them a training.
AS_OFS = {"score": 1, "train": 52}


def main() -> None:
    """Draw, load, run and compare; write the JSON and the tables of the README."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=2_000_000)
    parser.add_argument("--customers", type=int, default=2_000)
    parser.add_argument("--run", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.run:
        run(asked.folder, asked.run)
        return
    if VARIABLE not in os.environ:
        parser.error(f"{VARIABLE} is not set; README.md says how to get a server for this")
    with tempfile.TemporaryDirectory(prefix="churnml_bench_") as work:
        found = measure(asked.events, asked.customers, Path(work))
    RESULT.parent.mkdir(exist_ok=True)
    kept = json.loads(RESULT.read_text()) if RESULT.is_file() else []
    command = f"--events {asked.events} --customers {asked.customers}"
    kept = [one for one in kept if one["command"] != command]
    kept.append({"command": command, **found})
    RESULT.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    put(block(kept), into=HERE / "README.md")
    sys.stdout.write(json.dumps(found, indent=1) + "\n")


def block(kept: list[dict[str, Any]]) -> str:
    """What stands between the markers of the README: a table for each command, markers included."""
    return "\n\n".join([BEGIN, *map(table, kept), END])


def table(found: dict[str, Any]) -> str:
    """What came over and what it took, of a scoring and of a training, from both places."""
    head = ("job", "rows × features", "from", "statements", "rows of the log fetched",
            "MB fetched", "client cpu s", "client peak MB", "open + features, s")  # fmt: skip
    lines = [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    for job, places in found["runs"].items():
        for place, one in places.items():
            fetched = ("", "all", "all")
            if place == "server":
                rows = one["log_rows_fetched"]
                fetched = (
                    str(one["statements"]), f"{rows:,} ({rows / found['log_rows']:.0%})",
                    f"{one['log_mb_fetched']}",
                )  # fmt: skip
            cells = (job, f"{one['snapshots']:,} × {one['features']}", place, *fetched,
                     f"{one['client_cpu_s']}", f"{one['client_peak_mb']:,}",
                     f"{one['open_s']:.0f} + {one['features_s']:.0f}")  # fmt: skip
            lines.append(f"| {' | '.join(cells)} |")
    return (
        f"{found['measured']}, {found['cores']} cores, load {found['load']}, the server on the "
        f"same machine; `python experiments/benchmarks/postgres.py {found['command']}`. The log: "
        f"{found['log_rows']:,} rows, {found['log_mb_at_server']} MB at the server.\n\n"
        + "\n".join(lines)
    )


def measure(events: int, customers: int, work: Path) -> dict[str, Any]:
    """Both ways to the same features, for a scoring and for a training."""
    tables = draw(events, customers)
    for place, more in (("files", ""), ("server", f'[server]\npostgres = "{VARIABLE}"\n')):
        (work / place).mkdir()
        (work / place / "dataset.toml").write_text(DESCRIPTION + more)
    for name, table in tables.items():
        pq.write_table(table, work / "files" / f"{name}.parquet")
    log_bytes = load(tables)
    runs = {
        job: {place: child(work, f"{place} {job}") for place in ("files", "server")}
        for job in AS_OFS
    }
    for job in AS_OFS:
        left, right = (pd.read_parquet(work / f"{place}_{job}.parquet") for place in runs[job])
        pd.testing.assert_frame_equal(left, right, check_exact=True)
    return {
        "measured": datetime.now(UTC).date().isoformat(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        "log_rows": tables["events"].num_rows,
        "log_mb_at_server": round(log_bytes / 2**20),
        "runs": runs,
        "check": "equal bit for bit",
    }


def draw(events: int, customers: int) -> dict[str, pa.Table]:
    """A log of a SaaS company: few people a customer, most of the values empty, some rows late."""
    rng = np.random.default_rng(7)
    ids = np.array([f"C{number:07d}" for number in range(customers)])
    who = rng.integers(0, customers, events)
    times = START + rng.integers(0, WEEKS * 7 * 86_400, events).astype("m8[s]")
    late = np.where(rng.random(events) < 0.02, rng.integers(0, 20 * 86_400, events), 60)
    value = np.round(rng.gamma(2.0, 10.0, events), 2)
    begun = np.full(customers, START)
    log = {
        "customer_id": pa.array(ids[who]),
        "event_time": pa.array(times.astype("M8[us]")),
        "name": pa.array(np.array(NAMES)[rng.integers(0, len(NAMES), events)]),
        "value": pa.array(value, mask=rng.random(events) < 0.7),
        "user_id": pa.array(np.char.add("u", rng.integers(0, 5, events).astype("U1"))),
        "known_at": pa.array((times + late.astype("m8[s]")).astype("M8[us]")),
    }
    return {
        "events": pa.table(log),
        "customers": pa.table({"customer_id": ids, "signed_up_at": begun}),
        "subscriptions": pa.table(
            {"subscription_id": ids, "customer_id": ids, "started_at": begun}
        ),
    }


def load(tables: dict[str, pa.Table]) -> int:
    """Put the tables into the database; returns the bytes that the log takes there."""
    from adbc_driver_postgresql import dbapi

    with dbapi.connect(os.environ[VARIABLE]) as connection, connection.cursor() as cursor:
        for name, table in tables.items():
            cursor.adbc_ingest(name, table, mode="replace")
        cursor.execute("analyze")
        cursor.execute("select pg_table_size('events')")
        size = int(cursor.fetchone()[0])
        connection.commit()
    return size


def child(work: Path, job: str) -> dict[str, Any]:
    """One run in a process of its own."""
    command = [sys.executable, __file__, "--run", job, "--folder", str(work)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def run(work: Path, job: str) -> None:
    """Open, compute, write; says what it took, the server's own time not counted."""
    import churnml as ch

    place, kind = job.split()
    started = time.perf_counter()
    dataset = ch.open_dataset(work / place)
    opened = time.perf_counter()
    last = dataset.observed_until
    as_ofs = [last - pd.Timedelta(weeks=week) for week in range(AS_OFS[kind])]
    snapshots = ch.take_snapshots(dataset, as_ofs)
    chosen = [one for one in ch.catalogue(dataset) if one.family in ("usage", "adoption")]
    table = ch.compute_features(dataset, snapshots, features=chosen)
    done = time.perf_counter()
    table.reset_index().to_parquet(work / f"{place}_{kind}.parquet")
    used = resource.getrusage(resource.RUSAGE_SELF)
    found = {
        "open_s": round(opened - started, 1),
        "features_s": round(done - opened, 1),
        "client_cpu_s": round(used.ru_utime + used.ru_stime, 1),
        "client_peak_mb": round(used.ru_maxrss / 1024),
        "snapshots": len(table),
        "features": len(chosen),
    }
    for log in dataset.away.values():
        fetched = log.server.fetched[log.plan.raw.origin]
        found |= {
            "statements": fetched.statements,
            "log_rows_fetched": fetched.rows,
            "log_mb_fetched": round(fetched.bytes / 2**20, 1),
        }
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main()
