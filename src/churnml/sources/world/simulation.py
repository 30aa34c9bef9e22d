"""The whole world, drawn in chunks of customers: clean tables, dirty tables and truth."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from churnml import arguments
from churnml.contract import TABLES
from churnml.errors import InputError
from churnml.sources.world.billing import draw_invoices, draw_subscriptions, subscription_frame
from churnml.sources.world.calendar import Calendar, draw_calendar
from churnml.sources.world.chain import TENURES, Chain, build_chain, oracle_table
from churnml.sources.world.contacts import contact_frame, draw_contacts
from churnml.sources.world.dirt import arrived, soiled
from churnml.sources.world.journey import (
    attribute_frame,
    customer_frame,
    draw_interventions,
    draw_stages,
)
from churnml.sources.world.messages import draw_messages
from churnml.sources.world.panel import build_panel
from churnml.sources.world.parameters import WEEK, Floats, Ints, World, draw_world, world_of
from churnml.sources.world.paths import VOLUNTARY, Paths, draw_paths
from churnml.sources.world.people import People, draw_people
from churnml.sources.world.relations import (
    draw_consents,
    draw_obligations,
    draw_outreach,
    draw_surveys,
)
from churnml.sources.world.resampling import resampled
from churnml.sources.world.tables import instants, labels
from churnml.sources.world.tickets import draw_tickets, ticket_event_frame, ticket_frame
from churnml.sources.world.usage import draw_events
from churnml.sources.world.words import Words, read_words
from churnml.sources.world.writing import (
    EXITS,
    ORACLE,
    Writers,
    built_aside,
    check_target,
    schema_of,
    write_description,
    write_marker,
)

WORLDS = ("saas",)
CHUNK = 2000
MOST_CUSTOMERS = 1_000_000
LEAST_WEEKS, MOST_WEEKS = 20, 1040


@dataclass(frozen=True)
class Setting:
    """What is common to all customers of a world."""

    world: World
    words: Words
    calendar: Calendar
    chain: Chain
    oracle: Floats


def simulate(
    out: Path | str,
    *,
    customers: int = 2000,
    weeks: int = 104,
    seed: int = 7,
    population_seed: int | None = None,
    causes_seed: int | None = None,
    world: str = "saas",
) -> dict[str, int]:
    """Rows per table of a simulated company written to ``out``.

    ``out/data`` holds the canonical tables with late, repeated and broken rows and dataset.toml;
    ``out/truth`` the exits, the exact probabilities and the tables before dirt and lateness.

    Parameters
    ----------
    out : Path or str
        Absent, empty or an earlier world; replaced only when everything is written.
    customers : int
        Customers over the whole time; about half are there at the start.
    weeks : int
    seed : int
        Settles causes, effects and calendar.
    population_seed : int, optional
        Settles the people; default: ``seed``.
    causes_seed : int, optional
        Draws shares, speeds, strengths and signals of the causes anew; default: as designed.
    world : str
        Name of the kind of company.

    Raises
    ------
    InputError
        If an argument is out of range or ``out`` holds something else.

    Examples
    --------
    >>> rows = ch.simulate(Path("company"), customers=30, weeks=20, seed=7)
    >>> rows["customers"], sorted(path.name for path in Path("company").iterdir())
    (30, ['data', 'truth'])
    """
    population_seed = seed if population_seed is None else population_seed
    out = arguments.located(out, what="out")
    _check(customers, weeks, (seed, population_seed, causes_seed or 0), world)
    check_target(out)
    setting = draw_setting(world, weeks=weeks, seed=seed, causes_seed=causes_seed)
    with built_aside(out) as folder:
        with Writers(folder) as writers:
            calendar = {"calendar": _calendar_frame(setting)}
            _write_tables(writers, setting.world, calendar, np.random.default_rng([seed, 3]))
            for chunk, first in enumerate(range(0, customers, CHUNK)):
                numbers = np.arange(first, min(first + CHUNK, customers))
                rng = np.random.default_rng([population_seed, 2, chunk])
                _write_chunk(writers, setting, numbers, rng)
            rows = {name: writers.rows[f"data/{name}"] for name in TABLES}
        for place in ("data", "truth/clean"):
            write_description(
                folder / place, setting.world, setting.words, name=f"simulated-{world}"
            )
        made_from = {
            "world": world,
            "customers": customers,
            "weeks": weeks,
            "seed": seed,
            "population_seed": population_seed,
            **({} if causes_seed is None else {"causes_seed": causes_seed}),
        }
        write_marker(folder, {**made_from, "parameters": setting.world.values})
    return rows


def _check(customers: int, weeks: int, seeds: tuple[int, ...], world: str) -> None:
    if world not in WORLDS:
        raise InputError(f"There is no world {world!r}. Known: {', '.join(WORLDS)}.")
    if not 1 <= customers <= MOST_CUSTOMERS:
        raise InputError(f"customers is {customers}; expected 1 to {MOST_CUSTOMERS}.")
    if not LEAST_WEEKS <= weeks <= MOST_WEEKS:
        raise InputError(f"weeks is {weeks}; expected {LEAST_WEEKS} to {MOST_WEEKS}.")
    if min(seeds) < 0:
        raise InputError(f"A seed is {min(seeds)}; expected whole numbers from 0 up.")


def draw_setting(name: str, *, weeks: int, seed: int, causes_seed: int | None = None) -> Setting:
    """Parameters, calendar, chain and exact probabilities of a world."""
    rng = np.random.default_rng([seed, 1])
    words = read_words()
    world = draw_world(name, weeks=weeks, rng=rng)
    if causes_seed is not None:
        other = resampled(world.values, np.random.default_rng([causes_seed, 4]))
        world = world_of(other, weeks=weeks)
    calendar = draw_calendar(world, words, rng)
    chain = build_chain(world, calendar.outage_weeks)
    return Setting(world, words, calendar, chain, oracle_table(chain, weeks))


def _write_chunk(
    writers: Writers, setting: Setting, numbers: Ints, rng: np.random.Generator
) -> None:
    """Draw some customers and append their rows to every file."""
    people = draw_people(setting.world, setting.words, numbers, rng)
    paths = draw_paths(setting.chain, setting.world, people.types, rng)
    frames, terms = _tables(setting, people, paths, rng)
    _write_tables(writers, setting.world, frames, rng)
    writers.add("truth/exits", _exits(setting, people, paths), EXITS)
    writers.add("truth/oracle", _oracle(setting, people, paths, terms), ORACLE)


def _write_tables(
    writers: Writers, world: World, frames: dict[str, pd.DataFrame], rng: np.random.Generator
) -> None:
    """Append the rows of the observed time, and of them those that arrived in it, with faults."""
    edge = world.start + pd.Timedelta(days=7 * world.weeks)
    for name, frame in frames.items():
        table = TABLES[name]
        clean = frame[frame[table.time] < edge]
        writers.add(f"truth/clean/{name}", clean, schema_of(table, known_at=False))
        known = arrived(clean, table, world["arrival"], rng)
        dirty = soiled(known[known["known_at"] < edge], table, world["dirt"], rng)
        writers.add(f"data/{name}", dirty, schema_of(table, known_at=True))


def _tables(
    setting: Setting, people: People, paths: Paths, rng: np.random.Generator
) -> tuple[dict[str, pd.DataFrame], pd.DataFrame]:
    """Clean rows of every table with customers, and the terms of the subscriptions."""
    words, calendar = setting.words, setting.calendar
    panel = build_panel(setting.world, people, paths, rng)
    events = draw_events(panel, calendar, words, rng)
    logins = events[events["name"] == words.names["events"]["login"]]
    terms = draw_subscriptions(panel, paths.spells, words, rng)
    tickets = draw_tickets(panel, calendar, words, rng)
    contacts = draw_contacts(panel, paths, rng)
    consents, withdrawn = draw_consents(panel, paths, rng)
    frames = {
        "customers": customer_frame(
            panel, paths, terms, logins.groupby("customer_id")["event_time"].max(), words, rng
        ),
        "attribute_changes": attribute_frame(panel, terms, words, rng),
        "subscriptions": subscription_frame(terms, panel, words),
        "events": events,
        "tickets": ticket_frame(tickets, panel, words),
        "ticket_events": ticket_event_frame(tickets, panel, words),
        "messages": draw_messages(panel, tickets, contacts, words, rng),
        "contacts": contact_frame(contacts, panel, words, rng),
        "invoices": draw_invoices(panel, paths.spells, terms, rng),
        "surveys": draw_surveys(panel, paths, tickets, words, rng),
        "outreach": draw_outreach(panel, calendar, withdrawn, rng),
        "obligations": draw_obligations(panel, paths, words, rng),
        "stages": draw_stages(panel, paths, words, rng),
        "consents": consents,
        "interventions": draw_interventions(panel, paths, words, rng),
    }
    return frames, terms


def _calendar_frame(setting: Setting) -> pd.DataFrame:
    start, calendar = setting.world.start, setting.calendar
    return pd.DataFrame(
        {
            "kind": calendar.kind,
            "starts_at": instants(start, calendar.starts),
            "ends_at": instants(start, calendar.ends),
            "scope": calendar.scope,
        }
    )


def _exits(setting: Setting, people: People, paths: Paths) -> pd.DataFrame:
    """Voluntary exits with their cause and the week boundary at which it began to show."""
    spells, world = paths.spells, setting.world
    left = np.flatnonzero(spells.end_kind == VOLUNTARY)
    return pd.DataFrame(
        {
            "customer_id": people.ids[spells.customer[left]],
            "exit_at": instants(world.start, spells.end[left]),
            "cause": labels(
                [*world.causes, "sudden"],
                np.where(spells.cause[left] < 0, len(world.causes), spells.cause[left]),
            ),
            "signal_began_at": instants(world.start, spells.signal_began[left]),
        }
    )


def _oracle(setting: Setting, people: People, paths: Paths, terms: pd.DataFrame) -> pd.DataFrame:
    """Exact probability for everybody with an open subscription at each week boundary."""
    there = (paths.states >= 0) & ~_lapsed(terms, paths.states.shape)
    customer, week = np.nonzero(there)
    tenure = np.minimum(paths.tenure[customer, week], TENURES - 1)
    state = paths.states[customer, week]
    return pd.DataFrame(
        {
            "customer_id": people.ids[customer],
            "as_of": instants(setting.world.start, week.astype(np.float64) * WEEK),
            "probability": setting.oracle[week, people.types[customer], tenure, state],
        }
    )


def _lapsed(terms: pd.DataFrame, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Whether a week boundary falls into a gap between two subscriptions of one spell."""
    lapsed = np.zeros(shape, dtype=bool)
    following = terms["started"].shift(-1).where(terms["spell"] == terms["spell"].shift(-1))
    gaps = terms[following > terms["ended"]]
    for row, until in zip(gaps.itertuples(), following[gaps.index], strict=True):
        first, last = int(np.ceil(row.ended / WEEK)), int(np.ceil(until / WEEK))
        lapsed[row.customer, max(first, 0) : last] = True
    return lapsed
