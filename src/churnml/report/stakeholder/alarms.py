"""The open alerts at an as_of: those of a ledger, or of the queue replayed over the weeks."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from churnml.alerting import Policy
from churnml.alerting.desk import EXITED, EXPIRED, OPEN, Desk, desk_at, raise_alerts
from churnml.config import Tiers
from churnml.report.stakeholder.facts import (
    AlertFact,
    Earlier,
    LedgerFacts,
    Person,
    Reason,
    Standing,
)
from churnml.report.stakeholder.past_weeks import PastWeeks
from churnml.sources.dataset import Dataset
from churnml.spoken import LANGUAGES
from churnml.windows import DAY, WEEK_DAYS


@dataclass(frozen=True)
class Alarms:
    """What lies on the desks.

    Parameters
    ----------
    open : DataFrame
        The open alerts, the most urgent first (columns of ``alerting.desk``).
    earlier : mapping of str to tuple of Earlier
        Alerts that are over, by customer, the newest first.
    suppressed : mapping of str to int
        Who was passed over at the newest as_of, by reason.
    ledger : LedgerFacts, optional
        None where the queue was replayed.
    """

    open: pd.DataFrame
    earlier: Mapping[str, tuple[Earlier, ...]]
    suppressed: Mapping[str, int]
    ledger: LedgerFacts | None = None


def alarms_of(weeks: PastWeeks, *, policy: Policy, choice: Tiers, state: Path | None) -> Alarms:
    """The open alerts by the ledger in a folder; without one those of the replayed queue."""
    if state is None:
        return replayed(weeks, policy=policy, choice=choice)
    return recorded(state, weeks)


def replayed(weeks: PastWeeks, *, policy: Policy, choice: Tiers) -> Alarms:
    """The open alerts after these weeks, as the same calls of ``churnml alerts`` leave them."""
    with tempfile.TemporaryDirectory(prefix="churnml-") as state:
        before = weeks.scores[weeks.scores["as_of"] != weeks.as_ofs[-1]]
        if len(before):
            _raise(before, weeks.dataset, policy=policy, choice=choice, state=Path(state))
        desk = _raise(weeks.now, weeks.dataset, policy=policy, choice=choice, state=Path(state))
    return _alarms(desk)


def recorded(state: Path, weeks: PastWeeks) -> Alarms:
    """The open alerts by the ledger that ``churnml alerts --state`` keeps, as of the newest week.

    Raises
    ------
    InputError
        If there is no such ledger, it begins later, or it is of other data.
    """
    desk = desk_at(state, weeks.dataset, as_of=weeks.as_ofs[-1])
    counts = desk.alerts["closed_by"].value_counts()
    kept = LedgerFacts(
        since=None if desk.alerts.empty else pd.Timestamp(desk.alerts["as_of"].min()),
        raised=len(desk.alerts),
        left=int(counts.get(EXITED, 0)),
        expired=int(counts.get(EXPIRED, 0)),
    )
    return replace(_alarms(desk), ledger=kept)


def _alarms(desk: Desk) -> Alarms:
    over = desk.alerts[desk.alerts["status"] != OPEN].sort_values("as_of", ascending=False)
    earlier: dict[str, list[Earlier]] = {}
    for row in over.to_dict("records"):
        ended = Earlier(pd.Timestamp(row["as_of"]), str(row["closed_by"]))
        earlier.setdefault(str(row["customer_id"]), []).append(ended)
    found = {customer: tuple(several) for customer, several in earlier.items()}
    return Alarms(desk.open.reset_index(drop=True), found, dict(desk.suppressed))


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
    *,
    quiet_days: int,
) -> tuple[AlertFact, ...]:
    """The open alerts with who they are about and how these stand now.

    Parameters
    ----------
    alarms : Alarms
    weeks : PastWeeks
    people : mapping of str to Person
    said : mapping of str to tuple of mapping
        The reasons of each customer.
    quiet_days : int
        Of the policy: for so long nobody is alerted again.
    """
    now = standings_now(weeks)
    found = []
    for row in alarms.open.to_dict("records"):
        customer = str(row["customer_id"])
        ends = pd.Timestamp(row["as_of"]) + quiet_days * DAY
        found.append(
            replace(
                _alert(row, now.get(customer), people[customer], said.get(customer, ()), weeks),
                earlier=alarms.earlier.get(customer, ()),
                quiet_until=ends if ends > weeks.as_ofs[-1] else None,
            )
        )
    return tuple(found)


def standings_now(weeks: PastWeeks) -> dict[str, Standing]:
    """How everybody at risk stands at the newest as_of."""
    return {row["customer_id"]: standing(row) for row in weeks.now.to_dict("records")}


def _alert(
    row: Mapping[Any, Any],
    now: Standing | None,
    person: Person,
    reasons: tuple[Reason, ...],
    weeks: PastWeeks,
) -> AlertFact:
    play = _known(row["play"]) or (reasons[0]["play"] if reasons else None)
    return AlertFact(
        alert_id=str(row["alert_id"]),
        person=person,
        then=standing(row),
        now=now,
        is_new=bool(row["as_of"] > weeks.as_ofs[-1] - WEEK_DAYS * DAY),
        rank=int(row["rank"]),
        priority=_known(row["priority"]),
        deadline=_known(row["deadline"]),
        play=None if play is None else str(play),
        reasons=reasons,
        told={language: _known(row[f"reasons_{language}"]) for language in LANGUAGES},
    )
