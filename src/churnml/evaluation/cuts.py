"""By what tested rows and exits are cut: what was known of a customer at the as_of, and silence."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import numpy as np
import numpy.typing as npt
import pandas as pd

from churnml.contract import CUSTOMERS
from churnml.labels import with_exits
from churnml.sources.dataset import Dataset
from churnml.text.hearing import tone_of
from churnml.text.judging import TONE_EDGE
from churnml.windows import DAY

UNKNOWN_VALUE = "unknown"
SILENT, LOUD = "silent", "loud"
LEAVERS = "leavers"
TENURE = "tenure"
#: What a leaver can be heard by.
FEEDS = ("tickets", "messages")
#: A leaver is loud with a complaint in so many days before the exit.
HEARD_DAYS = 28
#: Attributes with more values than this tell single customers apart rather than kinds of them.
MOST_VALUES = 15
BANDS = ("under 90 days", "90 to 365 days", "over 365 days")
_BAND_DAYS = (90, 365)
#: Attributes that change; their value at the as_of comes from the rows known then.
_CHANGING = ("segment", "plan")
OWNER = "owner"

# The newest change among those known at the as_of; of two at one instant the one known later.
_AS_KNOWN = """
select r.place, max({{'at': h.at, 'known_at': h.known_at, 'said': h.said}}).said as said
from cut_rows r join ({history}) h on h.customer_id = r.customer_id
where h.at < r.as_of and h.known_at < r.as_of group by r.place
"""
_CHANGES = (
    "select customer_id, changed_at as at, known_at, value as said from attribute_changes "
    "where attribute = '{name}'"
)
_PLANS = (
    "select customer_id, started_at as at, known_at, plan as said from subscriptions "
    "where plan is not null"
)
_OWNERS = """
select r.place, c.owner as said from cut_rows r join customers c using (customer_id)
where c.owner is not null and not exists (
    select 1 from attribute_changes a where a.customer_id = c.customer_id and attribute = 'owner')
"""
_LASTING = (
    'select r.place, cast(c."{name}" as varchar) as said '
    "from cut_rows r join customers c using (customer_id)"
)
_HEARD = """
select e.place from cut_rows e where exists (
    select 1 from tickets t where t.customer_id = e.customer_id
      and t.opened_at >= e.as_of - to_days($days) and t.opened_at < e.as_of)
or exists (
    select 1 from surveys s where s.customer_id = e.customer_id and s.kind = 'exit'
      and s.answered_at >= e.as_of - to_days($days) and s.answered_at < e.as_of)
