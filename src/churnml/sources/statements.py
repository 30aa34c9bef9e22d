"""SQL out of dataset.toml: one SELECT or predicate, parsed, confined to the dataset's folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.tokens import TokenType

from churnml.errors import InputError

#: Turns a file name or pattern into the absolute paths it stands for, or refuses it.
Resolver = Callable[[str], list[str]]

_READERS = {
    "parquet": "read_parquet",
    "csv": "read_csv",
    "csv.gz": "read_csv",
    "tsv": "read_csv",
    "json": "read_json",
    "jsonl": "read_json",
    "ndjson": "read_json",
}
_FILE_FUNCTIONS = {"read_parquet", "parquet_scan", "read_csv", "read_csv_auto", "read_json"}
_ROW_FUNCTIONS = {"range", "generate_series", "unnest", "explodinggenerateseries", "generateseries",
                  "exploding_generate_series"}  # fmt: skip
_FORBIDDEN_NODES = (
    exp.DDL,
    exp.DML,
    exp.Command,
    exp.Into,
    exp.Parameter,
    exp.Placeholder,
    exp.TableSample,
)
_OUTSIDE = frozenset(
    (
        "reflect",
        "java_method",
        "getenv",
        "current_setting",
        "getvariable",
        "which_secret",
        "write_log",
        "query",
        "query_table",
        "read_text",
        "read_blob",
        "glob",
        "sniff_csv",
        "pg_read_file",
        "pg_sleep",
        "dblink",
        "lo_import",
        "lo_export",
        "load_file",
        "nextval",
        "currval",
        "set_config",
        "query_to_xml",
        "lo_get",
        "parquet_metadata",
        "parquet_schema",
        "parquet_kv_metadata",
        "parquet_file_metadata",
        "json_execute_serialized_sql",
        "postgres_scan",
        "postgres_query",
        "sqlite_scan",
        "mysql_scan",
    )
)
_CLOCK_AND_DICE = frozenset(
    (
        "now",
        "today",
        "current_date",
        "current_time",
        "current_timestamp",
        "current_localtime",
        "current_localtimestamp",
        "get_current_time",
        "get_current_timestamp",
        "transaction_timestamp",
        "localtime",
        "localtimestamp",
        "random",
        "rand",
        "setseed",
        "uuid",
        "uuidv4",
        "uuidv7",
        "gen_random_uuid",
    )
)
_BARE_CLOCKS = {
    TokenType.CURRENT_DATE,
    TokenType.CURRENT_TIME,
    TokenType.CURRENT_TIMESTAMP,
    TokenType.CURRENT_DATETIME,
    TokenType.LOCALTIME,
    TokenType.LOCALTIMESTAMP,
}


def confined_select(
    sql: str, *, where: str, files: Resolver | None, catalog: str | None = None
) -> str:
    """The same SELECT with every table made explicit, safe to run in the workshop.

    Parameters
    ----------
    sql : str
    where : str
        The key it stands under, for messages.
    files : callable, optional
        Resolves file names below the dataset's folder; None: files may not be read.
    catalog : str, optional
        The attached database in which plain table names are looked up; None: there is none.

    Raises
    ------
    InputError
        If it is not exactly one SELECT, or reaches for anything but the dataset.
    """
    tree = _parsed(sql, where)
    if not isinstance(tree, exp.Query):
        raise _refused(where, f"it is a {type(tree).__name__.upper()} statement")
    _refuse_parts(tree, where)
    aliases = {cte.alias_or_name.lower() for cte in tree.find_all(exp.CTE)}
    for table in list(tree.find_all(exp.Table)):
        _bind(table, aliases, where=where, files=files, catalog=catalog)
    return str(tree.sql(dialect="duckdb"))


def server_select(sql: str, *, where: str) -> str:
    """The same SELECT in PostgreSQL's words, for a read-only transaction of the server.

    Raises
    ------
    InputError
        If it is not exactly one SELECT, or reaches for anything but tables.
    """
    tree = _parsed(sql, where, dialect="postgres")
    if not isinstance(tree, exp.Query):
        raise _refused(where, f"it is a {type(tree).__name__.upper()} statement")
    _refuse_parts(tree, where, dialect="postgres")
    for table in tree.find_all(exp.Table):
        if isinstance(table.this, exp.Func) and _name_of(table.this) not in _ROW_FUNCTIONS:
            raise _refused(where, f"it reads from {_name_of(table.this)}(), which is not allowed")
    return str(tree.sql(dialect="postgres"))


def predicate(sql: str, *, where: str, columns: Mapping[str, str], text: bool) -> str:
    """A condition over the columns of customers as SQL.

    Parameters
    ----------
    sql : str
    where : str
    columns : mapping of str to str
        Lower-case names that may be used, and the source column each stands for.
    text : bool
        Whether all columns are text, so that comparing one with a number needs a cast.

    Raises
    ------
    InputError
        If it is not one plain expression over these columns.
    """
    tree = _parsed(f"select 1 where ({sql}\n)", where)
    if not isinstance(tree, exp.Select) or set(_set_args(tree)) != {"expressions", "where"}:
        raise _refused(where, "it is not a single condition")
    condition = tree.args["where"].this
    _refuse_parts(tree, where)
    if next(condition.find_all(exp.Query, exp.Table), None) is not None:
        raise _refused(where, "it holds a subquery")
    for column in list(condition.find_all(exp.Column)):
        name = column.name.lower()
        if name not in columns or column.table:
            raise InputError(
                f"{where} names the column '{column.sql()}', which customers does not have. "
                f"It has: {', '.join(sorted(columns))}."
            )
        column.set("this", exp.to_identifier(columns[name], quoted=True))
        if text and _beside_number(column):
            column.replace(exp.TryCast(this=column.copy(), to=exp.DataType.build("double")))
    return str(condition.sql(dialect="duckdb"))


def _beside_number(column: exp.Column) -> bool:
    beside = column.parent
    if not isinstance(beside, exp.Binary | exp.Between | exp.In):
        return False
    operands = (operand.unnest() for operand in beside.iter_expressions())
    return any(isinstance(each, exp.Literal | exp.Neg) and each.is_number for each in operands)


def _set_args(tree: exp.Expression) -> Iterator[str]:
    return (name for name, value in tree.args.items() if value)


def _parsed(sql: str, where: str, *, dialect: str = "duckdb") -> exp.Expression:
    try:
        statements = [each for each in sqlglot.parse(sql, dialect=dialect) if each is not None]
    except SqlglotError as error:
        message = str(error).splitlines()[0]
        raise _refused(where, f"it cannot be parsed ({message})") from None
    if len(statements) != 1:
        raise _refused(where, f"it holds {len(statements)} statements")
    return statements[0]


def _refused(where: str, why: str) -> InputError:
    return InputError(
        f"{where} is refused: {why}. Expected one plain SELECT (for covers: one condition over the "
        "columns of customers) that reads the dataset only: no DDL, DML, COPY, ATTACH, PRAGMA or "
        "SET, no parameters, no functions that read elsewhere, the clock or random numbers."
    )


def _refuse_parts(tree: exp.Expression, where: str, *, dialect: str = "duckdb") -> None:
    for node in tree.walk():
        if isinstance(node, _FORBIDDEN_NODES):
            raise _refused(where, f"it holds {type(node).__name__.upper()} ({node.sql()[:60]})")
        if isinstance(node, exp.Select) and node.args.get("sample"):
            raise _refused(where, "it samples rows at random")
    for name in _called(tree.sql(dialect=dialect), dialect=dialect):
        outside = name in _OUTSIDE or name.startswith(("pragma_", "duckdb_", "pg_"))
        if outside or name in _CLOCK_AND_DICE:
            raise _refused(where, f"it calls {name}")


def _called(sql: str, *, dialect: str) -> Iterator[str]:
    """Names of functions as the engine will see them: whatever stands before a parenthesis."""
    tokens = sqlglot.tokenize(sql, read=dialect)
    for token, following in zip(tokens, [*tokens[1:], None], strict=True):
        call = following is not None and following.token_type == TokenType.L_PAREN
        if call or token.token_type in _BARE_CLOCKS:
            yield token.text.lower()


def _bind(
    table: exp.Table,
    aliases: set[str],
    *,
    where: str,
    files: Resolver | None,
    catalog: str | None,
) -> None:
    source = table.this
    if isinstance(source, exp.Func):
        _bind_function(source, where=where, files=files)
        return
    name = table.name
    if table.catalog or (table.db and catalog is None):
        raise _refused(where, f"it reads {table.sql()}, which is another database")
    if not table.db and name.lower() in aliases:
        return
    if reader := _reader(name):
        table.set("this", _call(reader, _resolve(name, where=where, files=files)))
    elif catalog is None:
        raise _refused(where, f"it reads {name}, which is no file; write from 'folder/file.csv'")
    else:
        table.set("db", table.args.get("db") or exp.to_identifier("main"))
        table.set("catalog", exp.to_identifier(catalog))


def _reader(name: str) -> str | None:
    lowered = name.lower()
    return next((reader for end, reader in _READERS.items() if lowered.endswith(f".{end}")), None)


def _resolve(name: str, *, where: str, files: Resolver | None) -> list[str]:
    if files is None:
        raise _refused(where, f"it reads the file {name}, but the dataset is a database")
    return files(name)


def _bind_function(call: exp.Func, *, where: str, files: Resolver | None) -> None:
    name = _name_of(call)
    if name in _ROW_FUNCTIONS:
        return
    if name not in _FILE_FUNCTIONS:
        raise _refused(where, f"it reads from {name}(), which is not allowed")
    arguments = call.expressions if isinstance(call, exp.Anonymous) else _arguments(call)
    named = arguments[0].expressions if isinstance(arguments[0], exp.Array) else arguments[:1]
    if not named or not all(isinstance(each, exp.Literal) and each.is_string for each in named):
        raise _refused(where, f"{name}() needs its file names as plain strings")
    paths = [path for each in named for path in _resolve(each.name, where=where, files=files)]
    arguments[0].replace(_array(paths))


def _name_of(call: exp.Func) -> str:
    return str(call.name if isinstance(call, exp.Anonymous) else call.sql_name()).lower()


def _arguments(call: exp.Func) -> list[exp.Expression]:
    return [*([call.this] if call.this is not None else []), *call.expressions]


def _array(paths: list[str]) -> exp.Array:
    return exp.Array(expressions=[exp.Literal.string(path) for path in paths])


def _call(name: str, paths: list[str]) -> exp.Anonymous:
    return exp.Anonymous(this=name, expressions=[_array(paths)])
