"""All facts of a report, gathered from the data as known at its as_of, the bundle and its proof."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import pandas as pd

from churnml.alerting import Policy
from churnml.alerting.tiers import TIERS, counts
from churnml.config import Study, Tiers
from churnml.contract import TABLES
from churnml.evaluation.record import ProofRecord
from churnml.health import read_preset
from churnml.model.bundle import Bundle
from churnml.report.stakeholder.alarms import alarms_of, alert_facts
from churnml.report.stakeholder.contacts import contacts_of
from churnml.report.stakeholder.drivers import drivers
from churnml.report.stakeholder.facts import AlertFact, CustomerFact, DataNotes, ReportFacts
from churnml.report.stakeholder.misses import call_facts, miss_facts, missed, random_calls
from churnml.report.stakeholder.past_weeks import PastWeeks, score_past_weeks, weeks_until
from churnml.report.stakeholder.people import people
from churnml.report.stakeholder.quotes import quotes_of
from churnml.report.stakeholder.reasoning import Reasoning, reasoning
from churnml.report.stakeholder.timeline import lanes_of
from churnml.sources.dataset import Dataset
from churnml.windows import LabelWindow

#: A stage of the work by its name, for whoever measures time.
Stage = Callable[[str], AbstractContextManager[Any]]
_SEVERITIES = ("error", "warning", "info")


def gather(
    dataset: Dataset,
    bundle: Bundle,
    proof: ProofRecord | None,
    *,
    as_of: pd.Timestamp,
    study: Study,
    policy: Policy,
    state: Path | None = None,
    stage: Stage = nullcontext,
) -> ReportFacts:
    """The facts of a report.

    Parameters
    ----------
    dataset : Dataset
        As known at the as_of (``open_dataset(..., known_until=as_of)``): whatever it holds may be
        told.
    bundle : Bundle
    proof : ProofRecord, optional
        Of the bundle.
    as_of : Timestamp
    study : Study
    policy : Policy
    state : Path, optional
        Folder of the ledger of ``churnml alerts``; default: the queue is replayed over the weeks.
    stage : callable
        Called with the name of each stage; its context lasts as long as the stage.

    Raises
    ------
    InputError
        If nobody is at risk, the model cannot score this data, or the ledger does not fit it.
    """
    with stage("scores"):
        weeks = score_past_weeks(dataset, bundle, weeks_until(as_of), study=study)
    return gathered(weeks, bundle, proof, study=study, policy=policy, state=state, stage=stage)


def gathered(
    weeks: PastWeeks,
    bundle: Bundle,
    proof: ProofRecord | None,
    *,
    study: Study,
    policy: Policy,
    state: Path | None = None,
    stage: Stage = nullcontext,
) -> ReportFacts:
    """The facts of a report whose weeks are scored already; the newest is its as_of."""
    dataset, preset = weeks.dataset, read_preset(study.health.preset)
    with stage("alerts"):
        alarms = alarms_of(weeks, policy=policy, choice=study.tiers, state=state)
        alerted = list(dict.fromkeys(alarms.open["customer_id"]))
        exits = missed(proof)
        called = random_calls(weeks, alerted, seed=study.seed)
        told = [*alerted, *called, *exits["customer_id"]]
        known = people(dataset, told, as_of=weeks.as_ofs[-1])
    with stage("reasons"):
        said = reasoning(alarms, weeks, bundle)
        driven = drivers(weeks, bundle)
    with stage("customers"):
        alerts = alert_facts(alarms, weeks, known, said.reasons, quiet_days=policy.quiet_days)
        customers = _customers(alerts, weeks, said)
    return ReportFacts(
        **_setting(bundle, dataset, study=study, policy=policy),
        preset=preset,
        **_today(weeks),
        alerts=alerts,
        suppressed=alarms.suppressed,
        ledger=alarms.ledger,
        customers=customers,
        drivers=driven,
        proof=proof,
        misses=miss_facts(exits, dataset, known, preset=preset),
        calls=call_facts(called, weeks, known),
        notes=_notes(dataset),
    )


def _setting(bundle: Bundle, dataset: Dataset, *, study: Study, policy: Policy) -> dict[str, Any]:
    """What does not depend on the as_of: the model, the policy, the tiers."""
    return {
        "dataset": bundle.dataset,
        "currency": dataset.description.currency,
        "timezone": dataset.description.timezone,
        "model_digest": bundle.digest,
        "data_until": bundle.data_until,
        "window": _window(bundle, dataset),
        "n_features": len(bundle.feature_names),
        "q": policy.q,
        "quiet_days": policy.quiet_days,
        "tiers_by": study.tiers.by,
        "tier_edges": _edges(study.tiers),
    }


def _today(weeks: PastWeeks) -> dict[str, Any]:
    """Everybody at risk at the newest as_of, counted."""
    value = weeks.now["value_at_risk"].dropna()
    return {
        "as_of": weeks.as_ofs[-1],
        "weeks": weeks.as_ofs,
        "at_risk": len(weeks.now),
        "value_at_risk": float(value.sum()) if len(value) else None,
        "tiers_now": counts(weeks.now["tier"]),
    }


def _customers(
    alerts: Sequence[AlertFact],
    weeks: PastWeeks,
    said: Reasoning,
) -> tuple[CustomerFact, ...]:
    """One section for each alerted customer, in the order of the alerts."""
    of: dict[str, list[AlertFact]] = {}
    for alert in alerts:
        of.setdefault(alert.person.customer_id, []).append(alert)
    lanes, quotes = lanes_of(list(of), weeks), quotes_of(weeks.dataset, list(of))
    contacts = contacts_of(weeks.dataset, list(of))
    found = []
    for customer, own in of.items():
        newest = sorted(own, key=lambda alert: alert.then.as_of, reverse=True)
        first = newest[0]
        found.append(
            CustomerFact(
                person=first.person,
                alerts=tuple(newest),
                now=first.now,
                reasons=first.reasons,
                open_problem=said.problems.get(customer),
                changes=said.changes.get(customer, ()),
                quotes=quotes.get(customer, ()),
                lanes=lanes[customer],
                contacts=contacts.get(customer, ()),
            )
        )
    return tuple(found)


def _edges(choice: Tiers) -> Mapping[str, float]:
    edges = choice.shares if choice.by == "capacity" else choice.cuts
    return dict(zip(TIERS, edges, strict=False))


def _window(bundle: Bundle, dataset: Dataset) -> LabelWindow:
    label = bundle.study["label"]
    delay = dataset.description.churn.delay_days
    return LabelWindow(label["lead_days"], label["horizon_days"], delay)


def _notes(dataset: Dataset) -> DataNotes:
    tables = [(name, *dataset.extent(name)) for name in TABLES if name in dataset.tables]
    worst = sorted(dataset.findings, key=lambda one: (_SEVERITIES.index(one.severity), one.table))
    return DataNotes(tuple(tables), tuple(worst), dataset.notices)
