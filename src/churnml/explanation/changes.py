"""How a value went over the weeks before: from what, to what, since when."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

Vector = npt.NDArray[np.float64]

#: A smaller change, as a share of the earlier level, is no news.
LEAST_CHANGE = 0.15


@dataclass(frozen=True)
class Change:
    """From the customer's own earlier level to the present one.

    Parameters
    ----------
    was : float or None
        Median of the earlier weeks before the change; None where no earlier week is known.
    now : float
    since : Timestamp or None
        First weekly as_of of the run that lasts until now (naive UTC); None without a change, or
        where the first of the weeks looked at is part of the run.
    weeks : int
        Earlier weeks that are known.
    """

    was: float | None
    now: float
    since: pd.Timestamp | None
    weeks: int

    @property
    def changed(self) -> bool:
        """Whether the present level differs from the earlier one."""
        return self.was is not None and self.since is not None

    def risky(self, risk: int) -> bool:
        """Whether the change points to where the feature is riskier."""
        return self.changed and risk * (self.now - (self.was or 0.0)) > 0


@dataclass(frozen=True)
class Peers:
    """What a level is held against where no change is told.

    Parameters
    ----------
    usual : float
        Median of all customers at the as_of.
    is_new : bool
        Whether the customer is known for too few weeks to be held against an own past.
    """

    usual: float
    is_new: bool = False


def change_of(values: Vector, times: pd.DatetimeIndex) -> Change | None:
    """The change in a row of weekly values; None where the present value is unknown.

    The weeks are parted where the two parts are closest to their own medians; the earlier median
    is what was. The change began with the first week of the unbroken run, up to now, of values
    beyond it on the present side.

    Parameters
    ----------
    values : array, shape (n_weeks,)
        Oldest first; the last is the present one; NaN where unknown.
    times : DatetimeIndex, shape (n_weeks,)
    """
    known = np.flatnonzero(~np.isnan(values))
    if not len(known) or known[-1] != len(values) - 1:
        return None
    told = values[known]
    now, weeks = float(told[-1]), len(told) - 1
    if not weeks:
        # What nobody knew before and is known now came in the last week, if there was an earlier.
        return Change(None, now, None, 0)
    if (told == now).all():  # so are most, and looking for a parting is what takes time
        return Change(now, now, None, weeks)
    start = _parting(told)
    was = level(told[:start])
    noise = level(np.abs(told[:start] - was))
    if abs(now - was) <= max(LEAST_CHANGE * abs(was), noise):
        return Change(level(told[:-1]), now, None, weeks)
    beyond = np.sign(now - was) * (told - was) > 0
    inside = np.flatnonzero(~beyond[start:])
    first = start + (int(inside[-1]) + 1 if len(inside) else 0)
    return Change(was, now, times[known[first]], weeks)


def level(told: Vector) -> float:
    """The median; of an even number the lower middle one, so that it was really there."""
    return float(np.sort(told)[(len(told) - 1) // 2])


def _parting(told: Vector) -> int:
    """Length of the earlier part; the earliest parting of equals."""
    costs = [
        np.abs(told[:size] - level(told[:size])).sum()
        + np.abs(told[size:] - level(told[size:])).sum()
        for size in range(1, len(told))
    ]
    return int(np.argmin(np.round(costs, 9))) + 1
