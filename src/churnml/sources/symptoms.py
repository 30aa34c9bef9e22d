"""Signs that a feed is ill although each row looks well: findings only, no row is removed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import pandas as pd

from churnml.sources.dataset import Finding
from churnml.sources.edge import Edge
from churnml.sources.mapping import Plan, day_start, timestamp
from churnml.sources.words import say
from churnml.sources.workshop import Workshop, quoted

DEAD_AFTER_DAYS = 28
_WATCHED = {"events", "tickets", "ticket_events", "messages", "invoices", "outreach", "surveys"}
_MIN_ROWS = 20
_JUMP_SHARE = 0.01
_JUMP_ROWS = 30
_SAMPLED_ROWS = 500_000
_LATE_SHARE = 0.05
#: With so many exits expected and none seen, chance is ruled out (e ** -10).
_MISSING_EXITS = 10
_LONG_BEFORE_DAYS = 180
_EPOCH = pd.Timestamp("1970-01-01")


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
        found += _no_early_exits(shop, edge, since=_first_activity(shop, plans))
    return found


def _dead_feed(shop: Workshop, plan: Plan, edge: Edge, *, others: list[str]) -> Iterator[Finding]:
    """Silent for four weeks, and four times longer than between any two of its usual days."""
    name, own = quoted(plan.table.name), quoted(plan.table.time)
    rows, days, first, last = shop.at(plan.table.name).rows(
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
        message = say("dead_feed", last=pd.Timestamp(str(last)), days=silence.days)
        yield Finding(plan.table.name, "dead_feed", 0, "error", message)


def _active(shop: Workshop, edge: Edge, others: list[str]) -> bool:
    since = timestamp(edge.observed_until - pd.Timedelta(days=DEAD_AFTER_DAYS))
    until = timestamp(edge.observed_until)
    signs = {
        name: f"select 1 as seen from {name} where {own} >= {since} and {own} < {until}"
        for name, own in _ACTIVITY.items()
        if name in others
    }
    if "subscriptions" in others:
        signs["subscriptions"] = (
            f"select 1 from subscriptions where started_at < {until} "
            f"and (ended_at is null or ended_at >= {since})"
        )
    return any(shop.at(name).rows(f"{sign} limit 1") for name, sign in signs.items())


_ACTIVITY = {"events": "event_time", "tickets": "opened_at", "messages": "sent_at"}


def _late_arrival(shop: Workshop, plan: Plan) -> Iterator[Finding]:
    if not plan.known_at_given:
        return
    own = quoted(plan.table.time)
    hours = [
        (cast(int, hour), cast(int, rows))
        for hour, rows in shop.at(plan.table.name).rows(
            f"select greatest(ceil(extract(epoch from known_at - {own}) / 3600), 0)::BIGINT "
            f"as hour, count(*) as n from {quoted(plan.table.name)} group by 1 order by 1"
        )
    ]
    total = sum(rows for _, rows in hours)
    allowed = max(plan.source.delay_span / pd.Timedelta(hours=1), 24.0)
    late = sum(rows for hour, rows in hours if hour > allowed)
    if late <= _LATE_SHARE * total:
        return
    said = say(
        "late_arrival", share=late / total, allowed=allowed / 24,
        median=_quantile(hours, 0.5) / 24, most=_quantile(hours, 0.95) / 24,
    )  # fmt: skip
    if plan.source.delay is None:
        said = say("late_arrival_advice", said=said, table=plan.table.name)
    severity = "warning" if plan.source.delay is None else "info"
    yield Finding(plan.table.name, "late_arrival", late, severity, said)


def _quantile(counts: list[tuple[int, int]], share: float) -> int:
    """The smallest value that at least this share of the rows does not exceed."""
    total, seen = sum(rows for _, rows in counts), 0
    for value, rows in counts:
        seen += rows
        if seen >= share * total:
            return value
    return counts[-1][0]


def _clock_jump(shop: Workshop, plan: Plan) -> Iterator[Finding]:
    """Many rows at one instant in a table whose times are otherwise finer than days."""
    name, own = quoted(plan.table.name), quoted(plan.table.time)
    at = shop.at(plan.table.name)
    total = cast(int, at.value(f"select count(*) as n from {name}"))
    # What holds a hundredth of all rows is seen in every k-th row, too; then it is counted.
    stride = max(total // _SAMPLED_ROWS, 1) if at is shop else 1
    every = f" where rowid % {stride} = 0" if stride > 1 else ""
    sample = f"(select {own} from {name}{every}) as sampled"
    is_dated = f"({own} = {day_start(own)})::INTEGER"
    dated = at.value(f"select avg({is_dated})::DOUBLE as dated from {sample}")
    if total < _JUMP_ROWS or cast(float, dated) > 0.5:
        return
    threshold = max(_JUMP_ROWS, int(_JUMP_SHARE * total))
    often = f"select {own} from {sample} group by 1 having count(*) >= {threshold // stride // 2}"
    jumps = at.rows(
        f"select {own}, count(*) as n from {name} where {own} in ({often}) group by 1 "
        f"having count(*) >= {threshold} order by n desc, 1"
    )
    if jumps:
        held = sum(cast(int, n) for _, n in jumps)
        message = say("clock_jump", rows=cast(int, jumps[0][1]), at=jumps[0][0])
        yield Finding(plan.table.name, "clock_jump", held, "warning", message)


def _first_activity(shop: Workshop, plans: dict[str, Plan]) -> pd.Timestamp:
    """When the event-like tables begin; nobody was observed before."""
    begins = [
        shop.at(name).value(f"select min({quoted(plan.table.time)}) as first from {quoted(name)}")
        for name, plan in plans.items()
        if plan.table.event_like
    ]
    return min((pd.Timestamp(str(each)) for each in begins if each), default=_EPOCH)


def _no_early_exits(shop: Workshop, edge: Edge, *, since: pd.Timestamp) -> Iterator[Finding]:
    """No exit before a date although customers were signed up, and observed, long before it."""
    until = timestamp(edge.observed_until)
    row = shop.rows(
        # An end that another subscription spans is a change of plan, not an exit.
        "with exits as (select s.customer_id, epoch(s.ended_at) / 86400 as day "
        "from subscriptions s anti join subscriptions o on o.customer_id = s.customer_id "
        "and o.started_at <= s.ended_at and coalesce(o.ended_at, 'infinity') > s.ended_at "
        f"where s.ended_at < {until}), "
        "stays as (select greatest(epoch(signed_up_at), "
        f"epoch({timestamp(since)})) / 86400 as began, "
        f"epoch(least(max(coalesce(ended_at, {until})), {until})) / 86400 as ended "
        "from customers join subscriptions using (customer_id) group by customer_id, signed_up_at)"
        ", first as (select min(day) as day, count(*) as exits from exits) "
        "select day, any_value(exits), sum(greatest(least(ended, day) - began, 0)), "
        "sum(greatest(ended - greatest(began, day), 0)), "
        f"count(*) filter (began < day - {_LONG_BEFORE_DAYS}) from stays, first group by day"
    )
    if not row or row[0][0] is None:
        return
    day, exits, before, after, old = (float(cast(float, value)) for value in row[0])
    expected = exits / after * before if after > 0 else 0.0
    if expected >= _MISSING_EXITS and old > 0:
        first = pd.Timestamp(day, unit="D")
        message = say("no_early_exits", day=first, old=int(old), expected=expected)
        yield Finding("subscriptions", "survivorship", int(old), "warning", message)
