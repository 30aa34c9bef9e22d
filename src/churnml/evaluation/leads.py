"""What the alert queue is worth: how long before an exit it spoke, how often, how often in vain."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from churnml.alerting.queue import (
    DAY_US,
    Around,
    Floats,
    Integers,
    Layout,
    Policy,
    instants,
    layout,
    replay,
    require,
    score_column,
    tie_breakers,
)
from churnml.errors import InputError

#: An alert is useful with a notice in [21, 84) days, late below 21 days.
USEFUL_FROM_DAYS = 21
FOLLOWED_WITHIN_DAYS = 84
#: Exits count of customers seen so long, until so long after the last tested as_of.
SEEN_DAYS = 28
EXITS_UNTIL_DAYS = 7
#: The curve counts exits that leave room for eight full weeks of notice.
CURVE_FROM_DAYS = 63
CURVE_WEEKS = tuple(range(1, 9))
WEEK_DAYS = 7

NO_NOTICE = np.int64(-1)
#: Figures that only count; they have no interval and are no metric.
COUNTS = ("n_alerts", "n_judged", "n_exits", "n_people")
CURVE = tuple(f"lead_recall_{week}" for week in CURVE_WEEKS)


@dataclass(frozen=True, slots=True)
class Outlook:
    """What lay ahead of every tested cell: the notice an alert there would give, and of which exit.

    Parameters
    ----------
    grid : Layout
        Tested as_ofs by customers.
    notice : array of int, shape (n_as_ofs, n_customers)
        Microseconds until the exit of the spell that contains the as_of; ``NO_NOTICE`` if that
        spell has none or it lies before the as_of.
    place : array of int, shape (n_as_ofs, n_customers)
        Number of that exit among the customer's exits.
    counted, on_curve : arrays of bool, shape (n_customers, n_places)
        Exits that recall counts, and those that the curve by minimum notice counts.
    judged : array of bool, shape (n_as_ofs,)
        As_ofs whose 84 days and label delay are over.
    weeks : float
        Weeks that the tested as_ofs stand for.
    """

    grid: Layout
    notice: Integers
    place: Integers
    counted: npt.NDArray[np.bool_]
    on_curve: npt.NDArray[np.bool_]
    judged: npt.NDArray[np.bool_]
    weeks: float


def outlook(
    snapshots: pd.DataFrame, spells: pd.DataFrame, *, observed_until: pd.Timestamp, delay_days: int
) -> Outlook:
    """The exits ahead of tested snapshots.

    Parameters
    ----------
    snapshots : DataFrame
        customer_id and as_of of every tested row, scored or not.
    spells : DataFrame
        customer_id, started_at, exit_at (NaT: none known); one row per spell. A snapshot belongs
        to the last spell that started before it: one that starts at the as_of is not known yet.
    observed_until : Timestamp
        Right edge of the data, exclusive.
    delay_days : int
        Days after an exit until it is certain.

    Raises
    ------
    InputError
        If columns are missing or a spell has no start or ends before it.
    """
    grid = layout(snapshots)
    known = numbered_spells(spells, grid)
    rows = _spell_of_rows(grid, known)
    exits = _exits(rows, known, grid)
    shape = (len(grid.customers), int(known["place"].max()) + 1 if len(known) else 1)
    counted, on_curve = np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)
    counted[exits["customer"], exits["place"]] = exits["counted"]
    on_curve[exits["customer"], exits["place"]] = exits["on_curve"]
    notice = np.full(grid.shape, NO_NOTICE, dtype=np.int64)
    place = np.zeros(grid.shape, dtype=np.int64)
    ahead = rows.loc[rows["notice"] >= 0]
    notice[ahead["line"], ahead["customer"]] = ahead["notice"]
    place[ahead["line"], ahead["customer"]] = ahead["place"]
    closes = grid.times + (FOLLOWED_WITHIN_DAYS + delay_days) * DAY_US
    judged = closes <= np.datetime64(observed_until).astype("datetime64[us]").astype(np.int64)
    return Outlook(grid, notice, place, counted, on_curve, judged, _weeks(grid.times))


def numbered_spells(spells: pd.DataFrame, grid: Layout) -> pd.DataFrame:
    """Spells of tested customers by time, in microseconds; ``exit`` is -1 where there is none.

    ``place`` numbers the spells of a customer as the outlook does, ``row`` those of the frame.
    """
    require(spells, ("customer_id", "started_at", "exit_at"), what="spells")
    started = instants(spells["started_at"], what="spells.started_at")
    exit_at = instants(spells["exit_at"], what="spells.exit_at")
    wrong = started.isna() | (exit_at < started)
    if wrong.any():
        first = spells.loc[wrong.to_numpy(), "customer_id"].iloc[0]
        raise InputError(
            f"{int(wrong.sum())} spells have no start or end before it, the first of customer "
            f"{first!r}; expected started_at <= exit_at."
        )
    frame = pd.DataFrame(
        {
            "customer": grid.customers.get_indexer(pd.Index(spells["customer_id"].astype(str))),
            "started": started.to_numpy().astype(np.int64),
            "exit": np.where(exit_at.isna(), NO_NOTICE, exit_at.to_numpy().astype(np.int64)),
            "row": np.arange(len(spells)),
        }
    )
    frame = frame.loc[frame["customer"] >= 0].sort_values(["started", "customer"])
    frame["place"] = frame.groupby("customer").cumcount()
    return frame.reset_index(drop=True)


def _spell_of_rows(grid: Layout, spells: pd.DataFrame) -> pd.DataFrame:
    rows = pd.DataFrame(
        {
            "line": grid.row_as_of,
            "customer": grid.row_customer,
            "time": grid.times[grid.row_as_of] if len(grid.row_as_of) else grid.row_as_of,
        }
    ).sort_values("time", kind="stable")
    rows = pd.merge_asof(
        rows,
        spells,
        left_on="time",
        right_on="started",
        by="customer",
        allow_exact_matches=False,
    ).dropna(subset=["started"])
    rows = rows.astype({"started": np.int64, "exit": np.int64, "place": np.int64})
    ahead = (rows["exit"] != NO_NOTICE) & (rows["exit"] >= rows["time"])
    return rows.assign(notice=np.where(ahead, rows["exit"] - rows["time"], NO_NOTICE))


def _exits(rows: pd.DataFrame, spells: pd.DataFrame, grid: Layout) -> pd.DataFrame:
    """Exits of spells with a tested row, and which figure counts them."""
    first_seen = rows.groupby(["customer", "place"], as_index=False)["time"].min()
    exits = spells.loc[spells["exit"] != NO_NOTICE].merge(first_seen, on=["customer", "place"])
    if exits.empty:
        return exits.assign(counted=False, on_curve=False)
    first, last = grid.times[0], grid.times[-1]
    # Seen for 28 days, an exit also lies 28 days or more after the first as_of of all.
    counted = (exits["exit"] < last + EXITS_UNTIL_DAYS * DAY_US) & (
        exits["exit"] >= exits["time"] + SEEN_DAYS * DAY_US
    )
    on_curve = counted & (exits["exit"] >= first + CURVE_FROM_DAYS * DAY_US)
    return exits.assign(counted=counted, on_curve=on_curve)


def _weeks(times: Integers) -> float:
    """Weeks that the as_ofs stand for: their number times the usual distance between two."""
    if len(times) < 2:
        return float(len(times))
    return float(len(times) * np.median(np.diff(times)) / (WEEK_DAYS * DAY_US))


def best_notices(
    ahead: Outlook, lines: Integers, columns: Integers, drawn: Integers | None = None
) -> Integers:
    """The longest notice under 84 days that alerts gave of each exit; ``NO_NOTICE`` if none did.

    Parameters
    ----------
    lines, columns : arrays of int, shape (n_alerts,)
        Alerted cells; the columns count the drawn customers.
    drawn : array of int, optional
        Customers of a resample; each drawing is a customer of its own.

    Returns
    -------
    array of int, shape (n_drawn, n_places)
    """
    customers = columns if drawn is None else drawn[columns]
    notice = ahead.notice[lines, customers]
    heard = (notice >= 0) & (notice < FOLLOWED_WITHIN_DAYS * DAY_US)
    n_drawn = len(ahead.grid.customers) if drawn is None else len(drawn)
    best = np.full((n_drawn, ahead.counted.shape[1]), NO_NOTICE, dtype=np.int64)
    cells = (columns[heard], ahead.place[lines[heard], customers[heard]])
    np.maximum.at(best, cells, notice[heard])
    return best


def queue_figures(
    ahead: Outlook, lines: Integers, columns: Integers, drawn: Integers | None = None
) -> dict[str, float]:
    """All figures of one replay of the queue, NaN where one cannot be computed.

    ``recall_at_lead_21d``, ``lead_recall_1`` … ``lead_recall_8``, ``alert_precision``,
    ``alert_precision_in_time``, ``late_alerts`` (a count, among the alerts that can be judged),
    ``median_lead_days``, ``alerts_per_week``, ``n_alerts``, ``n_judged`` (old enough to be judged).
    """
    counted = ahead.counted if drawn is None else ahead.counted[drawn]
    on_curve = ahead.on_curve if drawn is None else ahead.on_curve[drawn]
    best = best_notices(ahead, lines, columns, drawn)
    caught, curve = best[counted], best[on_curve]
    heard = caught[caught >= 0]
    return {
        "recall_at_lead_21d": _mean(caught >= USEFUL_FROM_DAYS * DAY_US),
        **{
            name: _mean(curve >= week * WEEK_DAYS * DAY_US)
            for name, week in zip(CURVE, CURVE_WEEKS, strict=True)
        },
        **_precision(ahead, lines, columns if drawn is None else drawn[columns]),
        "median_lead_days": float(np.median(heard)) / DAY_US if len(heard) else math.nan,
        "alerts_per_week": len(lines) / ahead.weeks if ahead.weeks else math.nan,
        "n_alerts": float(len(lines)),
    }


def _precision(ahead: Outlook, lines: Integers, customers: Integers) -> dict[str, float]:
    judged = ahead.judged[lines]
    notice = ahead.notice[lines[judged], customers[judged]]
    followed = (notice >= 0) & (notice < FOLLOWED_WITHIN_DAYS * DAY_US)
    useful = followed & (notice >= USEFUL_FROM_DAYS * DAY_US)
    return {
        "alert_precision": _mean(followed),
        "alert_precision_in_time": _mean(useful),
        "late_alerts": float(np.count_nonzero(followed & ~useful)),
        "n_judged": float(len(notice)),
    }


def _mean(hits: npt.NDArray[np.bool_]) -> float:
    return float(np.count_nonzero(hits) / len(hits)) if len(hits) else math.nan


def scored_keys(ahead: Outlook, scores: pd.DataFrame) -> Floats:
    """Dense ranks of the scores on the grid of the outlook (same rows in the same order)."""
    return ahead.grid.levels(score_column(scores).to_numpy())


def queue_metrics(
    scores: pd.DataFrame,
    spells: pd.DataFrame,
    policy: Policy,
    *,
    observed_until: pd.Timestamp,
    delay_days: int,
    surroundings: pd.DataFrame | None = None,
) -> dict[str, float]:
    """The figures of the queue that these scores would have raised (see ``queue_figures``).

    Parameters
    ----------
    scores : DataFrame
        customer_id, as_of and score or probability of every tested row.
    spells : DataFrame
        customer_id, started_at, exit_at.
    policy : Policy
    observed_until : Timestamp
    delay_days : int
    surroundings : DataFrame, optional
        ``owner`` and ``held``, row by row as in ``scores``, for the options of the policy.

    Returns
    -------
    dict of float
        ``n_exits`` beside the figures.
    """
    ahead = outlook(scores, spells, observed_until=observed_until, delay_days=delay_days)
    keys = scored_keys(ahead, scores) + tie_breakers(ahead.grid.customers, seed=policy.seed)
    around = Around.of(ahead.grid, policy, surroundings)
    lines, columns = replay(keys, ahead.grid.times, policy, around=around)
    return {**queue_figures(ahead, lines, columns), "n_exits": float(ahead.counted.sum())}
