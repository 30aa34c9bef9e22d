"""Survivorship: a stretch of the past in which hardly anybody left: leavers were deleted."""

from __future__ import annotations

import numpy as np
import pandas as pd

from churnml.evaluation.audit.findings import Check, Finding, concluded
from churnml.evaluation.audit.lives import Lives
from churnml.evaluation.audit.words import say

CHECK = "survivorship"
#: Exits that the later rate lets expect, and the share of them below which chance is ruled out.
EXPECTED, SHARE = 15.0, 0.25
EVERY_DAYS, MARGIN_DAYS = 14, 56


def survivorship(lives: Lives, *, since: pd.Timestamp) -> tuple[list[Finding], Check]:
    """Exits per day at risk before any date against those after it.

    Parameters
    ----------
    since : Timestamp
        Where the history of activity begins; who left before was never in the data.
    """
    spells = lives.rows("select started_at, coalesce(exit_at, over_at) as ended_at, "
                        "exit_at from lives")  # fmt: skip
    found = _emptiest(spells, since=since, edge=lives.edge)
    findings = [] if found is None else [_finding(since, *found)]
    return findings, concluded(CHECK, findings, seen=say("exits_over_time", exits=lives.exits))


def _emptiest(
    spells: pd.DataFrame, *, since: pd.Timestamp, edge: pd.Timestamp
) -> tuple[pd.Timestamp, int, float] | None:
    """The date before which most exits are missing: the date, exits seen, exits expected."""
    margin = pd.Timedelta(days=MARGIN_DAYS)
    best = None
    for split in pd.date_range(since + margin, edge - margin, freq=f"{EVERY_DAYS}D"):
        seen, days = _exits_and_days(spells, since, split)
        later, later_days = _exits_and_days(spells, split, edge)
        expected = days * later / later_days if later_days else 0.0
        empty = expected >= EXPECTED and seen <= SHARE * expected
        if empty and (best is None or expected - seen > best[2] - best[1]):
            best = (split, seen, expected)
    return best


def _exits_and_days(
    spells: pd.DataFrame, start: pd.Timestamp, end: pd.Timestamp
) -> tuple[int, float]:
    exits = int(((spells["exit_at"] >= start) & (spells["exit_at"] < end)).sum())
    inside = spells["ended_at"].clip(start, end) - spells["started_at"].clip(start, end)
    return exits, float(np.maximum(inside / pd.Timedelta(days=1), 0.0).sum())


def _finding(since: pd.Timestamp, split: pd.Timestamp, seen: int, expected: float) -> Finding:
    return Finding(
        CHECK,
        "error",
        say(CHECK, since=since, split=split, seen=seen, expected=expected),
        table="subscriptions",
        column="ended_at",
        value=f"{split:%Y-%m-%d}",
    )
