"""The quality gate over a log that stays at its server: the same rules, counted there."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from churnml.sources.dataset import Finding
from churnml.sources.edge import Edge
from churnml.sources.gate import BITS, GLOBAL_RULES, TableCount, findings_of, reasons
from churnml.sources.mapping import day_start
from churnml.sources.postgres.log import JUDGED, Log, Refused
from churnml.sources.postgres.tables import taken
from churnml.sources.quarantine import name_of
from churnml.sources.workshop import Workshop, quoted, take

_RULES = {name: bit for bit, name in GLOBAL_RULES.items()}


def judge_log(
    shop: Workshop, log: Log, *, edge: Edge, customers: bool, signup: bool
) -> tuple[Log, TableCount, list[Finding]]:
    """The log without its bad rows, and what was found.

    Of the log come the customers with their first own time, and counts; no row.

    Parameters
    ----------
    shop : Workshop
        Holds the cleaned customers.
    log : Log
        Not yet judged.
    edge : Edge
    customers, signup : bool
        Whether customers were given, and so their sign-ups.
    """
    plan, own = log.plan, quoted(log.plan.table.time)
    refused = Refused(edge.limit)
    if customers:
        refused = _strangers(shop, log, refused, signup=signup)
    sound = replace(log, refused=refused)
    broken, bad = _broken(sound)
    repeated = int(sound.value(_repeats(log)))
    if repeated:
        broken[_RULES["duplicate_row"]] = repeated
    judged = replace(log, refused=replace(refused, repeated=repeated > 0))
    findings = list(findings_of(log, plan, edge, broken))
    name = quoted(plan.table.name)
    kept, first, last = judged.rows(f"select count(*), min({own}), max({own}) from {name}")[0]
    times = [None if one is None else pd.Timestamp(one) for one in (first, last)]
    count = TableCount(plan.table.name, kept + bad + repeated, kept, bad + repeated, *times)
    return judged, count, findings


def _strangers(shop: Workshop, log: Log, refused: Refused, *, signup: bool) -> Refused:
    """Who in the log is no customer, and whose rows begin before the day of sign-up."""
    own, name = quoted(log.plan.table.time), quoted(log.plan.table.name)
    seen = log.batches(
        f"select customer_id, min({own}) as first from {name} "
        "where customer_id is not null group by 1"
    )
    take(shop.connection, seen, "create or replace temp table seen as select * from arriving")
    orphans = shop.rows("select customer_id from seen anti join customers using (customer_id)")
    early: list[tuple[str, pd.Timestamp]] = []
    if signup:
        day = day_start("signed_up_at")
        early = shop.rows(
            f"select customer_id, {day} from seen join customers using (customer_id) "
            f"where first < {day}"
        )
    return replace(
        refused,
        orphans=tuple(str(row[0]) for row in orphans),
        signed_up={str(who): pd.Timestamp(day) for who, day in early},
    )


def _broken(log: Log) -> tuple[dict[int, int], int]:
    """Rows by broken rule, and how many rows broke one that costs them."""
    tests = {bit: f"_faults & {1 << bit}::bigint <> 0" for bit, _ in enumerate(log.plan.rules)}
    tests |= {bit: f"bits & {1 << bit}::bigint <> 0" for bit in GLOBAL_RULES}
    counts = [f"count(*) filter (where {test}) as n{bit}" for bit, test in tests.items()]
    counts.append("count(*) filter (where bits <> 0) as bad")
    *found, bad = log.answer(f"select {', '.join(counts)} from {JUDGED}")[0]
    return {bit: n for bit, n in zip(tests, found, strict=True) if n}, bad


def _repeats(log: Log) -> str:
    """How many rows repeat another in all that they say; the one known first stays."""
    columns = ", ".join(quoted(column.name) for column in log.plan.table.columns)
    groups = (
        f"select count(*) - 1 as n from {quoted(log.plan.table.name)} group by {columns} "
        "having count(*) > 1"
    )
    return f"select cast(coalesce(sum(n), 0) as BIGINT) as n from ({groups}) as repeated"


def collect_refused(shop: Workshop, log: Log) -> None:
    """Take over the refused rows, original values and ``reason``, for the quarantine."""
    plan = log.plan
    same = ", ".join(quoted(column.name) for column in plan.table.columns)
    placed = (
        f"select __raw, bits, row_number() over (partition by {same}, bits <> 0 "
        f"order by known_at) as place from {JUDGED}"
    )
    read = [
        f"{taken(f'(__raw).{quoted(name)}', kind)} as value_{place}"
        for place, (name, kind) in enumerate(plan.raw.columns.items())
    ]
    rows = log.originals(
        f"select {', '.join(read)}, case when bits <> 0 then bits else {BITS['duplicate_row']} end "
        f"as bits from ({placed}) as r where bits <> 0 or place > 1"
    )
    named = [f"value_{n} as {quoted(name_of(name))}" for n, name in enumerate(plan.raw.columns)]
    kept = quoted(f"quarantine_{plan.table.name}")
    selected = f"select {', '.join(named)}, {reasons(plan)} as reason from arriving"
    take(shop.connection, rows, f"create table {kept} as {selected}")
