"""What passes between company and customer besides support: surveys, outreach, consents."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from churnml.sources.world.calendar import Calendar, draw_instants
from churnml.sources.world.panel import Panel, chance
from churnml.sources.world.parameters import DAY, HOUR, Floats, Ints
from churnml.sources.world.paths import VOLUNTARY, Paths
from churnml.sources.world.tables import instants, labels, not_after, serial_ids
from churnml.sources.world.tickets import Tickets
from churnml.sources.world.words import Words

NPS_EVERY = 13
#: Answers follow the mood of this many weeks ago: a nine can be stale.
NPS_LAG = 4
NPS_ANSWERED = -0.9
CSAT_SURVEYED = 0.5
CES_ANSWERED = 0.05
EXIT_ANSWERED = 0.35
MISREPORTED = 0.2
CAMPAIGN_EVERY = 4
CHECK_IN_EVERY = (12, 6, 4)
MEETING_EVERY = (0, 13, 8)
REVIEW_EVERY = 13


def draw_surveys(
    panel: Panel, paths: Paths, tickets: Tickets, words: Words, rng: np.random.Generator
) -> pd.DataFrame:
    """Rows of the surveys table: quarterly NPS that lags, CSAT and CES by ticket, exit surveys."""
    parts = [
        _nps(panel, rng),
        *_by_ticket(panel, tickets, rng),
        _exit_surveys(panel, paths, words, rng),
    ]
    return _stacked(parts, panel, "answered_at")


def _nps(panel: Panel, rng: np.random.Generator) -> pd.DataFrame:
    phase = panel.people.number % NPS_EVERY
    due = np.flatnonzero((panel.week % NPS_EVERY == phase[panel.customer]) & (panel.tenure >= 6))
    who = panel.customer[due]
    asked = due[rng.random(len(due)) < chance(NPS_ANSWERED + 0.8 * panel.people.responsive[who])]
    past = (asked - NPS_LAG).clip(min=0)
    past = np.where(panel.customer[past] == panel.customer[asked], past, asked)
    score = panel.people.nps[panel.customer[asked]] + panel.shift("nps")[past]
    score = np.clip(np.round(score + rng.normal(0, 1.1, size=len(asked))), 0, 10)
    at = draw_instants(panel.monday[asked], rng)
    inside = panel.inside(asked, at)
    return _part(panel.customer[asked][inside], at[inside], kind="nps", score=score[inside])


def _by_ticket(panel: Panel, tickets: Tickets, rng: np.random.Generator) -> list[pd.DataFrame]:
    rated = np.isfinite(tickets.csat_at)
    chosen = np.flatnonzero(rated & (rng.random(len(tickets)) < CSAT_SURVEYED))
    csat = _part(
        tickets.customer[chosen], tickets.csat_at[chosen], kind="csat", score=tickets.csat[chosen]
    )
    csat["ticket_id"] = tickets.ids[chosen]
    last = tickets.last_resolved
    some = np.flatnonzero(np.isfinite(last) & (rng.random(len(tickets)) < CES_ANSWERED))
    effort = 5.6 - 0.5 * np.log1p((last[some] - tickets.opened[some]) / DAY)
    effort = np.clip(np.round(effort + rng.normal(0, 1.0, size=len(some))), 1, 7)
    edge = panel.ends[tickets.row[some]]
    at = not_after(last[some] + rng.uniform(0.1, 20, size=len(some)) * HOUR, edge)
    ces = _part(tickets.customer[some], at, kind="ces", score=effort)
    ces["ticket_id"] = tickets.ids[some]
    return [csat, ces[np.isfinite(ces["seconds"])]]


def _exit_surveys(
    panel: Panel, paths: Paths, words: Words, rng: np.random.Generator
) -> pd.DataFrame:
    spells = paths.spells
    left = np.flatnonzero(
        (spells.end_kind == VOLUNTARY) & (rng.random(len(spells.end)) < EXIT_ANSWERED)
    )
    at = spells.end[left] + rng.uniform(1, 150, size=len(left)) * HOUR
    left, at = left[at < panel.world.end_seconds], at[at < panel.world.end_seconds]
    reasons = [words.names["surveys"]["exit_reasons"][c] for c in (*panel.world.causes, "sudden")]
    code = np.where(spells.cause[left] < 0, len(reasons) - 1, spells.cause[left])
    other = rng.integers(len(reasons), size=len(left))
    code = np.where(rng.random(len(left)) < MISREPORTED, other, code)
    part = _part(spells.customer[left], at, kind="exit", score=np.full(len(left), np.nan))
    part["reason"] = labels(reasons, code)
    return part


def _part(who: Ints, at: Floats, *, kind: str, score: Floats) -> pd.DataFrame:
    frame = pd.DataFrame({"customer": who, "seconds": at, "kind": kind, "score": score})
    frame["reason"] = pd.Series([None] * len(frame), dtype=object)
    frame["ticket_id"] = pd.Series([None] * len(frame), dtype=object)
    return frame


def _stacked(parts: list[pd.DataFrame], panel: Panel, time: str) -> pd.DataFrame:
    """The parts in order of customer and time, under the canonical names."""
    frame = pd.concat(parts, ignore_index=True).sort_values(["customer", "seconds"], kind="stable")
    frame.insert(0, "customer_id", panel.people.ids[frame["customer"].to_numpy(dtype=np.int64)])
    frame.insert(1, time, instants(panel.world.start, frame["seconds"].to_numpy(dtype=float)))
    return frame.drop(columns=["customer", "seconds"]).reset_index(drop=True)


def draw_outreach(
    panel: Panel, calendar: Calendar, withdrawn: Floats, rng: np.random.Generator
) -> pd.DataFrame:
    """Rows of the outreach table; campaigns stop when marketing consent is withdrawn."""
    segment = panel.people.segment[panel.customer]
    phase = panel.people.number[panel.customer] * 7 + panel.week
    check_in, meeting = np.array(CHECK_IN_EVERY)[segment], np.array(MEETING_EVERY)[segment]
    parts = [
        _campaigns(panel, withdrawn, calendar, rng),
        _contacts(panel, np.flatnonzero(phase % check_in == 0), "check_in", rng),
        _contacts(
            panel,
            np.flatnonzero((meeting > 0) & (phase % meeting.clip(min=1) == 2)),
            "meeting",
            rng,
        ),
    ]
    frame = _stacked(parts, panel, "sent_at")
    for column in ("opened_at", "replied_at", "attended_at", "cancelled_at", "unsubscribed_at"):
        frame[column] = instants(panel.world.start, frame[column].to_numpy(dtype=float))
    return frame


def _campaigns(
    panel: Panel, withdrawn: Floats, calendar: Calendar, rng: np.random.Generator
) -> pd.DataFrame:
    rows = np.flatnonzero(panel.week % CAMPAIGN_EVERY == 1)
    sent = panel.monday[rows] + 1.4 * DAY + rng.integers(0, 1800, size=len(rows))
    keep = panel.inside(rows, sent) & ~(sent >= withdrawn[panel.customer[rows]])
    rows, sent = rows[keep], sent[keep]
    opened = _answers(panel, rows, sent, -0.7, "opened", 20.0, rng)
    news = np.where(np.isin(panel.week[rows], calendar.release_weeks), 0.8, 0.0)
    out = chance(-5.2 + panel.shift("unsubscribed")[rows] + news)
    gone = np.where(np.isfinite(opened) & (rng.random(len(rows)) < 3 * out), opened + 120, np.nan)
    return _outreach(
        panel, rows, sent, kind="campaign", channel="email", opened=opened, unsubscribed=gone
    )


def _contacts(panel: Panel, rows: Ints, kind: str, rng: np.random.Generator) -> pd.DataFrame:
    """Personal contacts: check-ins are answered, meetings attended or cancelled."""
    sent = draw_instants(panel.monday[rows], rng)
    keep = panel.inside(rows, sent)
    rows, sent = rows[keep], sent[keep]
    opened = _answers(panel, rows, sent, 0.8, "opened", 12.0, rng)
    slow = np.exp(-0.5 * panel.shift("replied")[rows])
    replied = _answers(panel, rows, sent, 0.1, "replied", 16.0 * slow, rng)
    if kind == "check_in":
        return _outreach(
            panel, rows, sent, kind=kind, channel="email", opened=opened, replied=replied
        )
    there = rng.random(len(rows)) < chance(
        1.1 + 0.5 * panel.people.responsive[panel.customer[rows]] + panel.shift("attended")[rows]
    )
    attended = sent + rng.uniform(3, 9, size=len(rows)) * DAY
    cancelled = np.where(
        ~there & (rng.random(len(rows)) < 0.7),
        attended - rng.uniform(2, 40, size=len(rows)) * HOUR,
        np.nan,
    )
    return _outreach(
        panel, rows, sent, kind=kind, channel="call", opened=opened, replied=replied,
        attended=np.where(there, attended, np.nan), cancelled=cancelled,
    )  # fmt: skip


def _answers(
    panel: Panel,
    rows: Ints,
    sent: Floats,
    level: float,
    effect: str,
    hours: float | Floats,
    rng: np.random.Generator,
) -> Floats:
    """When they react, NaN where they do not."""
    log_odds = (
        level + 0.6 * panel.people.responsive[panel.customer[rows]] + panel.shift(effect)[rows]
    )
    hit = rng.random(len(rows)) < chance(log_odds)
    wait = np.exp(rng.normal(0, 1.0, size=len(rows))) * hours * HOUR
    return np.where(hit, np.round(sent + wait), np.nan)


def _outreach(
    panel: Panel, rows: Ints, sent: Floats, *, kind: str, channel: str, **times: Floats
) -> pd.DataFrame:
    edge = panel.spell_ends[rows]
    frame = pd.DataFrame(
        {"customer": panel.customer[rows], "seconds": sent, "kind": kind, "channel": channel}
    )
    for name in ("opened", "replied", "attended", "cancelled", "unsubscribed"):
        frame[f"{name}_at"] = not_after(times.get(name, np.full(len(rows), np.nan)), edge)
    return frame


def draw_consents(
    panel: Panel, paths: Paths, rng: np.random.Generator
) -> tuple[pd.DataFrame, Floats]:
    """Rows of the consents table, and when marketing consent was withdrawn (NaN: never)."""
    count = len(panel.people)
    withdrawn = np.full(count, np.nan)
    rate = 0.0008 * np.exp(panel.shift("unsubscribed"))
    hit = np.flatnonzero(rng.random(len(panel)) < rate)[::-1]
    withdrawn[panel.customer[hit]] = np.round(
        panel.begins[hit] + 0.5 * (panel.ends[hit] - panel.begins[hit])
    )
    everyone, since = np.arange(count), paths.signed_up
    given, bonus = rng.random(count) < 0.85, rng.random(count) < 0.7
    taken = np.flatnonzero(given & np.isfinite(withdrawn))
    never = np.zeros(len(taken), dtype=bool)
    rows = [
        _consent(everyone, since, "marketing", given),
        _consent(everyone, since + 1, "incentives", bonus),
        _consent(taken, withdrawn[taken], "marketing", never),
    ]
    return _stacked(rows, panel, "changed_at"), np.where(given, withdrawn, -np.inf)


def _consent(who: Ints, at: Floats, kind: str, granted: NDArray[np.bool_]) -> pd.DataFrame:
    return pd.DataFrame({"customer": who, "seconds": at, "kind": kind, "granted": granted})


def draw_obligations(
    panel: Panel, paths: Paths, words: Words, rng: np.random.Generator
) -> pd.DataFrame:
    """Rows of the obligations table: steps of onboarding, then a review each quarter."""
    names = words.names["obligations"]
    who, due, kind, weight = _duties(panel, paths, names)
    row = _rows_before(panel, who, due)
    done = rng.random(len(who)) < chance(
        1.3 + 0.7 * panel.people.responsive[who] + panel.shift("obligation_done")[row]
    )
    at = due + rng.normal(-2.0, 4.0, size=len(who)) * DAY
    announced = due - np.where(kind == len(names["onboarding"]), 14.0, 7.0) * DAY
    edge = panel.spell_ends[row]
    start = panel.world.start
    frame = pd.DataFrame(
        {
            "obligation_id": serial_ids("O", panel.people.number, who),
            "customer_id": panel.people.ids[who],
            "due_at": instants(start, due),
            "announced_at": instants(start, np.round(announced)),
            "kind": labels([*names["onboarding"], names["regular"]], kind),
            "weight": weight,
            "done_at": instants(
                start, np.where(done, not_after(np.maximum(at, announced + HOUR), edge), np.nan)
            ),
        }
    )
    return frame[announced < edge].reset_index(drop=True)


def _duties(
    panel: Panel, paths: Paths, names: dict[str, list[str]]
) -> tuple[Ints, Floats, Ints, Floats]:
    spells = paths.spells
    days = np.array(names["onboarding_days"], dtype=float)
    regular = np.arange(1, 1 + panel.world.weeks // REVIEW_EVERY + 10) * REVIEW_EVERY * 7 + 45.0
    after = np.concatenate([days, regular])
    kind = np.concatenate([np.arange(len(days)), np.full(len(regular), len(days))])
    due = spells.start[:, None] + after * DAY
    end = np.where(np.isfinite(spells.end), spells.end, panel.world.end_seconds + 14 * DAY)
    inside = (due >= 8 * DAY) & (due < end[:, None] + 14 * DAY)
    spell, place = np.nonzero(inside)
    weight = np.where(kind[place] == len(days), 2.0, 1.0)
    return spells.customer[spell], np.round(due[inside]), kind[place], weight


def _rows_before(panel: Panel, who: Ints, at: Floats) -> Ints:
    """Panel row of each customer a week before that time, or its last one before."""
    key = panel.customer * 100_000 + panel.week
    wanted = who * 100_000 + (at // (7 * DAY)).astype(np.int64) - 1
    place = (np.searchsorted(key, wanted, side="right") - 1).clip(min=0)
    later = np.searchsorted(key, who * 100_000, side="left").clip(max=len(key) - 1)
    return np.where(panel.customer[place] == who, place, later)
