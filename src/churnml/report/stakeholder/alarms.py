"""The open alerts at an as_of: the queue that ``churnml alerts`` runs, replayed over the weeks."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from churnml.alerting import Policy
from churnml.alerting.desk import Desk, raise_alerts
from churnml.config import Tiers
from churnml.report.stakeholder.facts import AlertFact, Person, Reason, Standing
from churnml.report.stakeholder.past_weeks import PastWeeks
from churnml.sources.dataset import Dataset


@dataclass(frozen=True)
class Alarms:
    """What lies on the desks.

    Parameters
    ----------
    open : DataFrame
        The open alerts, the most urgent first (columns of ``alerting.desk``).
    suppressed : mapping of str to int
        Who was passed over at the newest as_of, by reason.
    """

    open: pd.DataFrame
    suppressed: Mapping[str, int]


def replayed(weeks: PastWeeks, *, policy: Policy, choice: Tiers) -> Alarms:
    """The open alerts after these weeks, as the same calls of ``churnml alerts`` leave them."""
    with tempfile.TemporaryDirectory(prefix="churnml-") as state:
        before = weeks.scores[weeks.scores["as_of"] != weeks.as_ofs[-1]]
        if len(before):
            _raise(before, weeks.dataset, policy=policy, choice=choice, state=Path(state))
        desk = _raise(weeks.now, weeks.dataset, policy=policy, choice=choice, state=Path(state))
    return Alarms(desk.open.reset_index(drop=True), dict(desk.suppressed))


def _raise(
    scores: pd.DataFrame, dataset: Dataset, *, policy: Policy, choice: Tiers, state: Path
) -> Desk:
    return raise_alerts(scores, dataset, policy=policy, choice=choice, state=state)


def standing(row: Mapping[str, Any]) -> Standing:
    """A row of scores or alerts as plain facts."""
    return Standing(
        pd.Timestamp(row["as_of"]),
        float(row["probability"]),
        _known(row["tier"]),
        _known(row["health"]),
        _known(row["value_at_risk"]),
    )


def _known(value: Any) -> Any:
    return None if value is None or pd.isna(value) else value


def alert_facts(
    alarms: Alarms,
    weeks: PastWeeks,
    people: Mapping[str, Person],
    said: Mapping[str, tuple[Reason, ...]],
) -> tuple[AlertFact, ...]:
    """The open alerts with who they are about and how these stand now.

    Parameters
    ----------
    alarms : Alarms
    weeks : PastWeeks
    people : mapping of str to Person
    said : mapping of str to tuple of mapping
        The reasons of each customer.
    """
    now = standings_now(weeks)
    return tuple(
        _alert(row, now, people, said.get(str(row["customer_id"]), ()), weeks)
        for row in alarms.open.to_dict("records")
    )


def standings_now(weeks: PastWeeks) -> dict[str, Standing]:
    """How everybody at risk stands at the newest as_of."""
    return {row["customer_id"]: standing(row) for row in weeks.now.to_dict("records")}


def _alert(
    row: Mapping[Any, Any],
    now: Mapping[str, Standing],
    people: Mapping[str, Person],
    said: tuple[Reason, ...],
    weeks: PastWeeks,
) -> AlertFact:
    customer = str(row["customer_id"])
    return AlertFact(
        alert_id=str(row["alert_id"]),
        person=people[customer],
        then=standing(row),
        now=now.get(customer),
        is_new=bool(row["as_of"] == weeks.as_ofs[-1]),
        rank=int(row["rank"]),
        priority=_known(row["priority"]),
        deadline=_known(row["deadline"]),
        play=str(said[0]["play"]) if said else None,
        reasons=said,
    )
