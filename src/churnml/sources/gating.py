"""A source led through the gate: from files to cleaned tables, counts, findings and notices."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import duckdb
import pandas as pd

from churnml.contract import CUSTOMERS, EVENTS, SUBSCRIPTIONS, TABLES, TICKET_EVENTS, TICKETS
from churnml.errors import InputError
from churnml.sources.coverage import write_coverage
from churnml.sources.customers import derive_customers
from churnml.sources.dataset import Finding
from churnml.sources.description import Description, TableSource
from churnml.sources.dialect import spoken
from churnml.sources.edge import Edge, find_edge
from churnml.sources.gate import TableCount, clean, judge
from churnml.sources.mapping import Plan, canonical_select, plan_table
from churnml.sources.place import place_of
from churnml.sources.quarantine import collect
from churnml.sources.reading import Raw, read_raw, unreadable
from churnml.sources.symptoms import find_symptoms
from churnml.sources.words import say
from churnml.sources.workshop import Workshop, literal, quoted
from churnml.spoken import Spoken, percent


@dataclass
class Gated:
    """A source after the gate, still in its workshop."""

    shop: Workshop
    description: Description
    edge: Edge
    plans: dict[str, Plan]
    derived: bool
    counts: list[TableCount] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    notices: list[Spoken] = field(default_factory=list)
    #: Sentences why no dataset may be opened from it.
    stops: list[str] = field(default_factory=list)


def gate_source(
    data: Path | str,
    *,
    dataset_file: Path | None,
    known_until: pd.Timestamp | None,
    quarantine: bool,
) -> Gated:
    """The source as known at an instant, gated.

    Raises
    ------
    InputError
        If the source or its description cannot be read at all; what the gate can report lies in
        ``findings`` and ``stops``.
    """
    place = place_of(data, dataset_file)
    description = place.description()
    shop = place.workshop(description)
    try:
        return _gated(shop, description, known_until=known_until, quarantine=quarantine)
    except BaseException:
        shop.discard()
        raise


def _gated(
    shop: Workshop,
    description: Description,
    *,
    known_until: pd.Timestamp | None,
    quarantine: bool,
) -> Gated:
    reading = read_raw(shop, description)
    raws = dict(reading.tables)
    if not raws and not description.tables:
        _refuse_no_table(shop)
    if lonely := TICKET_EVENTS.name in raws and TICKETS.name not in raws:
        del raws[TICKET_EVENTS.name]
    plans, counts, findings = _planned(shop, raws, description)
    stops = [f"{finding.table}: {finding.message}" for finding in findings]
    findings += reading.findings
    notices = [*reading.notices, *(notice for plan in plans.values() for notice in plan.notices)]
    if lonely:
        notices.append(say("lonely_ticket_events"))
    for plan in plans.values():
        _stage(shop, plan, known_until)
    edge = find_edge(shop, plans, description, known_until=known_until)
    gated = Gated(shop, description, edge, plans, CUSTOMERS.name not in plans)
    gated.counts, gated.findings, gated.notices, gated.stops = counts, findings, notices, stops
    _judge_all(gated, known_until=known_until, quarantine=quarantine)
    gated.findings += find_symptoms(shop, gated.plans, edge)
    if known_until is None:  # earlier, a name may not have been heard yet
        gated.findings += _unheard(gated)
    _require_churn(gated)
    _finish(gated)
    return gated


def _refuse_no_table(shop: Workshop) -> None:
    """Say where the tables may be, where not one is."""
    if shop.server is not None or shop.catalog is not None:
        return
    named = {f"{name}.{kind}" for name in TABLES for kind in ("parquet", "csv")}
    below = [one for one in sorted(shop.root.iterdir()) if one.is_dir()]
    inside = [one for one in below if any((one / name).is_file() for name in named)]
    mend = "; its folder {0} does: give {0}".format(inside[0]) if inside else ""
    raise InputError(
        f"{shop.database or shop.root} holds none of the tables that churnml knows{mend}. Expected "
        "customers, subscriptions or events, … as .parquet or .csv. Files of other names are "
        "mapped by churnml.start_project(folder, [files]), or churnml init on the command line."
    )


def _planned(
    shop: Workshop, raws: dict[str, Raw], description: Description
) -> tuple[dict[str, Plan], list[TableCount], list[Finding]]:
    plans: dict[str, Plan] = {}
    counts: list[TableCount] = []
    findings: list[Finding] = []
    for name, raw in raws.items():
        plan = plan_table(_described(raw, description.source(name)), description)
        if isinstance(plan, Plan):
            plans[name] = plan
        else:
            rows = _rows_in(shop, raw)
            findings.append(Finding(name, plan.rule, rows, plan.severity, plan.message))
            counts.append(TableCount(name, rows, 0, rows, None, None))
    return plans, counts, findings


def _described(raw: Raw, source: TableSource) -> Raw:
    """The raw rows with their values as the contract writes them."""
    if raw.statement is None:
        return spoken(raw, source)
    from churnml.sources.postgres.log import as_described

    return as_described(raw, source)


def _rows_in(shop: Workshop, raw: Raw) -> int:
    counted = f"select count(*) as n from ({raw.statement or raw.relation}) as kept"
    if shop.server is None or raw.statement is None:
        return int(shop.value(counted))
    return int(shop.server.rows(counted, where=raw.origin)[0][0])


def _stage(shop: Workshop, plan: Plan, known_until: pd.Timestamp | None) -> None:
    if shop.server is not None and plan.raw.statement is not None:
        from churnml.sources.postgres.log import Log

        shop.away[plan.table.name] = Log(shop.server, plan, known_until)
        return
    sql = canonical_select(plan, known_until=known_until)
    try:
        shop.connection.execute(f"create table {quoted(plan.table.name)} as {sql}")
    except duckdb.Error as error:
        raise unreadable(plan.raw, error) from None


def _judge_all(gated: Gated, *, known_until: pd.Timestamp | None, quarantine: bool) -> None:
    """Customers first, where they are derived after what they are derived from."""
    origins = (SUBSCRIPTIONS.name, EVENTS.name)
    first = origins if gated.derived else (CUSTOMERS.name,)
    order = [name for name in first if name in gated.plans]
    order += [name for name in gated.plans if name not in first]
    order.sort(key=lambda name: name == TICKET_EVENTS.name)
    customers = not gated.derived
    for name in order:
        if gated.derived and name not in origins and not customers:
            derive_customers(gated.shop, gated.plans)
            customers = True
        _judge_one(gated, name, customers=customers)
        if quarantine:
            _set_aside(gated, name, known_until)
    if not customers:
        derive_customers(gated.shop, gated.plans)


def _set_aside(gated: Gated, name: str, known_until: pd.Timestamp | None) -> None:
    log = gated.shop.away.get(name)
    if log is None:
        collect(gated.shop, gated.plans[name], known_until=known_until)
        return
    from churnml.sources.postgres.judging import collect_refused

    collect_refused(gated.shop, log)


def _judge_one(gated: Gated, name: str, *, customers: bool) -> None:
    limit = gated.description.quality.max_quarantined
    found, count, later = _judged(gated, name, customers=customers)
    over = count.quarantined > limit * count.rows_in
    gated.findings += found if over else [_bearable(finding) for finding in found]
    gated.findings += later
    gated.counts.append(count)
    if over:
        gated.stops.append(_too_many(gated, count, limit))


def _judged(
    gated: Gated, name: str, *, customers: bool
) -> tuple[list[Finding], TableCount, list[Finding]]:
    """What was found in a table, its counts, and what was found while it was cleaned."""
    plan, log = gated.plans[name], gated.shop.away.get(name)
    if log is not None:
        from churnml.sources.postgres.judging import judge_log

        log, count, found = judge_log(
            gated.shop, log, edge=gated.edge, customers=customers, signup=not gated.derived
        )
        gated.shop.away[name] = log
        return found, count, []
    found = judge(
        gated.shop,
        plan,
        edge=gated.edge,
        customers=customers,
        signup=not gated.derived,
        tickets=TICKETS.name in gated.plans,
    )
    return found, *clean(gated.shop, plan, gated.edge)


def _bearable(finding: Finding) -> Finding:
    """Few bad rows are set aside and forgotten; what they tell about the source is not."""
    if finding.rule == "survivorship" or finding.severity != "error":
        return finding
    return replace(finding, severity="warning")


def _too_many(gated: Gated, count: TableCount, limit: float) -> str:
    costly = [f for f in gated.findings if f.table == count.table and f.severity == "error"]
    worst = sorted(costly, key=lambda finding: -finding.rows)[:3]
    listed = "; ".join(f"{finding.rows} × {finding.rule} ({finding.message})" for finding in worst)
    return (
        f"{count.table}: {count.quarantined} of {count.rows_in} rows "
        f"({percent(count.quarantined / count.rows_in, digits=1)}) are bad, more than "
        f"[quality] max_quarantined = {limit:g} allows: {listed}. `churnml check` shows them all, "
        "with --quarantine the rows themselves"
    )


def _require_churn(gated: Gated) -> None:
    """Without a source of churn nothing can be learnt."""
    churn = gated.description.churn
    kept = {count.table: count.kept for count in gated.counts}
    if churn.kind == "contract" and not kept.get(SUBSCRIPTIONS.name):
        _stop(gated, SUBSCRIPTIONS.name, say("why_contract"))
    if churn.kind != "contract":
        names = ", ".join(churn.activity) or say("any_name")
        if not kept.get(EVENTS.name) or not _has_activity(gated):
            _stop(gated, EVENTS.name, say("why_activity", kind=churn.kind, names=names))
    if CUSTOMERS.name in gated.plans and not kept.get(CUSTOMERS.name):
        _stop(gated, CUSTOMERS.name, say("why_customers"))


def _has_activity(gated: Gated) -> bool:
    activity = gated.description.churn.activity
    if not activity:
        return True
    named = ", ".join(literal(name) for name in activity)
    seen = f"select 1 as seen from events where name in ({named}) limit 1"
    return bool(gated.shop.at(EVENTS.name).rows(seen))


def _unheard(gated: Gated) -> Iterator[Finding]:
    """Roles whose names no event bears, as far as can be seen: their features would be empty."""
    roles = gated.description.events
    if not roles or not any(one.kept for one in gated.counts if one.table == EVENTS.name):
        return
    asked = ", ".join(literal(name.lower()) for names in roles.values() for name in names)
    near = f"select distinct name from events where lower(name) in ({asked}) order by name"
    heard = [str(row[0]) for row in gated.shop.at(EVENTS.name).rows(near)]
    for role, names in roles.items():
        alike = [each for each in heard if each.lower() in {name.lower() for name in names}]
        if set(names) & set(alike) and set(alike) <= set(names):
            continue
        meant = f"{role} = [{', '.join(json.dumps(each, ensure_ascii=False) for each in alike)}]"
        key = "unheard_alike" if alike else "unheard"
        said = say(key, role=role, names=", ".join(map(repr, names)), meant=meant)
        yield Finding(EVENTS.name, "unheard_name", 0, "warning", said)


def _stop(gated: Gated, table: str, why: Spoken) -> None:
    message = say("empty_table", why=why)
    gated.findings.append(Finding(table, "empty_table", 0, "error", message))
    gated.stops.append(f"{table}: {message}")


def _finish(gated: Gated) -> None:
    there = {count.table for count in gated.counts if count.kept}
    customers = gated.plans.get(CUSTOMERS.name)
    write_coverage(gated.shop, customers, gated.description)
    for name in TABLES:
        if name not in there:
            state = "table_empty" if name in gated.plans else "table_absent"
            gated.notices.append(say(state, table=name, off=say(f"off_{name}")))
    if not gated.edge.declared:
        gated.notices.append(say("edge_estimated", day=gated.edge.day))
