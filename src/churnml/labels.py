"""What became of each snapshot: churned, stayed, left_early, unknown."""

from __future__ import annotations

from typing import Any

import duckdb
import numpy as np
import pandas as pd

from churnml import arguments
from churnml.errors import InputError
from churnml.snapshots import create_activity
from churnml.sources.dataset import Dataset
from churnml.windows import LabelWindow

CHURNED = "churned"
STAYED = "stayed"
LEFT_EARLY = "left_early"
UNKNOWN = "unknown"
LABELS = (CHURNED, STAYED, LEFT_EARLY, UNKNOWN)

# Overlapping and adjoining subscriptions, and those renewed within the grace, are one spell.
_CONTRACT_SPELLS = """
with known as (
    select customer_id, started_at, end_reason,
           case when ended_at < $until then ended_at end as ended_at
    from subscriptions where started_at < $until
),
ordered as (
    select *, max(coalesce(ended_at, 'infinity'::timestamp)) over (
        partition by customer_id order by started_at, coalesce(ended_at, 'infinity'::timestamp)
        rows between unbounded preceding and 1 preceding) as ended_before
    from known
),
numbered as (
    select *, sum(case when ended_before is null
                        or (started_at > ended_before
                            and started_at >= ended_before + to_days($days))
                  then 1 else 0 end)
        over (partition by customer_id order by started_at,
              coalesce(ended_at, 'infinity'::timestamp)) as spell
    from ordered
),
spells as (
    select customer_id, spell, min(started_at) as started_at,
           case when bool_and(ended_at is not null) then max(ended_at) end as ended_at,
           arg_max(coalesce(end_reason, 'voluntary'), ended_at) as end_reason
    from numbered group by customer_id, spell
)
select customer_id, started_at,
       case when ended_at + to_days($days) <= $until
             and (end_reason <> 'involuntary' or $involuntary = 'exit')
            then ended_at end as exit_at,
       case when end_reason = 'involuntary' and $involuntary = 'censor'
            then ended_at end as censored_at
from spells order by customer_id, started_at
"""

_ACTIVITY_SPELLS = """
with ordered as (
    select customer_id, event_time,
           lag(event_time) over (partition by customer_id order by event_time) as before
    from activity where event_time < $until
),
numbered as (
    select *, sum(case when before is null or event_time >= before + to_days($days)
                  then 1 else 0 end)
        over (partition by customer_id order by event_time) as spell
    from ordered
),
spells as (
    select customer_id, min(event_time) as started_at, max(event_time) as ended_at
    from numbered group by customer_id, spell
)
select customer_id, started_at,
       case when ended_at + to_days($days) <= $until then ended_at end as exit_at,
       null::timestamp as censored_at
from spells order by customer_id, started_at
"""


def spells(dataset: Dataset) -> pd.DataFrame:
    """Stretches of being a customer, with the exit that ended them.

    Parameters
    ----------
    dataset : Dataset

    Returns
    -------
    DataFrame
        ``customer_id``, ``started_at``, ``exit_at`` (NaT: none, or not certain yet),
        ``censored_at`` (an involuntary end that is not counted as an exit). A win-back is a new
        row. Without rows for ``absence``, which knows no dated exit.

    Raises
    ------
    InputError
        If the dataset is not opened.

    Examples
    --------
    >>> list(ch.find_spells(dataset).columns)
    ['customer_id', 'started_at', 'exit_at', 'censored_at']
    """
    arguments.opened(dataset)
    churn = dataset.description.churn
    connection = dataset.connection.cursor()
    values = {"until": dataset.observed_until.to_pydatetime(), "days": churn.delay_days}
    if churn.kind == "contract":
        values["involuntary"] = churn.involuntary
        return connection.execute(_CONTRACT_SPELLS, values).df()
    create_activity(dataset, connection)
    found = connection.execute(_ACTIVITY_SPELLS, values).df()
    return found if churn.kind == "inactivity" else found.iloc[:0]


