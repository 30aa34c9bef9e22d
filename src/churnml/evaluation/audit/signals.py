"""What may tell who leaves: every word, flag, date and level of the tables, as (customer, at)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from churnml.contract import CUSTOMERS, INTERVENTIONS, TABLES, TICKET_EVENTS, Column, Table
from churnml.evaluation.audit.findings import Finding
from churnml.evaluation.audit.lives import Lives
from churnml.evaluation.audit.words import say

#: What a value of these tables means depends on the kind of the row.
QUALIFIERS = {
    "attribute_changes": "attribute", "surveys": "kind", "consents": "kind", "outreach": "kind",
    "obligations": "kind", "contacts": "role", "events": "name",
}  # fmt: skip
#: Words without a common meaning: texts, addresses, notes.
_FREE = {("messages", "text"), ("messages", "recipients")}
#: Fewer different numbers are levels of their own, more are cut into tenths.
LEVELS = 20


@dataclass(frozen=True, slots=True)
class Signal:
    """Rows ``(customer_id, value, seen_at, own_at)``: from ``seen_at`` on the value is known.

    ``own_at`` is the own time of the row, the one that has a rhythm.

    Parameters
    ----------
    table, column : str
    query : str
    """

    table: str
    column: str
    query: str

    def leak(self, check: str, value: str, **seen: object) -> Finding:
        """That this value tells who leaves; ``seen`` fills the sentence of the check."""
        message = say(check, table=self.table, column=self.column, value=value, **seen)
        return Finding(check, "error", message, table=self.table, column=self.column, value=value)


def signals(lives: Lives) -> Iterator[Signal]:
    """The signals of all tables but interventions, which follow from the model."""
    for name in TABLES:
        table = TABLES[name]
        linked = table is TICKET_EVENTS or any(c.name == "customer_id" for c in table.columns)
        if name in lives.tables and linked and table not in (CUSTOMERS, INTERVENTIONS):
            for column in table.columns:
                if (name, column.name) not in _FREE:
                    yield from _of_column(table, column)


def _of_column(table: Table, column: Column) -> Iterator[Signal]:
    kind = column.kind
    if not column.feature or kind == "id" or column.name == "customer_id":
        return
    if kind in ("text", "flag"):
        yield _signal(table, column, _said(table, column))
    elif kind == "time" and column.known_from == column.name:
        yield _signal(table, column, _qualified(table, f"'{column.name} is set'"))
    elif kind in ("number", "integer"):
        yield _signal(table, column, f"case when {_c(column)} < 0 then "
                      f"{_qualified(table, repr('below zero'))} end")  # fmt: skip
        yield _levels(table, column)


def _c(column: Column) -> str:
    return f'r."{column.name}"'


def _qualified(table: Table, value: str) -> str:
    qualifier = QUALIFIERS.get(table.name)
    return value if qualifier is None else f"coalesce(r.\"{qualifier}\", '') || ': ' || {value}"


def _said(table: Table, column: Column) -> str:
    value = f"cast({_c(column)} as varchar)"
    return value if QUALIFIERS.get(table.name) == column.name else _qualified(table, value)


def _signal(table: Table, column: Column, value: str) -> Signal:
    return Signal(
        table.name,
        column.name,
        f"select {_customer(table)} as customer_id, {value} as value, {known(table, column)} "
        f'as seen_at, r."{table.time}" as own_at from {_source(table)} '
        f"where {_c(column)} is not null",
    )


def _levels(table: Table, column: Column) -> Signal:
    """Numbers as words: each level where they are few, else tenths within the kind of row."""
    kind = f'r."{QUALIFIERS[table.name]}"' if table.name in QUALIFIERS else "''"
    rows = (
        f"select {_customer(table)} as customer_id, {kind} as kind, {_c(column)} as number, "
        f'{known(table, column)} as seen_at, r."{table.time}" as own_at from {_source(table)} '
        f"where {_c(column)} is not null"
    )
    query = f"""
        with r as ({rows}),
        k as (select kind, count(distinct number) as levels from r group by kind),
        t as (select *, percent_rank() over (partition by kind order by number) as rank from r)
        select customer_id, seen_at, own_at, case when kind = '' then '' else kind || ': ' end ||
               case when levels <= {LEVELS} then cast(number as varchar)
                    else 'tenth ' || least(10, 1 + cast(floor(rank * 10) as integer)) end as value
        from t join k using (kind)"""
    return Signal(table.name, column.name, query)


def _source(table: Table) -> str:
    if table is TICKET_EVENTS:
        return "ticket_events r join tickets t using (ticket_id)"
    return f'"{table.name}" r'


def _customer(table: Table) -> str:
    return "t.customer_id" if table is TICKET_EVENTS else "r.customer_id"


def known(table: Table, column: Column) -> str:
    """SQL for the instant from which a feature may read that value."""
    times = [f'r."{table.time}"', "r.known_at"]
    if column.known_from is not None:
        times.append(f'r."{column.known_from}"')
    if table is TICKET_EVENTS:
        times.append("t.known_at")
    return f"greatest({', '.join(times)})"
