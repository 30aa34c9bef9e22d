"""Every exit of the tested time: whether the queue announced it, and how well it looked before."""

from __future__ import annotations

import numpy as np
import pandas as pd

from churnml.alerting.queue import (
    DAY_US,
    Around,
    Floats,
    Policy,
    replay,
    score_column,
    tie_breakers,
)
from churnml.evaluation.leads import (
    FOLLOWED_WITHIN_DAYS,
    NO_NOTICE,
    USEFUL_FROM_DAYS,
    Outlook,
    best_notices,
    outlook,
    scored_keys,
)

IN_TIME, LATE, MISSED = "in_time", "late", "missed"
COLUMNS = (
    "customer_id", "exit_at", "outcome", "alerted_at", "notice_days", "seen_at", "probability",
    "place", "best_place", "of", "health",
)  # fmt: skip


def exit_outcomes(
    scores: pd.DataFrame,
    spells: pd.DataFrame,
    policy: Policy,
    *,
    observed_until: pd.Timestamp,
    delay_days: int,
    surroundings: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """What became of each exit that recall counts; the share ``in_time`` is the recall itself.

    Parameters
    ----------
    scores : DataFrame
        customer_id, as_of and probability or score of every tested row; optional ``health``.
    spells : DataFrame
        customer_id, started_at, exit_at.
    policy : Policy
    observed_until : Timestamp
    delay_days : int
    surroundings : DataFrame, optional
        ``owner`` and ``held``, row by row as in ``scores``.

    Returns
    -------
    DataFrame
        ``customer_id``, ``exit_at``, ``outcome`` (in_time, late, missed), ``alerted_at`` and
        ``notice_days`` of the earliest alert within 84 days of the exit (empty: none), ``seen_at``
        (last as_of at least 21 days before the exit), there ``probability`` (or score), ``place``
        (1 = highest of its as_of), ``of`` (scored customers) and ``health``; ``best_place`` is the
        best place at any as_of 21 to 84 days before. The latest exits first.
    """
    ahead = outlook(scores, spells, observed_until=observed_until, delay_days=delay_days)
    keys = scored_keys(ahead, scores) + tie_breakers(ahead.grid.customers, seed=policy.seed)
    around = Around.of(ahead.grid, policy, surroundings)
    lines, columns = replay(keys, ahead.grid.times, policy, around=around)
    notice = best_notices(ahead, lines, columns)
    places = _places(keys)
    dense = {
        "probability": _dense(ahead, score_column(scores).to_numpy(dtype=np.float64)),
        "health": _dense(ahead, _health(scores)),
    }
    found = [
        _outcome(ahead, int(customer), int(place), int(notice[customer, place]), places, dense)
        for customer, place in np.argwhere(ahead.counted)
    ]
    frame = pd.DataFrame(found, columns=list(COLUMNS)).astype({"notice_days": "float64"})
    for name in ("exit_at", "alerted_at", "seen_at"):
        frame[name] = pd.to_datetime(frame[name]).astype("datetime64[us]")
    order = frame.sort_values(["exit_at", "customer_id"], ascending=[False, True])
    return order.reset_index(drop=True)


def _health(scores: pd.DataFrame) -> Floats:
    if "health" not in scores:
        return np.full(len(scores), np.nan)
    return np.asarray(scores["health"].to_numpy(dtype=np.float64))


def _dense(ahead: Outlook, values: Floats) -> Floats:
    grid = np.full(ahead.grid.shape, np.nan)
    grid[ahead.grid.row_as_of, ahead.grid.row_customer] = values
    return grid


def _places(keys: Floats) -> Floats:
    """Place of every cell in its as_of, 1 = highest; the keys of a line are distinct."""
    order = np.argsort(-keys, axis=1, kind="stable")
    places = np.empty(keys.shape)
    np.put_along_axis(places, order, np.arange(1.0, keys.shape[1] + 1)[None, :], axis=1)
    return places


def _outcome(
    ahead: Outlook, customer: int, place: int, notice: int, places: Floats, dense: dict[str, Floats]
) -> dict[str, object]:
    """One exit: of the as_ofs before it, what the queue did and where the customer stood."""
    own = (ahead.place[:, customer] == place) & (ahead.notice[:, customer] >= 0)
    before = np.where(own, ahead.notice[:, customer], NO_NOTICE) / DAY_US
    useful = (before >= USEFUL_FROM_DAYS) & (before < FOLLOWED_WITHIN_DAYS)
    seen = np.flatnonzero(before >= USEFUL_FROM_DAYS)[-1]  # seen for 28 days, so there is one
    exit_at = int(ahead.grid.times[seen] + ahead.notice[seen, customer])
    heard = notice >= 0
    late = heard and notice < USEFUL_FROM_DAYS * DAY_US
    standing = places[useful, customer]
    return {
        "customer_id": str(ahead.grid.customers[customer]),
        "exit_at": _moment(exit_at),
        "outcome": LATE if late else IN_TIME if heard else MISSED,
        "alerted_at": _moment(exit_at - notice) if heard else None,
        "notice_days": notice / DAY_US if heard else np.nan,
        "seen_at": _moment(int(ahead.grid.times[seen])),
        "probability": float(dense["probability"][seen, customer]),
        "place": int(places[seen, customer]),
        "best_place": int(standing.min()) if len(standing) else int(places[seen, customer]),
        "of": int(np.count_nonzero(np.isfinite(dense["probability"][seen]))),
        "health": float(dense["health"][seen, customer]),
    }


def _moment(microseconds: int) -> pd.Timestamp:
    return pd.Timestamp(microseconds, unit="us").as_unit("us")
