"""What keeps an alert back beyond the quiet time: bands, persistence, surroundings, capacity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd

from churnml.alerting.grid import ABSENT, Flags, Floats, Integers, Layout
from churnml.alerting.policy import Policy, share_of

#: Why an alert was kept back; ``Around.held`` and ``Gates.kept`` hold places in this list.
REASONS = ("", "intervention", "outage", "holiday", "dead_feed", "band", "persistence",
           "owner_capacity", "quiet")  # fmt: skip
BAND, PERSISTENCE, CAPACITY, QUIET = range(5, 9)
NOBODY = -1


@dataclass(frozen=True, slots=True)
class Around:
    """What the policy needs to know of the cells of a grid beyond their scores.

    Parameters
    ----------
    held : array of int, shape (n_as_ofs, n_customers)
        Place in ``REASONS`` of what suppresses an alert there; 0: nothing.
    owner : array of int, shape (n_as_ofs, n_customers)
        Number of the owner; ``NOBODY`` where none is known, who has no capacity to run out of.
    control : array of bool, shape (n_customers,)
        Whose alerts are delivered to nobody.
    """

    held: Integers
    owner: Integers
    control: Flags

    @classmethod
    def of(cls, grid: Layout, policy: Policy, surroundings: pd.DataFrame | None) -> Self:
        """The surroundings of scored rows on their grid.

        Parameters
        ----------
        grid : Layout
        policy : Policy
        surroundings : DataFrame, optional
            ``held`` (a reason or None) and ``owner`` (a name or None), row by row as the scores
            behind the grid. None: nothing is held and nobody has an owner.
        """
        held, owner = np.zeros(grid.shape, np.int64), np.full(grid.shape, NOBODY, np.int64)
        if surroundings is not None:
            reasons = surroundings["held"].map(REASONS.index, na_action="ignore")
            cells = (grid.row_as_of, grid.row_customer)
            held[cells] = reasons.where(reasons.notna(), 0).astype("int64").to_numpy()
            owner[cells] = pd.factorize(surroundings["owner"], sort=True)[0]
        control = np.array([policy.in_control(str(name)) for name in grid.customers], dtype=bool)
        return cls(held, owner, control)

    def drawn(self, customers: Integers) -> Around:
        """The surroundings of a resample of the customers."""
        return Around(self.held[:, customers], self.owner[:, customers], self.control[customers])


@dataclass(slots=True)
class Memory:
    """What must be remembered of each customer from one as_of to the next.

    Parameters
    ----------
    inside : array of bool, shape (n_customers,)
        In the band of the policy: entered, and not left since.
    waiting : array of bool, shape (n_customers,)
        Entered and not alerted since.
    recent : array of bool, shape (n - 1, n_customers)
        In the top share of persistence at the last as_ofs, the oldest first.
    """

    inside: Flags
    waiting: Flags
    recent: Flags

    @classmethod
    def blank(cls, policy: Policy, n_customers: int) -> Self:
        """Nothing remembered."""
        kept = policy.persist[1] - 1 if policy.persist else 0
        nothing = np.zeros(n_customers, dtype=bool)
        return cls(nothing, nothing.copy(), np.zeros((kept, n_customers), dtype=bool))


class Gates:
    """Who may be alerted at an as_of; asked in time order, once for each.

    Parameters
    ----------
    policy : Policy
    around : Around
    memory : Memory
        As it stood after the as_of before; brought forward by every ``open``.
    """

    def __init__(self, policy: Policy, around: Around, memory: Memory) -> None:
        self.policy = policy
        self.around = around
        self.memory = memory
        self.kept = around.held[0] if len(around.held) else np.zeros(0, dtype=np.int64)

    def open(self, line: int, keys: Floats) -> Flags:
        """Customers whom no option keeps back at this as_of, capacity aside."""
        kept = self.around.held[line].copy()
        if self.policy.persist is not None:
            kept[(kept == 0) & ~self._persistent(keys, *self.policy.persist)] = PERSISTENCE
        if self.policy.enter is not None:
            kept[(kept == 0) & ~self._entered(keys, self.policy.enter)] = BAND
        self.kept = kept
        return np.asarray(kept == 0)

    def _entered(self, keys: Floats, enter: float) -> Flags:
        before, memory = self.memory.inside, self.memory
        top = in_top(keys, enter)
        wide = top if self.policy.exit is None else in_top(keys, max(enter, self.policy.exit))
        memory.inside = top | (before & wide)
        memory.waiting = (memory.waiting | (memory.inside & ~before)) & memory.inside
        return memory.waiting

    def _persistent(self, keys: Floats, least: int, of: int, share: float) -> Flags:
        flags = np.vstack([self.memory.recent, in_top(keys, share)[None, :]])
        self.memory.recent = flags[1:]
        return np.asarray(flags.sum(axis=0) >= least)

    def pick(self, line: int, keys: Floats, candidates: Integers, load: int) -> Integers:
        """The highest of the candidates within the load and the capacity of their owners."""
        order = candidates[np.argsort(-keys[candidates], kind="stable")]
        if self.policy.owner_capacity is not None:
            owner = self.around.owner[line, order]
            places = _places_within(owner)
            order = order[(owner == NOBODY) | (places < self.policy.owner_capacity)]
        return order[:load]

    def alerted(self, columns: Integers) -> None:
        """Remember who was alerted."""
        self.memory.waiting[columns] = False


def in_top(keys: Floats, share: float) -> Flags:
    """The so many highest of those that have a key, the share rounded up to whole customers."""
    there = keys > ABSENT
    count = share_of(share, int(np.count_nonzero(there)))
    if count == 0:
        return there & False
    first = len(keys) - count
    return np.asarray(there & (keys >= np.partition(keys, first)[first]))


def _places_within(codes: Integers) -> Integers:
    """How many earlier elements have the same code."""
    order = np.argsort(codes, kind="stable")
    new = np.append(True, np.diff(codes[order]) != 0)[: len(codes)]
    starts = np.flatnonzero(new)
    places = np.empty(len(codes), dtype=np.int64)
    places[order] = np.arange(len(codes)) - starts[np.cumsum(new) - 1]
    return places
