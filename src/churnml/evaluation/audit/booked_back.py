"""Booked back: rows that pile up at a fixed distance before the exit."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from churnml.contract import CUSTOMERS, INTERVENTIONS, TABLES, TICKET_EVENTS
from churnml.evaluation.audit.findings import Check, Finding, concluded
from churnml.evaluation.audit.lives import Lives
from churnml.evaluation.audit.signals import Signal, signals
from churnml.evaluation.audit.words import say

CHECK = "booked_back"
WEEKS = 14
#: How much higher than both neighbours a stretch is, and how sure that must be. Honest rows of a
#: whole table swell and fade: they reach 2 on few rows, never with such certainty. One honest value
#: (complaints of a large company) reaches 2.4; what is booked back has next to nothing beside it.
ANY_ROW = "any row"
ALARM, ALARM_OF_A_VALUE, STRICT = 2.1, 3.0, 4.5
WIDTHS = (1, 2, 3)
MIN_LEAVERS = 30


def booked_back(lives: Lives) -> tuple[list[Finding], Check]:
    """Rows of leavers that stand out in one to three weeks at some distance before the exit.

    What leads to an exit swells and fades over weeks. A row that is written because of the exit
    and dated back stands at its own distance, with less on either side.
    """
    leavers = _leavers(lives)
    if leavers < MIN_LEAVERS:
        return [], Check(CHECK, None, say("few_leavers", leavers=leavers, weeks=WEEKS))
    looked, findings = 0, []
    for signal in [*_tables(lives), *signals(lives)]:
        weeks = _weeks_before(lives, signal)
        looked += len(weeks)
        for value, row in weeks.iterrows():
            alarm = ALARM if value == ANY_ROW else ALARM_OF_A_VALUE
            if found := _bump(row.to_numpy(dtype=float), alarm=alarm):
                findings.append(_finding(signal, str(value), found))
    seen = say("values_before_exits", looked=looked, leavers=leavers)
    return findings, concluded(CHECK, findings, seen=seen)


_LEAVERS = f"""
select customer_id, exit_at from lives
where exit_at is not null and exit_at - interval {7 * WEEKS} day > started_at
"""


def _leavers(lives: Lives) -> int:
    return len(lives.rows(_LEAVERS))


def _tables(lives: Lives) -> Iterator[Signal]:
    """Any row of a table at all."""
    for name, table in TABLES.items():
        linked = any(column.name == "customer_id" for column in table.columns)
        if name in lives.tables and linked and table not in (CUSTOMERS, INTERVENTIONS):
            own = f'greatest("{table.time}", known_at)'
            query = f"select customer_id, '{ANY_ROW}' as value, {own} as seen_at from \"{name}\""
            yield Signal(name, table.time, query)


def _weeks_before(lives: Lives, signal: Signal) -> pd.DataFrame:
    """Leavers by value (rows) and whole weeks before the exit (columns)."""
    if signal.table == TICKET_EVENTS.name and signal.column == "author":
        return pd.DataFrame()  # names of staff: too many to mean anything
    found = lives.rows(f"""
        with m as ({signal.query}), l as ({_LEAVERS})
        select m.value, cast(floor(date_diff('second', m.seen_at, l.exit_at) / 604800.0) as integer)
               as week, count(distinct m.customer_id) as n
        from m join l on m.customer_id = l.customer_id and m.seen_at < l.exit_at
             and m.seen_at > l.exit_at - interval {7 * WEEKS} day
        where m.value is not null group by 1, 2""")
    if found.empty:
        return pd.DataFrame()
    table = found.pivot_table(index="value", columns="week", values="n", fill_value=0)
    return table.reindex(columns=range(WEEKS), fill_value=0)


def _bump(weeks: np.ndarray, *, alarm: float) -> tuple[int, int, float] | None:
    """First and last day before the exit of a stretch that stands out, and how much."""
    best: tuple[float, tuple[int, int, float]] | None = None
    for width in WIDTHS:
        for start in range(width, WEEKS - 2 * width + 1):
            inside = weeks[start : start + width].sum()
            after = weeks[start - width : start].sum()
            before = weeks[start + width : start + 2 * width].sum()
            side = max(after, before)
            ratio, sure = inside / (side + 1), (inside - side) / np.sqrt(inside + side + 1)
            if ratio >= alarm and sure >= STRICT and (best is None or sure > best[0]):
                best = (float(sure), (7 * start, 7 * (start + width), float(ratio)))
    return None if best is None else best[1]


def _finding(signal: Signal, value: str, found: tuple[int, int, float]) -> Finding:
    near, far, ratio = found
    return signal.leak(CHECK, value, ratio=ratio, near=near, far=far)
