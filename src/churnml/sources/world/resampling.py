"""Causes of a kind that no feature was designed on: other shares, speeds, strengths, signals.

A model that is good only on the causes its features were written for looks better than it is. Here
each cause keeps its name and the words its customers use, but what it does to them is drawn anew.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from churnml.sources.world.parameters import NOT_EFFECTS, SHIFTS

Cause = dict[str, Any]

#: A signal of a cause falls silent with this chance …
SILENT = 0.25
#: … and so many signals are borrowed from another cause in its place, on average.
BORROWED = 2.0
#: Spread of the log strength of a signal, of a cause's share, and of its speed.
STRENGTH_SIGMA = 0.4
SHARE_SIGMA = 0.5
SPEEDS = (0.8, 1.25)
#: Strengths stay inside what the tables can bear (a factor of 40, a shift of log odds of 4).
MOST = {True: 4.0, False: float(np.log(40.0))}
#: Shifts that are chances of something in a week, or at the beginning of an episode.
CHANCES = frozenset({"seat_cut", "downgrade", "new_contact", "champion_leaves"})


def resampled(values: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """The drawn parameters of a world with other causes under the same names.

    Parameters
    ----------
    values : dict
        Parameters without ranges; left as they are.
    rng : Generator

    Returns
    -------
    dict
        The same, with ``causes`` drawn anew; the shares still add up to what they did.
    """
    causes: dict[str, Cause] = values["causes"]
    drawn = {name: _signals(name, causes, rng) for name in causes}
    shares = np.array([cause["share"] for cause in causes.values()])
    mixed = shares * np.exp(rng.normal(0.0, SHARE_SIGMA, len(shares)))
    mixed *= shares.sum() / mixed.sum()
    for (name, cause), share in zip(causes.items(), mixed, strict=True):
        speed = float(cause["speed"] * rng.uniform(*SPEEDS))
        drawn[name] |= {"share": float(share), "speed": speed, "segments": cause["segments"]}
    return values | {"causes": drawn}


def _signals(name: str, causes: dict[str, Cause], rng: np.random.Generator) -> Cause:
    """Its own signals, some silent, and some of another cause, all with another strength."""
    own = {key: value for key, value in causes[name].items() if key not in NOT_EFFECTS}
    kept = {key: value for key, value in own.items() if rng.random() >= SILENT}
    others = sorted(
        (key, value)
        for other, cause in causes.items()
        if other != name
        for key, value in cause.items()
        if key not in NOT_EFFECTS and key not in own
    )
    for place in rng.permutation(len(others))[: rng.poisson(BORROWED)]:
        key, value = others[place]
        kept[key] = value
    return {key: _strength(key, value, rng) for key, value in sorted(kept.items())}


def _strength(name: str, value: float, rng: np.random.Generator) -> float:
    """The effect times a drawn factor: shifts as they are, factors as logarithms."""
    shift = name in SHIFTS
    size = float(value if shift else np.log(value)) * float(np.exp(rng.normal(0, STRENGTH_SIGMA)))
    if name in CHANCES:
        return min(size, 0.95)
    size = float(np.clip(size, -MOST[shift], MOST[shift]))
    return size if shift else float(np.exp(size))
