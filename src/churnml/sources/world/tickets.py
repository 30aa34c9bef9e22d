"""Support tickets and their history: answers, handovers, escalations, reopenings, satisfaction."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from churnml.sources.world.calendar import Calendar, draw_instants
from churnml.sources.world.panel import Panel, chance
from churnml.sources.world.parameters import DAY, HOUR, Floats, Ints
from churnml.sources.world.tables import instants, labels, not_after, pick, serial_ids
from churnml.sources.world.words import Words

REOPEN = -2.7
ESCALATE = -3.0
OUTAGE_TICKETS = 2.2
REASSIGNED = 0.12
RATED = 0.32
MAX_REOPENINGS = 4
BOT_CHANNEL = 1
BUG = 1
PRIORITY_SHARE = (0.2, 0.5, 0.22, 0.08)


@dataclass(frozen=True)
class Tickets:
    """Tickets of some customers; times in seconds, NaN for what did not happen in time.

    ``reopened`` and ``resolved`` hold one column per round; ``row`` is the panel row.
    """

    row: Ints
    customer: Ints
    ids: NDArray[np.object_]
    opened: Floats
    category: Ints
    priority: Ints
    channel: Ints
    line: Ints
    agent: Ints
    bot: NDArray[np.bool_]
    bot_solved: NDArray[np.bool_]
    answered: Floats
    resolved: Floats
    reopened: Floats
    escalated: Floats
    transferred: Floats
    csat: Floats
    csat_at: Floats

    def __len__(self) -> int:
        return len(self.row)

    @property
    def last_resolved(self) -> Floats:
        """When each ticket was resolved for the last time; NaN if never."""
        last = np.nanmax(np.column_stack([self.resolved, np.full(len(self), -np.inf)]), axis=1)
        return np.where(np.isfinite(last), last, np.nan)


def draw_tickets(
    panel: Panel, calendar: Calendar, words: Words, rng: np.random.Generator
) -> Tickets:
    """Tickets with everything that happens to them before the customer leaves."""
    row, opened = _openings(panel, calendar, rng)
    count, who, names = len(row), panel.customer[row], words.names["tickets"]
    category = _categories(panel, calendar, row, words, rng)
    priority = pick(np.tile(PRIORITY_SHARE, (count, 1)), rng.random(count))
    channel = pick(np.tile(names["channel_weights"], (count, 1)), rng.random(count))
    bot = (channel == BOT_CHANNEL) & (rng.random(count) < 0.6)
    bot_solved = bot & (category == 0) & (rng.random(count) < 0.55)
    times = _times(panel, row, opened, category, priority, rng)
    answered, resolved, reopened = _with_bot(times, opened, bot_solved, rng)
    escalating = rng.random(count) < chance(ESCALATE + panel.shift("escalate")[row])
    moving = rng.random(count) < REASSIGNED
    escalated, transferred = (
        np.where(does & ~bot_solved, opened + rng.random(count) * (resolved[:, 0] - opened), np.nan)
        for does in (escalating, moving)
    )
    last, turns = np.nanmax(resolved, axis=1), np.isfinite(reopened).sum(axis=1)
    csat, wait = _satisfaction(panel, row, (last - opened) / DAY, turns, rng)
    line = np.where(np.isfinite(transferred) | (category == BUG), 2, 1)
    edge = panel.spell_ends[row]
    return Tickets(
        row=row, customer=who, ids=serial_ids("T", panel.people.number, who), opened=opened,
        category=category, priority=priority, channel=channel,
        line=np.where(np.isfinite(escalated), 3, line),
        agent=rng.integers(len(names["agents"]), size=count), bot=bot, bot_solved=bot_solved,
        answered=not_after(answered, edge), resolved=not_after(resolved, edge[:, None]),
        reopened=not_after(reopened, edge[:, None]), escalated=not_after(escalated, edge),
        transferred=not_after(transferred, edge), csat=csat, csat_at=not_after(last + wait, edge),
    )  # fmt: skip


def _openings(panel: Panel, calendar: Calendar, rng: np.random.Generator) -> tuple[Ints, Floats]:
    """Panel row and time of every ticket, by customer and time."""
    trouble = np.where(np.isin(panel.week, calendar.outage_weeks), OUTAGE_TICKETS, 1.0)
    news = np.where(np.isin(panel.week, calendar.release_weeks), 1.3, 1.0)
    newcomer = 1.0 + 1.2 * np.exp(-panel.tenure / 4.0)
    rate = panel.people.tickets[panel.customer] * panel.activity**0.5 * newcomer
    row = panel.repeat(rate * trouble * news * panel.factor("tickets"), rng)
    opened = draw_instants(panel.monday[row], rng)
    order = np.lexsort((opened, panel.customer[row]))
    order = order[panel.inside(row[order], opened[order])]
    return row[order], opened[order]


def _categories(
    panel: Panel, calendar: Calendar, row: Ints, words: Words, rng: np.random.Generator
) -> Ints:
    names, weights = words.names["tickets"]["categories"], words.names["tickets"]["weights"]
    shares = np.column_stack(
        [w * panel.factor(f"ticket_{name}")[row] for name, w in zip(names, weights, strict=True)]
    )
    shares[np.isin(panel.week[row], calendar.outage_weeks), BUG] *= 4.0
    return pick(shares, rng.random(len(row)))


def _times(
    panel: Panel,
    row: Ints,
    opened: Floats,
    category: Ints,
    priority: Ints,
    rng: np.random.Generator,
) -> tuple[Floats, Floats, Floats]:
    """First answer, and the rounds of resolving and reopening."""
    count = len(row)
    slow = panel.factor("answer_hours")[row]
    hours = (
        np.exp(rng.normal(1.0, 1.0, size=count)) * np.array([1.5, 1.0, 0.6, 0.3])[priority] * slow
    )
    answered = opened + hours * HOUR
    work = np.exp(rng.normal(2.3, 1.1, size=count)) * np.where(category == BUG, 3.0, 1.0) * slow
    resolved = np.full((count, MAX_REOPENINGS + 1), np.nan)
    reopened = np.full((count, MAX_REOPENINGS), np.nan)
    resolved[:, 0] = answered + work * HOUR
    again = chance(REOPEN + panel.shift("reopen")[row])
    for turn in range(MAX_REOPENINGS):
        hit = np.isfinite(resolved[:, turn]) & (rng.random(count) < again * 0.8**turn)
        pause = rng.uniform(1, 60, size=count) * HOUR
        reopened[:, turn] = np.where(hit, resolved[:, turn] + pause, np.nan)
        effort = np.exp(rng.normal(2.6, 0.9, size=count)) * slow * HOUR
        resolved[:, turn + 1] = reopened[:, turn] + effort
    return np.round(answered), np.round(resolved), np.round(reopened)


def _with_bot(
    times: tuple[Floats, Floats, Floats],
    opened: Floats,
    bot_solved: NDArray[np.bool_],
    rng: np.random.Generator,
) -> tuple[Floats, Floats, Floats]:
    """What the bot settles is settled within minutes and stays so."""
    answered, resolved, reopened = times
    quick = np.round(opened + rng.uniform(5, 60, size=len(opened)))
    resolved[bot_solved] = np.nan
    reopened[bot_solved] = np.nan
    resolved[bot_solved, 0] = quick[bot_solved] + 240
    return np.where(bot_solved, quick, answered), resolved, reopened


def _satisfaction(
    panel: Panel, row: Ints, days: Floats, reopenings: Ints, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Score 1 ... 5 of those who answer, and seconds until they do."""
    count = len(row)
    mood = 4.5 - 0.35 * np.log1p(days) - 0.7 * reopenings + 0.5 * panel.shift("tone")[row]
    score = np.clip(np.round(mood + rng.normal(0, 0.8, size=count)), 1, 5)
    rated = rng.random(count) < RATED * np.where(
        panel.people.messages[panel.customer[row]] > 0, 1.0, 0.5
    )
    return np.where(rated, score, np.nan), np.where(
        rated, rng.uniform(0.02, 4.0, size=count) * DAY, np.nan
    )


