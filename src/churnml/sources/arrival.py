"""A dataset as if its rows had reached the warehouse later than they did."""

from __future__ import annotations

from dataclasses import replace

import duckdb

from churnml.contract import TABLES
from churnml.sources.dataset import Dataset

#: Who is a customer is known at once, whatever happens to the feeds.
PUNCTUAL = frozenset({"customers", "subscriptions"})


def arriving_later(dataset: Dataset, *, days: int) -> Dataset:
    """The same rows, every one of a feed known so many days later.

    Customers and subscriptions keep their arrival, so the same people are at risk. Columns that
    are filled in later (``paid_at``, ``resolved_at``) keep becoming known at their own times.

    Parameters
    ----------
    dataset : Dataset
    days : int
        Added to every ``known_at``.

    Returns
    -------
    Dataset
        In a connection of its own, in memory; its digest names the delay.
    """
    connection = duckdb.connect(config={"python_enable_replacements": "false"})
    connection.execute("set TimeZone = 'UTC'")
    for name in (*(one for one in TABLES if one not in dataset.away), "coverage"):
        known = f"known_at + to_days({days:d}) as known_at"
        shifted = name in TABLES and name not in PUNCTUAL
        columns = f"* replace ({known})" if shifted else "*"
        rows = dataset.connection.cursor().sql(f'select {columns} from "{name}"')
        connection.register("incoming", rows.to_arrow_table())
        connection.execute(f'create table "{name}" as select * from incoming')
        connection.unregister("incoming")
    away = {name: log.arriving_later(days) for name, log in dataset.away.items()}
    digest = f"{dataset.digest} {days} days later"
    return replace(dataset, connection=connection, digest=digest, away=away)
