"""The company's calendar: holidays, outages, releases, and how busy each day is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from churnml.sources.world.parameters import DAY, HOUR, WEEK, Floats, Ints, World
from churnml.sources.world.words import Words

#: Share of the usual activity by weekday, Monday first.
WEEKDAYS = np.array([1.05, 1.15, 1.15, 1.10, 0.95, 0.15, 0.10])
HOLIDAY_ACTIVITY = 0.25
OUTAGE_ACTIVITY = 0.10


@dataclass(frozen=True)
class Calendar:
    """Rows of the calendar table with times in seconds from the start of the world."""

    kind: list[str]
    starts: Floats
    ends: Floats
    scope: list[str]

    def _rows(self, kind: str, scopes: tuple[str, ...]) -> Ints:
        hits = [k == kind and s in scopes for k, s in zip(self.kind, self.scope, strict=True)]
        return np.flatnonzero(hits)

    @property
    def outage_weeks(self) -> Ints:
        """Weeks in which an outage begins."""
        return np.unique(self.starts[self._rows("outage", ("all",))] // WEEK).astype(np.int64)

    @property
    def release_weeks(self) -> Ints:
        """Weeks in which a release comes out."""
        return np.unique(self.starts[self._rows("release", ("all",))] // WEEK).astype(np.int64)

    def activity(self, times: Floats, *, language: str) -> Floats:
        """Share of the usual activity at each time: low on holidays, next to nothing in outages."""
        share = np.ones(len(times))
        for row in self._rows("holiday", ("all", language)):
            share[(times >= self.starts[row]) & (times < self.ends[row])] = HOLIDAY_ACTIVITY
        for row in self._rows("outage", ("all",)):
            share[(times >= self.starts[row]) & (times < self.ends[row])] = OUTAGE_ACTIVITY
        return share


def draw_calendar(world: World, words: Words, rng: np.random.Generator) -> Calendar:
    """The calendar of a world."""
    years = world.weeks * WEEK / (365 * DAY)
    outages = (
        _spread(world, years * world["season"]["outages_per_year"], rng) + rng.uniform(8, 16) * HOUR
    )
    releases = _spread(world, years * world["season"]["releases_per_year"], rng) + 9 * HOUR
    rows = [("outage", t, t + rng.uniform(2, 14) * HOUR, "all") for t in outages.tolist()]
    rows += [("release", t, float("nan"), "all") for t in releases.tolist()]
    rows += _holidays(world, words)
    rows.sort(key=lambda row: (row[1], row[0]))
    kind, starts, ends, scope = zip(*rows, strict=True)
    return Calendar(list(kind), np.round(np.array(starts)), np.round(np.array(ends)), list(scope))


def _spread(world: World, number: float, rng: np.random.Generator) -> Floats:
    """Midnights of that many working days, spread over the time."""
    days = world.weeks * 7
    drawn = np.unique(np.floor(rng.uniform(0, days, size=max(1, round(number)))))
    return np.asarray(drawn[drawn % 7 < 5] * DAY)


def _holidays(world: World, words: Words) -> list[tuple[str, float, float, str]]:
    last = world.start + pd.Timedelta(days=7 * world.weeks)
    rows = []
    for year in range(world.start.year, last.year + 1):
        for _, month, day, length, scope in words.names["holidays"]["list"]:
            begins = (pd.Timestamp(year, month, day) - world.start).total_seconds()
            if 0 <= begins < world.end_seconds:
                rows.append(("holiday", begins, begins + length * DAY, scope))
    return rows


def draw_instants(begins: Floats, rng: np.random.Generator) -> Floats:
    """A working-time instant in the week that begins at each of ``begins`` (midnight, Monday)."""
    day = np.searchsorted(np.cumsum(WEEKDAYS / WEEKDAYS.sum()), rng.random(len(begins))).clip(max=6)
    hour = (7.0 + 13.0 * rng.beta(2.0, 2.4, size=len(begins))) * HOUR
    return np.asarray(np.round(begins + day * DAY + hour + rng.uniform(0, 60, size=len(begins))))
