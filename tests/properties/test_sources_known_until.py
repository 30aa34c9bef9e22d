"""Opening the whole as known at an instant is opening a copy that was cut there."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from churnml.contract import TABLES, Table
from churnml.sources import open_dataset

T = pd.Timestamp("2026-03-01")
EDGE = pd.Timestamp("2026-03-08")
#: Hours from the cut; the edges of every comparison and one time far beyond the data.
HOURS = [-24 * 40, -24 * 10, -24 * 3, -25, -1, 0, 1, 24 * 4, 24 * 400]
TIMES = st.sampled_from([T + pd.Timedelta(hours=hour) for hour in HOURS])
MAYBE = st.none() | TIMES
CUSTOMERS = ["a", "b", "c"]

DRAWN = ("customers", "subscriptions", "tickets", "ticket_events", "outreach", "obligations")

VALUES: dict[str, st.SearchStrategy[Any]] = {
    "customer_id": st.sampled_from([*CUSTOMERS, "nobody"]),
    "subscription_id": st.sampled_from(["1", "2", "3"]),
    "ticket_id": st.sampled_from(["1", "2", "3"]),
    "obligation_id": st.sampled_from(["1", "2"]),
    "signed_up_at": st.just(T - pd.Timedelta(days=20)),
    "end_reason": st.sampled_from([None, "voluntary", "strange"]),
    "csat": st.sampled_from([None, 1.0, 5.0]),
    "csat_at": st.none() | TIMES,
    "mrr": st.sampled_from([None, 10.0, 1e15]),
}
KINDS = {
    "ticket_events": st.sampled_from(["replied", "resolved", "shouted"]),
    "outreach": st.sampled_from(["campaign", "meeting", None]),
    "obligations": st.just("payment"),
}


@st.composite
def rows_of(draw, table: Table) -> pd.DataFrame:
    """A few rows of one table, edge times and faults among them."""
    columns = {
        column.name: _values(table, column.name, column.kind, required=column.required)
        for column in table.columns
        if column.kind == "time" or column.name in VALUES or column.name == "kind"
    }
    row = st.fixed_dictionaries({**columns, "known_at": MAYBE})
    rows = draw(st.lists(row, min_size=1, max_size=7))
    frame = pd.DataFrame(rows, columns=[*columns, "known_at"])
    for name in frame:
        if name == "known_at" or table.column(str(name)).kind == "time":
            frame[name] = pd.to_datetime(frame[name]).astype("datetime64[us]")
        elif table.column(str(name)).kind in {"id", "text"}:
            frame[name] = frame[name].astype("string")
        else:
            frame[name] = frame[name].astype("float64")
    return frame


def _values(table: Table, name: str, kind: str, *, required: bool) -> st.SearchStrategy[Any]:
    if name == "kind":
        return KINDS[table.name]
    if name in VALUES:
        return VALUES[name]
    return TIMES if required else MAYBE


worlds = st.fixed_dictionaries({name: rows_of(TABLES[name]) for name in DRAWN})


def cut(frames: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """The rows and values known at T, in plain pandas, straight from the definition."""
    return {name: _cut_table(TABLES[name], frame) for name, frame in frames.items()}


def _cut_table(table: Table, frame: pd.DataFrame) -> pd.DataFrame:
    own = frame[table.time]
    if table.name == "obligations":
        own = own.fillna(frame["due_at"])
    known = frame["known_at"].fillna(own)
    times = {column.name: frame[column.name] for column in table.columns if column.name in frame}
    if table.name == "tickets":
        times["csat_at"] = frame["csat_at"].fillna(frame["resolved_at"] + pd.Timedelta(days=7))
    frame = frame.copy()
    for column in table.columns:
        if column.known_from is not None and column.name in frame:
            frame[column.name] = frame[column.name].mask(times[column.known_from] >= T)
    return frame[(own < T) & (known < T)]


TOML = "observed_until = {edge}\n[quality]\nmax_quarantined = 1.0\n"


def opened(folder: Path, frames: dict[str, pd.DataFrame], **options: Any) -> dict[str, Any]:
    """Every table with the findings that cost rows."""
    folder.mkdir()
    # Something must tell churn whatever was drawn: one sound contract, long known.
    sound = {"subscription_id": "s", "customer_id": "a", "started_at": T - pd.Timedelta(days=15)}
    person = {"customer_id": "a", "signed_up_at": T - pd.Timedelta(days=50)}
    for name, frame in frames.items():
        extra = {"subscriptions": sound, "customers": person}.get(name)
        if extra:
            row = pd.DataFrame([extra]).reindex(columns=frame.columns).astype(frame.dtypes)
            frame = pd.concat([frame, row], ignore_index=True)
        frame.to_parquet(folder / f"{name}.parquet", index=False)
    edge = min(EDGE, T) if "copy" in folder.name else EDGE
    (folder / "dataset.toml").write_text(TOML.format(edge=edge.date()))
    dataset = open_dataset(folder, **options)
    return {
        "tables": {name: dataset.frame(name) for name in DRAWN},
        "observed_until": dataset.observed_until,
        "there": dataset.tables,
        "findings": [(f.table, f.rule, f.rows) for f in dataset.findings],
    }


def tidy(frame: pd.DataFrame) -> pd.DataFrame:
    """Sorted, every value as text, so that frames compare by content alone."""
    text = frame.astype(object).where(frame.notna(), "").astype(str)
    return text.sort_values(list(text.columns)).reset_index(drop=True)


FEW = settings(
    max_examples=10,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],  # shrinking costs minutes: each try opens two datasets
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@FEW
@given(worlds)
def test_known_until_equals_a_copy_cut_there(frames):
    compare_with_a_cut_copy(frames)


@FEW
@given(worlds)
def test_the_gate_never_judges_a_row_by_what_came_later(frames):
    compare_then_with_now(frames)


@pytest.mark.slow
@settings(FEW, max_examples=150)
@given(worlds)
def test_known_until_holds_in_many_worlds(frames):
    compare_with_a_cut_copy(frames)
    compare_then_with_now(frames)


def compare_with_a_cut_copy(frames):
    with tempfile.TemporaryDirectory() as place:
        whole = opened(Path(place) / "whole", frames, known_until=T)
        copy = opened(Path(place) / "copy", cut(frames))

    assert whole["observed_until"] == copy["observed_until"] == T
    assert whole["there"] == copy["there"]
    assert whole["findings"] == copy["findings"]
    for name in DRAWN:
        assert_frame_equal(tidy(whole["tables"][name]), tidy(copy["tables"][name]))


def compare_then_with_now(frames):
    """Rows that were kept at T are kept in the whole, and no other row known at T is."""
    early = pd.Timestamp("2025-12-01")
    everyone = pd.DataFrame({"customer_id": [*CUSTOMERS, "a"], "signed_up_at": early})
    frames = {**frames, "customers": everyone}
    # The orphans of a ticket that is known later belong to it then: no tickets, no question.
    del frames["ticket_events"]
    with tempfile.TemporaryDirectory() as place:
        then = opened(Path(place) / "then", frames, known_until=T)["tables"]
        now = opened(Path(place) / "now", frames)["tables"]

    for name in ("subscriptions", "tickets", "outreach", "obligations"):
        table = TABLES[name]
        assert_frame_equal(tidy(then[name]), tidy(_cut_table(table, now[name])))