def label(dataset: Dataset, snapshots: pd.DataFrame, *, window: LabelWindow) -> pd.Series:
    """What became of each snapshot in the label window.

    ``unknown`` until the window and the label delay have passed, when the customer was censored
    before the end of the window, when no spell contains the as_of, and (inactivity) when the
    customer had already left silently.

    Parameters
    ----------
    dataset : Dataset
    snapshots : DataFrame with ``customer_id`` and ``as_of``
    window : LabelWindow
        Its delay must be at least the label delay of the dataset.

    Returns
    -------
    Series of str, shape (n_snapshots,), aligned with ``snapshots``
        ``churned``, ``stayed``, ``left_early`` or ``unknown``.

    Raises
    ------
    InputError
        If the snapshots lack a column or a time, or the window closes before an exit is certain.

    Examples
    --------
    >>> snapshots = ch.take_snapshots(dataset, [pd.Timestamp("2024-12-23")])
    >>> window = ch.LabelWindow(lead_days=21, horizon_days=28, delay_days=14)
    >>> set(ch.label(dataset, snapshots, window=window))  # the window is not over yet
    {'unknown'}
    """
    arguments.opened(dataset)
    arguments.snapshots(snapshots)
    arguments.window(window, delay_days=dataset.description.churn.delay_days)
    closed = window.closed(snapshots["as_of"], observed_until=dataset.observed_until)
    if dataset.description.churn.kind == "absence":
        return _absence(dataset, snapshots, window=window).where(closed, UNKNOWN)
    ends = with_exits(dataset, snapshots)
    notice = (ends["exit_at"] - ends["as_of"]) / pd.Timedelta(days=1)
    observed = (ends["censored_at"] - ends["as_of"]) / pd.Timedelta(days=1)
    labels = pd.Series(STAYED, index=snapshots.index, dtype="str")
    labels[(notice >= 0) & (notice < window.lead_days)] = LEFT_EARLY
    labels[window.contains(notice)] = CHURNED
    nobody = ends["started_at"].isna()
    labels[(observed < window.end_days) | (notice < 0) | nobody | ~closed] = UNKNOWN
    return labels


def check_labels(labels: pd.Series) -> None:
    """Refuse words that are none of the four; a missing label is none: it is ``unknown``.

    Raises
    ------
    InputError
    """
    if strange := sorted(set(map(str, labels.unique())) - set(LABELS)):
        raise InputError(
            f"labels hold {', '.join(strange[:5])}; expected only {', '.join(LABELS)}."
        )


def with_exits(dataset: Dataset, snapshots: pd.DataFrame) -> pd.DataFrame:
    """The snapshots with ``exit_at`` and ``censored_at`` of the spell that contains them."""
    ends = spells(dataset).sort_values("started_at", kind="stable")
    return _nearest(
        _keys(snapshots), ends, at="as_of", right_on="started_at", allow_exact_matches=False
    )


def _keys(snapshots: pd.DataFrame) -> pd.DataFrame:
    """Customer and as_of in the types of the tables."""
    keys = snapshots.reset_index(drop=True)[["customer_id", "as_of"]]
    keys = keys.astype({"customer_id": "str", "as_of": "datetime64[us]"})
    return keys.set_axis(snapshots.index)


def _nearest(left: pd.DataFrame, right: pd.DataFrame, *, at: str, **how: Any) -> pd.DataFrame:
    """The rows of a customer that lie nearest to those on the left, in their order."""
    order = np.argsort(left[at].to_numpy(), kind="stable")
    ordered = left.reset_index(drop=True).iloc[order]
    found = pd.merge_asof(ordered, right, left_on=at, by="customer_id", **how)
    return found.iloc[np.argsort(order, kind="stable")].set_axis(left.index)


def exit_days(dataset: Dataset, snapshots: pd.DataFrame) -> pd.DataFrame | None:
    """Days from each as_of to the exit, and how long a customer could be watched at all.

    Returns
    -------
    DataFrame, aligned with ``snapshots``; None for ``absence``, which knows no dated exit
        ``notice_days`` (NaN: no exit, or none that is certain yet) and ``observed_days``: until an
        involuntary end took the customer out of sight, infinite where none did, 0 where the
        customer was no customer at the as_of.
    """
    if dataset.description.churn.kind == "absence":
        return None
    ends = with_exits(dataset, snapshots)
    notice = (ends["exit_at"] - ends["as_of"]) / pd.Timedelta(days=1)
    censored = (ends["censored_at"] - ends["as_of"]) / pd.Timedelta(days=1)
    nobody = ends["started_at"].isna() | (notice < 0)
    return pd.DataFrame(
        {
            "notice_days": notice.where(~nobody),
            "observed_days": censored.where(censored.notna(), np.inf).where(~nobody, 0.0),
        }
    )


def _absence(dataset: Dataset, snapshots: pd.DataFrame, *, window: LabelWindow) -> pd.Series:
    """Churned when no activity falls into the window."""
    connection = dataset.connection.cursor()
    create_activity(dataset, connection)
    activity = _activity_until(connection, dataset.observed_until)
    keys = _keys(snapshots)
    left = keys.assign(opens_at=keys["as_of"] + pd.Timedelta(days=window.lead_days))
    found = _nearest(left, activity, at="opens_at", right_on="event_time", direction="forward")
    active = found["event_time"] < found["opens_at"] + pd.Timedelta(days=window.horizon_days)
    labels = pd.Series(np.where(active, STAYED, CHURNED), index=snapshots.index, dtype="str")
    return labels.where(keys["customer_id"].isin(activity["customer_id"].unique()), UNKNOWN)


def _activity_until(connection: duckdb.DuckDBPyConnection, until: pd.Timestamp) -> pd.DataFrame:
    return connection.execute(
        "select customer_id, event_time from activity where event_time < $until "
        "order by event_time",
        {"until": until.to_pydatetime()},
    ).df()
