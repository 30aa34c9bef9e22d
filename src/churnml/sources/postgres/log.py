"""The log where it lies: its canonical rows as a statement, asked at the server."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd
import pyarrow as pa
from sqlglot import exp

from churnml.contract import TABLES
from churnml.errors import InputError
from churnml.sources.description import TableSource
from churnml.sources.dialect import fixed_beside, reworded
from churnml.sources.gate import BITS
from churnml.sources.mapping import Plan, canonical_beside_original, canonical_select, timestamp
from churnml.sources.postgres.dialect import said, spelled
from churnml.sources.postgres.server import Server
from churnml.sources.reading import AT_SERVER, Raw
from churnml.sources.workshop import literal, quoted

#: Typed rows before the gate, with ``_faults``.
STAGED = "churnml_staged"
#: The same with ``bits`` of the rules that a row breaks and that cost it.
JUDGED = "churnml_judged"
_NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "FLOAT", "DOUBLE", "DECIMAL")
_READABLE = {"time": ("DATE", "TIMESTAMP"), "number": _NUMBERS, "integer": _NUMBERS}


@dataclass(frozen=True)
class Refused:
    """What the gate refuses of the log, so that every later statement leaves it out.

    Parameters
    ----------
    from_ : Timestamp
        Rows from here on.
    orphans : tuple of str
        Ids that are no customers.
    signed_up : mapping of str to Timestamp
        Day of sign-up of the customers who have earlier rows.
    repeated : bool
        Whether rows stand there more than once; of those the one known first stays.
    """

    from_: pd.Timestamp
    orphans: tuple[str, ...] = ()
    signed_up: Mapping[str, pd.Timestamp] = field(default_factory=dict)
    repeated: bool = False


@dataclass(frozen=True)
class Log:
    """The rows of one canonical table at a server.

    In the statements that it runs the table stands under its canonical name, with the canonical
    columns: before the gate all of its rows with ``_faults``, then those that are kept.

    Parameters
    ----------
    server : Server
    plan : Plan
    known_until : Timestamp, optional
        Rows at or after it are not known.
    refused : Refused, optional
        None: the gate is still to come.
    later_days : int
        Days by which every row is taken to arrive later than it did.
    """

    server: Server
    plan: Plan
    known_until: pd.Timestamp | None
    refused: Refused | None = None
    later_days: int = 0

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """All rows that a statement (in DuckDB's words) finds."""
        return self.answer(spelled(sql))

    def value(self, sql: str) -> Any:
        """The single value of a statement."""
        return self.rows(sql)[0][0]

    def batches(self, sql: str | exp.Expression) -> AbstractContextManager[pa.RecordBatchReader]:
        """What a statement finds, batch after batch."""
        text = spelled(sql) if isinstance(sql, str) else said(sql)
        return self.server.batches(self._with_rows(text), where=self.plan.raw.origin)

    def answer(self, text: str) -> list[tuple[Any, ...]]:
        """All rows that a statement in PostgreSQL's own words finds."""
        return self.server.rows(self._with_rows(text), where=self.plan.raw.origin)

    def originals(self, text: str) -> AbstractContextManager[pa.RecordBatchReader]:
        """What a statement finds that also reads the original values ``__raw`` of staged rows."""
        staged = canonical_beside_original(self.plan, known_until=self.known_until)
        text = self._with_rows(text, staged=staged)
        return self.server.batches(text, where=self.plan.raw.origin)

    def arriving_later(self, days: int) -> Log:
        """The same rows, every one of them known so many days later."""
        return replace(self, later_days=self.later_days + days)

    def _with_rows(self, text: str, *, staged: str | None = None) -> str:
        typed = staged or canonical_select(self.plan, known_until=self.known_until)
        tables = {
            AT_SERVER: self.plan.raw.statement,
            STAGED: spelled(typed),
            JUDGED: _judged(self.plan, self.refused),
            quoted(self.plan.table.name): self._kept(),
            "churnml_answer": text,
        }
        listed = ", ".join(f"{name} as ({query})" for name, query in tables.items())
        return f"with {listed} select * from churnml_answer"

    def _kept(self) -> str:
        if self.refused is None:
            return f"select * from {STAGED}"
        table = self.plan.table
        later = f" + interval '{self.later_days} day'" if self.later_days else ""
        known = f"min(known_at){later}" if self.refused.repeated else f"known_at{later}"
        columns = [_collated(quoted(column.name), column.kind) for column in table.columns]
        group = ", ".join(quoted(column.name) for column in table.columns)
        grouped = f" group by {group}" if self.refused.repeated else ""
        return (
            f"select {', '.join(columns)}, {known} as known_at from {JUDGED} "
            f"where bits = 0{grouped}"
        )


def _judged(plan: Plan, refused: Refused | None) -> str:
    """PostgreSQL's SQL for the staged rows with ``bits``."""
    if refused is None:
        return f"select *, 0::bigint as bits from {STAGED}"
    own = quoted(plan.table.time)
    broken = {"after_observed_until": f"s.{own} >= {timestamp(refused.from_)}"}
    joins = ""
    if refused.orphans:
        broken["orphan"] = "o.id is not null"
        ids = _array(refused.orphans, "text")
        joins += f" left join unnest({ids}) as o(id) on o.id = s.customer_id"
    if refused.signed_up:
        broken["before_signup"] = f"s.{own} < e.day"
        ids = _array(refused.signed_up.keys(), "text")
        days = _array(refused.signed_up.values(), "timestamp")
        joins += f" left join unnest({ids}, {days}) as e(id, day) on e.id = s.customer_id"
    parts = [
        f"case when {sql} then {BITS[rule]}::bigint else 0 end" for rule, sql in broken.items()
    ]
    bits = f"s._faults & {plan.row_mask}::bigint | {' | '.join(parts)}"
    return f"select s.*, {bits} as bits from {STAGED} s{joins}"


def _array(values: Iterable[object], kind: str) -> str:
    return f"array[{', '.join(literal(value) for value in values)}]::{kind}[]"


def _collated(column: str, kind: str) -> str:
    # text in the order of its bytes, as DuckDB sorts it, whatever language the server speaks
    return f'{column} collate "C" as {column}' if kind in {"id", "text"} else column


def as_described(raw: Raw, source: TableSource) -> Raw:
    """The raw rows of a log with the words and fixed values of its description.

    Raises
    ------
    InputError
        If a column has a type that cannot be read as its kind at the server.
    """
    table, there = TABLES[raw.table], {name.lower(): name for name in raw.columns}
    if source.time_formats or source.decimal != ".":
        raise InputError(
            f"tables.{raw.table} stays at the server, where time_format and decimal do not work. "
            f"Convert its columns in [tables.{raw.table}] sql."
        )
    words: dict[str, str] = {}
    columns = dict.fromkeys([*(column.name for column in table.columns), "known_at"])
    for canonical in columns:
        name = there.get(source.columns.get(canonical, canonical).lower())
        kind = "time" if canonical == "known_at" else table.column(canonical).kind
        if name is None:
            continue
        if kind in _READABLE and not raw.columns[name].startswith(_READABLE[kind]):
            raise _mistyped(raw, name, canonical, kind)
        if given := source.values.get(canonical):
            words[name] = reworded(f"{quoted(name)}::text", given)
    fixed = fixed_beside(source, there)
    if not words and not fixed:
        return raw
    read = [f"{words.get(name, quoted(name))} as {quoted(name)}" for name in raw.columns]
    read += [f"{literal(value)}::text as {quoted(name)}" for name, value in fixed.items()]
    return replace(
        raw,
        statement=f"select {', '.join(read)} from ({raw.statement}) as described",
        columns=raw.columns | dict.fromkeys((*words, *fixed), "VARCHAR"),
    )


def _mistyped(raw: Raw, name: str, canonical: str, kind: str) -> InputError:
    wanted = {"time": "timestamptz", "number": "double precision"}.get(kind, "bigint")
    return InputError(
        f"{raw.table}.{canonical}: the column {name} of {raw.origin} is no {kind} at the server, "
        f"but {raw.columns[name]}. The log stays there, so its columns need types: [tables."
        f'{raw.table}] sql = "select {name}::{wanted} as {name}, … from …".'
    )
