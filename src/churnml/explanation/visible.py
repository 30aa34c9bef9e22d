"""Rows behind an expression at a snapshot, as SQL under the clocks of the features."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from churnml import contract
from churnml.features import algebra as a
from churnml.features.cells import clock_of
from churnml.features.row_sources import Source
from churnml.features.statements import Statements
from churnml.features.trees import columns_in

#: What tells the rows of a table apart, where it has no key of its own the nearest to one.
_KEYS = {
    "events": "name", "tickets": "ticket_id", "ticket_events": "ticket_id",
    "messages": "message_id", "contacts": "contact_id", "invoices": "invoice_id",
    "surveys": "kind", "outreach": "kind", "obligations": "obligation_id", "stages": "stage",
    "consents": "kind", "attribute_changes": "attribute", "subscriptions": "subscription_id",
}  # fmt: skip
#: Derived sources that carry the key of a table; the others are found again by their time.
_CARRIES = {"ticket_steps": "tickets", "scored_messages": "messages", "invoice_steps": "invoices"}


@dataclass(frozen=True)
class Leaf:
    """Rows that a feature reads.

    Parameters
    ----------
    rows : Rows
    window : Window
    most : int or None
        So many of the newest; None: as many as are shown.
    ended : Rows or None
        Rows of the same source whose keys are not meant any more.
    by, still, since, tie : str or None
        Of each group ``by`` only the latest row, if ``still`` holds; it is told with ``since``.
    undone : str or None
        Only rows for which this time has not come.
    """

    rows: a.Rows
    window: a.Window = a.EVER
    most: int | None = None
    ended: a.Rows | None = None
    by: str | None = None
    still: str | None = None
    since: str | None = None
    tie: str | None = None
    undone: str | None = None


def leaves(expr: a.Expr, present: frozenset[str]) -> list[Leaf]:
    """The rows behind an expression: of a quotient its upper part, of the cohort none."""
    found = list(dict.fromkeys(_leaves(expr)))
    return [
        leaf
        for leaf in found
        if not leaf.rows.absent and leaf.rows.source.variant(present) is not None
    ]


def _leaves(expr: a.Expr) -> list[Leaf]:
    match expr:
        case a.Total(rows=rows, window=window) | a.Distinct(rows=rows, window=window):
            return [Leaf(rows, window)]
        case a.Extreme(rows=rows):
            return [Leaf(rows, most=1)]
        case a.Latest(rows=rows, by=None, value=value):
            return [Leaf(rows.only(f"NOT ({value}) IS NULL"), most=1)]
        case a.Latest(rows=rows, by=by, value=value, tie=tie):
            return [Leaf(rows, by=by, still=f"({value}) <> 0", tie=tie)]
        case a.Oldest(rows=rows, by=by, still=still, since=since, tie=tie):
            return [Leaf(rows, by=by, still=still, since=since, tie=tie)]
        case a.Streak(rows=rows, done=done):
            return [Leaf(rows, undone=done)]
        case a.Arithmetic(operator="-", left=a.Total() as begun, right=a.Total() as ended) if (
            begun.window.start is None and begun.rows.source == ended.rows.source
        ):
            return [Leaf(begun.rows, begun.window, ended=ended.rows)]
        case a.Arithmetic(operator="-" | "/", left=left, right=right):
            return _leaves(left) or _leaves(right)
        case a.CohortSum() | a.Known():
            return []
    return [leaf for child in a.children(expr) for leaf in _leaves(child)]


def visible(leaf: Leaf, statements: Statements) -> str:
    """SELECT of customer_id, as_of, source, id and at: what of a leaf stands at each snapshot."""
    source, at = leaf.rows.source, leaf.rows.at or leaf.rows.source.time
    table, key = _key_of(source)
    texts = [leaf.rows.where, at, key, leaf.by, leaf.still, leaf.since, leaf.tie]
    read = [text for text in texts if text] + ([source.time] if key is None else [])
    clock = clock_of(leaf.rows, *(text for text in (leaf.by, leaf.still, leaf.since) if text))
    columns = set().union(*(columns_in(text) for text in read))
    columns |= columns_in(leaf.undone) if leaf.undone else set()
    rows = statements.rows(clock, sorted(columns)).sql("duckdb")
    where = [f"({leaf.rows.where})", *_in_window(leaf)]
    if leaf.ended is not None:
        where.append(f"NOT p.{key} IN ({_ended(leaf.ended, str(key), statements)})")
    latest = ""
    if leaf.by is not None:
        order = f"{at} DESC" + (f", {leaf.tie} DESC" if leaf.tie else "")
        latest = (
            f" QUALIFY ROW_NUMBER() OVER (PARTITION BY a.c, a.i, {leaf.by} ORDER BY {order}) = 1"
        )
    told = (
        f"SELECT a.customer_id, a.as_of, '{table}' AS source, {leaf.since or at} AS told_at, "
        f"{_told_key(source, table, key)} AS id, ({leaf.still or 'TRUE'}) AS still "
        f"FROM churnml_pairs AS a JOIN ({rows}) AS p ON p.c = a.c "
        f"WHERE {' AND '.join(where)}{latest}"
    )
    return f"SELECT customer_id, as_of, source, id, told_at FROM ({told}) WHERE still"


def _in_window(leaf: Leaf) -> Iterable[str]:
    """The rule of time (``features.clock``): visible from ``max(b + end, k) + 1`` on."""
    start, end = leaf.window.start, leaf.window.end
    yield f"GREATEST(p.b + {end}, p.k) < a.i"
    if start is not None:
        yield f"p.b + {start} >= a.i"
    if leaf.rows.timely:
        yield "p.k <= p.b"
    if leaf.undone is not None:
        yield f"(({leaf.undone}) IS NULL OR ({leaf.undone}) >= a.as_of)"


def _ended(rows: a.Rows, key: str, statements: Statements) -> str:
    clock = clock_of(rows)
    columns = columns_in(rows.where) | columns_in(key) | columns_in(rows.at or rows.source.time)
    text = statements.rows(clock, sorted(columns)).sql("duckdb")
    return (
        f"SELECT e.{key} FROM ({text}) AS e WHERE e.c = a.c AND ({rows.where}) "
        "AND GREATEST(e.b, e.k) < a.i"
    )


def _key_of(source: Source) -> tuple[str, str | None]:
    """Table of the rows that can be opened, and its key where the source carries it."""
    if source.name in contract.TABLES:
        return source.name, _KEYS[source.name]
    if source.name in _CARRIES:
        return _CARRIES[source.name], _KEYS[_CARRIES[source.name]]
    return source.feed, None


def _told_key(source: Source, table: str, key: str | None) -> str:
    """The key as text; of a source without one, that of the row of its table at the same time."""
    if key is not None:
        return f"CAST(p.{key} AS VARCHAR)"
    return (
        f"(SELECT MIN(CAST(o.{_KEYS[table]} AS VARCHAR)) FROM {table} AS o WHERE "
        f"o.customer_id = a.customer_id AND o.{contract.TABLES[table].time} = p.{source.time})"
    )
