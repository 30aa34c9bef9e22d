"""JSON files as SQL without any guess: an object is a row, its keys columns, every value text."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb

from churnml.sources.workshop import literal

#: One object a line: always rows. One list of objects, too, may be called .json.
JSON_LINES = (".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz")
JSON_SUFFIXES = (*JSON_LINES, ".json", ".json.gz")


def json_relation(connection: duckdb.DuckDBPyConnection, paths: Sequence[Path]) -> str:
    """SQL for the rows of UTF-8 JSON files, in order; columns are joined by name.

    A key that some objects lack is empty there. Leading zeros, zones and odd dates stay what they
    are; an object within an object is its text.

    Raises
    ------
    duckdb.Error
        If a file is broken.
    """
    files = ", ".join(literal(path) for path in paths)
    asked = f"read_json([{files}], maximum_depth = 1, sample_size = -1, union_by_name = true)"
    keys = [str(row[0]) for row in connection.execute(f"describe select * from {asked}").fetchall()]
    return f"select * from {json_reader(f'[{files}]', keys)}"


def json_reader(files: str, keys: Sequence[str]) -> str:
    """The call that reads these keys as text; ``files`` is SQL."""
    columns = ", ".join(f"{literal(key)}: 'VARCHAR'" for key in keys)
    return f"read_json({files}, columns = {{{columns}}})"
