"""What replays of the queue are worth: revenue caught in time, profit of contacts, best load."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from churnml.alerting.queue import DAY_US, Around, Floats, Integers, Policy, floors, replay
from churnml.evaluation.leads import (
    FOLLOWED_WITHIN_DAYS,
    USEFUL_FROM_DAYS,
    Outlook,
    best_notices,
    scored_keys,
)
from churnml.evaluation.profit import Offer

#: Loads whose profit is compared, beside the policy's own.
BUDGETS = (0.005, 0.01, 0.02, 0.05, 0.1)
OF_THE_QUEUE = (
    "value_at_risk_caught_per_100_contacts",
    "share_of_value_caught",
    "profit_per_contact",
    "profit_per_week",
    "contacts_per_week",
)

Flags: TypeAlias = npt.NDArray[np.bool_]
_USEFUL = USEFUL_FROM_DAYS * DAY_US
_FOLLOWED = FOLLOWED_WITHIN_DAYS * DAY_US


@dataclass(frozen=True, slots=True)
class Worth:
    """Annual revenue of every tested cell, and of every exit when it could still be saved.

    Parameters
    ----------
    ahead : Outlook
    cells : array of float, shape (n_as_ofs, n_customers)
        As known at the as_of; NaN where unknown or not tested.
    exits : array of float, shape (n_customers, n_places)
        As known at the last tested as_of at least 21 days before the exit: the same for all scores.
    offer : Offer
    """

    ahead: Outlook
    cells: Floats
    exits: Floats
    offer: Offer

    @classmethod
    def of(cls, ahead: Outlook, revenue: pd.Series, *, offer: Offer) -> Worth:
        """The revenue of the outlook's rows, in their order, laid out on its grid."""
        grid = ahead.grid
        cells = np.full(grid.shape, np.nan)
        cells[grid.row_as_of, grid.row_customer] = revenue.to_numpy(dtype=float)
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

    def _first_useful(
        self, lines: Integers, columns: Integers, drawn: Integers
    ) -> npt.NDArray[np.bool_]:
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


@dataclass(frozen=True, slots=True)
class Budgets:
    """Replays of one or more scores at every load, in money."""

    worth: Worth
    keys: tuple[Floats, ...]
    policies: Mapping[str, Policy]
    floors: Mapping[str, Floats]
    around: Around | None

    @classmethod
    def of(
        cls,
        worth: Worth,
        scores: Sequence[pd.DataFrame],
        *,
        policy: Policy,
        around: Around | None,
    ) -> Budgets:
        """The budgets of the policy's own load and of those that are compared with it."""
        ahead = worth.ahead
        keys = tuple(scored_keys(ahead, one) for one in scores)
        loads = sorted({*BUDGETS, policy.q})
        policies = {f"{q:g}": replace(policy, q=q) for q in loads}
        lowest = {
            name: np.min([floors(one, ahead.grid.times, at_load) for one in keys], axis=0)
            for name, at_load in policies.items()
        }
        return cls(worth, keys, policies, lowest, around)

    def figures(self, member: int, drawn: Integers, ties: Floats) -> dict[str, float]:
        """Figures by load, as ``q:name``, and the load that earns most."""
        keys = self.keys[member][:, drawn] + ties
        around = None if self.around is None else self.around.drawn(drawn)
        times = self.worth.ahead.grid.times
        found: dict[str, float] = {}
        profits: dict[str, float] = {}
        for q, policy in self.policies.items():
            alerts = replay(keys, times, policy, floors=self.floors[q], around=around)
            at_load = self.worth.figures(*alerts, drawn)
            profits[q] = at_load["profit_per_week"]
            found |= {f"{q}:{name}": value for name, value in at_load.items()}
        return found | {"optimal_q": _best(profits)}


def _best(profits: Mapping[str, float]) -> float:
    """The load with the highest profit; 0 if every one loses money."""
    if any(np.isnan(list(profits.values()))):
        return np.nan
    best = max(profits, key=lambda q: profits[q])
    return float(best) if profits[best] > 0 else 0.0


def _per(amount: float, number: float) -> float:
    return float(amount / number) if number else math.nan
