"""What a stakeholder report tells, as plain facts: no words of a language, no markup."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Any, cast

import pandas as pd

from churnml.evaluation.record import ProofRecord
from churnml.features import Feature
from churnml.health import Preset
from churnml.sources.dataset import Finding
from churnml.spoken import Spoken
from churnml.windows import LabelWindow, local, naive_utc

Reason = Mapping[str, Any]


@dataclass(frozen=True)
class Person:
    """How a customer is named and led: everything may be unknown."""

    customer_id: str
    name: str | None = None
    owner: str | None = None
    segment: str | None = None


@dataclass(frozen=True)
class Standing:
    """A customer at one as_of; unknown is None, but NaN for the probability of a bare score."""

    as_of: pd.Timestamp
    probability: float
    tier: str | None
    health: float | None
    value_at_risk: float | None


@dataclass(frozen=True)
class Earlier:
    """An alert that is over: when it was raised, and whether an exit or the time ended it."""

    as_of: pd.Timestamp
    closed_by: str


@dataclass(frozen=True)
class LedgerFacts:
    """What became of the alerts of a ledger: since when, how many, how many left or expired."""

    since: pd.Timestamp | None
    raised: int
    left: int
    expired: int


@dataclass(frozen=True)
class AlertFact:
    """One open alert, as ``churnml alerts`` delivers it.

    Parameters
    ----------
    alert_id : str
    person : Person
    then : Standing
        When it was raised.
    now : Standing, optional
        At the as_of of the report; None where the customer is not at risk any more.
    is_new : bool
        Raised within the week that ends with the as_of of the report.
    rank : int
        Place among the alerts of its as_of.
    priority : float, optional
    deadline : Timestamp, optional
    play : str, optional
    reasons : tuple of mapping
        Those of the customer.
    told : mapping of str to str, optional
        By language, what was said when it was raised, if a ledger kept it.
    earlier : tuple of Earlier
        Alerts of the customer that are over, the newest first.
    quiet_until : Timestamp, optional
        The customer is not alerted again before; None where that is past.
    """

    alert_id: str
    person: Person
    then: Standing
    now: Standing | None
    is_new: bool
    rank: int
    priority: float | None
    deadline: pd.Timestamp | None
    play: str | None
    reasons: tuple[Reason, ...]
    told: Mapping[str, str | None] = field(default_factory=dict)
    earlier: tuple[Earlier, ...] = ()
    quiet_until: pd.Timestamp | None = None


@dataclass(frozen=True)
class Quote:
    """What a customer wrote: redacted and cut short."""

    at: pd.Timestamp
    text: str
    is_cut: bool


@dataclass(frozen=True)
class Lane:
    """One row of a timeline: a value for each week, the oldest first; None is unknown."""

    key: str
    values: tuple[float | None, ...]


@dataclass(frozen=True)
class Contact:
    """A play that somebody set out to do: from when, and until when it was done, if it is."""

    assigned_at: pd.Timestamp
    play: str | None
    completed_at: pd.Timestamp | None


@dataclass(frozen=True)
class CustomerFact:
    """What is told of an alerted customer.

    Parameters
    ----------
    person : Person
    alerts : tuple of AlertFact
        The open ones, the newest first.
    now : Standing, optional
    reasons : tuple of mapping
        As the score file holds them: at the as_of of the report, or the last one at risk.
    open_problem : mapping, optional
        The oldest problem that nobody has solved.
    changes : tuple of mapping
        What moved the score since the newest alert, the strongest first; empty where it was raised
        at the as_of of the report.
    quotes : tuple of Quote
    lanes : tuple of Lane
    contacts : tuple of Contact
        What was done for the customer, the newest first.
    """

    person: Person
    alerts: tuple[AlertFact, ...]
    now: Standing | None
    reasons: tuple[Reason, ...]
    open_problem: Mapping[str, Any] | None
    changes: tuple[Mapping[str, Any], ...]
    quotes: tuple[Quote, ...]
    lanes: tuple[Lane, ...]
    contacts: tuple[Contact, ...] = ()


@dataclass(frozen=True)
class MissFact:
    """A customer who left without a useful alert.

    Parameters
    ----------
    person : Person
    exit_at, seen_at : Timestamp
        The exit, and the last as_of at least 21 days before it.
    outcome : {"late", "missed"}
    notice_days : float, optional
    probability, health : float, optional
        At ``seen_at``.
    place, best_place, of : int
        Place at ``seen_at``, the best of the weeks in which an alert would have been useful, and
        among how many.
    colour : str, optional
        Of the health.
    said : str, optional
        What the customer named as the reason, if asked.
    """

    person: Person
    exit_at: pd.Timestamp
    seen_at: pd.Timestamp
    outcome: str
    notice_days: float | None
    probability: float
    health: float | None
    colour: str | None
    place: int
    best_place: int
    of: int
    said: str | None


@dataclass(frozen=True)
class CallFact:
    """A customer of the random list, who is not alerted."""

    person: Person
    now: Standing


@dataclass(frozen=True)
class Drivers:
    """SHAP values in log-odds of scored rows, with what their columns mean.

    Parameters
    ----------
    contributions : DataFrame, shape (n_rows, n_features + 1)
        With the column ``bias``.
    values : DataFrame, shape (n_rows, n_features)
    features : tuple of Feature
    """

    contributions: pd.DataFrame
    values: pd.DataFrame
    features: tuple[Feature, ...]


@dataclass(frozen=True)
class DataNotes:
    """What a reader should know of the data.

    Parameters
    ----------
    tables : tuple of (name, rows, first, last)
    findings : tuple of Finding
        Of the quality gate, the worst first.
    notices : tuple of Spoken
    """

    tables: tuple[tuple[str, int, pd.Timestamp | None, pd.Timestamp | None], ...]
    findings: tuple[Finding, ...]
    notices: tuple[Spoken, ...]


@dataclass(frozen=True)
class ReportFacts:
    """Everything a report tells.

    Parameters
    ----------
    dataset : str
    currency : str, optional
    as_of : Timestamp
    model_digest : str
    data_until : Timestamp
        Right edge of the data that the model saw.
    window : LabelWindow
    q : float
    quiet_days : int
    tiers_by : str
        ``capacity`` or ``probability``.
    tier_edges : mapping of str to float
        Share or cut of the critical, high and medium tier.
    preset : Preset
        Of the health.
    n_features : int
    at_risk : int
        Customers scored at the as_of.
    value_at_risk : float, optional
        Sum over them, where the data has revenue.
    tiers_now : mapping of str to int
    weeks : tuple of Timestamp
        The as_ofs of the timelines, the newest last.
    alerts : tuple of AlertFact
        The open ones, the most urgent first.
    suppressed : mapping of str to int
        Who was passed over at the as_of, by reason.
    ledger : LedgerFacts, optional
        None where the alerts are those of the queue replayed over past weeks.
    customers : tuple of CustomerFact
        One for each customer with an open alert, in the order of the alerts.
    drivers : Drivers
    proof : ProofRecord, optional
        None where the bundle has none: then nothing is claimed.
    misses : tuple of MissFact
    calls : tuple of CallFact
    notes : DataNotes
    timezone : str
        Of the dataset. Instants are naive UTC until ``on_the_clock``.
    """

    dataset: str
    currency: str | None
    as_of: pd.Timestamp
    model_digest: str
    data_until: pd.Timestamp
    window: LabelWindow
    q: float
    quiet_days: int
    tiers_by: str
    tier_edges: Mapping[str, float]
    preset: Preset
    n_features: int
    at_risk: int
    value_at_risk: float | None
    tiers_now: Mapping[str, int]
    weeks: tuple[pd.Timestamp, ...]
    alerts: tuple[AlertFact, ...]
    suppressed: Mapping[str, int]
    customers: tuple[CustomerFact, ...]
    drivers: Drivers
    proof: ProofRecord | None
    misses: tuple[MissFact, ...]
    calls: tuple[CallFact, ...]
    notes: DataNotes
    ledger: LedgerFacts | None = None
    timezone: str = "UTC"


#: What holds instants; all else is told as it stands.
_TIMED = (
    Standing, Earlier, LedgerFacts, AlertFact, Quote, Contact, CustomerFact, MissFact, CallFact,
    DataNotes, ReportFacts,
)  # fmt: skip


def on_the_clock(facts: ReportFacts) -> ReportFacts:
    """The facts with every instant as the clock of the dataset's zone shows it.

    An as_of asked for as a day is midnight there: in UTC the page would bear the day before.
    """
    return cast(ReportFacts, _shown(facts, facts.timezone))


def naive(moment: Any) -> pd.Timestamp:
    """A naive UTC instant of whatever a reason holds."""
    return naive_utc(pd.Timestamp(moment))


def _shown(value: Any, zone: str) -> Any:
    if isinstance(value, datetime):
        return local(naive(value), zone=zone)
    if isinstance(value, _TIMED):
        held = {each.name: getattr(value, each.name) for each in fields(value)}
        return replace(value, **{name: _shown(one, zone) for name, one in held.items()})
    if isinstance(value, Mapping):
        return {name: _shown(one, zone) for name, one in value.items()}
    if isinstance(value, tuple | list):
        return type(value)(_shown(one, zone) for one in value)
    return value
