"""What orders the calls of a team beside the risk: revenue, last login, oldest open ticket."""

from __future__ import annotations

from churnml.features import operators as o
from churnml.features.algebra import Rows
from churnml.features.catalogue import catalogue
from churnml.features.declaration import Family, Feature, Unit
from churnml.features.declare import Declare, role
from churnml.features.row_sources import EVENTS
from churnml.sources.dataset import Dataset

_declare = Declare(Family.USAGE, "check_in_call")
_FROM_CATALOGUE = ("mrr", "unresolved_ticket_age")


def triage_features(dataset: Dataset) -> tuple[Feature, ...]:
    """Features of the priority; the login is no feature of the model, other activity says more."""
    logins = role(EVENTS, dataset.description, "login")
    last = _declare(
        "days_since_login", o.days_since(Rows(EVENTS) if logins.absent else logins),
        "Days since the last login", "Дней с последнего входа", Unit.DAYS, 1,
    )  # fmt: skip
    return (last, *(f for f in catalogue(dataset) if f.name in _FROM_CATALOGUE))
