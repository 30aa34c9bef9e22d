"""What shows of the hidden lives: one row per customer and week with the effects in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from churnml.sources.world.chain import RECOVERING, cause_of, stage_of
from churnml.sources.world.parameters import SHIFTS, WEEK, Floats, Ints, World
from churnml.sources.world.paths import Paths
from churnml.sources.world.people import People

SUMMER = 0.10
#: Levels and log odds stop moving here, rates go on.
MOST_SHIFT = 1.3


@dataclass(frozen=True)
class Panel:
    """Customer-weeks with something to see, ordered by customer and week; shape (n_rows,).

    A row covers ``[begins, ends)``: a week, cut at the start and the end of the spell. Everything
    in it follows from ``state``, the one at its end, or at its beginning (``before``) where the
    spell ends in it. ``strength`` is how far things have fallen, ``voice`` how far those have risen
    that rise: complaints, exports, price pages are loud first and die away before the end.
    """

    world: World
    people: People
    customer: Ints
    week: Ints
    begins: Floats
    ends: Floats
    state: Ints
    before: Ints
    cause: Ints
    tenure: Ints
    strength: Floats
    voice: Floats
    activity: Floats

    def __len__(self) -> int:
        return len(self.customer)

    @property
    def monday(self) -> Floats:
        """Beginning of the whole week."""
        return np.asarray(self.week * WEEK, dtype=np.float64)

    @property
    def spell_ends(self) -> Floats:
        """End of the spell, or of the observed time, that each row belongs to."""
        new = np.append(True, (self.begins[1:] != self.ends[:-1]) | (np.diff(self.customer) > 0))
        last = np.append(np.flatnonzero(new)[1:], len(new)) - 1
        return np.asarray(self.ends[last][np.cumsum(new) - 1])

    def factor(self, name: str) -> Floats:
        """What the episode multiplies this rate by."""
        return np.asarray(np.exp(self.shift(name)))

    def shift(self, name: str) -> Floats:
        """What the episode adds to this log odds or level."""
        effect = np.append(self.world.effect(name), 0.0)[self.cause]
        loud = np.where(effect > 0, self.voice, self.strength)
        return np.asarray((loud.clip(max=MOST_SHIFT) if name in SHIFTS else loud) * effect)

    def repeat(self, rates: Floats, rng: np.random.Generator) -> Ints:
        """Row numbers, each as often as a Poisson draw with its rate says."""
        return np.repeat(np.arange(len(self)), rng.poisson(rates))

    def inside(self, rows: Ints, times: Floats) -> NDArray[np.bool_]:
        """Whether a time lies in the part of the week that the row covers."""
        return np.asarray((times >= self.begins[rows]) & (times < self.ends[rows]))


def build_panel(world: World, people: People, paths: Paths, rng: np.random.Generator) -> Panel:
    """The customer-weeks of some customers."""
    remembered = _last_cause(paths.states)
    loudness = np.where(remembered >= 0, paths.loudness, 0.0)
    strength, voice = (_by_stage(world, paths, name) * loudness for name in ("fall", "rise"))
    activity = _activity(world, paths.states.shape, rng)
    begins, ends = _covered(world, paths)
    customer, week = np.nonzero(ends > begins)
    at = (customer, week)
    shown = (customer, np.where(paths.states[customer, week + 1] >= 0, week + 1, week))
    return Panel(
        world=world, people=people, customer=customer, week=week, begins=begins[at], ends=ends[at],
        state=paths.states[shown].clip(min=0), before=paths.states[at].clip(min=0),
        cause=remembered[shown], tenure=paths.tenure[at], strength=strength[shown],
        voice=voice[shown], activity=activity[at],
    )  # fmt: skip


def _by_stage(world: World, paths: Paths, name: str) -> Floats:
    """How strong effects of that kind are at each boundary."""
    stages = np.append(np.array(world["stages"][name]), 0.0)[stage_of(paths.states)]
    return np.where(paths.states == RECOVERING, world["stages"]["recovering"], stages)


def _last_cause(states: Ints) -> Ints:
    """Cause of the episode; the last one while recovering; -1 otherwise."""
    cause = cause_of(states)
    for week in range(1, states.shape[1]):
        recovering = states[:, week] == RECOVERING
        cause[recovering, week] = cause[recovering, week - 1]
    return cause


def _activity(world: World, shape: tuple[int, int], rng: np.random.Generator) -> Floats:
    """Ups and downs that mean nothing: wobble, own holidays, projects, summer."""
    rules = world["population"]
    memory, sigma = rules["wobble_memory"], rules["wobble_sigma"]
    wobble = rng.normal(0, sigma, size=shape)
    for week in range(1, shape[1]):
        wobble[:, week] = memory * wobble[:, week - 1] + np.sqrt(1 - memory**2) * wobble[:, week]
    quiet = _bouts(shape, rules["vacation_rate"], rng)
    busy = _bouts(shape, rules["busy_rate"], rng)
    of_year = np.arange(shape[1]) % 52 + 1
    summer = np.where((of_year >= 27) & (of_year <= 34), -SUMMER, 0.0)
    level = wobble - 1.6 * quiet + 0.7 * busy + summer
    return np.asarray(np.exp(level - sigma**2 / 2))


def _bouts(shape: tuple[int, int], rate: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Independent stretches of one to five weeks."""
    begins = rng.random(shape) < rate
    length = rng.integers(1, 6, size=shape)
    active = np.zeros(shape, dtype=bool)
    for lag in range(5):
        active[:, lag:] |= begins[:, : shape[1] - lag] & (length[:, : shape[1] - lag] > lag)
    return active


def _covered(world: World, paths: Paths) -> tuple[Floats, Floats]:
    """First and last instant of each customer-week inside a spell; equal where there is none."""
    shape = (len(paths.states), paths.states.shape[1] - 1)
    mondays = np.broadcast_to(np.arange(shape[1]) * WEEK, shape)
    begins, ends = mondays.copy(), np.where(paths.states[:, :-1] >= 0, mondays + WEEK, mondays)
    spells = paths.spells
    first = (spells.start // WEEK).astype(np.int64)
    new = (first >= 0) & (first < shape[1])
    begins[spells.customer[new], first[new]] = spells.start[new]
    ends[spells.customer[new], first[new]] = mondays[spells.customer[new], first[new]] + WEEK
    gone = np.isfinite(spells.end)
    last = (spells.end[gone] // WEEK).astype(np.int64)
    ends[spells.customer[gone], last] = spells.end[gone]
    return begins, ends


def chance(log_odds: Floats) -> Floats:
    """Probability from log odds."""
    return np.asarray(1.0 / (1.0 + np.exp(-log_odds)))
