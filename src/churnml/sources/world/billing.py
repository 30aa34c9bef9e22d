"""Subscriptions and invoices: growth, seat cuts, downgrades, short gaps, late payments."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from churnml.sources.world.panel import Panel, chance
from churnml.sources.world.parameters import DAY, HOUR, WEEK, Floats, Ints, World
from churnml.sources.world.paths import INVOLUNTARY, VOLUNTARY, Spells
from churnml.sources.world.people import People
from churnml.sources.world.tables import instants, labels, not_after, serial_ids
from churnml.sources.world.words import Words

GROWTH = 0.004
SEAT_CUT = 0.0012
DOWNGRADE = 0.0005
UPGRADE = 0.0006
#: Weekly chance of a lapse that is renewed inside the grace.
GAP = 0.0006
GAP_DAYS = (1.0, 11.0)
YEARLY_RISE = (0.02, 0.07)
FINAL_INVOICE = 0.3


@dataclass(frozen=True)
class Changes:
    """What alters a subscription, by customer and time."""

    customer: Ints
    moment: Floats
    kind: list[str]
    factor: Floats


def draw_subscriptions(
    panel: Panel, spells: Spells, words: Words, rng: np.random.Generator
) -> pd.DataFrame:
    """Subscription rows with times in seconds (``started``, ``ended``) and plan as a code.

    A change closes a row and opens the next at the same instant; a gap leaves some days between.
    """
    people, world = panel.people, panel.world
    changes = _changes(panel, spells, rng)
    by_spell = _by_spell(changes, spells)
    rises = rng.uniform(*YEARLY_RISE, size=len(spells.start))
    gaps = rng.uniform(*GAP_DAYS, size=len(changes.moment)) * DAY
    prices = np.array(words.names["customers"]["plan_price"])
    rows: list[tuple[object, ...]] = []
    for spell, own in enumerate(by_spell):
        who = int(spells.customer[spell])
        state = _Terms(
            int(people.plan[who]), int(people.seats[who]), float(people.price[who]), prices
        )
        began = float(spells.start[spell])
        for place in own:
            at, kind = float(changes.moment[place]), changes.kind[place]
            before = (state.plan, state.seats, state.price)
            state.alter(kind, float(changes.factor[place]), float(rises[spell]))
            if kind != "gap" and before == (state.plan, state.seats, state.price):
                continue
            rows.append((spell, who, began, at, *before, "change"))
            began = at + (float(gaps[place]) if kind == "gap" else 0.0)
        rows.append(
            (spell, who, began, spells.end[spell], state.plan, state.seats, state.price, "end")
        )
    return _frame(rows, spells, people, world)


class _Terms:
    """Plan, seats and price per seat of one customer, as they change."""

    def __init__(self, plan: int, seats: int, price: float, prices: Floats) -> None:
        self.plan, self.seats, self.price, self.prices = plan, seats, price, prices

    def alter(self, kind: str, factor: float, rise: float) -> None:
        """Apply one change."""
        if kind in ("grow", "cut"):
            self.seats = max(2, round(self.seats * factor))
        elif kind == "rise":
            self.price *= 1 + rise
        elif kind in ("downgrade", "upgrade"):
            plan = min(max(self.plan + (1 if kind == "upgrade" else -1), 0), len(self.prices) - 1)
            self.price *= float(self.prices[plan] / self.prices[self.plan])
            self.plan = plan


def _changes(panel: Panel, spells: Spells, rng: np.random.Generator) -> Changes:
    """Changes during the panel's weeks, and yearly price rises."""
    calm = np.full(len(panel), 1.0)
    rates = {
        "grow": GROWTH * calm * (panel.strength < 0.3),
        "cut": SEAT_CUT + panel.shift("seat_cut"),
        "downgrade": DOWNGRADE + panel.shift("downgrade"),
        "upgrade": UPGRADE * calm * (panel.strength < 0.3),
        "gap": GAP * calm,
    }
    factors = {"grow": (1.08, 1.4), "cut": (0.45, 0.85)}
    customer, at, kind, factor = [], [], [], []
    for name, rate in rates.items():
        hit = np.flatnonzero(rng.random(len(panel)) < rate)
        moment = np.floor(_within(panel, hit, rng))
        room = (
            not_after(moment + GAP_DAYS[1] * DAY, _spell_end(panel, spells, hit))
            if name == "gap"
            else moment
        )
        hit, moment = hit[np.isfinite(room)], moment[np.isfinite(room)]
        customer.append(panel.customer[hit])
        at.append(moment)
        kind += [name] * len(hit)
        factor.append(rng.uniform(*factors.get(name, (1.0, 1.0)), size=len(hit)))
    years = _anniversaries(spells, panel.world)
    return Changes(
        np.concatenate([*customer, years[0]]),
        np.concatenate([*at, years[1]]),
        kind + ["rise"] * len(years[0]),
        np.concatenate([*factor, np.ones(len(years[0]))]),
    )


