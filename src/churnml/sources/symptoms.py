"""Signs that a feed is ill although each row looks well: findings only, no row is removed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import pandas as pd

from churnml.sources.dataset import Finding
from churnml.sources.edge import Edge
from churnml.sources.mapping import Plan, day_start, timestamp
from churnml.sources.workshop import Workshop, quoted

DEAD_AFTER_DAYS = 28
_WATCHED = {"events", "tickets", "ticket_events", "messages", "invoices", "outreach", "surveys"}
_MIN_ROWS = 20
_JUMP_SHARE = 0.01
_JUMP_ROWS = 30
_LATE_SHARE = 0.01
#: With so many exits expected and none seen, chance is ruled out (e ** -10).
_MISSING_EXITS = 10
_LONG_BEFORE_DAYS = 180


def find_symptoms(shop: Workshop, plans: dict[str, Plan], edge: Edge) -> list[Finding]:
    """Dead feeds, late arrival, clock jumps and survivorship in the cleaned tables."""
    found: list[Finding] = []
    for name, plan in plans.items():
        if name in _WATCHED:
            found += _dead_feed(shop, plan, edge, others=[p for p in plans if p != name])
        found += _late_arrival(shop, plan)
        if plan.table.event_like:
            found += _clock_jump(shop, plan)
    if {"customers", "subscriptions"} <= set(plans):
        found += _no_early_exits(shop, edge)
    return found


def _dead_feed(shop: Workshop, plan: Plan, edge: Edge, *, others: list[str]) -> Iterator[Finding]:
    """Silent for four weeks, and four times longer than between any two of its usual days."""
    name, own = quoted(plan.table.name), quoted(plan.table.time)
    rows, days, first, last = shop.rows(
        f"select count(*), count(distinct cast({own} as DATE)), min({own}), max({own}) from {name} "
        f"where {own} < {timestamp(edge.observed_until)}"
    )[0]
    if cast(int, rows) < _MIN_ROWS:
        return
    span = pd.Timestamp(str(last)) - pd.Timestamp(str(first))
    usual_gap = span / max(cast(int, days) - 1, 1)
    silence = edge.observed_until - pd.Timestamp(str(last))
    if silence <= max(pd.Timedelta(days=DEAD_AFTER_DAYS), 4 * usual_gap):
        return
    if _active(shop, edge, others):
        message = (
            f"no row since {pd.Timestamp(str(last)):%Y-%m-%d}, {silence.days} days before "
            "observed_until, although customers were active: the feed looks dead, and its silence "
            "would be read as theirs"
        )
        yield Finding(plan.table.name, "dead_feed", 0, "error", message)


def _active(shop: Workshop, edge: Edge, others: list[str]) -> bool:
    since = timestamp(edge.observed_until - pd.Timedelta(days=DEAD_AFTER_DAYS))
    until = timestamp(edge.observed_until)
    signs = [
        f"select 1 from {name} where {own} >= {since} and {own} < {until}"
        for name, own in _ACTIVITY.items()
        if name in others
    ]
    if "subscriptions" in others:
        signs.append(
            f"select 1 from subscriptions where started_at < {until} "
            f"and (ended_at is null or ended_at >= {since})"
        )
    return any(shop.rows(f"{sign} limit 1") for sign in signs)


_ACTIVITY = {"events": "event_time", "tickets": "opened_at", "messages": "sent_at"}


def _late_arrival(shop: Workshop, plan: Plan) -> Iterator[Finding]:
    if not plan.known_at_given:
        return
    name = quoted(plan.table.name)
    lag = f"greatest(epoch(known_at) - epoch({quoted(plan.table.time)}), 0) / 86400"
    allowed = max(plan.delay.total_seconds() / 86400, 1.0)
    rows, late, half, most = shop.rows(
        f"select count(*), count(*) filter (lag > {allowed}), quantile_disc(lag, 0.5), "
        f"quantile_disc(lag, 0.95) from (select {lag} as lag from {name})"
    )[0]
    if not rows or cast(int, late) <= _LATE_SHARE * cast(int, rows):
        return
    message = (
        f"{cast(int, late) / cast(int, rows):.1%} of the rows arrive more than {allowed:g} d after "
        f"their own time (median {cast(float, half):.1f} d, 95 % within {cast(float, most):.1f} d)"
        ". Counts of the last days are incomplete"
    )
    severity = "info" if plan.delay_declared else "warning"
    advice = "" if plan.delay_declared else f'; state [tables.{plan.table.name}] delay = "…d"'
    yield Finding(plan.table.name, "late_arrival", cast(int, late), severity, message + advice)


def _clock_jump(shop: Workshop, plan: Plan) -> Iterator[Finding]:
    """Many rows at one instant in a table whose times are otherwise finer than days."""
    name, own = quoted(plan.table.name), quoted(plan.table.time)
    rows, midnights = shop.rows(
        f"select count(*), count(*) filter ({own} = {day_start(own)}) from {name}"
    )[0]
    total = cast(int, rows)
    if total < _JUMP_ROWS or 2 * cast(int, midnights) > total:
        return
    threshold = max(_JUMP_ROWS, int(_JUMP_SHARE * total))
    jumps = shop.rows(
        f"select {own}, count(*) as n from {name} group by 1 having n >= {threshold} order by n "
        "desc, 1"
    )
    if jumps:
        held = sum(cast(int, n) for _, n in jumps)
        message = (
            f"{cast(int, jumps[0][1])} rows bear the same instant {jumps[0][0]}: a clock was reset "
            "or a load time was written for the event time"
        )
        yield Finding(plan.table.name, "clock_jump", held, "warning", message)


def _no_early_exits(shop: Workshop, edge: Edge) -> Iterator[Finding]:
    """No exit before a date although customers were signed up long before it."""
    left = (
        "select customer_id, case when bool_and(ended_at is not null) then max(ended_at) end "
        "as exit_at from subscriptions group by 1"
    )
    stays = (
        "select epoch(signed_up_at) / 86400 as began, "
        f"epoch(coalesce(exit_at, {timestamp(edge.observed_until)})) / 86400 as ended, exit_at "
        f"from customers join ({left}) using (customer_id)"
    )
    row = shop.rows(
        f"with stays as ({stays}), first as (select min(ended) as day from stays "
        "where exit_at is not null) "
        "select day, count(exit_at), sum(greatest(least(ended, day) - began, 0)), "
        "sum(greatest(ended - greatest(began, day), 0)), "
        f"count(*) filter (began < day - {_LONG_BEFORE_DAYS}) from stays, first group by day"
    )
    if not row or row[0][0] is None:
        return
    day, exits, before, after, old = (float(cast(float, value)) for value in row[0])
    expected = exits / after * before if after > 0 else 0.0
    if expected >= _MISSING_EXITS and old > 0:
        message = (
            f"no exit before {pd.Timestamp(day, unit='D'):%Y-%m-%d}, though {old:.0f} customers "
            f"had signed up long before ({expected:.0f} exits expected): earlier leavers were "
            "deleted or their ends were not recorded; take snapshots after that date only"
        )
        yield Finding("subscriptions", "survivorship", int(old), "warning", message)
