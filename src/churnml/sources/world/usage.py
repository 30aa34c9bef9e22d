"""Product events: sessions of users, with logins, key features, exports and price pages."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from churnml.sources.world.calendar import Calendar, draw_instants
from churnml.sources.world.panel import Panel
from churnml.sources.world.parameters import Floats, Ints
from churnml.sources.world.tables import instants, numbered
from churnml.sources.world.words import Words

ACTIONS_PER_MINUTE = 1 / 24.0
#: Share of the sessions that end with a log-out instead of a closed window.
LOGGED_OUT = 0.25
EXPORT_SHARE = 0.04
PRICING_SHARE = 0.016
#: New customers find their way in during these weeks.
WARM_UP_WEEKS = 5


def draw_events(
    panel: Panel, calendar: Calendar, words: Words, rng: np.random.Generator
) -> pd.DataFrame:
    """Rows of the events table.

    Parameters
    ----------
    panel : Panel
    calendar : Calendar
    words : Words
    rng : Generator
    """
    row, begins = _sessions(panel, calendar, rng)
    who = panel.customer[row]
    minutes = panel.people.length[who] * panel.factor("length")[row]
    minutes = minutes * np.exp(rng.normal(0, 0.6, size=len(row)))
    user = _users(panel, row, rng)
    of_session, name = _actions(panel, row, minutes, words, rng)
    number = np.arange(len(row))
    names = _all_names(words)
    session = np.concatenate([number, of_session, number])
    within = rng.random(len(of_session)) * minutes[of_session] * 60
    time = np.concatenate([begins, begins[of_session] + within, begins + minutes * 60])
    code = np.concatenate(
        [np.zeros(len(row), dtype=np.int64), name, np.ones(len(row), dtype=np.int64)]
    )
    value = np.where(code == 1, np.round(minutes, 1)[session], np.nan)
    unseen = (code == 1) & (rng.random(len(code)) >= LOGGED_OUT)
    keep = panel.inside(row[session], time) & ~unseen
    order = np.flatnonzero(keep)[np.lexsort((time[keep], who[session][keep]))]
    return _frame(panel, session[order], time[order], code[order], value[order], row, user, names)


def _all_names(words: Words) -> list[str]:
    events = words.names["events"]
    return [
        events["login"],
        events["leave"],
        *events["export"],
        *events["pricing"],
        *events["key"],
        *events["plain"],
    ]


def _sessions(panel: Panel, calendar: Calendar, rng: np.random.Generator) -> tuple[Ints, Floats]:
    """Panel row and begin of every session; holidays and outages thin them out."""
    warm = np.minimum(1.0, 0.45 + 0.55 * panel.tenure / WARM_UP_WEEKS)
    rate = panel.people.sessions[panel.customer] * panel.activity * warm * panel.factor("sessions")
    row = panel.repeat(rate, rng)
    begins = draw_instants(panel.monday[row], rng)
    russian = panel.people.russian[panel.customer[row]]
    share = np.where(
        russian, calendar.activity(begins, language="ru"), calendar.activity(begins, language="en")
    )
    keep = panel.inside(row, begins) & (rng.random(len(row)) < share)
    return row[keep], begins[keep]


def _users(panel: Panel, row: Ints, rng: np.random.Generator) -> Ints:
    """Which of the customer's users it is: a few are there often; fewer when it narrows."""
    number = panel.people.users[panel.customer[row]] * panel.factor("breadth")[row]
    return np.asarray(
        np.floor(rng.random(len(row)) ** 1.8 * np.maximum(number, 1.0)), dtype=np.int64
    )


def _actions(
    panel: Panel, row: Ints, minutes: Floats, words: Words, rng: np.random.Generator
) -> tuple[Ints, Ints]:
    """Session and name of everything done between login and leave."""
    events = words.names["events"]
    session = np.repeat(np.arange(len(row)), rng.poisson(minutes * ACTIONS_PER_MINUTE))
    at = row[session]
    who = panel.customer[at]
    export = EXPORT_SHARE * panel.people.exporting[who] * panel.factor("export")[at]
    pricing = PRICING_SHARE * panel.factor("pricing")[at]
    key = panel.people.depth[who] * panel.factor("depth")[at]
    draw = rng.random(len(session)) * np.maximum(1.0, export + pricing + key)
    breadth = np.maximum(panel.people.features[who] * panel.factor("breadth")[at], 1.0)
    first = 2
    plain = first + len(events["export"]) + len(events["pricing"]) + len(events["key"])
    name = plain + np.floor(rng.random(len(session)) ** 1.5 * breadth).astype(np.int64)
    for limit, group, offset in (
        (export + pricing + key, "key", len(events["export"]) + len(events["pricing"])),
        (export + pricing, "pricing", len(events["export"])),
        (export, "export", 0),
    ):
        hit = draw < limit
        name[hit] = first + offset + rng.integers(len(events[group]), size=int(hit.sum()))
    return session, name


def _frame(
    panel: Panel,
    session: Ints,
    time: Floats,
    code: Ints,
    value: Floats,
    row: Ints,
    user: Ints,
    names: list[str],
) -> pd.DataFrame:
    who = panel.customer[row][session]
    number = panel.people.number[who]
    return pd.DataFrame(
        {
            "customer_id": _shared(panel.people.ids, who),
            "event_time": instants(panel.world.start, time),
            "name": _shared(np.array(names, dtype=object), code),
            "value": value,
            "user_id": _combined("u", number, user[session]),
            "session_id": _combined("s", number, _rank(who, session)),
        }
    )


def _shared(names: NDArray[np.object_], codes: Ints) -> pd.Series:
    """Strings by code, made once per name."""
    return pd.Series(pd.Categorical.from_codes(codes, categories=pd.Index(names))).astype("str")


def _combined(prefix: str, first: Ints, second: Ints) -> pd.Series:
    codes, unique = pd.factorize(first * 1_000_000 + second)
    text = numbered(prefix, unique // 1_000_000) + "-" + pd.Series(unique % 1_000_000).astype(str)
    return _shared(text.to_numpy(dtype=object), codes)


def _rank(who: Ints, session: Ints) -> Ints:
    """Running number of the session within its customer."""
    first = pd.Series(session).groupby(who).transform("min").to_numpy()
    return np.asarray(session - first, dtype=np.int64)
