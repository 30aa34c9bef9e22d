"""The score file: its columns, and reasons that survive every format."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from churnml.delivery import SCORE_SCHEMA, write_scores

AS_OF = pd.Timestamp("2026-01-05")
SINCE = pd.Timestamp("2025-10-12", tz="UTC")
REASON = {
    "feature": "logins_7d", "family": "usage", "contribution": 0.5, "text_en": "Logins",
    "text_ru": "Входы", "was": 12.0, "now": 3.0, "since": SINCE, "play": "usage_coaching",
    "evidence": [{"table": "events", "id": None, "at": SINCE}], "lower_en": "Logins again",
    "lower_ru": "Снова входы", "would_lower": 0.04,
}  # fmt: skip
PROBLEM = {"text_en": "A ticket", "text_ru": "Обращение", "table": "tickets", "id": "T1",
           "since": SINCE}  # fmt: skip


def written(tmp_path, suffix):
    frame = pd.DataFrame({
        "customer_id": ["ann", "bob"], "as_of": AS_OF, "probability": [0.4, 0.1],
        "model_digest": "x", "reasons": [[REASON], []], "open_problem": [PROBLEM, None],
    })  # fmt: skip
    path = tmp_path / f"scores{suffix}"
    write_scores(frame, path)
    return path


def test_parquet_holds_the_struct_with_its_instants_in_utc(tmp_path):
    read = pd.read_parquet(written(tmp_path, ".parquet"))

    assert list(read) == SCORE_SCHEMA.names
    (reason,) = read.loc[0, "reasons"]
    assert {**reason, "evidence": list(reason["evidence"])} == REASON
    assert read.loc[0, "open_problem"] == PROBLEM
    assert len(read.loc[1, "reasons"]) == 0
    assert read.loc[1, "open_problem"] is None


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_text_formats_hold_the_same_as_json(tmp_path, suffix):
    path = written(tmp_path, suffix)
    if suffix == ".csv":
        row = pd.read_csv(path).iloc[0]
        reasons, problem = json.loads(row["reasons"]), json.loads(row["open_problem"])
    else:
        row = json.loads(path.read_text("utf-8").splitlines()[0])
        reasons, problem = row["reasons"], row["open_problem"]

    at = "2025-10-12T00:00:00Z"
    evidence = [{"table": "events", "id": None, "at": at}]
    assert reasons == [{**REASON, "since": at, "evidence": evidence}]
    assert problem == {**PROBLEM, "since": at}
