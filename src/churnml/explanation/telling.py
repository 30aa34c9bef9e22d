"""Which feature tells a signal: a deviation, rank or ratio is told by the plain number in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache

from churnml.features import Feature, Unit
from churnml.features.algebra import (
    STAGED,
    Arithmetic,
    Choice,
    CohortSum,
    Constant,
    Distinct,
    Expr,
    Extreme,
    Latest,
    Rows,
    SnapshotDay,
    Total,
    children,
    walk,
)
from churnml.features.row_sources import SCORED_MESSAGES
from churnml.features.trees import columns_in

#: Numbers that say nothing to a reader.
_ABSTRACT = (Unit.DEVIATIONS, Unit.PERCENTILE, Unit.RATIO)
_UNTOLD = (*_ABSTRACT, Unit.CATEGORY, Unit.FLAG, Unit.WEEKS)
#: Windows in the order in which a reader likes them.
_WINDOWS = (28, 7, 14, 84, 182, None)


@lru_cache(maxsize=4096)
def is_change(value: Expr) -> bool:
    """Whether a value compares a time with an earlier one."""
    ends = {node.window.end for node in walk(value) if isinstance(node, Total | Distinct)}
    return min(ends, default=0) == 0 and max(ends, default=0) > 0


@lru_cache(maxsize=4096)
def is_sum(value: Expr) -> bool:
    """Whether a value adds up over its window (a count or an amount), unlike a mean or share."""
    return all(
        isinstance(node, Total | Distinct)
        or (isinstance(node, Arithmetic) and node.operator in "+-")
        for node in walk(value)
    )


@lru_cache(maxsize=4096)
def is_composite(value: Expr) -> bool:
    """Whether a value counts which of several conditions hold: it names none of them."""
    counted = {
        node.condition
        for node in walk(value)
        if isinstance(node, Choice)
        and (node.then, node.otherwise) == (Constant(1.0), Constant(0.0))
    }
    return len(counted) > 2  # a title can still name two


def told_by(feature: Feature, catalogue: Sequence[Feature]) -> tuple[Feature, ...]:
    """The features that may tell this one, the best first; itself where it is plain.

    Each has the direction in which it is riskier: its own, or else that of the signal. Empty where
    the number says nothing to a reader and no plain one stands in it. What counts other signals is
    told by those of them whose own direction is known.
    """
    if not _is_abstract(feature):
        return (feature,)
    inside = set(_numerators(feature.value))
    found = [plain for plain in catalogue if plain.value in inside and _is_plain(plain)]
    if is_composite(feature.value):
        return tuple(plain for plain in found if plain.risk)
    found = [plain for plain in found if plain.name != feature.name]
    if not found:
        rows = {node.rows for node in inside if isinstance(node, Total | Extreme)}
        found = [plain for plain in catalogue if _counts(plain, rows)]
    if not found:
        return () if feature.unit is Unit.DEVIATIONS else (feature,)
    parts = {node for plain in found for node in walk(plain.value) if node is not plain.value}
    found = [plain for plain in found if plain.value not in parts]
    found.sort(key=lambda plain: _WINDOWS.index(plain.days))
    return tuple(plain if plain.risk else replace(plain, risk=feature.risk) for plain in found)


def is_learned(value: Expr) -> bool:
    """Whether a value adds up what a fitted model says of messages: no fact that can be read."""
    read = (Total, Latest)
    return any(
        node.rows.source == SCORED_MESSAGES
        and "risk" in columns_in(node.rows.where) | columns_in(node.value or "NULL")
        for node in walk(value)
        if isinstance(node, read)
    )


def says_the_same(one: Feature, other: Feature) -> bool:
    """Whether two features tell one thing: rows that hold the other's, rising or falling alike."""
    rows, others = _rows_of(one), _rows_of(other)
    shared = any(
        mine.source == theirs.source
        and (mine.where == theirs.where or "TRUE" in (mine.where, theirs.where))
        for mine in rows
        for theirs in others
    )
    return shared and _fades(one) == _fades(other)


def _rows_of(feature: Feature) -> set[Rows]:
    read = (Total, Distinct, Extreme)
    return {node.rows for node in _numerators(feature.value) if isinstance(node, read)}


def _fades(feature: Feature) -> bool:
    """Whether fewer rows are riskier: a low count, or a long time since the last."""
    is_recency = any(isinstance(node, SnapshotDay) for node in walk(feature.value))
    return feature.risk > 0 if is_recency else feature.risk < 0


def _is_abstract(feature: Feature) -> bool:
    if feature.unit in (Unit.SHARE, Unit.SCORE):
        return is_change(feature.value) or _is_staged(feature.value)
    return feature.unit in _ABSTRACT or _is_recent_trouble(feature) or is_composite(feature.value)


def _is_recent_trouble(feature: Feature) -> bool:
    """Days since something bad: few are bad, but nobody says "it is a day since"."""
    value = feature.value
    since = isinstance(value, Arithmetic) and isinstance(value.left, SnapshotDay)
    return since and feature.unit is Unit.DAYS and feature.risk < 0


def _is_plain(feature: Feature) -> bool:
    staged = _is_staged(feature.value)
    vague = staged or is_change(feature.value) or is_composite(feature.value)
    return feature.unit not in _UNTOLD and not vague


def _is_staged(value: Expr) -> bool:
    return any(isinstance(node, STAGED) for node in walk(value))


def _counts(feature: Feature, rows: set[Rows]) -> bool:
    """Whether a plain feature counts these rows over a window."""
    value = feature.value
    return isinstance(value, Total) and value.value is None and value.rows in rows


def _numerators(expr: Expr) -> Iterator[Expr]:
    """What a value rises or falls with: of a quotient the upper part, of the cohort nothing.

    Leaves over rows known in time are there over all rows, too.
    """
    yield expr
    if isinstance(expr, Total | Distinct) and expr.rows.timely:
        yield replace(expr, rows=replace(expr.rows, timely=False))
    if isinstance(expr, CohortSum):
        return
    parts = children(expr)
    if isinstance(expr, Arithmetic) and expr.operator == "/":
        parts = (expr.left,)
    for part in parts:
        yield from _numerators(part)
