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
#: Of so many who stay a row at the same place says that it is customary.
MIN_OTHERS = 10


def booked_back(lives: Lives) -> tuple[list[Finding], Check]:
    """Rows of leavers that stand out in one to three weeks at some distance before the exit.

    What leads to an exit swells and fades over weeks. A row that is written because of the exit
    and dated back stands at its own distance, with less on either side. So does the last invoice
    where contracts end with a billed period: rows on the beat of the customer's own rhythm that
    the exit keeps too were due anyway and do not count. Nor does what all have before a renewal,
    those who stay at the same age of their contract or on the same day.
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
            found = _bump(undue, seen, alarm=alarm)
            if found and not _customary(lives, signal, value, found, alarm=alarm):
                findings.append(_finding(signal, value, found))
    said = say("values_before_exits", looked=looked, leavers=leavers)
    return findings, concluded(CHECK, findings, seen=said)


_LEAVERS = f"""
select customer_id, started_at, exit_at from lives
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


#: Rows w of the leavers, and which are due: evenly spaced with those before, and from there it goes
#: on evenly to the exit.
_BEFORE_EXITS = f"""
l as ({_LEAVERS}),
g as (
    select *, date_diff('second', lag(own_at) over rows_of_one, own_at) / 86400.0 as gap
    from m where value is not null and customer_id in (select customer_id from l)
    window rows_of_one as (partition by customer_id, value order by own_at)
),
b as (
    select *, lag(gap) over (partition by customer_id, value order by own_at) as gap_before from g
),
e as (
    select b.*, l.started_at, date_diff('second', own_at, exit_at) / 86400.0 as left_after,
           cast(floor(date_diff('second', seen_at, exit_at) / 604800.0) as integer) as week
    from b join l on b.customer_id = l.customer_id and seen_at < exit_at
         and seen_at > exit_at - interval {7 * WEEKS} day
),
w as (
    select *, coalesce(gap >= {BEAT_DAYS} and round(left_after / gap) >= 1
           and abs(left_after - round(left_after / gap) * gap) <= {BEAT_OFF} * gap
           and (gap_before is null or abs(gap - gap_before) <= {BEAT_OFF} * gap), false) as due
    from e
)
"""


def _weeks_before(lives: Lives, signal: Signal) -> list[tuple[str, np.ndarray, np.ndarray]]:
    """By value: leavers by whole weeks before the exit, and those whose row was not due anyway."""
    if signal.table == TICKET_EVENTS.name and signal.column == "author":
        return []  # names of staff: too many to mean anything
    found = lives.rows(f"""
        with m as ({signal.query}), {_BEFORE_EXITS}
        select value, week, count(distinct customer_id) as seen,
               count(distinct customer_id) filter (not due) as undue
        from w group by 1, 2""")
    return [
        (str(value), *(rows.set_index("week")[column].reindex(range(WEEKS), fill_value=0).to_numpy(
            dtype=float) for column in ("seen", "undue")))
        for value, rows in found.groupby("value")
    ]  # fmt: skip


_BESIDE_THOSE_WHO_STAY = f"""
with m as (select * from ({{query}}) where value = $value), {_BEFORE_EXITS},
p as (
    select customer_id, own_at, own_at - started_at as age
    from w where not due and week >= $near // 7 and week < $far // 7
),
c as (
    select o.customer_id, o.started_at, coalesce(o.exit_at, o.over_at) as until,
           unnest([p.own_at, o.started_at + p.age]) as place, unnest(['day', 'age']) as kind
    from p join lives o on o.customer_id <> p.customer_id
),
d as (
    select c.kind, c.customer_id, date_diff('hour', c.place, m.own_at) / 24.0 as off
    from c join m on m.customer_id = c.customer_id
         and m.own_at between c.place - interval 18 day and c.place + interval 18 day
    where c.place >= c.started_at and c.place < c.until - interval {7 * WEEKS} day
)
select count(*) filter (abs(off) <= 3.5) as there,
       greatest(count(*) filter (off between -17.5 and -10.5),
                count(*) filter (off between 10.5 and 17.5)) as beside,
       count(distinct customer_id) filter (abs(off) <= 3.5) as others
from d group by kind
"""


def _customary(
    lives: Lives, signal: Signal, value: str, found: tuple[int, int, float], *, alarm: float
) -> bool:
    """Whether those who stay have such rows there too: at that age of the contract or that day."""
    near, far, _ = found
    seen = lives.rows(
        _BESIDE_THOSE_WHO_STAY.format(query=signal.query),
        {"value": value, "near": near, "far": far},
    )
    high = seen["there"] >= alarm * (seen["beside"] + 1)
    return bool((high & (seen["others"] >= MIN_OTHERS)).any())


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
