"""The quality gate: bad rows are set aside with the reason, the others are counted and kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import cast

import pandas as pd

from churnml.contract import CUSTOMERS, SUBSCRIPTIONS, TICKET_EVENTS, TICKETS, Table
from churnml.sources.dataset import Finding
from churnml.sources.edge import Edge
from churnml.sources.mapping import Plan, day_start, later_times, timestamp
from churnml.sources.words import say
from churnml.sources.workshop import Asked, Workshop, quoted
from churnml.spoken import Spoken

#: Rules that look beyond the row; their bits lie above those of the local rules.
GLOBAL_RULES = {
    56: "orphan",
    57: "before_signup",
    58: "after_observed_until",
    59: "duplicate_key",
    60: "duplicate_row",
}
#: The same, by name.
BITS = {name: 1 << bit for bit, name in GLOBAL_RULES.items()}
#: A weekend or a holiday after the last usual day: such rows say nothing against the edge.
_QUIET_DAYS = 4
#: What may well happen before someone becomes a customer.
_BEFORE_SIGNUP = {"contacts", "stages", "outreach", "consents", "customers", "calendar"}
#: What is rightly written down ahead.
_AHEAD = {"calendar"}


@dataclass(frozen=True, slots=True)
class TableCount:
    """Rows of one table through the gate; ``rows_in == kept + quarantined``."""

    table: str
    rows_in: int
    kept: int
    quarantined: int
    first: pd.Timestamp | None
    last: pd.Timestamp | None


def faults_table(table: str) -> str:
    """Name of the scratch table (_row, bit) with the bad rows of a table."""
    return quoted(f"faults_{table}")


def judge(
    shop: Workshop, plan: Plan, *, edge: Edge, customers: bool, signup: bool, tickets: bool
) -> list[Finding]:
    """Bad rows of one staged table, written to its faults table, and what was found.

    A row is judged by what was known with it: later columns never cost the row, and of
    duplicates the one that was known first stays, so that a decision once right stays right.

    Parameters
    ----------
    shop : Workshop
        The table is staged there under its name; customers and tickets are already cleaned.
    plan : Plan
    edge : Edge
    customers, tickets : bool
        Whether these tables are there, so that orphans can be told.
    signup : bool
        Whether sign-up times were given; derived ones say nothing about earlier rows.
    """
    table, name = plan.table, quoted(plan.table.name)
    bad = faults_table(table.name)
    run = shop.connection.execute
    run(
        f"create table {bad} as select rowid as _row, _faults & {plan.row_mask} as bits "
        f"from {name} where _faults & {plan.row_mask} <> 0"
    )
    if query := _orphans(table, customers=customers, signup=signup, tickets=tickets):
        run(f"insert into {bad} {query}")
    if table.name not in _AHEAD:
        run(
            f"insert into {bad} select rowid, {BITS['after_observed_until']} from {name} "
            f"where {quoted(table.time)} >= {timestamp(edge.limit)}"
        )
    run(f"insert into {bad} {_duplicates(table, bad)}")
    local = counted(shop, quoted(table.name), "_faults", range(len(plan.rules)))
    beyond = counted(shop, bad, "bits", GLOBAL_RULES)
    return [*findings_of(shop, plan, edge, local | beyond), *_ended_orphans(shop, table)]


def _orphans(table: Table, *, customers: bool, signup: bool, tickets: bool) -> str | None:
    if table is TICKET_EVENTS and tickets:
        return (
            f"select s.rowid, {BITS['orphan']} from ticket_events s anti join {TICKETS.name} t "
            "using (ticket_id) where s.ticket_id is not null"
        )
    linked = any(column.name == "customer_id" for column in table.columns)
    if not customers or not linked or table is CUSTOMERS:
        return None
    judged = signup and table.name not in _BEFORE_SIGNUP
    early = f"s.{quoted(table.time)} < c.signup_day" if judged else "false"
    return (
        f"select s.rowid, case when c.customer_id is null then {BITS['orphan']} "
        f"else {BITS['before_signup']} end from {quoted(table.name)} s left join "
        f"(select customer_id, {day_start('signed_up_at')} as signup_day from customers) c "
        f"using (customer_id) where s.customer_id is not null "
        f"and (c.customer_id is null or {early})"
    )


def _duplicates(table: Table, bad: str) -> str:
    """All but the row that was known first, among the rows that broke no other rule."""
    own = quoted(table.time)
    at_once = [quoted(column.name) for column in table.columns if column.known_from is None]
    same = [quoted(name) for name in table.key] or at_once
    bit = BITS["duplicate_key" if table.key else "duplicate_row"]
    sound = f"rowid not in (select _row from {bad})"
    order = [f"greatest({own}, known_at)", own, "known_at", *at_once, *_later_order(table), "rowid"]
    return (
        f"select rowid, {bit} from (select rowid, row_number() over "
        f"(partition by {', '.join(same)} order by {', '.join(order)}) as place "
        f"from {quoted(table.name)} where {sound} and hash({', '.join(same)}) in "
        f"(select hash({', '.join(same)}) from {quoted(table.name)} where {sound} "
        f"group by 1 having count(*) > 1)) where place > 1"
    )


def _later_order(table: Table) -> list[str]:
    """An order over later values that does not change when the latest become unknown.

    Each value stands with the time it is known from, sorted by that time, unknown ones last:
    cutting at an instant shortens every list from its end.
    """
    entries = [
        f"{{'at': coalesce({quoted(str(column.known_from))}, 'infinity'::TIMESTAMP), "
        f"'name': '{column.name}', 'value': cast({quoted(column.name)} as VARCHAR)}}"
        for column in table.columns
        if column.known_from is not None
    ]
    return [f"list_sort([{', '.join(entries)}])"] if entries else []


def findings_of(
    rows: Asked, plan: Plan, edge: Edge, broken: Mapping[int, int]
) -> Iterator[Finding]:
    """What is said of the rows by broken rule (bit)."""
    name = plan.table.name
    for bit, count in broken.items():
        if bit not in GLOBAL_RULES:
            yield Finding(name, plan.rules[bit].name, count, *_said(rows, plan, bit))
            continue
        message = say(GLOBAL_RULES[bit], rows=count, edge=edge.limit)
        yield Finding(name, GLOBAL_RULES[bit], count, "error", message)
    yield from _after_edge(rows, plan, edge)


def counted(rows: Asked, table: str, column: str, bits: Iterable[int]) -> dict[int, int]:
    """Rows by bit, for the bits that any row has."""
    counts = [f"count(*) filter ({column} & {1 << bit} <> 0) as n{bit}" for bit in bits]
    row = rows.rows(f"select {', '.join(counts)} from {table}")[0] if counts else ()
    return {bit: cast(int, count) for bit, count in zip(bits, row, strict=True) if count}


def _said(rows: Asked, plan: Plan, bit: int) -> tuple[str, Spoken]:
    rule = plan.rules[bit]
    values = {"column": rule.column, "time": plan.table.time, "lost": say(f"lost_{rule.drops}")}
    if rule.name == "wrong_type":
        values["expected"] = _expected(plan, rule.column)
    if rule.name == "unknown_value":
        where = f"from {quoted(plan.table.name)} where _faults & {1 << bit} <> 0"
        values["found"] = _examples(rows, plan, rule.column, where)
        values["expected"] = ", ".join(plan.table.column(rule.column).values)
    return ("error" if rule.drops == "row" else "warning"), say(rule.name, **values)


def _expected(plan: Plan, column: str) -> Spoken:
    kind = "time" if column == "known_at" else plan.table.column(column).kind
    source, table = plan.source, plan.table.name
    if kind == "time" and source.time_formats:
        return say("a_time_written", formats=", ".join(map(repr, source.time_formats)))
    if kind == "number" and source.decimal == ",":
        return say("a_number_with_comma")
    return say({"integer": "an_integer"}.get(kind, f"a_{kind}"), table=table)


def _examples(rows: Asked, plan: Plan, column: str, where: str) -> str:
    """Up to three of the unknown values, as they stand there; dropped ones are gone."""
    if plan.dropped(column):
        return say("other_values")
    found = rows.rows(f"select distinct {quoted(column)} {where} order by 1 limit 3")
    return ", ".join(repr(row[0]) for row in found)


def _after_edge(rows: Asked, plan: Plan, edge: Edge) -> Iterator[Finding]:
    """Rows between an estimated edge and its limit: kept, but the edge may be wrong."""
    table = plan.table
    if edge.declared or table.name in _AHEAD:
        return
    own = quoted(table.time)
    count, last = rows.rows(
        f"select count(*) as n, max({own}) as last from {quoted(table.name)} where "
        f"{own} >= {timestamp(edge.observed_until)} and {own} < {timestamp(edge.limit)}"
    )[0]
    if count:
        weekend = pd.Timestamp(str(last)) < edge.observed_until + pd.Timedelta(days=_QUIET_DAYS)
        message = say("after_estimated_edge", rows=count, day=edge.day)
        severity = "info" if weekend else "warning"
        yield Finding(table.name, "after_observed_until", int(count), severity, message)


def _ended_orphans(shop: Workshop, table: Table) -> Iterator[Finding]:
    """Leavers missing from customers: whoever deleted them deleted the exits to learn from."""
    if table is not SUBSCRIPTIONS:
        return
    rows = cast(
        int,
        shop.value(
            f"select count(distinct customer_id) from {table.name} where ended_at is not null and "
            f"rowid in (select _row from {faults_table(table.name)} "
            f"where bits & {BITS['orphan']} <> 0)"
        ),
    )
    if rows:
        message = say("ended_orphans", rows=rows)
        yield Finding(table.name, "survivorship", rows, "error", message)


def clean(shop: Workshop, plan: Plan, edge: Edge) -> tuple[TableCount, list[Finding]]:
    """The table without its bad rows and without values from beyond a declared edge.

    Returns
    -------
    TableCount
    list of Finding
        How many later values lay beyond the edge.
    """
    table, name = plan.table, quoted(plan.table.name)
    rows_in = cast(int, shop.value(f"select count(*) from {name}"))
    shop.connection.execute(
        f"delete from {name} where rowid in (select _row from {faults_table(table.name)})"
    )
    findings = list(_not_yet(shop, plan, edge)) if edge.declared else []
    own = quoted(table.time)
    kept, first, last = shop.rows(f"select count(*), min({own}), max({own}) from {name}")[0]
    count = TableCount(
        table.name,
        rows_in,
        cast(int, kept),
        rows_in - cast(int, kept),
        None if first is None else pd.Timestamp(str(first)),
        None if last is None else pd.Timestamp(str(last)),
    )
    return count, findings


def _not_yet(shop: Workshop, plan: Plan, edge: Edge) -> Iterator[Finding]:
    table, instant = plan.table, timestamp(edge.limit)
    for time in later_times(table):
        if not plan.has(time.name):
            continue
        after = f"{quoted(time.name)} >= {instant}"
        rows = cast(int, shop.value(f"select count(*) from {quoted(table.name)} where {after}"))
        if rows and table.name not in _AHEAD:
            cleared = [c.name for c in table.columns if c.known_from == time.name]
            nulls = ", ".join(f"{quoted(column)} = null" for column in cleared)
            shop.connection.execute(f"update {quoted(table.name)} set {nulls} where {after}")
            message = say("not_yet", column=time.name)
            yield Finding(table.name, "after_observed_until", rows, "info", message)


def reasons(plan: Plan) -> str:
    """SQL for the joined reasons behind the column ``bits``."""
    named = [(1 << bit, rule.reason) for bit, rule in enumerate(plan.rules)]
    named += [(1 << bit, name) for bit, name in GLOBAL_RULES.items()]
    parts = [f"case when bits & {bit} <> 0 then '{reason}' end" for bit, reason in named]
    return f"concat_ws('; ', {', '.join(parts)})"
