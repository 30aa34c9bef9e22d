"""Survivorship: a stretch of the past in which hardly anybody left: leavers were deleted."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pandas as pd

from churnml.evaluation.audit.findings import Check, Finding, concluded
from churnml.evaluation.audit.lives import Lives
from churnml.evaluation.audit.words import say

CHECK = "survivorship"
#: Exits that the later rate lets expect, and the share of them below which chance is ruled out.
EXPECTED, SHARE = 15.0, 0.25
EVERY_DAYS, MARGIN_DAYS = 14, 56
#: Bounds of the tenure, in days, within which customers are alike.
TENURE = (0, 14, 28, 42, 56, 84, 112, 168, 252, 364, 728, np.inf)
Vector = npt.NDArray[np.float64]


def survivorship(lives: Lives, *, since: pd.Timestamp) -> tuple[list[Finding], Check]:
    """Exits before any date against those expected at the later rate of customers as long there.

    A young company has young customers, of whom hardly any leaves yet; that nobody is gone would be
    expected then (indirect standardisation by tenure [1]_).

    Parameters
    ----------
    since : Timestamp
        Where the history of activity begins; who left before was never in the data.

    References
    ----------
    .. [1] N. Breslow, N. Day, *Statistical Methods in Cancer Research*, vol. II, 1987, ch. 2.
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
        known = later_days > 0
        expected = float((days[known] * later[known] / later_days[known]).sum())
        gone = int(seen[known].sum())
        empty = expected >= EXPECTED and gone <= SHARE * expected
        if empty and (best is None or expected - gone > best[2] - best[1]):
            best = (split, gone, expected)
    return best


def _exits_and_days(
    spells: pd.DataFrame, start: pd.Timestamp, end: pd.Timestamp
) -> tuple[Vector, Vector]:
    """Exits and days at risk between two instants, by tenure."""
    began, ended, left, until = (
        ((moments - start) / pd.Timedelta(days=1)).to_numpy(dtype=float)
        for moments in (spells["started_at"], spells["ended_at"], spells["exit_at"],
                        pd.Series([end]))
    )  # fmt: skip
    inside = (left >= 0) & (left < until)
    exits = np.histogram((left - began)[inside], bins=TENURE)[0].astype(float)
    last = np.minimum(ended, until)
    days = [
        np.maximum(np.minimum(last, began + high) - np.maximum(0.0, began + low), 0.0).sum()
        for low, high in pairwise(TENURE)
    ]
    return exits, np.array(days)


def _finding(since: pd.Timestamp, split: pd.Timestamp, seen: int, expected: float) -> Finding:
    return Finding(
        CHECK,
        "error",
        say(CHECK, since=since, split=split, seen=seen, expected=expected),
        table="subscriptions",
        column="ended_at",
        value=f"{split:%Y-%m-%d}",
    )
