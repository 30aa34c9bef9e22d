"""Check, features, train and score of a company whose tables lie in PostgreSQL, as of its files."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest

from churnml.sources.world import simulate
from drawn.postgres import PASSWORD, Postgres

VARIABLE = "CHURNML_TEST_POSTGRES"


def churnml(*words: str | Path, cwd: Path, codes: tuple[int, ...] = (0,)) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "churnml", *map(str, words), "--json"],
        cwd=cwd, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode in codes, done.stderr
    assert PASSWORD not in done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.slow
def test_the_monthly_run_is_that_of_files(
    postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulate(tmp_path / "world", customers=150, weeks=60, seed=3)
    data, server = tmp_path / "world" / "data", tmp_path / "server"
    tables = {path.stem: pq.read_table(path) for path in data.glob("*.parquet")}
    monkeypatch.setenv(VARIABLE, postgres.fill("monthly", tables))
    server.mkdir()
    described = (data / "dataset.toml").read_text()
    (server / "dataset.toml").write_text(f'{described}\n[server]\npostgres = "{VARIABLE}"\n')

    made = {}
    for place in (data, server):
        cwd = tmp_path / f"run_{place.name}"
        cwd.mkdir()
        checked = churnml("check", place, cwd=cwd, codes=(0, 1))
        trained = churnml("train", place, "--trials", "0", "--out", "model", cwd=cwd)
        churnml("score", place, "--as-of", "2025-02-17", "--model", "model",
                "--out", "scores.parquet", cwd=cwd)  # fmt: skip
        churnml("features", place, "--as-of", "2025-02-17", "--out", "table.parquet", cwd=cwd)
        scores = pd.read_parquet(cwd / "scores.parquet")[["customer_id", "probability"]]
        features = pd.read_parquet(cwd / "table.parquet")
        made[place] = checked, trained["metrics"], scores, features

    assert made[server][0] == made[data][0]
    assert made[server][1] == made[data][1]
    pd.testing.assert_frame_equal(made[server][2], made[data][2], check_exact=True)
    pd.testing.assert_frame_equal(made[server][3], made[data][3], check_exact=True)
