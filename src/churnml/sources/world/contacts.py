"""People at the customer: champions who leave, newcomers who take over, and who writes when."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from churnml.sources.world.chain import FIRST_STAGE
from churnml.sources.world.panel import Panel
from churnml.sources.world.parameters import DAY, Floats, Ints
from churnml.sources.world.paths import Paths, last_ends
from churnml.sources.world.tables import instants, labels, not_after, numbered, serial_ids
from churnml.sources.world.words import Words

ROLES = ("champion", "executive", "admin", "user", "billing")
CHAMPION, EXECUTIVE, ADMIN, USER, BILLING = range(5)
#: Weekly chance that a champion changes job without any meaning.
TURNOVER = 0.0022
REPLACED = 0.65


@dataclass(frozen=True)
class Contacts:
    """Contacts of some customers, times in seconds, by customer; ``until`` is NaN if open."""

    customer: Ints
    role: Ints
    since: Floats
    until: Floats

    def writer(self, customers: Ints, at: Floats, role: Ints, rng: np.random.Generator) -> Ints:
        """A contact of that customer who was there at that time, preferably in that role."""
        count = np.bincount(self.customer, minlength=int(self.customer.max()) + 1)
        first = np.concatenate([[0], np.cumsum(count)])[:-1]
        best = first[customers] + np.floor(rng.random(len(customers)) * count[customers]).astype(
            np.int64
        )
        rank = np.full(len(customers), -1.0)
        for offset in range(int(count.max())):
            place = np.minimum(first[customers] + offset, first[customers] + count[customers] - 1)
            there = (self.since[place] <= at) & ~(self.until[place] <= at)
            value = (
                there * (1.0 + 2.0 * (self.role[place] == role)) + rng.random(len(customers)) * 0.9
            )
            better = value > rank
            best[better], rank[better] = place[better], value[better]
        return best


def draw_contacts(panel: Panel, paths: Paths, rng: np.random.Generator) -> Contacts:
    """The people at every customer over the whole time."""
    count = len(panel.people)
    since = paths.signed_up
    parts = [_standing(count, since, panel, rng)]
    left_who, left_at = _departures(panel, rng)
    parts.append(_champions(since, left_who, left_at, rng))
    parts.append(_newcomers(panel, rng))
    customer, role, begins, ends = (np.concatenate(column) for column in zip(*parts, strict=True))
    edge = last_ends(paths.spells, count)
    kept = ~(begins >= edge[customer])
    ends = not_after(ends, edge[customer])
    order = np.flatnonzero(kept)[np.lexsort((role[kept], begins[kept], customer[kept]))]
    return Contacts(customer[order], role[order], np.round(begins[order]), np.round(ends[order]))


Part = tuple[Ints, Ints, Floats, Floats]


def _standing(count: int, since: Floats, panel: Panel, rng: np.random.Generator) -> Part:
    """Admin, billing, users and at bigger customers an executive, there from the sign-up on."""
    everyone = np.arange(count)
    users = 1 + (panel.people.segment > 0) + (panel.people.segment > 1)
    who = np.concatenate(
        [everyone, everyone, np.repeat(everyone, users), everyone[panel.people.segment > 0]]
    )
    role = np.repeat(
        [ADMIN, BILLING, USER, EXECUTIVE],
        [count, count, users.sum(), (panel.people.segment > 0).sum()],
    )
    begins = since[who] + rng.uniform(0, 2, size=len(who)) * DAY * (role != ADMIN)
    return who, role, begins, np.full(len(who), np.nan)


def _departures(panel: Panel, rng: np.random.Generator) -> tuple[Ints, Floats]:
    """When champions leave: as an episode of that cause begins, or for no reason."""
    entered = (panel.state >= FIRST_STAGE) & _first_stage(panel)
    chance = np.where(entered, panel.world.effect("champion_leaves")[panel.cause], 0.0)
    hit = np.flatnonzero(rng.random(len(panel)) < np.maximum(chance, TURNOVER))
    at = panel.begins[hit] + rng.uniform(0, 10, size=len(hit)) * DAY
    return panel.customer[hit], at


def _first_stage(panel: Panel) -> NDArray[np.bool_]:
    """Whether the episode began with this row."""
    same = np.append(
        False, (panel.customer[1:] == panel.customer[:-1]) & (panel.state[:-1] >= FIRST_STAGE)
    )
    return np.asarray(~same)


def _champions(since: Floats, who: Ints, at: Floats, rng: np.random.Generator) -> Part:
    """The first champion, and one after each who left, if he is replaced at all."""
    order = np.lexsort((at, who))
    who, at = who[order], at[order]
    arrival = np.where(
        rng.random(len(who)) < REPLACED, at + rng.uniform(3, 35, size=len(who)) * DAY, np.nan
    )
    rows: list[tuple[int, float, float]] = []
    current = since.copy()
    for customer, gone, new in zip(who.tolist(), at.tolist(), arrival.tolist(), strict=True):
        if np.isnan(current[customer]) or gone <= current[customer]:
            continue
        rows.append((customer, float(current[customer]), gone))
        current[customer] = new
    rows += [(c, float(t), float("nan")) for c, t in enumerate(current.tolist()) if not np.isnan(t)]
    table = np.array(rows)
    return table[:, 0].astype(np.int64), np.full(len(table), CHAMPION), table[:, 1], table[:, 2]


def _newcomers(panel: Panel, rng: np.random.Generator) -> Part:
    """New people: rarely for no reason, often after a champion has left."""
    hit = np.flatnonzero(rng.random(len(panel)) < 0.003 + panel.shift("new_contact"))
    span = panel.ends[hit] - panel.begins[hit]
    at = panel.begins[hit] + rng.random(len(hit)) * span
    role = np.where(rng.random(len(hit)) < 0.4, EXECUTIVE, USER)
    return panel.customer[hit], role, at, np.full(len(hit), np.nan)


def contact_frame(
    contacts: Contacts, panel: Panel, words: Words, rng: np.random.Generator
) -> pd.DataFrame:
    """Rows of the contacts table with invented names; later joiners than the data end are cut."""
    people, names = panel.people, words.names["people"]
    who, count = contacts.customer, len(contacts.customer)
    russian = people.russian[who]
    first, last = (_called(names, part, russian, rng) for part in ("first", "last"))
    until = np.where(contacts.until < panel.world.end_seconds, contacts.until, np.nan)
    frame = pd.DataFrame(
        {
            "contact_id": contact_ids(contacts, panel),
            "customer_id": people.ids[who],
            "role": labels(ROLES, contacts.role),
            "active_from": instants(panel.world.start, contacts.since),
            "active_until": instants(panel.world.start, until),
            "name": first + " " + last,
            "email": numbered("person", rng.integers(10_000, size=count)).to_numpy(dtype=object)
            + numbered("@customer", people.number[who]).to_numpy(dtype=object) + ".example",
            "phone": numbered("+7495", rng.integers(1_000_000, 9_999_999, size=count)),
        }
    )  # fmt: skip
    return frame[contacts.since < panel.world.end_seconds]


def _called(
    names: dict[str, list[str]], part: str, russian: NDArray[np.bool_], rng: np.random.Generator
) -> NDArray[np.object_]:
    """First or last names in the language of each customer."""
    drawn = [
        labels(
            names[f"{part}_{language}"],
            rng.integers(len(names[f"{part}_{language}"]), size=len(russian)),
        )
        for language in ("ru", "en")
    ]
    return np.where(russian, *drawn)


def contact_ids(contacts: Contacts, panel: Panel) -> NDArray[np.object_]:
    """Ids in the order of the contacts."""
    return serial_ids("P", panel.people.number, contacts.customer)
