"""What a real warehouse adds: rows late, twice or broken. Clean rows are never altered."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from churnml.contract import Table

#: Tables that stay without faulty rows: a fault there would change what everything else means.
SPARED = ("customers", "calendar")
#: Leads are contacted before they sign up: an early time is no fault there.
EARLY_BIRDS = ("ticket_events", "contacts", "outreach", "stages", "consents")
#: Pairs of columns in which the second may not lie before the first.
DURATIONS = {"tickets": ("opened_at", "resolved_at"), "subscriptions": ("started_at", "ended_at")}
FAR = pd.Timedelta(days=3650)


def arrived(
    frame: pd.DataFrame, table: Table, rules: dict[str, dict[str, float]], rng: np.random.Generator
) -> pd.DataFrame:
    """The rows with ``known_at``: minutes after their own time, sometimes days or weeks."""
    rule, count = rules.get(table.name, rules["default"]), len(frame)
    minutes = 0.5 + rng.exponential(rule["minutes"], size=count)
    draw = rng.random(count)
    minutes = np.where(draw < rule["days_late"], rng.uniform(0.5, 6, size=count) * 1440, minutes)
    minutes = np.where(draw < rule["weeks_late"], rng.uniform(10, 45, size=count) * 1440, minutes)
    delay = pd.to_timedelta(np.round(minutes * 60).astype(np.int64), unit="s").as_unit("us")
    return frame.assign(known_at=pd.DatetimeIndex(frame[table.time]) + delay)


def soiled(
    frame: pd.DataFrame, table: Table, rules: dict[str, float], rng: np.random.Generator
) -> pd.DataFrame:
    """The rows and some faulty copies of them, each with one fault and a key of its own.

    Parameters
    ----------
    frame : DataFrame
        Rows with ``known_at``.
    table : Table
    rules : dict
        Share of rows by fault.
    rng : Generator
    """
    if table.name in SPARED:
        return frame
    parts = [frame]
    for fault, share in rules.items():
        number = int(share * len(frame) + 0.5 * rng.random())
        if number == 0:
            continue
        place = rng.integers(len(frame), size=number)
        faulty = _FAULTS[fault](frame.iloc[place].copy(), table)
        if faulty is None:
            continue
        if fault != "duplicate":
            faulty = _rekeyed(faulty, table, fault)
        parts.append(faulty)
    return pd.concat(parts, ignore_index=True)


def _rekeyed(faulty: pd.DataFrame, table: Table, fault: str) -> pd.DataFrame:
    """The rows under keys of their own; a repeated key would be a second fault."""
    for key in table.key:
        faulty[key] = faulty[key].to_numpy(dtype=object) + np.array(
            [f"-{fault[:2]}{n}" for n in range(len(faulty))], dtype=object
        )
    return faulty


def _duplicate(faulty: pd.DataFrame, table: Table) -> pd.DataFrame:
    """Delivered again: keyed rows a little later, others exactly the same."""
    if table.key:
        faulty["known_at"] = faulty["known_at"] + pd.Timedelta(minutes=45)
    return faulty


def _orphan(faulty: pd.DataFrame, table: Table) -> pd.DataFrame | None:
    if table.name == "subscriptions":  # would look like deleted leavers
        return None
    owner = "customer_id" if "customer_id" in faulty else "ticket_id"
    faulty[owner] = [f"unknown-{n}" for n in range(len(faulty))]
    return faulty


def _before_sign_up(faulty: pd.DataFrame, table: Table) -> pd.DataFrame | None:
    return None if table.name in EARLY_BIRDS else _moved(faulty, table, -FAR)


def _after_the_end(faulty: pd.DataFrame, table: Table) -> pd.DataFrame:
    return _moved(faulty, table, FAR)


def _moved(faulty: pd.DataFrame, table: Table, by: pd.Timedelta) -> pd.DataFrame:
    """All times of the rows but the arrival moved together."""
    for column in table.columns:
        if column.kind == "time":
            faulty[column.name] = faulty[column.name] + by
    return faulty


def _unknown_value(faulty: pd.DataFrame, table: Table) -> pd.DataFrame | None:
    listed = [column.name for column in table.columns if column.values and column.required]
    if not listed:
        return None
    faulty[listed[0]] = "n/a"
    return faulty


def _reversed(faulty: pd.DataFrame, table: Table) -> pd.DataFrame | None:
    if table.name not in DURATIONS:
        return None
    first, last = DURATIONS[table.name]
    faulty[last] = faulty[first] - pd.Timedelta(hours=3)
    return faulty


def _missing(faulty: pd.DataFrame, table: Table) -> pd.DataFrame | None:
    """Without a value that the row is nothing without."""
    own = {table.time, "customer_id", "ticket_id", *table.key}
    needed = [
        name for name in table.required if name not in own and table.column(name).kind == "text"
    ]
    if not needed:
        return None
    faulty[needed[-1]] = None
    return faulty


_FAULTS: dict[str, Any] = {
    "duplicate": _duplicate,
    "orphan": _orphan,
    "before_sign_up": _before_sign_up,
    "after_the_end": _after_the_end,
    "unknown_value": _unknown_value,
    "reversed": _reversed,
    "missing": _missing,
}
