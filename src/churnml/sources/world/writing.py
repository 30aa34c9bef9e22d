"""A world on disk: Parquet files table by table, a description beside them, all or nothing."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from churnml.contract import Table
from churnml.errors import InputError
from churnml.sources.world.parameters import World
from churnml.sources.world.words import Words

MARKER = Path("truth/world.json")
MADE_BY = "churnml simulate"
#: Columns of customers that hold the value of the export day: traps, not part of the contract.
TRAPS = pa.schema(
    [
        ("status", pa.string()),
        ("last_login_at", pa.timestamp("us")),
        ("lifetime_value", pa.float64()),
    ]
)
EXITS = pa.schema(
    [("customer_id", pa.string()), ("exit_at", pa.timestamp("us")), ("cause", pa.string()),
     ("signal_began_at", pa.timestamp("us"))]
)  # fmt: skip
ORACLE = pa.schema(
    [("customer_id", pa.string()), ("as_of", pa.timestamp("us")), ("probability", pa.float64())]
)
_TYPES = {
    "id": pa.string(), "text": pa.string(), "time": pa.timestamp("us"), "number": pa.float64(),
    "integer": pa.int64(), "flag": pa.bool_(),
}  # fmt: skip


def schema_of(table: Table, *, known_at: bool) -> pa.Schema:
    """The Arrow schema of a canonical table."""
    fields = [pa.field(column.name, _TYPES[column.kind]) for column in table.columns]
    if table.name == "customers":
        fields += list(TRAPS)
    if known_at:
        fields.append(pa.field("known_at", pa.timestamp("us")))
    return pa.schema(fields)


class Writers:
    """Open Parquet files under one folder, each growing chunk by chunk."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rows: dict[str, int] = {}
        self._open: dict[str, pq.ParquetWriter] = {}

    def __enter__(self) -> Writers:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for writer in self._open.values():
            writer.close()

    def add(self, name: str, frame: pd.DataFrame, schema: pa.Schema) -> None:
        """Append rows to the file ``name`` (a path without suffix under the folder)."""
        if name not in self._open:
            path = self.folder / f"{name}.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            self._open[name] = pq.ParquetWriter(path, schema, compression="zstd")
        rows = pa.Table.from_pandas(frame[schema.names], schema=schema, preserve_index=False)
        self._open[name].write_table(rows)
        self.rows[name] = self.rows.get(name, 0) + rows.num_rows


def check_target(out: Path) -> None:
    """Refuse a target that holds anything but a world made here.

    Raises
    ------
    InputError
        If ``out`` is a file or a folder with other content.
    """
    if not out.exists():
        return
    if not out.is_dir():
        raise InputError(
            f"{out} is a file. Expected a folder that is absent, empty or an earlier world."
        )
    if any(out.iterdir()) and not _is_ours(out):
        raise InputError(
            f"{out} is not empty and holds no world of churnml simulate. "
            "Give another folder, or remove its content first."
        )


def _is_ours(out: Path) -> bool:
    try:
        marker = json.loads((out / MARKER).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(marker, dict) and marker.get("made_by") == MADE_BY


@contextmanager
def built_aside(out: Path) -> Iterator[Path]:
    """A folder to build in; it takes the place of ``out`` only when everything has worked."""
    check_target(out)
    out = out.absolute()
    out.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    try:
        fresh = aside / "new"
        fresh.mkdir()
        yield fresh
        check_target(out)
        if out.exists():
            out.rename(aside / "old")
        fresh.rename(out)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def write_description(folder: Path, world: World, words: Words, *, name: str) -> None:
    """``dataset.toml`` beside the tables."""
    folder.mkdir(parents=True, exist_ok=True)
    until = world.start + pd.Timedelta(days=7 * world.weeks)
    events, competitors = words.names["events"], words.names["competitors"]
    text = f"""# Simulated by churnml. Weeks begin on Monday, midnight in the time zone below.
name = {json.dumps(name)}
timezone = {json.dumps(world.values["timezone"])}
currency = {json.dumps(world.values["currency"])}
observed_until = {until.date().isoformat()}

[churn]
kind = "contract"
grace_days = 14
involuntary = "censor"

[customers]
immutable = ["region", "industry", "channel", "language"]

[events]
login = {json.dumps([events["login"]])}
key = {json.dumps(events["key"])}
export = {json.dumps(events["export"])}
pricing = {json.dumps(events["pricing"])}

[competitors]
names = {json.dumps(competitors["names"], ensure_ascii=False)}
integrations = {json.dumps(competitors["integrations"])}
"""
    (folder / "dataset.toml").write_text(text, encoding="utf-8")


def write_marker(folder: Path, content: dict[str, Any]) -> None:
    """``truth/world.json``: what the world was made from; marks the folder as ours."""
    path = folder / MARKER
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"made_by": MADE_BY, **content}, indent=1, default=str, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")
