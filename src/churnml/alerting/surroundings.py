"""What was known around a customer at an as_of: the owner, and what speaks against an alert."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

import duckdb
import numpy as np
import numpy.typing as npt
import pandas as pd

from churnml.alerting.policy import Policy
from churnml.sources.dataset import Dataset

#: An intervention that was never completed is over after so many days.
OPEN_DAYS = 84
#: Without any event of anybody for so many days the feed is dead, not the customers.
DEAD_DAYS = 7

_OWNER = """
with changed as (
    select r.place, arg_max(a.value, {'at': a.changed_at, 'known': a.known_at}) as owner
    from alert_rows r join attribute_changes a on a.customer_id = r.customer_id
    where a.attribute = 'owner' and a.changed_at < r.as_of and a.known_at < r.as_of
    group by r.place
)
select r.place, coalesce(changed.owner, case when not exists (
    select 1 from attribute_changes a
    where a.attribute = 'owner' and a.customer_id = r.customer_id) then c.owner end) as owner
from alert_rows r left join changed using (place)
left join customers c on c.customer_id = r.customer_id
"""
_INTERVENTION = """
select distinct r.place from alert_rows r join interventions i on i.customer_id = r.customer_id
where i.assigned_at < r.as_of and i.known_at < r.as_of
  and not (i.completed_at is not null and i.completed_at < r.as_of)
  and r.as_of < i.assigned_at + to_days($open_days)
"""
_CALENDAR = """
select distinct r.place from alert_rows r join calendar d on d.kind = $kind
where d.starts_at < r.as_of and d.known_at < r.as_of
  and r.as_of < coalesce(d.ends_at, d.starts_at) + to_days($days)
  and (d.scope is null or d.scope = 'all' or exists (
    select 1 from lasting l where l.customer_id = r.customer_id and l.said = d.scope))
"""
# By day of events first: a feed has few days and many rows.
_DAYS = """
select cast(event_time as date) as day, min(event_time) as first, max(event_time) as last,
       min(known_at) as known_at
from events group by 1
"""
_DEAD_FEED = """
with seen as (
    select as_of, max(least(d.last, r.as_of)) as last
    from (select distinct as_of from alert_rows) r
    join event_days d on d.first < r.as_of and d.known_at < r.as_of group by as_of
)
select r.place from alert_rows r join seen using (as_of)
where seen.last < r.as_of - to_days($dead_days)
"""


def surroundings(dataset: Dataset, rows: pd.DataFrame, *, policy: Policy) -> pd.DataFrame:
    """Owner of each scored row, and what suppresses an alert there, from what was known then.

    Parameters
    ----------
    dataset : Dataset
    rows : DataFrame
        customer_id and as_of (naive UTC) of every scored row.
    policy : Policy
        Says what suppresses. An outage or a holiday holds for everyone, or where it has a scope
        for those one of whose lasting attributes is that scope.

    Returns
    -------
    DataFrame, row by row as ``rows``
        ``owner`` (None: unknown) and ``held`` (a reason, None: nothing).
    """
    with dataset.connection.cursor() as connection:
        keys = pd.DataFrame(
            {
                "place": np.arange(len(rows)),
                "customer_id": rows["customer_id"].astype("str").to_numpy(),
                "as_of": rows["as_of"].to_numpy(),
            }
        )
        connection.register("alert_rows", keys)
        owner = connection.execute(_OWNER).df().set_index("place")["owner"].reindex(keys["place"])
        held = np.full(len(rows), None, dtype=object)
        for reason in policy.suppress:
            places = _FIND[reason](connection, dataset, policy)
            free = places[held[places] == None]  # noqa: E711  (element by element)
            held[free] = reason
        connection.unregister("alert_rows")
    said = owner.astype("object").where(owner.notna(), None).to_numpy()
    return pd.DataFrame({"owner": said, "held": held}, index=rows.index, dtype="object")


Found: TypeAlias = npt.NDArray[np.int64]


def _interventions(
    connection: duckdb.DuckDBPyConnection, dataset: Dataset, policy: Policy
) -> Found:
    return _places(connection.execute(_INTERVENTION, {"open_days": OPEN_DAYS}))


def _dead_feed(connection: duckdb.DuckDBPyConnection, dataset: Dataset, policy: Policy) -> Found:
    if "events" not in dataset.tables:
        return np.empty(0, np.int64)
    dataset.gather("event_days", _DAYS, of="events", connection=connection)
    return _places(connection.execute(_DEAD_FEED, {"dead_days": DEAD_DAYS}))


def _calendar(kind: str) -> Callable[[duckdb.DuckDBPyConnection, Dataset, Policy], Found]:
    def find(connection: duckdb.DuckDBPyConnection, dataset: Dataset, policy: Policy) -> Found:
        there = connection.sql("select * from customers limit 0").columns
        lasting = [name for name in dataset.description.customers.immutable if name in there]
        parts = [
            f'select customer_id, cast("{name}" as varchar) as said from customers'
            for name in (quoted.replace('"', '""') for quoted in lasting)
        ] or ["select '' as customer_id, '' as said where false"]
        connection.execute(f"create or replace temp view lasting as {' union all '.join(parts)}")
        values = {"kind": kind, "days": policy.suppress_days}
        return _places(connection.execute(_CALENDAR, values))

    return find


def _places(found: duckdb.DuckDBPyConnection) -> Found:
    return np.asarray(found.df()["place"].to_numpy(dtype=np.int64))


_FIND: Mapping[str, Callable[[duckdb.DuckDBPyConnection, Dataset, Policy], Found]] = {
    "intervention": _interventions,
    "outage": _calendar("outage"),
    "holiday": _calendar("holiday"),
    "dead_feed": _dead_feed,
}
