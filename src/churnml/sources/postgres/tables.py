"""Which table or statement of the server the rows of a canonical table are, and reading them."""

from __future__ import annotations

from churnml.contract import TABLES
from churnml.errors import InputError
from churnml.sources.description import TableSource
from churnml.sources.postgres.server import Server
from churnml.sources.workshop import literal, quoted


def relation_of(server: Server, name: str, source: TableSource) -> tuple[str, str] | None:
    """SELECT of a canonical table at the server, and what it is in messages; None: not there.

    Raises
    ------
    InputError
        If a table that dataset.toml names is not there, or a statement is refused.
    """
    if source.sql is not None:
        # sqlglot is slow to load, and few descriptions hold SQL.
        from churnml.sources.statements import server_select

        where = f"tables.{name}.sql"
        return server_select(source.sql, where=where), where
    named = source.table or name
    identifier = ".".join(quoted(part) for part in named.split("."))
    there = server.rows(f"select to_regclass({literal(identifier)})::text as name", where=named)
    if there[0][0] is not None:
        return f"select * from {identifier}", f"table {named}"
    if source.table is None:
        return None
    raise InputError(
        f"tables.{name}.table = '{named}', but the server has no such table or view, or its schema "
        f"may not be used. {_others(server, named)}"
    )


def _others(server: Server, named: str) -> str:
    schema = named.split(".")[0] if "." in named else None
    of_schema = f"= {literal(schema)}" if schema else "= any(current_schemas(false))"
    found = server.rows(
        "select table_name::text as name from information_schema.tables "
        f"where table_schema {of_schema} order by 1 limit 20",
        where="information_schema",
    )
    listed = ", ".join(str(row[0]) for row in found)
    said = f"in {schema}" if schema else "without a schema"
    return f"There are {said}: {listed or 'none'}. Write it as schema.table."


def readable(server: Server, relation: str, *, where: str, ids: frozenset[str]) -> str:
    """The SELECT with every value in a type that can be taken over.

    Exact numbers become doubles, as files are read, but text without trailing zeros where they are
    ids (``ids``: such columns, in lower case); infinite times nothing; types of the server's own
    (uuid, json, …) text.
    """
    columns = server.columns(relation, where=where)
    changed = [
        f"{taken(quoted(name), kind, is_id=name.lower() in ids)} as {quoted(name)}"
        for name, kind in columns.items()
    ]
    return f"select {', '.join(changed)} from ({relation}) as kept"


def taken(column: str, kind: str, *, is_id: bool = False) -> str:
    """The column of the server in a type that can be taken over."""
    if kind == "DECIMAL":
        return _exact_id(column) if is_id else f"cast({column} as double precision)"
    if kind.startswith(("TIMESTAMP", "DATE")):
        return f"case when isfinite({column}) then {column} end"
    return f"cast({column} as text)" if kind == "OTHER" else column


def _exact_id(column: str) -> str:
    """An exact number as text; a double would let two long ids become one."""
    return f"cast(trim_scale({column}) as text)"


def id_columns(name: str, source: TableSource) -> frozenset[str]:
    """Source columns that are ids, in lower case."""
    ids = (column.name for column in TABLES[name].columns if column.kind == "id")
    return frozenset(source.columns.get(one, one).lower() for one in ids)
