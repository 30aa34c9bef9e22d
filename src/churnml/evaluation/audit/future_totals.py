"""Future totals: numbers that mirror what the customer does after they were written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from churnml.contract import CUSTOMERS, INTERVENTIONS, TABLES
from churnml.evaluation.audit.findings import Check, Finding, concluded
from churnml.evaluation.audit.lives import Lives
from churnml.evaluation.audit.signals import QUALIFIERS
from churnml.evaluation.audit.words import say
from churnml.spoken import Spoken

CHECK = "future_total"
#: Share of what the past leaves open that the next weeks explain. Honest numbers reach a tenth.
ALARM = 0.25
PAST_DAYS = (7, 14, 28, 56, 84)
FUTURE_DAYS = (7, 14, 28)
MIN_ROWS, MIN_CUSTOMERS, SAMPLE = 200, 25, 12_000
_STREAMS = 8
_SECONDS = 86_400
#: Room between the codes of two customers, in seconds.
_APART = 1e11
Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Numbers:
    """One kind of number that is written again and again: ``customer_id``, ``at``, ``number``."""

    table: str
    column: str
    kind: str
    rows: pd.DataFrame


@dataclass(frozen=True)
class Stream:
    """What customers do: sorted keys of customer and second, and running sums of the weights."""

    name: Spoken
    keys: Matrix
    sums: Matrix

    def between(self, own: Matrix, start: Matrix, end: Matrix) -> Matrix:
        """Weight in ``[start, end)`` for each customer's key ``own``."""
        low, high = np.searchsorted(self.keys, own + start), np.searchsorted(self.keys, own + end)
        return np.asarray(self.sums[high] - self.sums[low])


def future_total(lives: Lives) -> tuple[list[Finding], Check]:
    """Numbers whose value is explained by the activity after them, beyond all that came before.

    A rolling total that reaches into the days to come, a figure recomputed later, a value of the
    export day. What is honest can foretell the future only as far as the past does, and a little.
    """
    codes = _codes(lives)
    streams = list(_streams(lives, codes))
    looked, findings = 0, []
    for numbers in _numbers(lives):
        looked += 1
        told = [(explained(numbers.rows, stream, codes), stream.name) for stream in streams]
        share, name = max(told, default=(0.0, Spoken("", "")))
        if share >= ALARM:
            findings.append(_finding(numbers, share, name))
    return findings, concluded(CHECK, findings, seen=say("kinds_of_numbers", looked=looked))


def explained(rows: pd.DataFrame, stream: Stream, codes: pd.Series) -> float:
    """Partial R² of the weeks after the number, given the weeks before it."""
    own = rows["customer_id"].map(codes).to_numpy(dtype=float) * _APART
    at = rows["seconds"].to_numpy(dtype=float)
    past = [stream.between(own, at - days * _SECONDS, at) for days in PAST_DAYS]
    future = [stream.between(own, at + 1, at + days * _SECONDS) for days in FUTURE_DAYS]
    number = rows["number"].to_numpy(dtype=float)
    return max(_partial(number, past, future), _partial(_ranks(number), past, future))


def _partial(number: Matrix, past: list[Matrix], future: list[Matrix]) -> float:
    before = _residual(number, past)
    if before <= 1e-9 * max(float(np.var(number)), 1e-12):
        return 0.0
    return 1.0 - _residual(number, [*past, *future]) / before


def _residual(number: Matrix, columns: list[Matrix]) -> float:
    """Variance, for degrees of freedom, that a fit on the columns and their logarithms leaves."""
    signed = [np.sign(column) * np.log1p(np.abs(column)) for column in columns]
    design = np.column_stack([np.ones(len(number)), *columns, *signed])
    solution, *_ = np.linalg.lstsq(design, number, rcond=None)
    free = max(len(number) - design.shape[1], 1)
    return float(np.sum((number - design @ solution) ** 2) / free)


def _ranks(number: Matrix) -> Matrix:
    return np.asarray(pd.Series(number).rank(pct=True).to_numpy(dtype=float))


def _codes(lives: Lives) -> pd.Series:
    found = lives.rows("select distinct customer_id from lives order by 1")["customer_id"]
    return pd.Series(np.arange(1, len(found) + 1), index=found)


