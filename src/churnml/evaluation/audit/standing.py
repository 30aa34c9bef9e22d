"""As of today: standing values of customers that know, long before, who will leave."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from churnml.contract import CUSTOMERS
from churnml.evaluation.audit.findings import Check, Finding, concluded
from churnml.evaluation.audit.leavers_only import lower_bound
from churnml.evaluation.audit.lives import Lives
from churnml.evaluation.audit.signals import LEVELS, Signal, signals
from churnml.evaluation.audit.words import say
from churnml.spoken import Spoken

CHECK = "as_of_today"
EVERY_DAYS = 28
SOON_DAYS = 56
#: Dozens of anchors times hundreds of values are looked at.
STRICT = 3.5
SOON_ALARM, SOON_LIFT = 0.5, 6.0
#: More carriers leave sooner or later than so many times the usual hazard could explain.
HAZARD_RATIO, CHANCE = 4.0, 3e-4
#: A value whose carriers never leave although so many exits were expected of them.
IMMUNE_EXPECTED, IMMUNE_SHARE = 15.0, 0.1
_SLOW = {"attribute_changes", "subscriptions", "contacts", "stages", "consents"}


@dataclass(frozen=True, slots=True)
class Carrier:
    """Those who carry a value at an instant, and what became of them."""

    value: str
    at: pd.Timestamp
    n: int
    soon: float
    n_soon: int
    ever: float
    usual_soon: float
    usual_ever: float


def as_of_today(lives: Lives, *, immutable: tuple[str, ...]) -> tuple[list[Finding], Check]:
    """Standing values (customer columns, attributes, plans, roles) that foretell the exit.

    A status of today, a segment code that encodes the outcome and a plan renamed at the end mark
    leavers however long before the exit one looks: of the carriers of the value at some instant
    nearly all leave, soon or sooner or later, and of the others few.
    """
    looked = 0
    findings: list[Finding] = []
    for signal in [*_columns(lives, immutable), *_slow_signals(lives)]:
        carried = _carriers(lives, signal)
        looked += len({one.value for one in carried})
        findings += _findings(signal, carried)
    return findings, concluded(CHECK, findings, seen=say("standing_values", looked=looked))


def telling(lives: Lives, signal: Signal) -> Spoken | None:
    """What the most telling value of a column says of its carriers; None where none tells."""
    return next(iter(_told(signal, _carriers(lives, signal)).values()), None)


def _columns(lives: Lives, immutable: tuple[str, ...]) -> Iterator[Signal]:
    known = {name: kind for name, kind in _customer_columns(lives) if name in immutable}
    for name, is_number in known.items():
        yield column_signal("customers", name, is_number=is_number)


def column_signal(source: str, name: str, *, is_number: bool) -> Signal:
    """The signal of a column of customers; nothing written is a value, too."""
    words = f"coalesce(cast(\"{name}\" as varchar), 'empty')"
    if is_number:
        words = f"""case when "{name}" is null then 'empty'
            when (select count(distinct "{name}") from {source}) <= {LEVELS}
            then cast("{name}" as varchar) else 'fifth ' || least(5, 1 + cast(floor(5 *
            percent_rank() over (order by "{name}" nulls last)) as integer)) end"""
    query = (
        f"select customer_id, {words} as value, greatest(signed_up_at, known_at) as seen_at "
        f"from {source}"
    )
    return Signal(CUSTOMERS.name, name, query)


def _customer_columns(lives: Lives) -> list[tuple[str, bool]]:
    described = lives.rows("describe customers")
    return [
        (str(name), str(kind) in ("DOUBLE", "BIGINT"))
        for name, kind in zip(described["column_name"], described["column_type"], strict=True)
    ]


def _slow_signals(lives: Lives) -> Iterator[Signal]:
    for signal in signals(lives):
        if signal.table in _SLOW and signal.column != "end_reason":
            yield signal


_CARRIERS = f"""
with m as ({{query}}),
firsts as (
    select customer_id, value, min(seen_at) as seen_at from m where value is not null group by 1, 2
),
anchors as (
    select unnest(generate_series($first, $edge, interval {EVERY_DAYS} day)) as anchor
),
risk as (
    select a.anchor, s.customer_id, s.exit_at is not null as gone,
           coalesce(s.exit_at < a.anchor + interval {SOON_DAYS} day, false) as soon,
           a.anchor + interval {SOON_DAYS} day <= s.over_at as followed
    from anchors a join lives s
    on a.anchor > s.started_at and a.anchor < coalesce(s.exit_at, s.over_at)
),
usual as (
    select anchor, avg(gone::int) as usual_ever,
           avg(soon::int) filter (soon or followed) as usual_soon
    from risk group by anchor
)
select f.value, r.anchor, count(*) as n, avg(r.gone::int) as ever, any_value(u.usual_ever)
       as usual_ever, count(*) filter (r.soon or r.followed) as n_soon,
       avg(r.soon::int) filter (r.soon or r.followed) as soon, any_value(u.usual_soon)
       as usual_soon
