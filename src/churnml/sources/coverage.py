"""What each feed covers: which customers, from when until when, how late."""

from __future__ import annotations

import pandas as pd

from churnml.contract import CUSTOMERS, TABLES, TICKET_EVENTS
from churnml.errors import InputError
from churnml.sources.dataset import Dataset
from churnml.sources.description import Description
from churnml.sources.mapping import Plan
from churnml.sources.workshop import Workshop, literal, quoted


def write_coverage(shop: Workshop, customers: Plan | None, description: Description) -> None:
    """The table ``coverage(customer_id, feed, covered)`` from the ``covers`` conditions.

    Raises
    ------
    InputError
        If a condition is stated but there is no customers table to check it on.
    """
    stated = [name for name, source in description.tables.items() if source.covers]
    if stated and customers is None:
        raise InputError(
            f"tables.{stated[0]}.covers is a condition over customers, but there is no customers "
            "table. Add one, or remove the condition."
        )
    feeds = [
        f"select customer_id, {literal(feed)} as feed, {quoted(f'covers__{feed}')} as covered "
        "from customers"
        for feed in stated
    ]
    empty = (
        "select cast(null as VARCHAR) as customer_id, cast(null as VARCHAR) as feed, "
        "cast(null as BOOLEAN) as covered where false"
    )
    shop.connection.execute(f"create table coverage as {' union all '.join([empty, *feeds])}")


def coverage_report(dataset: Dataset) -> pd.DataFrame:
    """How much of the customer base each table speaks of.

    Returns
    -------
    DataFrame, one row per table that is there
        ``table``, ``rows``, ``customers`` (distinct customers with a row), ``share`` of all
        customers, ``first``, ``last`` (own times, UTC) and ``median_delay_days`` between the own
        time of a row and its arrival (negative: known ahead).
    """
    everyone = dataset.at(CUSTOMERS.name).value(f"select count(*) from {CUSTOMERS.name}")
    reports = (
        dataset.at(name).rows(_report(name, everyone)) for name in TABLES if name in dataset.tables
    )
    names = ["table", "rows", "customers", "share", "first", "last", "median_delay_days"]
    return pd.DataFrame([row for rows in reports for row in rows], columns=names)


def _report(name: str, everyone: int) -> str:
    table = TABLES[name]
    own = quoted(table.time)
    rows = f"from {quoted(name)}"
    if table is TICKET_EVENTS:
        rows = f"from {name} join (select ticket_id, customer_id from tickets) using (ticket_id)"
    linked = table is TICKET_EVENTS or any(c.name == "customer_id" for c in table.columns)
    seen = "count(distinct customer_id)" if linked else "cast(null as BIGINT)"
    return (
        f'select {literal(name)} as "table", count(*) as rows, {seen} as customers, '
        f"cast({seen} as DOUBLE) / nullif({everyone}, 0) as share, "
        f"min({own}) as first, max({own}) as last, "
        f"median(epoch(known_at) - epoch({own})) / 86400 as median_delay_days {rows}"
    )