def _streams(lives: Lives, codes: pd.Series) -> Iterator[Stream]:
    """All events, the commonest names, their values, tickets and messages."""
    queries: dict[Spoken, str] = {}
    if "events" in lives.tables:
        queries[Spoken("events", "events")] = (
            "select customer_id, event_time as seen_at, 1 as w from events"
        )
        for name, valued in _common(lives):
            said = name.replace("'", "''")
            where = f"from events where name = '{said}'"
            queries[Spoken(name, name)] = (
                f"select customer_id, event_time as seen_at, 1 as w {where}"
            )
            if valued:
                queries[say("value_of", name=name)] = (
                    f"select customer_id, event_time as seen_at, value as w {where} "
                    "and value is not null"
                )
    for table in ("tickets", "messages"):
        if table in lives.tables:
            own = TABLES[table].time
            queries[Spoken(table, table)] = (
                f"select customer_id, {own} as seen_at, 1 as w from {table}"
            )
    for name, query in queries.items():
        yield _stream(name, lives.rows(_timed(query)), codes)


def _common(lives: Lives) -> list[tuple[str, bool]]:
    found = lives.rows(
        "select name, count(value) > 0 as valued from events where name is not null group by 1 "
        f"order by count(*) desc, 1 limit {_STREAMS}"
    )
    return list(zip(found["name"], found["valued"], strict=True))


def _timed(query: str) -> str:
    return f"select * exclude seen_at, epoch(seen_at) as seconds from ({query})"


def _stream(name: Spoken, rows: pd.DataFrame, codes: pd.Series) -> Stream:
    code = rows["customer_id"].map(codes).to_numpy(dtype=float)
    keys = code * _APART + rows["seconds"].to_numpy(dtype=float)
    there = np.isfinite(keys)
    order = np.argsort(keys[there], kind="stable")
    weights = rows["w"].to_numpy(dtype=float)[there][order]
    return Stream(name, keys[there][order], np.concatenate([[0.0], np.cumsum(weights)]))


def _numbers(lives: Lives) -> Iterator[Numbers]:
    """Every number of every table, by kind of row, where it is written often enough."""
    for name, table in TABLES.items():
        linked = any(column.name == "customer_id" for column in table.columns)
        if name not in lives.tables or not linked or table in (CUSTOMERS, INTERVENTIONS):
            continue
        kind = QUALIFIERS.get(name)
        said = "''" if kind is None else f"coalesce({kind}, '')"
        for column in table.columns:
            number = column.name if column.kind in ("number", "integer") else None
            if name == "attribute_changes" and column.name == "value":
                number = "try_cast(value as double)"
            if number is not None:
                yield from _by_kind(lives, name, column.name, said, number)


def _by_kind(lives: Lives, table: str, column: str, kind: str, number: str) -> Iterator[Numbers]:
    known = f'greatest("{TABLES[table].time}", known_at)'
    rows = lives.rows(
        f"""
        with r as (
            select customer_id, {kind} as kind, epoch({known}) as seconds, {number} as number,
                   row_number() over (partition by {kind} order by hash(customer_id, {known})) as n
            from "{table}" r semi join searched using (customer_id)
            where {number} is not null and {known} < $edge::timestamp - interval 28 day
        )
        select * exclude n from r where n <= {SAMPLE} order by kind, n""",
        {"edge": lives.edge.to_pydatetime()},
    )
    for value, part in rows.groupby("kind", sort=True):
        enough = len(part) >= MIN_ROWS and part["customer_id"].nunique() >= MIN_CUSTOMERS
        if enough and part["number"].nunique() > 2:
            yield Numbers(table, column, str(value), part)


def _finding(numbers: Numbers, share: float, stream: Spoken) -> Finding:
    place = {"table": numbers.table, "column": numbers.column}
    where = say("of_kind" if numbers.kind else "of_any", **place, kind=numbers.kind)
    return Finding(
        CHECK,
        "error",
        say(CHECK, where=where, share=share, stream=stream),
        **place,
        value=numbers.kind or round(share, 3),
    )
