"""Where rows come from: the canonical tables and what is derived from them, each with its clocks.

A derived source pairs rows only with rows that are known at the same as_of: a join is known when
both sides are, and a sequence (``sequential``) runs over rows that were known by the end of their
own week, so that looking back along it never meets a row that arrives later.
"""

from __future__ import annotations

from dataclasses import dataclass

from churnml import contract

#: Name under which a sequential source finds the rows of its first table that came in time.
TIMELY_ROWS = "timely_rows"


@dataclass(frozen=True)
class Variant:
    """One way to make the rows: the tables it needs and the SELECT."""

    tables: tuple[str, ...]
    select: str


@dataclass(frozen=True)
class Source:
    """Rows with ``customer_id``, an own time, ``known_at`` and columns known from later times.

    Parameters
    ----------
    name : str
    time : str
        Own time column.
    feed : str
        Canonical table whose life and coverage the values depend on.
    variants : tuple of Variant
        The first whose tables are all there is used; none: every value is unknown.
    later : tuple of (column, time)
        Columns that are known only from a time of the same row on.
    sequential : bool
        The SELECT reads ``timely_rows`` instead of its first table.
    """

    name: str
    time: str
    feed: str
    variants: tuple[Variant, ...]
    later: tuple[tuple[str, str], ...] = ()
    sequential: bool = False

    @property
    def tables(self) -> tuple[str, ...]:
        """Canonical tables of the fullest variant."""
        return self.variants[0].tables

    def variant(self, present: frozenset[str]) -> Variant | None:
        """The variant to use with these tables, None if there is none."""
        return next((v for v in self.variants if present.issuperset(v.tables)), None)

    def later_times(self, columns: frozenset[str]) -> tuple[str, ...]:
        """Times that must have passed before all these columns are known, sorted."""
        return tuple(sorted({time for column, time in self.later if column in columns}))


def _canonical(name: str, select: str | None = None) -> Source:
    table = contract.TABLES[name]
    later = tuple(
        (column.name, column.known_from)
        for column in table.columns
        if column.known_from is not None
    )
    variant = Variant((name,), select or f"SELECT * FROM {name}")
    return Source(name, table.time, name, (variant,), later)


EVENTS = _canonical("events")
#: A rating without its time counts as given a week after the solution (contract).
TICKETS = _canonical(
    "tickets",
    "SELECT ticket_id, customer_id, opened_at, category, channel, first_response_at, resolved_at, "
    "csat, COALESCE(csat_at, resolved_at + INTERVAL 7 DAY) AS csat_at, known_at FROM tickets",
)
MESSAGES = _canonical("messages")
SUBSCRIPTIONS = _canonical("subscriptions")
CONTACTS = _canonical("contacts")
INVOICES = _canonical("invoices")
SURVEYS = _canonical("surveys")
OUTREACH = _canonical("outreach")
OBLIGATIONS = _canonical("obligations")
STAGES = _canonical("stages")
CONSENTS = _canonical("consents")
ATTRIBUTE_CHANGES = _canonical("attribute_changes")

_TICKET_EVENTS = """
    SELECT t.customer_id, e.ticket_id, e.event_time, e.kind, e.author, t.opened_at, t.category,
           GREATEST(e.known_at, t.known_at, t.opened_at) AS known_at
    FROM ticket_events AS e JOIN tickets AS t ON e.ticket_id = t.ticket_id
"""
TICKET_EVENTS = Source(
    "ticket_events", "event_time", "ticket_events",
    (Variant(("ticket_events", "tickets"), _TICKET_EVENTS),),
)  # fmt: skip

_OPENED = """
    SELECT customer_id, ticket_id, opened_at AS step_at, 'opened' AS step, opened_at, category,
           known_at
    FROM tickets
"""
_STEPS = f"""{_OPENED} UNION ALL
    SELECT t.customer_id, e.ticket_id, e.event_time AS step_at,
           CASE WHEN e.kind = 'reopened' THEN 'reopened' ELSE 'resolved' END AS step,
           t.opened_at, t.category, GREATEST(e.known_at, t.known_at, t.opened_at) AS known_at
    FROM ticket_events AS e JOIN tickets AS t ON e.ticket_id = t.ticket_id
    WHERE e.kind IN ('resolved', 'bot_resolved', 'reopened')
"""
_STEPS_OF_TICKETS = f"""{_OPENED} UNION ALL
    SELECT customer_id, ticket_id, resolved_at AS step_at, 'resolved' AS step, opened_at, category,
           GREATEST(known_at, opened_at) AS known_at
    FROM tickets WHERE NOT resolved_at IS NULL
"""
#: Opening, solving and reopening of tickets; from ticket_events alone where that table exists.
TICKET_STEPS = Source(
    "ticket_steps", "step_at", "tickets",
    (
        Variant(("tickets", "ticket_events"), _STEPS),
        Variant(("tickets",), _STEPS_OF_TICKETS),
    ),
)  # fmt: skip

#: Seconds since the event before in the same session; their sum is the time spent.
SESSIONS = Source(
    "sessions", "event_time", "events",
    (Variant(("events",), f"""
        SELECT customer_id, event_time, known_at, session_id, DATE_DIFF('second',
               LAG(event_time) OVER (PARTITION BY customer_id, session_id ORDER BY event_time),
               event_time) AS seconds
        FROM {TIMELY_ROWS} WHERE NOT session_id IS NULL"""),),
    sequential=True,
)  # fmt: skip


