"""What is written: customers, staff and bot, by ticket and between, with a tone that may cool."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from churnml.sources.world.calendar import draw_instants
from churnml.sources.world.contacts import BILLING, CHAMPION, EXECUTIVE, USER, Contacts, contact_ids
from churnml.sources.world.panel import Panel
from churnml.sources.world.parameters import HOUR, Floats, Ints
from churnml.sources.world.tables import instants, labels, pick, serial_ids
from churnml.sources.world.tickets import BOT_CHANNEL, Tickets
from churnml.sources.world.words import Words
from churnml.sources.world.words.phrasing import TONES, Line, Phrasebook

Strings = NDArray[np.object_]

TONE_NOISE = 0.55
TONE_WEEK_NOISE = 0.30
ANSWERED = 0.5
#: Lower edges of friendly, neutral, formal and irritated; below the last: ultimatum.
TONE_EDGES = (0.65, -0.15, -0.85, -1.75)
#: What is said outside tickets, and how often.
TALK = {
    "small_talk": 0.32, "thanks": 0.10, "how_to": 0.16, "report_request": 0.09, "feature": 0.09,
    "discount": 0.030, "contract": 0.030, "handover": 0.018, "price": 0.026, "export": 0.026,
    "competitor": 0.020, "migration": 0.007, "budget": 0.018, "cancellation": 0.008,
    "complaint": 0.030, "ultimatum": 0.003,
}  # fmt: skip
#: Intents of the first message by ticket category.
OPENINGS = {
    "question": ("how_to", "how_to", "report_request", "invoice_copy"),
    "bug": ("bug_report", "bug_report", "bug_report", "outage"),
    "billing": ("billing_question", "billing_question", "invoice_copy", "price"),
    "export": ("export_request", "export_request", "export_request", "migration"),
    "integration": ("integration_help",) * 4,
    "access": ("access_issue",) * 4,
    "feature_request": ("feature_request", "feature_request", "feature_request", "competitor"),
    "complaint": ("complaint",) * 4,
}
INTENTS = {"feature": "feature_request", "export": "export_request"}
WRITER_ROLE = {
    "billing_question": BILLING, "invoice_copy": BILLING, "contract": EXECUTIVE,
    "budget": EXECUTIVE, "handover": USER, "bug_report": USER, "access_issue": USER,
}  # fmt: skip


@dataclass(frozen=True)
class Drafts:
    """Messages before their words; intent is a customer's intent or a kind of staff or bot line."""

    row: Ints
    seconds: Floats
    author: Strings
    intent: Strings
    ticket: Ints
    channel: Strings

    def chosen(self, rows: NDArray[np.bool_] | Ints) -> Drafts:
        """Some of the drafts."""
        return Drafts(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))


def draw_messages(
    panel: Panel, tickets: Tickets, contacts: Contacts, words: Words, rng: np.random.Generator
) -> pd.DataFrame:
    """Rows of the messages table.

    Parameters
    ----------
    panel : Panel
    tickets : Tickets
    contacts : Contacts
    words : Words
    rng : Generator
    """
    drafts = _joined([*_of_tickets(panel, tickets, words, rng), *_talk(panel, rng)])
    keep = np.isfinite(drafts.seconds) & (drafts.seconds < panel.spell_ends[drafts.row])
    drafts = drafts.chosen(keep)
    drafts = drafts.chosen(np.lexsort((drafts.seconds, panel.customer[drafts.row])))
    tone = _tones(panel, drafts, rng)
    writer = _writers(panel, drafts, contacts, rng)
    book = Phrasebook(words)
    lines = _lines(panel, drafts, tone, rng)
    texts = [book.text(line) for line in lines]
    who = panel.customer[drafts.row]
    by_customer = (drafts.author == "customer").astype(np.int64)
    people = contact_ids(contacts, panel)
    return pd.DataFrame(
        {
            "message_id": serial_ids("M", panel.people.number, who),
            "customer_id": panel.people.ids[who],
            "sent_at": instants(panel.world.start, drafts.seconds),
            "author": drafts.author,
            "text": texts,
            "channel": drafts.channel,
            "subject": pd.Series([None] * len(texts), dtype=object),
            "recipients": labels(["support@vendor.example"], by_customer - 1),
            "ticket_id": np.append(tickets.ids, [None])[drafts.ticket],
            "contact_id": np.append(people, [None])[np.where(by_customer, writer, -1)],
        }
    )


def _joined(parts: list[Drafts]) -> Drafts:
    return Drafts(
        *(np.concatenate([getattr(p, name) for p in parts]) for name in Drafts.__dataclass_fields__)
    )


