"""Who is at risk when we look: one row for each customer and as_of, from what was known then."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

import duckdb
import numpy as np
import pandas as pd

from churnml import arguments
from churnml.config import Population
from churnml.errors import InputError
from churnml.sources.dataset import Dataset
from churnml.sources.workshop import literal

# An end that lies at or after the as_of is not known yet, so it is no end (design: time).
_CONTRACT = """
with known as (
    select a.as_of, s.customer_id, s.started_at,
           case when s.ended_at < a.as_of then s.ended_at end as ended_at
    from subscriptions s join customers c using (customer_id)
    join (select unnest($as_ofs::timestamp[]) as as_of) a
      on s.started_at < a.as_of and s.known_at < a.as_of
     and c.signed_up_at < a.as_of and c.known_at < a.as_of
),
ordered as (
    select *, max(coalesce(ended_at, as_of)) over (
        partition by as_of, customer_id order by started_at, coalesce(ended_at, as_of)
        rows between unbounded preceding and 1 preceding) as ended_before
    from known
),
spells as (
    select as_of, customer_id, max(started_at) filter (
        where ended_before is null
           or (started_at > ended_before
               and started_at >= ended_before + to_days($grace_days))) as spell_started_at,
        bool_or(ended_at is null) as at_risk
    from ordered group by as_of, customer_id
)
select customer_id, as_of, spell_started_at
from spells where at_risk order by as_of, customer_id
"""

_ACTIVITY = """
select e.customer_id, a.as_of, min(e.event_time) as spell_started_at
from activity e join customers c using (customer_id)
join (select unnest($as_ofs::timestamp[]) as as_of) a
  on e.event_time < a.as_of and e.known_at < a.as_of
 and c.signed_up_at < a.as_of and c.known_at < a.as_of
group by a.as_of, e.customer_id
having max(e.event_time) > a.as_of - to_days($silence_days)
order by a.as_of, e.customer_id
"""

#: Rows of the source, times as_ofs, that one statement reads.
_ROWS = 1_000_000
_EVER = 1_000_000  # days; absence knows no silence after which a customer is gone


def take_snapshots(dataset: Dataset, as_ofs: Sequence[pd.Timestamp]) -> pd.DataFrame:
    """Everyone at risk at each as_of, by what was known then.

    With ``contract`` churn a customer with an open subscription is at risk, with ``inactivity``
    one whose last activity lies less than the silence back, with ``absence`` everyone who was
    ever active.

    Parameters
    ----------
    dataset : Dataset
    as_ofs : sequence of Timestamp
        Naive UTC instants.

    Returns
    -------
    DataFrame, shape (n_snapshots, 3)
        ``customer_id``, ``as_of``, ``spell_started_at`` (start of the current subscription spell,
        or first activity), ordered by as_of and customer.

    Raises
    ------
    InputError
        If the dataset is not opened, or an as_of is no naive Timestamp.

    Examples
    --------
    >>> snapshots = ch.take_snapshots(dataset, [pd.Timestamp("2024-09-02")])
    >>> list(snapshots.columns)
    ['customer_id', 'as_of', 'spell_started_at']
    """
    arguments.opened(dataset)
    arguments.moments(as_ofs)
    churn = dataset.description.churn
    connection = dataset.connection.cursor()
    if churn.kind == "contract":
        query, days = _CONTRACT, {"grace_days": churn.grace_days}
    else:
        create_activity(dataset, connection)
        silence = churn.silence_days if churn.kind == "inactivity" else _EVER
        query, days = _ACTIVITY, {"silence_days": silence}
    table = "subscriptions" if churn.kind == "contract" else "activity"
    parts = [
        connection.execute(query, {"as_ofs": together, **days}).df()
        for together in _together(sorted(set(as_ofs)), _rows(connection, table))
    ]
    columns = ["customer_id", "as_of", "spell_started_at"]
    filled = [part for part in parts if len(part)]
    if not filled:
        return pd.DataFrame({name: [] for name in columns}).astype(
            {"customer_id": "str", "as_of": "datetime64[us]", "spell_started_at": "datetime64[us]"}
        )
    return pd.concat(filled, ignore_index=True)


def _together(as_ofs: Sequence[pd.Timestamp], rows: int) -> Iterator[list[datetime]]:
    """As many as_ofs at a time as memory allows, whatever the history."""
    size = max(1, _ROWS // max(1, rows))
    for start in range(0, len(as_ofs), size):
        yield [as_of.to_pydatetime() for as_of in as_ofs[start : start + size]]


def _rows(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    row = connection.execute(f"select count(*) from {table}").fetchone()
    return 0 if row is None else int(row[0])


def create_activity(dataset: Dataset, connection: duckdb.DuckDBPyConnection) -> None:
    """Create ``activity(customer_id, event_time, known_at)``: the events that count as being alive.

    Without names in the description every event counts. Of several rows at one instant the first
    known stays.
    """
    names = ", ".join(literal(name) for name in dataset.description.churn.activity)
    named = f" where name in ({names})" if names else ""
    activity = (
        f"select customer_id, event_time, min(known_at) as known_at from events{named} "
        "group by customer_id, event_time"
    )
    dataset.gather("activity", activity, of="events", connection=connection)


_POPULATION = """
select a.customer_id, max(a.event_time) as last_at,
       count(distinct cast(timezone($zone, timezone('UTC', a.event_time)) as date)) as active_days
