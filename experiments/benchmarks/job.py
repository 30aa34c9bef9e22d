"""The reference job: drawn events in Parquet, the feature table asked of everyone, and its oracle.

Needs numpy and pyarrow only, so that contenders in an environment of their own can read it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

#: Events and customers.
SIZES = {
    "tiny": (20_000, 100),
    "small": (200_000, 1_000),
    "medium": (2_000_000, 10_000),
    "large": (20_000_000, 100_000),
    "xl": (200_000_000, 1_000_000),
}
EVENTS = "events.parquet"
#: One real block of the output, of the first thousand customers, which the limit writes again.
BLOCK = "block.parquet"
NAMES = tuple(f"name_{number:02d}" for number in range(12))
DAYS = (7, 28, 84)
DAY = 86_400_000_000
FIRST = np.datetime64("2024-01-08", "us")
AS_OFS = FIRST + np.arange(104) * np.timedelta64(7, "D")
_BEGIN, _END = np.datetime64("2023-10-02", "us"), np.datetime64("2026-02-02", "us")
_PIECE = 5_000_000

COUNTS = (
    *(f"n_{days}" for days in DAYS),
    *(f"{name}_{days}" for name in NAMES for days in DAYS),
    "since",
    *(f"since_{name}" for name in NAMES),
    "days_28",
)
SUMS = tuple(f"v_{days}" for days in DAYS)


def draw(size: str, folder: Path, *, seed: int = 1) -> Path:
    """The events of a size as a file, sorted by time; some lie exactly at midnight."""
    path = folder / EVENTS
    if path.is_file():
        return path
    events, customers = SIZES[size]
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    pieces = max(1, events // _PIECE)
    span = (_END - _BEGIN).astype(np.int64) // pieces
    ids = pa.array([f"C{number:07d}" for number in range(customers)])
    aside, writer = path.with_suffix(".tmp"), None
    for piece in range(pieces):
        table = _piece(rng, events // pieces, ids, begin=_BEGIN.astype(np.int64) + piece * span,
                       span=int(span))  # fmt: skip
        writer = writer or pq.ParquetWriter(aside, table.schema)
        writer.write_table(table)
    assert writer is not None
    writer.close()
    aside.replace(path)
    return path


def _piece(
    rng: np.random.Generator, rows: int, ids: pa.Array, *, begin: int, span: int
) -> pa.Table:
    times = np.sort(begin + rng.integers(0, span, rows))
    midnight = rng.random(rows) < 2e-5
    times[midnight] -= times[midnight] % DAY
    who = pa.array(rng.integers(0, len(ids), rows).astype(np.int32))
    what = pa.array(rng.integers(0, len(NAMES), rows).astype(np.int8))
    return pa.table(
        {
            "customer_id": pa.DictionaryArray.from_arrays(who, ids).dictionary_decode(),
            "ts": pa.array(np.sort(times), pa.timestamp("us")),
            "event": pa.DictionaryArray.from_arrays(what, pa.array(NAMES)).dictionary_decode(),
            "value": np.round(rng.gamma(2.0, 10.0, rows), 2),
        }
    )


def sample(size: str) -> list[str]:
    """Customers whose values are compared with the oracle."""
    customers = SIZES[size][1]
    wanted = min(customers, {"medium": 300, "large": 200, "xl": 100}.get(size, customers))
    return [f"C{number:07d}" for number in range(0, customers, customers // wanted)][:wanted]


def oracle(events: Path, chosen: list[str]) -> dict[str, dict[str, np.ndarray]]:
    """Every value of these customers by a mask over their events for each as_of."""
    rows = ds.dataset(events).to_table(filter=pc.field("customer_id").isin(chosen))
    who = rows["customer_id"].to_numpy(zero_copy_only=False)
    times = rows["ts"].to_numpy().astype("datetime64[us]")
    what = rows["event"].to_numpy(zero_copy_only=False)
    value = rows["value"].to_numpy()
    return {one: _of_one(times[who == one], what[who == one], value[who == one]) for one in chosen}


def _of_one(times: np.ndarray, what: np.ndarray, value: np.ndarray) -> dict[str, np.ndarray]:
    found = {column: np.full(len(AS_OFS), np.nan) for column in (*COUNTS, *SUMS)}
    for row, as_of in enumerate(AS_OFS):
        before = times < as_of
        for days in DAYS:
            inside = before & (times >= as_of - np.timedelta64(days, "D"))
            found[f"n_{days}"][row] = inside.sum()
            found[f"v_{days}"][row] = value[inside].sum()
            for name in NAMES:
                found[f"{name}_{days}"][row] = (inside & (what == name)).sum()
            if days == 28:
                found["days_28"][row] = len(np.unique(times[inside].astype("datetime64[D]")))
        for column, kind in (("since", True), *((f"since_{name}", what == name) for name in NAMES)):
            seen = times[before & kind]
            if len(seen):
                passed = as_of.astype("datetime64[D]") - seen.max().astype("datetime64[D]")
                found[column][row] = passed.astype(np.int64)
    return found


def check(size: str, out: Path, expected: dict[str, dict[str, np.ndarray]]) -> str:
    """``exact``, or what differs: rows, counts and recency bit for bit, sums to 1e-5."""
    table = ds.dataset(out)
    wanted = SIZES[size][1] * len(AS_OFS)
    if table.count_rows() != wanted:
        return f"{table.count_rows():,} rows instead of {wanted:,}"
    rows = table.to_table(filter=pc.field("customer_id").isin(list(expected)))
    rows = rows.set_column(0, "customer_id", rows["customer_id"].cast(pa.string()))
    rows = rows.sort_by([("customer_id", "ascending"), ("as_of", "ascending")])
    order = sorted(expected)
    wrong: list[str] = []
    for column in (*COUNTS, *SUMS):
        truth = np.concatenate([expected[one][column] for one in order])
        found = rows[column].cast(pa.float64()).to_numpy(zero_copy_only=False)
        if len(found) != len(truth):
            return f"{len(found):,} rows of the sample instead of {len(truth):,}"
        same = np.isclose(found, truth, rtol=1e-5, atol=1e-3, equal_nan=True)
        if column not in SUMS:
            same = (found == truth) | (np.isnan(found) & np.isnan(truth))
        elif (residue := int(((found != 0) & (truth == 0)).sum())) > 0:
            wrong.append(f"{column} not 0 in {residue} empty windows")
        if not same.all():
            wrong.append(f"{column} differs in {int((~same).sum())} cells")
    return "exact" if not wrong else "; ".join(wrong[:3])
