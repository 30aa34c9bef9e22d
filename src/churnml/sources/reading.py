"""Raw tables: which files, database tables or statements the rows of each canonical table are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from churnml.contract import EVENTS, TABLES
from churnml.errors import InputError
from churnml.sources.csv_files import Readable, as_utf8, csv_relation
from churnml.sources.dataset import Finding
from churnml.sources.description import Description, TableSource
from churnml.sources.json_files import JSON_SUFFIXES, json_relation
from churnml.sources.words import say
from churnml.sources.workshop import SOURCE, Workshop, first_line, literal, quoted, take
from churnml.spoken import Spoken

if TYPE_CHECKING:
    from churnml.sources.postgres.server import Server
    from churnml.sources.spark.catalog import Catalog

#: Name under which statements at a server find the raw rows that stay there.
AT_SERVER = "churnml_source"
_SUFFIXES = (".parquet", ".csv", ".csv.gz")
_TEXT_SUFFIXES = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".txt")


@dataclass(frozen=True, slots=True)
class Raw:
    """The rows of one canonical table as they came.

    Parameters
    ----------
    table : str
    relation : str
        SQL that yields the rows, in a fixed order.
    columns : dict of str to str
        Source columns with their DuckDB types.
    guessed_text : bool
        Whether every column is text because the file has no types (CSV, JSON).
    origin : str
        Files or statement, for messages.
    statement : str, optional
        SELECT at the server where the rows stay; ``relation`` then reads ``AT_SERVER`` there.
    """

    table: str
    relation: str
    columns: dict[str, str]
    guessed_text: bool
    origin: str
    statement: str | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """What was found at the source."""

    tables: dict[str, Raw]
    findings: tuple[Finding, ...]
    notices: tuple[Spoken, ...]


def read_raw(shop: Workshop, description: Description, *, names: Iterable[str] = TABLES) -> Reading:
    """The raw tables of a dataset.

    Parameters
    ----------
    shop : Workshop
    description : Description
    names : iterable of str
        Canonical tables to read; default: all.

    Raises
    ------
    InputError
        If a named file is absent, leads outside the folder or cannot be read, or a statement is
        refused or fails, or the server has not what dataset.toml names.
    """
    tables: dict[str, Raw] = {}
    findings: list[Finding] = []
    used: set[Path] = set()
    for name in names:
        source = description.source(name)
        if shop.server is not None and source.file is None:
            if raw := _from_server(shop, shop.server, name, source):
                tables[name] = raw
        elif shop.catalog is not None and source.file is None and source.sql is None:
            if raw := _from_catalog(shop, shop.catalog, name, source):
                tables[name] = raw
        elif source.sql is not None:
            tables[name], found = _from_statement(shop, name, source.sql)
            findings += found
        elif shop.database is not None:
            if raw := _from_database(shop, name, source):
                tables[name] = raw
        elif paths := _paths(shop, name, source):
            used.update(paths)
            tables[name], found = _from_files(shop, name, paths)
            findings += found
    return Reading(tables, tuple(findings), _unused(shop, description, used))


def files_below(root: Path, pattern: str, *, where: str) -> list[Path]:
    """Files of a name or pattern relative to the folder, sorted; of a folder its Parquet files.

    Raises
    ------
    InputError
        If there is none, or one leads outside the folder (``..``, absolute, symbolic link).
    """
    if not pattern or Path(pattern).is_absolute() or ".." in Path(pattern).parts:
        raise _outside(pattern, root, where)
    found = sorted(path for there in root.glob(pattern) for path in _files_of(there))
    if not found:
        raise InputError(f"{where}: no file matches '{pattern}' in {root}. Mend the name or glob.")
    for path in found:
        if not path.resolve().is_relative_to(root):
            raise _outside(str(path), root, where)
    return found


def _files_of(path: Path) -> list[Path]:
    """The file; of a folder, as Spark writes it, the Parquet files of all its partitions."""
    if path.is_file():
        return [path]
    below = (each for each in path.rglob("*.parquet") if each.is_file())
    hidden = ("_", ".")  # half-written, or about the table
    return [
        each for each in below
        if not any(part.startswith(hidden) for part in each.relative_to(path).parts)
    ]  # fmt: skip


def _outside(pattern: str, root: Path, where: str) -> InputError:
    return InputError(
        f"{where}: '{pattern}' leads outside the dataset's folder {root}. Put the file into the "
        "folder, or give the folder that holds everything as DATA."
    )


def _paths(shop: Workshop, name: str, source: TableSource) -> list[Path]:
    if source.file is not None:
        return files_below(shop.root, source.file, where=f"tables.{name}.file")
    there = [f"{name}{suffix}" for suffix in _SUFFIXES if (shop.root / f"{name}{suffix}").exists()]
    if _files_of(shop.root / name):
        there.append(name)
    if len(there) > 1:
        raise InputError(
            f"{shop.root} holds {' and '.join(there)}. Keep one, or name it: "
            f'[tables.{name}] file = "{there[0]}".'
        )
    return files_below(shop.root, there[0], where=name) if there else []


def _from_files(shop: Workshop, name: str, paths: list[Path]) -> tuple[Raw, list[Finding]]:
    origin = ", ".join(path.name for path in paths[:3]) + (", …" if len(paths) > 3 else "")
    kinds = {path.name: _kind(path) for path in paths}
    if odd := [file for file, kind in kinds.items() if kind is None]:
        raise InputError(
            f"{name}: {odd[0]} is neither Parquet nor CSV nor JSON. Export it as one of these."
        )
    if len(set(kinds.values())) > 1:
        raise InputError(
            f"tables.{name}: {origin} mixes {' and '.join(sorted({*map(str, kinds.values())}))} "
            "files. Choose one kind."
        )
    if kinds[paths[0].name] == "Parquet":
        try:
            relation = _parquet_relation(shop, paths)
        except duckdb.Error as error:
            raise _unreadable(name, origin, error) from None
        return _described(shop, name, relation, origin=origin, guessed_text=False), []
    readable, findings = _recoded(shop, name, paths)
    try:
        relation = text_relation(shop, readable)
    except (ValueError, duckdb.Error) as error:
        raise _unreadable(name, origin, error) from None
    return _described(shop, name, relation, origin=origin, guessed_text=True), findings


def _kind(path: Path) -> str | None:
    if path.suffix == ".parquet":
        return "Parquet"
    if path.name.endswith(JSON_SUFFIXES):
        return "JSON"
    return "CSV" if path.name.endswith(_TEXT_SUFFIXES) else None


def text_relation(shop: Workshop, paths: list[Path]) -> str:
    """SQL for the rows of UTF-8 files of one kind, JSON or CSV; every value is text.

    Raises
    ------
    ValueError, duckdb.Error
        As of ``csv_relation`` and ``json_relation``.
    """
    if _kind(paths[0]) == "JSON":
        return json_relation(shop.connection, paths)
    return csv_relation(paths)


def _parquet_relation(shop: Workshop, paths: list[Path]) -> str:
    """SQL for the rows; times of INT96, as Spark wrote them for long, are instants without a word.

    Their zone is not in the file, and DuckDB would read them in the zone of the dataset.
    """
    listed = ", ".join(literal(path) for path in paths)
    relation = (
        f"select * from read_parquet([{listed}], union_by_name = true, binary_as_string = true)"
    )
    asked = f"select distinct name from parquet_schema([{listed}]) where type = 'INT96' order by 1"
    old = [quoted(str(row[0])) for row in shop.rows(asked)]
    if not old:
        return relation
    instants = ", ".join(f"{column} at time zone 'UTC' as {column}" for column in old)
    return f"select * replace ({instants}) from ({relation})"


def _recoded(shop: Workshop, name: str, paths: list[Path]) -> tuple[list[Path], list[Finding]]:
    readable: list[Path] = []
    findings: list[Finding] = []
    for path in paths:
        try:
            found = as_utf8(path, scratch=shop.scratch)
        except (OSError, EOFError) as error:
            raise _unreadable(name, path.name, error) from None
        readable.append(found.path)
        findings += _of_encoding(name, path, found)
    return readable, findings


def _of_encoding(name: str, path: Path, found: Readable) -> list[Finding]:
    """What is decoded without a doubt is worth a note, no more."""
    if found.encoding is None:
        return []
    key, severity = ("mixed_encoding", "warning") if found.doubtful else ("encoding", "info")
    said = say(key, lines=found.lines, file=path.name, encoding=found.encoding)
    return [Finding(name, "encoding", found.lines, severity, said)]


def _from_database(shop: Workshop, name: str, source: TableSource) -> Raw | None:
    if source.file is not None:
        raise InputError(
            f"tables.{name}.file = '{source.file}', but {shop.database} is a database. Use sql, or "
            "give the folder of the files as DATA."
        )
    known = shop.rows(
        "select 1 from information_schema.tables "
        f"where table_catalog = '{SOURCE}' and table_schema = 'main' and table_name = '{name}'"
    )
    if not known:
        return None
    relation = f"select * from {SOURCE}.main.{quoted(name)}"
    origin = f"table {name}"
    return _described(shop, name, relation, origin=origin, guessed_text=False)


def _from_statement(shop: Workshop, name: str, sql: str) -> tuple[Raw, list[Finding]]:
    # sqlglot is slow to load, and few descriptions hold SQL.
    from churnml.sources.statements import confined_select

    where = f"tables.{name}.sql"
    findings: list[Finding] = []

    def resolved(pattern: str) -> list[str]:
        paths = [path.resolve() for path in files_below(shop.root, pattern, where=where)]
        text = [path for path in paths if path.name.endswith(_TEXT_SUFFIXES)]
        readable, found = _recoded(shop, name, text)
        findings.extend(found)
        utf8 = dict(zip(text, readable, strict=True))
        return [str(utf8.get(path, path)) for path in paths]

    if shop.database is None:
        statement = confined_select(sql, where=where, files=resolved)
    else:
        statement = confined_select(sql, where=where, files=None, catalog=SOURCE)
    kept = quoted(f"raw_{name}")
    try:
        # Kept, because a statement may answer in another order the second time.
        shop.connection.execute(f"create table {kept} as {statement}")
    except duckdb.Error as error:
        raise InputError(
            f"{where} fails: {first_line(error)}. Paths are relative to {shop.root}."
        ) from None
    described = _described(shop, name, f"select * from {kept}", origin=where, guessed_text=False)
    return described, findings


def _from_server(shop: Workshop, server: Server, name: str, source: TableSource) -> Raw | None:
    """The rows of a table of the server, taken over; those of the log stay where they are."""
    # the driver is slow to load, and most data are files
    from churnml.sources.postgres.tables import id_columns, readable, relation_of

    found = relation_of(server, name, source)
    if found is None:
        return None
    relation, origin = found
    if name == EVENTS.name:
        columns = server.columns(relation, where=origin)
        return Raw(name, f"select * from {AT_SERVER}", columns, False, origin, relation)
    typed = readable(server, relation, where=origin, ids=id_columns(name, source))
    kept, rows = quoted(f"raw_{name}"), server.batches(typed, where=origin)
    take(shop.connection, rows, f"create table {kept} as select * from arriving")
    return _described(shop, name, f"select * from {kept}", origin=origin, guessed_text=False)


def _from_catalog(shop: Workshop, catalog: Catalog, name: str, source: TableSource) -> Raw | None:
    """The rows of a table of Spark's catalog, taken over."""
    table = catalog.named(name, given=source.table)
    if table is None:
        return None
    kept = quoted(f"raw_{name}")
    take(shop.connection, catalog.batches(table), f"create table {kept} as select * from arriving")
    origin = f"table {table}"
    return _described(shop, name, f"select * from {kept}", origin=origin, guessed_text=False)


