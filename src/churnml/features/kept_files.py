"""Files of feature values by as_of: each computation adds its own, none is written again."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import pyarrow as pa

#: Values of one as_of by feature.
Columns = dict[str, pa.Array]
#: Files that were not asked for are dropped beyond so many times those that were.
KEPT = 4
_SUFFIX = ".arrow"
_OPTIONS = pa.ipc.IpcWriteOptions(compression="lz4")


@dataclass
class KeptFiles:
    """The files of a folder.

    Parameters
    ----------
    folder : Path
    """

    folder: Path
    #: Files that were read or written.
    used: set[Path] = field(default_factory=set)
    _there: dict[str, list[Path]] | None = None

    def read(self, time: pd.Timestamp, keys: dict[str, str], *, rows: int) -> Columns:
        """Columns of one as_of that are still true, by feature; damaged files are left out.

        Parameters
        ----------
        time : Timestamp
        keys : dict of str
            By feature what its values are made of; under the empty name that of the snapshots.
        rows : int
            How many values a column must have.
        """
        wanted = {f"{name}|{key}": name for name, key in keys.items()}
        found: Columns = {}
        for path in self._files().get(_stem(time, keys), []):
            with contextlib.suppress(OSError, pa.ArrowInvalid):
                columns = _columns(path, wanted, rows=rows)
                if not columns.keys() <= found.keys():
                    found |= columns
                    self.used.add(path)
                    os.utime(path)
        return found

    def write(self, time: pd.Timestamp, keys: dict[str, str], columns: Columns) -> None:
        """A file with these columns, written aside and then in place."""
        named = {f"{name}|{keys[name]}": column for name, column in columns.items()}
        digest = hashlib.sha256("|".join(named).encode()).hexdigest()[:12]
        path = self.folder / f"{_stem(time, keys)}_{digest}{_SUFFIX}"
        path.parent.mkdir(parents=True, exist_ok=True)
        batch = pa.RecordBatch.from_pydict(named)
        aside = path.with_suffix(f".{os.getpid()}.tmp")
        try:
            with pa.ipc.new_file(str(aside), batch.schema, options=_OPTIONS) as file:
                file.write_batch(batch)
            aside.replace(path)
        finally:
            aside.unlink(missing_ok=True)
        self.used.add(path)

    def drop_old(self) -> None:
        """Remove what nobody has asked for longest."""
        files = sorted(self._all(), key=lambda path: path.stat().st_mtime)
        unused = [path for path in files if path not in self.used]
        for path in unused[: max(0, len(files) - KEPT * len(self.used))]:
            path.unlink(missing_ok=True)

    def _files(self) -> dict[str, list[Path]]:
        """The files by as_of and snapshots."""
        if self._there is None:
            self._there = defaultdict(list)
            for path in self._all():
                self._there[path.stem.rpartition("_")[0]].append(path)
        return self._there

    def _all(self) -> Iterable[Path]:
        """Every file, those of earlier versions included."""
        files = self.folder.glob("features_*")
        return [path for path in files if path.suffix in (_SUFFIX, ".parquet")]


def _stem(time: pd.Timestamp, keys: dict[str, str]) -> str:
    return f"features_{time:%Y%m%dT%H%M%S}_{keys['']}"


def _columns(path: Path, wanted: dict[str, str], *, rows: int) -> Columns:
    """The columns of a file that are wanted, by feature."""
    with pa.OSFile(str(path)) as source:
        file = pa.ipc.open_file(source)
        names = file.schema.names
        chosen = [place for place, name in enumerate(names) if name in wanted]
        if not chosen:  # to Arrow, none is all
            return {}
        if len(chosen) < len(names):
            options = pa.ipc.IpcReadOptions(included_fields=chosen)
            file = pa.ipc.open_file(source, options=options)
        batch = file.get_batch(0)
    if batch.num_rows != rows:
        return {}
    return {wanted[name]: batch.column(name) for name in batch.schema.names}