"""
_WRITTEN = """
select e.place, m.message_id, coalesce(m.text, '') as text
from cut_rows e join messages m using (customer_id)
where m.author = 'customer' and m.sent_at >= e.as_of - to_days($days) and m.sent_at < e.as_of
"""
_UNHEARD = "select customer_id from coverage where feed in ('tickets', 'messages') and not covered"


@dataclass(frozen=True)
class Cuts:
    """Values by which figures are cut, as text; what is not known is the value ``unknown``.

    Parameters
    ----------
    rows : DataFrame of str
        One column per slice, row by row as the scores: what was known at the as_of. Values come in
        the order of the categories where there are any, else in that of the alphabet.
    exits : DataFrame of str
        One column per slice, row by row as the spells; read where a spell has an exit.
    """

    rows: pd.DataFrame
    exits: pd.DataFrame


def cuts(dataset: Dataset, rows: pd.DataFrame, spells: pd.DataFrame) -> Cuts:
    """Segment, plan, lasting attributes, tenure and owner of every row; silence of every exit.

    A slice with one value only would say what the whole says and is left out, as are attributes
    with more than fifteen values. Owners are a slice however many they are; without a change on
    record the customer's owner of today counts.

    Parameters
    ----------
    dataset : Dataset
    rows : DataFrame
        customer_id and as_of of every tested row.
    spells : DataFrame
        customer_id, started_at, exit_at.
    """
    connection = dataset.connection.cursor()
    keys = _keys(rows["customer_id"], rows["as_of"])
    connection.register("cut_rows", keys)
    found = {name: _changing(connection, name, keys) for name in _CHANGING}
    found |= {name: _lasting(connection, name, keys) for name in _lasting_names(dataset)}
    found = {name: said for name, said in found.items() if said.nunique() <= MOST_VALUES}
    found[TENURE] = _tenure(dataset, keys)
    found[OWNER] = _owner(connection, keys)
    told = {name: said for name, said in found.items() if len(said.unique()) > 1}
    connection.close()
    return Cuts(pd.DataFrame(told, index=keys.index), _leavers(dataset, spells))


def _keys(customers: pd.Series, times: pd.Series) -> pd.DataFrame:
    """Numbered rows for the statements above."""
    return pd.DataFrame(
        {
            "place": np.arange(len(customers)),
            "customer_id": customers.astype("str").to_numpy(),
            "as_of": times.to_numpy(),
        }
    )


def _changing(connection: duckdb.DuckDBPyConnection, name: str, keys: pd.DataFrame) -> pd.Series:
    """The value known at the as_of; plans without changes on record are those subscribed to."""
    history = _CHANGES.format(name=name)
    if name == "plan" and not connection.execute(f"select 1 from ({history}) limit 1").fetchall():
        history = _PLANS
    return _said(connection.execute(_AS_KNOWN.format(history=history)).df(), keys)


def _owner(connection: duckdb.DuckDBPyConnection, keys: pd.DataFrame) -> pd.Series:
    changed = _changing(connection, OWNER, keys)
    never_changed = _said(connection.execute(_OWNERS).df(), keys)
    return changed.where(changed != UNKNOWN_VALUE, never_changed)


def _lasting_names(dataset: Dataset) -> list[str]:
    """The columns of customers that the description lists as never changing."""
    there = dataset.connection.cursor().sql("select * from customers limit 0").columns
    wanted = dataset.description.customers.immutable
    return [name for name in wanted if name in there and name != CUSTOMERS.time]


def _lasting(connection: duckdb.DuckDBPyConnection, name: str, keys: pd.DataFrame) -> pd.Series:
    return _said(connection.execute(_LASTING.format(name=name.replace('"', '""'))).df(), keys)


def _said(found: pd.DataFrame, keys: pd.DataFrame) -> pd.Series:
    """What was found, one value per row."""
    said = found.set_index("place")["said"].reindex(keys["place"])
    return said.where(said.notna(), UNKNOWN_VALUE).astype("str").reset_index(drop=True)


def _tenure(dataset: Dataset, keys: pd.DataFrame) -> pd.Series:
    """Days since the spell of the as_of began, in bands."""
    if dataset.description.churn.kind == "absence":
        return pd.Series(UNKNOWN_VALUE, index=keys.index)
    started = with_exits(dataset, keys)["started_at"]
    days = ((keys["as_of"] - started) / DAY).to_numpy()
    middle, long = _BAND_DAYS
    band = np.select([days < middle, days <= long, days > long], BANDS, default=UNKNOWN_VALUE)
    return pd.Series(pd.Categorical(band, categories=[*BANDS, UNKNOWN_VALUE]), index=keys.index)


def _leavers(dataset: Dataset, spells: pd.DataFrame) -> pd.DataFrame:
    """Whether a ticket, a negative message or an exit survey came in the 28 days before each exit.

    Without tickets and messages nobody can be heard and nothing is said; who is outside of one of
    these feeds and not heard is unknown.
    """
    if not dataset.tables & set(FEEDS) or spells.empty:
        return pd.DataFrame(index=spells.index)
    connection = dataset.connection.cursor()
    connection.register("cut_rows", _keys(spells["customer_id"], spells["exit_at"]))
    heard = connection.execute(_HEARD, {"days": HEARD_DAYS}).df()["place"].to_numpy()
    negative = _negative(dataset, connection)
    unheard = connection.execute(_UNHEARD).df()["customer_id"]
    said = np.full(len(spells), SILENT, dtype=object)
    said[spells["customer_id"].isin(unheard).to_numpy()] = UNKNOWN_VALUE
    said[heard] = LOUD
    said[negative] = LOUD
    order = [SILENT, LOUD, UNKNOWN_VALUE]
    return pd.DataFrame({LEAVERS: pd.Categorical(said, categories=order)}, index=spells.index)


def _negative(dataset: Dataset, connection: duckdb.DuckDBPyConnection) -> npt.NDArray[np.int64]:
    """Places of the exits before which the customer wrote a negative message."""
    written = connection.execute(_WRITTEN, {"days": HEARD_DAYS}).df()
    # Two exits of one customer may share a message.
    messages = written.drop_duplicates("message_id")
    tone = tone_of(dataset, messages).set_axis(messages["message_id"])
    negative = (tone <= -TONE_EDGE).reindex(written["message_id"]).to_numpy()
    return np.asarray(written["place"].to_numpy()[negative])