def _described(shop: Workshop, name: str, relation: str, *, origin: str, guessed_text: bool) -> Raw:
    try:
        described = shop.rows(f"describe {relation}")
    except duckdb.Error as error:
        raise _unreadable(name, origin, error) from None
    columns = {str(row[0]): str(row[1]) for row in described}
    return Raw(name, relation, columns, guessed_text, origin)


def _unreadable(name: str, origin: str, error: BaseException) -> InputError:
    return InputError(
        f"{name}: {origin} cannot be read ({first_line(error)}). Expected a whole Parquet, CSV or "
        "JSON file; export or copy it again."
    )


def unreadable(raw: Raw, error: BaseException) -> InputError:
    """The error to raise when a source breaks while it is read."""
    return _unreadable(raw.table, raw.origin, error)


def _unused(shop: Workshop, description: Description, used: set[Path]) -> tuple[Spoken, ...]:
    elsewhere = any(place is not None for place in (shop.database, shop.server, shop.catalog))
    if elsewhere or any(source.sql for source in description.tables.values()):
        return ()
    idle = sorted(
        path.name
        for path in shop.root.iterdir()
        if path.is_file() and path.name.endswith(_SUFFIXES) and path not in used
    )
    return (say("unused_files", files=", ".join(idle)),) if idle else ()
