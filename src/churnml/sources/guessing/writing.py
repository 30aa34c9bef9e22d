"""A guess as dataset.toml: every line says how sure it is."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from churnml.contract import EVENTS
from churnml.sources.guessing.files import FileProfile
from churnml.sources.guessing.guess import Guess, spoken
from churnml.sources.guessing.matching import ColumnMatch, TableMatch, summed
from churnml.sources.guessing.profile import ISO
from churnml.sources.json_files import JSON_SUFFIXES, json_reader
from churnml.sources.workshop import literal, quoted
from churnml.spoken import percent

_CHURN = {
    "contract": (
        'kind = "contract"             # an exit is the end of the last open subscription\n'
        "grace_days = 14               # renewed within two weeks is no exit\n"
    ),
    "inactivity": (
        'kind = "inactivity"           # an exit is the last activity before a long silence\n'
        "silence_days = 90             # decide: so long a silence is an exit\n"
    ),
}


def description_toml(guess: Guess, *, name: str) -> str:
    """The text of dataset.toml."""
    lines = [
        "# Guessed by `churnml init`; what is not sure says so. Mend it, then `churnml check`.",
        f"name = {_text(name)}",
        'timezone = "UTC"              # times without a zone are read here, e.g. "Europe/Moscow"',
        f"currency = {_text(guess.currency)}",
        "",
        "[churn]",
        _CHURN[guess.churn].rstrip(),
    ]
    if guess.churn == "inactivity" and (bought := guess.roles.get("purchase")):
        lines.append(f"activity = {_list(bought)}")
    for table in dict.fromkeys(found.table.name for found in guess.tables):
        lines += ["", *_table(guess.of(table))]
    if guess.roles:
        lines += ["", "[events]                      # what names of events mean"]
        lines += [f"{role} = {_list(names)}" for role, names in guess.roles.items()]
    lines += ["", "# To be decided:", *(f"# - {asked}" for asked in guess.open_questions())]
    if unused := guess.unused_columns():
        lines += ["", "# Not used, since no table has a place for them:"]
        lines += [f"# - {file}: {', '.join(names)}" for file, names in unused.items()]
    for found in guess.nearest:
        lines += [] if found.file.spaced else ["", *_sketch(found)]
    return "\n".join(lines) + "\n"


def _table(found: Sequence[TableMatch]) -> Iterator[str]:
    first = found[0]
    name = first.table.name
    yield f"[tables.{name}]"
    if len(found) > 1:
        yield f"sql = {_statement(_union(found))}"
        yield from _ways(found)
        return
    sql = _sql(first)
    origin = f"file = {_text(first.file.pattern)}" if sql is None else f"sql = {_statement(sql)}"
    yield (
        f"{origin}  # {spoken(first.confidence)}: {percent(first.confidence)}"
        if sql is None
        else origin
    )
    yield from _ways(found)
    columns = [
        (f"{one.column} = {_text(one.source)}", _note(one, first))
        for one in first.columns.values()
        if not one.fixed and one.column not in {*first.made, *summed(first)}
        and one.column != one.source
    ]  # fmt: skip
    if columns:
        yield f"[tables.{name}.columns]"
        yield from (f"{line:45} {note}" for line, note in columns)
    for column, words in first.values.items():
        yield f"[tables.{name}.values.{column}]"
        yield from (f"{_text(word)} = {_text(meant)}" for word, meant in words.items())


def _sketch(found: TableMatch) -> Iterator[str]:
    """A file that is not used, as the table it is nearest to: what a person has to fill in."""
    columns = ", ".join(column.name for column in found.file.columns)
    yield f"# {found.file.pattern} holds {columns}."
    yield "# If it is a table, take the signs off, say which, and fill in its columns:"
    yield f"# [tables.{found.table.name}]"
    yield f"# file = {_text(found.file.pattern)}"
    held = found.file.columns
    if formats := tuple({each: None for one in held for each in one.times if each != ISO}):
        yield f"# time_format = {_list(formats)}"
    if any(one.decimal == "," for one in held):
        yield '# decimal = ","'
    yield f"# [tables.{found.table.name}.columns]"
    for column in dict.fromkeys((*found.table.required, *found.columns)):
        one = found.columns.get(column)
        source = one.source if one is not None and column not in found.made else ""
        yield f"# {column} = {_text(source)}{'' if source else '  # needed: which column?'}"


def _note(one: ColumnMatch, found: TableMatch) -> str:
    if one in found.unread:
        where = f"[{found.table.name}] immutable"
        return f"# not read, as most systems overwrite it, unless {where} lists it"
    return f"# {spoken(one.confidence)}: {one.why}"


def _ways(found: Sequence[TableMatch]) -> Iterator[str]:
    """How times and numbers are written, and what all rows share."""
    formats: dict[str, None] = {}
    commas = False
    for one in found:
        for match in one.columns.values():
            if match.fixed or match.source not in {c.name for c in one.file.columns}:
                continue
            profile = one.file.column(match.source)
            if match.column in {c.name for c in one.table.columns if c.kind == "time"}:
                formats |= dict.fromkeys(each for each in profile.times if each != ISO)
            commas |= profile.decimal == "," and one.table.column(match.column).kind == "number"
    if formats:
        yield f"time_format = {_list(tuple(formats))}"
    if commas:
        yield 'decimal = ","'
    fixed = {m.column: m.source for m in found[0].columns.values() if m.fixed}
    if fixed and len(found) == 1:
        shared = ", ".join(f"{column} = {_text(value)}" for column, value in fixed.items())
        yield f"fixed = {{ {shared} }}"


def _sql(found: TableMatch) -> str | None:
    """The rows with the columns that have to be made; None where the file says it all."""
    rows = _rows(found.file)
    if summed(found):
        return _receipts(found)
    for column, how in found.made.items():
        if how == "key":
            made = " || '/' || ".join(
                f"cast({quoted(found.columns[part].source)} as varchar)"
                for part in ("customer_id", found.table.time)
            )
            return f"select *, {made} as {column} from {rows}"
        pattern, key, customer, own = how.split("|")
        link = _rows_of(pattern, (key, customer))
        return (
            f"select original.*, link.{quoted(customer)} as {column}\nfrom {rows} as original\n"
            f"join {link} as link on link.{quoted(key)} = original.{quoted(own)}"
        )
    return f"select * from {rows}" if found.file.spaced else None


def _rows(file: FileProfile) -> str:
    if not file.spaced:
        return _rows_of(file.pattern, [column.name for column in file.columns])
    fields = ", ".join(
        f"fields[{place}] as {quoted(column.name)}" for place, column in enumerate(file.columns, 1)
    )
    return (
        f"(select {fields} from (\n"
        "  select regexp_split_to_array(trim(line), ' +') as fields\n"
        f"  from read_csv({literal(file.pattern)}, columns = {{'line': 'VARCHAR'}}, header = true, "
        f"delim = '|'))\nwhere len(fields) = {len(file.columns)})"
    )


def _rows_of(pattern: str, columns: Sequence[str]) -> str:
    """Text stays text, so that only the lines below say how it is read."""
    if pattern.endswith(".parquet"):
        return literal(pattern)
    if pattern.endswith(JSON_SUFFIXES):
        return json_reader(literal(pattern), columns)
    return f"read_csv({literal(pattern)}, header = true, all_varchar = true)"


def _receipts(found: TableMatch) -> str:
    parts = summed(found)
    customer, time = (quoted(found.columns[name].source) for name in ("customer_id", "event_time"))
    quantity, price = (_number(found.file, parts[part]) for part in ("quantity", "unit_price"))
    return (
        f"select {customer}, {time},\n"
        f"  cast(sum(cast({quantity} * {price} as decimal(18, 4))) as double) as value\n"
        f"from {_rows(found.file)}\n"
        f"where {customer} is not null and {quantity} > 0  -- guests and returns are no purchases\n"
        f"group by {customer}, {time}"
    )


def _number(file: FileProfile, name: str) -> str:
    return f"try_cast({quoted(name)} as double)" if file.is_text else quoted(name)


def _union(found: Sequence[TableMatch]) -> str:
    """Several files as one table, by its own names."""
    parts = []
    for one in found:
        rows = _sql(one)
        source = _rows(one.file) if rows is None else f"({rows})"
        named = [f"{_as_text(one, column)} as {column}" for column in EVENTS.required]
        value = "null"
        if summed(one):
            value = "value"
        elif "value" in one.columns:
            value = _number(one.file, one.columns["value"].source)
        parts.append(f"select {', '.join(named)}, {value} as value\nfrom {source}")
    return "\nunion all\n".join(parts)


def _as_text(found: TableMatch, column: str) -> str:
    one = found.columns[column]
    if one.fixed:
        return literal(one.source)
    if column in found.made:
        return f"cast({column} as varchar)"
    whole = column == "customer_id" and not found.file.is_text and (
        found.file.column(one.source).whole
    )  # fmt: skip
    name = quoted(one.source)
    return f"cast(cast({name} as bigint) as varchar)" if whole else f"cast({name} as varchar)"


def _statement(sql: str) -> str:
    return f"'''\n{sql}\n'''"


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def _list(values: Sequence[str]) -> str:
    return f"[{', '.join(map(_text, values))}]"
