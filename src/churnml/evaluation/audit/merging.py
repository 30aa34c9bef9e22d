"""One finding for one fault: the same value seen through several columns or levels is said once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from churnml.evaluation.audit.findings import Finding
from churnml.evaluation.audit.signals import QUALIFIERS
from churnml.evaluation.audit.words import say

#: So many values of a telling kind are named with it.
VALUES = 3


def merged(findings: Sequence[Finding]) -> list[Finding]:
    """The first finding for each place, with the number of further values seen there.

    A kind of row that tells by itself (an event name) needs no finding for each of its values.
    """
    telling = {
        (one.table, str(one.value))
        for one in findings
        if one.table is not None and QUALIFIERS.get(one.table) == one.column
    }
    kept: dict[tuple[str | None, ...], Finding] = {}
    more: dict[tuple[str | None, ...], int] = {}
    values: dict[tuple[str | None, str], list[str]] = {}
    for one in findings:
        kind = _kind(one)
        if (one.table, kind) in telling and QUALIFIERS.get(str(one.table)) != one.column:
            values.setdefault((one.table, kind), []).append(str(one.value))
            continue
        by_kind = QUALIFIERS.get(str(one.table)) == one.column or one.check == "single_feature"
        place = (one.check, one.table, one.column, one.feature, str(one.value) if by_kind else kind)
        if place in kept:
            more[place] = more.get(place, 0) + 1
        else:
            kept[place] = one
    counted = [_with_count(one, more.get(place, 0)) for place, one in kept.items()]
    return [_with_values(one, values.get((one.table, str(one.value)), [])) for one in counted]


def _kind(one: Finding) -> str:
    """The kind of row in front of a value, empty where rows have none."""
    value = str(one.value)
    return value.split(": ")[0] if one.table in QUALIFIERS else ""


def _with_count(one: Finding, more: int) -> Finding:
    if not more:
        return one
    return replace(one, message=say("same_for_more", said=one.message, more=more))


def _with_values(one: Finding, values: Sequence[str]) -> Finding:
    """A telling kind with its most telling values."""
    if not values or QUALIFIERS.get(str(one.table)) != one.column:
        return one
    return replace(
        one, message=say("its_values", said=one.message, values=", ".join(values[:VALUES]))
    )
