"""How a source writes its values: formats of dates, decimal commas, other words, fixed values."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from churnml.contract import TABLES, Column
from churnml.sources.description import TableSource
from churnml.sources.reading import Raw
from churnml.sources.workshop import literal, quoted

#: Blanks that group thousands, and signs of money.
_AROUND_NUMBERS = "[\\s\u00a0\u202f'€$£₽]"


def spoken(raw: Raw, source: TableSource) -> Raw:
    """The raw rows with their values as the contract writes them; what cannot be read stays.

    Parameters
    ----------
    raw : Raw
    source : TableSource
        Its ``time_format``, ``decimal``, ``values`` and ``fixed``.
    """
    there = {name.lower(): name for name in raw.columns}
    table = TABLES[raw.table]
    columns = (*table.columns, Column("known_at", "time"))
    changed = {}
    for column in columns:
        name = there.get(source.columns.get(column.name, column.name).lower())
        if name is not None and (column.kind == "time" or raw.columns[name] == "VARCHAR"):
            changed[name] = _written(quoted(name), column, source)
    changed = {name: sql for name, sql in changed.items() if sql != quoted(name)}
    changes = [f"{sql} as {quoted(name)}" for name, sql in changed.items()]
    fixed = fixed_beside(source, there)
    if not changes and not fixed:
        return raw
    replaced = f" replace ({', '.join(changes)})" if changes else ""
    added = "".join(f", {literal(value)} as {quoted(name)}" for name, value in fixed.items())
    return replace(
        raw,
        relation=f"select *{replaced}{added} from ({raw.relation})",
        columns=raw.columns | dict.fromkeys((*changed, *fixed), "VARCHAR"),
    )


def fixed_beside(source: TableSource, there: Collection[str]) -> dict[str, str]:
    """The fixed values of columns that are not there (named in lower case) anyway."""
    return {
        name: value
        for name, value in source.fixed.items()
        if source.columns.get(name, name).lower() not in there
    }


def reworded(text: str, words: Mapping[str, str]) -> str:
    """SQL for a text in the words of the contract; one that is not among ``words`` stays."""
    cases = " ".join(
        f"when {literal(word.lower())} then {literal(meant)}" for word, meant in words.items()
    )
    return f"case lower(trim({text})) {cases} else {text} end"


def _written(name: str, column: Column, source: TableSource) -> str:
    """SQL for one text column; the column itself where nothing is to be changed."""
    if words := source.values.get(column.name):
        return reworded(name, words)
    if column.kind == "time" and source.time_formats:
        formats = f"[{', '.join(literal(each) for each in source.time_formats)}]"
        text = f"trim(cast({name} as VARCHAR))"
        return f"coalesce(cast(try_strptime({text}, {formats}) as VARCHAR), {text})"
    if column.kind in {"number", "integer"} and source.decimal == ",":
        bare = f"regexp_replace({name}, {literal(_AROUND_NUMBERS)}, '', 'g')"
        # 1.234,5: a point before a comma groups thousands
        ungrouped = f"case when contains({bare}, ',') then replace({bare}, '.', '') else {bare} end"
        return f"replace({ungrouped}, ',', '.')"
    return name
