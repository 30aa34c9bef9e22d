"""Customers derived from what they did, where no table of customers is given."""

from __future__ import annotations

from churnml.contract import CUSTOMERS, EVENTS, SUBSCRIPTIONS, TABLES
from churnml.sources.mapping import Plan, sql_type
from churnml.sources.workshop import Workshop, quoted, take


def derive_customers(shop: Workshop, plans: dict[str, Plan]) -> None:
    """The table customers from subscriptions and events.

    ``signed_up_at`` is the own time of the row that was known first (of several, the earliest),
    ``known_at`` its arrival: a row that arrives later does not move a sign-up that was already
    known.
    """
    origins = [table for table in (SUBSCRIPTIONS, EVENTS) if table.name in plans]
    for name in shop.away:
        _take_first(shop, name)
    rows = " union all ".join(
        f"select customer_id, {quoted(table.time)} as own, known_at from "
        f"{quoted(f'first_{table.name}' if table.name in shop.away else table.name)}"
        for table in origins
    )
    rows = (
        rows or "select '' as customer_id, TIMESTAMP '1970-01-01' as own, own as known_at limit 0"
    )
    columns = [
        f"cast(null as {sql_type(column)}) as {quoted(column.name)}"
        for column in CUSTOMERS.columns
        if column.name not in {"customer_id", "signed_up_at"}
    ]
    first = "{'seen': greatest(own, known_at), 'own': own, 'known_at': known_at}"
    shop.connection.execute(
        f"create table customers as select customer_id, first.own as signed_up_at, "
        f"{', '.join(columns)}, first.known_at as known_at from "
        f"(select customer_id, min({first}) as first from ({rows}) group by 1)"
    )


def _take_first(shop: Workshop, name: str) -> None:
    """Write the row of each customer that was known first, of a table that stays at the server."""
    own = quoted(TABLES[name].time)
    order = f"greatest({own}, known_at), {own}, known_at"
    ranked = (
        f"select customer_id, {own}, known_at, row_number() over "
        f"(partition by customer_id order by {order}) as place from {quoted(name)}"
    )
    rows = shop.away[name].batches(
        f"select customer_id, {own}, known_at from ({ranked}) as ranked where place = 1"
    )
    take(shop.connection, rows, f"create table {quoted(f'first_{name}')} as select * from arriving")
