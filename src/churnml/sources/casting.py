"""Values as SQL: how a source column of any type becomes an id, text, time, number or flag."""

from __future__ import annotations

from dataclasses import dataclass

from churnml.contract import Kind

SQL_TYPES: dict[Kind, str] = {
    "id": "VARCHAR",
    "text": "VARCHAR",
    "time": "TIMESTAMP",
    "number": "DOUBLE",
    "integer": "BIGINT",
    "flag": "BOOLEAN",
}
_WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT",
          "UINTEGER", "UBIGINT", "UHUGEINT")  # fmt: skip
_FRACTIONS = ("FLOAT", "DOUBLE", "DECIMAL")


@dataclass(frozen=True, slots=True)
class Cast:
    """A column of the source as two SQL expressions.

    Parameters
    ----------
    value : str
        The typed value; null where there is none or it cannot be read.
    given : str
        Whether the source holds anything there.
    """

    value: str
    given: str


def absent(kind: Kind) -> Cast:
    """A column that the source does not have."""
    return Cast(f"cast(null as {SQL_TYPES[kind]})", "false")


def cast(column: str, source_type: str, kind: Kind, *, guessed_text: bool, timezone: str) -> Cast:
    """How a column of that source type is read as that kind.

    Parameters
    ----------
    column : str
        The column as a quoted SQL identifier.
    source_type : str
        Its DuckDB type.
    kind : {"id", "text", "time", "number", "integer", "flag"}
    guessed_text : bool
        Whether it is text only because the file has no types.
    timezone : str
        Zone of naive times and bare dates; the zone of the DuckDB session.
    """
    if kind == "text":
        text = f"nullif(cast({column} as VARCHAR), '')"
        return Cast(text, f"{text} is not null")
    if kind == "id":
        return _id(column, source_type, guessed_text=guessed_text)
    present = _present(column, source_type)
    given = f"({present}) is not null"
    if kind == "time":
        return Cast(_time(present, source_type, timezone), given)
    if kind == "flag":
        return Cast(_flag(present, source_type), given)
    number = _number(present, source_type)
    if kind == "number":
        return Cast(number, given)
    whole = f"case when {number} = trunc({number}) then try_cast({number} as BIGINT) end"
    return Cast(whole, given)


def _present(column: str, source_type: str) -> str:
    """The value, null where the source says nothing: blank text, NaN."""
    if source_type == "VARCHAR":
        return f"nullif(nullif(trim({column}), ''), 'nan')"
    if source_type in {"FLOAT", "DOUBLE"}:
        return f"nullif({column}, 'nan'::{source_type})"
    return column


def _id(column: str, source_type: str, *, guessed_text: bool) -> Cast:
    if source_type.startswith(_FRACTIONS):
        present = _present(column, source_type)
        whole = f"{present} = trunc({present}) and abs({present}) < 1e18"
        text = (
            f"case when {whole} then cast(cast({present} as BIGINT) as VARCHAR) "
            f"else cast({present} as VARCHAR) end"
        )
    elif guessed_text:
        # A frame with missing ids writes 17 as 17.0; the same frame in Parquet yields 17.
        trimmed = f"nullif(trim({column}), '')"
        text = (
            f"case when ends_with({trimmed}, '.0') then "
            f"regexp_replace({trimmed}, '^([0-9]+)\\.0$', '\\1') else {trimmed} end"
        )
    else:
        text = f"nullif(trim(cast({column} as VARCHAR)), '')"
    return Cast(text, f"({text}) is not null")


def _time(present: str, source_type: str, timezone: str) -> str:
    if source_type == "TIMESTAMP WITH TIME ZONE":
        instant = f"{present} at time zone 'UTC'"
    elif source_type.startswith("TIMESTAMP") and timezone == "UTC":
        instant = f"cast({present} as TIMESTAMP)"
    elif source_type == "VARCHAR" or source_type == "DATE" or source_type.startswith("TIMESTAMP"):
        instant = f"try_cast({present} as TIMESTAMPTZ) at time zone 'UTC'"
    else:
        return "cast(null as TIMESTAMP)"
    return f"case when isfinite({instant}) then {instant} end"


def _number(present: str, source_type: str) -> str:
    if source_type == "VARCHAR" or source_type == "BOOLEAN":
        return f"try_cast({present} as DOUBLE)"
    if source_type.startswith((*_WHOLE, *_FRACTIONS)):
        return f"cast({present} as DOUBLE)"
    return "cast(null as DOUBLE)"


def _flag(present: str, source_type: str) -> str:
    if source_type == "BOOLEAN":
        return present
    if source_type == "VARCHAR":
        return f"try_cast(lower({present}) as BOOLEAN)"
    if source_type.startswith((*_WHOLE, *_FRACTIONS)):
        return f"case {present} when 0 then false when 1 then true end"
    return "cast(null as BOOLEAN)"
