"""From raw to canonical: names, types, both clocks and what was known, as one SELECT per table."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd

from churnml.contract import CUSTOMERS, OBLIGATIONS, TABLES, TICKETS, Column, Table
from churnml.errors import InputError
from churnml.sources.casting import SQL_TYPES, Cast, absent, cast
from churnml.sources.dataset import Finding
from churnml.sources.description import Description, TableSource
from churnml.sources.reading import Raw
from churnml.sources.words import say
from churnml.sources.workshop import literal, quoted
from churnml.spoken import Spoken

LIMIT_NUMBER = 1e12
CSAT_DELAY_DAYS = 7
#: Tables whose value columns hold the state of the export day unless they are declared immutable.
_OVERWRITTEN = {
    TICKETS.name: ("category", "priority", "channel", "line", "handled_by"),
    CUSTOMERS.name: ("segment", "plan", "region", "industry", "channel", "language"),
}


@dataclass(frozen=True, slots=True)
class Rule:
    """One local rule: it sees a single row. ``drops`` is what a broken rule costs."""

    name: str
    column: str
    condition: str
    drops: str  # "row" or "value"

    @property
    def reason(self) -> str:
        """The reason in the quarantine file."""
        return f"{self.name}: {self.column}"


@dataclass(frozen=True)
class Plan:
    """How the canonical rows of one table come out of its raw rows.

    Parameters
    ----------
    table : Table
    raw : Raw
    casts : dict of str to Cast
        By canonical column and ``known_at``.
    extras : dict of str to Cast
        Immutable columns of customers beyond the contract, as text.
    covers : dict of str to str
        Feed -> condition over the raw columns (customers only).
    rules : tuple of Rule
        Bit k of ``_faults`` is set where rule k is broken.
    source : TableSource
        What dataset.toml says of the table.
    """

    table: Table
    raw: Raw
    casts: dict[str, Cast]
    rules: tuple[Rule, ...]
    extras: dict[str, Cast] = field(default_factory=dict)
    covers: dict[str, str] = field(default_factory=dict)
    known_at_given: bool = False
    zone_is_utc: bool = True
    notices: tuple[Spoken, ...] = ()
    source: TableSource = field(default_factory=TableSource)

    @property
    def row_mask(self) -> int:
        """Bits of ``_faults`` that cost the row."""
        return sum(1 << bit for bit, rule in enumerate(self.rules) if rule.drops == "row")

    def has(self, column: str) -> bool:
        """Whether the source holds that canonical column."""
        return self.casts[column].given != "false"

    def dropped(self, column: str) -> bool:
        """Whether a bad value of that column costs the value and not the row."""
        return any(rule.column == column and rule.drops == "value" for rule in self.rules)


def later_times(table: Table) -> list[Column]:
    """Time columns that are known only from themselves on."""
    return [column for column in table.columns if column.known_from == column.name]


def plan_table(raw: Raw, description: Description) -> Plan | Finding:
    """The plan of one table, or the finding that a required column is missing.

    Raises
    ------
    InputError
        If dataset.toml maps a column to one that the source does not have.
    """
    table = TABLES[raw.table]
    source = description.source(table.name)
    found = _matched(raw, source.columns, [*table.names, *_immutable_extras(table, description)])
    missing = [name for name in table.required if name not in found]
    if missing:
        return _missing(table, raw, missing)
    stale = unread_columns(table, description)
    zone = description.timezone
    casts = {
        column.name: absent(column.kind)
        if column.name in stale
        else _cast(raw, found, column, zone)
        for column in (*table.columns, Column("known_at", "time"))
    }
    extras = {
        name: _cast(raw, found, Column(name, "text"), zone)
        for name in _immutable_extras(table, description)
        if name in found
    }
    return Plan(
        table=table,
        raw=raw,
        casts=casts,
        rules=tuple(_rules(table, found)),
        extras=extras,
        covers=_covers(raw, found, description) if table is CUSTOMERS else {},
        known_at_given="known_at" in found,
        zone_is_utc=zone == "UTC",
        notices=tuple(_notices(raw, found, stale, description)),
        source=source,
    )


def _matched(raw: Raw, mapped: dict[str, str], wanted: list[str]) -> dict[str, str]:
    """Canonical name -> source column, ignoring case as DuckDB does."""
    there = {name.lower(): name for name in raw.columns}
    for canonical, column in mapped.items():
        if column.lower() not in there:
            raise InputError(
                f"tables.{raw.table}.columns: {canonical} = '{column}', but {raw.origin} has only "
                f"{', '.join(raw.columns)}. Name one of these."
            )
    sources = {name: mapped.get(name, name).lower() for name in wanted}
    return {name: there[column] for name, column in sources.items() if column in there}


def _missing(table: Table, raw: Raw, missing: list[str]) -> Finding:
    message = say(
        "missing_column", origin=raw.origin, missing=", ".join(missing), table=table.name,
        columns=", ".join(raw.columns), first=missing[0],
    )  # fmt: skip
    return Finding(table.name, "missing_column", 0, "error", message)


def _immutable_extras(table: Table, description: Description) -> list[str]:
    if table is not CUSTOMERS:
        return []
    known = {column.name for column in table.columns} | {"known_at"}
    return [name for name in description.customers.immutable if name not in known]


def unread_columns(table: Table, description: Description) -> set[str]:
    """Columns that most systems overwrite: read only where they are declared immutable."""
    immutable = {
        CUSTOMERS.name: description.customers.immutable,
        TICKETS.name: description.tickets.immutable,
    }.get(table.name, ())
    return set(_OVERWRITTEN.get(table.name, ())) - set(immutable)


def _notices(
    raw: Raw, found: dict[str, str], stale: set[str], description: Description
) -> list[Spoken]:
    overwritten = {found[name]: name for name in sorted(stale) if name in found}
    read = {*found.values(), *_read_elsewhere(raw.table, description)} - set(overwritten)
    if raw.table == CUSTOMERS.name:
        ignored = ", ".join(column for column in raw.columns if column not in read)
        return [say("customers_ignored", columns=ignored)] if ignored else []
    notices = []
    if overwritten:
        listed = ", ".join(
            column if column.lower() == name else f"{column} ({name})"
            for column, name in overwritten.items()
        )
        notices.append(say("overwritten_ignored", table=raw.table, columns=listed))
    if extra := [name for name in raw.columns if name not in read and name not in overwritten]:
        notices.append(say("not_in_contract", table=raw.table, columns=", ".join(extra)))
    return notices


def _read_elsewhere(table: str, description: Description) -> set[str]:
    """Columns of the same file that another table is mapped to."""
    file = description.source(table).file
    return {
        column
        for name, other in description.tables.items()
        if file is not None and other.file == file and name != table
        for column in other.columns.values()
    }


def _cast(raw: Raw, found: dict[str, str], column: Column, zone: str) -> Cast:
    if column.name not in found:
        return absent(column.kind)
    name = found[column.name]
    return cast(
        f"raw.{quoted(name)}",
        raw.columns[name],
        column.kind,
        guessed_text=raw.guessed_text,
        timezone=zone,
    )


def _covers(raw: Raw, found: dict[str, str], description: Description) -> dict[str, str]:
    stated = {name: source.covers for name, source in description.tables.items() if source.covers}
    if not stated:
        return {}
    # sqlglot is slow to load, and few descriptions hold SQL.
    from churnml.sources.statements import predicate

    columns = {name.lower(): name for name in raw.columns}
    columns |= {name: column for name, column in found.items() if name not in columns}
    return {
        feed: predicate(
            covers, where=f"tables.{feed}.covers", columns=columns, text=raw.guessed_text
        )
        for feed, covers in stated.items()
    }


def _rules(table: Table, found: dict[str, str]) -> list[Rule]:
    rules: list[Rule] = []
    for column in table.columns:
        if column.name in found:
            rules += _column_rules(table, column)
    if "known_at" in found:
        rules.append(Rule("wrong_type", "known_at", "known_at__given and known_at is null", "row"))
    rules += [
        Rule("reversed_duration", column.name, _reversed(table, column), "row")
        for column in later_times(table)
        if column.name in found and table is not OBLIGATIONS
    ]
    return rules


def _column_rules(table: Table, column: Column) -> list[Rule]:
    name = quoted(column.name)
    # What a row says later must not decide about the row: it was known, and used, before.
    later = column.known_from is not None and column.kind != "time"
    drops = "value" if later else "row"
    rules: list[Rule] = []
    if column.required or column.name == table.time:
        missing = f"{name} is null and not {_given(column)}"
        rules.append(Rule("missing_value", column.name, missing, drops))
    if column.kind not in {"id", "text"}:
        wrong = f"{_given(column)} and {name} is null"
        rules.append(Rule("wrong_type", column.name, wrong, drops))
    if column.values:
        allowed = ", ".join(literal(value) for value in column.values)
        rules.append(Rule("unknown_value", column.name, f"{name} not in ({allowed})", drops))
    if column.kind in {"number", "integer"}:
        beyond = f"not (abs({name}) <= {LIMIT_NUMBER:.0f})"
        rules.append(Rule("out_of_range", column.name, beyond, drops))
    return rules


def _given(column: Column) -> str:
    return quoted(f"{column.name}__given")


def _reversed(table: Table, column: Column) -> str:
    """Earlier than the own time; a bare date, midnight of the same day, is not."""
    own, later = quoted(table.time), quoted(column.name)
    return f"{later} < {own} and {later} <> {day_start(own)}"


def day_start(instant: str) -> str:
    """SQL for midnight, in the zone of the session, of the day of a naive UTC instant."""
    return f"date_trunc('day', {instant} at time zone 'UTC') at time zone 'UTC'"


def canonical_select(plan: Plan, *, known_until: pd.Timestamp | None) -> str:
    """SQL for the typed rows as known at an instant, with ``_faults``, in the order of the source.

    Parameters
    ----------
    plan : Plan
    known_until : Timestamp, optional
        Rows and later values at or after it are not known; None: everything is.
    """
    return _staged(plan, _known(plan, known_until, keep_raw=False))


def original_select(plan: Plan, *, known_until: pd.Timestamp | None) -> str:
    """SQL for the position ``_row`` and the original values ``__raw`` of the same rows."""
    rows = _known(plan, known_until, keep_raw=True)
    return f"select row_number() over () - 1 as _row, __raw from ({rows})"


def canonical_beside_original(plan: Plan, *, known_until: pd.Timestamp | None) -> str:
    """SQL for the typed rows with ``_faults`` and their original values ``__raw``."""
    return _staged(plan, _known(plan, known_until, keep_raw=True), "__raw")


def _staged(plan: Plan, known: str, *more: str) -> str:
    columns = [_kept(plan, column) for column in plan.table.columns]
    columns += ["known_at", *(quoted(name) for name in plan.extras)]
    columns += [quoted(f"covers__{feed}") for feed in plan.covers]
    columns += [f"{_faults(plan.rules)} as _faults", *more]
    return f"select {', '.join(columns)} from ({known}) as known"


def _faults(rules: tuple[Rule, ...]) -> str:
    bits = [
        f"(case when {rule.condition} then {1 << bit}::BIGINT else 0 end)"
        for bit, rule in enumerate(rules)
    ]
    return " | ".join(bits) or "0::BIGINT"


def _kept(plan: Plan, column: Column) -> str:
    """The column, null where its value broke a rule that costs the value only."""
    name = quoted(column.name)
    broken = [
        f"({rule.condition})"
        for rule in plan.rules
        if rule.column == column.name and rule.drops == "value"
    ]
    if not broken:
        return name
    return f"case when not coalesce({' or '.join(broken)}, false) then {name} end as {name}"


def _known(plan: Plan, known_until: pd.Timestamp | None, *, keep_raw: bool) -> str:
    derived = _derived(plan, keep_raw=keep_raw)
    if known_until is None:
        return derived
    instant = timestamp(known_until)
    hidden = [
        f"case when {quoted(column.known_from)} >= {instant} then {nothing} "
        f"else {quoted(name)} end as {quoted(name)}"
        for column in plan.table.columns
        if column.known_from is not None
        for name, nothing in ((column.name, "null"), (f"{column.name}__given", "false"))
    ]
    replaced = f" replace ({', '.join(hidden)})" if hidden else ""
    own = quoted(plan.table.time)
    return (
        f"select *{replaced} from ({derived}) as derived "
        f"where {own} < {instant} and known_at < {instant}"
    )


def _derived(plan: Plan, *, keep_raw: bool) -> str:
    """The typed rows with times filled in that the contract derives from others."""
    table = plan.table
    typed = _typed(plan, keep_raw=keep_raw)
    if table is OBLIGATIONS:
        typed = f"select * replace (coalesce(announced_at, due_at) as announced_at) from ({typed})"
    if table is TICKETS:
        late = f"case when csat is not null then resolved_at + interval {CSAT_DELAY_DAYS} day end"
        typed = f"select * replace (coalesce(csat_at, {late}) as csat_at) from ({typed})"
    minutes = plan.source.delay_span // pd.Timedelta(minutes=1)
    arrival = f"{quoted(table.time)} + interval {minutes} minute"
    # column by column: this much of the statement runs at a server, too
    known = f"case when known_at__given then known_at else {arrival} end as known_at"
    columns = [known if name == "known_at" else quoted(name) for name in _names(plan)]
    columns += ["__raw"] * keep_raw
    return f"select {', '.join(columns)} from ({typed}) as typed"


def _names(plan: Plan) -> list[str]:
    """Columns of the typed rows."""
    pairs = [name for column in plan.casts for name in (column, f"{column}__given")]
    return [*pairs, *plan.extras, *(f"covers__{feed}" for feed in plan.covers)]


def _typed(plan: Plan, *, keep_raw: bool) -> str:
    parts: list[str] = []
    for name, expression in plan.casts.items():
        parts.append(f"{expression.value} as {quoted(name)}")
        parts.append(f"{expression.given} as {quoted(f'{name}__given')}")
    parts += [f"{expression.value} as {quoted(name)}" for name, expression in plan.extras.items()]
    parts += [
        f"coalesce(cast(({condition}) as BOOLEAN), false) as {quoted(f'covers__{feed}')}"
        for feed, condition in plan.covers.items()
    ]
    parts += ["raw as __raw"] * keep_raw
    return f"select {', '.join(parts)} from ({plan.raw.relation}) as raw"


def timestamp(instant: pd.Timestamp) -> str:
    """The instant as an SQL literal."""
    return f"TIMESTAMP '{instant}'"


def sql_type(column: Column) -> str:
    """The DuckDB type of a canonical column."""
    return SQL_TYPES[column.kind]