def _within(panel: Panel, rows: Ints, rng: np.random.Generator) -> Floats:
    """Any instant of what each panel row covers."""
    return panel.begins[rows] + rng.random(len(rows)) * (panel.ends[rows] - panel.begins[rows])


def _spell_end(panel: Panel, spells: Spells, rows: Ints) -> Floats:
    """End of the spell that holds each panel row, the end of the world where it is open."""
    order = np.lexsort((spells.start, spells.customer))
    key = spells.customer[order] * 1e12 + spells.start[order]
    place = np.searchsorted(key, panel.customer[rows] * 1e12 + panel.begins[rows], side="right") - 1
    end = spells.end[order][place]
    return np.where(np.isfinite(end), end, panel.world.end_seconds)


def _anniversaries(spells: Spells, world: World) -> tuple[Ints, Floats]:
    """Customer and time of every yearly renewal inside a spell and the observed time."""
    year = 365 * DAY
    end = np.where(np.isfinite(spells.end), spells.end, world.end_seconds)
    turns = np.arange(1, 1 + int(np.ceil((end - spells.start).max() / year)))
    at = spells.start[:, None] + turns * year
    inside = (at < end[:, None]) & (at >= 0)
    return spells.customer[np.nonzero(inside)[0]], at[inside]


def _by_spell(changes: Changes, spells: Spells) -> list[list[int]]:
    """Changes of every spell in time order; none while a gap lasts."""
    key = spells.customer * 1e12 + spells.start
    place = np.searchsorted(key, changes.customer * 1e12 + changes.moment, side="right") - 1
    own: list[list[int]] = [[] for _ in key]
    quiet_until = np.full(len(key), -np.inf)
    for index in np.lexsort((changes.moment, place)).tolist():
        spell = int(place[index])
        if changes.moment[index] <= max(
            float(spells.start[spell]) + DAY, float(quiet_until[spell])
        ):
            continue
        own[spell].append(index)
        wait = GAP_DAYS[1] * DAY if changes.kind[index] == "gap" else 0.0
        quiet_until[spell] = changes.moment[index] + wait
    return own


def _frame(
    rows: list[tuple[object, ...]], spells: Spells, people: People, world: World
) -> pd.DataFrame:
    names = ["spell", "customer", "started", "ended", "plan", "seats", "price", "closing"]
    frame = pd.DataFrame(rows, columns=names)
    frame[["started", "ended"]] = frame[["started", "ended"]].astype(float).round()
    kind = np.where(frame["closing"] == "end", spells.end_kind[frame["spell"].to_numpy()], 0)
    frame["end_reason"] = labels(("", "voluntary", "involuntary"), np.where(kind == 0, -1, kind))
    frame["mrr"] = (frame["seats"] * frame["price"]).astype(float).round(2)
    frame["subscription_id"] = serial_ids("S", people.number, frame["customer"].to_numpy())
    return frame.drop(columns=["price", "closing"])


def subscription_frame(terms: pd.DataFrame, panel: Panel, words: Words) -> pd.DataFrame:
    """Rows of the subscriptions table."""
    who = terms["customer"].to_numpy()
    start = panel.world.start
    return pd.DataFrame(
        {
            "subscription_id": terms["subscription_id"],
            "customer_id": panel.people.ids[who],
            "started_at": instants(start, terms["started"].to_numpy()),
            "ended_at": instants(start, terms["ended"].to_numpy()),
            "plan": labels(
                words.names["customers"]["plans"], terms["plan"].to_numpy(dtype=np.int64)
            ),
            "mrr": terms["mrr"],
            "seats": terms["seats"].astype("int64"),
            "billing_days": panel.people.billing_days[who],
            "end_reason": terms["end_reason"],
        }
    )


