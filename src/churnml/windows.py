"""Half-open time: windows of the past end before the as_of, label windows begin after it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd

from churnml import arguments
from churnml.errors import InputError

DAY = pd.Timedelta(days=1)
WEEK_DAYS = 7


@dataclass(frozen=True, slots=True)
class LabelWindow:
    """The days after the as_of in which leaving counts: ``[as_of + lead, as_of + lead + horizon)``.

    Parameters
    ----------
    lead_days : int
        Days between the as_of and the start of the window.
    horizon_days : int
        Length of the window.
    delay_days : int
        Days after an exit until it is certain (grace of a contract, silence of an inactivity).

    Raises
    ------
    InputError
        If one is negative, or the window is empty.

    Examples
    --------
    >>> window = ch.LabelWindow(lead_days=21, horizon_days=28, delay_days=14)
    >>> window.end_days, window.closing_days
    (49, 63)
    """

    lead_days: int
    horizon_days: int
    delay_days: int = 0

    def __post_init__(self) -> None:
        for name, least in (("lead_days", 0), ("horizon_days", 1), ("delay_days", 0)):
            days = getattr(self, name)
            if not isinstance(days, Integral) or int(days) < least:
                raise InputError(f"{name} is {days!r}; expected whole days, {least} or more.")

    @property
    def end_days(self) -> int:
        """Days between the as_of and the end of the window (exclusive)."""
        return self.lead_days + self.horizon_days

    @property
    def closing_days(self) -> int:
        """Days after the as_of until the label is complete: the window and the label delay."""
        return self.end_days + self.delay_days

    def closed(self, as_ofs: pd.Series, *, observed_until: pd.Timestamp) -> pd.Series:
        """Whether the label of each as_of is complete at the right edge of the data.

        Parameters
        ----------
        as_ofs : Series of datetime64, shape (n_snapshots,)
        observed_until : Timestamp
            Right edge of the data, exclusive.

        Returns
        -------
        Series of bool, shape (n_snapshots,)

        Examples
        --------
        >>> window = LabelWindow(lead_days=21, horizon_days=28, delay_days=14)
        >>> window.closed(pd.Series([pd.Timestamp("2026-01-01")]),
        ...               observed_until=pd.Timestamp("2026-03-05")).item()
        True
        """
        return as_ofs + pd.Timedelta(days=self.closing_days) <= observed_until

    def contains(self, notice_days: pd.Series) -> pd.Series:
        """Whether an exit so many days after the as_of falls into the window (NaN: it does not)."""
        return (notice_days >= self.lead_days) & (notice_days < self.end_days)


def weekly(
    first: pd.Timestamp, until: pd.Timestamp, *, every_days: int = WEEK_DAYS
) -> pd.DatetimeIndex:
    """Instants ``first, first + every, ...`` strictly before ``until``.

    Parameters
    ----------
    first, until : Timestamp
        Naive UTC.
    every_days : int
        Days from one to the next.

    Returns
    -------
    DatetimeIndex

    Raises
    ------
    InputError
        If one is no naive UTC Timestamp, or ``until`` lies before ``first``.

    Examples
    --------
    >>> weekly(pd.Timestamp("2026-01-01"), pd.Timestamp("2026-01-15")).day.tolist()
    [1, 8]
    """
    arguments.moment(first, what="first")
    arguments.moment(until, what="until")
    if until < first:
        raise InputError(
            f"until is {until}, before first, {first}. Expected weekly(first, until), the earlier "
            "one first."
        )
    return pd.date_range(first, until, freq=pd.Timedelta(days=every_days), inclusive="left")


def instant(moment: Any, *, zone: str | None = None) -> pd.Timestamp:
    """Naive UTC instant of a date (midnight in the zone) or of a time (naive: in the zone).

    Parameters
    ----------
    moment : date, datetime, Timestamp or str
        A text begins with the year: 01.02.2024 is in January for some, in February for others.
    zone : str, optional
        Needed unless the moment carries one.

    Returns
    -------
    Timestamp

    Raises
    ------
    InputError
        If it is no time, or nothing says in which zone.

    Examples
    --------
    >>> ch.instant("2025-11-01", zone="Europe/Berlin")
    Timestamp('2025-10-31 23:00:00')
    """
    stamp = _stamp(moment)
    if stamp is pd.NaT:
        raise InputError(
            f"{moment!r} is no time. Expected a date such as 2026-03-01 or an ISO time."
        )
    if stamp.tzinfo is None and zone is None:
        raise InputError(
            f"{moment!r} carries no zone, and none is given. Say in which: "
            f"churnml.instant({str(moment)!r}, zone=dataset.description.timezone)."
        )
    if stamp.tzinfo is None:
        # Where the clock changes at midnight a day begins with its first instant.
        stamp = stamp.tz_localize(zone, ambiguous=True, nonexistent="shift_forward")
    return stamp.tz_convert("UTC").tz_localize(None).as_unit("us")


def _stamp(moment: Any) -> Any:
    """The moment as pandas has it; NaT where it is none, or a number (nanoseconds since 1970)."""
    try:
        known = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    except ValueError:
        return pd.NaT
    return pd.Timestamp(known) if isinstance(known, date | np.datetime64) else pd.NaT


def naive_utc(instant: pd.Timestamp) -> pd.Timestamp:
    """The instant as naive UTC; without a zone it already is."""
    return instant if instant.tzinfo is None else instant.tz_convert("UTC").tz_localize(None)


def local(moment: pd.Timestamp, *, zone: str) -> pd.Timestamp:
    """What the clock in the zone shows at a naive UTC instant: how days are told to a user.

    Examples
    --------
    >>> local(pd.Timestamp("2025-10-31 23:00"), zone="Europe/Berlin")
    Timestamp('2025-11-01 00:00:00')
    """
    return moment.tz_localize("UTC").tz_convert(zone).tz_localize(None)
