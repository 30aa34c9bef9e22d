"""The canonical tables: what a company hands over, column by column, and when each value is known.

Every table has an own time (``Table.time``). A row is known at T when its own time and its
``known_at`` lie strictly before T; a later column (``Column.known_from``) is known when the
time it names lies strictly before T as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["id", "text", "time", "number", "integer", "flag"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a canonical table.

    Parameters
    ----------
    name : str
    kind : {"id", "text", "time", "number", "integer", "flag"}
        Ids are strings, times UTC instants.
    required : bool
        Whether the table is unusable without it; a row without it is quarantined.
    known_from : str, optional
        Time column from which on the value is known; None: the own time of the row.
    values : tuple of str
        Allowed values; empty: any.
    feature : bool
        Whether features may read it at all (names, addresses and owners never).
    """

    name: str
    kind: Kind
    required: bool = False
    known_from: str | None = None
    values: tuple[str, ...] = ()
    feature: bool = True


@dataclass(frozen=True, slots=True)
class Table:
    """One canonical table: its own time, its key and its columns."""

    name: str
    time: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    #: Rows that arrive as things happen; their volume shows where the observed time ends.
    event_like: bool = False

    @property
    def required(self) -> tuple[str, ...]:
        """Names of the columns without which the table is unusable."""
        return tuple(column.name for column in self.columns if column.required)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all canonical columns, ``known_at`` last."""
        return (*(column.name for column in self.columns), "known_at")

    def column(self, name: str) -> Column:
        """The column of that name."""
        return next(column for column in self.columns if column.name == name)


def _id(name: str, *, required: bool = False) -> Column:
    return Column(name, "id", required=required)


def _time(name: str, *, required: bool = False) -> Column:
    """A later time is known from itself on."""
    return Column(name, "time", required=required, known_from=None if required else name)


_CUSTOMER = _id("customer_id", required=True)

CUSTOMERS = Table(
    "customers",
    time="signed_up_at",
    key=("customer_id",),
    columns=(
        _CUSTOMER,
        _time("signed_up_at", required=True),
        Column("name", "text", feature=False),
        Column("owner", "text", feature=False),
        Column("segment", "text"),
        Column("plan", "text"),
        Column("region", "text"),
        Column("industry", "text"),
        Column("channel", "text"),
        Column("language", "text"),
    ),
)

ATTRIBUTE_CHANGES = Table(
    "attribute_changes",
    time="changed_at",
    columns=(
        _CUSTOMER,
        _time("changed_at", required=True),
        Column("attribute", "text", required=True),
        Column("value", "text", required=True),
    ),
)

SUBSCRIPTIONS = Table(
    "subscriptions",
    time="started_at",
    key=("subscription_id",),
    columns=(
        _id("subscription_id", required=True),
        _CUSTOMER,
        _time("started_at", required=True),
        _time("ended_at"),
        Column("plan", "text"),
        Column("mrr", "number"),
        Column("seats", "integer"),
        Column("billing_days", "integer"),
        Column("end_reason", "text", known_from="ended_at", values=("voluntary", "involuntary")),
    ),
)

EVENTS = Table(
    "events",
    time="event_time",
    event_like=True,
    columns=(
        _CUSTOMER,
        _time("event_time", required=True),
        Column("name", "text", required=True),
        Column("value", "number"),
        _id("user_id"),
        _id("session_id"),
    ),
)

TICKETS = Table(
    "tickets",
    time="opened_at",
    key=("ticket_id",),
    event_like=True,
    columns=(
        _id("ticket_id", required=True),
        _CUSTOMER,
        _time("opened_at", required=True),
        Column("category", "text"),
        Column("priority", "text"),
        Column("channel", "text"),
        Column("line", "integer"),
        Column("handled_by", "text"),
        _time("first_response_at"),
        _time("resolved_at"),
        Column("csat", "number", known_from="csat_at"),
        _time("csat_at"),
    ),
)

TICKET_EVENT_KINDS = (
    "replied", "resolved", "reopened", "escalated", "transferred", "bot_resolved",
    "handed_over", "assigned", "recategorised", "line_changed", "reprioritised",
)  # fmt: skip

TICKET_EVENTS = Table(
    "ticket_events",
    time="event_time",
    event_like=True,
    columns=(
        _id("ticket_id", required=True),
        _time("event_time", required=True),
        Column("kind", "text", required=True, values=TICKET_EVENT_KINDS),
        Column("value", "text"),
        Column("author", "text"),
    ),
)

MESSAGES = Table(
    "messages",
    time="sent_at",
    key=("message_id",),
    event_like=True,
    columns=(
        _id("message_id", required=True),
        _CUSTOMER,
        _time("sent_at", required=True),
        Column("author", "text", required=True, values=("customer", "staff", "bot")),
        Column("text", "text", required=True),
        Column("channel", "text"),
        Column("subject", "text"),
        Column("recipients", "text"),
        _id("ticket_id"),
        _id("contact_id"),
    ),
)

CONTACTS = Table(
    "contacts",
    time="active_from",
    key=("contact_id",),
    columns=(
        _id("contact_id", required=True),
        _CUSTOMER,
        Column(
            "role", "text", required=True,
            values=("champion", "executive", "admin", "user", "billing"),
        ),
        _time("active_from", required=True),
        _time("active_until"),
        Column("name", "text", feature=False),
        Column("email", "text", feature=False),
        Column("phone", "text", feature=False),
    ),
)  # fmt: skip

INVOICES = Table(
    "invoices",
    time="issued_at",
    key=("invoice_id",),
    columns=(
        _id("invoice_id", required=True),
        _CUSTOMER,
        _time("issued_at", required=True),
        Column("amount", "number", required=True),
        Column("due_at", "time"),
        _time("paid_at"),
        _time("failed_at"),
        _time("disputed_at"),
    ),
)

SURVEYS = Table(
    "surveys",
    time="answered_at",
    columns=(
        _CUSTOMER,
        _time("answered_at", required=True),
        Column("kind", "text", required=True, values=("nps", "csat", "ces", "exit")),
        Column("score", "number"),
        Column("reason", "text"),
        _id("ticket_id"),
    ),
)

OUTREACH = Table(
    "outreach",
    time="sent_at",
    columns=(
        _CUSTOMER,
        _time("sent_at", required=True),
        Column("kind", "text", required=True, values=("campaign", "check_in", "meeting")),
        Column("channel", "text"),
        _time("opened_at"),
        _time("replied_at"),
        _time("attended_at"),
        _time("cancelled_at"),
        _time("unsubscribed_at"),
    ),
)

#: The own time of an obligation is the announcement, else the due date; the source layer fills
#: ``announced_at`` so that the contract has one own time.
OBLIGATIONS = Table(
    "obligations",
    time="announced_at",
    key=("obligation_id",),
    columns=(
        _id("obligation_id", required=True),
        _CUSTOMER,
        Column("due_at", "time", required=True),
        Column("announced_at", "time"),
        Column("kind", "text"),
        Column("weight", "number"),
        _time("done_at"),
    ),
)

STAGES = Table(
    "stages",
    time="entered_at",
    columns=(
        _CUSTOMER,
        Column("stage", "text", required=True),
        _time("entered_at", required=True),
    ),
)

CONSENTS = Table(
    "consents",
    time="changed_at",
    columns=(
        _CUSTOMER,
        _time("changed_at", required=True),
        Column("kind", "text", required=True),
        Column("granted", "flag", required=True),
    ),
)

CALENDAR = Table(
    "calendar",
    time="starts_at",
    columns=(
        Column("kind", "text", required=True, values=("outage", "release", "holiday")),
        _time("starts_at", required=True),
        _time("ends_at"),
        Column("scope", "text"),
    ),
)

INTERVENTIONS = Table(
    "interventions",
    time="assigned_at",
    key=("intervention_id",),
    columns=(
        _id("intervention_id", required=True),
        _CUSTOMER,
        _time("assigned_at", required=True),
        Column("experiment", "text"),
        Column("arm", "text", values=("treatment", "control")),
        Column("play", "text"),
        Column("reason", "text"),
        Column("cost", "number"),
        _time("completed_at"),
    ),
)

TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        CUSTOMERS, ATTRIBUTE_CHANGES, SUBSCRIPTIONS, EVENTS, TICKETS, TICKET_EVENTS, MESSAGES,
        CONTACTS, INVOICES, SURVEYS, OUTREACH, OBLIGATIONS, STAGES, CONSENTS, CALENDAR,
        INTERVENTIONS,
    )
}  # fmt: skip
