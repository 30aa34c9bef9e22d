"""One world's parameters: every range of the world's data file drawn once, by seed."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

WEEK = 7 * 86_400.0
DAY = 86_400.0
HOUR = 3_600.0

#: Effects that shift (neutral value 0); all others are factors (neutral value 1).
SHIFTS = (
    "reopen", "escalate", "late_payment", "failed_payment", "dispute", "opened", "replied",
    "attended", "unsubscribed", "obligation_done", "tone", "nps", "seat_cut", "downgrade",
    "new_contact", "champion_leaves",
)  # fmt: skip
NOT_EFFECTS = ("share", "speed", "segments")


@dataclass(frozen=True)
class World:
    """What holds for everybody in one world.

    Parameters
    ----------
    start : Timestamp
        First week boundary, naive UTC.
    weeks : int
    values : dict
        The data file with every range replaced by the value drawn.
    causes : tuple of str
        Causes in the order of the states.
    effects : dict of str to array, shape (n_causes,)
        Effect at full strength: log factors, or shifts for ``SHIFTS``.
    """

    start: pd.Timestamp
    weeks: int
    values: dict[str, Any]
    causes: tuple[str, ...]
    effects: dict[str, Floats]

    def __getitem__(self, section: str) -> dict[str, Any]:
        content: dict[str, Any] = self.values[section]
        return content

    @property
    def end_seconds(self) -> float:
        """Right edge of the observed time, in seconds from the start."""
        return self.weeks * WEEK

    def effect(self, name: str) -> Floats:
        """The effect of every cause at full strength; neutral where the file is silent."""
        return self.effects.get(name, np.zeros(len(self.causes)))


def draw_world(name: str, *, weeks: int, rng: np.random.Generator) -> World:
    """The parameters of a world.

    Parameters
    ----------
    name : str
        Name of the data file beside this module.
    weeks : int
    rng : Generator
    """
    ranges = tomllib.loads(files(__package__).joinpath(f"{name}.toml").read_text(encoding="utf-8"))
    return world_of(_drawn(ranges, rng), weeks=weeks)


def world_of(values: dict[str, Any], *, weeks: int) -> World:
    """The world with these parameters."""
    causes = tuple(values["causes"])
    names = sorted({key for cause in values["causes"].values() for key in cause} - set(NOT_EFFECTS))
    effects = {key: _effect(key, values["causes"]) for key in names}
    first: date = values["start"]
    return World(pd.Timestamp(first), weeks, values, causes, effects)


def _drawn(content: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """Every pair ``[low, high]`` replaced by a number between; longer lists stay."""
    drawn: dict[str, Any] = {}
    for key, value in content.items():
        if isinstance(value, dict):
            drawn[key] = _drawn(value, rng)
        elif isinstance(value, list) and len(value) == 2:
            drawn[key] = float(rng.uniform(value[0], value[1]))
        else:
            drawn[key] = value
    return drawn


def _effect(name: str, causes: dict[str, dict[str, Any]]) -> Floats:
    neutral = 0.0 if name in SHIFTS else 1.0
    raw = np.array([float(cause.get(name, neutral)) for cause in causes.values()])
    return raw if name in SHIFTS else np.log(raw)
