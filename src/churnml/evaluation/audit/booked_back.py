"""Booked back: rows that pile up at a fixed distance before the exit."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

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
#: A rhythm has so many days from beat to beat or more; a beat may be off by this share of them.
BEAT_DAYS, BEAT_OFF = 10, 0.15


def booked_back(lives: Lives) -> tuple[list[Finding], Check]:
    """Rows of leavers that stand out in one to three weeks at some distance before the exit.

    What leads to an exit swells and fades over weeks. A row that is written because of the exit
    and dated back stands at its own distance, with less on either side. So does the last invoice
    where contracts end with a billed period: rows on the beat of the customer's own rhythm that
    the exit keeps too were due anyway and do not count.
    """
    leavers = _leavers(lives)
    if leavers < MIN_LEAVERS:
        return [], Check(CHECK, None, say("few_leavers", leavers=leavers, weeks=WEEKS))
    looked, findings = 0, []
    for signal in [*_tables(lives), *signals(lives)]:
        weeks = _weeks_before(lives, signal)
        looked += len(weeks)
        for value, seen, undue in weeks:
            alarm = ALARM if value == ANY_ROW else ALARM_OF_A_VALUE
            if found := _bump(undue, seen, alarm=alarm):
                findings.append(_finding(signal, value, found))
    said = say("values_before_exits", looked=looked, leavers=leavers)
    return findings, concluded(CHECK, findings, seen=said)


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
            query = (
                f"select customer_id, '{ANY_ROW}' as value, {own} as seen_at, "
                f'"{table.time}" as own_at from "{name}"'
            )
            yield Signal(name, table.time, query)


#: Rows that are due: evenly spaced with those before, and from there it goes on evenly to the exit.
_DUE = f"""
gap >= {BEAT_DAYS} and round(left_after / gap) >= 1
and abs(left_after - round(left_after / gap) * gap) <= {BEAT_OFF} * gap
and (gap_before is null or abs(gap - gap_before) <= {BEAT_OFF} * gap)
"""


def _weeks_before(lives: Lives, signal: Signal) -> list[tuple[str, np.ndarray, np.ndarray]]:
    """By value: leavers by whole weeks before the exit, and those whose row was not due anyway."""
    if signal.table == TICKET_EVENTS.name and signal.column == "author":
        return []  # names of staff: too many to mean anything
    found = lives.rows(f"""
        with m as ({signal.query}), l as ({_LEAVERS}),
        g as (
            select *, date_diff('second', lag(own_at) over rows_of_one, own_at) / 86400.0 as gap
            from m where value is not null and customer_id in (select customer_id from l)
            window rows_of_one as (partition by customer_id, value order by own_at)
        ),
        b as (
            select *, lag(gap) over (partition by customer_id, value order by own_at) as gap_before
            from g
        ),
        w as (
            select b.*, date_diff('second', own_at, exit_at) / 86400.0 as left_after,
                   cast(floor(date_diff('second', seen_at, exit_at) / 604800.0) as integer) as week
            from b join l on b.customer_id = l.customer_id and seen_at < exit_at
                 and seen_at > exit_at - interval {7 * WEEKS} day
        )
        select value, week, count(distinct customer_id) as seen,
               count(distinct customer_id) filter (not coalesce({_DUE}, false)) as undue
        from w group by 1, 2""")
    return [
        (str(value), *(rows.set_index("week")[column].reindex(range(WEEKS), fill_value=0).to_numpy(
            dtype=float) for column in ("seen", "undue")))
        for value, rows in found.groupby("value")
    ]  # fmt: skip


def _bump(undue: np.ndarray, seen: np.ndarray, *, alarm: float) -> tuple[int, int, float] | None:
    """First and last day before the exit of a stretch that stands out, and how much.

    What is left without the rows that were due is held against all rows beside it.
    """
    best: tuple[float, tuple[int, int, float]] | None = None
    for width in WIDTHS:
        for start in range(width, WEEKS - 2 * width + 1):
            inside = undue[start : start + width].sum()
            after = seen[start - width : start].sum()
            before = seen[start + width : start + 2 * width].sum()
            side = max(after, before)
            ratio, sure = inside / (side + 1), (inside - side) / np.sqrt(inside + side + 1)
            if ratio >= alarm and sure >= STRICT and (best is None or sure > best[0]):
                best = (float(sure), (7 * start, 7 * (start + width), float(ratio)))
    return None if best is None else best[1]


def _finding(signal: Signal, value: str, found: tuple[int, int, float]) -> Finding:
    near, far, ratio = found
    return signal.leak(CHECK, value, ratio=ratio, near=near, far=far)
