"""The right edge of the data: until when the company was really observed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median

import pandas as pd

from churnml.contract import TABLES
from churnml.sources.description import Description
from churnml.sources.mapping import Plan
from churnml.sources.workshop import Workshop, quoted
from churnml.windows import local

#: Rows so long after an estimated edge are kept: a feed fades in days, a broken clock jumps years.
GRACE_DAYS = 28
_NO_DAY = date(1970, 1, 1)
_SPAN_BUCKETS = {1: 56, 7: 8, 28: 4}


@dataclass(frozen=True, slots=True)
class Edge:
    """Where observation ends.

    Parameters
    ----------
    observed_until : Timestamp
        Naive UTC, exclusive.
    limit : Timestamp
        Rows from here on are quarantined.
    declared : bool
        Whether dataset.toml states it.
    day : str
        The day of ``observed_until`` in the zone of the data, as dataset.toml would state it.
    """

    observed_until: pd.Timestamp
    limit: pd.Timestamp
    declared: bool
    day: str


def find_edge(
    shop: Workshop,
    plans: dict[str, Plan],
    description: Description,
    *,
    known_until: pd.Timestamp | None,
) -> Edge:
    """The declared edge, else the midnight after the last day at half the usual volume.

    The volume of a day is the number of rows of all event-like tables whose own time lies in it
    (of all tables, where none is event-like); the usual volume of a day is the median over the 56
    days up to it. Where most days are empty, weeks (8) or four weeks (4) take the place of days.
    """
    if description.observed_until is not None:
        instant = description.instant(description.observed_until)
        observed = instant if known_until is None else min(instant, known_until)
        return Edge(observed, instant, declared=True, day=_day(observed, description))
    volume = _volume(shop, plans)
    last = last_usual_day(volume) if volume else _NO_DAY
    instant = description.instant(last + timedelta(days=1))
    observed = instant if known_until is None else min(instant, known_until)
    limit = instant + pd.Timedelta(days=GRACE_DAYS)
    return Edge(observed, limit, declared=False, day=_day(observed, description))


def _day(observed: pd.Timestamp, description: Description) -> str:
    return f"{local(observed, zone=description.timezone):%Y-%m-%d}"


def _volume(shop: Workshop, plans: dict[str, Plan]) -> list[tuple[date, int]]:
    eventful = [name for name in plans if TABLES[name].event_like]
    for names in (eventful, list(plans)):
        days: Counter[date] = Counter()
        for name in names:
            days.update(dict(shop.at(name).rows(_daily(name, plans[name]))))
        if days:
            return sorted(days.items())
    return []


def _daily(name: str, plan: Plan) -> str:
    own = quoted(TABLES[name].time)
    day = own if plan.zone_is_utc else f"({own} at time zone 'UTC')"
    return (
        f"select cast({day} as DATE) as day, count(*) as n from {quoted(name)} "
        f"where _faults & {plan.row_mask} = 0 group by 1"
    )


def last_usual_day(volume: Sequence[tuple[date, int]]) -> date:
    """The last day that still ran at half the usual volume.

    Parameters
    ----------
    volume : sequence of (date, int)
        Rows per day, days without rows left out, in order.

    Examples
    --------
    >>> days = [date(2026, 1, 1) + timedelta(days=d) for d in range(30)]
    >>> last_usual_day([*((day, 100) for day in days), (date(2026, 1, 31), 7)])
    datetime.date(2026, 1, 30)
    """
    for width, span in _SPAN_BUCKETS.items():
        buckets = _bucketed(volume, width)
        if width > 1 or _mostly_filled(buckets):
            found = _last_usual(buckets, span)
            if found is not None and (width == 28 or _mostly_filled(buckets)):
                return max(day for day, _ in volume if day.toordinal() // width == found)
    return volume[-1][0]


def _bucketed(volume: Sequence[tuple[date, int]], width: int) -> dict[int, int]:
    buckets: dict[int, int] = {}
    for day, rows in volume:
        bucket = day.toordinal() // width
        buckets[bucket] = buckets.get(bucket, 0) + rows
    return buckets


def _mostly_filled(buckets: dict[int, int]) -> bool:
    """Whether most buckets hold rows in the range of the central 98% of the rows."""
    total, seen = sum(buckets.values()), 0
    central: list[int] = []
    for bucket in sorted(buckets):
        if seen + buckets[bucket] > total * 0.01 and seen < total * 0.99:
            central.append(bucket)
        seen += buckets[bucket]
    return 2 * len(central) > central[-1] - central[0] + 1


def _last_usual(buckets: dict[int, int], span: int) -> int | None:
    first = min(buckets)
    for bucket in sorted(buckets, reverse=True):
        recent = range(max(first, bucket - span + 1), bucket + 1)
        usual = median(buckets.get(each, 0) for each in recent)
        if usual > 0 and 2 * buckets[bucket] >= usual:
            return bucket
    return None
