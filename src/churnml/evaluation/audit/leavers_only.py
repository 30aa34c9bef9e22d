"""Leavers only: a value after which nearly everybody goes is written by those who know the end."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from churnml.evaluation.audit.findings import Check, Finding, concluded
from churnml.evaluation.audit.lives import Lives
from churnml.evaluation.audit.signals import Signal, signals
from churnml.evaluation.audit.words import say

CHECK = "leavers_only"
#: Days after the value became known in which an exit counts.
HORIZONS = (28, 56, 84)
#: Lower bound of the share that leaves. The strongest honest signals reach a third or so.
ALARM = 0.5
#: One-sided z of the bound: hundreds of values are looked at.
STRICT = 2.58
#: And so many times the usual share.
LIFT = 4.0


def leavers_only(lives: Lives) -> tuple[list[Finding], Check]:
    """Values of all tables after which nearly everybody left, found before the exit.

    Honest signals have exceptions: many complain and stay. A cancellation booked back, a notice,
    a word that the leaving itself writes has hardly any.
    """
    looked, findings = 0, []
    usual = usual_shares(lives, HORIZONS)
    for signal in signals(lives):
        shares = followed(lives, signal)
        looked += len(shares)
        findings += [_finding(signal, row, usual) for row in _telling(shares, usual)]
    return findings, concluded(CHECK, findings, seen=say("values_of_tables", looked=looked))


def followed(lives: Lives, signal: Signal) -> pd.DataFrame:
    """How many customers show each value, and the share of their showings soon followed by exit.

    Returns
    -------
    DataFrame
        ``value``, and for each horizon h ``n_h`` customers that could be followed so long,
        ``share_h`` and ``leavers_h``; each customer counts once, whatever the number of rows.
    """
    hits = ", ".join(
        f"avg(case when left_after < {days} then 1.0 else 0.0 end) "
        f"filter (room >= {days} or left_after < {days}) as hit_{days}"
        for days in HORIZONS
    )
    counts = ", ".join(
        f"count(hit_{days}) as n_{days}, avg(hit_{days}) as share_{days}, "
        f"count(*) filter (hit_{days} > 0) as leavers_{days}"
        for days in HORIZONS
    )
    return lives.rows(f"""
        with m as ({signal.query}),
        j as (
            select m.customer_id, m.value,
                   date_diff('second', m.seen_at, s.exit_at) / 86400.0 as left_after,
                   date_diff('second', m.seen_at, s.over_at) / 86400.0 as room
            from m asof join lives s on m.customer_id = s.customer_id and m.seen_at >= s.started_at
            where m.value is not null and m.seen_at < coalesce(s.exit_at, s.over_at)
        ),
        c as (select value, customer_id, {hits} from j group by 1, 2)
        select value, {counts} from c group by 1 order by 1""")


def usual_shares(lives: Lives, horizons: Sequence[int]) -> dict[int, float]:
    """Share of those at risk that leaves within so many days, over every four weeks."""
    parts = ", ".join(
        f"avg(case when left_after < {days} then 1.0 else 0.0 end) "
        f"filter (room >= {days} or left_after < {days}) as usual_{days}"
        for days in horizons
    )
    found = lives.rows(
        f"""
        with a as (select unnest(generate_series($first, $edge, interval 28 day)) as seen_at),
        j as (
            select date_diff('second', a.seen_at, s.exit_at) / 86400.0 as left_after,
                   date_diff('second', a.seen_at, s.over_at) / 86400.0 as room
            from a join lives s
            on a.seen_at >= s.started_at and a.seen_at < coalesce(s.exit_at, s.over_at)
        )
        select {parts} from j""",
        {"first": lives.first.to_pydatetime(), "edge": lives.edge.to_pydatetime()},
    ).iloc[0]
    return {days: float(found[f"usual_{days}"]) for days in horizons}


def lower_bound(share: npt.ArrayLike, n: npt.ArrayLike, *, z: float) -> npt.NDArray[np.float64]:
    """Wilson's lower bound of a share."""
    p, count = np.asarray(share, dtype=float), np.maximum(np.asarray(n, dtype=float), 1.0)
    middle = p + z**2 / (2 * count)
    reach = z * np.sqrt(p * (1 - p) / count + z**2 / (4 * count**2))
    return np.asarray((middle - reach) / (1 + z**2 / count))


def _telling(shares: pd.DataFrame, usual: dict[int, float]) -> list[tuple[str, int, int, float]]:
    """Values whose bound rings the alarm, with the shortest horizon that does."""
    told = []
    for row in shares.to_dict("records"):
        for days in HORIZONS:
            n, share = int(row[f"n_{days}"]), row[f"share_{days}"]
            if n and share >= LIFT * usual[days] and lower_bound(share, n, z=STRICT) >= ALARM:
                told.append((str(row["value"]), days, n, float(share)))
                break
    return told


def _finding(signal: Signal, row: tuple[str, int, int, float], usual: dict[int, float]) -> Finding:
    value, days, n, share = row
    return signal.leak(CHECK, value, n=n, share=share, days=days, usual=usual[days])
