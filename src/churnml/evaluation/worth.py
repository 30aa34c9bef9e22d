"""What one replay of the queue is worth: revenue caught in time, profit of its contacts."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from churnml.alerting.queue import DAY_US, Floats, Integers
from churnml.evaluation.leads import (
    FOLLOWED_WITHIN_DAYS,
    USEFUL_FROM_DAYS,
    Outlook,
    best_notices,
)
from churnml.evaluation.profit import Offer

_USEFUL = USEFUL_FROM_DAYS * DAY_US
_FOLLOWED = FOLLOWED_WITHIN_DAYS * DAY_US


@dataclass(frozen=True, slots=True)
class Worth:
    """Value of every tested cell, and of every exit, as known when it could still be saved.

    Parameters
    ----------
    ahead : Outlook
    cells : array of float, shape (n_as_ofs, n_customers)
        Value of the customer as known at the as_of; NaN where unknown or not tested.
    exits : array of float, shape (n_customers, n_places)
        Value at the last tested as_of at least 21 days before the exit: the same for every score.
    offer : Offer
    """

    ahead: Outlook
    cells: Floats
    exits: Floats
    offer: Offer

    @classmethod
    def of(cls, ahead: Outlook, values: pd.Series, *, offer: Offer) -> Worth:
        """The values of tested rows laid out on the grid of the outlook (same rows, same order)."""
        grid = ahead.grid
        cells = np.full(grid.shape, np.nan)
        cells[grid.row_as_of, grid.row_customer] = values.to_numpy(dtype=float)
        tested = np.zeros(grid.shape, dtype=bool)
        tested[grid.row_as_of, grid.row_customer] = True
        exits = np.full(ahead.counted.shape, np.nan)
        for line in range(grid.shape[0]):
            there = np.flatnonzero(tested[line] & (ahead.notice[line] >= _USEFUL))
            exits[there, ahead.place[line, there]] = cells[line, there]
        return cls(ahead, cells, exits, offer)

    def figures(self, lines: Integers, columns: Integers, drawn: Integers) -> dict[str, float]:
        """Figures of one replay, NaN where one cannot be computed.

        Contacts are the alerts whose 84 days and label delay are over. A second useful alert of the
        same exit catches and saves nothing more, but costs.

        Parameters
        ----------
        lines, columns : arrays of int, shape (n_alerts,)
            Alerted cells in time order; the columns count the drawn customers.
        drawn : array of int
            Customers of a resample, or all.
        """
        ahead = self.ahead
        judged = ahead.judged[lines]
        lines_judged, columns_judged = lines[judged], columns[judged]
        useful = self._first_useful(lines_judged, columns_judged, drawn)
        customers = drawn[columns_judged]
        places = ahead.place[lines_judged, customers]
        caught = self.exits[customers, places][useful]
        value = self.cells[lines_judged, customers]
        gains = self.offer.gains(useful, value)
        known, weeks = ~np.isnan(value), ahead.weeks * ahead.judged.mean()
        return {
            "value_at_risk_caught_per_100_contacts": _per(100 * np.nansum(caught), len(useful)),
            "share_of_value_caught": self._share(lines, columns, drawn),
            "profit_per_contact": _per(gains[known].sum(), int(known.sum())),
            "profit_per_week": _per(gains[known].sum(), weeks),
            "contacts_per_week": _per(len(lines), ahead.weeks),
        }

    def _first_useful(self, lines: Integers, columns: Integers, drawn: Integers) -> np.ndarray:
        """Whether each alert is the first useful one of its exit."""
        customers = drawn[columns]
        notice = self.ahead.notice[lines, customers]
        inside = np.flatnonzero((notice >= _USEFUL) & (notice < _FOLLOWED))
        places = self.ahead.place[lines[inside], customers[inside]]
        exits = columns[inside] * self.exits.shape[1] + places
        first = np.zeros(len(lines), dtype=bool)
        first[inside[np.unique(exits, return_index=True)[1]]] = True
        return first

    def _share(self, lines: Integers, columns: Integers, drawn: Integers) -> float:
        """Revenue of the exits that recall counts and the queue caught, as a share of all of it."""
        caught = best_notices(self.ahead, lines, columns, drawn) >= _USEFUL
        value = np.where(self.ahead.counted, self.exits, np.nan)[drawn]
        return _per(np.nansum(value[caught]), float(np.nansum(value)))


def _per(amount: float, number: float) -> float:
    return float(amount / number) if number else math.nan