from activity a where a.event_time < $as_of and a.known_at < $as_of
group by a.customer_id
"""


def in_population(
    dataset: Dataset, snapshots: pd.DataFrame, *, population: Population
) -> pd.Series:
    """Whether each snapshot belongs to those who train and test.

    Parameters
    ----------
    dataset : Dataset
    snapshots : DataFrame
        As ``take_snapshots`` returns them.
    population : Population
        ``study.population``.

    Returns
    -------
    Series of bool, shape (n_snapshots,), aligned with ``snapshots``

    Raises
    ------
    InputError
        If the population asks for activity and the dataset has no events.

    Examples
    --------
    >>> snapshots = ch.take_snapshots(dataset, [pd.Timestamp("2024-09-02")])
    >>> older = ch.in_population(dataset, snapshots, population=study.population)
    >>> 0 < int(older.sum()) < len(snapshots)
    True
    """
    arguments.snapshots(snapshots, "spell_started_at")
    tenure = snapshots["as_of"] - snapshots["spell_started_at"]
    inside = tenure >= pd.Timedelta(days=population.min_tenure_days)
    if snapshots.empty:
        return inside
    if population.active_within_days is None and population.min_active_days is None:
        return inside
    if "events" not in dataset.tables:
        raise InputError(
            "[population] active_within_days and min_active_days need the table events, which this "
            "dataset does not have. Drop the two settings or add events."
        )
    activity = _activity_by_snapshot(dataset, snapshots)
    if population.active_within_days is not None:
        silent = snapshots["as_of"] - activity["last_at"]
        inside &= silent <= pd.Timedelta(days=population.active_within_days)
    if population.min_active_days is not None:
        inside &= activity["active_days"] >= population.min_active_days
    return inside


def _activity_by_snapshot(dataset: Dataset, snapshots: pd.DataFrame) -> pd.DataFrame:
    """Last activity and number of active days, aligned with the snapshots."""
    connection = dataset.connection.cursor()
    create_activity(dataset, connection)
    parts = []
    for as_of in snapshots["as_of"].drop_duplicates():
        values = {"as_of": as_of.to_pydatetime(), "zone": dataset.description.timezone}
        part = connection.execute(_POPULATION, values).df()
        parts.append(part.assign(as_of=np.datetime64(as_of, "us")))
    activity = pd.concat(parts, ignore_index=True)
    keys = ["customer_id", "as_of"]
    found = snapshots[keys].merge(activity, on=keys, how="left", validate="many_to_one")
    return found.set_index(snapshots.index)