def draw_invoices(
    panel: Panel, spells: Spells, terms: pd.DataFrame, rng: np.random.Generator
) -> pd.DataFrame:
    """Rows of the invoices table: one at the beginning of every billing period."""
    spell, issued = _issues(panel, spells, rng)
    who = spells.customer[spell]
    amount = _mrr(terms, spell, issued) * panel.people.billing_days[who] / 30
    row = _row_at(panel, who, issued + 10 * DAY)
    due = issued + 14 * DAY
    late = rng.random(len(who)) < chance(
        panel.people.late_payer[who] + panel.shift("late_payment")[row]
    )
    delay = np.where(
        late, rng.uniform(1.5, 24, size=len(who)), -rng.uniform(0.2, 12, size=len(who))
    )
    failing = rng.random(len(who)) < chance(-3.4 + panel.shift("failed_payment")[row])
    failed = np.where(failing, due - rng.uniform(0, 3, size=len(who)) * DAY, np.nan)
    disputing = rng.random(len(who)) < chance(-4.7 + panel.shift("dispute")[row])
    disputed = np.where(disputing, issued + rng.uniform(1, 12, size=len(who)) * DAY, np.nan)
    paid = due + delay * DAY
    paid = np.where(
        failing, np.maximum(paid, failed + rng.uniform(0.5, 9, size=len(who)) * DAY), paid
    )
    unpaid = (spells.end_kind[spell] == INVOLUNTARY) & (paid > spells.end[spell] - 21 * DAY)
    start, edge = panel.world.start, np.full(len(who), panel.world.end_seconds)
    return pd.DataFrame(
        {
            "invoice_id": serial_ids("I", panel.people.number, who),
            "customer_id": panel.people.ids[who],
            "issued_at": instants(start, issued),
            "amount": np.round(amount, 2),
            "due_at": instants(start, due),
            "paid_at": instants(start, np.where(unpaid, np.nan, not_after(paid, edge))),
            "failed_at": instants(start, not_after(failed, edge)),
            "disputed_at": instants(start, not_after(disputed, edge)),
        }
    )


def _issues(panel: Panel, spells: Spells, rng: np.random.Generator) -> tuple[Ints, Floats]:
    """Spell and time of every invoice in the observed time; some leavers get a last one."""
    period = panel.people.billing_days[spells.customer] * DAY
    end = np.where(np.isfinite(spells.end), spells.end, panel.world.end_seconds)
    longest = int(np.ceil(((end - spells.start) / period).max())) + 1
    at = spells.start[:, None] + np.arange(longest) * period[:, None]
    inside = (at < end[:, None]) & (at >= 0)
    spell, issued = np.nonzero(inside)[0], at[inside]
    last = np.flatnonzero((spells.end_kind == VOLUNTARY) & (rng.random(len(end)) < FINAL_INVOICE))
    final = spells.end[last] + rng.uniform(1, 72, size=len(last)) * HOUR
    last, final = last[final < panel.world.end_seconds], final[final < panel.world.end_seconds]
    spell, issued = np.concatenate([spell, last]), np.round(np.concatenate([issued, final]))
    order = np.lexsort((issued, spell))
    return spell[order], issued[order]


def _mrr(terms: pd.DataFrame, spell: Ints, at: Floats) -> Floats:
    """Recurring revenue at each time, from the terms that began last."""
    terms = terms.sort_values(["spell", "started"])
    key = terms["spell"].to_numpy() * 1e12 + terms["started"].to_numpy()
    place = np.searchsorted(key, spell * 1e12 + at, side="right") - 1
    return np.asarray(terms["mrr"].to_numpy(dtype=float)[place.clip(min=0)])


def _row_at(panel: Panel, who: Ints, at: Floats) -> Ints:
    """Panel row of the customer at that time, or the last one before."""
    key = panel.customer * 100_000 + panel.week
    wanted = who * 100_000 + (at // WEEK).astype(np.int64)
    return (np.searchsorted(key, wanted, side="right") - 1).clip(min=0)