def _replies(name: str, asking: str, answering: str) -> Source:
    """First answers, with the seconds since the first question that was still without one."""
    select = f"""
        SELECT customer_id, sent_at, known_at, DATE_DIFF('second', asked_at, sent_at) AS seconds
        FROM (
            SELECT customer_id, sent_at, known_at, author,
                   MIN(CASE WHEN author = '{asking}' THEN sent_at END) OVER (
                       PARTITION BY customer_id, turn ORDER BY sent_at, message_id
                       ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS asked_at
            FROM (
                SELECT customer_id, sent_at, known_at, author, message_id,
                       COALESCE(SUM(CASE WHEN author = '{answering}' THEN 1 ELSE 0 END) OVER (
                           PARTITION BY customer_id ORDER BY sent_at, message_id
                           ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS turn
                FROM {TIMELY_ROWS} WHERE author IN ('{asking}', '{answering}')
            ) AS turns
        ) AS answers
        WHERE author = '{answering}' AND NOT asked_at IS NULL"""
    return Source(name, "sent_at", "messages", (Variant(("messages",), select),), sequential=True)


STAFF_REPLIES = _replies("staff_replies", "customer", "staff")
CUSTOMER_REPLIES = _replies("customer_replies", "staff", "customer")

#: Messages of customers with the role of the contact who wrote.
CONTACT_MESSAGES = Source(
    "contact_messages", "sent_at", "messages",
    (Variant(("messages", "contacts"), """
        SELECT m.customer_id, m.sent_at, m.contact_id, k.role, k.active_from,
               GREATEST(m.known_at, k.known_at, k.active_from) AS known_at
        FROM messages AS m JOIN contacts AS k
        ON m.contact_id = k.contact_id AND m.customer_id = k.customer_id
        WHERE m.author = 'customer'"""),),
)  # fmt: skip

#: Messages with what was heard in them; it depends on nothing that was known later than themselves.
SCORED_MESSAGES = Source(
    "scored_messages", "sent_at", "messages",
    (Variant(("messages", "message_scores"), """
        SELECT m.customer_id, m.message_id, m.sent_at, m.known_at, m.author, m.recipients,
               m.contact_id, h.lang, h.tone, h.formality, h.passive_aggression, h.ultimatum,
               h.competitor_mention, h.price_complaint, h.export_request, h.cancellation_intent,
               h.escalation, h.repeat_contact, h.budget_cut, h.category, h.greeting, h.thanks,
               h.emoji, h.ty, h.vy, h.link, h.exclamations, h.questions, h.capitals, h.characters,
               h.asked_before, h.asked_again, h.canned, h.new_sender, h.risk
        FROM messages AS m JOIN message_scores AS h ON m.message_id = h.message_id"""),),
)  # fmt: skip

#: A subscription that replaced a dearer one within a day.
DOWNGRADES = Source(
    "downgrades", "started_at", "subscriptions",
    (Variant(("subscriptions",), """
        SELECT n.customer_id, n.started_at, p.mrr - n.mrr AS loss,
               GREATEST(n.known_at, p.known_at, p.started_at, p.ended_at) AS known_at
        FROM subscriptions AS n JOIN subscriptions AS p
        ON n.customer_id = p.customer_id AND n.started_at >= p.ended_at
           AND n.started_at <= p.ended_at + INTERVAL 1 DAY
           AND n.subscription_id <> p.subscription_id
        WHERE n.mrr < p.mrr"""),),
)  # fmt: skip

#: Invoices falling due and being paid (an invoice paid early is settled when it falls due).
INVOICE_STEPS = Source(
    "invoice_steps", "step_at", "invoices",
    (Variant(("invoices",), """
        SELECT customer_id, invoice_id, 'due' AS step, due_at AS step_at, due_at,
               GREATEST(known_at, issued_at) AS known_at
        FROM invoices WHERE NOT due_at IS NULL
        UNION ALL
        SELECT customer_id, invoice_id, 'paid' AS step, GREATEST(due_at, paid_at) AS step_at,
               due_at, GREATEST(known_at, issued_at, paid_at) AS known_at
        FROM invoices WHERE NOT due_at IS NULL AND NOT paid_at IS NULL"""),),
)  # fmt: skip

#: Tasks agreed for the first two months of a customer, or named as onboarding.
ONBOARDING = Source(
    "onboarding", "announced_at", "obligations",
    (Variant(("obligations", "customers"), """
        SELECT t.customer_id, t.announced_at, t.due_at, t.done_at,
               GREATEST(t.known_at, u.known_at, u.signed_up_at) AS known_at
        FROM obligations AS t JOIN customers AS u ON t.customer_id = u.customer_id
        WHERE t.due_at <= u.signed_up_at + INTERVAL 60 DAY OR LOWER(t.kind) LIKE '%onboard%'"""),),
    later=(("done_at", "done_at"),),
)  # fmt: skip

#: The canonical tables as feeds, by name.
CANONICAL: dict[str, Source] = {name: _canonical(name) for name in contract.TABLES}
