"""The truth beside a simulated world: why each customer left, and whether it showed by then."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd

from churnml.evaluation.leads import FOLLOWED_WITHIN_DAYS, USEFUL_FROM_DAYS
from churnml.features import Feature, compute_features
from churnml.model.message_risk import MessageRisk, with_message_risk
from churnml.snapshots import take_snapshots
from churnml.sources import open_dataset
from churnml.sources.place import truth_beside
from churnml.windows import DAY, WEEK_DAYS

#: A customer's own baseline: at most so many weekly values before the signal began, and at least.
MOST_WEEKS, FEWEST_WEEKS = 26, 4
#: Below this a spread is rounding, not a spread.
_STILL = 1e-9


@dataclass(frozen=True)
class Truth:
    """What a simulated world knows of its exits.

    Parameters
    ----------
    exits : DataFrame
        customer_id, exit_at, cause, signal_began_at; naive UTC.
    causes : mapping of str to mapping
        Effects of each cause at full strength.
    clean : Path
        Folder of the tables before dirt and lateness.
    """

    exits: pd.DataFrame
    causes: Mapping[str, Mapping[str, Any]]
    clean: Path

    @classmethod
    def beside(cls, data: Path | str) -> Self | None:
        """The truth beside OUT/data; None where the data is not a simulated world."""
        folder = truth_beside(data)
        needed = ("exits.parquet", "world.json")
        if folder is None or not all((folder / name).is_file() for name in needed):
            return None
        exits = pd.read_parquet(folder / "exits.parquet")
        for name in ("exit_at", "signal_began_at"):
            times = pd.to_datetime(exits[name], utc=True).dt.tz_localize(None)
            exits[name] = times.astype("datetime64[us]")
        world = json.loads((folder / "world.json").read_text(encoding="utf-8"))
        return cls(exits, world["parameters"]["causes"], folder / "clean")


def useful_alerts(alerts: pd.DataFrame, exits: pd.DataFrame) -> pd.DataFrame:
    """Alerts with 21 to 84 days of notice, and the exit that each announced.

    Parameters
    ----------
    alerts : DataFrame
        customer_id, as_of.
    exits : DataFrame
        customer_id, exit_at, cause, signal_began_at.

    Returns
    -------
    DataFrame
        The columns of both, and ``notice_days``; an exit without a cause that shows (``sudden``)
        announces nothing and is left out.
    """
    ahead = pd.merge_asof(
        alerts[["customer_id", "as_of"]].sort_values("as_of", kind="stable"),
        exits.sort_values("exit_at", kind="stable"),
        left_on="as_of", right_on="exit_at", by="customer_id", direction="forward",
    )  # fmt: skip
    notice = (ahead["exit_at"] - ahead["as_of"]) / DAY
    useful = (notice >= USEFUL_FROM_DAYS) & (notice < FOLLOWED_WITHIN_DAYS)
    kept = useful & ahead["signal_began_at"].notna()
    return ahead.assign(notice_days=notice)[kept].reset_index(drop=True)


@dataclass(frozen=True)
class Moves:
    """How features of announced leavers moved; frames of shape (n_cases, n_features).

    Parameters
    ----------
    change : DataFrame
        Value at the alert minus mean of the customer's own baseline; NaN where either is unknown.
    deviations : DataFrame
        The same in standard deviations of the baseline; infinite where it stood still before.
    weeks : Series of int
        Weeks in the baseline of each case.
    """

    change: pd.DataFrame
    deviations: pd.DataFrame
    weeks: pd.Series


def own_moves(cases: pd.DataFrame, values: pd.DataFrame) -> Moves:
    """Moves of features between a customer's weeks before the signal began and the alert.

    Parameters
    ----------
    cases : DataFrame
        customer_id, as_of, signal_began_at; one row for each case.
    values : DataFrame indexed by (customer_id, as_of)
        Weekly features; what is read at the instant at which the signal began is still before it.
    """
    names = list(values.columns)
    table = values.reset_index()
    weekly = table.merge(
        cases[["customer_id", "signal_began_at"]].assign(case=np.arange(len(cases))),
        on="customer_id",
    )
    age = weekly["signal_began_at"] - weekly["as_of"]
    before = weekly[(age >= 0 * DAY) & (age < MOST_WEEKS * WEEK_DAYS * DAY)].groupby("case")
    every = pd.RangeIndex(len(cases))
    now = values.reindex(pd.MultiIndex.from_frame(cases[["customer_id", "as_of"]]))
    change = now.set_axis(every) - before[names].mean().reindex(every)
    change = change.mask(change.abs() <= _STILL, 0.0)
    spread = before[names].std().reindex(every)
    deviations = (change / spread.where(spread > _STILL)).where(
        spread > _STILL, np.sign(change) * np.inf
    )
    deviations = deviations.mask(change == 0.0, 0.0)
    return Moves(change, deviations, before.size().reindex(every).mask(lambda n: n.isna(), 0))


def true_moves(
    truth: Truth,
    cases: pd.DataFrame,
    *,
    features: Sequence[Feature],
    grid: Sequence[pd.Timestamp],
    risk: MessageRisk | None,
) -> Moves:
    """The moves of features on the tables before dirt and lateness.

    Parameters
    ----------
    truth : Truth
    cases : DataFrame
        As ``useful_alerts`` returns them.
    features : sequence of Feature
        What is looked at; categories do not move.
    grid : sequence of Timestamp
        Weekly as_ofs of the training and the test.
    risk : MessageRisk, optional
        What the model in use hears in messages.
    """
    dataset = open_dataset(truth.clean)
    since = cases["signal_began_at"].min() - MOST_WEEKS * WEEK_DAYS * DAY
    until = cases["as_of"].max()
    snapshots = take_snapshots(dataset, [week for week in grid if since < week <= until])
    numbers = [feature for feature in features if not feature.is_category]
    values = compute_features(
        with_message_risk(dataset, risk), snapshots, features=numbers,
        kept=snapshots["customer_id"].isin(cases["customer_id"]),
    )  # fmt: skip
    return own_moves(cases, values)
