"""Lives: the weekly states of every customer drawn from the chain, with exits and returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from churnml.sources.world.chain import FIRST_STAGE, HEALTHY, RECOVERING, TENURES, Chain, cause_of
from churnml.sources.world.parameters import WEEK, Floats, Ints, World

ABSENT = -1
VOLUNTARY = 1
INVOLUNTARY = 2
#: Weeks after an exit in which a customer may come back; the first lies beyond the grace.
RETURN_WEEKS = (5, 30)


@dataclass(frozen=True)
class Spells:
    """Uninterrupted times as a customer; times in seconds from the start of the world.

    ``end_kind``: 0 still there, 1 voluntary, 2 involuntary. ``cause`` is -1 for a sudden exit or
    none, ``signal_began`` NaN there.
    """

    customer: Ints
    start: Floats
    end: Floats
    end_kind: Ints
    cause: Ints
    signal_began: Floats


@dataclass(frozen=True)
class Paths:
    """Hidden weekly lives; arrays of shape (n_customers, weeks + 1), by state at the week boundary.

    The state at a boundary is what the week before it showed: a week is lived in the state that it
    ends in, so that nothing visible ever depends on what comes after the boundary.
    ``tenure`` counts weeks since the first boundary of the spell (0 there). ``loudness`` is how
    visible the episode is, 1 where there is none.
    """

    states: Ints
    tenure: Ints
    loudness: NDArray[np.float64]
    signed_up: Floats
    spells: Spells


class _Walk:
    """The lives under way: current state of everybody, and the spells finished so far."""

    def __init__(self, chain: Chain, world: World, types: Ints, rng: np.random.Generator) -> None:
        self.chain, self.world, self.types, self.rng = chain, world, types, rng
        count = len(types)
        self.state = np.full(count, ABSENT)
        self.tenure = np.zeros(count, dtype=np.int64)
        self.loudness = np.ones(count)
        self.began = np.full(count, np.nan)
        self.start = np.full(count, np.nan)
        self.back_from = np.full(count, np.iinfo(np.int64).max)
        self.finished: list[tuple[NDArray[Any], ...]] = []
        self.cumulative = np.cumsum(chain.fixed, axis=1)

    def enter(self, who: Ints, *, at: Floats, state: Ints, tenure: Ints) -> None:
        """Begin a spell; the episode some are already in began when we first look."""
        self.start[who] = at
        self.state[who] = state
        self.tenure[who] = tenure
        self._begin_episodes(who[state >= FIRST_STAGE], at=0.0)

    def _begin_episodes(self, who: Ints, *, at: float) -> None:
        rules = self.world["episode"]
        sigma = rules["loudness_sigma"]
        noise = self.rng.normal(-0.5 * sigma**2, sigma, size=len(who))
        self.loudness[who] = rules["loudness_mean"] * np.exp(noise)
        self.began[who] = at

    def step(self, week: int) -> None:
        """Draw what happens in the week after boundary ``week``."""
        there = np.flatnonzero(self.state >= 0)
        before = self.state[there]
        after = self._next(there, before, week)
        self.state[there] = after
        self.tenure[there] += 1
        fresh = (before < FIRST_STAGE) & (after >= FIRST_STAGE) & (after < self.chain.exit_state)
        self._begin_episodes(there[fresh], at=week * WEEK)
        gone = after >= self.chain.exit_state
        self._leave(there[gone], before[gone], after[gone] == self.chain.exit_state, week)

    def _next(self, there: Ints, before: Ints, week: int) -> Ints:
        draw = self.rng.random(len(there))
        after = (draw[:, None] >= self.cumulative[before]).sum(axis=1)
        calm = np.flatnonzero(before < FIRST_STAGE)
        after[calm] = self._next_calm(there[calm], before[calm], draw[calm], week)
        return np.asarray(after.clip(max=self.chain.involuntary_state))

    def _next_calm(self, who: Ints, before: Ints, draw: Floats, week: int) -> Ints:
        chain = self.chain
        recovering = before == RECOVERING
        chances = chain.onsets(self.types[who], week, self.tenure[who])
        chances = chances * np.where(recovering, chain.relapse, 1.0)[:, None]
        calm = np.column_stack([np.full(len(who), chain.involuntary), recovering * chain.settle])
        place = (draw[:, None] >= np.cumsum(np.hstack([chances, calm]), axis=1)).sum(axis=1)
        targets = np.concatenate([chain.onset_states, [chain.involuntary_state, HEALTHY, ABSENT]])
        after = targets[place]
        return np.where(after == ABSENT, before, after)

    def _leave(self, who: Ints, before: Ints, voluntary: NDArray[np.bool_], week: int) -> None:
        at = np.floor((week + self.rng.random(len(who))) * WEEK)
        sick = before >= FIRST_STAGE
        cause = np.where(sick, cause_of(before), -1)
        began = np.where(sick, self.began[who], np.nan)
        kind = np.where(voluntary, VOLUNTARY, INVOLUNTARY)
        self.finished.append((who, self.start[who], at, kind, cause, began))
        self.state[who] = ABSENT
        self.tenure[who] = 0
        self.back_from[who[voluntary]] = week + RETURN_WEEKS[0]

    def win_back(self, week: int) -> None:
        """Some of those who left come back during this week, seen from the next boundary on."""
        weeks_open = week - self.back_from
        open_ = (weeks_open >= 0) & (weeks_open <= RETURN_WEEKS[1] - RETURN_WEEKS[0])
        could = np.flatnonzero(open_ & (self.state == ABSENT))
        back = could[self.rng.random(len(could)) < self.world["population"]["won_back"]]
        self.back_from[back] = np.iinfo(np.int64).max
        at = np.floor((week + self.rng.uniform(0.05, 0.75, size=len(back))) * WEEK)
        zeros = np.zeros(len(back), dtype=np.int64)
        self.enter(back, at=at, state=zeros, tenure=zeros)

    def spells(self) -> Spells:
        """All spells, those still open with an end of NaN."""
        there = np.flatnonzero(self.state >= 0)
        nothing = np.full(len(there), np.nan)
        zeros, none = np.zeros(len(there)), np.full(len(there), -1)
        parts = [*self.finished, (there, self.start[there], nothing, zeros, none, nothing)]
        customer, start, end, kind, cause, began = (
            np.concatenate(p) for p in zip(*parts, strict=True)
        )
        order = np.lexsort((start, customer))
        return Spells(
            customer[order].astype(np.int64), start[order], end[order],
            kind[order].astype(np.int64), cause[order].astype(np.int64), began[order],
        )  # fmt: skip


def last_ends(spells: Spells, count: int) -> Floats:
    """End of the last spell of each customer; NaN for those still there."""
    ends = np.full(count, np.nan)
    ends[spells.customer] = spells.end
    return ends


def draw_paths(chain: Chain, world: World, types: Ints, rng: np.random.Generator) -> Paths:
    """The lives of some customers.

    Parameters
    ----------
    chain : Chain
    world : World
    types : array of int, shape (n_customers,)
    rng : Generator
    """
    count, weeks = len(types), world.weeks
    walk = _Walk(chain, world, types, rng)
    signed_up = _sign_ups(world, count, rng)
    old = np.flatnonzero(signed_up < 0)
    age = np.ceil(-signed_up[old] / WEEK).astype(np.int64)
    walk.enter(
        old,
        at=signed_up[old],
        state=_initial(chain, types[old], rng),
        tenure=age.clip(max=TENURES - 1),
    )
    states = np.full((count, weeks + 1), ABSENT, dtype=np.int64)
    tenure = np.zeros((count, weeks + 1), dtype=np.int64)
    loudness = np.ones((count, weeks + 1))
    for week in range(weeks):
        states[:, week], tenure[:, week], loudness[:, week] = walk.state, walk.tenure, walk.loudness
        walk.step(week)
        walk.win_back(week)
        new = np.flatnonzero((signed_up >= week * WEEK) & (signed_up < (week + 1) * WEEK))
        zeros = np.zeros(len(new), dtype=np.int64)
        walk.enter(new, at=signed_up[new], state=zeros, tenure=zeros)
    states[:, weeks], tenure[:, weeks], loudness[:, weeks] = walk.state, walk.tenure, walk.loudness
    return Paths(states, tenure, loudness, signed_up, walk.spells())


def _sign_ups(world: World, count: int, rng: np.random.Generator) -> Floats:
    """Sign-up times; negative for those who are there when the world starts."""
    old = rng.random(count) < world["population"]["initial_share"]
    before = -rng.uniform(0.2, 120.0, size=count) * WEEK
    week = np.floor(rng.uniform(0, world.weeks, size=count))
    during = (week + rng.uniform(0.05, 0.75, size=count)) * WEEK
    return np.asarray(np.round(np.where(old, before, during)), dtype=np.float64)


def _initial(chain: Chain, types: Ints, rng: np.random.Generator) -> Ints:
    cumulative = np.cumsum(chain.initial[types], axis=1)
    draw = rng.random(len(types))
    return np.asarray((draw[:, None] >= cumulative).sum(axis=1).clip(max=chain.exit_state - 1))
