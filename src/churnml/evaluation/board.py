"""The replays of one evaluation: the queue at every load, on all customers or on drawn ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from churnml.alerting.queue import Around, Floats, Integers, Policy, floors, replay
from churnml.evaluation.leads import Outlook, queue_figures
from churnml.evaluation.reference import Chance, above_random, chances, random_floors
from churnml.evaluation.slices import Cut, slices_of_queue

#: Positions within one whole customer at which the load is cut instead of rounded up.
PHASES = 16
_SMALLEST_SHARE = 1e-9


@dataclass(frozen=True, slots=True)
class Board:
    """What the replays need: exits ahead, keys, loads, chance at each load, cuts, surroundings.

    The policy itself stands under the empty name; a further load under a prefix of the figures.
    """

    ahead: Outlook
    keys: tuple[Floats, ...]
    policies: Mapping[str, Policy]
    chances: Mapping[str, Chance]
    floors: Mapping[str, Floats]
    cuts: tuple[Cut, ...]
    around: Around | None

    def figures(self, keys: Floats, drawn: Integers) -> dict[str, float]:
        """Figures of the drawn customers at every load; a further load is a prefix of the name."""
        figures: dict[str, float] = {}
        around = None if self.around is None else self.around.drawn(drawn)
        for prefix, policy in self.policies.items():
            floor = self.floors[prefix]
            alerts = replay(keys, self.ahead.grid.times, policy, floors=floor, around=around)
            at_load = queue_figures(self.ahead, *alerts, drawn)
            random = self.chances[prefix].recall(self.ahead, drawn)
            at_load["recall_above_random"] = above_random(at_load["recall_at_lead_21d"], random)
            at_load["random_recall_at_lead_21d"] = random
            figures |= {prefix + name: value for name, value in at_load.items()}
            if not prefix and self.cuts:
                dice = self.chances[prefix]
                figures |= slices_of_queue(self.cuts, self.ahead, dice, alerts, drawn)
        return figures

    def chance_figures(self) -> dict[str, float]:
        """The figures of chance at every load, under the same names."""
        return {
            prefix + name: value
            for prefix, dice in self.chances.items()
            for name, value in (
                dice.figures
                | {
                    "recall_above_random": 0.0,
                    "random_recall_at_lead_21d": dice.figures["recall_at_lead_21d"],
                }
            ).items()
        }

    def rounding(
        self, keys: Floats, everyone: Integers, figures: Mapping[str, float]
    ) -> dict[str, float]:
        """How much each figure would move if the load were exactly q and not rounded up.

        ``ceil(q * eligible)`` alerts half a customer a week too many on average: nothing in a large
        company, several per cent of the load in a small one. ``ceil(q * eligible - u)`` with u
        spread evenly over [0, 1) is the exact load on average.

        Parameters
        ----------
        keys, everyone : arrays
            Of the replay that gave the figures.
        figures : mapping of str to float
        """
        weeks = len(self.ahead.grid.times)
        moved: list[dict[str, float]] = []
        for phase in (np.arange(PHASES) + 0.5) / PHASES:
            policies = {
                prefix: _less(policy, phase, alerts=figures[f"{prefix}n_alerts"], weeks=weeks)
                for prefix, policy in self.policies.items()
            }
            moved.append(replace(self, policies=policies).figures(keys, everyone))
        exact = pd.DataFrame(moved).mean()
        return {str(name): float(exact[name] - figures[str(name)]) for name in exact.index}


def _less(policy: Policy, part: float, *, alerts: float, weeks: int) -> Policy:
    """The policy with a load that is smaller by this part of a customer a week."""
    if alerts == 0:
        return policy
    eligible = alerts / weeks / policy.q
    return replace(policy, q=max(policy.q - part / eligible, _SMALLEST_SHARE))


def prefix_of(q: float) -> str:
    """The prefix of figures at a further load."""
    return f"q={q:g}:"


def board_of(
    ahead: Outlook,
    keys: tuple[Floats, ...],
    policy: Policy,
    cuts: tuple[Cut, ...],
    around: Around | None,
    *,
    loads: Sequence[float],
    seed: int,
) -> Board:
    """The replays of a policy and of further loads, with what chance reaches at each.

    Parameters
    ----------
    keys : tuple of arrays
        Of the score; of chance several.
    loads : sequence of float
        Loads beside the policy's own.
    """
    others = sorted(set(loads) - {policy.q})
    policies = {"": policy} | {prefix_of(q): replace(policy, q=q) for q in others}
    random = chances(ahead, keys[0], policies, seed=seed, around=around)
    times = ahead.grid.times
    found = {
        prefix: floors(keys[0], times, at_load)
        if len(keys) == 1
        else random_floors(keys[0], times, at_load)
        for prefix, at_load in policies.items()
    }
    return Board(ahead, keys, policies, random, found, cuts, around)
