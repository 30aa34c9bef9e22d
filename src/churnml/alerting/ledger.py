"""The ledger of alerts in a folder: one file, written whole or not at all, one run at a time."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from churnml.errors import InputError

FORMAT = 1
FILE = "alerts.jsonl"
_LOCK = ".lock"
_MEMORY = ("customer_id", "inside", "waiting", "recent")


@dataclass(frozen=True)
class Ledger:
    """Every alert ever raised, and what the next as_of must know.

    Parameters
    ----------
    alerts : tuple of dict
        Plain records, in the order in which they were raised; times as ISO text in UTC.
    processed : mapping of str to dict
        What happened at each as_of: ``new`` alerts, and ``suppressed`` by reason.
    memory : tuple of dict
        Records of ``Advance.memory``.
    policy : str
        Digest of the options that the memory belongs to.
    """

    alerts: tuple[Mapping[str, Any], ...] = ()
    processed: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    memory: tuple[Mapping[str, Any], ...] = ()
    policy: str = ""

    @property
    def until(self) -> pd.Timestamp | None:
        """The newest as_of that was processed."""
        return max(map(from_text, self.processed), default=None)

    def raised(self) -> pd.DataFrame:
        """customer_id and as_of of every alert."""
        return pd.DataFrame(
            {
                "customer_id": [alert["customer_id"] for alert in self.alerts],
                "as_of": pd.Series(
                    [from_text(alert["as_of"]) for alert in self.alerts], dtype="datetime64[us]"
                ),
            }
        )

    def at(self, moment: pd.Timestamp) -> Ledger:
        """The ledger as it was then, without the memory: what later runs did is not known."""
        return replace(
            self,
            alerts=tuple(one for one in self.alerts if from_text(one["as_of"]) <= moment),
            processed={at: one for at, one in self.processed.items() if from_text(at) <= moment},
            memory=(),
        )

    def memory_frame(self) -> pd.DataFrame:
        """The memory as ``advance`` takes it."""
        return pd.DataFrame(list(self.memory), columns=list(_MEMORY))


def to_text(moment: pd.Timestamp) -> str:
    """A naive UTC instant as ISO text."""
    return f"{moment.isoformat()}Z"


def from_text(text: str) -> pd.Timestamp:
    """The instant that ``to_text`` wrote."""
    return pd.Timestamp(text.removesuffix("Z")).as_unit("us")


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder for one run; the lock ends with the process, however it ends.

    Raises
    ------
    InputError
        If another run holds it, or the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder / _LOCK, os.O_CREAT | os.O_RDWR, 0o644)
    except OSError as error:
        raise InputError(f"{folder} cannot be used as --state ({error}).") from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        raise InputError(
            f"Another run is working in {folder}; nothing was done. Run again when it has ended."
        ) from None
    try:
        yield
    finally:
        os.close(handle)


def read_ledger(folder: Path) -> Ledger:
    """The ledger of a folder; empty where there is none yet.

    Raises
    ------
    InputError
        If the file is truncated, changed by hand or of another format.
    """
    path = folder / FILE
    if not path.exists():
        return Ledger()
    try:
        head, _, body = path.read_text(encoding="utf-8").partition("\n")
        header = json.loads(head)
        whole = header["format"] == FORMAT and header["sha256"] == _digest(body)
        lines = [json.loads(line) for line in body.splitlines()] if whole else []
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(_damaged(path, f"{type(error).__name__}: {error}")) from None
    if not whole:
        raise InputError(_damaged(path, "its checksum or format does not fit"))
    count = header["alerts"]
    return Ledger(tuple(lines[:count]), header["processed"], tuple(lines[count:]), header["policy"])


def _damaged(path: Path, why: str) -> str:
    return (
        f"The ledger {path} is damaged ({why}); nothing was done. Put back a copy, or move it away "
        "to begin anew: then the quiet time of earlier alerts is forgotten."
    )


def write_ledger(folder: Path, ledger: Ledger) -> None:
    """Write the ledger aside, then put it in place.

    Raises
    ------
    InputError
        If the folder cannot be written; the ledger before is still there then.
    """
    body = "".join(_line(record) for record in (*ledger.alerts, *ledger.memory))
    header = {
        "format": FORMAT,
        "alerts": len(ledger.alerts),
        "policy": ledger.policy,
        "processed": dict(ledger.processed),
        "sha256": _digest(body),
    }
    name = ""
    try:
        handle, name = tempfile.mkstemp(prefix=f".{FILE}.", dir=folder)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(_line(header) + body)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(folder / FILE)
    except OSError as error:
        raise InputError(f"The ledger in {folder} cannot be written ({error}).") from None
    finally:
        if name:
            Path(name).unlink(missing_ok=True)


def _line(record: Mapping[str, Any]) -> str:
    return json.dumps(record, ensure_ascii=False, allow_nan=False, sort_keys=True) + "\n"


def _digest(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()


def records(frame: pd.DataFrame, columns: Sequence[str]) -> tuple[dict[str, Any], ...]:
    """Rows as plain records: times as text, unknown as None."""
    rows = frame[list(columns)].astype("object")
    return tuple(
        {name: _plain(value) for name, value in row.items()} for row in rows.to_dict("records")
    )


def _plain(value: Any) -> Any:
    if isinstance(value, pd.Timestamp):
        return to_text(value)
    if value is None or (not isinstance(value, str) and pd.isna(value)):
        return None
    return value.item() if hasattr(value, "item") else value