def ticket_frame(tickets: Tickets, panel: Panel, words: Words) -> pd.DataFrame:
    """Rows of the tickets table; ``resolved_at`` is the last time, as most systems keep it."""
    names, start = words.names["tickets"], panel.world.start
    known = np.isfinite(tickets.csat_at)
    rounds = np.isfinite(tickets.resolved).sum(axis=1)
    waiting = np.isfinite(tickets.reopened).sum(axis=1) >= rounds
    last = np.where(waiting, np.nan, tickets.last_resolved)
    return pd.DataFrame(
        {
            "ticket_id": tickets.ids,
            "customer_id": panel.people.ids[tickets.customer],
            "opened_at": instants(start, tickets.opened),
            "category": labels(names["categories"], tickets.category),
            "priority": labels(names["priorities"], tickets.priority),
            "channel": labels(names["channels"], tickets.channel),
            "line": tickets.line,
            "handled_by": np.where(
                tickets.bot_solved, "bot", labels(names["agents"], tickets.agent)
            ),
            "first_response_at": instants(start, tickets.answered),
            "resolved_at": instants(start, last),
            "csat": np.where(known, tickets.csat, np.nan),
            "csat_at": instants(start, tickets.csat_at),
        }
    )


def ticket_event_frame(tickets: Tickets, panel: Panel, words: Words) -> pd.DataFrame:
    """Rows of the ticket_events table, by ticket and time."""
    agents = labels(words.names["tickets"]["agents"], tickets.agent)
    agents = np.where(tickets.bot_solved, "bot", agents)
    handed = np.where(tickets.bot & ~tickets.bot_solved, tickets.opened + 90, np.nan)
    bot = tickets.bot_solved
    solved = np.where(bot[:, None], np.nan, tickets.resolved).T
    parts = [
        _part("assigned", np.where(tickets.bot_solved, np.nan, tickets.opened + 60), agents),
        _part("handed_over", handed, "bot"),
        _part("replied", tickets.answered, agents),
        _part("transferred", tickets.transferred, agents, "other_team"),
        _part("line_changed", tickets.transferred + 5, agents, "2"),
        _part("escalated", tickets.escalated, agents),
        _part("line_changed", tickets.escalated + 5, agents, "3"),
        *[_part("resolved", done, agents) for done in solved],
        *[_part("reopened", again, "customer") for again in tickets.reopened.T],
        _part("bot_resolved", np.where(bot, tickets.resolved[:, 0], np.nan), "bot"),
        _part("resolved", np.where(bot, tickets.resolved[:, 0] + 1, np.nan), "bot"),
    ]
    frame = pd.concat(parts)
    frame = frame[np.isfinite(frame["seconds"])].reset_index(names="place")
    frame = frame.sort_values(["place", "seconds", "kind"], kind="stable", ignore_index=True)
    frame["event_time"] = instants(panel.world.start, frame["seconds"].to_numpy())
    frame["ticket_id"] = tickets.ids[frame["place"].to_numpy()]
    return frame[["ticket_id", "event_time", "kind", "value", "author"]]


def _part(
    kind: str, seconds: Floats, author: str | NDArray[np.object_], value: str | None = None
) -> pd.DataFrame:
    frame = pd.DataFrame({"seconds": seconds, "kind": kind, "author": author})
    frame["value"] = pd.Series([value] * len(frame), dtype=object)
    return frame