def _of_tickets(
    panel: Panel, tickets: Tickets, words: Words, rng: np.random.Generator
) -> list[Drafts]:
    """The dialogue of every ticket."""
    count, last = len(tickets), tickets.last_resolved
    table = np.array(
        [OPENINGS[name] for name in words.names["tickets"]["categories"]], dtype=object
    )
    opening = table[tickets.category, rng.integers(table.shape[1], size=count)]
    between = tickets.answered + rng.uniform(0.1, 0.9, size=count) * (last - tickets.answered)
    hello = np.where((tickets.channel == BOT_CHANNEL) & tickets.bot, tickets.opened + 30, np.nan)
    later = last + rng.uniform(0.1, 9, size=count) * HOUR

    def some(share: float) -> Floats:
        said = ~tickets.bot_solved & (rng.random(count) < share)
        return np.where(said, 0.0, np.nan)

    moments: list[tuple[Floats, str, object]] = [
        (tickets.opened, "customer", opening),
        (hello, "bot", np.where(tickets.bot_solved, "answer", "handover")),
        (tickets.answered + some(0.8), "staff", _staff_kind(panel, tickets.row, rng)),
        (between + some(0.20), "customer", "follow_up"),
        (tickets.resolved[:, 0] + some(0.25), "staff", "resolved"),
        (later + some(0.10), "customer", "thanks"),
        *[(again, "customer", "reopen") for again in tickets.reopened.T],
        *[(done, "staff", "resolved") for done in tickets.resolved.T[1:]],
    ]
    channel = labels(words.names["tickets"]["channels"], tickets.channel)
    return [_said(tickets, channel, *moment) for moment in moments]


def _said(
    tickets: Tickets, channel: Strings, seconds: Floats, author: str, intent: object
) -> Drafts:
    """One message per ticket; NaN where it stays unsaid."""
    count = len(tickets)
    kinds = np.broadcast_to(np.asarray(intent, dtype=object), count)
    authors = np.full(count, author, dtype=object)
    return Drafts(tickets.row, seconds, authors, kinds, np.arange(count), channel)


def _staff_kind(panel: Panel, row: Ints, rng: np.random.Generator) -> Strings:
    """Helpful, canned or a bare link; more of the latter where support is bad."""
    pain = np.maximum(panel.factor("answer_hours")[row] - 1, 0)
    shares = np.column_stack(
        [np.full(len(row), 0.62), 0.24 * (1 + 0.7 * pain), 0.14 * (1 + 0.9 * pain)]
    )
    return labels(("helpful", "canned", "link"), pick(shares, rng.random(len(row))))


def _talk(panel: Panel, rng: np.random.Generator) -> list[Drafts]:
    """Messages outside tickets and the answers of the staff."""
    rate = panel.people.messages[panel.customer] * panel.activity**0.4 * panel.factor("messages")
    row = panel.repeat(rate, rng)
    at = draw_instants(panel.monday[row], rng)
    row, at = row[panel.inside(row, at)], at[panel.inside(row, at)]
    shares = np.column_stack(
        [share * panel.factor(f"talk_{name}")[row] for name, share in TALK.items()]
    )
    intent = labels([INTENTS.get(name, name) for name in TALK], pick(shares, rng.random(len(row))))
    channel = labels(("email", "messenger", "call"), rng.integers(3, size=len(row)))
    slow = np.sqrt(panel.factor("answer_hours")[row])
    back = at + np.exp(rng.normal(1.2, 1.0, size=len(row))) * slow * HOUR
    back = np.where(rng.random(len(row)) < ANSWERED, back, np.nan)
    none = np.full(len(row), -1)
    asked = Drafts(row, at, np.full(len(row), "customer", dtype=object), intent, none, channel)
    kind = _staff_kind(panel, row, rng)
    answered = Drafts(
        row, np.round(back), np.full(len(row), "staff", dtype=object), kind, none, channel
    )
    return [asked, answered]


def _tones(panel: Panel, drafts: Drafts, rng: np.random.Generator) -> Ints:
    """Tone level of every message: own habit, the episode, the week's mood, the moment."""
    week_mood = rng.normal(0, TONE_WEEK_NOISE, size=len(panel))
    level = (
        panel.people.tone[panel.customer[drafts.row]]
        + (panel.shift("tone") + week_mood)[drafts.row]
    )
    level = level + rng.normal(0, TONE_NOISE, size=len(drafts.row))
    heat = {
        "reopen": -0.6,
        "complaint": -0.9,
        "ultimatum": -1.6,
        "thanks": 0.7,
        "price": -0.2,
        "outage": -0.3,
    }
    for intent, shift in heat.items():
        level = level + shift * (drafts.intent == intent)
    return np.asarray((level[:, None] < np.array(TONE_EDGES)).sum(axis=1))


def _writers(panel: Panel, drafts: Drafts, contacts: Contacts, rng: np.random.Generator) -> Ints:
    usual = np.where(rng.random(len(drafts.row)) < 0.6, CHAMPION, USER)
    role = np.array([WRITER_ROLE.get(intent, -1) for intent in drafts.intent.tolist()])
    role = np.where(role < 0, usual, role)
    return contacts.writer(panel.customer[drafts.row], drafts.seconds, role, rng)


def _lines(panel: Panel, drafts: Drafts, tone: Ints, rng: np.random.Generator) -> list[Line]:
    count = len(drafts.row)
    language = np.where(panel.people.russian[panel.customer[drafts.row]], "ru", "en").tolist()
    dice = rng.integers(2**62, size=count).tolist()
    more = rng.integers(2**62, size=count).tolist()
    names = [TONES[code] for code in tone.tolist()]
    columns = zip(
        language, drafts.author.tolist(), drafts.intent.tolist(), names, dice, more, strict=True
    )
    return [Line(*values) for values in columns]
