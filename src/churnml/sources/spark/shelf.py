"""A folder of Parquet folders that the driver and all executors see."""

from __future__ import annotations

import os
import tempfile
import uuid
import weakref
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from pyarrow import fs

from churnml.errors import InputError
from churnml.sources.spark.session import first_line

#: Names the folder, or an address such as ``s3://…``.
WORK = "CHURNML_SPARK_WORK"
#: Rows of a file that the executors read: small enough to be spread.
_FILE_ROWS = 1 << 20
BATCH_ROWS = 1 << 17


@dataclass(frozen=True)
class Shelf:
    """Tables as Parquet, each a folder of files, where all can read and write them."""

    system: fs.FileSystem
    path: str
    uri: str

    @classmethod
    def of(cls, work: str | None = None) -> Shelf:
        """One of its own in ``work`` (else in ``CHURNML_SPARK_WORK``), gone when no longer used."""
        root = work or os.environ.get(WORK) or tempfile.gettempdir()
        try:
            address = root if "://" in root else str(Path(root).resolve())
            system, path = fs.FileSystem.from_uri(address)
            path = f"{path.rstrip('/')}/churnml-{uuid.uuid4().hex}"
            system.create_dir(path)
        except (OSError, pa.ArrowException) as error:
            raise InputError(
                f"The folder {root} for Spark's tables cannot be written: {first_line(error)}. "
                f"Name one that the driver and all executors see in {WORK}."
            ) from None
        uri = f"{root.rstrip('/')}/{path.rsplit('/', 1)[1]}" if "://" in root else f"file://{path}"
        found = cls(system, path, uri)
        weakref.finalize(found, _remove, system, path)
        return found

    def address(self, name: str) -> str:
        """Address of a table for Spark."""
        return f"{self.uri}/{name}"

    def write(self, name: str, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> None:
        """Write a table from here."""
        target = f"{self.path}/{name}"
        ds.write_dataset(
            batches, target, schema=schema, format="parquet", filesystem=self.system,
            max_rows_per_file=_FILE_ROWS, max_rows_per_group=BATCH_ROWS,
        )  # fmt: skip
        if not self.system.get_file_info(fs.FileSelector(target, allow_not_found=True)):
            self.system.create_dir(target)
            pq.write_table(schema.empty_table(), f"{target}/part-0.parquet", filesystem=self.system)

    def read(self, name: str) -> pa.Table:
        """Read a table to here; the files of a sorted one are in its order."""
        return ds.dataset(f"{self.path}/{name}", filesystem=self.system).to_table()

    def reader(self, name: str) -> pa.RecordBatchReader:
        """Read a table to here, batch after batch."""
        found = ds.dataset(f"{self.path}/{name}", filesystem=self.system)
        return found.scanner(batch_size=BATCH_ROWS).to_reader()

    def remove(self, name: str) -> None:
        """Remove a table."""
        self.system.delete_dir(f"{self.path}/{name}")


def _remove(system: fs.FileSystem, path: str) -> None:
    if system.get_file_info(path).type == fs.FileType.Directory:
        system.delete_dir(path)