from risk r join firsts f on f.customer_id = r.customer_id and f.seen_at < r.anchor
join usual u on u.anchor = r.anchor
group by 1, 2 having count(*) >= 6 order by 1, 2
"""


def _carriers(lives: Lives, signal: Signal) -> list[Carrier]:
    found = lives.rows(
        _CARRIERS.format(query=signal.query),
        {"first": lives.first.to_pydatetime(), "edge": lives.edge.to_pydatetime()},
    )
    return [
        Carrier(
            row["value"], row["anchor"], row["n"], row["soon"], row["n_soon"], row["ever"],
            row["usual_soon"], row["usual_ever"],
        )
        for row in found.to_dict("records")
    ]  # fmt: skip


def _findings(signal: Signal, carried: list[Carrier]) -> Iterator[Finding]:
    """One finding for each value that tells."""
    known = "not_immutable" if signal.table == CUSTOMERS.name else "known_later"
    advice = say(known, table=signal.table, column=signal.column)
    for value, said in _told(signal, carried).items():
        yield signal.leak(CHECK, value, said=said, advice=advice)


def _told(signal: Signal, carried: list[Carrier]) -> dict[str, Spoken]:
    """What each value that tells says of its carriers, at the surest instant."""
    by_value: dict[str, list[Carrier]] = {}
    for one in carried:
        by_value.setdefault(one.value, []).append(one)
    said_of = {
        value: [text for one in ones for text in (_soon(one), _ever(one)) if text]
        for value, ones in by_value.items()
    }
    if signal.table == CUSTOMERS.name and not any(said_of.values()):
        said_of = {value: [t for t in (_immune(ones),) if t] for value, ones in by_value.items()}
    return {value: said[0] for value, said in said_of.items() if said}


def _soon(one: Carrier) -> Spoken | None:
    if one.n_soon < 6 or one.soon < SOON_LIFT * one.usual_soon:
        return None
    if lower_bound(one.soon, one.n_soon, z=STRICT) < SOON_ALARM:
        return None
    return say(
        "left_soon", n=one.n_soon, at=one.at, share=one.soon, days=SOON_DAYS, usual=one.usual_soon
    )


def _ever(one: Carrier) -> Spoken | None:
    from scipy.stats import binom

    gone = round(one.n * one.ever)
    explained = 1 - (1 - one.usual_ever) ** HAZARD_RATIO
    if one.ever < 0.5 or binom.sf(gone - 1, one.n, explained) > CHANCE:
        return None
    return say("left_ever", n=one.n, at=one.at, share=one.ever, usual=one.usual_ever)


def _immune(ones: list[Carrier]) -> Spoken | None:
    """Judged at the instant with the most expected exits."""
    one = max(ones, key=lambda each: each.n * each.usual_ever)
    expected, seen = one.n * one.usual_ever, one.n * one.ever
    if expected < IMMUNE_EXPECTED or seen > IMMUNE_SHARE * expected:
        return None
    return say("never_left", n=one.n, at=one.at, seen=seen, expected=expected)
